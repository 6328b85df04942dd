#!/usr/bin/env python3
"""Times what runs in an audio callback: neural amps, and the ONNX models of ../shared/models/onnx in turns with ONNX
Runtime where a Python has it. Prints a table and leaves out/bench-nn.json.

ONNX Runtime's times are less the median of a model that holds one Identity, which is the cost of its Python call.
"""
from pathlib import Path
import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys

ROOT = Path(__file__).resolve().parents[2]
HERE = Path(__file__).resolve().parent
BIN = ROOT / "build/release/bin"
MODELS = {
    "silero-vad": ("silero-vad/silero_vad_openvino_16k.onnx", ["state", "stateN=state"]),
    "silero-vad-ifless": ("silero-vad/silero_vad_op18_ifless.onnx",
                          ["state", "stateN=state", "dimension", "batch=1", "dimension", "sequence=576",
                           "bind", "sr=16000"]),
    "dtln-1": ("dtln/model_1.onnx", ["state", "tf_op_layer_stack_2=input_3"]),
    "dtln-2": ("dtln/model_2.onnx", ["state", "tf_op_layer_stack_5=input_5"]),
    "gtcrn": ("gtcrn/gtcrn_simple.onnx",
              ["state", "conv_cache_out=conv_cache", "state", "tra_cache_out=tra_cache",
               "state", "inter_cache_out=inter_cache"]),
    "simple-gain": ("simple-gain/simple_gain_network_stereo.onnx", ["dimension", "dynamic=512"]),
    "steerable-nafx": ("steerable-nafx/steerable-nafx-libtorch-dynamic.onnx",
                       ["dimension", "model_input_size=15380"]),
    "basic-pitch": ("basic-pitch/nmp.onnx", ["dimension", "unk__749=1"]),
}


class Side:
    """A process that answers a number of steps with the nanoseconds of each."""

    def __init__(self, command):
        self.times = []
        self.process = subprocess.Popen([str(word) for word in command], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, text=True)
        answer = self.process.stdout.readline().split()
        if not answer or answer[0] != "ready":
            raise SystemExit(f"bench-nn: did not start: {command}")
        self.version = answer[1:]
        self.turn(3, count=False)
        self.turn(20, count=False)
        self.step_ns = statistics.median(self.last)

    def turn(self, steps, count=True):
        self.process.stdin.write(f"{steps}\n")
        self.process.stdin.flush()
        self.last = [int(word) for word in self.process.stdout.readline().split()]
        if len(self.last) != steps:
            raise SystemExit(f"bench-nn: ended early, status {self.process.wait()}")
        if count:
            self.times += self.last

    def close(self):
        self.process.stdin.close()
        self.process.wait()


def race(sides, seconds, most_steps):
    """Turns of about 50 ms until the slowest has had its time."""
    slowest = max(side.step_ns for side in sides)
    steps = int(max(20, min(most_steps, seconds * 1e9 / slowest)))
    turn = int(max(1, min(steps, 50e6 / slowest)))
    for _ in range(-(-steps // turn)):
        for side in sides:
            side.turn(turn)
    for side in sides:
        side.close()
        side.times.sort()


def thousandth(times):
    return times[min(len(times) - 1, len(times) * 999 // 1000)]


def runtime_python():
    """A Python that has onnxruntime: $METALAUDIO_ORT_PYTHON, one on the path, or a virtual environment in the user's
    cache, made here where PyPI can be reached."""
    cache = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "metalaudio/onnxruntime"
    made = cache / "bin/python"
    has = "import onnxruntime, numpy"
    for name in (os.environ.get("METALAUDIO_ORT_PYTHON"), "python3", made):
        path = name and shutil.which(name)
        if path and subprocess.run([path, "-c", has], capture_output=True).returncode == 0:
            return path
    if os.environ.get("METALAUDIO_ORT_PYTHON"):
        return None
    print(f"Installing onnxruntime from PyPI into {cache}", file=sys.stderr)
    for command in ([sys.executable, "-m", "venv", cache], [made, "-m", "pip", "install", "-q", "onnxruntime"]):
        try:
            if subprocess.run(command, timeout=600).returncode != 0:
                return None
        except (OSError, subprocess.TimeoutExpired):
            return None
    return str(made)


def bench_onnx(options):
    folder = options.models
    rows = []
    if not folder.exists():
        print(f"{folder} is not there: no ONNX models are timed", file=sys.stderr)
        return rows
    python = runtime_python()
    if not python:
        print("No Python with onnxruntime (METALAUDIO_ORT_PYTHON names one): timing MetalAudio alone.", file=sys.stderr)
    for name, (file, settings) in MODELS.items():
        if options.only not in ("", "onnx") and options.only not in name:
            continue
        ours = Side([BIN / "bench_onnx", folder / file, *settings])
        row = {"name": f"onnx/{name}"}
        if python:
            peer = Side([python, HERE / "ort_peer.py", folder / file, *settings])
            empty = Side([python, HERE / "ort_peer.py"])
            race([ours, peer, empty], options.seconds, options.steps)
        else:
            race([ours], options.seconds, options.steps)
        row.update(us=statistics.median(ours.times) / 1e3, p999_us=thousandth(ours.times) / 1e3,
                   steps=len(ours.times))
        text = f"onnx/{name:22} {row['us']:9.1f} us, p99.9 {row['p999_us']:9.1f}"
        if python:
            call = statistics.median(empty.times)
            row.update(ort_us=(statistics.median(peer.times) - call) / 1e3,
                       ort_p999_us=(thousandth(peer.times) - call) / 1e3,
                       ort_call_us=call / 1e3, ort_version=peer.version[0])
            text += (f"; ONNX Runtime {row['ort_us']:9.1f}, {row['ort_p999_us']:9.1f}; "
                     f"ratios {row['ort_us'] / row['us']:.2f}, {row['ort_p999_us'] / row['p999_us']:.2f}")
        else:
            row.update(ort="not installed")
        print(text, flush=True)
        rows.append(row)
    return rows


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", default="", help="amps, onnx, or part of a model's name")
    parser.add_argument("--seconds", type=float, default=6, help="for each side of an ONNX model")
    parser.add_argument("--steps", type=int, default=20000, help="at most, of an ONNX model")
    shared = Path(os.environ.get("METALAUDIO_SHARED_DIR", ROOT.parent / "shared"))
    parser.add_argument("--models", type=Path, default=shared / "models/onnx")
    parser.add_argument("--out", type=Path, default=ROOT / "out/bench-nn.json")
    options = parser.parse_args()
    options.out.parent.mkdir(parents=True, exist_ok=True)
    rows = []
    if options.only in ("", "amps"):
        subprocess.run([BIN / "bench_nn", options.out], check=True)
        rows = json.loads(options.out.read_text())
    if options.only != "amps":
        rows += bench_onnx(options)
    options.out.write_text(json.dumps(rows, indent=1) + "\n")


main()
