"""ONNX models and graphs of one's own."""

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

import metalaudio
from conftest import noise


def model() -> bytes:
    """y = gain * x + s, t = s + x."""
    def value(name, shape):
        return helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)

    graph = helper.make_graph(
        [helper.make_node("Mul", ["gain", "x"], ["a"]), helper.make_node("Add", ["a", "s"], ["y"]),
         helper.make_node("Add", ["s", "x"], ["t"])],
        "g", [value("x", [1, "n"]), value("gain", []), value("s", [1, "n"])], [value("y", [1, "n"]), value("t", [1, "n"])],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8).SerializeToString()


def test_a_model_predicts_with_its_state(tmp_path):
    (tmp_path / "m.onnx").write_bytes(model())
    x = np.array([[1, 2, 3]], np.float32)
    for source in (tmp_path / "m.onnx", str(tmp_path / "m.onnx"), model()):
        inference = metalaudio.GraphInference(source, constants={"gain": 3}, dimensions={"n": 3}, states=[("t", "s")])
        assert inference.inputs == [metalaudio.Port("x", "float32", (1, 3))]
        assert [port.name for port in inference.outputs] == ["y"]
        for results in (inference.predict(x), inference.clone().predict(x=x), inference.clone()({"x": x})):
            assert list(results) == ["y"] and np.array_equal(results["y"], 3 * x)
        assert np.array_equal(inference.predict(x)["y"], 4 * x)
        inference.reset()
        out = np.zeros((1, 3), np.float32)
        assert inference.predict(x, out={"y": out})["y"] is out and np.array_equal(out, 3 * x)
    assert inference.memory_usage > 0 and "digraph" in inference.to_dot() and inference.profile()


def test_constants_may_be_arrays_and_shapes_are_fixed_by_name():
    s = np.array([[5, 6]], ">f4")  # the other byte order
    inference = metalaudio.GraphInference(model(), constants={"gain": 2.0, "s": s}, shapes={"x": (1, 2)})
    results = inference.predict(np.ones((1, 2), np.float32))
    assert np.array_equal(results["y"], [[7, 8]]) and np.array_equal(results["t"], [[6, 7]])


def test_wrong_inputs_are_refused():
    inference = metalaudio.GraphInference(model(), constants={"gain": 3}, dimensions={"n": 3}, states=[("t", "s")])
    x = np.ones((1, 3), np.float32)
    for given, named in (((), {}), ((x, x), {}), ((x,), {"x": x}), ((), {"z": x}), ((x[:, :2],), {}), ((x * 1j,), {}),
                         (("abc",), {}), ((x[0],), {})):
        with pytest.raises(ValueError, match=r"^\[GraphInference\]"):
            inference.predict(*given, **named)
    assert np.array_equal(inference.predict(x.astype(">f8"))["y"], 3 * x)
    assert np.array_equal(inference.predict([[1.0, 1.0, 1.0]])["y"], 4 * x)
    with pytest.raises(metalaudio.Error) as caught:
        metalaudio.GraphInference("/no/such/model.onnx")
    assert caught.value.code == "not_found"
    with pytest.raises(metalaudio.InvalidDataError):
        metalaudio.GraphInference(b"nonsense")
    with pytest.raises(ValueError):
        metalaudio.GraphInference(model(), dimensions={"n": -3})
    with pytest.raises(ValueError):
        metalaudio.GraphInference(model(), precision="fp4")


def test_a_graph_of_ones_own_is_planned_and_run():
    x = noise(1, 50, 4)
    weight, bias = noise(6, 3, 4, seed=1), noise(6, seed=2)
    graph = metalaudio.Graph()
    value = graph.input("x", (1, 50, 4))
    hidden = graph.conv1d(value, graph.constant(weight), graph.constant(bias), padding=1)
    assert graph.shape(hidden) == (1, 50, 6) and graph.dtype(hidden) == "float32"
    hidden = graph.unary("tanh", hidden)
    total = graph.state("total", np.zeros((1, 50, 6), np.float32))
    now = graph.add(total, hidden)
    graph.update(total, now)
    graph.output("y", graph.multiply(now, graph.constant(np.float32(2))))
    plan = metalaudio.Plan(graph, threads=2)
    padded = np.pad(x[0], ((1, 1), (0, 0)))
    expected = np.tanh(np.stack([np.einsum("ki,oki->o", padded[i : i + 3], weight) for i in range(50)]) + bias)
    np.testing.assert_allclose(plan.run(x)["y"][0], 2 * expected, atol=1e-5)
    other = plan.clone()
    np.testing.assert_allclose(plan.run(x=x)["y"][0], 4 * expected, atol=1e-5)
    np.testing.assert_allclose(other.run(x)["y"][0], 2 * expected, atol=1e-5)
    plan.reset()
    np.testing.assert_allclose(plan.run(x)["y"][0], 2 * expected, atol=1e-5)
    assert plan.statistics["operations"] >= 4 and "digraph" in plan.graphviz() and plan.report()


def test_the_other_operations_of_a_graph():
    a, b = noise(3, 4), noise(4, 5, seed=1)
    graph = metalaudio.Graph()
    x, y = graph.input("a", a.shape), graph.input("b", b.shape)
    graph.output("matmul", graph.matmul(x, y))
    graph.output("linear", graph.linear(x, graph.constant(np.ascontiguousarray(b.T))))
    graph.output("softmax", graph.softmax(x))
    graph.output("concat", graph.concat([x, x], axis=0))
    graph.output("reshape", graph.reshape(x, (2, 6)))
    graph.output("transpose", graph.transpose(x, (1, 0)))
    graph.output("slice", graph.slice(x, (0, 1), (3, 2)))
    graph.output("norm", graph.layer_norm(x))
    graph.output("less", graph.binary("less", x, graph.constant(np.float32(0))))
    results = metalaudio.Plan(graph).run(a=a, b=b)
    np.testing.assert_allclose(results["matmul"], a @ b, atol=1e-6)
    np.testing.assert_allclose(results["linear"], a @ b, atol=1e-6)
    np.testing.assert_allclose(results["softmax"].sum(1), 1, atol=1e-6)
    assert np.array_equal(results["concat"], np.concatenate([a, a]))
    assert np.array_equal(results["reshape"], a.reshape(2, 6))
    assert np.array_equal(results["transpose"], a.T) and np.array_equal(results["slice"], a[:, 1:3])
    np.testing.assert_allclose(results["norm"].mean(1), 0, atol=1e-6)
    assert results["less"].dtype == bool and np.array_equal(results["less"], a < 0)
    with pytest.raises(ValueError):
        graph.matmul(x, x)
    with pytest.raises(ValueError):
        graph.unary("frobnicate", x)
    with pytest.raises(metalaudio.Error):
        graph.input("z", (2,), "complex64")


def test_a_graph_of_an_onnx_model():
    graph = metalaudio.Graph.from_onnx(model(), constants={"gain": 3}, dimensions={"n": 2}, states=[("t", "s")])
    plan = metalaudio.Plan(graph)
    x = np.array([[1, 2]], np.float32)
    assert np.array_equal(plan.run(x)["y"], 3 * x) and np.array_equal(plan.run(x)["y"], 4 * x)
    assert onnx.load_from_string(model()).graph.name == "g"
