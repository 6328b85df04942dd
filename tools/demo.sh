#!/usr/bin/env bash
# Separates the bundled clip with the bundled model, and plays a synthesised guitar through the
# bundled amp and a synthesised cabinet, into out/.
# usage: tools/demo.sh FOLDER_OF_PROGRAMS
set -euo pipefail
cd "$(dirname "$0")/.."

bin=$1
clips=(models/demo_clip.*)
mkdir -p out
"$bin/metalaudio" separate "${clips[0]}" -n demo_6s --repo models -o out --picture out/demo.png --overwrite
"$bin/amp_demo_sounds" out/guitar.wav out/cabinet.wav
"$bin/metalaudio" amp models/preamp.nam out/guitar.wav --ir out/cabinet.wav --normalize --oversample 2 -o out/amp.wav
"$bin/metalaudio" spectrogram out/guitar.wav out/amp.wav -o out/amp.png
echo "In out/: the stems and their picture, demo.png; a guitar before and after the amp, guitar.wav,"
echo "amp.wav, and their picture, amp.png."
