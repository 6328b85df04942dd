"""Random cases of every operation that the ONNX importer has, one generator for each family.

A generator takes a numpy Generator and an operation's name, and gives a Case: inputs (None where an
optional one is absent), attributes, number of outputs, opset. Extents are odd, 1 and now and then 0.
"""
from . import elementwise, layers, movement, products, signals  # noqa: F401  they fill GENERATORS
from .drawing import GENERATORS, Case
from .layers import recurrent_full

__all__ = ["GENERATORS", "Case", "generator"]


def generator(name, engine):
    return recurrent_full if engine != "reference" and name in ("LSTM", "GRU", "RNN") else GENERATORS[name]
