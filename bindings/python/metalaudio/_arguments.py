"""Numbers, words and paths as callers give them, checked where they come in.

Each takes the value, the operation and the argument's name for an error, and, where the argument has
one, the default that None stands for.
"""

from __future__ import annotations

import operator
import os
import reprlib
from typing import Any, Mapping

import numpy as np

from ._errors import InvalidArgumentError


def wrong(value: Any, name: str, what: str, expected: str) -> InvalidArgumentError:
    """The error for a value, in one line."""
    return InvalidArgumentError(f"[{name}] {what} {' '.join(reprlib.repr(value).split())}: expected {expected}")


def whole(value: Any, name: str, what: str, least: int = 0, most: int = 2**62, default: int | None = None) -> int:
    """A whole number; 2.0 is one."""
    if value is None and default is not None:
        return default
    expected = "a whole number" + ("" if least < 0 else f" of {least} or more")
    if isinstance(value, (float, np.floating)) and float(value).is_integer():
        value = int(value)
    try:
        number = operator.index(None if isinstance(value, (bool, np.bool_)) else value)
    except TypeError:
        raise wrong(value, name, what, expected) from None
    if not least <= number <= most:
        raise wrong(value, name, what, expected if number < least else f"at most {most}")
    return number


def count(value: Any, name: str, what: str, default: int | None = None) -> int:
    """A whole number above 0."""
    return whole(value, name, what, 1, default=default)


def real(value: Any, name: str, what: str, default: float | None = None) -> float:
    """A number; what has one, as an array of one value, is one."""
    if value is None and default is not None:
        return default
    try:
        if isinstance(value, (str, bytes, bytearray)):
            raise TypeError
        return float(value)
    except (TypeError, ValueError, OverflowError, RuntimeError):
        raise wrong(value, name, what, "a number") from None


def flag(value: Any, name: str, what: str, default: bool = False) -> bool:
    if value is None:
        return default
    if isinstance(value, (bool, np.bool_)) or (isinstance(value, (int, np.integer)) and value in (0, 1)):
        return bool(value)
    raise wrong(value, name, what, "True or False")


def text(value: Any, name: str, what: str, default: str | None = None) -> str:
    if value is None and default is not None:
        return default
    if not isinstance(value, str):
        raise wrong(value, name, what, "a text")
    return value


def items(value: Any, name: str, what: str, expected: str) -> list:
    try:
        return list(value)
    except TypeError:
        raise wrong(value, name, what, expected) from None


def texts(value: Any, name: str, what: str) -> list[str]:
    if isinstance(value, (str, bytes)):
        raise wrong(value, name, what, "a list of names")
    return [text(one, name, what) for one in items(value, name, what, "a list of names")]


def file_name(value: Any, name: str, what: str) -> str:
    try:
        result = os.fsdecode(value)
    except TypeError:
        raise wrong(value, name, what, "a path") from None
    if "\0" in result:
        raise wrong(value, name, what, "a path")
    return result


def mapping(value: Any, name: str, what: str) -> Mapping:
    """None is an empty one."""
    if value is None:
        return {}
    if not isinstance(value, Mapping):
        raise wrong(value, name, what, "a dict")
    return value


def wholes(value: Any, name: str, what: str, least: int = 0) -> list[int]:
    return [whole(one, name, what, least) for one in items(value, name, what, "a list of whole numbers")]


def an_axis(value: Any, dimensions: int, name: str, default: int = -1) -> int:
    """Of an array of so many dimensions; may be counted from the last."""
    axis = whole(value, name, "axis", -(2**31), default=default)
    if not -dimensions <= axis < dimensions:
        raise InvalidArgumentError(f"[{name}] axis {axis} of {dimensions}")
    return axis
