"""Neural amps, ONNX models, and graphs of one's own."""

from __future__ import annotations

import os
from typing import Any, Mapping, NamedTuple, Sequence

import numpy as np

from . import _native
from ._arrays import as_array, output
from ._errors import InvalidArgumentError
from ._processors import _process
from ._signal import _count


class Port(NamedTuple):
    """An input or output of a model."""

    name: str
    dtype: str
    shape: tuple[int, ...]


def _ports(described: Sequence[tuple]) -> list[Port]:
    return [Port(name, dtype, tuple(shape)) for name, dtype, shape in described]


def _inputs(given: tuple, named: Mapping[str, Any], ports: list[Port], name: str) -> list[np.ndarray]:
    """Arrays in the order of the ports, by position or by name."""
    if len(given) == 1 and isinstance(given[0], Mapping) and not named:
        given, named = (), given[0]
    values = dict(zip((port.name for port in ports), given))
    if len(given) > len(ports) or values.keys() & named.keys():
        raise InvalidArgumentError(f"[{name}] an input is given twice, or there are more than {len(ports)}")
    values.update(named)
    expected = [port.name for port in ports]
    if values.keys() != set(expected):
        raise InvalidArgumentError(f"[{name}] inputs {', '.join(values) or 'none'}: expected {', '.join(expected) or 'none'}")
    arrays = []
    for port in ports:
        array = as_array(values[port.name], name)
        if port.dtype == "bfloat16":
            raise InvalidArgumentError(f"[{name}] {port.name}: numpy has no bfloat16")
        if not np.can_cast(array.dtype, port.dtype, "same_kind"):
            raise InvalidArgumentError(f"[{name}] {port.name}: {array.dtype}: expected {port.dtype}")
        array = np.require(array, port.dtype, ["C", "A"])
        if array.shape != port.shape:
            raise InvalidArgumentError(f"[{name}] {port.name}: shape {array.shape}: expected {port.shape}")
        arrays.append(array)
    return arrays


def _outputs(ports: list[Port], out: Mapping[str, np.ndarray] | None, name: str, inputs: list) -> list[np.ndarray]:
    return [
        output(None if out is None else out.get(port.name), port.shape, name, port.dtype, tuple(inputs)) for port in ports
    ]


def _choice(constants: Any, shapes: Any, dimensions: Any, states: Any, carry_states: bool, timing: bool = False) -> Any:
    choice = _native.OnnxChoice()
    choice.shapes = {name: [int(n) for n in shape] for name, shape in (shapes or {}).items()}
    choice.dimensions = {name: int(n) for name, n in (dimensions or {}).items()}
    numbers = {}
    for name, value in (constants or {}).items():
        if isinstance(value, (bool, int, float, np.number)):
            numbers[name] = float(value)
        else:
            array = as_array(value, "GraphInference")
            choice.bind_tensor(name, np.require(array, array.dtype.newbyteorder("="), ["C", "A"]))
    choice.numbers = numbers
    choice.states = [(str(a), str(b)) for a, b in (states or [])]
    choice.carry_states = carry_states
    choice.timing = timing
    return choice


def _model(model: Any) -> str | bytes:
    return bytes(model) if isinstance(model, (bytes, bytearray, memoryview)) else os.fspath(model)


class GraphInference:
    """An ONNX model, compiled for fixed shapes.

    Parameters
    ----------
    model
        A path, or the bytes of a model.
    constants
        ``{input: number or array}``: no inputs any more.
    shapes, dimensions
        ``{input: shape}``; ``{symbol: extent}`` for axes with names.
    states
        ``[(output, input)]``: the input is what the output was in the step before, and zero at first.
    carry_states
        Recurrent layers begin each step with what the last one left.
    precision
        ``"fp32"``, ``"bf16"`` or ``"auto"``.
    """

    def __init__(
        self, model: str | os.PathLike[str] | bytes, *, constants: Mapping[str, Any] | None = None,
        shapes: Mapping[str, Sequence[int]] | None = None, dimensions: Mapping[str, int] | None = None,
        states: Sequence[tuple[str, str]] | None = None, carry_states: bool = False, precision: str = "fp32",
        threads: int = 1, timing: bool = False,
    ) -> None:
        choice = _choice(constants, shapes, dimensions, states, carry_states, timing)
        self._set(_native.GraphInference(_model(model), choice, precision, _count(threads, "GraphInference", "threads")))

    def _set(self, native: Any) -> None:
        self._native = native
        self.inputs: list[Port] = _ports(native.inputs)
        self.outputs: list[Port] = _ports(native.outputs)

    def predict(self, *inputs: Any, out: Mapping[str, np.ndarray] | None = None, **named: Any) -> dict[str, np.ndarray]:
        """One step: arrays in the order of ``inputs``, by name, or in a dict -> ``{output: array}``."""
        arrays = _inputs(inputs, named, self.inputs, "GraphInference")
        results = _outputs(self.outputs, out, "GraphInference", arrays)
        self._native.predict(arrays, results)
        return {port.name: result for port, result in zip(self.outputs, results)}

    __call__ = predict

    def reset(self) -> None:
        """The states as they were at first."""
        self._native.reset()

    def clone(self) -> "GraphInference":
        """A second one that shares the weights, with states of its own."""
        other = object.__new__(type(self))
        other._set(self._native.clone())
        return other

    @property
    def memory_usage(self) -> int:
        """Bytes of weights, values and states."""
        return self._native.memory_usage

    def profile(self) -> str:
        """A table of its steps; with ``timing=True``, their times in the last run."""
        return self._native.profile()

    def to_dot(self) -> str:
        """The steps as a Graphviz digraph."""
        return self._native.to_dot()


class Amp:
    """A neural amplifier: a ``.nam`` file, RTNeural's or GuitarML's JSON."""

    def __init__(self, file: str | os.PathLike[str], *, channels: int = 1, fast: bool = False, slim: float = 1.0) -> None:
        self._native = _native.Amp(os.fspath(file), _count(channels, "Amp", "channels"), fast, float(slim))

    def process(self, x: Any, reset: bool = False, out: np.ndarray | None = None) -> np.ndarray:
        """The next block: ``x[channels, frames]`` (or ``x[frames]``) -> the same shape."""
        if reset:
            self.reset()
        return _process(self._native, x, out, "Amp", self._native.channels, self._native.channels)

    def reset(self) -> None:
        """Back to how it was made."""
        self._native.reset()

    def set_control(self, index: int, value: float) -> None:
        """Turns one of its ``controls`` knobs."""
        self._native.set_control(index, float(value))

    @property
    def controls(self) -> int:
        return self._native.controls

    @property
    def samplerate(self) -> float | None:
        """The rate that it was trained at, where the file says."""
        return self._native.sample_rate_hz

    @property
    def loudness_db(self) -> float | None:
        return self._native.loudness_db

    @property
    def latency_samples(self) -> int:
        return self._native.latency_samples


class Graph:
    """A network as a list of operations, in an order in which they run; values have fixed shapes.

    Channels come last, as everywhere in the engine: ``x[batch, frames, channels]``. Functions of one
    and two values go by their names: ``graph.unary("tanh", x)``, ``graph.binary("add", a, b)``.
    """

    def __init__(self) -> None:
        self._native = _native.Graph()

    @classmethod
    def from_onnx(
        cls, model: str | os.PathLike[str] | bytes, *, constants: Mapping[str, Any] | None = None,
        shapes: Mapping[str, Sequence[int]] | None = None, dimensions: Mapping[str, int] | None = None,
        states: Sequence[tuple[str, str]] | None = None, carry_states: bool = False,
    ) -> "Graph":
        """The graph of an ONNX model; the arguments of GraphInference."""
        graph = object.__new__(cls)
        graph._native = _native.import_onnx(_model(model), _choice(constants, shapes, dimensions, states, carry_states))
        return graph

    @staticmethod
    def _tensor(value: Any) -> np.ndarray:
        array = as_array(value, "Graph")
        return np.require(array, array.dtype.newbyteorder("="), ["C", "A"])

    def input(self, name: str, shape: Sequence[int], dtype: Any = "float32") -> Any:
        return self._native.input(name, [int(n) for n in shape], np.dtype(dtype).name)

    def constant(self, value: Any) -> Any:
        return self._native.constant(self._tensor(value))

    def state(self, name: str, initial: Any) -> Any:
        """A value that one run leaves to the next, which ``update`` names."""
        return self._native.state(name, self._tensor(initial))

    def update(self, state: Any, next: Any) -> None:
        self._native.update(state, next)

    def output(self, name: str, value: Any) -> None:
        self._native.output(name, value)

    def shape(self, value: Any) -> tuple[int, ...]:
        return tuple(self._native.shape(value))

    def dtype(self, value: Any) -> str:
        return self._native.dtype(value)

    def unary(self, function: str, x: Any, alpha: float = 0.0, beta: float = 0.0) -> Any:
        """"tanh", "relu", "gelu", "sigmoid", "exp", … with their parameters, where they have any."""
        return self._native.unary(function, x, alpha, beta)

    def binary(self, function: str, a: Any, b: Any) -> Any:
        """"add", "subtract", "multiply", "divide", "maximum", "less", …, repeated by numpy's rule."""
        return self._native.binary(function, a, b)

    def add(self, a: Any, b: Any) -> Any:
        return self.binary("add", a, b)

    def multiply(self, a: Any, b: Any) -> Any:
        return self.binary("multiply", a, b)

    def matmul(self, a: Any, b: Any) -> Any:
        return self._native.matmul(a, b)

    def linear(self, x: Any, weight: Any, bias: Any = None) -> Any:
        """torch.nn.Linear: ``weight[out, in]``."""
        return self._native.linear(x, weight, bias)

    def conv1d(
        self, x: Any, weight: Any, bias: Any = None, *, stride: int = 1, dilation: int = 1,
        padding: int | tuple[int, int] = 0, groups: int = 1,
    ) -> Any:
        """torch.nn.Conv1d over ``x[batch, frames, in]`` with ``weight[out, kernel, in / groups]``."""
        before, after = (padding, padding) if isinstance(padding, int) else padding
        return self._native.conv(x, weight, bias, [stride], [dilation], [before], [after], groups)

    def softmax(self, x: Any, axis: int = -1) -> Any:
        return self._native.softmax(x, axis)

    def concat(self, values: Sequence[Any], axis: int = -1) -> Any:
        return self._native.concat(list(values), axis)

    def reshape(self, x: Any, shape: Sequence[int]) -> Any:
        return self._native.reshape(x, [int(n) for n in shape])

    def transpose(self, x: Any, order: Sequence[int]) -> Any:
        return self._native.transpose(x, [int(n) for n in order])

    def slice(self, x: Any, starts: Sequence[int], shape: Sequence[int], steps: Sequence[int] | None = None) -> Any:
        """``x[start : start + step * extent : step]`` along every axis."""
        return self._native.slice(x, list(starts), list(shape), list(steps or []))

    def layer_norm(self, x: Any, gamma: Any = None, beta: Any = None, epsilon: float = 1e-5) -> Any:
        return self._native.layer_norm(x, gamma, beta, epsilon)


class Plan:
    """A graph, compiled: ``plan.run(x=array) -> {output: array}``."""

    def __init__(self, graph: Graph, *, precision: str = "fp32", threads: int = 1, timing: bool = False) -> None:
        self._set(_native.Plan(graph._native, precision, _count(threads, "Plan", "threads"), timing))

    def _set(self, native: Any) -> None:
        self._native = native
        self.inputs: list[Port] = _ports(native.inputs)
        self.outputs: list[Port] = _ports(native.outputs)

    def run(self, *inputs: Any, out: Mapping[str, np.ndarray] | None = None, **named: Any) -> dict[str, np.ndarray]:
        """Arrays in the order of ``inputs``, by name, or in a dict."""
        arrays = _inputs(inputs, named, self.inputs, "Plan")
        results = _outputs(self.outputs, out, "Plan", arrays)
        self._native.run(arrays, results)
        return {port.name: result for port, result in zip(self.outputs, results)}

    def reset(self) -> None:
        """Gives the states their initial values."""
        self._native.reset()

    def clone(self) -> "Plan":
        """A second one that shares the weights, with states of its own."""
        other = object.__new__(type(self))
        other._set(self._native.clone())
        return other

    @property
    def statistics(self) -> dict[str, int]:
        return dict(self._native.statistics)

    def report(self) -> str:
        return self._native.report()

    def graphviz(self) -> str:
        return self._native.graphviz()
