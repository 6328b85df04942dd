"""Writes tests/golden/dsp/*.json from numpy, scipy and torch: windows, transforms, convolutions, STFTs.

usage: python tools/goldens/dsp.py     (numpy, scipy and torch; the files name their versions)
"""

import json
import pathlib

import numpy as np
import scipy
import scipy.signal
import torch

SEED = 4
OUT = pathlib.Path(__file__).parents[2] / "tests/golden/dsp"
PROVENANCE = {
    "script": "tools/goldens/dsp.py",
    "seed": SEED,
    "numpy": np.__version__,
    "scipy": scipy.__version__,
    "torch": torch.__version__,
}

SHAPES = {
    "rectangular": "boxcar",
    "hann": "hann",
    "hamming": "hamming",
    "blackman": "blackman",
    "blackman_harris": "blackmanharris",
    "kaiser": ("kaiser", 8.6),
}


def windows():
    return [
        {
            "shape": shape,
            "periodic": periodic,
            "values": scipy.signal.get_window(name, size, fftbins=periodic).tolist(),
        }
        for shape, name in SHAPES.items()
        for periodic in (True, False)
        for size in (1, 2, 9, 16)
    ]


STFTS = [
    dict(fft_size=16, hop=4, window=16, center=True, padding="reflect", normalized=True),
    dict(fft_size=16, hop=5, window=12, center=True, padding="constant", normalized=False),
    dict(fft_size=15, hop=4, window=15, center=True, padding="replicate", normalized=False),
    dict(fft_size=24, hop=6, window=24, center=False, padding="reflect", normalized=True),
]


def stfts():
    rng = np.random.default_rng(SEED)
    cases = []
    for case in STFTS:
        x = torch.tensor(rng.standard_normal(90), dtype=torch.float64)
        window = torch.hann_window(case["window"], periodic=True, dtype=torch.float64)
        common = dict(
            n_fft=case["fft_size"],
            hop_length=case["hop"],
            win_length=case["window"],
            window=window,
            center=case["center"],
            normalized=case["normalized"],
        )
        spectrum = torch.stft(x, pad_mode=case["padding"], return_complex=True, **common)
        noise = torch.complex(
            torch.tensor(rng.standard_normal(tuple(spectrum.shape))),
            torch.tensor(rng.standard_normal(tuple(spectrum.shape))),
        )
        noise.imag[0] = 0
        if case["fft_size"] % 2 == 0:
            noise.imag[-1] = 0
        row = {**case, "x": x.tolist(), "noise": torch.view_as_real(noise.T).reshape(-1).tolist()}
        row["spectrum"] = torch.view_as_real(spectrum.T).reshape(-1).tolist()
        if case["center"]:  # torch refuses the inverse where a window ends in a zero
            row["inverse"] = torch.istft(noise, length=88, **common).tolist()
        cases.append(row)
    return cases


def ffts():
    rng = np.random.default_rng(SEED)
    cases = []
    for size in (1, 2, 6, 16, 30, 35, 37, 64):
        x = rng.standard_normal(size)
        spectrum = np.fft.rfft(x)
        pairs = np.stack([spectrum.real, spectrum.imag], axis=1).reshape(-1)
        cases.append({"x": x.tolist(), "spectrum": pairs.tolist()})
    return cases


def convolutions():
    rng = np.random.default_rng(SEED)
    cases = []
    for samples, taps in ((50, 1), (50, 20), (30, 40)):
        x, ir = rng.standard_normal(samples), rng.standard_normal(taps)
        y = scipy.signal.convolve(x, ir, mode="full", method="direct")
        cases.append({"x": x.tolist(), "ir": ir.tolist(), "y": y.tolist()})
    return cases


def write(name, cases):
    path = OUT / f"{name}.json"
    path.write_text(json.dumps({"provenance": PROVENANCE, "cases": cases}) + "\n")


if __name__ == "__main__":
    OUT.mkdir(parents=True, exist_ok=True)
    write("window", windows())
    write("fft", ffts())
    write("convolution", convolutions())
    write("stft", stfts())
