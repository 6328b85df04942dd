"""Stateful processors: in blocks they give what the whole gives."""

import librosa
import numpy as np
import pytest
import scipy.linalg
import scipy.signal

import metalaudio
from conftest import noise

BLOCKS = (1, 63, 512, 7, 2417)


def in_blocks(process, x):
    pieces, at = [], 0
    for size in BLOCKS:
        pieces.append(process(x[..., at : at + size]))
        at += size
    return np.concatenate(pieces, axis=-1)


def test_convolution_streams():
    x, ir = noise(3000), noise(900, seed=1)
    convolution = metalaudio.Convolution(ir)
    expected = scipy.signal.fftconvolve(x.astype(np.float64), ir)[:3000]
    got = in_blocks(convolution.process, x)
    assert got.dtype == np.float32 and np.abs(got - expected).max() < 5e-6 * np.abs(expected).max()
    assert np.array_equal(convolution.process(x, reset=True), got)
    assert not np.array_equal(convolution.process(x), got)  # what rang is still there
    assert convolution.latency_samples == 0


def test_convolution_of_several_channels():
    x = noise(2, 1000)
    true_stereo = noise(4, 300, seed=2)
    got = metalaudio.Convolution(true_stereo, inputs=2).process(x)
    expected = [sum(np.convolve(x[i], true_stereo[2 * i + o])[:1000] for i in range(2)) for o in range(2)]
    np.testing.assert_allclose(got, expected, atol=2e-5 * np.abs(expected).max())
    wide = metalaudio.Convolution(true_stereo, inputs=1, outputs=4).process(x[0])
    assert wide.shape == (4, 1000)
    convolution = metalaudio.Convolution(np.array([1, 0], np.float32), crossfade=64)
    convolution.process(x[0])
    convolution.swap(np.array([0, 2], np.float32))
    convolution.process(x[0])
    np.testing.assert_allclose(convolution.process(x[0])[1:], 2 * x[0, :-1], atol=1e-6)
    with pytest.raises(ValueError):
        metalaudio.Convolution(true_stereo[:3], inputs=2)
    with pytest.raises(ValueError):
        metalaudio.Convolution(np.zeros(0, np.float32))


def test_biquads_stream_in_place_too():
    sos = metalaudio.butter(4, 1000, fs=48000, output="sos")
    x = noise(2, 3000)
    cascade = metalaudio.BiquadCascade(sos, channels=2)
    expected = scipy.signal.sosfilt(sos, x.astype(np.float64))
    got = in_blocks(cascade.process, x)
    assert np.abs(got - expected).max() < 2e-7 * max(1, np.abs(expected).max())
    y = x.copy()
    assert cascade.process(y, reset=True, out=y) is y
    assert np.array_equal(y, got)
    cascade.set_sos(metalaudio.butter(4, 5000, fs=48000, output="sos"))
    cascade.process(x)
    with pytest.raises(ValueError, match="1 sections: expected 2"):
        cascade.set_sos(metalaudio.butter(2, 5000, fs=48000, output="sos"))


def test_filter_banks():
    x = noise(3000)
    bank = metalaudio.FilterBank.crossover([500, 3000], fs=48000)
    got = in_blocks(bank.process, x)
    assert got.shape == (3, 3000)
    for band, sos in zip(got, bank.bands):
        np.testing.assert_allclose(band, scipy.signal.sosfilt(sos, x), atol=1e-6)
    octaves = metalaudio.FilterBank.octaves(48000, 125, 500)
    assert len(octaves.bands) == 3 and octaves.process(x).shape == (3, 3000)
    assert len(metalaudio.FilterBank.octaves(48000, 125, 500, fraction=3).bands) >= 7
    with pytest.raises(ValueError):
        metalaudio.FilterBank([])
    with pytest.raises(ValueError):
        metalaudio.FilterBank.octaves(48000, fraction=2)


def test_stft_streams_and_comes_back():
    x = noise(3000)
    stream = metalaudio.Stft(n_fft=256, hop_length=64)
    got = in_blocks(stream.process, x)
    padded = np.concatenate([np.zeros(256 - 64, np.float32), x])
    expected = librosa.stft(padded, n_fft=256, hop_length=64, center=False)
    assert got.shape == expected.shape and np.abs(got - expected).max() < 2e-6 * np.abs(expected).max()
    back = stream.inverse(got)
    late = stream.latency_samples
    assert late == 192
    np.testing.assert_allclose(back[late:], x[: back.size - late], atol=1e-6)
    assert stream.process(x[:10], reset=True).shape == (129, 0)


def test_amps(tmp_path):
    (tmp_path / "a.nam").write_text(
        '{"version": "0.5.4", "architecture": "Linear", "sample_rate": 44100, "config": {"receptive_field": 3, '
        '"bias": false}, "weights": [0.5, 0.25, -1.0]}'
    )
    amp = metalaudio.Amp(tmp_path / "a.nam")
    x = noise(3000)
    whole = amp.process(x)
    amp.reset()
    assert np.array_equal(in_blocks(amp.process, x), whole)
    taps = np.linalg.lstsq(scipy.linalg.toeplitz(x[2:], [x[2], x[1], x[0]]), whole[2:], rcond=None)[0]
    np.testing.assert_allclose(sorted(taps), [-1.0, 0.25, 0.5], atol=1e-4)
    assert amp.samplerate == 44100 and amp.latency_samples == 0 and amp.controls == 0
    with pytest.raises(ValueError):
        amp.set_control(0, 1)
    with pytest.raises(metalaudio.Error):
        metalaudio.Amp(tmp_path / "none.nam")
    with pytest.raises(ValueError):
        metalaudio.Amp(tmp_path / "a.nam", channels=3)


@pytest.mark.parametrize("make", [
    lambda: metalaudio.Convolution(np.ones(4, np.float32)),
    lambda: metalaudio.BiquadCascade([[1, 0, 0, 1, 0, 0]]),
    lambda: metalaudio.FilterBank([[[1, 0, 0, 1, 0, 0]]]),
    lambda: metalaudio.Stft(64),
])
def test_values_that_are_not_finite_are_told(make):
    processor = make()
    for bad in (np.nan, np.inf, -np.inf):
        x = noise(500)
        x[100] = bad
        with pytest.raises(metalaudio.InvalidDataError, match="not finite") as caught:
            processor.process(x)
        assert caught.value.code == "invalid_data"
    assert np.isfinite(processor.process(noise(500), reset=True)).all()
