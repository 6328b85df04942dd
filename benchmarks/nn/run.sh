#!/usr/bin/env bash
# Times what runs in an audio callback, ONNX models beside ONNX Runtime; leaves out/bench-nn.json.
set -euo pipefail
cd "$(dirname "$0")/../.."
exec python3 benchmarks/nn/run.py "$@"
