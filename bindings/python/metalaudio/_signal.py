"""Signal processing under the names of librosa and scipy.signal."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np

from . import _native
from ._arguments import an_axis, count, flag, real, text, whole, wrong
from ._arrays import as_array, as_real, as_rows, as_sos, counted, output
from ._errors import InvalidArgumentError, InvalidDataError, UnsupportedError

_WINDOWS = {
    "hann": "hann", "hanning": "hann", "hamming": "hamming", "blackman": "blackman", "boxcar": "boxcar",
    "rect": "boxcar", "rectangular": "boxcar", "ones": "boxcar", "blackmanharris": "blackmanharris",
    "kaiser": "kaiser",
}


def make_window(window: Any, size: int, name: str) -> np.ndarray:
    """The samples of a window: a name, ``("kaiser", beta)``, a function of the size, or the samples."""
    if size < 1:
        raise InvalidArgumentError(f"[{name}] a window of {counted(size, 'sample')}")
    if callable(window):
        window = window(size)
    beta = 0.0
    if isinstance(window, tuple) and len(window) == 2 and isinstance(window[0], str):
        window, beta = window[0], real(window[1], name, "beta")
    if isinstance(window, str):
        if window not in _WINDOWS:
            raise InvalidArgumentError(f"[{name}] window {window!r}: expected {', '.join(_WINDOWS)} or samples")
        samples = np.empty(size, np.float32)
        _native.make_window(size, _WINDOWS[window], beta, samples)
        return samples
    samples = as_real(window, name, "a window").astype(np.float32)
    if samples.shape != (size,):
        raise InvalidArgumentError(f"[{name}] a window of shape {samples.shape}: expected ({size},)")
    return samples


def _check_finite(array: np.ndarray, name: str) -> None:
    # The least and the greatest are NaN where one value is: no array of flags is made.
    if array.size and not (np.isfinite(array.min()) and np.isfinite(array.max())):
        raise InvalidDataError(f"[{name}] samples that are not finite")


def _cast(array: np.ndarray, dtype: Any, name: str) -> np.ndarray:
    if dtype is None:
        return array
    try:
        return array.astype(dtype, copy=False)
    except (TypeError, ValueError):
        raise wrong(dtype, name, "dtype", "one that numbers have") from None


def _transform(n_fft: int, hop: Any, win_length: Any, window: Any, center: bool, pad_mode: str, name: str) -> Any:
    win_length = n_fft if win_length is None else count(win_length, name, "win_length")
    if win_length > n_fft:
        raise InvalidArgumentError(f"[{name}] win_length {win_length}: at most n_fft {n_fft}")
    hop = max(1, win_length // 4) if hop is None else count(hop, name, "hop_length")
    return _native.WholeStft(n_fft, hop, make_window(window, win_length, name), center, pad_mode), hop


def stft(
    y: Any,
    *,
    n_fft: int = 2048,
    hop_length: int | None = None,
    win_length: int | None = None,
    window: Any = "hann",
    center: bool = True,
    dtype: Any = None,
    pad_mode: str = "constant",
    out: np.ndarray | None = None,
) -> np.ndarray:
    """``librosa.stft``: ``y[..., samples]`` -> ``D[..., 1 + n_fft // 2, frames]``, complex64.

    Computed in float32. ``pad_mode`` is "constant", "reflect", "edge" or one of ``numpy.pad``'s.
    """
    x = as_rows(y, "stft")
    n_fft = count(n_fft, "stft", "n_fft", 2048)
    center = flag(center, "stft", "center", True)
    pad_mode = text(pad_mode, "stft", "pad_mode", "constant")
    if center and pad_mode not in ("constant", "reflect", "edge"):
        widths = [(0, 0)] * (x.ndim - 1) + [(n_fft // 2, n_fft // 2)]
        try:
            x, center, pad_mode = np.pad(x, widths, mode=pad_mode), False, "constant"
        except ValueError as error:
            raise InvalidArgumentError(f"[stft] pad_mode {pad_mode!r}: {error}") from None
    _check_finite(x, "stft")
    transform, _ = _transform(n_fft, hop_length, win_length, window, center, pad_mode, "stft")
    frames = transform.frames(x.shape[-1])
    if frames == 0:
        raise InvalidArgumentError(f"[stft] {counted(x.shape[-1], 'sample')}: too few for frames of {n_fft}")
    shape = (*x.shape[:-1], frames, n_fft // 2 + 1)
    if out is not None:
        array = as_array(out, "stft")
        if array.ndim < 2:
            raise InvalidArgumentError(f"[stft] out of shape {array.shape}: expected {(*shape[:-2], *shape[:-3:-1])}")
        spectra = output(np.swapaxes(array, -1, -2), shape, "stft", np.complex64, (x,))
        if not spectra.flags.c_contiguous:
            raise InvalidArgumentError("[stft] the bins of a frame of out do not lie beside each other (order='F')")
    else:
        spectra = np.empty(shape, np.complex64)
    for index in np.ndindex(*x.shape[:-1]):
        transform.forward(x[index], spectra[index])
    return _cast(np.swapaxes(spectra, -1, -2), dtype, "stft")


def istft(
    stft_matrix: Any,
    *,
    hop_length: int | None = None,
    win_length: int | None = None,
    n_fft: int | None = None,
    window: Any = "hann",
    center: bool = True,
    dtype: Any = None,
    length: int | None = None,
    out: np.ndarray | None = None,
) -> np.ndarray:
    """``librosa.istft``: ``D[..., bins, frames]`` -> ``y[..., samples]``, float32."""
    matrix = as_array(stft_matrix, "istft")
    if matrix.dtype.kind not in "cf" or matrix.ndim < 2:
        raise InvalidArgumentError(f"[istft] {matrix.dtype} of shape {matrix.shape}: expected complex [..., bins, frames]")
    spectra = np.ascontiguousarray(np.swapaxes(matrix, -1, -2), dtype=np.complex64)
    frames, bins = spectra.shape[-2:]
    center = flag(center, "istft", "center", True)
    n_fft = 2 * (bins - 1) if n_fft is None else count(n_fft, "istft", "n_fft")
    if n_fft < 1 or n_fft // 2 + 1 != bins or frames == 0:
        raise InvalidArgumentError(f"[istft] {bins} bins in {frames} frames for n_fft {n_fft}")
    transform, hop = _transform(n_fft, hop_length, win_length, window, center, "constant", "istft")
    samples = n_fft + hop * (frames - 1) - (2 * (n_fft // 2) if center else 0)
    if length is not None:
        samples = count(length, "istft", "length")
    y = output(out, (*spectra.shape[:-2], samples), "istft", inputs=(spectra,))
    for index in np.ndindex(*spectra.shape[:-2]):
        transform.inverse(spectra[index], y[index])
    return _cast(y, dtype, "istft")


def resample(
    y: Any,
    *,
    orig_sr: float,
    target_sr: float,
    res_type: str = "soxr_hq",
    fix: bool = True,
    scale: bool = False,
    axis: int = -1,
    out: np.ndarray | None = None,
) -> np.ndarray:
    """``librosa.resample``: ``y[..., samples]`` at another rate, ``ceil(samples * ratio)`` of them.

    Every ``res_type`` of soxr is soxr's very high quality here; the kinds of other libraries are refused.
    """
    if text(res_type, "resample", "res_type", "soxr_hq") not in ("soxr_vhq", "soxr_hq", "soxr_mq", "soxr_lq", "soxr_qq"):
        raise UnsupportedError(f"[resample] res_type {res_type!r}: expected soxr_vhq")
    orig_sr, target_sr = real(orig_sr, "resample", "orig_sr"), real(target_sr, "resample", "target_sr")
    if not (np.isfinite(orig_sr) and np.isfinite(target_sr) and orig_sr > 0 and target_sr > 0):
        raise InvalidArgumentError(f"[resample] from {orig_sr} to {target_sr} Hz: expected rates above 0")
    scale = flag(scale, "resample", "scale")
    flag(fix, "resample", "fix", True)  # soxr's number of samples is right already
    x = as_array(y, "resample")
    axis = an_axis(axis, x.ndim, "resample")
    x = as_rows(np.moveaxis(x, axis, -1), "resample")
    _check_finite(x, "resample")
    ratio = Fraction(target_sr) / Fraction(orig_sr)
    if max(ratio.numerator, ratio.denominator) >= 2**31:
        raise UnsupportedError(f"[resample] from {orig_sr} to {target_sr} Hz: no ratio of whole numbers below 2^31")
    if x.shape[-1] == 0:
        raise InvalidDataError("[resample] no samples")
    frames = -(-x.shape[-1] * ratio.numerator // ratio.denominator)
    flat = x.reshape(-1, x.shape[-1])
    shape = (*x.shape[:-1], frames)
    if out is not None:
        frames = (0, *as_array(out, "resample").shape)[-1]
        shape = (*x.shape[:-1], frames)
    result = output(out, shape, "resample", inputs=(x,))
    if ratio == 1:
        result[...] = x[..., :frames]
    else:
        _native.resample(flat, result.reshape(-1, frames), ratio.denominator, ratio.numerator)
    if scale:
        result /= np.sqrt(float(ratio))
    return np.moveaxis(result, -1, axis)


def butter(
    N: int, Wn: Any, btype: str = "low", analog: bool = False, output: str = "ba", fs: float | None = None
) -> Any:
    """``scipy.signal.butter`` for low, high and band-pass; ``output`` "sos", "ba" or "zpk"."""
    kinds = {"low": "lowpass", "lowpass": "lowpass", "lp": "lowpass", "high": "highpass", "highpass": "highpass",
             "hp": "highpass", "band": "bandpass", "bandpass": "bandpass", "pass": "bandpass", "bp": "bandpass"}
    kind = kinds.get(text(btype, "butter", "btype", "low").lower())
    analog = flag(analog, "butter", "analog")
    output = text(output, "butter", "output", "ba")
    if analog or kind is None:
        raise UnsupportedError(f"[butter] btype {btype!r}, analog={analog}: expected digital low, high or bandpass")
    edges = np.atleast_1d(as_real(Wn, "butter", "Wn"))
    if edges.ndim != 1 or edges.size != (2 if kind == "bandpass" else 1):
        raise InvalidArgumentError(f"[butter] Wn {Wn!r}: expected {'two edges' if kind == 'bandpass' else 'one edge'}")
    rate = real(fs, "butter", "fs", 2.0)
    rows = _native.butterworth(count(N, "butter", "order"), float(edges[0]), float(edges[-1]), rate, kind)
    sos = np.array(rows, dtype=np.float64)
    if output == "sos":
        return sos
    if output == "ba":
        b, a = np.ones(1), np.ones(1)
        for row in sos:
            b, a = np.convolve(b, row[:3]), np.convolve(a, row[3:])
        # A section of the first order leaves a zero behind.
        while a.size > 1 and a[-1] == 0 and b[-1] == 0:
            b, a = b[:-1], a[:-1]
        return b, a
    if output == "zpk":
        z = np.concatenate([np.roots(np.trim_zeros(row[:3], "b")) for row in sos])
        p = np.concatenate([np.roots(np.trim_zeros(row[3:], "b")) for row in sos])
        return z, p, float(np.prod(sos[:, 0]))
    raise InvalidArgumentError(f"[butter] output {output!r}: expected sos, ba or zpk")


def sosfilt(sos: Any, x: Any, axis: int = -1, zi: Any = None) -> Any:
    """``scipy.signal.sosfilt``. float64 is computed as scipy does it, float32 in SIMD, within 1e-7 of
    the peak; with ``zi[sections, ..., 2, ...]`` the result is ``(y, zf)``."""
    sections = as_sos(sos, "sosfilt")
    signal = as_array(x, "sosfilt")
    if signal.dtype.kind not in "fiu":
        raise InvalidArgumentError(f"[sosfilt] {signal.dtype}: expected real numbers")
    axis = an_axis(axis, signal.ndim, "sosfilt")
    single = signal.dtype.kind == "f" and signal.dtype.itemsize <= 4
    moved = np.moveaxis(signal, axis, -1)
    flat_shape = (int(np.prod(moved.shape[:-1], dtype=np.int64)), moved.shape[-1])
    if single and zi is None:
        rows = as_rows(moved, "sosfilt").reshape(flat_shape)
        _check_finite(rows, "sosfilt")
        y = np.empty(moved.shape, np.float32)
        if y.size:
            _native.filter_float(sections, rows, y.reshape(flat_shape))
        return np.moveaxis(y, -1, axis)
    rows = np.ascontiguousarray(moved, dtype=np.float64).reshape(flat_shape)
    state = np.zeros((flat_shape[0], 2 * sections.shape[0]))
    if zi is not None:
        expected = list(signal.shape)
        expected[axis] = 2
        expected = (sections.shape[0], *expected)
        given = as_real(zi, "sosfilt", "zi")
        if given.shape != expected:
            raise InvalidArgumentError(f"[sosfilt] zi of shape {given.shape}: expected {expected}")
        ordered = np.moveaxis(given, axis + 1 if axis >= 0 else axis, -1)
        state = np.ascontiguousarray(np.moveaxis(ordered, 0, -2), dtype=np.float64).reshape(state.shape)
        if np.shares_memory(state, as_array(zi, "sosfilt")):
            state = state.copy()
    y = np.empty(moved.shape, np.float64)
    if y.size:
        _native.filter_double(sections, rows, state, y.reshape(flat_shape))
    result_type = np.float32 if single else np.float64
    result = np.moveaxis(y, -1, axis).astype(result_type, copy=False)
    if zi is None:
        return result
    ordered = np.moveaxis(state.reshape(*moved.shape[:-1], sections.shape[0], 2), -2, 0)
    return result, np.moveaxis(ordered, -1, axis + 1 if axis >= 0 else axis).astype(result_type, copy=False)


def fftconvolve(in1: Any, in2: Any, mode: str = "full", axes: Any = None) -> np.ndarray:
    """``scipy.signal.fftconvolve`` along one axis: of vectors, or of the axis that ``axes`` names.

    float64 is computed in double precision, float32 in single. Along all axes of images: refused.
    """
    a, b = as_array(in1, "fftconvolve"), as_array(in2, "fftconvolve")
    for array in (a, b):
        if array.dtype.kind not in "fiub":
            raise InvalidArgumentError(f"[fftconvolve] {array.dtype}: expected real numbers")
    if text(mode, "fftconvolve", "mode", "full") not in ("full", "same", "valid"):
        raise InvalidArgumentError(f"[fftconvolve] mode {mode!r}: expected full, same or valid")
    if a.ndim != b.ndim:
        raise InvalidArgumentError(f"[fftconvolve] {a.ndim} and {b.ndim} dimensions: expected as many")
    if a.size == 0 or b.size == 0:
        return np.array([])
    if axes is None and a.ndim != 1:
        raise UnsupportedError(f"[fftconvolve] {a.ndim} axes at once: name one, as axes=-1")
    if isinstance(axes, (list, tuple, np.ndarray)):
        if len(np.atleast_1d(axes) if isinstance(axes, np.ndarray) else axes) != 1:
            raise UnsupportedError("[fftconvolve] several axes at once: name one")
        axes = np.ravel(axes)[0]
    axis = an_axis(axes, a.ndim, "fftconvolve")
    single = all(x.dtype.kind == "f" and x.dtype.itemsize <= 4 for x in (a, b))
    dtype = np.float32 if single else np.float64
    a = np.ascontiguousarray(np.moveaxis(a, axis, -1), dtype=dtype)
    b = np.ascontiguousarray(np.moveaxis(b, axis, -1), dtype=dtype)
    for array in (a, b):
        _check_finite(array, "fftconvolve")
    if mode == "valid" and a.shape[-1] < b.shape[-1]:
        a, b = b, a
    try:
        outer = np.broadcast_shapes(a.shape[:-1], b.shape[:-1])
    except ValueError as error:
        raise InvalidArgumentError(f"[fftconvolve] shapes {a.shape} and {b.shape} do not fit") from error
    n, m = a.shape[-1], b.shape[-1]
    full = np.empty((*outer, n + m - 1), dtype)
    rows_a, rows_b = np.broadcast_to(a, (*outer, n)), np.broadcast_to(b, (*outer, m))
    convolve = _native.convolve_float if single else _native.convolve_double
    for index in np.ndindex(*outer):
        convolve(rows_a[index], rows_b[index], full[index])
    if mode == "same":
        start = (m - 1) // 2
        full = full[..., start : start + n]
    elif mode == "valid":
        full = full[..., m - 1 : n]
    return np.moveaxis(full, -1, axis)
