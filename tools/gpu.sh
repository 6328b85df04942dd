#!/usr/bin/env bash
# Runs the GPU tests and benchmarks on a machine with a GPU: from a build there, or from a folder to
# which the programs and libraries of a build were copied. A short table comes last.
# usage: tools/gpu.sh [FOLDER OF THE PROGRAMS] [FOLDER FOR RESULTS]
set -uo pipefail
cd "$(dirname "$0")/.."

bin=$(realpath "${1:-build/release/bin}")
out=$(mkdir -p "${2:-out}" && realpath "${2:-out}")
export LD_LIBRARY_PATH=$bin:/usr/local/cuda/lib64${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}

# The references are computed on the CPU: as many processes as there are cores share the cases.
shards=$(nproc)
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
for ((i = 0; i < shards; i++)); do
  GTEST_TOTAL_SHARDS=$shards GTEST_SHARD_INDEX=$i "$bin/nn_cuda_parity_tests" --gtest_brief=1 \
    >"$folder/parity$i" 2>&1 &
done
wait
cat "$folder"/parity* >"$out/gpu-parity.txt"
for tests in cuda_tests cuda_dsp_tests cuda_models_tests; do
  "$bin/$tests" --gtest_brief=1 >"$out/$tests.txt" 2>&1
done
"$bin/bench_compute" >"$out/bench-compute.txt" 2>&1
if [ -x "$bin/bench_cuda_dsp" ]; then  # built where the toolkit has cuFFT
  "$bin/bench_cuda_dsp" --json "$out/bench-cuda-dsp.json" >"$out/bench-cuda-dsp.txt" 2>&1
  cat "$out/bench-cuda-dsp.txt"
fi
"$bin/bench_cuda_htdemucs" --json "$out/bench-cuda.json" >"$out/bench-cuda.txt" 2>&1

cat "$out/bench-compute.txt"
sed -n '/^$/,$p' "$out/bench-cuda.txt"
reports=("$out/gpu-parity.txt" "$out/cuda_tests.txt" "$out/cuda_dsp_tests.txt" "$out/cuda_models_tests.txt")
grep -h '\[  FAILED  \]' "${reports[@]}" | cut -c1-120 | sort -u
awk '/\[  PASSED  \]/ { passed += $4 } /test suites? ran/ { ran += $2 }
  END { printf "%d passed, %d failed\n", passed, ran - passed; exit ran == 0 || passed != ran }' "${reports[@]}"
