#!/usr/bin/env bash
# Fails when a header's label ("Errors:") does not stand at the start of its comment line, when what
# follows it is not indented below it, or when a public class says nothing of threads.
# usage: labelled_lines.sh ROOT LIST_OF_PUBLIC_HEADERS
set -uo pipefail
public=$(realpath "$2") || exit 2
cd "$1" || exit 2

mapfile -t headers < <(find metalaudio apps -name '*.h' 2>/dev/null | sort)
[ "${#headers[@]}" -gt 0 ] || { echo "No headers below $1"; exit 2; }

awk -v list="$public" '
  function report(what) { printf "%s:%d: %s: %s\n", FILENAME, FNR, what, $0; failed = 1 }
  BEGIN { while ((getline name < list) > 0) is_public[name] = 1 }
  FNR == 1 { threads = labelled = 0 }
  {
    label = "(Shapes|Errors|Threads|Realtime|Source):"
    comment = $0
    if (!sub(/^ *\/\/[\/!]?<? */, "", comment)) {
      if ($0 ~ /^class [A-Za-z]+[^;]*$/ && FILENAME in is_public && !threads) {
        report("a public class without \"Threads:\"")
      }
      if ($0 !~ /^template/) threads = 0
      labelled = 0
      next
    }
    begins = comment ~ "^" label
    rest = comment
    if (begins) sub("^" label, "", rest)
    if (rest ~ "(^|[^A-Za-z])" label "( |$)") report("a label within a line")
    if (begins) {
      labelled = 1
      if (comment ~ /^Threads:/) threads = 1
    } else if (comment == "") {
      labelled = 0
    } else if (labelled && $0 !~ /^ *\/\/\/   /) {
      report("not indented below its label")
    }
  }
  END { exit failed }
' "${headers[@]}" && echo "${#headers[@]} headers have their labels at the start of a line"
