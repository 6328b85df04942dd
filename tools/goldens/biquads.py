"""Writes tests/golden/dsp/butterworth.json from scipy: sections' responses and filtered noise.

usage: python tools/goldens/biquads.py     (numpy and scipy; the file names their versions)
"""

import json
import pathlib

import numpy as np
import scipy
import scipy.signal

SEED = 4
OUT = pathlib.Path(__file__).parents[2] / "tests/golden/dsp/butterworth.json"

# kind, order, edges, sample rate, samples
CASES = [
    ("low", 1, [1000.0], 48000.0, 400),
    ("low", 4, [40.0], 48000.0, 400),
    ("low", 7, [15000.0], 48000.0, 400),
    ("high", 2, [40.0], 48000.0, 400),
    ("high", 5, [3000.0], 48000.0, 400),
    ("high", 12, [200.0], 48000.0, 400),
    ("band", 3, [707.1, 1414.2], 48000.0, 400),
    ("band", 4, [28.0, 35.5], 48000.0, 400),
    ("band", 1, [100.0, 10000.0], 48000.0, 400),
    ("band", 3, [20.0, 20000.0], 48000.0, 400),
    ("low", 8, [20.0], 192000.0, 2000),
    ("low", 32, [15000.0], 44100.0, 400),
    ("high", 32, [200.0], 96000.0, 400),
    ("band", 16, [2000.0, 4000.0], 48000.0, 400),
]


def case(kind, order, edges, rate, samples):
    # A stream of its own for every case, so that adding one changes no other.
    rng = np.random.default_rng([SEED, order, int(edges[0])])
    x = rng.uniform(-1, 1, samples).astype(np.float32)
    if samples > 400:
        x[:] = 0.5  # a step, which is what filters far below the rate err on
    names = {"low": "lowpass", "high": "highpass", "band": "bandpass"}
    corner = edges if kind == "band" else edges[0]
    sos = scipy.signal.butter(order, corner, names[kind], fs=rate, output="sos")
    hz = np.geomspace(10.0, 0.479166666 * rate, 40)
    _, h = scipy.signal.sosfreqz(sos, hz, fs=rate)
    return {
        "kind": kind,
        "order": order,
        "edges_hz": edges,
        "sample_rate_hz": rate,
        "frequencies_hz": hz.tolist(),
        "re": h.real.tolist(),
        "im": h.imag.tolist(),
        "x": x.tolist(),
        "y": scipy.signal.sosfilt(sos, x.astype(np.float64)).tolist(),
    }


if __name__ == "__main__":
    provenance = {
        "script": "tools/goldens/biquads.py",
        "seed": SEED,
        "numpy": np.__version__,
        "scipy": scipy.__version__,
    }
    cases = [case(*c) for c in CASES]
    OUT.write_text(json.dumps({"provenance": provenance, "cases": cases}) + "\n")
