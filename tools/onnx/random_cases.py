"""Random cases of every operation that the ONNX importer has, one generator for each family.

A generator takes a numpy Generator and an operation's name, and gives a Case: inputs (None where an
optional one is absent), attributes, number of outputs, opset. Extents are odd, 1 and now and then 0.
"""
from __future__ import annotations

import dataclasses

import numpy as np


@dataclasses.dataclass
class Case:
    inputs: list
    attributes: dict = dataclasses.field(default_factory=dict)
    outputs: int = 1
    opset: int = 23
    constants: tuple = ()  # inputs that are initialisers
    absolute: float = 2e-6


GENERATORS = {}


def of(*names):
    def add(function):
        for name in names:
            GENERATORS[name] = function
        return function

    return add


def extent(r, zero=0.06):
    return 0 if r.random() < zero else int(r.choice([1, 2, 3, 4, 5, 7]))


def shape(r, low=0, high=4, zero=0.06):
    return tuple(extent(r, zero) for _ in range(r.integers(low, high + 1)))


def narrowed(r, full):
    """A shape that repeats to the full one."""
    cut = full[int(r.integers(0, len(full) + 1)):] if r.random() < 0.5 else full
    return tuple(1 if r.random() < 0.3 else n for n in cut)


def floats(r, of_shape, low=-3.0, high=3.0, dtype=np.float32):
    return (low + (high - low) * r.random(of_shape)).astype(dtype)


def ints(r, of_shape, low=-9, high=10, dtype=np.int64):
    if np.dtype(dtype).kind == "u":
        low = max(low, 0)
    return r.integers(low, high, of_shape).astype(dtype)


def any_values(r, of_shape, dtype, low=-3, high=4):
    if dtype == np.bool_:
        return r.random(of_shape) < 0.5
    if np.dtype(dtype).kind == "f":
        return floats(r, of_shape, low, high, dtype)
    return ints(r, of_shape, low, high, dtype)


def pick(r, values):
    return values[int(r.integers(0, len(values)))]


def flag(r, chance=0.5):
    return bool(r.random() < chance)


def axis_of(r, rank):
    return int(r.integers(-rank, rank))


def i64(*values):
    return np.array(values, np.int64)


FLOATS = [np.float32, np.float32, np.float64]
SIGNED = [np.int8, np.int16, np.int32, np.int64]
UNSIGNED = [np.uint8, np.uint16, np.uint32, np.uint64]

RANGES = {
    "Acos": (-1, 1), "Asin": (-1, 1), "Atanh": (-0.95, 0.95), "Acosh": (1, 6), "Log": (0.01, 9),
    "Sqrt": (0, 9), "Tan": (-1.4, 1.4), "Reciprocal": (0.1, 5),
}
WITH = {
    "Elu": ("alpha",), "Celu": ("alpha",), "HardSigmoid": ("alpha", "beta"), "LeakyRelu": ("alpha",),
    "Selu": ("alpha", "gamma"), "Shrink": ("lambd", "bias"), "ThresholdedRelu": ("alpha",), "Swish": ("alpha",),
}


@of("Abs", "Acos", "Acosh", "Asin", "Asinh", "Atan", "Atanh", "Ceil", "Celu", "Cos", "Cosh", "Elu", "Erf", "Exp",
    "Floor", "HardSigmoid", "HardSwish", "Identity", "LeakyRelu", "Log", "Mish", "Neg", "Reciprocal", "Relu", "Round",
    "Selu", "Shrink", "Sigmoid", "Sign", "Sin", "Sinh", "Softplus", "Softsign", "Sqrt", "Swish", "Tan", "Tanh",
    "ThresholdedRelu")
def unary(r, name):
    dtype = pick(r, FLOATS)
    if name in ("Celu", "HardSwish", "Mish"):
        dtype = np.float32
    if name in ("Abs", "Neg", "Sign", "Relu") and flag(r, 0.4):
        dtype = pick(r, SIGNED)
    low, high = RANGES.get(name, (-4, 4))
    x = any_values(r, shape(r), dtype, low, high)
    if name == "Round" and x.size:
        x = (np.round(x * 2) / 2).astype(dtype)
    return Case([x], {a: float(0.2 + r.random()) for a in WITH.get(name, ()) if flag(r)}, opset=24)


@of("Gelu")
def gelu(r, name):
    return Case([floats(r, shape(r))], {"approximate": pick(r, ["none", "tanh"])})


@of("IsNaN", "IsInf")
def special(r, name):
    x = floats(r, shape(r), dtype=pick(r, FLOATS))
    for value in (np.nan, np.inf, -np.inf):
        x = np.where(r.random(x.shape) < 0.2, value, x).astype(x.dtype)
    attributes = {} if name == "IsNaN" else {a: int(flag(r)) for a in ("detect_negative", "detect_positive") if flag(r)}
    return Case([x], attributes)


@of("Not", "BitwiseNot")
def inverted(r, name):
    return Case([any_values(r, shape(r), np.bool_ if name == "Not" else pick(r, SIGNED + UNSIGNED))])


@of("Add", "Sub", "Mul", "Div", "Pow", "Mod", "Equal", "Less", "LessOrEqual", "Greater", "GreaterOrEqual", "And", "Or",
    "Xor", "BitwiseAnd", "BitwiseOr", "BitwiseXor", "BitShift", "PRelu")
def binary(r, name):
    full = shape(r)
    dtype = pick(r, FLOATS + SIGNED + UNSIGNED)
    attributes = {}
    if name in ("And", "Or", "Xor"):
        dtype = np.bool_
    if name.startswith("Bitwise"):
        dtype = pick(r, SIGNED + UNSIGNED)
    if name == "BitShift":
        dtype = pick(r, UNSIGNED)
        attributes = {"direction": pick(r, ["LEFT", "RIGHT"])}
    if name == "PRelu":
        dtype = pick(r, FLOATS)
    if name == "Pow":
        dtype = pick(r, FLOATS)
        return Case([floats(r, full, 0.1, 3, dtype), any_values(r, narrowed(r, full), pick(r, [dtype, np.int64]), -2, 3)],
                    absolute=1e-5)
    a = any_values(r, full, dtype, -9, 9)
    b = any_values(r, narrowed(r, full), dtype, -4, 4)
    if name == "Mod":
        attributes = {"fmod": 1 if np.dtype(dtype).kind == "f" else int(flag(r))}
    if name in ("Div", "Mod"):
        b = np.where(np.abs(b) < 0.5, 2, b).astype(dtype)
    if name == "BitShift":
        b = np.abs(b).astype(dtype)
    if name != "PRelu" and flag(r):
        a, b = b, a
        if name in ("Div", "Mod"):
            b = np.where(np.abs(b) < 0.5, 3, b).astype(dtype)
    return Case([a, b], attributes, absolute=1e-5)


@of("Max", "Min", "Sum", "Mean")
def several(r, name):
    full = shape(r)
    dtype = pick(r, FLOATS + (SIGNED + UNSIGNED if name in ("Max", "Min") else []))
    return Case([any_values(r, full if i == 0 else narrowed(r, full), dtype) for i in range(int(r.integers(1, 5)))])


@of("Where")
def where(r, name):
    full = shape(r)
    dtype = pick(r, FLOATS + SIGNED)
    return Case([any_values(r, narrowed(r, full), np.bool_), any_values(r, full, dtype),
                 any_values(r, narrowed(r, full), dtype)])


@of("Clip")
def clip(r, name):
    dtype = pick(r, FLOATS + SIGNED + UNSIGNED)
    x = any_values(r, shape(r), dtype, -9, 9)
    bounds = [np.array(v, dtype) if flag(r, 0.7) else None for v in (pick(r, [0, 1, 2]), pick(r, [3, 4, 5]))]
    return Case([x, *bounds], constants=(1, 2) if flag(r) else ())


@of("Softmax", "LogSoftmax", "Hardmax")
def rows(r, name):
    x = floats(r, shape(r, 1, 4, 0.03), -9, 9, np.float32 if name == "Hardmax" else pick(r, FLOATS))
    return Case([x], {"axis": axis_of(r, x.ndim)} if flag(r, 0.7) else {}, opset=13)


@of("Cast", "CastLike")
def cast(r, name):
    import onnx

    types = FLOATS + SIGNED + UNSIGNED + [np.float16, np.bool_]
    start, end = pick(r, types), pick(r, types)
    low = 0 if np.dtype(end).kind == "u" and np.dtype(start).kind == "f" else -99
    x = any_values(r, shape(r), start, low, 99)
    if name == "CastLike":
        return Case([x, np.zeros(2, end)], opset=21)
    return Case([x], {"to": onnx.helper.np_dtype_to_tensor_dtype(np.dtype(end))}, opset=21)


@of("ReduceL1", "ReduceL2", "ReduceLogSum", "ReduceLogSumExp", "ReduceMax", "ReduceMean", "ReduceMin", "ReduceProd",
    "ReduceSum", "ReduceSumSquare")
def reduction(r, name):
    dtype = pick(r, FLOATS + [np.int32, np.int64])
    if name in ("ReduceLogSum", "ReduceLogSumExp", "ReduceMean", "ReduceL2"):
        dtype = pick(r, FLOATS)
    empty = 0.0 if name in ("ReduceMax", "ReduceMin", "ReduceMean") else 0.04
    x = any_values(r, shape(r, 0, 4, empty), dtype, *((0.2, 3) if name == "ReduceLogSum" else (-3, 4)))
    opset = pick(r, [11, 13, 18, 20]) if name != "ReduceSum" else pick(r, [11, 13, 18])
    count = int(r.integers(0, x.ndim + 1))
    axes = [int(a) - (x.ndim if flag(r) else 0) for a in r.permutation(x.ndim)[:count]]
    attributes = {"keepdims": int(flag(r))} if flag(r, 0.7) else {}
    as_input = opset >= (13 if name == "ReduceSum" else 18)
    if as_input:
        if flag(r):
            attributes["noop_with_empty_axes"] = int(flag(r))
        given = i64(*axes) if axes or flag(r) else None
        return Case([x, given], attributes, opset=opset, constants=(1,), absolute=2e-5)
    if axes:
        attributes["axes"] = axes
    return Case([x], attributes, opset=opset, absolute=2e-5)


@of("ArgMax", "ArgMin")
def arg(r, name):
    x = any_values(r, shape(r, 1, 4, 0), pick(r, FLOATS + SIGNED), -3, 4)
    return Case([x], {"axis": axis_of(r, x.ndim), "keepdims": int(flag(r)), "select_last_index": int(flag(r))}, opset=13)


@of("CumSum", "CumProd")
def cumulative(r, name):
    x = any_values(r, shape(r, 1, 4), pick(r, FLOATS + [np.int32, np.int64]), -2, 3)
    axis = np.array(axis_of(r, x.ndim), pick(r, [np.int32, np.int64]))
    return Case([x, axis], {"exclusive": int(flag(r)), "reverse": int(flag(r))}, opset=26 if name == "CumProd" else 14,
                constants=(1,), absolute=1e-5)


@of("TopK")
def top(r, name):
    x = r.permutation(int(np.prod(s := shape(r, 1, 3, 0)))).reshape(s).astype(pick(r, FLOATS + [np.int64]))
    axis = axis_of(r, x.ndim)
    k = int(r.integers(0, x.shape[axis] + 1))
    return Case([x, i64(k)], {"axis": axis, "largest": int(flag(r)), "sorted": 1}, 2, 11, constants=(1,))


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


@of("BatchNormalization")
def batch_norm(r, name):
    x = floats(r, shape(r, 2, 5, 0.03))
    c = x.shape[1]
    attributes = {"epsilon": 1e-3} if flag(r) else {}
    training = flag(r, 0.2) and x.size > 0
    if training:
        attributes["training_mode"] = 1
    return Case([x, floats(r, c), floats(r, c), floats(r, c), floats(r, c, 0.3, 2)], attributes, 3 if training else 1, 15,
                constants=(1, 2, 3, 4) if flag(r) else (), absolute=1e-5)


@of("InstanceNormalization")
def instance_norm(r, name):
    x = floats(r, shape(r, 3, 5, 0))
    c = x.shape[1]
    return Case([x, floats(r, c), floats(r, c)], {"epsilon": 1e-3} if flag(r) else {}, opset=6,
                constants=(1, 2) if flag(r) else (), absolute=2e-4)


@of("LayerNormalization")
def layer_norm(r, name):
    x = floats(r, shape(r, 1, 4, 0))
    axis = axis_of(r, x.ndim)
    s = x.shape[axis % x.ndim:]
    return Case([x, floats(r, s), floats(r, s) if flag(r) else None], {"axis": axis, "epsilon": 1e-3}, pick(r, [1, 3]), 17,
                constants=(1, 2) if flag(r) else (), absolute=2e-5)


@of("RMSNormalization")
def rms_norm(r, name):
    x = floats(r, shape(r, 1, 4, 0))
    axis = axis_of(r, x.ndim)
    return Case([x, floats(r, x.shape[axis % x.ndim:])], {"axis": axis, "epsilon": 1e-3}, opset=23, absolute=1e-5)


@of("GroupNormalization")
def group_norm(r, name):
    groups = int(r.integers(1, 4))
    c = groups * int(r.integers(1, 4))
    x = floats(r, (2, c, *shape(r, 1, 3, 0)))
    return Case([x, floats(r, c), floats(r, c)], {"num_groups": groups, "epsilon": 1e-3}, opset=21,
                constants=(1, 2) if flag(r) else (), absolute=2e-4)


@of("LRN")
def lrn(r, name):
    return Case([floats(r, (extent(r, 0), extent(r, 0), extent(r, 0), extent(r, 0)))],
                {"size": int(pick(r, [1, 3, 5])), "alpha": 0.01, "beta": 0.6, "bias": 1.5}, opset=13)


@of("LpNormalization")
def lp_norm(r, name):
    x = floats(r, shape(r, 1, 4, 0))
    return Case([x], {"axis": axis_of(r, x.ndim), "p": int(pick(r, [1, 2]))}, opset=22)


@of("MeanVarianceNormalization")
def mvn(r, name):
    return Case([floats(r, (3, 2, 4, 3))], {"axes": sorted(int(a) for a in r.permutation(4)[: int(r.integers(1, 4))])},
                opset=13, absolute=1e-4)


@of("LSTM", "GRU", "RNN")
def recurrent(r, name):
    gates = {"LSTM": 4, "GRU": 3, "RNN": 1}[name]
    directions = 1
    steps, batch, width, hidden = (int(r.integers(1, 5)) for _ in range(4))
    attributes = {"hidden_size": hidden}
    if name == "GRU":
        attributes["linear_before_reset"] = int(flag(r))
    inputs = [floats(r, (steps, batch, width), -1, 1), floats(r, (directions, gates * hidden, width), -1, 1),
              floats(r, (directions, gates * hidden, hidden), -1, 1),
              floats(r, (directions, 2 * gates * hidden), -1, 1) if flag(r) else None]
    if flag(r):
        inputs += [None, floats(r, (directions, batch, hidden), -1, 1)]
        if name == "LSTM":
            inputs += [floats(r, (directions, batch, hidden), -1, 1)]
            if flag(r):
                inputs += [floats(r, (directions, 3 * hidden), -1, 1)]
    return Case(inputs, attributes, 2, 14, constants=(1, 2, 3))


def recurrent_full(r, name):
    """With all that the reference evaluator has not."""
    gates = {"LSTM": 4, "GRU": 3, "RNN": 1}[name]
    direction = pick(r, ["forward", "reverse", "bidirectional"])
    d = 2 if direction == "bidirectional" else 1
    steps, batch, width, hidden = (int(r.integers(1, 6)) for _ in range(4))
    attributes = {"hidden_size": hidden, "direction": direction}
    if name == "GRU":
        attributes["linear_before_reset"] = int(flag(r))
    if flag(r, 0.3):
        attributes["clip"] = float(0.3 + r.random())
    if flag(r, 0.3):
        kinds = {"LSTM": 3, "GRU": 2, "RNN": 1}[name]
        names = [pick(r, ["Tanh", "Sigmoid", "Relu", "HardSigmoid", "LeakyRelu", "Elu", "Softsign", "Softplus", "Affine",
                          "ScaledTanh", "ThresholdedRelu"]) for _ in range(kinds * d)]
        attributes["activations"] = names
        has_alpha = {"HardSigmoid": 0.3, "LeakyRelu": 0.1, "Elu": 0.9, "Affine": 0.7, "ScaledTanh": 0.8, "ThresholdedRelu": 0.2}
        has_beta = {"HardSigmoid": 0.4, "Affine": 0.1, "ScaledTanh": 0.6}
        attributes["activation_alpha"] = [has_alpha[n] for n in names if n in has_alpha]
        attributes["activation_beta"] = [has_beta[n] for n in names if n in has_beta]
        attributes = {k: v for k, v in attributes.items() if v != []}
    tensor = lambda *s: floats(r, s, -1, 1)
    inputs = [tensor(steps, batch, width), tensor(d, gates * hidden, width), tensor(d, gates * hidden, hidden),
              tensor(d, 2 * gates * hidden) if flag(r) else None,
              ints(r, batch, 1, steps + 1, np.int32) if flag(r, 0.3) else None,
              tensor(d, batch, hidden) if flag(r) else None]
    if name == "LSTM":
        inputs += [tensor(d, batch, hidden) if flag(r) else None, tensor(d, 3 * hidden) if flag(r, 0.3) else None]
        if flag(r, 0.2):
            attributes["input_forget"] = 1
    return Case(inputs, attributes, 3 if name == "LSTM" else 2, 14, constants=(1, 2, 3, 4), absolute=2e-5)


def generator(name, engine):
    return recurrent_full if engine != "reference" and name in ("LSTM", "GRU", "RNN") else GENERATORS[name]


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


@of("Attention")
def attention(r, name):
    batch, heads, group = int(r.integers(1, 3)), int(r.integers(1, 3)), int(pick(r, [1, 1, 2]))
    queries, keys, width, value_width = (int(r.integers(1, 6)) for _ in range(4))
    past = int(r.integers(1, 4)) if flag(r, 0.3) else 0
    attributes = {}
    if flag(r):
        attributes["scale"] = float(0.2 + r.random())
    if flag(r, 0.3):
        attributes["softcap"] = float(1 + r.random())
    if flag(r, 0.4):
        attributes["is_causal"] = 1
    if flag(r):
        inputs = [floats(r, (batch, heads * group, queries, width)), floats(r, (batch, heads, keys, width)),
                  floats(r, (batch, heads, keys, value_width))]
    else:
        attributes.update(q_num_heads=heads * group, kv_num_heads=heads)
        inputs = [floats(r, (batch, queries, heads * group * width)), floats(r, (batch, keys, heads * width)),
                  floats(r, (batch, keys, heads * value_width))]
    mask = None
    if flag(r):
        full = pick(r, [(batch, heads * group, queries, keys + past), (queries, keys + past), (1, 1, queries, keys + past),
                        (batch, 1, queries, keys + past)])
        mask = floats(r, full) if flag(r) else r.random(full) < 0.7
    inputs.append(mask)
    outputs = 1
    if past:
        inputs += [floats(r, (batch, heads, past, width)), floats(r, (batch, heads, past, value_width))]
        outputs = 3
    if flag(r, 0.4):
        outputs = 4
        attributes["qk_matmul_output_mode"] = int(r.integers(0, 4))
    return Case(inputs, attributes, outputs, 24, absolute=2e-5)


@of("RotaryEmbedding")
def rotary(r, name):
    batch, tokens, heads, half = (int(r.integers(1, 4)) for _ in range(4))
    width = 2 * half + int(pick(r, [0, 0, 2]))
    attributes = {"interleaved": int(flag(r))}
    if width != 2 * half:
        attributes["rotary_embedding_dim"] = 2 * half
    x = floats(r, (batch, heads, tokens, width))
    if flag(r):
        x = floats(r, (batch, tokens, heads * width))
        attributes["num_heads"] = heads
    if flag(r):
        ids = ints(r, (batch, tokens), 0, 9)
        return Case([x, floats(r, (9, half)), floats(r, (9, half)), ids], attributes, opset=23)
    return Case([x, floats(r, (batch, tokens, half)), floats(r, (batch, tokens, half))], attributes, opset=23)


@of("LinearAttention")
def linear_attention(r, name):
    batch, tokens, heads, group, width, value_width = (int(r.integers(1, 4)) for _ in range(6))
    rule = pick(r, ["linear", "gated", "delta", "gated_delta"])
    inputs = [floats(r, (batch, tokens, heads * group * width), -1, 1), floats(r, (batch, tokens, heads * width), -1, 1),
              floats(r, (batch, tokens, heads * value_width), -1, 1),
              floats(r, (batch, heads, width, value_width), -1, 1) if flag(r) else None,
              floats(r, (batch, tokens, heads * pick(r, [1, width])), -1, 0) if "gated" in rule else None,
              floats(r, (batch, tokens, pick(r, [1, heads])), 0, 1) if "delta" in rule else None]
    return Case(inputs, {"q_num_heads": heads * group, "kv_num_heads": heads, "update_rule": rule}, 2, 27, absolute=1e-5)


@of("CausalConvWithState")
def causal_conv(r, name):
    batch, channels, length, kernel = (int(r.integers(1, 5)) for _ in range(4))
    inputs = [floats(r, (batch, channels, length)), floats(r, (channels, 1, kernel)),
              floats(r, channels) if flag(r) else None, floats(r, (batch, channels, kernel - 1)) if flag(r) else None]
    return Case(inputs, {"activation": pick(r, ["none", "silu", "swish"])}, 2, 27, constants=(1, 2), absolute=1e-5)


@of("SwiGLU")
def swiglu(r, name):
    s = shape(r)
    return Case([floats(r, s), floats(r, s)], {"alpha": float(r.random())} if flag(r) else {}, opset=28)


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


@of("NegativeLogLikelihoodLoss", "SoftmaxCrossEntropyLoss")
def loss(r, name):
    n, c = int(r.integers(1, 4)), int(r.integers(1, 5))
    rest = shape(r, 0, 3, 0)
    target = ints(r, (n, *rest), 0, c, pick(r, [np.int32, np.int64]))
    attributes = {"reduction": pick(r, ["mean", "sum", "none"])}
    if flag(r, 0.4):
        attributes["ignore_index"] = int(pick(r, [0, 2, 7]))
        target = np.where(r.random(target.shape) < 0.3, attributes["ignore_index"], target).astype(target.dtype)
        target.flat[0] = (attributes["ignore_index"] + 1) % c if c > 1 else target.flat[0]
        if c == 1:
            attributes.pop("ignore_index")
            target[...] = 0
    outputs = 2 if name == "SoftmaxCrossEntropyLoss" and flag(r) else 1
    return Case([floats(r, (n, c, *rest)), target, floats(r, c, 0.1, 1) if flag(r) else None], attributes, outputs, 13,
                absolute=1e-5)


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


@of("Dropout")
def dropout(r, name):
    return Case([floats(r, shape(r)), np.array(0.3, np.float32) if flag(r) else None], {}, pick(r, [1, 2]), 13)
