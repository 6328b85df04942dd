#!/usr/bin/env bash
# Runs the tests of a preset and ends with one line: "N passed, N failed".
# usage: tools/test.sh PRESET [ctest arguments]
set -uo pipefail

preset=$1
shift
ctest --preset "$preset" -j "$(nproc)" --no-tests=error "$@" | awk '
  /^ *Start +[0-9]+:/ { next }
  { print; fflush() }
  match($0, /tests passed, [0-9]+ tests? failed out of [0-9]+/) {
    split(substr($0, RSTART, RLENGTH), word, " ")
    failed = word[3]; total = word[8]
  }
  END { printf "%d passed, %d failed\n", total - failed, failed }'
exit "${PIPESTATUS[0]}"
