"""Operations that multiply: matrices, convolutions, pooling, integers."""
from __future__ import annotations

import numpy as np

from .drawing import any_values, axis_of, Case, extent, flag, floats, FLOATS, i64, ints, narrowed, of, pick, shape


@of("MatMul")
def matmul(r, name):
    k = extent(r)
    full = shape(r, 0, 2)
    a = (k,) if flag(r, 0.15) else (*narrowed(r, full), extent(r), k)
    b = (k,) if flag(r, 0.15) else (*full, k, extent(r))
    dtype = pick(r, FLOATS + [np.int32, np.int64])
    return Case([any_values(r, a, dtype), any_values(r, b, dtype)], opset=13, absolute=2e-5,
                constants=(1,) if flag(r) else ())


@of("Gemm")
def gemm(r, name):
    m, k, n = extent(r), extent(r), extent(r)
    ta, tb = flag(r), flag(r)
    c = floats(r, narrowed(r, (m, n))) if flag(r, 0.7) else None
    attributes = {"transA": int(ta), "transB": int(tb)}
    if flag(r):
        attributes.update(alpha=float(r.random()), beta=float(r.random()))
    return Case([floats(r, (k, m) if ta else (m, k)), floats(r, (n, k) if tb else (k, n)), c], attributes, opset=13,
                constants=(1, 2) if flag(r) else (), absolute=2e-5)


@of("Einsum")
def einsum(r, name):
    sizes = {letter: extent(r, 0.02) for letter in "abcde"}
    equation = pick(r, ["ab,bc->ac", "abc,acd->abd", "ab->ba", "ab->b", "aab->ab", "a,b->ab", "abc,cd,de->abe", "ab,ab->",
                        "...a,ab->...b", "ab,b", "ba", "aa->a", "abcd,bd->ca", "...ab->...ba", "a...->...", "ab,cd->abcd"])
    operands = []
    for term in equation.split("->")[0].split(","):
        s = []
        for part in term.replace("...", "."):
            s.extend((2, 3) if part == "." else (sizes[part],))
        operands.append(floats(r, s))
    return Case(operands, {"equation": equation}, opset=12, absolute=2e-5)


@of("Det")
def det(r, name):
    n = int(r.integers(1, 6))
    return Case([floats(r, (*shape(r, 0, 2), n, n))], opset=11, absolute=2e-4)


def sliding(r, spatial, kernel, can_ceil=True):
    """Strides, dilations and pads with which a kernel fits."""
    attributes = {}
    count = len(spatial)
    dilations = [int(pick(r, [1, 1, 2])) for _ in spatial]
    if flag(r):
        attributes["dilations"] = dilations
    else:
        dilations = [1] * count
    if flag(r):
        attributes["strides"] = [int(pick(r, [1, 2, 3])) for _ in spatial]
    reach = [d * (k - 1) + 1 for d, k in zip(dilations, kernel)]
    if flag(r, 0.25):
        attributes["auto_pad"] = pick(r, ["SAME_UPPER", "SAME_LOWER", "VALID"])
    elif flag(r):
        attributes["pads"] = [int(r.integers(0, k)) for k in kernel] + [int(r.integers(0, k)) for k in kernel]
    for i in range(count):
        spatial[i] = max(spatial[i], reach[i])
    return attributes


@of("Conv")
def conv(r, name):
    count = int(pick(r, [1, 1, 2, 2, 3]))
    groups = int(pick(r, [1, 1, 2, 3]))
    spatial = [int(r.integers(1, 9)) for _ in range(count)]
    kernel = [int(pick(r, [1, 2, 3, 4])) for _ in range(count)]
    attributes = sliding(r, spatial, kernel)
    channels, filters = groups * int(r.integers(1, 4)), groups * int(r.integers(1, 4))
    attributes["group"] = groups
    if flag(r):
        attributes["kernel_shape"] = kernel
    x = floats(r, (extent(r), channels, *spatial))
    w = floats(r, (filters, channels // groups, *kernel))
    return Case([x, w, floats(r, filters) if flag(r) else None], attributes, opset=pick(r, [11, 22]),
                constants=(1, 2) if flag(r, 0.8) else (), absolute=5e-5)


@of("ConvTranspose")
def conv_transpose(r, name):
    count = int(pick(r, [1, 1, 2]))
    groups = int(pick(r, [1, 1, 2]))
    spatial = [int(r.integers(1, 6)) for _ in range(count)]
    kernel = [int(pick(r, [1, 2, 3, 4])) for _ in range(count)]
    channels, filters = groups * int(r.integers(1, 4)), int(r.integers(1, 4))
    attributes = {"group": groups, "strides": [int(pick(r, [1, 2, 3])) for _ in spatial]}
    if flag(r):
        attributes["dilations"] = [int(pick(r, [1, 2])) for _ in spatial]
    dilations = attributes.get("dilations", [1] * count)
    if flag(r):
        attributes["output_padding"] = [int(r.integers(0, max(s, d))) for s, d in zip(attributes["strides"], dilations)]
    more = attributes.get("output_padding", [0] * count)
    full = [s * (n - 1) + d * (k - 1) + 1 + p
            for s, n, d, k, p in zip(attributes["strides"], spatial, dilations, kernel, more)]
    kind = int(r.integers(0, 4))
    if kind == 0:
        attributes["pads"] = [int(r.integers(0, (f + 1) // 2)) for f in full] * 2
    elif kind == 1:
        attributes["auto_pad"] = pick(r, ["SAME_UPPER", "SAME_LOWER"])
        attributes.pop("output_padding", None)
        attributes.pop("dilations", None)
    x = floats(r, (int(r.integers(1, 3)), channels, *spatial))
    w = floats(r, (channels, filters, *kernel))
    return Case([x, w, floats(r, filters * groups) if flag(r) else None], attributes, opset=pick(r, [11, 22]),
                constants=(1, 2) if flag(r, 0.8) else (), absolute=5e-5)


@of("AveragePool", "MaxPool", "LpPool")
def pool(r, name):
    count = int(pick(r, [1, 2, 2, 3]))
    spatial = [int(r.integers(1, 10)) for _ in range(count)]
    kernel = [int(pick(r, [1, 2, 3])) for _ in range(count)]
    attributes = sliding(r, spatial, kernel)
    attributes["kernel_shape"] = kernel
    if "auto_pad" not in attributes:
        attributes["ceil_mode"] = int(flag(r, 0.3))
    else:
        attributes.pop("dilations", None)
    if name == "AveragePool":
        attributes["count_include_pad"] = int(flag(r))
    if name == "LpPool":
        attributes["p"] = int(pick(r, [1, 2, 3]))
    outputs = 2 if name == "MaxPool" and flag(r, 0.3) else 1
    x = floats(r, (extent(r, 0), extent(r, 0), *spatial))
    return Case([x], attributes, outputs, 19 if name == "AveragePool" else 18 if name == "LpPool" else 12, absolute=1e-5)


@of("GlobalAveragePool", "GlobalMaxPool", "GlobalLpPool")
def global_pool(r, name):
    x = floats(r, shape(r, 3, 5, 0))
    return Case([x], {"p": int(pick(r, [1, 2, 3]))} if name == "GlobalLpPool" and flag(r) else {}, opset=11, absolute=1e-5)


@of("Col2Im")
def col2im(r, name):
    count = int(r.integers(1, 3))
    image = [int(r.integers(3, 7)) for _ in range(count)]
    block = [int(r.integers(1, 4)) for _ in range(count)]
    strides = [int(r.integers(1, 3)) for _ in range(count)]
    pads = [int(r.integers(0, 2)) for _ in range(2 * count)]
    blocks = [(image[i] + pads[i] + pads[i + count] - block[i]) // strides[i] + 1 for i in range(count)]
    x = floats(r, (2, 3 * int(np.prod(block)), int(np.prod(blocks))))
    return Case([x, i64(*image), i64(*block)], {"strides": strides, "pads": pads}, opset=18, constants=(1, 2),
                absolute=1e-5)


@of("QuantizeLinear")
def quantize(r, name):
    x = floats(r, shape(r, 1, 4, 0), -40, 40)
    dtype = pick(r, [np.uint8, np.int8, np.uint16, np.int16])
    axis = axis_of(r, x.ndim)
    s = (x.shape[axis],) if flag(r) else ()
    scale = np.full(s, 0.25, np.float32) * r.integers(1, 5, s).astype(np.float32)
    zero = ints(r, s, 0, 9, dtype) if flag(r, 0.8) else None
    return Case([x, scale, zero], {"axis": axis}, opset=21)


@of("DequantizeLinear")
def dequantize(r, name):
    dtype = pick(r, [np.uint8, np.int8, np.uint16, np.int16])
    x = ints(r, shape(r, 1, 4, 0), -90, 90, dtype)
    axis = axis_of(r, x.ndim)
    block = {}
    s = (x.shape[axis],) if flag(r) else ()
    if flag(r, 0.2):
        block = {"block_size": 2}
        s = tuple(-(-n // 2) if i == axis % x.ndim else n for i, n in enumerate(x.shape))
        x = x if x.shape[axis] % 2 == 0 else np.repeat(x, 2, axis)
        s = tuple(n // 2 if i == axis % x.ndim else n for i, n in enumerate(x.shape))
    return Case([x, floats(r, s, 0.1, 2), ints(r, s, 0, 9, dtype) if flag(r, 0.8) else None], {"axis": axis, **block},
                opset=21)


@of("DynamicQuantizeLinear")
def dynamic_quantize(r, name):
    return Case([floats(r, shape(r, 1, 3, 0), -3, 5)], {}, 3, 11)


@of("MatMulInteger")
def matmul_integer(r, name):
    k = extent(r, 0)
    dtype_a, dtype_b = pick(r, [np.uint8, np.int8]), pick(r, [np.uint8, np.int8])
    a, b = ints(r, (*shape(r, 0, 1), extent(r), k), -90, 90, dtype_a), ints(r, (k, extent(r)), -90, 90, dtype_b)
    return Case([a, b, np.array(3, dtype_a) if flag(r) else None, np.array(5, dtype_b) if flag(r) else None], opset=10)


@of("ConvInteger")
def conv_integer(r, name):
    x = ints(r, (1, 2, 5, 6), 0, 90, np.uint8)
    w = ints(r, (3, 2, 2, 3), 0, 90, np.uint8)
    return Case([x, w, np.array(4, np.uint8) if flag(r) else None], {"strides": [1, int(r.integers(1, 3))]}, opset=10,
                constants=(1,))


@of("QLinearMatMul")
def qlinear_matmul(r, name):
    k = extent(r, 0)
    u8 = lambda s: ints(r, s, 0, 200, np.uint8)
    f = lambda: np.array(0.25 * int(r.integers(1, 4)), np.float32)
    z = lambda: np.array(int(r.integers(0, 99)), np.uint8)
    return Case([u8((extent(r, 0), k)), f(), z(), u8((k, extent(r, 0))), f(), z(), np.array(64, np.float32), z()], opset=21)


@of("QLinearConv")
def qlinear_conv(r, name):
    u8 = lambda s: ints(r, s, 0, 200, np.uint8)
    f = lambda: np.array(0.25 * int(r.integers(1, 4)), np.float32)
    z = lambda: np.array(int(r.integers(0, 99)), np.uint8)
    return Case([u8((1, 2, 5, 4)), f(), z(), u8((3, 2, 2, 2)), f(), z(), np.array(128, np.float32), z(),
                 ints(r, 3, -99, 99, np.int32) if flag(r) else None], {"pads": [1, 0, 0, 1]}, opset=10, constants=(3, 4, 5))
