#!/usr/bin/env python3
"""What ONNX Runtime makes of the first three frames of gtcrn_simple.onnx, state fed back.

usage: onnx_gtcrn.py SHARED OUT     (onnx 1.18.0, onnxruntime 1.32.0; 1.17.3 and 1.23.2 give the same
within 1e-6). The inputs are those of SHARED/goldens/onnx/gtcrn_simple; all outputs but the last cache
differ there from what any of these versions gives, so `enh` is kept here: float32, 3 x 257 x 2.
"""
import sys
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
from onnx import numpy_helper

shared, out = Path(sys.argv[1]), Path(sys.argv[2])


def read(file):
    tensor = onnx.TensorProto()
    tensor.ParseFromString(file.read_bytes())
    return numpy_helper.to_array(tensor)


session = onnxruntime.InferenceSession(shared / "models/onnx/gtcrn/gtcrn_simple.onnx")
names = [value.name for value in session.get_inputs()]
folder = shared / "goldens/onnx/gtcrn_simple"
values = {name: read(folder / f"test_data_set_0/input_{i}.pb") for i, name in enumerate(names)}
frames = []
for step in range(3):
    values["mix"] = read(folder / f"test_data_set_{step}/input_0.pb")
    enhanced, *caches = session.run(None, values)
    frames.append(enhanced)
    values.update(zip(names[1:], caches))
np.stack(frames).astype("<f4").tofile(out)
