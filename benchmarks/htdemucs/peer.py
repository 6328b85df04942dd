"""The upstream network behind bench_htdemucs' protocol: peer.py CONFIGURATION THREADS PRECISION."""
from fractions import Fraction
import sys
import time

import torch
from demucs.htdemucs import HTDemucs


# The arguments of the published models, as models/htdemucs/config.cpp has them.
COMMON = {"dconv_mode": 3, "segment": Fraction(39, 5)}
FOUR = ["drums", "bass", "other", "vocals"]
CONFIGURATIONS = {
    "htdemucs": {**COMMON, "sources": FOUR, "bottom_channels": 512},
    "htdemucs_6s": {**COMMON, "sources": [*FOUR, "guitar", "piano"]},
}


def peak_mib():
    with open("/proc/self/status") as status:
        for line in status:
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) / 1024
    return 0.0


def main():
    name, threads, precision = sys.argv[1:]
    torch.set_num_threads(int(threads))
    torch.manual_seed(1)
    model = HTDemucs(**CONFIGURATIONS[name]).eval()
    mix = torch.randn(1, 2, int(model.segment * model.samplerate))
    print("ready", flush=True)
    for _ in sys.stdin:
        start = time.perf_counter()
        with torch.no_grad(), torch.autocast("cpu", torch.bfloat16, enabled=precision == "bf16"):
            model(mix)
        print(f"{(time.perf_counter() - start) * 1000:.2f} {peak_mib():.1f}", flush=True)


if __name__ == "__main__":
    main()
