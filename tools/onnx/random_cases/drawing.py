"""Cases, and how their parts are drawn."""
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
