#!/usr/bin/env bash
# Separates the bundled clip with the bundled model into out/.
# usage: tools/demo.sh PROGRAM
set -euo pipefail
cd "$(dirname "$0")/.."

clips=(models/demo_clip.*)
mkdir -p out
"$1" separate "${clips[0]}" -n demo_6s --repo models -o out --picture out/demo.png --overwrite
echo "The stems and a picture of them, demo.png, are in out/."
