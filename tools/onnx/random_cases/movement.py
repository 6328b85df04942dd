"""Operations that move, choose and make elements."""
from __future__ import annotations

import numpy as np

from .drawing import (
    any_values, axis_of, Case, extent, flag, floats, FLOATS, i64, ints, narrowed, of, pick, shape, SIGNED,
)


@of("Reshape")
def reshape(r, name):
    s = shape(r, 0, 4)
    x = floats(r, s)
    to = list(s)
    r.shuffle(to)
    zero = flag(r, 0.3)
    if to and flag(r) and not (zero and 0 in to) and 0 not in to:
        to[int(r.integers(0, len(to)))] = -1
    elif flag(r) and not zero and 0 not in s:
        to = [0 if i < len(s) else n for i, n in enumerate(s)]
    elif 0 in to:
        zero = True
    return Case([x, i64(*to)], {"allowzero": int(zero)}, opset=14, constants=(1,))


@of("Flatten")
def flatten(r, name):
    x = floats(r, shape(r, 1, 4))
    return Case([x], {"axis": int(r.integers(-x.ndim, x.ndim + 1))}, opset=13)


@of("Squeeze")
def squeeze(r, name):
    x = floats(r, tuple(pick(r, [1, 1, 2, 3]) for _ in range(int(r.integers(0, 5)))))
    ones = [i for i, n in enumerate(x.shape) if n == 1 and flag(r)]
    axes = [a - x.ndim if flag(r) else a for a in ones]
    if flag(r):
        return Case([x], {"axes": axes} if axes else {}, opset=11) if all(a >= 0 for a in axes) or True else None
    return Case([x, i64(*axes) if axes else None], opset=13, constants=(1,))


@of("Unsqueeze")
def unsqueeze(r, name):
    x = floats(r, shape(r, 0, 3))
    count = int(r.integers(1, 3))
    axes = [int(a) for a in r.permutation(x.ndim + count)[:count]]
    if flag(r):
        return Case([x], {"axes": sorted(axes)}, opset=11)
    axes = [a - x.ndim - count if flag(r) else a for a in axes]
    return Case([x, i64(*axes)], opset=13, constants=(1,))


@of("Transpose")
def transpose(r, name):
    x = any_values(r, shape(r, 0, 5), pick(r, FLOATS + SIGNED + [np.bool_]))
    return Case([x], {"perm": [int(i) for i in r.permutation(x.ndim)]} if flag(r, 0.8) and x.ndim else {}, opset=13)


@of("Concat")
def concat(r, name):
    s = list(shape(r, 1, 4))
    axis = axis_of(r, len(s))
    parts = []
    for _ in range(int(r.integers(1, 5))):
        s[axis] = extent(r, 0.15)
        parts.append(floats(r, tuple(s)))
    return Case(parts, {"axis": axis}, opset=13)


@of("Split")
def split(r, name):
    s = list(shape(r, 1, 4))
    axis = axis_of(r, len(s))
    sizes = [extent(r, 0.1) for _ in range(int(r.integers(1, 4)))]
    kind = int(r.integers(0, 3))
    if kind == 0:
        s[axis] = sum(sizes)
        return Case([floats(r, tuple(s))], {"axis": axis, "split": sizes}, len(sizes), 11)
    if kind == 1:
        s[axis] = sum(sizes)
        return Case([floats(r, tuple(s)), i64(*sizes)], {"axis": axis}, len(sizes), 13, constants=(1,))
    s[axis] = int(r.integers(len(sizes), 9))
    count = len(sizes)
    if (count - 1) * -(-s[axis] // count) > s[axis]:
        s[axis] = count * 2
    return Case([floats(r, tuple(s))], {"axis": axis, "num_outputs": count}, count, 18)


@of("Slice")
def slices(r, name):
    x = floats(r, shape(r, 1, 4))
    count = int(r.integers(1, x.ndim + 1))
    axes = [int(a) for a in r.permutation(x.ndim)[:count]]
    big = 2**62
    starts = [int(pick(r, [0, 1, 2, -1, -2, -9, 9, big, -big])) for _ in axes]
    ends = [int(pick(r, [0, 1, 3, 5, -1, -3, 99, -99, big, -big])) for _ in axes]
    steps = [int(pick(r, [1, 1, 2, 3, -1, -2, 9, -9])) for _ in axes]
    signed = [a - x.ndim if flag(r) else a for a in axes]
    return Case([x, i64(*starts), i64(*ends), i64(*signed), i64(*steps)], opset=13, constants=(1, 2, 3, 4))


@of("Pad")
def pad(r, name):
    mode = pick(r, ["constant", "reflect", "edge", "wrap"])
    s = shape(r, 1, 4, 0 if mode != "constant" else 0.05)
    x = any_values(r, s, pick(r, FLOATS + [np.int32, np.int64]))
    axes = None
    if flag(r, 0.4):
        axes = [int(a) for a in r.permutation(len(s))[: int(r.integers(1, len(s) + 1))]]
    over = list(range(len(s))) if axes is None else axes
    widths = []
    for _ in range(2):
        for a in over:
            most = {"constant": 4, "reflect": max(0, s[a] - 1), "edge": 4, "wrap": s[a]}[mode]
            widths.append(int(r.integers(0, most + 1)))
    if mode == "constant" and flag(r, 0.2):
        widths = [-1 if s[over[i % len(over)]] > 3 else w for i, w in enumerate(widths)]
    value = np.array(2, x.dtype) if mode == "constant" and flag(r) else None
    signed = None if axes is None else i64(*[a - len(s) if flag(r) else a for a in axes])
    return Case([x, i64(*widths), value, signed], {"mode": mode}, opset=19, constants=(1, 2, 3))


@of("Expand")
def expand(r, name):
    full = shape(r, 0, 4)
    x = floats(r, narrowed(r, full))
    return Case([x, i64(*(full if flag(r) else narrowed(r, full)))], opset=13, constants=(1,))


@of("Tile")
def tile(r, name):
    x = floats(r, shape(r, 1, 4))
    return Case([x, i64(*[int(pick(r, [0, 1, 1, 2, 3])) for _ in range(x.ndim)])], opset=13, constants=(1,))


@of("DepthToSpace")
def depth_to_space(r, name):
    b = int(r.integers(1, 4))
    x = floats(r, (extent(r), b * b * int(r.integers(1, 4)), extent(r), extent(r)))
    return Case([x], {"blocksize": b, "mode": pick(r, ["DCR", "CRD"])}, opset=13)


@of("SpaceToDepth")
def space_to_depth(r, name):
    b = int(r.integers(1, 4))
    return Case([floats(r, (extent(r), extent(r), b * int(r.integers(1, 4)), b * int(r.integers(1, 4))))],
                {"blocksize": b}, opset=13)


@of("Trilu")
def trilu(r, name):
    x = any_values(r, shape(r, 2, 4), pick(r, FLOATS + [np.int64]))
    return Case([x, np.array(int(r.integers(-4, 5)), np.int64) if flag(r) else None], {"upper": int(flag(r))}, opset=14,
                constants=(1,))


@of("CenterCropPad")
def center(r, name):
    x = floats(r, shape(r, 1, 4, 0))
    axes = [int(a) for a in r.permutation(x.ndim)[: int(r.integers(1, x.ndim + 1))]]
    to = i64(*[int(r.integers(1, 9)) for _ in axes])
    return Case([x, to], {"axes": [a - x.ndim if flag(r) else a for a in axes]}, opset=18, constants=(1,))


@of("EyeLike")
def eye(r, name):
    return Case([floats(r, shape(r, 2, 2))], {"k": int(r.integers(-3, 4)), "dtype": int(pick(r, [1, 7, 11]))}, opset=9)


@of("Range")
def ranges(r, name):
    dtype = pick(r, [np.float32, np.float64, np.int32, np.int64, np.int16])
    step = pick(r, [1, 2, 3, -1, -2]) if np.dtype(dtype).kind == "i" else pick(r, [0.5, 1.25, -0.75])
    return Case([np.array(v, dtype) for v in (int(r.integers(-5, 6)), int(r.integers(-5, 15)), step)], opset=11)


@of("Shape")
def shapes(r, name):
    attributes = {a: int(r.integers(-5, 6)) for a in ("start", "end") if flag(r)}
    return Case([floats(r, shape(r))], attributes, opset=15)


@of("Size")
def size(r, name):
    return Case([floats(r, shape(r))], opset=13)


@of("ConstantOfShape")
def filled(r, name):
    import onnx

    attributes = {"value": onnx.numpy_helper.from_array(np.array([3], pick(r, FLOATS + SIGNED)))} if flag(r) else {}
    return Case([i64(*shape(r))], attributes, opset=9)


@of("OneHot")
def one_hot(r, name):
    depth = int(r.integers(1, 6))
    x = ints(r, shape(r, 0, 3), -depth, depth, pick(r, [np.int32, np.int64]))
    dtype = pick(r, [np.float32, np.int64])
    return Case([x, i64(depth), np.array([2, 5], dtype)], {"axis": int(r.integers(-x.ndim - 1, x.ndim + 1))}, opset=11,
                constants=(1,))


@of("Compress")
def compress(r, name):
    x = floats(r, shape(r, 1, 4, 0.02))
    axis = axis_of(r, x.ndim)
    whole = flag(r)
    length = x.size if whole else x.shape[axis]
    condition = r.random(int(r.integers(0, length + 1))) < 0.5
    return Case([x, condition], {} if whole else {"axis": axis}, opset=11)


@of("NonZero")
def non_zero(r, name):
    return Case([ints(r, shape(r, 1, 3), 0, 2)], opset=13)


@of("Unique")
def unique(r, name):
    x = ints(r, shape(r, 1, 3, 0), 0, 3).astype(pick(r, [np.float32, np.int64]))
    attributes = {"sorted": int(flag(r))}
    if flag(r):
        attributes["axis"] = axis_of(r, x.ndim)
    return Case([x], attributes, 4, 11)


@of("ReverseSequence")
def reverse(r, name):
    x = floats(r, shape(r, 2, 4, 0))
    batch = int(r.integers(0, 2))
    lengths = i64(*[int(r.integers(1, x.shape[1 - batch] + 1)) for _ in range(x.shape[batch])])
    return Case([x, lengths], {"batch_axis": batch, "time_axis": 1 - batch}, opset=10)


@of("Gather")
def gather(r, name):
    x = any_values(r, shape(r, 1, 4, 0), pick(r, FLOATS + SIGNED))
    axis = axis_of(r, x.ndim)
    n = x.shape[axis]
    return Case([x, ints(r, shape(r, 0, 3), -n, n, pick(r, [np.int32, np.int64]))], {"axis": axis}, opset=13,
                constants=(1,) if flag(r) else ())


@of("GatherElements", "ScatterElements")
def elements(r, name):
    x = floats(r, shape(r, 1, 4, 0))
    axis = axis_of(r, x.ndim)
    to = [int(r.integers(1, n + 1)) for n in x.shape]
    n = x.shape[axis]
    if name == "GatherElements":
        to[axis] = int(r.integers(1, 6))
        return Case([x, ints(r, to, -n, n)], {"axis": axis}, opset=13)
    reduction = pick(r, ["none", "add", "mul", "max", "min"])
    index = ints(r, to, -n, n)
    if reduction == "none":  # each place once
        index = np.argsort(r.random([n if i == axis % x.ndim else m for i, m in enumerate(to)]), axis=axis)
        index = np.take(index, range(to[axis]), axis=axis).astype(np.int64)
    return Case([x, index, floats(r, to)], {"axis": axis, "reduction": reduction}, opset=18)


@of("GatherND")
def gather_nd(r, name):
    x = floats(r, shape(r, 1, 4, 0))
    batch = int(r.integers(0, x.ndim))
    depth = int(r.integers(1, x.ndim - batch + 1))
    middle = shape(r, 0, 2, 0)
    parts = [ints(r, (*x.shape[:batch], *middle, 1), -x.shape[batch + i], x.shape[batch + i]) for i in range(depth)]
    return Case([x, np.concatenate(parts, -1)], {"batch_dims": batch}, opset=13)


@of("ScatterND")
def scatter_nd(r, name):
    x = floats(r, shape(r, 1, 4, 0))
    depth = int(r.integers(1, x.ndim + 1))
    places = int(np.prod(x.shape[:depth]))
    reduction = pick(r, ["none", "add", "mul", "max", "min"])
    count = int(r.integers(1, places + 1))
    flat = r.permutation(places)[:count] if reduction == "none" else r.integers(0, places, count)
    index = np.stack(np.unravel_index(flat, x.shape[:depth]), -1).astype(np.int64)
    return Case([x, index, floats(r, (count, *x.shape[depth:]))], {"reduction": reduction}, opset=18)


@of("TensorScatter")
def tensor_scatter(r, name):
    s = list(shape(r, 2, 4, 0))
    axis = int(r.integers(1, len(s)))
    cache = floats(r, s)
    most = s[axis]
    s[axis] = int(r.integers(1, most + 1))
    circular = flag(r)
    where_to = ints(r, s[0], 0, most if circular else most - s[axis] + 1)
    return Case([cache, floats(r, s), where_to if flag(r, 0.8) else None],
                {"axis": axis - len(s) if flag(r) else axis, "mode": "circular" if circular else "linear"}, opset=24)
