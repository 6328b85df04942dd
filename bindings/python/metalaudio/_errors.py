"""The errors of the library as exceptions."""

from __future__ import annotations


class Error(Exception):
    """What the library throws: one line, and ``code``, one of ``invalid_argument``,
    ``invalid_data``, ``not_found``, ``unsupported``, ``io``, ``backend_unavailable``,
    ``out_of_memory`` and ``cancelled``."""

    code: str = "invalid_argument"

    def __init__(self, message: str = "", code: str | None = None) -> None:
        super().__init__(message)
        if code is not None:
            self.code = code

    def __reduce__(self):
        return type(self), (str(self), self.code)


class InvalidArgumentError(Error, ValueError):
    """A parameter is out of its range."""


class InvalidDataError(Error, ValueError):
    """A file or an array holds what it must not."""

    code = "invalid_data"


class NotFoundError(Error, LookupError):
    """A file, a model or a tensor is missing."""

    code = "not_found"


class UnsupportedError(Error, NotImplementedError):
    """Valid, but not something this build can do."""

    code = "unsupported"


class LoadModelError(Error):
    """A model could not be loaded (the name is demucs's); ``code`` says why."""


class LoadAudioError(Error):
    """A file could not be read (the name is demucs's); ``code`` says why."""


_KINDS = {kind.code: kind for kind in (InvalidArgumentError, InvalidDataError, NotFoundError, UnsupportedError)}


def make_error(code: str, message: str) -> Error:
    """The exception that belongs to a code; called by the compiled part."""
    return _KINDS.get(code, Error)(message, code)
