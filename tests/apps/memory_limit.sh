#!/usr/bin/env bash
# Control groups from far too little memory to enough: every separation is refused before it begins, with the
# reason, or runs through; the kernel ends none.
# usage: memory_limit.sh PROGRAM MODELS GROUPS WORK
set -euo pipefail
program=$1 models=$2 groups=$3 work=$4
rm -rf "$work"
mkdir -p "$work"
cp "$models/demo_clip.ogg" "$work/a.ogg"
cp "$models/demo_clip.ogg" "$work/b.ogg"
group=$(mktemp -d "$groups/metalaudio-test-XXXXXX")
trap 'rmdir "$group"' EXIT
limit=$group/memory.limit_in_bytes
if [[ ! -e $limit ]]; then limit=$group/memory.max; fi

# separate MIB ARGUMENT...: its status, and in $work/told what it said.
separate() {
  echo $(($1 << 20)) >"$limit"
  shift
  local status=0
  (
    echo "$BASHPID" >"$group/cgroup.procs"
    exec "$program" separate --repo "$models" -n demo_6s --threads 2 --overwrite --json --events -o "$work/out" "$@"
  ) >"$work/events" 2>"$work/told" || status=$?
  return $status
}

# try_limits STEP ARGUMENT...: there must be some of both kinds.
try_limits() {
  local step=$1 refused=0 mib status
  shift
  for ((mib = 90; mib < 700; mib += step)); do
    status=0
    separate $mib "$@" || status=$?
    if ((status == 0)); then
      echo "$mib MiB are enough for $*, $refused were refused"
      ((refused > 0)) && return
    fi
    if ((status != 1)) || ! grep -q "control group" "$work/told" || grep -q '"begin"' "$work/events"; then
      echo "$mib MiB, $*: status $status" >&2
      cat "$work/told" >&2
      exit 1
    fi
    refused=$((refused + 1))
  done
  echo "no limit was enough for $*" >&2
  exit 1
}

try_limits 10 "$work/a.ogg"
try_limits 10 --precision bf16 "$work/a.ogg"
try_limits 20 -j 2 "$work/a.ogg" "$work/b.ogg"
