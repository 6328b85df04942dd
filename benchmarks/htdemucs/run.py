#!/usr/bin/env python3
"""Times one segment of the full-size models, in turns with PyTorch where torch and demucs are installed.

Prints a table and leaves out/bench-htdemucs.json. Both sides run the same structure at random weights, in
processes of their own; A B A B, so that a busy machine slows both.
"""
from pathlib import Path
import argparse
import json
import os
import platform
import shutil
import statistics
import subprocess
import sys

ROOT = Path(__file__).resolve().parents[2]
HERE = Path(__file__).resolve().parent
STRIDE_SECONDS = 0.75 * 7.8  # of the audio that a segment adds at overlap 0.25


class Side:
    """One process that answers each line with the milliseconds of a segment and its peak memory."""

    def __init__(self, name, command):
        self.name, self.times, self.peak_mib = name, [], 0.0
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        if self.process.stdout.readline().strip() != "ready":
            raise SystemExit(f"{name} did not start: {' '.join(command)}")

    def segment(self, count):
        self.process.stdin.write("run\n")
        self.process.stdin.flush()
        answer = self.process.stdout.readline().split()
        if len(answer) != 2:
            raise SystemExit(f"{self.name} ended early, status {self.process.wait()}")
        if count:
            self.times.append(float(answer[0]))
        self.peak_mib = float(answer[1])

    def close(self):
        self.process.stdin.close()
        self.process.wait()

    def result(self):
        median = statistics.median(self.times)
        return {"ms_per_segment": median, "times_real_time": STRIDE_SECONDS * 1000 / median,
                "peak_mib": self.peak_mib, "all_ms": self.times}


def torch_python():
    """A Python that has torch and demucs: $METALAUDIO_TORCH_PYTHON or one on the path."""
    for name in (os.environ.get("METALAUDIO_TORCH_PYTHON"), "python3", "python"):
        path = name and shutil.which(name)
        if path and subprocess.run([path, "-c", "import torch, demucs"], capture_output=True).returncode == 0:
            return path
    return None


def processor():
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.split(":", 1)[1].strip()
    return platform.machine()


def race(model, options, peer):
    arguments = [model, str(options.threads), options.precision]
    sides = [Side("metalaudio", [str(ROOT / "build/release/bin/bench_htdemucs"), *arguments])]
    if peer:
        sides.append(Side("pytorch", [peer, str(HERE / "peer.py"), *arguments]))
    for turn in range(options.segments + 1):  # the first warms up
        for side in sides:
            side.segment(count=turn > 0)
    for side in sides:
        side.close()
    return {side.name: side.result() for side in sides}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--segments", type=int, default=3, help="timed segments on each side")
    parser.add_argument("--precision", choices=["fp32", "bf16"], default="fp32")
    parser.add_argument("--models", nargs="+", default=["htdemucs", "htdemucs_6s"])
    parser.add_argument("--out", type=Path, default=ROOT / "out" / "bench-htdemucs.json")
    options = parser.parse_args()

    peer = torch_python()
    if not peer:
        print("No Python with torch and demucs (METALAUDIO_TORCH_PYTHON names one): timing MetalAudio alone.",
              file=sys.stderr)
    report = {"processor": processor(), "threads": options.threads, "precision": options.precision,
              "load_average": os.getloadavg()[0], "models": {}}
    print(f"{report['processor']}, {options.threads} threads, {options.precision}, load "
          f"{report['load_average']:.1f}; medians of {options.segments}")
    print(f"{'model':12} {'':10} {'ms/segment':>11} {'x real time':>12} {'peak MiB':>9}")
    for model in options.models:
        results = race(model, options, peer)
        for name, result in results.items():
            print(f"{model:12} {name:10} {result['ms_per_segment']:11.0f} {result['times_real_time']:12.2f} "
                  f"{result['peak_mib']:9.0f}")
        if "pytorch" in results:
            ratio = results["pytorch"]["ms_per_segment"] / results["metalaudio"]["ms_per_segment"]
            results["speed_against_pytorch"] = ratio
            print(f"{model:12} {ratio:.2f} times the speed of PyTorch")
        report["models"][model] = results
    options.out.parent.mkdir(parents=True, exist_ok=True)
    options.out.write_text(json.dumps(report, indent=2) + "\n")


if __name__ == "__main__":
    main()
