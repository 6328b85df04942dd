"""Beside demucs 4.1 from PyPI: the same names, lengths and samples, and its own examples."""

import inspect
from pathlib import Path

import demucs.api
import numpy as np
import pytest
import soundfile
import torch
from demucs.htdemucs import HTDemucs

import metalaudio

SIGNATURE = "5eed0001"


@pytest.fixture(scope="module")
def repo(tmp_path_factory) -> Path:
    """A folder with a seeded checkpoint, made and saved by upstream."""
    folder = tmp_path_factory.mktemp("repo")
    torch.manual_seed(7)
    model = HTDemucs(["drums", "bass", "other", "vocals"], channels=16, nfft=1024, depth=3, bottom_channels=0,
                     t_layers=2, t_heads=2, segment=2.0, samplerate=16000)
    arguments, keywords = model._init_args_kwargs
    torch.save({"klass": HTDemucs, "args": arguments, "kwargs": keywords, "state": model.state_dict()}, folder / f"{SIGNATURE}.th")
    (folder / "mine.yaml").write_text(f"models: ['{SIGNATURE}']\n")
    return folder


@pytest.fixture(scope="module")
def song(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("song") / "song.wav"
    rng = np.random.default_rng(3)
    soundfile.write(path, rng.standard_normal((5 * 16000 + 17, 2)) * 0.2, 16000, subtype="FLOAT")
    return path


def snr_db(reference, got):
    reference = np.asarray(reference, np.float64)
    return 10 * np.log10((reference**2).sum() / max(((reference - got) ** 2).sum(), 1e-300))


@pytest.mark.parametrize("parameters", [
    {"shifts": 0}, {"shifts": 0, "overlap": 0.5}, {"shifts": 0, "segment": 1}, {"shifts": 0, "model": "mine"},
])
def test_the_same_stems(repo, song, parameters):
    parameters = {"model": SIGNATURE, "repo": repo, "device": "cpu", **parameters}
    mix, theirs = demucs.api.Separator(**parameters).separate_audio_file(song)
    origin, ours = metalaudio.Separator(**parameters).separate_audio_file(song)
    assert list(ours) == list(theirs)
    assert np.array_equal(origin, mix.numpy())
    for name, stem in theirs.items():
        assert ours[name].shape == tuple(stem.shape)
        assert snr_db(stem.numpy(), ours[name]) >= 120, name


def test_the_same_callbacks_and_conversions(repo, song):
    calls = {demucs.api: [], metalaudio: []}
    results = {}
    wav = torch.from_numpy(soundfile.read(song, dtype="float32")[0].T)[:1, :20000]
    for api, seen in calls.items():
        separator = api.Separator(SIGNATURE, repo=repo, device="cpu", shifts=2, callback=seen.append,
                                  callback_arg={"mine": 1})
        results[api] = separator.separate_tensor(wav, 8000)
    keys = ("model_idx_in_bag", "shift_idx", "segment_offset", "state", "audio_length", "models", "mine")

    def order(call):
        return tuple(str(call[key]) for key in keys)

    # Upstream runs one shift after the other; here they advance together. What is told is the same.
    assert sorted(map(order, calls[demucs.api])) == sorted(map(order, calls[metalaudio]))
    origin = results[demucs.api][0].numpy()
    assert results[metalaudio][0].shape == origin.shape
    # julius and soxr differ in the last tenth below half the rate, where white noise has a part.
    assert snr_db(origin, results[metalaudio][0]) > 20


def test_properties_models_and_files(repo, song, tmp_path):
    theirs = demucs.api.Separator(SIGNATURE, repo=repo, device="cpu")
    ours = metalaudio.Separator(SIGNATURE, repo=repo, device="cpu")
    assert (ours.samplerate, ours.audio_channels) == (theirs.samplerate, theirs.audio_channels)
    assert ours.model.sources == list(theirs.model.sources)
    listed = demucs.api.list_models(repo)
    assert metalaudio.list_models(repo) == {kind: sorted(map(str, names)) for kind, names in listed.items()}
    wav = torch.from_numpy(soundfile.read(song, dtype="float32")[0].T) * 4
    for name, options in {"a.wav": {}, "b.wav": {"as_float": True}, "c.wav": {"bits_per_sample": 24, "clip": "clamp"},
                          "d.wav": {"clip": "tanh"}}.items():
        demucs.api.save_audio(wav, tmp_path / ("their_" + name), 16000, **options)
        metalaudio.save_audio(wav, tmp_path / ("our_" + name), 16000, **options)
        expected = soundfile.read(tmp_path / ("their_" + name))[0]
        got = soundfile.read(tmp_path / ("our_" + name))[0]
        assert got.shape == expected.shape and np.abs(got - expected).max() <= 2**-15


def test_signatures_begin_with_those_of_upstream():
    for name in ("__init__", "update_parameter", "separate_tensor", "separate_audio_file"):
        theirs = list(inspect.signature(getattr(demucs.api.Separator, name)).parameters)
        ours = list(inspect.signature(getattr(metalaudio.Separator, name)).parameters)
        assert ours[: len(theirs)] == theirs
    theirs = inspect.signature(demucs.api.save_audio).parameters
    ours = inspect.signature(metalaudio.save_audio).parameters
    assert {name: p.default for name, p in ours.items()} == {name: p.default for name, p in theirs.items()}


def test_upstreams_own_program_runs_with_its_import_changed(repo, song, tmp_path, monkeypatch):
    """The end of demucs/api.py, which is how upstream shows the use of its names."""
    text = inspect.getsource(demucs.api)
    program = text[text.index('if __name__ == "__main__":') :]
    program = program.replace("from .separate import get_parser", "from demucs.separate import get_parser")
    program = "from pathlib import Path\nfrom metalaudio.api import Separator, list_models, save_audio\n" + program
    monkeypatch.setattr("sys.argv", ["api", "-n", SIGNATURE, "--repo", str(repo), "-d", "cpu", "--shifts", "0", "-o",
                                     str(tmp_path), str(song)])
    exec(compile(program, "api.py", "exec"), {"__name__": "__main__"})
    written = sorted(path.name for path in (tmp_path / SIGNATURE / "song").iterdir())
    assert written == ["bass.wav", "drums.wav", "other.wav", "vocals.wav"]


EXAMPLES = """
import demucs.api
separator = demucs.api.Separator(model="MODEL", repo=REPO)
separator = demucs.api.Separator("MODEL", repo=REPO, segment=1)
origin, separated = separator.separate_audio_file("FILE")
origin, separated = separator.separate_tensor(origin, separator.samplerate)
separator.update_parameter(segment=1)
for stem, source in separated.items():
    demucs.api.save_audio(source, f"{stem}.wav", samplerate=separator.samplerate)
"""


@pytest.mark.parametrize("package", ["demucs.api", "metalaudio.api"])
def test_the_calls_of_upstreams_guide(package, repo, song, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    program = EXAMPLES.replace("demucs.api", package).replace("MODEL", SIGNATURE).replace("FILE", str(song))
    exec(program.replace("REPO", f"__import__('pathlib').Path({str(repo)!r})"), {})
    assert len(list(tmp_path.glob("*.wav"))) == 4
