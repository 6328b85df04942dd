"""The upstream network behind bench_htdemucs' protocol: peer.py SHAPES THREADS PRECISION."""
from fractions import Fraction
import json
import sys
import time

import torch
from demucs.htdemucs import HTDemucs


def peak_mib():
    with open("/proc/self/status") as status:
        for line in status:
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) / 1024
    return 0.0


def main():
    shapes, threads, precision = sys.argv[1:]
    torch.set_num_threads(int(threads))
    torch.manual_seed(1)
    with open(shapes) as file:
        kwargs = json.load(file)["kwargs"]
    segment = kwargs["segment"]
    kwargs["segment"] = Fraction(segment["numerator"], segment["denominator"])
    model = HTDemucs(**kwargs).eval()
    mix = torch.randn(1, 2, int(model.segment * model.samplerate))
    print("ready", flush=True)
    for _ in sys.stdin:
        start = time.perf_counter()
        with torch.no_grad(), torch.autocast("cpu", torch.bfloat16, enabled=precision == "bf16"):
            model(mix)
        print(f"{(time.perf_counter() - start) * 1000:.2f} {peak_mib():.1f}", flush=True)


if __name__ == "__main__":
    main()
