#!/usr/bin/env bash
# Fails unless a library exports what its header declares and nothing else, has its SONAME, and needs
# neither FFmpeg nor curl.
# usage: exports.sh LIBRARY HEADER SONAME
set -euo pipefail
exported=$(nm -D --defined-only "$1" | awk '{ print $3 }' | sed 's/@.*//' | sort)
declared=$(grep -v '^ \*' "$2" | grep -oE 'metalaudio_[a-z0-9_]+\(' | tr -d '(' | sort -u)
status=0
difference=$(diff <(echo "$declared") <(echo "$exported")) || {
  printf 'Declared (<) and exported (>):\n%s\n' "$difference"
  status=1
}
dynamic=$(readelf -d "$1")
grep -q "SONAME.*\[$3\]" <<<"$dynamic" || { echo "its SONAME is not $3"; status=1; }
if needed=$(grep -E 'NEEDED.*lib(av|sw|curl)' <<<"$dynamic"); then
  printf 'It needs\n%s\n' "$needed"
  status=1
fi
exit $status
