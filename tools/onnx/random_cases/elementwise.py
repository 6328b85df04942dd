"""Operations of one value and several, element by element, and over axes."""
from __future__ import annotations

import numpy as np

from .drawing import any_values, axis_of, Case, flag, floats, FLOATS, i64, narrowed, of, pick, shape, SIGNED, UNSIGNED


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
