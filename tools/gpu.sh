#!/usr/bin/env bash
# Runs the GPU tests and benchmarks on a machine with a GPU: from a build there, or from a folder to
# which the programs and libraries of a build were copied. A short table comes last. --sanitize runs
# the small parity cases under compute-sanitizer instead. Where the folder of the programs has a folder
# like-75 or like-80 with a libmetalaudio_cuda.so (METALAUDIO_CUDA_LIKE), products and attention run
# through its kernels too. FILTER names cases, TOOLS tools of the sanitizer, where not all are wanted.
# usage: tools/gpu.sh [--sanitize] [FOLDER OF THE PROGRAMS] [FOLDER FOR RESULTS]
set -uo pipefail
cd "$(dirname "$0")/.." || exit

sanitize=
if [ "${1:-}" = --sanitize ]; then
  sanitize=1
  shift
fi
bin=$(realpath "${1:-build/release/bin}")
out=$(mkdir -p "${2:-out}" && realpath "${2:-out}")
export LD_LIBRARY_PATH=$bin:/usr/local/cuda/lib64${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}

# The references are computed on the CPU: as many processes as there are cores share the cases.
shards=$(nproc)
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
# parity REPORT FILTER FOLDER COMMAND…: what the command says of the cases that match.
parity() {
  local report=$1 filter=$2 programs=$3
  shift 3
  for ((i = 0; i < shards; i++)); do
    GTEST_TOTAL_SHARDS=$shards GTEST_SHARD_INDEX=$i "$@" "$programs/nn_cuda_parity_tests" \
      --gtest_brief=1 --gtest_filter="$filter" >"$folder/parity$i" 2>&1 &
  done
  wait
  cat "$folder"/parity* >"$out/$report"
}
products='*onv*:*ttention*:*mul*:*linear*'

# The tests that failed in the reports, and how many passed.
summary() {
  grep -h '\[  FAILED  \]' "$@" | cut -c1-120 | sort -u
  awk '/\[  PASSED  \]/ { passed += $4 } /test suites? ran/ { ran += $2 }
    END { printf "%d passed, %d failed\n", passed, ran - passed; exit ran == 0 || passed != ran }' "$@"
}

if [ -n "$sanitize" ]; then
  # Every operation in float32, and in other types what has kernels of its own for them.
  cases='*.EqualsTheReference/*'
  cases+=":*.IsClose*/${products//:/:*.IsClose*/}"
  reports=()
  for tool in ${TOOLS:-memcheck racecheck initcheck}; do
    parity "sanitize-$tool.txt" "${FILTER:-$cases}" "$bin" \
      compute-sanitizer --tool $tool --print-limit 20 --log-file "$folder/$tool-%p"
    cat "$folder/$tool"-* >>"$out/sanitize-$tool.txt"
    reports+=("$out/sanitize-$tool.txt")
    echo "$tool: $(grep -hoE '(ERROR|RACECHECK) SUMMARY: .*' "$folder/$tool"-* | sort | uniq -c | tr -s ' ' | tr '\n' ';')"
  done
  summary "${reports[@]}" || exit 1
  ! grep -hE '(ERROR|RACECHECK) SUMMARY: ' "${reports[@]}" | grep -qvE 'SUMMARY: 0 (errors|hazards)'
  exit
fi

parity gpu-parity.txt '*' "$bin"
reports=("$out/gpu-parity.txt")
for tests in cuda_tests cuda_dsp_tests cuda_models_tests; do reports+=("$out/$tests.txt"); done
for like in "$bin"/like-*; do
  [ -d "$like" ] || continue
  cp "$bin/nn_cuda_parity_tests" "$like/"  # a program looks for the library beside itself
  report=gpu-parity-$(basename "$like").txt
  parity "$report" "$products" "$like"
  reports+=("$out/$report")
done
for tests in cuda_tests cuda_dsp_tests cuda_models_tests; do
  "$bin/$tests" --gtest_brief=1 >"$out/$tests.txt" 2>&1
done
"$bin/bench_compute" >"$out/bench-compute.txt" 2>&1
"$bin/bench_hybrid" >"$out/bench-hybrid.txt" 2>&1
if [ -x "$bin/bench_cuda_dsp" ]; then  # built where the toolkit has cuFFT
  "$bin/bench_cuda_dsp" --json "$out/bench-cuda-dsp.json" >"$out/bench-cuda-dsp.txt" 2>&1
  cat "$out/bench-cuda-dsp.txt"
fi
"$bin/bench_cuda_htdemucs" --json "$out/bench-cuda.json" >"$out/bench-cuda.txt" 2>&1

cat "$out/bench-compute.txt" "$out/bench-hybrid.txt"
sed -n '/^$/,$p' "$out/bench-cuda.txt"
summary "${reports[@]}"
