"""Separator has the names and results of demucs.api, and what that lacks."""

import io
import contextlib
import pickle

import numpy as np
import pytest
import soundfile

import metalaudio
from conftest import noise


def test_results_have_the_shapes_of_demucs(separator):
    wav = noise(2, 30000)
    origin, stems = separator.separate_tensor(wav)
    assert origin is wav
    assert list(stems) == ["drums", "bass", "other", "vocals"]
    assert all(stem.shape == wav.shape and stem.dtype == np.float32 for stem in stems.values())
    assert separator.samplerate == 8000 and separator.audio_channels == 2
    model = separator.model
    assert (model.sources, model.samplerate, model.audio_channels, model.models) == (list(stems), 8000, 2, 1)


def test_the_model_that_ships_is_in_the_package(monkeypatch, tmp_path):
    for name in ("METALAUDIO_MODEL_DIR", "XDG_DATA_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    separator = metalaudio.Separator()
    assert separator.model.name == "demo_6s" and len(separator.model.sources) == 6
    assert "demo_6s" in metalaudio.list_models()["single"]
    assert "htdemucs_ft" in metalaudio.list_models()["bag"]


def test_a_model_that_is_not_there_says_how_to_get_it(monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path))
    with pytest.raises(metalaudio.LoadModelError, match="metalaudio models get htdemucs_ft") as caught:
        metalaudio.Separator("htdemucs_ft")
    assert caught.value.code == "not_found"
    with pytest.raises(metalaudio.LoadModelError, match="not a folder"):
        metalaudio.Separator("htdemucs", repo=tmp_path / "none")


def test_every_segment_calls_back_as_demucs_does_and_with_a_true_fraction(tiny):
    calls = []
    separator = metalaudio.Separator(tiny, shifts=2, callback=calls.append, callback_arg={"mine": 1, "state": "hidden"})
    wav = noise(2, 60000)
    separator.separate_tensor(wav)
    assert set(calls[0]) == {"mine", "model_idx_in_bag", "shift_idx", "segment_offset", "state", "audio_length",
                             "models", "fraction"}
    assert [call["state"] for call in calls] == ["start", "end"] * (len(calls) // 2)
    assert {call["shift_idx"] for call in calls} == {0, 1}
    assert all(call["mine"] == 1 and call["audio_length"] == 60000 and call["models"] == 1 for call in calls)
    fractions = [call["fraction"] for call in calls]
    assert fractions == sorted(fractions) and fractions[0] == 0 and fractions[-1] == 1
    offsets = [call["segment_offset"] for call in calls if call["state"] == "start" and call["shift_idx"] == 0]
    steps = np.diff(offsets)
    assert offsets[0] == 0 and (steps == steps[0]).all()


@pytest.mark.parametrize("kind", [KeyboardInterrupt, RuntimeError])
def test_what_a_callback_raises_ends_the_separation(tiny, kind):
    calls = []

    def stop(info):
        calls.append(info)
        raise kind("enough")

    separator = metalaudio.Separator(tiny, callback=stop)
    with pytest.raises(kind):
        separator.separate_tensor(noise(2, 60000))
    assert len(calls) == 1
    separator.update_parameter(callback=None)
    separator.separate_tensor(noise(2, 9000))


def test_update_parameter_changes_only_what_is_given(tiny):
    separator = metalaudio.Separator(tiny, shifts=0)
    wav = noise(2, 50000)
    whole = separator.separate_tensor(wav)[1]
    separator.update_parameter(segment=0.3)
    assert not np.array_equal(separator.separate_tensor(wav)[1]["bass"], whole["bass"])
    separator.update_parameter(segment=None, jobs=1)
    again = separator.separate_tensor(wav)[1]
    assert all(np.array_equal(again[name], whole[name]) for name in whole)  # threads change nothing
    separator.update_parameter(overlap=0.5)
    assert not np.array_equal(separator.separate_tensor(wav)[1]["bass"], whole["bass"])


def test_stems_and_two_stems_choose(tiny, separator):
    wav = noise(2, 30000)
    whole = separator.separate_tensor(wav)[1]
    some = metalaudio.Separator(tiny, shifts=0, stems=["vocals", "bass"]).separate_tensor(wav)[1]
    assert list(some) == ["bass", "vocals"]  # the model's order
    assert all(np.array_equal(some[name], whole[name]) for name in some)
    two = metalaudio.Separator(tiny, shifts=0, two_stems="drums").separate_tensor(wav)[1]
    assert list(two) == ["drums", "no_drums"]
    assert np.array_equal(two["drums"], whole["drums"])
    rest = whole["bass"] + whole["other"] + whole["vocals"]
    np.testing.assert_allclose(two["no_drums"], rest, atol=1e-5)  # the order of three additions in float32
    with pytest.raises(metalaudio.InvalidArgumentError, match="drums, bass, other, vocals"):
        metalaudio.Separator(tiny, stems=["voice"])
    with pytest.raises(ValueError, match="one of the two"):
        metalaudio.Separator(tiny, stems=["bass"], two_stems="bass")
    with pytest.raises(ValueError, match="a list of names"):
        metalaudio.Separator(tiny, stems="bass")


def test_stems_go_into_arrays_of_the_caller(separator):
    wav = noise(2, 20000)
    expected = separator.separate_tensor(wav)[1]
    block = np.full((4, 2, 20000), np.nan, np.float32)
    stems = separator.separate_tensor(wav, out=block)[1]
    assert all(np.shares_memory(stem, block) for stem in stems.values())
    assert all(np.array_equal(stems[name], expected[name]) for name in stems)
    large = np.zeros((8, 30000), np.float32)
    named = {name: large[2 * i : 2 * i + 2, 100:20100] for i, name in enumerate(expected)}
    separator.separate_tensor(wav, out=named)
    assert all(np.array_equal(named[name], expected[name]) for name in named)
    assert not large[:, :100].any() and not large[:, 20100:].any()
    read_only = np.zeros((4, 2, 20000), np.float32)
    read_only.flags.writeable = False
    same = np.zeros((2, 20000), np.float32)
    for wrong in (np.zeros((4, 2, 19999), np.float32), np.zeros((4, 2, 20000)), read_only,
                  {"drums": np.zeros((2, 20000), np.float32)}, dict.fromkeys(expected, same),
                  {name: wav for name in expected}):
        with pytest.raises(ValueError):
            separator.separate_tensor(wav, out=wrong)


def test_a_stream_gives_the_same_samples_in_order(separator, tmp_path):
    wav = noise(2, 70000)
    soundfile.write(tmp_path / "a.wav", wav.T, 8000, subtype="FLOAT")
    expected = separator.separate_audio_file(tmp_path / "a.wav")[1]
    for source in (tmp_path / "a.wav", wav):
        at = 0
        for start, block in separator.stream(source):
            frames = block["bass"].shape[1]
            assert start == at and list(block) == list(expected)
            assert all(np.array_equal(block[name], expected[name][:, at : at + frames]) for name in block)
            at += frames
        assert at == 70000


def test_files_are_brought_to_the_model_and_back(separator, tmp_path):
    mono = noise(1, 44100)
    for name in ("a.wav", "a.flac", "a.ogg", "a.mp3"):
        soundfile.write(tmp_path / name, mono.T, 44100)
        origin, stems = separator.separate_audio_file(str(tmp_path / name))
        assert origin.shape == (2, 8000) and np.array_equal(origin[0], origin[1])
        assert stems["bass"].shape == (2, 8000)
    origin, _ = separator.separate_tensor(mono, sr=44100)
    file_origin, _ = separator.separate_audio_file(tmp_path / "a.wav")
    np.testing.assert_allclose(origin, file_origin, atol=2**-14)  # the file has 16 bits


def test_what_no_library_here_reads_says_which_program_can(separator, tmp_path):
    (tmp_path / "a.m4a").write_bytes(b"\0\0\0\x20ftypM4A \0\0\0\0M4A mp42isom" + bytes(5000))
    with pytest.raises(metalaudio.LoadAudioError, match="ffmpeg -i .*a.m4a") as caught:
        separator.separate_audio_file(tmp_path / "a.m4a")
    assert caught.value.code == "invalid_data"
    with pytest.raises(metalaudio.LoadAudioError, match="no such file") as caught:
        separator.separate_audio_file(tmp_path / "none.wav")
    assert caught.value.code == "not_found"


def test_saved_files_hold_what_soundfile_reads(tmp_path):
    wav = noise(2, 5000)
    metalaudio.save_audio(wav, tmp_path / "a.wav", samplerate=44100)
    read, rate = soundfile.read(tmp_path / "a.wav", dtype="float32")
    assert rate == 44100 and np.abs(read.T - wav).max() < 1.01 * 2**-15 + 2**-15
    metalaudio.save_audio(wav, tmp_path / "f.wav", samplerate=48000, as_float=True)
    assert np.array_equal(soundfile.read(tmp_path / "f.wav", dtype="float32")[0].T, wav)
    metalaudio.save_audio(4 * wav, tmp_path / "loud.wav", samplerate=48000, as_float=True)
    loud = soundfile.read(tmp_path / "loud.wav", dtype="float32")[0].T
    np.testing.assert_allclose(loud, 4 * wav / (1.01 * np.abs(4 * wav).max()), rtol=1e-6, atol=1e-9)
    metalaudio.save_audio(4 * wav, tmp_path / "c.flac", 44100, clip="clamp", bits_per_sample=24)
    assert np.abs(soundfile.read(tmp_path / "c.flac")[0]).max() <= 0.99
    metalaudio.save_audio(4 * wav, tmp_path / "t.wav", 44100, clip="tanh", as_float=True)
    np.testing.assert_allclose(soundfile.read(tmp_path / "t.wav")[0].T, np.tanh(4 * wav), atol=1e-6)
    metalaudio.save_audio(wav, tmp_path / "a.mp3", 44100, bitrate=128)
    assert soundfile.info(tmp_path / "a.mp3").frames == 5000
    for arguments in ({"path": tmp_path / "a.aac"}, {"clip": "loud"}, {"bits_per_sample": 8}):
        with pytest.raises(ValueError):
            metalaudio.save_audio(**{"wav": wav, "path": tmp_path / "x.wav", "samplerate": 44100, **arguments})
    with pytest.raises(metalaudio.Error, match="needs FFmpeg"):  # as a wheel has none
        metalaudio.save_audio(wav, tmp_path / "a.opus", 48000)
    with pytest.raises(metalaudio.Error) as caught:
        metalaudio.save_audio(wav, tmp_path / "none" / "a.wav", 44100)
    assert caught.value.code == "io"


def test_devices_and_precisions(tiny):
    assert metalaudio.Separator(tiny, device=None).device == "cpu"
    separator = metalaudio.Separator(tiny, device="auto", precision="auto")
    assert separator.device == "cpu" or separator.device.startswith("cuda:0 (")
    for device in ["cuda:97", "cuda:98,cuda:99"]:  # of no machine of ours
        with pytest.raises(metalaudio.Error, match=f"device {device}: ") as caught:
            metalaudio.Separator(tiny, device=device)
        assert caught.value.code == "backend_unavailable"
        with pytest.raises(metalaudio.Error, match=f"device {device}: "):
            separator.update_parameter(device=device, shifts=3)
    for device in ["gramophone", "", "cuda:", "cuda:0,cuda:0", 7]:
        with pytest.raises(ValueError, match="device"):
            metalaudio.Separator(tiny, device=device)
    # What was refused has changed nothing.
    assert separator.separate_tensor(noise(2, 5000))[1]["bass"].shape == (2, 5000)
    with pytest.raises(ValueError, match="fp32, tf32, fp16, bf16, auto"):
        metalaudio.Separator(tiny, precision="int4")
    wav = noise(2, 20000)
    full = metalaudio.Separator(tiny, shifts=0).separate_tensor(wav)[1]["bass"]
    half = metalaudio.Separator(tiny, shifts=0, precision="bf16").separate_tensor(wav)[1]["bass"]
    assert not np.array_equal(full, half)


def test_progress_is_a_line_on_standard_error(tiny):
    text = io.StringIO()
    with contextlib.redirect_stderr(text):
        metalaudio.Separator(tiny, progress=True).separate_tensor(noise(2, 30000))
    assert "100.0 %" in text.getvalue()


def test_a_separator_is_pickled_by_what_it_was_made_of(separator):
    wav = noise(2, 9000)
    other = pickle.loads(pickle.dumps(separator))
    assert np.array_equal(other.separate_tensor(wav)[1]["bass"], separator.separate_tensor(wav)[1]["bass"])
    error = pickle.loads(pickle.dumps(metalaudio.NotFoundError("[x] y", "not_found")))
    assert (type(error), str(error), error.code) == (metalaudio.NotFoundError, "[x] y", "not_found")


@pytest.mark.parametrize("parameter", [
    {"shifts": -1}, {"overlap": 1.5}, {"overlap": float("nan")}, {"segment": 0}, {"segment": -3}, {"segment": 1e9},
    {"split": False}, {"shifts": "two"}, {"segment": [1]}, {"seed": -1},
])
def test_parameters_out_of_range_are_refused(tiny, parameter):
    with pytest.raises(metalaudio.InvalidArgumentError):
        metalaudio.Separator(tiny, **parameter).separate_tensor(noise(2, 9000))
    with pytest.raises(ValueError):
        metalaudio.Separator(tiny, jobs=-1)
    with pytest.raises(ValueError):
        metalaudio.Separator(tiny, callback=3)
