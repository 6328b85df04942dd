#!/usr/bin/env bash
# pkg-config on a machine that lacks the packages that match $REFUSED.
for argument in "$@"; do
  if [[ $argument =~ $REFUSED ]]; then
    echo "refused: $argument" >&2
    exit 1
  fi
done
exec pkg-config "$@"
