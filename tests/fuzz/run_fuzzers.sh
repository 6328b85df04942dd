#!/bin/sh
# usage: tests/fuzz/run_fuzzers.sh SECONDS
# Builds the fuzzers with the fuzz preset and runs each for so long, starting from its corpus. The
# input of a failure is kept in build/fuzz/failures, to be added to the corpus with the repair.
set -eu
seconds=${1:?usage: run_fuzzers.sh SECONDS}
cd "$(dirname "$0")/../.."
corpus=$PWD/tests/fuzz/corpus
failures=$PWD/build/fuzz/failures
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

cmake --preset fuzz >"$work/log" || { cat "$work/log"; exit 1; }
cmake --build --preset fuzz --target fuzz_pickle fuzz_torch_zip fuzz_safetensors fuzz_npy fuzz_onnx fuzz_yaml \
  fuzz_amp fuzz_audio_reader >"$work/log" || { cat "$work/log"; exit 1; }
mkdir -p "$failures"

status=0
for name in pickle torch_zip safetensors npy onnx yaml amp audio_reader; do
  seeds=$corpus/$name
  [ $name = torch_zip ] && seeds="$seeds $PWD/tests/golden/checkpoints"
  leaks=1
  [ $name = audio_reader ] && leaks=0 # libsndfile 1.2.0 leaks where a Vorbis header is broken
  mkdir "$work/$name" # libFuzzer adds what it finds to the first folder
  # shellcheck disable=SC2086
  if ASAN_OPTIONS=detect_leaks=$leaks "build/fuzz/bin/fuzz_$name" -max_total_time="$seconds" \
    -timeout=10 -rss_limit_mb=1024 -max_len=16384 -print_final_stats=1 -artifact_prefix="$failures/$name-" \
    "$work/$name" $seeds >"$work/log" 2>&1; then
    runs=$(sed -n 's/^stat::number_of_executed_units: *//p' "$work/log")
    echo "fuzz_$name: $runs inputs in $seconds s, no failure"
  else
    echo "fuzz_$name: FAILED"
    tail -n 60 "$work/log"
    status=1
  fi
done
exit $status
