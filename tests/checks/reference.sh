#!/usr/bin/env bash
# The reference is made without a warning, holds every header, and shows the labelled lines; a wrong comment is refused.
# usage: reference.sh ROOT LIST WORK
set -euo pipefail
root=$1 list=$2 work=$3
rm -rf "$work"
"$root/tools/docs.sh" "$list" "$work" >/dev/null
pages=$work/html
for header in $(cat "$list") metalaudio.h; do
  page=$(basename "$header" .h | sed 's/_/__/g')_8h.html
  [ -n "$(find "$pages" -name "$page" -o -name "*_2$page")" ] || { echo "there is no page of $header"; exit 1; }
done
for label in Shapes Errors Threads Real-time Source; do
  grep -q "<dt>$label</dt>" "$pages/classmetalaudio_1_1dsp_1_1Convolution.html" || { echo "no $label"; exit 1; }
done
grep -q 'Why the last call on this thread failed' "$pages/metalaudio_8h.html"

tree=$work/wrong
mkdir -p "$tree"/{tools,docs,bindings/c,metalaudio}
cp "$root/tools/docs.sh" "$tree/tools"
cp -r "$root/docs/doxygen" "$tree/docs"
cp "$root/CMakeLists.txt" "$tree"
cp "$root/bindings/c/metalaudio.h" "$tree/bindings/c"
printf '/** Adds. \\param seconds what there is not */\nint add(int a, int b);\n' >"$tree/metalaudio/wrong.h"
echo metalaudio/wrong.h >"$tree/list"
if "$tree/tools/docs.sh" "$tree/list" "$tree/out" >"$tree/log" 2>&1; then
  echo "a wrong comment was not refused"
  exit 1
fi
grep -q "wrong.h:1: .*'seconds'" "$tree/log"
