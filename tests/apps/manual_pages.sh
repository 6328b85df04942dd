#!/usr/bin/env bash
# The manual pages: a page for each command, clean to mandoc, with every option that --help has.
# usage: manual_pages.sh PROGRAM WORK
set -euo pipefail
program=$1
work=$2
rm -rf "$work"
mkdir -p "$work"
HOME=/nobody "$program" manual "$work"

mandoc -T lint -W warning "$work"/*.1
mapfile -t commands < <("$program" --help | sed -n '/^Subcommands:/,$p' | awk '/^  [a-z]/ { print $1 }')
[ "${#commands[@]}" -ge 11 ]
[ "$(find "$work" -name '*.1' | wc -l)" -eq $((${#commands[@]} + 1)) ]
for command in "${commands[@]}"; do
  page=$(mandoc -T ascii -O width=1000 "$work/metalaudio-$command.1" | col -b)
  grep -q "^ *metalaudio $command \[OPTIONS\]" <<<"$page"
  for option in $("$program" "$command" --help | grep -oE '^  (-., )?--[a-z0-9-]+' | grep -oE -- '--.*'); do
    grep -qE -- "$option( |\$)" <<<"$page" || { echo "$command: the page lacks $option" >&2; exit 1; }
  done
done
mandoc -T ascii "$work/metalaudio.1" | col -b | grep -q 'METALAUDIO_MODEL_DIR'
mandoc -T ascii -O width=1000 "$work/metalaudio-models.1" | col -b | grep -q 'metalaudio models get'
