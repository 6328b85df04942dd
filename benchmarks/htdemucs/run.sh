#!/usr/bin/env bash
# Times HTDemucs beside PyTorch, where that is installed; leaves out/bench-htdemucs.json.
set -euo pipefail
cd "$(dirname "$0")/../.."
exec python3 benchmarks/htdemucs/run.py "$@"
