#!/usr/bin/env bash
# Makes the reference of the public headers; a warning of Doxygen is an error.
# usage: tools/docs.sh LIST OUTPUT    LIST: the public headers, one a line; OUTPUT/html/index.html is the first page
set -euo pipefail
list=$(realpath "$1")
mkdir -p "$2"
output=$(realpath "$2")
cd "$(dirname "$0")/.."
rm -rf "$output"/{html,headers}
# shellcheck disable=SC2046
python3 docs/doxygen/labels.py "$output/headers" bindings/c/metalaudio.h $(cat "$list")
cp docs/doxygen/main.md "$output/headers"
{
  cat docs/doxygen/Doxyfile
  echo "OUTPUT_DIRECTORY = \"$output\""
  echo "PROJECT_NUMBER = $(sed -nE 's/^project\(.*VERSION ([0-9.]+).*/\1/p' CMakeLists.txt)"
} >"$output/Doxyfile"
(cd "$output/headers" && doxygen "$output/Doxyfile")
echo "$output/html/index.html"
