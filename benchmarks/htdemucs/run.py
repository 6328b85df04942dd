#!/usr/bin/env python3
"""Times one segment of the full-size models, in turns with PyTorch where torch and demucs are installed.

Prints a table and leaves out/bench-htdemucs.json, an entry for each model, precision and number of threads: both
sides' times, their ratio, and how far each is from upstream in float64 (snr_db on the first of the signals asked for,
whose times are taken; snr_db_of on each). Both sides run the same seeded weights on the same mix, in processes of
their own; A B A B, so that a busy machine slows both. Without PyTorch, MetalAudio runs alone, at random weights.
"""
from pathlib import Path
import argparse
import itertools
import json
import os
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile

ROOT = Path(__file__).resolve().parents[2]
PEER = Path(__file__).resolve().parent / "peer.py"
SIGNALS = ("music", "noise", "walk", "clicks", "dithered-clicks")
STRIDE_SECONDS = 0.75 * 7.8  # of the audio that a segment adds at overlap 0.25


class Side:
    """One process that answers each line with the milliseconds of a segment and its peak memory."""

    def __init__(self, name, command):
        self.name, self.times, self.peak_mib = name, [], 0.0
        self.process = subprocess.Popen([str(part) for part in command], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, text=True)
        if self.process.stdout.readline().strip() != "ready":
            raise SystemExit(f"{name} did not start: {' '.join(map(str, command))}")

    def segment(self, count, stems=""):
        """Runs one, and leaves its stems in a file where one is named."""
        self.process.stdin.write(f"run {stems}\n")
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


def limit_instruction_sets(highest):
    """Of both sides: what their processes inherit."""
    os.environ["METALAUDIO_MAX_ISA"] = highest
    os.environ["ATEN_CPU_CAPABILITY"] = "avx2" if highest == "avx2" else "avx512"
    os.environ["ONEDNN_MAX_CPU_ISA"] = {"avx2": "AVX2", "avx512": "AVX512_CORE",
                                        "avx512_bf16": "AVX512_CORE_BF16"}[highest]
    os.environ["MKL_ENABLE_INSTRUCTIONS"] = "AVX2" if highest == "avx2" else "AVX512"


def processor():
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.split(":", 1)[1].strip()
    return platform.machine()


def sides_of(model, precision, threads, signal, options, peer, folder):
    ours = [options.program, model if not peer else folder / f"{model}.safetensors", threads, precision]
    if not peer:
        return [Side("metalaudio", ours)]
    mix = folder / f"{signal}.f32"
    return [Side("metalaudio", [*ours, "full", mix]), Side("pytorch", [peer, PEER, "run", *ours[1:], mix])]


def race(model, precision, threads, options, peer, folder):
    entry = {"model": model, "precision": precision, "threads": threads}
    for signal in options.signals if peer else options.signals[:1]:
        first = signal == options.signals[0]
        sides = sides_of(model, precision, threads, signal, options, peer, folder)
        for turn in range(options.segments + 1 if first else 1):  # the first warms up
            for side in sides:
                side.segment(turn > 0, folder / f"{side.name}.f32" if peer and turn == 0 else "")
        for side in sides:
            side.close()
            if first:
                entry[side.name] = side.result()
            if peer:
                snr = float(subprocess.check_output(
                    [peer, PEER, "snr", folder / f"{model}-{signal}.f64", folder / f"{side.name}.f32"], text=True))
                entry[side.name].setdefault("snr_db", snr)
                entry[side.name].setdefault("snr_db_of", {})[signal] = snr
    if peer:
        entry["ratio"] = entry["pytorch"]["ms_per_segment"] / entry["metalaudio"]["ms_per_segment"]
    return entry


def add_ratios_to_float32(results):
    """What the reduced precisions are worth to somebody who runs PyTorch in float32."""
    times = {(entry["model"], entry["threads"]): entry["pytorch"]["ms_per_segment"]
             for entry in results if "pytorch" in entry and entry["precision"] == "fp32"}
    for entry in results:
        peer = times.get((entry["model"], entry["threads"]))
        if peer:
            entry["ratio_to_pytorch_fp32"] = peer / entry["metalaudio"]["ms_per_segment"]


def show(entry):
    name = f"{entry['model']:12} {entry['precision']:5} {entry['threads']:7}"
    for side in ("metalaudio", "pytorch"):
        if side in entry:
            result = entry[side]
            snr = "  ".join(f"{signal} {db:.1f}" for signal, db in result.get("snr_db_of", {}).items())
            print(f"{name} {side:10} {result['ms_per_segment']:11.0f} {result['times_real_time']:12.2f} "
                  f"{result['peak_mib']:9.0f}  {snr}")
    if "ratio" in entry:
        print(f"{name} {entry['ratio']:.2f} times the speed of PyTorch", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--threads", type=int, nargs="+", default=[2])
    parser.add_argument("--segments", type=int, default=3, help="timed segments on each side")
    parser.add_argument("--precision", nargs="+", choices=["fp32", "auto", "bf16"], default=["fp32", "bf16"])
    parser.add_argument("--models", nargs="+", choices=["htdemucs", "htdemucs_6s"],
                        default=["htdemucs", "htdemucs_6s"])
    parser.add_argument("--signals", nargs="+", choices=SIGNALS, default=["music"], help="what exactness is measured on")
    parser.add_argument("--program", type=Path, default=ROOT / "build/release/bin/bench_htdemucs")
    parser.add_argument("--out", type=Path, default=ROOT / "out" / "bench-htdemucs.json")
    parser.add_argument("--isa", choices=["avx2", "avx512", "avx512_bf16"],
                        help="the highest instruction set, of both sides")
    options = parser.parse_args()
    if options.isa:
        limit_instruction_sets(options.isa)

    peer = torch_python()
    if not peer:
        print("No Python with torch and demucs (METALAUDIO_TORCH_PYTHON names one): timing MetalAudio alone.",
              file=sys.stderr)
    report = {"processor": processor(), "isa": options.isa, "load_average": os.getloadavg()[0], "results": []}
    print(f"{report['processor']}, load {report['load_average']:.1f}; medians of {options.segments}; dB to upstream "
          "in float64, of the worst stem")
    print(f"{'model':12} {'':5} {'threads':>7} {'':10} {'ms/segment':>11} {'x real time':>12} {'peak MiB':>9} "
          "  SNR dB")
    with tempfile.TemporaryDirectory() as folder:
        for model in options.models:
            if peer:
                subprocess.run([peer, str(PEER), "prepare", model, folder, *options.signals], check=True)
            for precision, threads in itertools.product(options.precision, options.threads):
                report["results"].append(race(model, precision, threads, options, peer, Path(folder)))
                show(report["results"][-1])
    add_ratios_to_float32(report["results"])
    options.out.parent.mkdir(parents=True, exist_ok=True)
    options.out.write_text(json.dumps(report, indent=2) + "\n")


if __name__ == "__main__":
    main()
