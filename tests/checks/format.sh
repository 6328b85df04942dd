#!/usr/bin/env bash
# Fails when a source is not as clang-format would write it.
# usage: format.sh CLANG_FORMAT ROOT
set -euo pipefail
cd "$2"
find metalaudio apps bindings tests benchmarks examples training -name '*.h' -o -name '*.cpp' |
  xargs -P "$(nproc)" -n 16 "$1" --dry-run -Werror
