"""Processors that keep their state from one block to the next."""

from __future__ import annotations

from typing import Any, Sequence

import numpy as np

from . import _native
from ._arguments import count, flag, items, real, whole
from ._arrays import as_array, as_channels, as_real, as_sos, output
from ._errors import InvalidArgumentError
from ._signal import make_window


def _process(native: Any, x: Any, out: np.ndarray | None, name: str, inputs: int, outputs: int) -> np.ndarray:
    """Runs a block; one dimension goes in and comes out where there is one channel."""
    rows = as_channels(x, name, inputs)
    flat = np.ndim(x) == 1 and outputs == 1
    shape = (outputs, rows.shape[1])
    if flat:
        y = output(out, shape[1:], name, inputs=() if out is x else (rows,))
        native.process(rows, y[np.newaxis])
    else:
        # In place, where a processor reads each sample before it writes it.
        y = output(out, shape, name, inputs=() if out is x and inputs == outputs else (rows,))
        native.process(rows, y)
    return y


class Convolution:
    """Convolution with impulse responses of any length, without latency.

    ``ir[taps]`` or ``ir[channels, taps]``: one response for every channel, one for each, or
    ``inputs * outputs`` of them, a row of the matrix for each input.
    """

    def __init__(
        self, ir: Any, *, inputs: int = 1, outputs: int | None = None, block: int = 64, crossfade: int = 1024
    ) -> None:
        inputs = count(inputs, "Convolution", "inputs", 1)
        self._native = _native.Convolution(
            as_channels(ir, "Convolution"), inputs, count(outputs, "Convolution", "outputs", inputs),
            count(block, "Convolution", "block", 64), whole(crossfade, "Convolution", "crossfade", default=1024),
        )

    @property
    def latency_samples(self) -> int:
        return self._native.latency_samples

    def process(self, x: Any, reset: bool = False, out: np.ndarray | None = None) -> np.ndarray:
        """The next block: ``x[inputs, frames]`` -> ``y[outputs, frames]``, as long as it went in."""
        if flag(reset, "Convolution", "reset"):
            self.reset()
        return _process(self._native, x, out, "Convolution", self._native.inputs, self._native.outputs)

    def swap(self, ir: Any) -> None:
        """Cross-fades to other responses from the next block on."""
        self._native.swap(as_channels(ir, "Convolution"))

    def reset(self) -> None:
        """Forgets all input."""
        self._native.reset()


class BiquadCascade:
    """Second-order sections in series on every channel; ``sos[sections, 6]`` as scipy's."""

    def __init__(self, sos: Any, *, channels: int = 1, ramp: int = 1024) -> None:
        self._native = _native.BiquadCascade(
            as_sos(sos, "BiquadCascade").tolist(), count(channels, "BiquadCascade", "channels", 1),
            whole(ramp, "BiquadCascade", "ramp", default=1024),
        )

    @property
    def latency_samples(self) -> int:
        return self._native.latency_samples

    def process(self, x: Any, reset: bool = False, out: np.ndarray | None = None) -> np.ndarray:
        """The next block: ``x[channels, frames]`` (or ``x[frames]``) -> the same shape."""
        if flag(reset, "BiquadCascade", "reset"):
            self.reset()
        return _process(self._native, x, out, "BiquadCascade", self._native.channels, self._native.channels)

    def set_sos(self, sos: Any) -> None:
        """Glides to as many other sections over ``ramp`` samples."""
        self._native.set_sos(as_sos(sos, "BiquadCascade").tolist())

    def reset(self) -> None:
        """Silence behind."""
        self._native.reset()


class FilterBank:
    """One signal through many filters: ``bands`` is a list of ``sos`` arrays."""

    def __init__(self, bands: Sequence[Any]) -> None:
        self.bands = [as_sos(sos, "FilterBank") for sos in items(bands, "FilterBank", "bands", "a list of sos arrays")]
        self._native = _native.FilterBank([sos.tolist() for sos in self.bands])

    @classmethod
    def crossover(cls, splits: Sequence[float], fs: float, order: int = 4) -> "FilterBank":
        """Linkwitz-Riley bands between ascending frequencies, which add up to an all-pass."""
        frequencies = np.atleast_1d(as_real(splits, "FilterBank", "splits")).ravel().tolist()
        rate = real(fs, "FilterBank", "fs")
        return cls(_native.crossover_bands(frequencies, count(order, "FilterBank", "order", 4), rate))

    @classmethod
    def octaves(cls, fs: float, low: float = 31.5, high: float = 8000.0, fraction: int = 1, order: int = 0) -> "FilterBank":
        """Octave (``fraction`` 1) or third-octave (3) bands of IEC 61260-1, class 1."""
        low, high = real(low, "FilterBank", "low", 31.5), real(high, "FilterBank", "high", 8000.0)
        fraction, order = count(fraction, "FilterBank", "fraction", 1), whole(order, "FilterBank", "order", default=0)
        return cls(_native.octave_bands(fraction, low, high, real(fs, "FilterBank", "fs"), order))

    @property
    def latency_samples(self) -> int:
        return self._native.latency_samples

    def process(self, x: Any, reset: bool = False, out: np.ndarray | None = None) -> np.ndarray:
        """The next block: ``x[frames]`` -> ``y[bands, frames]``."""
        if flag(reset, "FilterBank", "reset"):
            self.reset()
        row = as_channels(x, "FilterBank", 1)[0]
        y = output(out, (len(self.bands), row.shape[0]), "FilterBank", inputs=(row,))
        self._native.process(row, y)
        return y

    def reset(self) -> None:
        """Silence behind."""
        self._native.reset()


class Stft:
    """Spectra of a running signal, and the signal of running spectra; the arguments of ``stft``.

    A frame ends with every ``hop_length`` samples; silence stands before the first.
    """

    def __init__(
        self, n_fft: int = 2048, hop_length: int | None = None, win_length: int | None = None, window: Any = "hann"
    ) -> None:
        n_fft = count(n_fft, "Stft", "n_fft", 2048)
        win_length = n_fft if win_length is None else count(win_length, "Stft", "win_length")
        hop = max(1, win_length // 4) if hop_length is None else count(hop_length, "Stft", "hop_length")
        if win_length > n_fft or hop > n_fft:
            raise InvalidArgumentError(f"[Stft] win_length {win_length}, hop_length {hop}: at most n_fft {n_fft}")
        self._hop = hop
        self._native = _native.StftStream(n_fft, hop, make_window(window, win_length, "Stft"))

    @property
    def latency_samples(self) -> int:
        """How much later ``inverse`` gives what went into ``process``."""
        return self._native.latency_samples

    def process(self, x: Any, reset: bool = False) -> np.ndarray:
        """The frames that ``x[samples]`` completes: ``[bins, frames]`` complex64, maybe none."""
        if flag(reset, "Stft", "reset"):
            self.reset()
        row = np.ascontiguousarray(as_channels(x, "Stft", 1)[0])
        spectra = np.empty((self._native.frames(row.shape[0]), self._native.bins), np.complex64)
        self._native.process(row, spectra)
        return spectra.T

    def inverse(self, spectra: Any) -> np.ndarray:
        """``hop_length`` samples for each frame of ``spectra[bins, frames]``."""
        given = as_array(spectra, "Stft")
        if given.dtype.kind not in "cfiu" or given.ndim != 2:
            raise InvalidArgumentError(f"[Stft] spectra of {given.dtype}, {given.shape}: expected complex [bins, frames]")
        frames = np.ascontiguousarray(given.T, dtype=np.complex64)
        samples = np.empty(frames.shape[0] * self._hop, np.float32)
        self._native.inverse(frames, samples)
        return samples

    def reset(self) -> None:
        """Silence behind."""
        self._native.reset()
