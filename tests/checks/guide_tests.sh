#!/usr/bin/env bash
# Fails when a guide names a test, as in `Suite.Name`, that there is not.
# usage: guide_tests.sh ROOT
set -uo pipefail
cd "$1" || exit 2
tests=$(grep -rhoE 'TEST(_[FP])?\([A-Za-z]+, *[A-Za-z0-9]+' tests --include='*.cpp' |
  sed -E 's/TEST(_[FP])?\(([A-Za-z]+), */\2./' | sort -u)
status=0
for name in $(grep -ohE '`[A-Z][A-Za-z]+\.[A-Z][A-Za-z0-9]+`' docs/guides/realtime.md | tr -d '`' | sort -u); do
  grep -qxF "$name" <<<"$tests" || { echo "docs/guides/realtime.md names $name, which is no test"; status=1; }
done
exit $status
