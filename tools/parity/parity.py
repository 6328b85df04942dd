#!/usr/bin/env python3
"""Runs upstream and `metalaudio separate` side by side on full-size seeded models and compares the stems.

Upstream is `demucs` from PyPI, unmodified, with its own normalisation (demucs.api.Separator); the program reads
the same .th and .safetensors files and the same float32 WAV. Fails below 120 dB of signal-to-noise ratio for
any stem (bf16: 40 dB). Needs a Python with torch, demucs, safetensors and soundfile.

Usage: python tools/parity/parity.py [--models htdemucs] [--lengths segment] [--precision bf16]
"""
from contextlib import redirect_stdout
from pathlib import Path
from unittest import mock
import argparse
import hashlib
import io
import json
import subprocess
import sys
import tempfile
import time
import types

import numpy
import soundfile
import torch

sys.modules.setdefault("sphn", types.ModuleType("sphn"))  # demucs.api reads files with it; none are read here
from demucs.api import Separator

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tools" / "goldens"))
from htdemucs_models import PUBLISHED, music, save_safetensors, save_th, seeded_model

RATE = 44100
SEGMENT = 343980
LENGTHS = {"1s": RATE, "segment": SEGMENT, "segment+1": SEGMENT + 1, "20s": 20 * RATE}
BOUND_DB = {"fp32": 120.0, "bf16": 40.0}
# Per length: (shifts, offsets as random.randint would give them).
SHIFTS = {"1s": [(0, []), (2, [123, 22050])], "segment": [(0, [])], "segment+1": [(0, [])],
          "20s": [(0, []), (2, [4567, 20001])]}


def prepare(name, folder):
    """The model, saved as .th under a checksummed name and as .safetensors; returns both names."""
    kwargs = PUBLISHED[name]
    model = seeded_model(kwargs, seed=301)
    save_safetensors(model, kwargs, folder / f"{name}_st.safetensors")
    save_th(model, kwargs, folder / "model.th")
    checksum = hashlib.sha256((folder / "model.th").read_bytes()).hexdigest()[:8]
    (folder / "model.th").rename(folder / f"{name}_th-{checksum}.th")
    return model, [f"{name}_th", f"{name}_st"]


def upstream(model, mix, shifts, offsets):
    separator = Separator.__new__(Separator)  # the model is at hand: without the download
    separator._model, separator._samplerate = model, model.samplerate
    separator.update_parameter(device="cpu", shifts=shifts, overlap=0.25, split=True, segment=None, jobs=0,
                               progress=False, callback=None, callback_arg=None)
    with mock.patch("random.randint", side_effect=offsets), torch.no_grad():
        return {stem: audio.numpy() for stem, audio in separator.separate_tensor(mix)[1].items()}


def ours(program, name, folder, track, shifts, offsets, options):
    out = Path(tempfile.mkdtemp(dir=folder))
    command = [program, "separate", track, "-n", name, "--repo", folder, "-o", out, "--float32", "--clip-mode", "none",
               "--shifts", shifts, "--precision", options.precision, "--threads", options.threads]
    if offsets:
        command += ["--shift-offsets", ",".join(map(str, offsets))]
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True)
    if done.returncode != 0:
        raise SystemExit(f"{' '.join(map(str, command))}\n{done.stderr}")
    return {path.stem: soundfile.read(path, dtype="float32", always_2d=True)[0].T
            for path in out.rglob("*.wav")}


def snr_db(reference, value):
    noise = numpy.square(reference.astype(numpy.float64) - value).sum()
    return float("inf") if noise == 0 else 10 * numpy.log10(
        numpy.square(reference.astype(numpy.float64)).sum() / noise)


def compare(label, reference, stems, bound):
    if set(stems) != set(reference):
        raise SystemExit(f"{label}: stems {sorted(stems)}, expected {sorted(reference)}")
    ratios = {stem: float(snr_db(reference[stem], stems[stem])) for stem in reference}
    worst = min(ratios.values())
    print(f"{label:44} {worst:7.1f} dB  " + "  ".join(f"{stem} {ratio:.1f}" for stem, ratio in ratios.items()),
          "" if worst >= bound else f"  BELOW {bound:.0f} dB", flush=True)
    return {"case": label, "snr_db": ratios, "passed": bool(worst >= bound)}


def check_model(name, folder, options):
    with redirect_stdout(io.StringIO()):
        model, names = prepare(name, folder)
    results = []
    for length in options.lengths:
        mix = music(2, LENGTHS[length], RATE, seed=302, deviation=0.2)
        track = folder / f"{length}.wav"
        soundfile.write(track, mix.numpy().T, RATE, subtype="FLOAT")
        for shifts, offsets in SHIFTS[length]:
            start = time.monotonic()
            reference = upstream(model, mix, shifts, offsets)
            seconds = time.monotonic() - start
            # The second file format holds the same weights: its reading is checked on the shortest case.
            for file in names if length == options.lengths[0] and shifts == 0 else names[:1]:
                stems = ours(options.program, file, folder, track, shifts, offsets, options)
                label = f"{file} {length} shifts {shifts} {options.precision}"
                results.append(compare(label, reference, stems, BOUND_DB[options.precision]))
            print(f"{'':44} upstream took {seconds:.1f} s", file=sys.stderr)
    return results


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--program", type=Path, default=ROOT / "build/release/bin/metalaudio")
    parser.add_argument("--models", nargs="+", default=list(PUBLISHED), choices=list(PUBLISHED))
    parser.add_argument("--lengths", nargs="+", default=list(LENGTHS), choices=list(LENGTHS))
    parser.add_argument("--precision", default="fp32", choices=list(BOUND_DB))
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--out", type=Path, default=ROOT / "out" / "parity.json")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)

    results = []
    for name in options.models:
        with tempfile.TemporaryDirectory() as folder:
            results += check_model(name, Path(folder), options)
    options.out.parent.mkdir(parents=True, exist_ok=True)
    options.out.write_text(json.dumps({"torch": torch.__version__, "results": results}, indent=2) + "\n")
    failed = sum(not result["passed"] for result in results)
    print(f"{len(results) - failed} of {len(results)} comparisons at or above {BOUND_DB[options.precision]:.0f} dB")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
