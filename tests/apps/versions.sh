#!/usr/bin/env bash
# --version and info name every library that the program is linked to, but those of the language.
# usage: versions.sh PROGRAM
set -euo pipefail
program=$1
declare -A known=([mp3lame]=LAME [tag]=TagLib [crypto]=OpenSSL [hwy]=Highway [onnx_proto]=ONNX)
for text in "$("$program" --version)" "$("$program" info)"; do
  readelf -d "$program" | sed -n 's/.*(NEEDED).*\[\(lib\|ld-\)\(.*\)\.so.*/\2/p' |
    grep -vxE 'stdc\+\+|m|gcc_s|c|linux-x86-64|pthread|dl|asan|ubsan|tsan' | while read -r library; do
    grep -qiE "^ *(lib)?${known[$library]:-$library} +[0-9]+\.[0-9]" <<<"$text" ||
      { echo "$library is not in:"$'\n'"$text"; exit 1; }
  done
done
