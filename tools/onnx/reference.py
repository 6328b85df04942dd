"""Random shapes and attributes for every operation, against onnx.reference.ReferenceEvaluator or ONNX Runtime.

    python tools/onnx/reference.py --runner build/release/bin/onnx_node_runner [--cases 40] [--seed 1]
        [--engine reference|onnxruntime] [OPERATION...]

Needs `onnx` (and `onnxruntime`) from PyPI. Each case becomes a folder as ONNX's node tests are; the runner compares.
Where an engine departs from the specification, its cases are left out with the reason: `departs`.
"""
from __future__ import annotations

import argparse
import pathlib
import shutil
import subprocess
import sys
import tempfile
import warnings
import zlib

import numpy as np
import onnx
from onnx import helper, numpy_helper
from onnx.reference import ReferenceEvaluator

import random_cases


def evaluate(engine, model, given):
    if engine == "reference":
        return ReferenceEvaluator(model).run(None, dict(given))
    import onnxruntime

    onnxruntime.set_default_logger_severity(4)
    return onnxruntime.InferenceSession(model.SerializeToString()).run(None, dict(given))


def departs(engine, name, case):
    """Why an engine's result is not what the specification says, or None."""
    x = np.asarray(case.inputs[0])
    a = case.attributes
    if engine == "reference":
        if name == "GlobalMaxPool" and x.ndim != 4:
            return "it reduces two axes, whatever the rank"
        if name == "LRN":
            return "it takes C for the number of channels and leaves out half of an odd size"
        if name == "LpNormalization" and a.get("p") == 1:
            return "it adds the values, not their sizes"
        if name == "ReduceSumSquare" and x.dtype == np.int32:
            return "it gives int64 for int32"
        if name == "MaxPool":
            return "it gives windows that begin in the padding, and the indices of one channel"
        if name == "Slice" and any(s < -n and k < 0 for s, n, k in
                                   zip(case.inputs[1], [x.shape[int(i)] for i in case.inputs[3]], case.inputs[4])):
            return "backwards it clamps a start before the first element as numpy does"
        if name == "Unique":
            return "numpy.unique takes two axes for one"
        if name == "Resize" and a.get("antialias"):
            return "it stretches the filter of an axis that grows"
        if name == "LpPool" and a.get("ceil_mode"):
            return "it counts what lies beyond the input of the last windows"
        if name == "ConvTranspose" and "auto_pad" in a and min(
                s - k for s, k in zip(a["strides"], np.asarray(case.inputs[1]).shape[2:])) > 0:
            return "a kernel below its stride leaves gaps, where the padding would be negative"
    return None


def model_of(name, case):
    """The model, and the values of its inputs that are not initialisers."""
    names, given, constants = [], [], []
    for i, value in enumerate(case.inputs):
        names.append("" if value is None else f"x{i}")
        if value is None:
            continue
        value = np.asarray(value)
        if i in case.constants:
            constants.append(numpy_helper.from_array(value, f"x{i}"))
        else:
            given.append((f"x{i}", value))
    while names and not names[-1]:
        names.pop()
    outputs = [f"y{i}" for i in range(case.outputs)]
    node = helper.make_node(name, names, outputs, **case.attributes)
    inputs = [helper.make_tensor_value_info(n, helper.np_dtype_to_tensor_dtype(v.dtype), v.shape) for n, v in given]
    graph = helper.make_graph([node], name, inputs, [onnx.ValueInfoProto(name=o) for o in outputs], constants)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", case.opset)])
    model.ir_version = 10  # newer ones are refused by ONNX Runtime
    return model, given


def write(folder, model, given, results):
    data = folder / "test_data_set_0"
    data.mkdir(parents=True)
    (folder / "model.onnx").write_bytes(model.SerializeToString())
    for what, values in (("input", [v for _, v in given]), ("output", results)):
        for i, value in enumerate(values):
            (data / f"{what}_{i}.pb").write_bytes(numpy_helper.from_array(np.asarray(value)).SerializeToString())


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--runner", required=True)
    parser.add_argument("--cases", type=int, default=40)
    parser.add_argument("--engine", choices=["reference", "onnxruntime"], default="reference")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--keep", type=pathlib.Path, help="where the folders of failed cases go")
    parser.add_argument("--verbose", action="store_true")
    parser.add_argument("operations", nargs="*")
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    np.seterr(all="ignore")
    failed = total = refused = 0
    for name in options.operations or sorted(random_cases.GENERATORS):
        if not onnx.defs.has(name):
            continue
        folder = pathlib.Path(tempfile.mkdtemp())
        by_tolerance = {}
        refusals = []
        for index in range(options.cases):
            # zlib.crc32 is the same in every run; hash() of a text is not.
            r = np.random.default_rng([options.seed, zlib.crc32(name.encode()), index])
            case = random_cases.generator(name, options.engine)(r, name)
            if case.opset > onnx.defs.onnx_opset_version():
                continue
            if departs(options.engine, name, case):
                continue
            model, given = model_of(name, case)
            try:
                results = evaluate(options.engine, model, given)
            except Exception as error:  # the evaluator has holes of its own
                refusals.append(f"{type(error).__name__}: {error}")
                continue
            where = folder / f"{name}_{index}"
            write(where, model, given, results)
            by_tolerance.setdefault(case.absolute, []).append(where)
        reasons = []
        for tolerance, cases in by_tolerance.items():
            command = [options.runner, "--absolute", str(tolerance), *map(str, cases)]
            done = subprocess.run(command, capture_output=True, text=True)
            lines = done.stdout.splitlines()
            if len(lines) != len(cases):
                reasons.append(f"the runner ended with {done.returncode} after {len(lines)} cases: {done.stderr[-300:]}")
            reasons += [line for line in lines if not line.startswith("PASS")]
        count = sum(map(len, by_tolerance.values()))
        total += count
        refused += len(refusals)
        failed += len(reasons)
        if reasons or (count == 0 and refusals) or (options.verbose and refusals):
            print(f"{name}: {len(reasons)} of {count} differ, the evaluator refuses {len(refusals)}")
            for reason in reasons[: 99 if options.verbose else 4]:
                print("   ", reason.replace(str(folder), "")[:230])
            for reason in refusals[:2]:
                print("    evaluator:", reason[:200])
        if options.keep is not None:
            for reason in reasons:
                case = reason.split()[1].rstrip(":")
                if (folder / case).is_dir():
                    shutil.copytree(folder / case, options.keep / case, dirs_exist_ok=True)
        shutil.rmtree(folder)
    print(f"{total} cases, {failed} differ, {refused} refused by the evaluator")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
