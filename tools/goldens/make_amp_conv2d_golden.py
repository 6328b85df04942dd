#!/usr/bin/env python3
"""Writes tests/golden/amp/conv2d.json: networks in RTNeural's JSON with conv2d and batchnorm2d layers, an
input, and what PyTorch makes of it.

Layers are Keras's, as RTNeural exports them: causal in time, "valid" or TensorFlow's "same" along the
features, a frame's values as [feature][filter]. PyTorch (torch.nn.functional, float64) computes them with
the padding written out, so that nothing here comes from this project.
Usage: python tools/goldens/make_amp_conv2d_golden.py     (torch and numpy)
"""
import json
from pathlib import Path

import numpy as np
import torch
from torch.nn import functional as F

OUT = Path(__file__).resolve().parents[2] / "tests" / "golden" / "amp" / "conv2d.json"
SEED = 12
FRAMES = 20

rng = np.random.default_rng(SEED)


def rounded(shape, reach):
    return np.float32(rng.uniform(-reach, reach, shape)).astype(np.float64)


def conv2d(x, filters, kt, kf, dilation, stride, padding, activation):
    """x[filter][frame][feature]; returns the layer and its output."""
    filters_in, _, features = x.shape
    weight = rounded((kt, kf, filters_in, filters), 0.6 / np.sqrt(kt * kf * filters_in) * 2)
    bias = rounded(filters, 0.2)
    out_features = -(-features // stride) if padding == "same" else (features - kf) // stride + 1
    total = max((out_features - 1) * stride + kf - features, 0) if padding == "same" else 0
    padded = F.pad(torch.from_numpy(x), (total // 2, total - total // 2, (kt - 1) * dilation, 0))
    y = F.conv2d(padded[None], torch.from_numpy(weight).permute(3, 2, 0, 1), torch.from_numpy(bias),
                 stride=(1, stride), dilation=(dilation, 1))[0]
    y = {"": lambda v: v, "tanh": torch.tanh, "relu": torch.relu}[activation](y).numpy()
    assert y.shape == (filters, FRAMES, out_features)
    layer = {"type": "conv2d", "activation": activation, "shape": [None, None, out_features, filters],
             "kernel_size_time": kt, "kernel_size_feature": kf, "dilation": dilation, "strides": stride,
             "num_filters_in": filters_in, "num_features_in": features, "num_filters_out": filters,
             "padding": padding, "weights": [weight.tolist(), bias.tolist()]}
    return layer, y


def batchnorm2d(x, affine):
    filters = x.shape[0]
    mean, variance = rounded(filters, 0.3), np.abs(rounded(filters, 1.0)) + np.float64(np.float32(0.1))
    variance = np.float32(variance).astype(np.float64)
    gain, bias = rounded(filters, 1.0), rounded(filters, 0.3)
    weights = [gain, bias, mean, variance] if affine else [mean, variance]
    y = F.batch_norm(torch.from_numpy(x)[None], torch.from_numpy(mean), torch.from_numpy(variance),
                     torch.from_numpy(gain) if affine else None,
                     torch.from_numpy(bias) if affine else None, eps=1e-3)[0].numpy()
    return {"type": "batchnorm2d", "activation": "", "shape": [None, None, x.shape[2], filters],
            "epsilon": 1e-3, "weights": [w.tolist() for w in weights]}, y


cases = []


def case(name, features, filters, steps):
    x = rounded((filters, FRAMES, features), 0.9)
    first, layers, y = x, [], x
    for step in steps:
        layer, y = step(y)
        layers.append(layer)

    def frames(v):  # [frame][feature, filter]
        return np.float32(v.transpose(1, 2, 0).reshape(FRAMES, -1)).tolist()

    cases.append({"name": name, "in": frames(first), "out": frames(y),
                  "model": {"in_shape": [None, None, features, filters], "layers": layers}})


for padding in ("valid", "same"):
    for features, kf, stride in ((1, 1, 1), (8, 3, 1), (8, 3, 2), (9, 4, 2), (7, 5, 3), (10, 2, 3)):
        case(f"{padding} {features} features, kernel {kf}, stride {stride}", features, 2,
             [lambda v: conv2d(v, 3, 2, kf, 2, stride, padding, "tanh")])
case("same, a kernel wider than the features", 3, 1, [lambda v: conv2d(v, 2, 3, 7, 1, 1, "same", "")])
case("three layers with norms", 11, 1,
     [lambda v: conv2d(v, 4, 3, 5, 1, 2, "same", "relu"), lambda v: batchnorm2d(v, True),
      lambda v: conv2d(v, 2, 2, 3, 3, 1, "valid", "tanh"), lambda v: batchnorm2d(v, False),
      lambda v: conv2d(v, 1, 1, 4, 1, 1, "valid", "")])

OUT.parent.mkdir(exist_ok=True)
text = json.dumps(cases, separators=(",", ":"))
OUT.write_text(json.dumps(json.loads(text, parse_float=lambda t: float(f"{float(t):.9g}")),
                          separators=(",", ":")) + "\n")
(OUT.parent / "README.md").write_text(
    "# Goldens of neural amps\n\n"
    f"`conv2d.json`: `tools/goldens/make_amp_conv2d_golden.py`, torch {torch.__version__.split('+')[0]} "
    f"(CPU, float64), numpy {np.__version__}, seed {SEED}.\n"
    "Weights and inputs are exact in float32; results are rounded to it.\n")
