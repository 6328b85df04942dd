"""Arrays of any kind become what the compiled part takes, copied only where they must be."""

from __future__ import annotations

from typing import Any

import numpy as np

from ._errors import InvalidArgumentError


def counted(number: int, noun: str) -> str:
    """1 channel, 2 channels."""
    return f"{number} {noun}{'' if number == 1 else 's'}"


def as_array(x: Any, name: str) -> np.ndarray:
    """A numpy array over the same memory where there is one: numpy, DLPack, a buffer, or a list."""
    if isinstance(x, np.ndarray):
        return x
    if hasattr(x, "__dlpack__"):
        try:
            return np.from_dlpack(x)
        except (BufferError, RuntimeError, TypeError, ValueError) as error:
            raise InvalidArgumentError(f"[{name}] {type(x).__name__}: not to be read in place, on the CPU: {error}") from error
    try:
        return np.asarray(x)
    except (TypeError, ValueError) as error:
        raise InvalidArgumentError(f"[{name}] {type(x).__name__}: not an array: {error}") from error


def _check_kind(x: np.ndarray, name: str, what: str) -> None:
    if x.dtype.kind == "f":
        return
    hint = ""
    if x.dtype.kind in "iu":
        hint = f"; integer samples are divided by their full scale first, as x / {2 ** (8 * x.dtype.itemsize - 1)}"
    raise InvalidArgumentError(f"[{name}] {what} of {x.dtype}: expected float32 (or another float){hint}")


def as_real(x: Any, name: str, what: str) -> np.ndarray:
    """Real numbers in float64, of any shape."""
    array = as_array(x, name)
    if array.dtype.kind not in "fiub":
        raise InvalidArgumentError(f"[{name}] {what} of {array.dtype}: expected real numbers")
    return np.ascontiguousarray(array, dtype=np.float64)


def as_rows(x: Any, name: str, dtype: Any = np.float32) -> np.ndarray:
    """x as ``dtype`` with the samples of each row beside each other; rows may lie apart."""
    array = as_array(x, name)
    _check_kind(array, name, "samples")
    array = array.astype(dtype, copy=False)
    if array.ndim == 0:
        raise InvalidArgumentError(f"[{name}] a number: expected an array")
    beside = array.strides[-1] == array.itemsize or array.shape[-1] <= 1
    if array.ndim > 2 and not array.flags.c_contiguous:
        beside = False
    if array.ndim == 2 and (array.strides[0] < 0 or array.strides[0] % array.itemsize):
        beside = False
    if not beside or not array.flags.aligned:
        array = np.ascontiguousarray(array)
    return array


def as_channels(x: Any, name: str, channels: int | None = None) -> np.ndarray:
    """Planar audio, ``[channels, frames]`` float32; one dimension is one channel."""
    rows = as_rows(x, name)
    if rows.ndim == 1:
        rows = rows[np.newaxis]
    if rows.ndim != 2:
        raise InvalidArgumentError(f"[{name}] an array of {counted(rows.ndim, 'dimension')}: expected [channels, frames]")
    if channels is not None and rows.shape[0] != channels:
        hint = "; the channels come first: x.T" if rows.shape[1] == channels else ""
        raise InvalidArgumentError(f"[{name}] {counted(rows.shape[0], 'channel')}: expected {channels}{hint}")
    return rows


def as_sos(sos: Any, name: str) -> np.ndarray:
    """Sections ``[sections, 6]`` in float64, with a0 = 1, as scipy has them."""
    array = as_array(sos, name)
    if array.dtype.kind not in "fiu":
        raise InvalidArgumentError(f"[{name}] sos of {array.dtype}: expected real numbers")
    array = np.ascontiguousarray(np.atleast_2d(array), dtype=np.float64)
    if array.ndim != 2 or array.shape[1] != 6 or array.shape[0] == 0:
        raise InvalidArgumentError(f"[{name}] sos array must be shape (n_sections, 6), not {array.shape}")
    if not (array[:, 3] == 1).all():
        raise InvalidArgumentError(f"[{name}] sos[:, 3] should be all ones")
    return array


def output(out: Any, shape: tuple[int, ...], name: str, dtype: Any = np.float32, inputs: tuple = ()) -> np.ndarray:
    """``out`` if it can be written as it is, or a new array where it is None."""
    dtype = np.dtype(dtype)
    if out is None:
        return np.empty(shape, dtype)
    if not isinstance(out, np.ndarray):
        if not hasattr(out, "__dlpack__"):
            raise InvalidArgumentError(f"[{name}] out of {type(out).__name__}: expected an array")
        out = as_array(out, name)
    if out.dtype != dtype or not out.dtype.isnative:
        raise InvalidArgumentError(f"[{name}] out of {out.dtype.str}: expected {dtype}")
    if out.shape != shape:
        raise InvalidArgumentError(f"[{name}] out of shape {out.shape}: expected {shape}")
    if not out.flags.writeable:
        raise InvalidArgumentError(f"[{name}] out is read-only")
    if not out.flags.c_contiguous and not (out.ndim == 2 and out.strides[1] == out.itemsize and out.strides[0] > 0):
        raise InvalidArgumentError(f"[{name}] the samples of out do not lie beside each other")
    if any(np.may_share_memory(out, x) for x in inputs):
        raise InvalidArgumentError(f"[{name}] out overlaps an input")
    return out
