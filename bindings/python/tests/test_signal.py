"""The functions for signals, against scipy and librosa."""

import librosa
import numpy as np
import pytest
import scipy.signal
import soxr

import metalaudio
from conftest import noise

# Of the peak: sums of a few thousand float32 products.
FLOAT = 2e-6


def close(got, expected, bound=FLOAT):
    assert got.shape == expected.shape
    peak = np.abs(expected).max() if expected.size else 0
    assert np.abs(got - expected).max(initial=0) <= bound * max(peak, 1e-30)


@pytest.mark.parametrize("parameters", [
    {}, {"n_fft": 512}, {"n_fft": 400, "hop_length": 160}, {"n_fft": 1024, "win_length": 600},
    {"n_fft": 511, "hop_length": 100}, {"center": False}, {"pad_mode": "reflect"}, {"pad_mode": "edge"},
    {"window": "hamming"}, {"window": "boxcar"}, {"window": ("kaiser", 6.0)},
    {"window": "blackmanharris"}, {"n_fft": 64, "window": np.hanning(64)}, {"window": scipy.signal.windows.nuttall},
])
def test_stft_is_librosas(parameters):
    y = noise(9000)
    close(metalaudio.stft(y, **parameters), librosa.stft(y, **parameters))


@pytest.mark.parametrize("parameters", [
    {}, {"hop_length": 300}, {"win_length": 1500}, {"center": False}, {"length": 9000}, {"length": 5000},
    {"length": 12000}, {"window": "hamming"},
])
def test_istft_is_librosas(parameters):
    spectra = librosa.stft(noise(9000), **{k: v for k, v in parameters.items() if k != "length"})
    got, expected = metalaudio.istft(spectra, **parameters), librosa.istft(spectra, **parameters)
    # Where the windows' squares fade out, both divide rounding errors by next to nothing.
    steps = {"hop_length": parameters.get("hop_length"), "win_length": parameters.get("win_length", 2048)}
    covered = librosa.filters.window_sumsquare(
        window=parameters.get("window", "hann"), n_frames=spectra.shape[1], n_fft=2048,
        hop_length=steps["hop_length"] or steps["win_length"] // 4, win_length=steps["win_length"],
    )[1024 if parameters.get("center", True) else 0 :][: got.size]
    covered = np.minimum(1, np.pad(covered, (0, got.size - covered.size)))
    close(got * covered, expected * covered)
    assert got.shape == expected.shape


def test_stft_takes_paddings_that_librosa_does_not():
    y = noise(5000)
    padded = np.pad(y, 1024, mode="wrap")
    close(metalaudio.stft(y, pad_mode="wrap"), librosa.stft(padded, center=False))


def test_transforms_take_several_channels_and_arrays_of_the_caller():
    y = noise(2, 3, 5000)
    spectra = metalaudio.stft(y, n_fft=256)
    assert spectra.dtype == np.complex64
    close(spectra, librosa.stft(y, n_fft=256))
    close(metalaudio.istft(spectra, n_fft=256, length=5000), y)
    out = np.empty((40, 129), np.complex64).T
    got = metalaudio.stft(y[0, 0], n_fft=256, hop_length=128, out=out)
    assert got.shape == out.shape and np.shares_memory(got, out)
    assert metalaudio.stft(y, n_fft=256, dtype=np.complex128).dtype == np.complex128


@pytest.mark.parametrize("rates", [(44100, 48000), (48000, 44100), (44100, 16000), (8000, 8000), (22050.5, 44101)])
def test_resample_is_librosas_with_soxr_vhq(rates):
    y = noise(2, 10001)
    got = metalaudio.resample(y, orig_sr=rates[0], target_sr=rates[1])
    expected = librosa.resample(y, orig_sr=rates[0], target_sr=rates[1], res_type="soxr_vhq")
    assert got.shape == expected.shape
    close(got[:, :-1], expected[:, :-1])  # librosa rounds down and puts a zero there
    scaled = metalaudio.resample(y, orig_sr=rates[0], target_sr=rates[1], scale=True)
    np.testing.assert_allclose(scaled, got / np.sqrt(rates[1] / rates[0]), rtol=1e-6)
    assert np.array_equal(metalaudio.resample(y.T, orig_sr=rates[0], target_sr=rates[1], axis=0).T, got)
    default = soxr.resample(y.T, rates[0], rates[1], "HQ").T
    inner = slice(200, min(default.shape[1], got.shape[1]) - 200)
    # HQ and VHQ differ above 91 % of the lower Nyquist frequency, of white noise.
    assert np.abs(got[:, inner] - default[:, inner]).max() < 0.2 * np.abs(default).max()


@pytest.mark.parametrize("order", [1, 2, 3, 5, 8])
@pytest.mark.parametrize("kind, edges", [("low", 1000), ("highpass", 80), ("bandpass", [300, 3000])])
def test_butter_is_scipys(order, kind, edges):
    ours = metalaudio.butter(order, edges, kind, fs=48000, output="sos")
    theirs = scipy.signal.butter(order, edges, kind, fs=48000, output="sos")
    f = np.geomspace(20, 23000, 200)
    a = scipy.signal.sosfreqz(ours, f, fs=48000)[1]
    b = scipy.signal.sosfreqz(theirs, f, fs=48000)[1]
    # Far in the stop band the response is a difference of numbers near 1.
    assert np.abs(a - b).max() < 1e-9
    x = noise(5000)
    close(metalaudio.sosfilt(ours, x), scipy.signal.sosfilt(theirs, x))
    if order <= 3:  # beyond, polynomials themselves lose the filter
        taps = scipy.signal.butter(order, edges, kind, fs=48000)
        for ours, theirs in zip(metalaudio.butter(order, edges, kind, fs=48000), taps):
            np.testing.assert_allclose(ours, theirs, rtol=1e-6, atol=1e-12)
        z, p, k = metalaudio.butter(order, edges, kind, fs=48000, output="zpk")
        gain = scipy.signal.butter(order, edges, kind, fs=48000, output="zpk")[2]
        assert len(p) == len(z) and k == pytest.approx(gain, rel=1e-9)


def test_wn_counts_from_half_the_rate_without_one():
    assert np.allclose(metalaudio.butter(2, 0.25, output="sos"), metalaudio.butter(2, 1000, fs=8000, output="sos"))


@pytest.mark.parametrize("dtype, bound", [(np.float32, FLOAT), (np.float64, 1e-14), (np.float16, FLOAT), (int, 1e-14)])
@pytest.mark.parametrize("shape, axis", [((3000,), -1), ((2, 3000), -1), ((3000, 3), 0), ((2, 400, 3), 1)])
def test_sosfilt_is_scipys(dtype, bound, shape, axis):
    sos = scipy.signal.butter(4, [200, 4000], "bandpass", fs=48000, output="sos")
    x = (noise(*shape) * 100).astype(dtype)
    got = metalaudio.sosfilt(sos, x, axis=axis)
    assert got.dtype == (np.float32 if np.dtype(dtype).kind == "f" and np.dtype(dtype).itemsize < 8 else np.float64)
    close(got, scipy.signal.sosfilt(sos, x.astype(np.float64), axis=axis), bound)


@pytest.mark.parametrize("shape, axis", [((3000,), -1), ((2, 3000), 1), ((3000, 3), 0), ((2, 400, 3), 1)])
def test_sosfilt_goes_on_from_a_state(shape, axis):
    sos = scipy.signal.butter(4, [200, 4000], "bandpass", fs=48000, output="sos")
    x = noise(*shape).astype(np.float64)
    zi_shape = list(shape)
    zi_shape[axis] = 2
    zi = noise(sos.shape[0], *zi_shape).astype(np.float64)
    before = zi.copy()
    got, state = metalaudio.sosfilt(sos, x, axis=axis, zi=zi)
    expected, expected_state = scipy.signal.sosfilt(sos, x, axis=axis, zi=zi)
    close(got, expected, 1e-13)
    close(state, expected_state, 1e-12)
    assert np.array_equal(zi, before)


@pytest.mark.parametrize("mode", ["full", "same", "valid"])
@pytest.mark.parametrize("sizes", [(1, 1), (7, 3), (3, 7), (1000, 1000), (50000, 700), (700, 50000)])
@pytest.mark.parametrize("dtype, bound", [(np.float32, 5e-6), (np.float64, 1e-12)])
def test_fftconvolve_is_scipys(mode, sizes, dtype, bound):
    a, b = noise(sizes[0]).astype(dtype), noise(sizes[1], seed=1).astype(dtype)
    got = metalaudio.fftconvolve(a, b, mode)
    assert got.dtype == dtype
    close(got, scipy.signal.fftconvolve(a.astype(np.float64), b.astype(np.float64), mode), bound)


def test_fftconvolve_along_one_axis():
    a, b = noise(2, 900, 3), noise(1, 40, 3, seed=1)
    close(metalaudio.fftconvolve(a, b, axes=1), scipy.signal.fftconvolve(a, b, axes=1), 5e-6)
    with pytest.raises(metalaudio.UnsupportedError, match="name one"):
        metalaudio.fftconvolve(a, b)


def test_what_is_wrong_is_said():
    y = noise(3000)
    bad = y.copy()
    bad[7] = np.nan
    wrong = [
        lambda: metalaudio.stft(y, n_fft=0), lambda: metalaudio.stft(y, hop_length=0),
        lambda: metalaudio.stft(y, win_length=4096), lambda: metalaudio.stft(y, window="box"),
        lambda: metalaudio.stft(y, window=np.ones(5)), lambda: metalaudio.stft(y[:100], center=False),
        lambda: metalaudio.stft(np.zeros(0, np.float32)), lambda: metalaudio.stft(bad),
        lambda: metalaudio.stft(y, pad_mode="reflect", n_fft=8192), lambda: metalaudio.istft(y),
        lambda: metalaudio.istft(np.zeros((5, 0), np.complex64)), lambda: metalaudio.istft(np.zeros((5, 3), np.complex64), n_fft=64),
        lambda: metalaudio.resample(y, orig_sr=0, target_sr=1), lambda: metalaudio.resample(bad, orig_sr=1, target_sr=2),
        lambda: metalaudio.resample(y, orig_sr=np.nan, target_sr=1), lambda: metalaudio.resample(y[:0], orig_sr=1, target_sr=2),
        lambda: metalaudio.butter(0, 0.5), lambda: metalaudio.butter(2, 1.5), lambda: metalaudio.butter(2, [0.1, 0.2]),
        lambda: metalaudio.butter(2, 0.5, output="tf"), lambda: metalaudio.sosfilt(np.ones((2, 5)), y),
        lambda: metalaudio.sosfilt([[1, 0, 0, 2, 0, 0]], y), lambda: metalaudio.sosfilt([[1, 0, 0, 1, 0, 0]], y, axis=2),
        lambda: metalaudio.sosfilt([[1, 0, 0, 1, -2, 1]], y), lambda: metalaudio.sosfilt([[1, 0, 0, 1, 0, 0]], bad),
        lambda: metalaudio.sosfilt([[1, 0, 0, 1, 0, 0]], y, zi=np.zeros(3)),
        lambda: metalaudio.fftconvolve(y, bad), lambda: metalaudio.fftconvolve(y, y, "half"),
        lambda: metalaudio.fftconvolve(y, y[None]), lambda: metalaudio.fftconvolve(y * 1j, y),
    ]
    for call in wrong:
        with pytest.raises(metalaudio.Error, match=r"^\[\w+\] ") as caught:
            call()
        assert caught.value.code in ("invalid_argument", "invalid_data", "unsupported")
    for call in (lambda: metalaudio.butter(2, [0.1, 0.2], "bandstop"), lambda: metalaudio.butter(2, 1, analog=True),
                 lambda: metalaudio.resample(y, orig_sr=1, target_sr=2, res_type="kaiser_best")):
        with pytest.raises(metalaudio.UnsupportedError):
            call()
