"""The upstream network behind bench_htdemucs' protocol, and what both sides are compared on.

peer.py prepare MODEL FOLDER                        MODEL.safetensors, mix.f32 and MODEL.f64, upstream's stems in float64
peer.py run FOLDER/MODEL.safetensors THREADS PRECISION MIX
peer.py snr MODEL STEMS                             decibels of stems in float32 to those in float64, of the worst stem
"""
from pathlib import Path
import sys
import time

import numpy
import torch

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "tools" / "goldens"))
from htdemucs_models import PUBLISHED, music, save_safetensors, seeded_model

SEED = 401


def model_of(name):
    return seeded_model(PUBLISHED[name], seed=SEED)


def samples_of(model):
    return int(model.segment * model.samplerate)


def prepare(name, folder):
    model = model_of(name)
    save_safetensors(model, PUBLISHED[name], folder / f"{name}.safetensors")
    mix = music(2, samples_of(model), model.samplerate, seed=SEED + 1, deviation=0.2)
    mix.numpy().tofile(folder / "mix.f32")
    with torch.no_grad():
        model.double()(mix.double()[None]).numpy().tofile(folder / f"{name}.f64")


def peak_mib():
    with open("/proc/self/status") as status:
        for line in status:
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) / 1024
    return 0.0


def run(file, threads, precision, mix):
    torch.set_num_threads(int(threads))
    model = model_of(Path(file).stem)
    audio = torch.from_numpy(numpy.fromfile(mix, dtype=numpy.float32).reshape(1, 2, -1))
    print("ready", flush=True)
    for line in sys.stdin:
        start = time.perf_counter()
        with torch.no_grad(), torch.autocast("cpu", torch.bfloat16, enabled=precision == "bf16"):
            stems = model(audio)
        milliseconds = (time.perf_counter() - start) * 1000
        if line.split()[1:]:
            stems.float().numpy().tofile(line.split()[1])
        print(f"{milliseconds:.2f} {peak_mib():.1f}", flush=True)


def snr(reference, stems):
    sources = len(PUBLISHED[Path(reference).stem]["sources"])
    wanted = numpy.fromfile(reference, dtype=numpy.float64).reshape(sources, -1)
    noise = numpy.square(wanted - numpy.fromfile(stems, dtype=numpy.float32).reshape(sources, -1)).sum(axis=1)
    print(f"{min(10 * numpy.log10(numpy.square(wanted).sum(axis=1) / noise)):.2f}")


def main():
    task, *rest = sys.argv[1:]
    if task == "prepare":
        prepare(rest[0], Path(rest[1]))
    elif task == "run":
        run(*rest)
    else:
        snr(*rest)


if __name__ == "__main__":
    main()
