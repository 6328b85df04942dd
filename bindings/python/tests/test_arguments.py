"""Every argument of everything public: None and what is wrong are the default or an error of the package."""

import inspect
import os
import shutil
import warnings

import numpy as np
import onnx.parser
import pytest

import metalaudio
from conftest import ROOT, noise
from metalaudio import butter

SOS = butter(2, 0.3, output="sos")
ROW = noise(4000)
SPECTRA = metalaudio.stft(ROW, n_fft=256)


class Thing:
    def __repr__(self):
        return "a\nthing"


# The strings are no names of anything; sizes that fit would be slow and tell nothing.
WRONG = [None, Thing(), "no such", "", b"\xff", -1, 0, 1.5, float("nan"), float("inf"), 2**80, -(2**80), [], {}, [None],
         ["no such"], {"no such": None}, {1: 2}, ("kaiser", "x"), True, np.zeros(3, np.int16), np.zeros((2, 2), object),
         np.array("x"), np.float32(0.25), 1j, lambda *_: Thing(), "a\0b", [[1, 2], [3]], type]


MODEL = onnx.parser.parse_model(
    '<ir_version: 8, opset_import: ["" : 17]> g (float[1, 3] x) => (float[1, 3] y) { y = Tanh(x) }').SerializeToString()
AMP = ROOT / "models/preamp.nam"


def graph():
    g = metalaudio.Graph()
    return g, g.input("x", [1, 8, 4])


def plan():
    g, x = graph()
    g.output("y", g.unary("tanh", x))
    return metalaudio.Plan(g)


def on_graph(method):
    def call(**arguments):
        g, x = graph()
        values = {name: x if value is GRAPH_VALUE else value for name, value in arguments.items()}
        if isinstance(values.get("values"), list) and GRAPH_VALUE in values["values"]:
            values["values"] = [x, x]
        return getattr(g, method)(**values)

    return getattr(metalaudio.Graph, method), call


GRAPH_VALUE = Thing()
X = {"x": GRAPH_VALUE}


def of(make, method):
    """A method of something that is made anew for each call."""
    return getattr(type(make()), method), lambda **arguments: getattr(make(), method)(**arguments)


def cases(tiny, folder):
    separator = metalaudio.Separator(tiny, shifts=0, jobs=1)
    yield metalaudio.Separator, None, {"model": tiny, "jobs": 1}
    yield metalaudio.Separator.update_parameter, separator.update_parameter, {}
    yield *of(lambda: separator, "separate_tensor"), {"wav": noise(2, 4000)}
    yield *of(lambda: separator, "separate_audio_file"), {"file": str(folder / "none.wav")}
    yield metalaudio.Separator.stream, lambda **arguments: list(separator.stream(**arguments)), {"source": noise(2, 4000)}
    yield metalaudio.list_models, None, {}
    yield metalaudio.save_audio, None, {"wav": noise(1, 1000), "path": str(folder / "a.wav"), "samplerate": 8000}
    yield metalaudio.stft, None, {"y": ROW, "n_fft": 256}
    yield metalaudio.istft, None, {"stft_matrix": SPECTRA}
    yield metalaudio.resample, None, {"y": ROW, "orig_sr": 8000, "target_sr": 11025}
    yield metalaudio.butter, None, {"N": 2, "Wn": 0.3}
    yield metalaudio.sosfilt, None, {"sos": SOS, "x": ROW}
    yield metalaudio.fftconvolve, None, {"in1": ROW, "in2": ROW}
    yield metalaudio.Convolution, None, {"ir": ROW}
    yield *of(lambda: metalaudio.Convolution(ROW), "process"), {"x": ROW}
    yield *of(lambda: metalaudio.Convolution(ROW), "swap"), {"ir": ROW}
    yield metalaudio.BiquadCascade, None, {"sos": SOS}
    yield *of(lambda: metalaudio.BiquadCascade(SOS), "process"), {"x": ROW}
    yield *of(lambda: metalaudio.BiquadCascade(SOS), "set_sos"), {"sos": SOS}
    yield metalaudio.FilterBank, None, {"bands": [SOS]}
    yield metalaudio.FilterBank.crossover, None, {"splits": [200.0, 2000.0], "fs": 44100}
    yield metalaudio.FilterBank.octaves, None, {"fs": 44100}
    yield *of(lambda: metalaudio.FilterBank([SOS]), "process"), {"x": ROW}
    yield metalaudio.Stft, None, {}
    yield *of(lambda: metalaudio.Stft(256), "process"), {"x": ROW}
    yield *of(lambda: metalaudio.Stft(256), "inverse"), {"spectra": SPECTRA}
    yield metalaudio.GraphInference, None, {"model": MODEL}
    yield *of(lambda: metalaudio.GraphInference(MODEL), "predict"), {"x": np.zeros((1, 3), np.float32)}
    yield metalaudio.Amp, None, {"file": AMP}
    yield *of(lambda: metalaudio.Amp(AMP), "process"), {"x": ROW}
    yield *of(lambda: metalaudio.Amp(AMP), "set_control"), {"index": 0, "value": 0.5}
    yield metalaudio.Graph.from_onnx, None, {"model": MODEL}
    yield *on_graph("input"), {"name": "y", "shape": [1, 2]}
    yield *on_graph("constant"), {"value": ROW}
    yield *on_graph("state"), {"name": "s", "initial": ROW}
    yield *on_graph("update"), {"state": GRAPH_VALUE, "next": GRAPH_VALUE}
    yield *on_graph("output"), {"name": "y", "value": GRAPH_VALUE}
    yield *on_graph("shape"), {"value": GRAPH_VALUE}
    yield *on_graph("dtype"), {"value": GRAPH_VALUE}
    yield *on_graph("unary"), {"function": "tanh", **X}
    yield *on_graph("binary"), {"function": "add", "a": GRAPH_VALUE, "b": GRAPH_VALUE}
    yield *on_graph("matmul"), {"a": GRAPH_VALUE, "b": GRAPH_VALUE}
    yield *on_graph("linear"), {**X, "weight": GRAPH_VALUE}
    yield *on_graph("conv1d"), {**X, "weight": GRAPH_VALUE}
    yield *on_graph("softmax"), X
    yield *on_graph("concat"), {"values": [GRAPH_VALUE]}
    yield *on_graph("reshape"), {**X, "shape": [8, 4]}
    yield *on_graph("transpose"), {**X, "order": [0, 2, 1]}
    yield *on_graph("slice"), {**X, "starts": [0, 0, 0], "shape": [1, 2, 2]}
    yield *on_graph("layer_norm"), X
    yield metalaudio.Plan, None, {"graph": graph()[0]}
    yield *of(plan, "run"), {"x": np.zeros((1, 8, 4), np.float32)}


def test_wrong_ones_are_the_default_or_an_error_of_the_package(tiny, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)  # some make files of any name
    raw = []
    tried = set()
    for described, call, given in cases(tiny, tmp_path):
        call = call or described
        tried.add(described.__qualname__)
        names = [name for name, one in inspect.signature(described).parameters.items()
                 if name != "self" and one.kind not in (one.VAR_POSITIONAL, one.VAR_KEYWORD)]
        for name in [*names, *(name for name in given if name not in names)]:
            for wrong in WRONG:
                try:
                    with warnings.catch_warnings():
                        warnings.simplefilter("ignore")
                        call(**{**given, name: wrong})
                except metalaudio.Error as error:
                    if "\n" in str(error):
                        raw.append(f"{described.__qualname__}({name}={wrong!r}): {error}")
                except Exception as error:
                    if wrong is type or callable(wrong) and not isinstance(error, TypeError):
                        continue  # what a caller's own function raises is the caller's
                    raw.append(f"{described.__qualname__}({name}={wrong!r}): {type(error).__name__}: {error}"[:300])
    assert not raw, "\n".join(raw)
    public = {name for name in metalaudio.__all__ if callable(getattr(metalaudio, name))
              and not (inspect.isclass(getattr(metalaudio, name)) and issubclass(getattr(metalaudio, name), (Exception, tuple)))}
    assert public - {"Model", "Graph"} <= tried


@pytest.mark.parametrize("name", ["precision", "shifts", "overlap", "split", "jobs", "progress", "seed", "device"])
def test_none_is_the_default_of_a_separator(tiny, name):
    wav = noise(2, 9000)
    plain = metalaudio.Separator(tiny, jobs=1).separate_tensor(wav)[1]
    with_none = metalaudio.Separator(tiny, **{"jobs": 1, name: None}).separate_tensor(wav)[1]
    assert all(np.array_equal(plain[stem], with_none[stem]) for stem in plain)


@pytest.mark.parametrize("name, wrong, text", [
    ("precision", 16, "precision 16: expected a text"), ("shifts", 1.5, "shifts 1.5: expected a whole number of 0 or more"),
    ("split", "no", "split 'no': expected True or False"), ("overlap", "half", "overlap 'half': expected a number"),
    ("stems", "vocals", "stems 'vocals': expected a list of names"), ("stems", [1], "stems 1: expected a text"),
    ("two_stems", ["vocals"], "two_stems \\['vocals'\\]: expected a text"), ("model", 5, "model 5: expected a path"),
    ("callback_arg", [1], "callback_arg \\[1\\]: expected a dict"), ("seed", 2**64, "seed .*: expected at most 184467"),
])
def test_errors_name_the_argument_and_what_it_takes(tiny, name, wrong, text):
    with pytest.raises(metalaudio.InvalidArgumentError, match=r"\[Separator\] " + text):
        metalaudio.Separator(**{"model": tiny, name: wrong})


def test_paths_need_not_be_utf_8(tiny, tmp_path):
    path = bytes(tmp_path) + b"/M\xe4rz"
    metalaudio.save_audio(noise(2, 9000), path + b".wav", samplerate=8000)
    separator = metalaudio.Separator(tiny, shifts=0, jobs=1)
    for file in (path + b".wav", os.fsdecode(path + b".wav")):
        assert separator.separate_audio_file(file)[1]["bass"].shape == (2, 9000)
    shutil.copy(tiny, path + b".safetensors")
    assert metalaudio.Separator(path + b".safetensors", jobs=1).model.name == os.fsdecode(b"M\xe4rz")
    with pytest.raises(metalaudio.LoadAudioError, match=r"M\\xe4rz.flac"):
        separator.separate_audio_file(path + b".flac")
    (tmp_path / "model.onnx").write_bytes(MODEL)
    os.rename(tmp_path / "model.onnx", path + b".onnx")
    # The bytes of a model are its content.
    assert [port.name for port in metalaudio.GraphInference(os.fsdecode(path + b".onnx")).inputs] == ["x"]
    assert [port.name for port in metalaudio.GraphInference(MODEL).inputs] == ["x"]
