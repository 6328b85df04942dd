"""Writes the corpora of fuzz_onnx and fuzz_npy: small models that hold each kind of operation, some
of them with what has to be refused, and small arrays. Made with onnx 1.18.0 and numpy 2.4.6.

usage: make_corpus.py FOLDER
"""
import io
import pathlib
import sys

import numpy as np
import onnx
from onnx import TensorProto as T
from onnx import helper as h
from onnx import numpy_helper

rng = np.random.default_rng(7)


def f32(*shape):
    return rng.standard_normal(shape).astype(np.float32)


def model(nodes, inputs, outputs, constants=(), opset=17, **more):
    graph = h.make_graph(
        nodes, "g",
        [h.make_tensor_value_info(n, t, s) for n, t, s in inputs],
        [h.make_tensor_value_info(n, t, None) for n, t in outputs],
        [numpy_helper.from_array(np.asarray(v), n) for n, v in dict(constants).items()], **more)
    return h.make_model(graph, opset_imports=[h.make_opsetid("", opset)]).SerializeToString()


def one(op, inputs, constants=None, opset=17, results=1, out=T.FLOAT, **attributes):
    """One node, whose inputs come first and whose constants follow."""
    constants = constants or {}
    names = [n for n, _, _ in inputs] + list(constants)
    outputs = [f"y{i}" for i in range(results)]
    return model([h.make_node(op, names, outputs, **attributes)], inputs, [(o, out) for o in outputs],
                 constants, opset)


def onnx_models():
    x = [("x", T.FLOAT, [1, 2, 8])]
    i64 = lambda *v: np.array(v, np.int64)
    yield "conv", one("Conv", x, {"w": f32(4, 1, 3), "b": f32(4)}, group=2, pads=[1, 0], dilations=[2])
    yield "conv_transpose", one("ConvTranspose", x, {"w": f32(2, 3, 3)}, strides=[2], output_padding=[1])
    yield "lstm", one("LSTM", [("x", T.FLOAT, [3, 1, 2])],
                      {"w": f32(2, 12, 2), "r": f32(2, 12, 3), "b": f32(2, 24)},
                      results=3, hidden_size=3, direction="bidirectional")
    yield "gru", one("GRU", [("x", T.FLOAT, [3, 1, 2])], {"w": f32(1, 9, 2), "r": f32(1, 9, 3)},
                     results=2, hidden_size=3, linear_before_reset=1)
    yield "rnn", one("RNN", [("x", T.FLOAT, [3, 1, 2])], {"w": f32(1, 3, 2), "r": f32(1, 3, 3)},
                     results=2, hidden_size=3, activations=["Relu"], clip=1.0)
    yield "pad", one("Pad", x, {"p": i64(0, 0, 2, 0, 1, 3), "v": np.float32(1)}, mode="constant")
    yield "pad_reflect", one("Pad", x, {"p": i64(0, 0, 2, 0, 0, 3)}, mode="reflect")
    yield "pad_reflect_absurd", one("Pad", x, {"p": i64(0, 0, 2**31, 0, 0, 3)}, mode="reflect")
    yield "resize_absurd", one("Resize", [("x", T.FLOAT, [1, 2, 4, 4])],
                               {"r": f32(0), "s": f32(0), "n": i64(1, 2, 7, 2**48)}, mode="nearest")
    yield "pad_absurd", one("Pad", x, {"p": i64(0, 0, 2**62, 0, 0, 2**62)})
    yield "resize", one("Resize", [("x", T.FLOAT, [1, 2, 4, 4])],
                        {"r": f32(0), "s": np.array([1, 1, 2, 1.5], np.float32)}, mode="linear")
    yield "resize_sizes", one("Resize", [("x", T.FLOAT, [1, 2, 4, 4])],
                              {"r": f32(0), "s": f32(0), "n": i64(1, 2, 7, 3)}, mode="nearest")
    yield "clip", one("Clip", [("x", T.INT32, [5])], {"a": np.int32(-2), "b": np.int32(3)}, out=T.INT32)
    yield "cast", one("Cast", x, to=T.INT8, out=T.INT8)
    yield "cast_like", one("CastLike", x, {"l": np.zeros(1, np.uint8)}, out=T.UINT8)
    yield "slice", one("Slice", x, {"s": i64(7), "e": i64(-(2**63)), "a": i64(2), "d": i64(-3)})
    yield "gather", one("Gather", x, {"i": i64(0, -1, 5)}, axis=2)
    yield "scatter", one("ScatterND", x, {"i": i64(0, 1).reshape(1, 2), "u": f32(1, 8)})
    yield "topk", one("TopK", x, {"k": i64(3)}, results=2)
    yield "einsum", one("Einsum", x, {"w": f32(8, 3)}, equation="bij,jk->bik")
    yield "pool", one("AveragePool", x, kernel_shape=[3], strides=[2], ceil_mode=1, pads=[1, 1])
    yield "max_pool", one("MaxPool", x, kernel_shape=[3], dilations=[2], results=2)
    yield "reduce", one("ReduceLogSumExp", x, {"a": i64(-1)}, opset=18, keepdims=0)
    yield "range", model([h.make_node("Range", ["a", "b", "c"], ["y"])], [], [("y", T.INT64)],
                         {"a": np.int64(0), "b": np.int64(2**62), "c": np.int64(1)})
    yield "expand", one("Expand", x, {"s": i64(3, 1, 2, 8)})
    yield "tile", one("Tile", x, {"r": i64(1, 2**40, 2)})
    yield "one_hot", one("OneHot", [("x", T.INT64, [3])], {"d": np.int64(4), "v": f32(2)})
    yield "constant_of_shape", model([h.make_node("ConstantOfShape", ["s"], ["y"])], [],
                                     [("y", T.FLOAT)], {"s": i64(2**31, 2**31, 4)})
    yield "stft", one("STFT", [("x", T.FLOAT, [1, 32, 1])], {"h": np.int64(8), "w": f32(16)})
    yield "dft", one("DFT", [("x", T.FLOAT, [1, 12, 1])], axis=1, onesided=1)
    yield "mel", model([h.make_node("MelWeightMatrix", list("abcde"), ["y"])], [], [("y", T.FLOAT)],
                       {"a": np.int64(4), "b": np.int64(32), "c": np.int64(8000),
                        "d": np.float32(0), "e": np.float32(4000)})
    yield "quantize", one("QuantizeLinear", x, {"s": np.float32(0.1), "z": np.uint8(3)}, out=T.UINT8)
    yield "norm", one("LayerNormalization", x, {"s": f32(8)}, axis=-1)
    yield "group_norm", one("GroupNormalization", x, {"s": f32(2), "b": f32(2)}, opset=21, num_groups=2)
    yield "attention", one("Attention", [("q", T.FLOAT, [1, 2, 3, 4]), ("k", T.FLOAT, [1, 2, 5, 4]),
                                         ("v", T.FLOAT, [1, 2, 5, 4])], opset=23, is_causal=1)
    yield "space", one("SpaceToDepth", [("x", T.FLOAT, [1, 2, 4, 4])], blocksize=2)
    yield "integers", model(
        [h.make_node("Div", ["x", "y"], ["a"]), h.make_node("Mod", ["x", "y"], ["b"]),
         h.make_node("Pow", ["x", "y"], ["c"]), h.make_node("BitShift", ["u", "u"], ["d"], direction="LEFT"),
         h.make_node("Abs", ["x"], ["e"]), h.make_node("Neg", ["x"], ["f"])],
        [("x", T.INT32, [6]), ("y", T.INT32, [6]), ("u", T.UINT8, [6])],
        [(n, T.INT32) for n in "abcef"] + [("d", T.UINT8)], opset=15)
    yield "state", model(
        [h.make_node("Mul", ["s", "k"], ["m"]), h.make_node("Add", ["x", "m"], ["y"]),
         h.make_node("Identity", ["y"], ["sN"])],
        [("x", T.FLOAT, [4]), ("s", T.FLOAT, [4])], [("y", T.FLOAT), ("sN", T.FLOAT)],
        {"k": np.float32(0.5)})
    branch = lambda op: h.make_graph([h.make_node(op, ["x"], ["z"])], "b", [],
                                     [h.make_tensor_value_info("z", T.FLOAT, None)])
    yield "if", model([h.make_node("If", ["c"], ["y"], then_branch=branch("Relu"), else_branch=branch("Neg"))],
                      x, [("y", T.FLOAT)], {"c": np.array(True)})
    yield "reshape", one("Reshape", x, {"s": i64(0, -1, 2, 1)})
    yield "split", one("Split", x, {"s": i64(3, 5)}, results=2, axis=-1)
    yield "half", one("MatMul", [("x", T.FLOAT16, [2, 4])], {"w": f32(4, 3).astype(np.float16)}, out=T.FLOAT16)
    whole = one("Gemm", [("x", T.FLOAT, [2, 4])], {"w": f32(4, 3), "b": f32(3)})
    yield "gemm", whole
    yield "truncated", whole[: len(whole) // 2]
    yield "cycle", model([h.make_node("Relu", ["b"], ["a"]), h.make_node("Relu", ["a"], ["b"])],
                         [], [("b", T.FLOAT)])
    yield "dangling", one("Add", x, {}) + b""
    outside = onnx.load_from_string(whole)
    w = outside.graph.initializer[0]
    w.ClearField("raw_data")
    w.data_location = T.EXTERNAL
    w.external_data.add(key="location", value="../../etc/passwd")
    yield "outside", outside.SerializeToString()
    huge = onnx.load_from_string(whole)
    huge.graph.initializer[0].dims[:] = [2**40, 2**40]
    yield "huge", huge.SerializeToString()
    yield from refused_models()


def refused_models():
    """What a fuzzer hardly finds by itself: inputs that are missing or empty, numbers at the ends of
    64 bits, and a few bytes that ask for gigabytes or hours."""
    i64 = lambda *v: np.array(v, np.int64)
    most, least = 2**63 - 1, -(2**63)
    x = lambda *shape: [("x", T.FLOAT, list(shape))]
    yield "missing", model([h.make_node("ConstantOfShape", [], ["y"])], [], [("y", T.FLOAT)])
    yield "missing_number", model([h.make_node("HannWindow", [""], ["y"])], [], [("y", T.FLOAT)])
    yield "empty_number", one("Trilu", x(2, 3), {"k": i64()})
    body = h.make_graph(
        [h.make_node("Identity", ["c"], ["d"])], "b",
        [h.make_tensor_value_info("i", T.INT64, []), h.make_tensor_value_info("c", T.BOOL, [])],
        [h.make_tensor_value_info("d", T.BOOL, None), h.make_tensor_value_info("x", T.FLOAT, None)])
    for name, condition in (("float", np.float32(7)), ("empty", np.zeros(0, bool))):
        yield "loop_" + name, model([h.make_node("Loop", ["m", "c"], ["y"], body=body)], x(2),
                                    [("y", T.FLOAT)], {"m": np.int64(2), "c": condition})
    branch = h.make_graph([], "b", [], [h.make_tensor_value_info("a", T.FLOAT, None)])
    function = h.make_function(
        "own", "F", ["a", "c"], ["y"],
        [h.make_node("If", ["c"], ["y"], then_branch=branch, else_branch=branch)],
        [h.make_opsetid("", 17)])
    nothing = onnx.load_from_string(model([h.make_node("F", ["", "c"], ["y"], domain="own")],
                                          [("c", T.BOOL, [])], [("y", T.FLOAT)]))
    nothing.functions.append(function)
    nothing.opset_import.append(h.make_opsetid("own", 1))
    yield "nothing", nothing.SerializeToString()

    yield "eye_far", one("EyeLike", x(2, 3), k=most)
    yield "gather_far", one("Gather", x(4, 2), {"i": i64(most)})
    yield "range_far", model([h.make_node("Range", ["a", "b", "c"], ["y"])], [], [("y", T.INT64)],
                             {"a": np.int64(least), "b": np.int64(most), "c": np.int64(2**62)})
    yield "reverse_far", one("ReverseSequence", x(1, 1), {"l": i64(1)}, batch_axis=most, time_axis=1)
    yield "roi_far", one("RoiAlign", x(1, 1, 4, 4), {"r": f32(1, 4), "i": i64(0)},
                         output_height=2**40, output_width=2**40)
    yield "tfidf_far", one("TfIdfVectorizer", [("x", T.INT64, [3])], mode="TF", min_gram_length=1,
                           max_gram_length=1, max_skip_count=0, ngram_counts=[0],
                           ngram_indexes=[most], pool_int64s=[1])
    yield "tfidf_none", one("TfIdfVectorizer", [("x", T.INT64, [3])], mode="TF", min_gram_length=1,
                            max_gram_length=1, max_skip_count=0, ngram_counts=[0])
    yield "depth_far", one("DepthToSpace", x(1, 0, 2, 2), blocksize=2**32)
    yield "crop_far", one("CenterCropPad", x(4), {"s": i64(least)}, opset=18)
    yield "conv_transpose_far", one("ConvTranspose", x(1, 2, 8), {"w": np.ones((2, 3, 3), np.float32)},
                                    output_padding=[most])
    yield "conv_same_far", one("Conv", x(0, 1, 2**63 - 1), {"w": np.ones((1, 1, 3), np.float32)},
                               strides=[2], auto_pad="SAME_UPPER")
    yield "fold_far", one("Col2Im", x(1, 1, 1), {"i": i64(most), "b": i64(1)}, opset=18, pads=[1, 1])
    yield "fold_wide", one("Col2Im", x(1, 1, 1), {"i": i64(4), "b": i64(2**39)}, opset=18)
    yield "lstm_far", one("LSTM", [("x", T.FLOAT, [0, 1, 0]), ("w", T.FLOAT, [1, 0, 0]),
                                   ("r", T.FLOAT, [1, 0, 2**62])])

    yield "eye_absurd", one("EyeLike", x(2**14, 2**14))
    yield "range_absurd", model([h.make_node("Range", ["a", "b", "c"], ["y"])], [], [("y", T.INT64)],
                                {"a": np.int64(0), "b": np.int64(2**30), "c": np.int64(1)})
    yield "reverse_absurd", one("ReverseSequence", x(2**31, 1), {"l": i64(1)})
    yield "tensor_scatter_absurd", one("TensorScatter", [("x", T.FLOAT, [1, 2**31, 1]),
                                                         ("u", T.FLOAT, [1, 2**31, 1])], opset=24)
    yield "roi_absurd", one("RoiAlign", x(1, 1, 4, 4), {"r": np.zeros((1, 4), np.float32), "i": i64(0)},
                            output_height=256, output_width=256, sampling_ratio=1024)
    yield "max_roi_absurd", one("MaxRoiPool", x(1, 1, 4, 4), {"r": np.zeros((1, 5), np.float32)},
                                pooled_shape=[1024, 1024])
    yield "window_absurd", one("HannWindow", [], {"s": np.int64(2**26)})
    yield "mel_absurd", model([h.make_node("MelWeightMatrix", list("abcde"), ["y"])], [],
                              [("y", T.FLOAT)],
                              {"a": np.int64(2), "b": np.int64(2**25), "c": np.int64(8000),
                               "d": np.float32(0), "e": np.float32(4000)})
    yield "einsum_absurd", one("Einsum", x(2**15, 2**15), equation="ii->i")
    yield "affine_absurd", one("AffineGrid", x(1, 2, 3), {"s": i64(1, 1, 2**14, 2**14)}, opset=20)
    yield "attention_absurd", one("Attention", [("q", T.FLOAT, [1, 1, 1, 1]),
                                                ("k", T.FLOAT, [1, 1, 2**31, 1]),
                                                ("v", T.FLOAT, [1, 1, 2**31, 1])], opset=23, is_causal=1)
    yield "max_pool_absurd", one("MaxPool", x(2**31, 1, 1), kernel_shape=[1], results=2)
    yield "deform_absurd", one("DeformConv", [("x", T.FLOAT, [1, 1, 1]), ("w", T.FLOAT, [1, 1, 1]),
                                              ("o", T.FLOAT, [1, 1, 2**31])], opset=19,
                               pads=[0, 2**31 - 1])
    for axis in (2**30, 2**31):  # the fuzzer makes states of models with an even number of bytes
        state = onnx.load_from_string(model(
            [h.make_node("Add", ["x", "s"], ["y"]), h.make_node("Identity", ["y"], ["t"])],
            [("x", T.FLOAT, [axis]), ("s", T.FLOAT, [axis])], [("y", T.FLOAT), ("t", T.FLOAT)]))
        state.producer_name = "even"
        if state.ByteSize() % 2 != 0:
            state.producer_name = "even "
        yield f"state_absurd_{axis.bit_length() - 1}", state.SerializeToString()
    sparse = onnx.load_from_string(one("Identity", [("s", T.DOUBLE, [1])], out=T.DOUBLE))
    del sparse.graph.input[:]
    sparse.graph.sparse_initializer.append(h.make_sparse_tensor(
        h.make_tensor("s", T.DOUBLE, [1], [1.0]), h.make_tensor("i", T.INT64, [1], [0]), [2**28]))
    yield "sparse_absurd", sparse.SerializeToString()


def npy_files():
    def saved(array):
        file = io.BytesIO()
        np.save(file, array)
        return file.getvalue()

    plain = saved(np.arange(6, dtype=np.float32).reshape(2, 3))
    yield "plain", plain
    yield "fortran", saved(np.asfortranarray(np.arange(6.0).reshape(2, 3)))
    yield "big_endian", saved(np.arange(4, dtype=">i4"))
    yield "bool", saved(np.array([True, False]))
    yield "scalar", saved(np.float16(2))
    yield "empty", saved(np.zeros((0, 3), np.uint8))
    yield "complex", saved(np.zeros(2, np.complex64))
    yield "truncated", plain[:-5]
    yield "huge", plain.replace(b"(2, 3), }" + b" " * 16, b"(4611686018427387904, 8), }"[:25])


folder = pathlib.Path(sys.argv[1])
for kind, files in (("onnx", onnx_models()), ("npy", npy_files())):
    (folder / kind).mkdir(parents=True, exist_ok=True)
    for name, content in files:
        (folder / kind / name).write_bytes(content)
