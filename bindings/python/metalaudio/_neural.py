"""Neural amps, ONNX models, and graphs of one's own."""

from __future__ import annotations

import os
from typing import Any, Mapping, NamedTuple, Sequence

import numpy as np

from . import _native
from ._arguments import count, file_name, flag, mapping, real, text, whole, wholes, wrong
from ._arrays import as_array, output
from ._errors import InvalidArgumentError
from ._processors import _process


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
    given = mapping(out, name, "out")
    return [output(given.get(port.name), port.shape, name, port.dtype, tuple(inputs)) for port in ports]


def _choice(constants: Any, shapes: Any, dimensions: Any, states: Any, carry_states: bool, timing: bool = False) -> Any:
    name = "GraphInference"
    choice = _native.OnnxChoice()
    choice.shapes = {text(key, name, "an input"): wholes(shape, name, "a shape")
                     for key, shape in mapping(shapes, name, "shapes").items()}
    choice.dimensions = {text(key, name, "a symbol"): whole(extent, name, "an extent")
                         for key, extent in mapping(dimensions, name, "dimensions").items()}
    numbers = {}
    for key, value in mapping(constants, name, "constants").items():
        if isinstance(value, (bool, int, float, np.number)):
            numbers[text(key, name, "an input")] = real(value, name, "a constant")
        else:
            choice.bind_tensor(text(key, name, "an input"), _tensor(value, name))
    choice.numbers = numbers
    choice.states = _pairs([] if states is None else states, name)
    choice.carry_states = flag(carry_states, name, "carry_states")
    choice.timing = flag(timing, name, "timing")
    return choice


def _tensor(value: Any, name: str) -> np.ndarray:
    array = as_array(value, name)
    if array.dtype.kind not in "fiub":
        raise InvalidArgumentError(f"[{name}] a tensor of {array.dtype}: expected real numbers")
    return np.require(array, array.dtype.newbyteorder("="), ["C", "A"])


def _pairs(states: Any, name: str) -> list[tuple[str, str]]:
    try:
        return [(text(a, name, "an output"), text(b, name, "an input")) for a, b in states]
    except (TypeError, ValueError) as error:
        if isinstance(error, InvalidArgumentError):
            raise
        raise wrong(states, name, "states", "pairs of names") from None


def _model(model: Any) -> str | bytes:
    if isinstance(model, (bytes, bytearray, memoryview)):
        return bytes(model)
    return file_name(model, "GraphInference", "model")


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
        precision = text(precision, "GraphInference", "precision", "fp32")
        threads = count(threads, "GraphInference", "threads", 1)
        self._set(_native.GraphInference(_model(model), choice, precision, threads))

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
        self._native = _native.Amp(
            file_name(file, "Amp", "file"), count(channels, "Amp", "channels", 1), flag(fast, "Amp", "fast"),
            real(slim, "Amp", "slim", 1.0),
        )

    def process(self, x: Any, reset: bool = False, out: np.ndarray | None = None) -> np.ndarray:
        """The next block: ``x[channels, frames]`` (or ``x[frames]``) -> the same shape."""
        if flag(reset, "Amp", "reset"):
            self.reset()
        return _process(self._native, x, out, "Amp", self._native.channels, self._native.channels)

    def reset(self) -> None:
        """Back to how it was made."""
        self._native.reset()

    def set_control(self, index: int, value: float) -> None:
        """Turns one of its ``controls`` knobs."""
        self._native.set_control(whole(index, "Amp", "index"), real(value, "Amp", "value"))

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

    def _call(self, method: str, *arguments: Any) -> Any:
        try:
            return getattr(self._native, method)(*arguments)
        except TypeError:
            given = ", ".join(type(one).__name__ for one in arguments)
            raise InvalidArgumentError(f"[Graph] {method} takes no ({given})") from None

    def input(self, name: str, shape: Sequence[int], dtype: Any = "float32") -> Any:
        try:
            kind = np.dtype(dtype).name
        except TypeError:
            raise wrong(dtype, "Graph", "dtype", "one that numbers have") from None
        return self._call("input", name, wholes(shape, "Graph", "a shape"), kind)

    def constant(self, value: Any) -> Any:
        return self._call("constant", _tensor(value, "Graph"))

    def state(self, name: str, initial: Any) -> Any:
        """A value that one run leaves to the next, which ``update`` names."""
        return self._call("state", name, _tensor(initial, "Graph"))

    def update(self, state: Any, next: Any) -> None:
        self._call("update", state, next)

    def output(self, name: str, value: Any) -> None:
        self._call("output", name, value)

    def shape(self, value: Any) -> tuple[int, ...]:
        return tuple(self._call("shape", value))

    def dtype(self, value: Any) -> str:
        return self._call("dtype", value)

    def unary(self, function: str, x: Any, alpha: float = 0.0, beta: float = 0.0) -> Any:
        """"tanh", "relu", "gelu", "sigmoid", "exp", … with their parameters, where they have any."""
        return self._call("unary", function, x, alpha, beta)

    def binary(self, function: str, a: Any, b: Any) -> Any:
        """"add", "subtract", "multiply", "divide", "maximum", "less", …, repeated by numpy's rule."""
        return self._call("binary", function, a, b)

    def add(self, a: Any, b: Any) -> Any:
        return self.binary("add", a, b)

    def multiply(self, a: Any, b: Any) -> Any:
        return self.binary("multiply", a, b)

    def matmul(self, a: Any, b: Any) -> Any:
        return self._call("matmul", a, b)

    def linear(self, x: Any, weight: Any, bias: Any = None) -> Any:
        """torch.nn.Linear: ``weight[out, in]``."""
        return self._call("linear", x, weight, bias)

    def conv1d(
        self, x: Any, weight: Any, bias: Any = None, *, stride: int = 1, dilation: int = 1,
        padding: int | tuple[int, int] = 0, groups: int = 1,
    ) -> Any:
        """torch.nn.Conv1d over ``x[batch, frames, in]`` with ``weight[out, kernel, in / groups]``."""
        if isinstance(padding, (list, tuple, np.ndarray)):
            both = wholes(padding, "Graph", "padding")
        else:
            both = 2 * [whole(padding, "Graph", "padding", default=0)]
        if len(both) != 2:
            raise wrong(padding, "Graph", "padding", "a number, or one for each end")
        stride, dilation = count(stride, "Graph", "stride", 1), count(dilation, "Graph", "dilation", 1)
        groups = count(groups, "Graph", "groups", 1)
        return self._call("conv", x, weight, bias, [stride], [dilation], both[:1], both[1:], groups)

    def softmax(self, x: Any, axis: int = -1) -> Any:
        return self._call("softmax", x, axis)

    def concat(self, values: Sequence[Any], axis: int = -1) -> Any:
        if not isinstance(values, (list, tuple)):
            raise wrong(values, "Graph", "values", "a list")
        return self._call("concat", list(values), axis)

    def reshape(self, x: Any, shape: Sequence[int]) -> Any:
        return self._call("reshape", x, wholes(shape, "Graph", "a shape"))

    def transpose(self, x: Any, order: Sequence[int]) -> Any:
        return self._call("transpose", x, wholes(order, "Graph", "an order"))

    def slice(self, x: Any, starts: Sequence[int], shape: Sequence[int], steps: Sequence[int] | None = None) -> Any:
        """``x[start : start + step * extent : step]`` along every axis."""
        return self._call("slice", x, wholes(starts, "Graph", "starts"), wholes(shape, "Graph", "a shape"),
                          wholes([] if steps is None else steps, "Graph", "steps"))

    def layer_norm(self, x: Any, gamma: Any = None, beta: Any = None, epsilon: float = 1e-5) -> Any:
        return self._call("layer_norm", x, gamma, beta, epsilon)


class Plan:
    """A graph, compiled: ``plan.run(x=array) -> {output: array}``."""

    def __init__(self, graph: Graph, *, precision: str = "fp32", threads: int = 1, timing: bool = False) -> None:
        if not isinstance(graph, Graph):
            raise wrong(graph, "Plan", "graph", "a Graph")
        precision = text(precision, "Plan", "precision", "fp32")
        self._set(_native.Plan(graph._native, precision, count(threads, "Plan", "threads", 1), flag(timing, "Plan", "timing")))

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
