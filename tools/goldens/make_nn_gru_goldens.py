#!/usr/bin/env python3
"""Writes tests/golden/nn/onnx_gru.safetensors: ONNX's reference GRU, which, unlike torch's, may apply the
reset gate to the state before the product (linear_before_reset = 0).

Weights are kept in torch's order of gates (r, z, n), as the engine has them.
Usage: python tools/goldens/make_nn_gru_goldens.py     (onnx and numpy)
"""
import json
from pathlib import Path
import struct

import numpy
import onnx
from onnx import helper
from onnx.reference import ReferenceEvaluator

OUT = Path(__file__).resolve().parents[2] / "tests" / "golden" / "nn" / "onnx_gru.safetensors"
SEED = 6
TOKENS, BATCH, IN, HIDDEN = 7, 2, 5, 6

rng = numpy.random.default_rng(SEED)
tensors = {}


def save(path, metadata):
    header, data = {"__metadata__": metadata}, b""
    for name, value in tensors.items():
        raw = numpy.ascontiguousarray(value, numpy.float32).tobytes()
        header[name] = {"dtype": "F32", "shape": list(value.shape),
                        "data_offsets": [len(data), len(data) + len(raw)]}
        data += raw
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    path.write_bytes(struct.pack("<Q", len(text)) + text + data)


def onnx_order(weight):
    """Rows r, z, n to ONNX's z, r, h."""
    r, z, n = numpy.split(weight, 3, axis=1)
    return numpy.concatenate([z, r, n], axis=1)


def draw(*shape):
    return rng.normal(0, 0.4, shape).astype(numpy.float32).astype(numpy.float64)


x, w, r = draw(TOKENS, BATCH, IN), draw(1, 3 * HIDDEN, IN), draw(1, 3 * HIDDEN, HIDDEN)
b_in, b_hidden, h = draw(1, 3 * HIDDEN), draw(1, 3 * HIDDEN), draw(1, BATCH, HIDDEN)
tensors.update({"x": x.transpose(1, 0, 2), "input_weight": w, "hidden_weight": r, "initial": h,
                "bias": numpy.stack([b_in, b_hidden], 1)})
for before in (0, 1):
    names = ["X", "W", "R", "B", "", "H"]
    node = helper.make_node("GRU", names, ["Y", "Y_h"], hidden_size=HIDDEN,
                            linear_before_reset=before)
    ports = [helper.make_tensor_value_info(n, onnx.TensorProto.DOUBLE, None) for n in names if n]
    outs = [helper.make_tensor_value_info(n, onnx.TensorProto.DOUBLE, None) for n in ("Y", "Y_h")]
    model = helper.make_model(helper.make_graph([node], "gru", ports, outs))
    bias = numpy.concatenate([onnx_order(b_in), onnx_order(b_hidden)], axis=1)
    y, last = ReferenceEvaluator(model).run(
        None, {"X": x, "W": onnx_order(w), "R": onnx_order(r), "B": bias, "H": h})
    tensors[f"y{before}"] = y[:, 0].transpose(1, 0, 2)
    tensors[f"last{before}"] = last
# The first three are what the reader of checkpoints asks for.
save(OUT, {"klass": "onnx", "args": "[]", "kwargs": "{}", "onnx": onnx.__version__,
           "seed": str(SEED), "script": "tools/goldens/make_nn_gru_goldens.py"})
