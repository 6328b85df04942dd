"""The upstream network behind bench_htdemucs' protocol, and what both sides are compared on.

peer.py prepare MODEL FOLDER SIGNAL...              MODEL.safetensors; of each SIGNAL.f32 and MODEL-SIGNAL.f64, upstream's
                                                    stems in float64
peer.py run FOLDER/MODEL.safetensors THREADS PRECISION MIX
peer.py snr MODEL-SIGNAL.f64 STEMS                  decibels of stems in float32 to those in float64, of the worst stem
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


def signal_of(name, samples, rate):
    """Stereo in float32. Loud walks and clicks are what sums and statistics in float32 have most trouble with."""
    generator = numpy.random.default_rng(SEED + 1)
    if name == "music":
        return music(2, samples, rate, seed=SEED + 1, deviation=0.2)
    if name == "noise":
        audio = 0.2 * generator.standard_normal((2, samples))
    elif name == "walk":
        audio = generator.standard_normal((2, samples)).cumsum(axis=1)
        audio *= 0.9 / numpy.abs(audio).max()
    else:  # of full scale, over silence or over the dither of 16 bits
        audio = generator.triangular(-1, 0, 1, (2, samples)) * (name == "dithered-clicks") / 32768
        for channel in audio:
            channel[generator.integers(0, samples, 20)] = generator.choice((-1, 1), 20)
    return torch.from_numpy(audio.astype(numpy.float32))


def prepare(name, folder, signals):
    model = model_of(name)
    save_safetensors(model, PUBLISHED[name], folder / f"{name}.safetensors")
    model.double()
    for signal in signals:
        mix = signal_of(signal, samples_of(model), model.samplerate)
        mix.numpy().tofile(folder / f"{signal}.f32")
        with torch.no_grad():
            model(mix.double()[None]).numpy().tofile(folder / f"{name}-{signal}.f64")


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
    sources = len(PUBLISHED[Path(reference).stem.split("-")[0]]["sources"])
    wanted = numpy.fromfile(reference, dtype=numpy.float64).reshape(sources, -1)
    noise = numpy.square(wanted - numpy.fromfile(stems, dtype=numpy.float32).reshape(sources, -1)).sum(axis=1)
    print(f"{min(10 * numpy.log10(numpy.square(wanted).sum(axis=1) / noise)):.2f}")


def main():
    task, *rest = sys.argv[1:]
    if task == "prepare":
        prepare(rest[0], Path(rest[1]), rest[2:])
    elif task == "run":
        run(*rest)
    else:
        snr(*rest)


if __name__ == "__main__":
    main()
