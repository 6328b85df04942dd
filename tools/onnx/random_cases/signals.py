"""Operations on signals and pictures."""
from __future__ import annotations

import numpy as np

from .drawing import any_values, Case, flag, floats, i64, ints, of, pick, shape


@of("Resize")
def resize(r, name):
    s = (1, int(r.integers(1, 3)), *[int(r.integers(1, 7)) for _ in range(int(r.integers(1, 3)))])
    x = floats(r, s)
    mode = pick(r, ["nearest", "linear", "cubic"])
    coordinates = pick(r, ["half_pixel", "asymmetric", "align_corners", "pytorch_half_pixel", "half_pixel_symmetric"])
    attributes = {"mode": mode, "coordinate_transformation_mode": coordinates}
    if mode == "nearest":
        attributes["nearest_mode"] = pick(r, ["round_prefer_floor", "round_prefer_ceil", "floor", "ceil"])
    if mode == "cubic":
        attributes["exclude_outside"] = int(flag(r))
        attributes["cubic_coeff_a"] = float(pick(r, [-0.5, -0.75]))
    if mode != "nearest" and flag(r, 0.3):
        attributes["antialias"] = 1
    to = [1, s[1], *[int(r.integers(1, 12)) for _ in s[2:]]]
    if flag(r):
        return Case([x, None, None, i64(*to)], attributes, opset=19, constants=(3,), absolute=1e-5)
    scales = np.array([1, 1, *[pick(r, [0.5, 0.6, 1.0, 1.5, 2.0, 2.7]) for _ in s[2:]]], np.float32)
    scales[2:] = np.maximum(scales[2:], 1.01 / np.array(s[2:]))
    return Case([x, None, scales], attributes, opset=19, constants=(2,), absolute=1e-5)


@of("DFT")
def dft(r, name):
    s = list(shape(r, 1, 3, 0))
    s = [int(r.integers(1, 3)), *s]
    inverse = flag(r)
    parts = 2 if inverse or flag(r) else 1
    x = floats(r, (*s, parts))
    axis = int(r.integers(1, len(s)))
    attributes = {"inverse": int(inverse)}
    if not inverse and parts == 1 and flag(r):
        attributes["onesided"] = 1
    length = np.array(int(r.integers(1, 9)), np.int64) if flag(r, 0.4) else None
    opset = pick(r, [17, 20])
    if opset == 17:
        attributes["axis"] = axis
        return Case([x, length], attributes, opset=17, constants=(1,), absolute=5e-5)
    return Case([x, length, np.array(axis - len(s) - 1 if flag(r) else axis, np.int64)], attributes, opset=20,
                constants=(1, 2), absolute=5e-5)


@of("STFT")
def stft(r, name):
    frame = int(r.integers(2, 9))
    x = floats(r, (int(r.integers(1, 3)), int(r.integers(frame, 30)), 1))
    window = floats(r, frame, 0, 1) if flag(r) else None
    return Case([x, np.array(int(r.integers(1, 6)), np.int64), window, np.array(frame, np.int64)],
                {"onesided": int(flag(r))}, opset=17, constants=(1, 2, 3), absolute=5e-5)


@of("HannWindow", "HammingWindow", "BlackmanWindow")
def window(r, name):
    return Case([np.array(int(r.integers(2, 20)), pick(r, [np.int32, np.int64]))], {"periodic": int(flag(r))}, opset=17)


@of("MelWeightMatrix")
def mel(r, name):
    rate = int(pick(r, [8000, 16000]))
    return Case([np.array(v, t) for v, t in ((int(r.integers(2, 12)), np.int64), (int(pick(r, [64, 100, 256])), np.int64),
                                             (rate, np.int64), (0.0, np.float32), (rate / 2.0, np.float32))], opset=17)


@of("BitCast")
def bit_cast(r, name):
    import onnx

    start, end = pick(r, [(np.float32, np.int32), (np.int64, np.float64), (np.uint8, np.int8), (np.int32, np.uint32)])
    x = any_values(r, shape(r), start)
    return Case([x], {"to": onnx.helper.np_dtype_to_tensor_dtype(np.dtype(end))}, opset=26)


@of("GridSample")
def grid_sample(r, name):
    axes = int(pick(r, [2, 2, 3]))
    mode = pick(r, ["linear", "nearest", "cubic"])
    x = floats(r, (int(r.integers(1, 3)), 2, *[int(r.integers(2, 5)) for _ in range(axes)]))
    grid = floats(r, (x.shape[0], *[int(r.integers(1, 4)) for _ in range(axes)], axes), -1.7, 1.7)
    return Case([x, grid], {"mode": mode, "padding_mode": pick(r, ["zeros", "border", "reflection"]),
                            "align_corners": int(flag(r))}, opset=22, absolute=5e-5)


@of("AffineGrid")
def affine_grid(r, name):
    axes = int(r.integers(2, 4))
    size = [2, 3, *[int(r.integers(2, 6)) for _ in range(axes)]]
    return Case([floats(r, (2, axes, axes + 1)), i64(*size)], {"align_corners": int(flag(r))}, opset=20, constants=(1,),
                absolute=1e-5)


@of("DeformConv")
def deform_conv(r, name):
    x = floats(r, (1, 2, 5, 6))
    kernel = [int(r.integers(1, 4)), int(r.integers(1, 4))]
    pads = [int(r.integers(0, 2)) for _ in range(4)]
    strides = [int(r.integers(1, 3)) for _ in range(2)]
    out = [(x.shape[2 + i] + pads[i] + pads[2 + i] - kernel[i]) // strides[i] + 1 for i in range(2)]
    groups = int(pick(r, [1, 2]))
    points = kernel[0] * kernel[1]
    return Case([x, floats(r, (2, 2, *kernel)), floats(r, (1, groups * points * 2, *out), -1, 1),
                 floats(r, 2) if flag(r) else None, floats(r, (1, groups * points, *out), 0, 1) if flag(r) else None],
                {"pads": pads, "strides": strides, "offset_group": groups, "kernel_shape": kernel}, opset=22, absolute=5e-5)


@of("NonMaxSuppression")
def suppression(r, name):
    boxes = np.sort(floats(r, (2, 6, 2, 2), 0, 1), axis=2).reshape(2, 6, 4)
    return Case([boxes, floats(r, (2, 3, 6), 0, 1), i64(int(r.integers(0, 5))), np.array([0.3], np.float32),
                 np.array([0.2], np.float32) if flag(r) else None], {"center_point_box": int(flag(r))}, opset=11)


@of("RoiAlign")
def roi_align(r, name):
    corner = floats(r, (3, 2), 0, 4)
    rois = np.concatenate([corner, corner + floats(r, (3, 2), 0.5, 4)], 1)
    return Case([floats(r, (2, 2, 7, 8), 0, 1), rois, ints(r, 3, 0, 2)],
                {"mode": pick(r, ["avg", "max"]), "output_height": 2, "output_width": 3,
                 "sampling_ratio": int(pick(r, [0, 2])), "spatial_scale": 0.8,
                 "coordinate_transformation_mode": pick(r, ["half_pixel", "output_half_pixel"])}, opset=16, absolute=1e-5)
