#!/usr/bin/env bash
# Times what runs in an audio callback; leaves out/bench-nn.json.
set -euo pipefail
cd "$(dirname "$0")/../.."
mkdir -p out
exec build/release/bin/bench_nn "$@" out/bench-nn.json
