#!/usr/bin/env bash
# The Slurm array of docs/guides/batches.md, on a cluster of one node that lives as long as this script.
# usage: slurm.sh PROGRAM GUIDE WORK
set -euo pipefail
program=$(realpath "$1") guide=$(realpath "$2") work=$3
rm -rf "$work"
mkdir -p "$work"/{bin,state,spool,home}
work=$(realpath "$work")
cd "$work"
ln -s "$program" bin/metalaudio
export PATH=$work/bin:$PATH:/usr/sbin HOME=$work/home SLURM_CONF=$work/slurm.conf
unset METALAUDIO_MODEL_DIR XDG_DATA_HOME
die() {
  echo "$*" >&2
  tail -n 20 ./*.log ./*.out >&2 || true
  exit 1
}

# Nobody else's ports, and more processors and memory than there may be: the guide asks for 8 a task.
read -r control node < <(python3 -c '
import socket
sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(2)]
print(*(s.getsockname()[1] for s in sockets))')
user=$(id -un)
cat >slurm.conf <<END
ClusterName=test
SlurmctldHost=$(hostname -s)(127.0.0.1)
SlurmctldPort=$control
SlurmdPort=$node
SlurmUser=$user
SlurmdUser=$user
AuthType=auth/munge
AuthInfo=socket=$work/munge.socket
CredType=cred/munge
ProctrackType=proctrack/pgid
TaskPlugin=task/none
SwitchType=switch/none
MpiDefault=none
SchedulerType=sched/backfill
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
SlurmdParameters=config_overrides
ReturnToService=2
MailProg=/bin/true
StateSaveLocation=$work/state
SlurmdSpoolDir=$work/spool
SlurmctldPidFile=$work/slurmctld.pid
SlurmdPidFile=$work/slurmd.pid
SlurmctldLogFile=$work/slurmctld.log
SlurmdLogFile=$work/slurmd.log
NodeName=$(hostname -s) NodeAddr=127.0.0.1 CPUs=16 RealMemory=64000 State=UNKNOWN
PartitionName=test Nodes=ALL Default=YES MaxTime=INFINITE State=UP
END

processes=()
trap 'kill "${processes[@]}" 2>/dev/null || true; wait' EXIT
(umask 077 && head -c 1024 /dev/urandom >munge.key)
munged --foreground --force --key-file="$work/munge.key" --socket="$work/munge.socket" --num-threads=2 \
  --pid-file="$work/munge.pid" --log-file="$work/munge.log" --seed-file="$work/munge.seed" >munge.out 2>&1 &
processes+=($!)
for _ in $(seq 100); do [ -S munge.socket ] && break || sleep 0.1; done
slurmctld -D >slurmctld.out 2>&1 &
processes+=($!)
slurmd -D >slurmd.out 2>&1 &
processes+=($!)
for _ in $(seq 300); do
  sinfo -h -o %T 2>/dev/null | grep -q idle && break || sleep 0.2
done
sinfo -h -o %T | grep -q idle || die "the node does not come up"

# Ten tracks, and the job as the guide has it, on eight tasks and with stems in this folder.
python3 - <<'END'
import random, struct, wave
for track in range(10):
    with wave.open(f"track {track}.wav", "wb") as file:
        file.setparams((2, 2, 44100, 0, "NONE", ""))
        noise = random.Random(track)
        file.writeframes(b"".join(struct.pack("<h", noise.randrange(-9000, 9000)) for _ in range(2 * 44100)))
END
ls -d "$PWD"/track*.wav >tracks.txt
awk '/^```sh$/ { text = ""; inside = 1; next } /^```$/ { if (text ~ /#SBATCH/) printf "%s", text; inside = 0 }
  inside { text = text $0 "\n" }' "$guide" | sed "s#/shared/stems#$work/stems#" >job.sh
grep -q -- '--shard auto' job.sh || die "the guide has no job for Slurm"
submit() { timeout 900 sbatch --wait --array=0-7 --output="$work/task-%a.out" job.sh || die "a task failed"; }

submit
[ "$(grep -c '"status":"done"' manifest.jsonl)" -eq 10 ] || die "not every track is done"
[ "$(find stems -name '*.wav' | wc -l)" -eq 60 ] || die "there are not six stems a track"
# Once more: one track is missing by then.
rm -r "stems/demo_6s/track 3"
submit
[ "$(grep -c '"status":"done"' manifest.jsonl)" -eq 11 ] || die "what was missing was not made, or too much"
[ "$(grep -c '"status":"skipped"' manifest.jsonl)" -eq 9 ] || die "what was there was not skipped"
grep -q '"status":"failed"' manifest.jsonl && die "a track failed"
echo "Slurm: 10 tracks in 8 tasks, and one again"
