"""ONNX's own node tests, through `metalaudio run`.

    python tools/onnx/node_tests.py --program build/release/bin/metalaudio [--data FOLDER] [--least 0.95]

Needs `onnx` from PyPI. Tests of text, sequences, images, random numbers, training, loops and other domains are left
out; of the rest at least the given part must pass, and those that do not must be in NOT_PASSED, with the reason.
"""
from __future__ import annotations

import argparse
import concurrent.futures
import pathlib
import re
import subprocess
import sys
import tempfile

import numpy as np
import onnx
from onnx import TensorProto, numpy_helper

LEFT_OUT = {
    "images": {"ImageDecoder"},
    "random numbers": {"Bernoulli", "Multinomial", "RandomNormal", "RandomNormalLike", "RandomUniform",
                       "RandomUniformLike"},
    "control flow beyond If": {"Loop", "Scan", "SequenceMap"},
    "sequences": {"Optional", "ConcatFromSequence", "SplitToSequence", "SequenceAt", "SequenceConstruct",
                  "SequenceEmpty", "SequenceErase", "SequenceInsert", "SequenceLength"},
}
NOT_PASSED = {
    "test_attention_4d_causal_fp16": "one step of float16 in the softmax, which NumPy rounds after each operation",
    "test_attention_4d_causal_fp16_expanded": "the same",
    "test_dft_inverse": "what should be 0 is 1.9e-7 in NumPy's float32 transform, above the tolerance of 1e-7",
    "test_dft_inverse_opset19": "the same",
}
# Of packages before 1.23: what these expect was corrected by then, and passes there.
CORRECTED_LATER = [r"test_attention_[34]d_.*", r"test_attention_3d", r"test_cast(like)?_FLOAT(16)?_to_(U?INT4|FLOAT4E2M1).*",
                   r"test_cast(like)?_(FLOAT_to_BFLOAT16|BFLOAT16_to_FLOAT).*", r"test_qlinearmatmul_.D_int8_.*"]


def known(name):
    if name in NOT_PASSED:
        return NOT_PASSED[name]
    version = tuple(int(part) for part in onnx.__version__.split(".")[:2])
    if version < (1, 23) and any(re.fullmatch(pattern, name) for pattern in CORRECTED_LATER):
        return "corrected in onnx 1.23"
    return ""


# Types that no NumPy file has are given in the one that this program keeps them in.
KEPT_AS = {"int4": np.int8, "int2": np.int8, "uint4": np.uint8, "uint2": np.uint8, "float8_e8m0fnu": np.float32}


def plain(value):
    """A value as this program writes it."""
    name = value.dtype.name
    if name in KEPT_AS:
        return value.astype(KEPT_AS[name])
    if name.startswith("float8") or name.startswith("float4"):
        return value.astype(np.float16)
    return value.astype(np.float32) if name == "bfloat16" else value


def nodes_of(graph):
    for node in graph.node:
        yield node
        for attribute in node.attribute:
            if attribute.HasField("g"):
                yield from nodes_of(attribute.g)


def left_out(model):
    """Why a test is not one of those that the program is for, or None."""
    for value in [*model.graph.input, *model.graph.output]:
        if not value.type.HasField("tensor_type"):
            return "sequences"
        if value.type.tensor_type.elem_type == TensorProto.STRING:
            return "text"
    for node in nodes_of(model.graph):
        if node.domain not in ("", "ai.onnx"):
            return "training" if "training" in node.domain else "other domains"
        for reason, types in LEFT_OUT.items():
            if node.op_type in types:
                return reason
        if node.op_type == "Dropout" and len(node.input) > 2:
            return "training"
        if any(a.type in (onnx.AttributeProto.STRINGS,) and a.name == "pool_strings" for a in node.attribute):
            return "text"
    return None


def read(path):
    return numpy_helper.to_array(onnx.load_tensor(str(path)))


def run(program, folder, model):
    """Empty where the outputs of every data set are those of the test."""
    names = [value.name for value in model.graph.input]
    for data in sorted(folder.glob("test_data_set_*")):
        with tempfile.TemporaryDirectory() as place:
            place = pathlib.Path(place)
            command = [program, "run", str(folder / "model.onnx"), "-o", str(place / "out")]
            for i, name in enumerate(names):
                value = read(data / f"input_{i}.pb")
                if value.dtype.name != "bfloat16":
                    value = plain(value)
                np.save(place / f"{i}.npy", value)
                command += ["--tensor", f"{name}={place / f'{i}.npy'}"]
            done = subprocess.run(command, capture_output=True, text=True)
            if done.returncode != 0:
                return (done.stderr.strip() or f"it ended with {done.returncode}").replace(str(folder), "")[:200]
            for i, output in enumerate(model.graph.output):
                wanted = read(data / f"output_{i}.pb")
                relative = 2**-6 if wanted.dtype.name == "bfloat16" else 1e-3  # ONNX's own
                wanted = plain(wanted)
                got = np.load(place / "out" / (output.name.replace("/", "_").replace(":", "_") + ".npy"))
                if got.dtype != wanted.dtype or got.shape != wanted.shape:
                    return f"{output.name} is {got.dtype}{got.shape}, expected {wanted.dtype}{wanted.shape}"
                if not np.allclose(got.astype(np.float64), wanted.astype(np.float64), relative, 1e-7, equal_nan=True):
                    return f"{output.name} differs"
    return ""


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--program", required=True)
    parser.add_argument("--data", type=pathlib.Path, help="folders of tests; those of the package, or made anew")
    parser.add_argument("--least", type=float, default=0.95)
    options = parser.parse_args()
    data = options.data or pathlib.Path(onnx.__file__).parent / "backend/test/data/node"
    made = None
    if not data.is_dir():  # newer packages make them
        made = tempfile.TemporaryDirectory()
        subprocess.run([sys.executable, "-m", "onnx.backend.test.cmd_tools", "generate-data", "-o", made.name], check=True, capture_output=True)
        data = pathlib.Path(made.name)
        data = data / "node" if (data / "node").is_dir() else data
    reasons, tests = {}, []
    for folder in sorted(data.glob("test_*")):
        model = onnx.load(str(folder / "model.onnx"))
        reason = left_out(model)
        if reason is None:
            tests.append((folder, model))
        else:
            reasons[reason] = reasons.get(reason, 0) + 1
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        results = list(pool.map(lambda test: run(options.program, *test), tests))
    failed = {folder.name: result for (folder, _), result in zip(tests, results) if result}
    for name, reason in failed.items():
        print(f"{name}: {reason}", f"({known(name)})")
    part = 1 - len(failed) / max(1, len(tests))
    print("left out:", ", ".join(f"{count} of {reason}" for reason, count in sorted(reasons.items())))
    print(f"onnx {onnx.__version__}: {len(tests) - len(failed)} of {len(tests)} pass, {100 * part:.1f} %")
    unknown = sorted(name for name in failed if not known(name))
    if unknown:
        print("without a reason:", ", ".join(unknown))
    return 1 if unknown or part < options.least or len(tests) < 1000 else 0


if __name__ == "__main__":
    sys.exit(main())
