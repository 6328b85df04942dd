#!/usr/bin/env bash
# Times the signal processing beside FFTW, KissFFT and zita-convolver; leaves out/bench-dsp.json.
set -euo pipefail
cd "$(dirname "$0")/../.."
mkdir -p out
exec build/release/bin/bench_dsp "$@" out/bench-dsp.json
