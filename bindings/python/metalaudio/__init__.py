"""MetalAudio: stems from music, signal processing and neural inference, on numpy arrays.

``Separator`` has the names of ``demucs.api``, the functions for signals those of ``librosa`` and
``scipy.signal``. Arrays are float32 and planar (``[channels, frames]``); what has DLPack or the
buffer protocol is taken too. While something computes, other Python threads run.
"""

from . import _native
from ._errors import (
    Error,
    InvalidArgumentError,
    InvalidDataError,
    LoadAudioError,
    LoadModelError,
    NotFoundError,
    UnsupportedError,
)
from ._neural import Amp, Graph, GraphInference, Plan, Port
from ._processors import BiquadCascade, Convolution, FilterBank, Stft
from ._separator import Model, Separator, list_models, save_audio
from ._signal import butter, fftconvolve, istft, resample, sosfilt, stft

__version__: str = _native.version

__all__ = [
    "Amp", "BiquadCascade", "Convolution", "Error", "FilterBank", "Graph", "GraphInference", "InvalidArgumentError",
    "InvalidDataError", "LoadAudioError", "LoadModelError", "Model", "NotFoundError", "Plan", "Port", "Separator",
    "Stft", "UnsupportedError", "butter", "fftconvolve", "istft", "list_models", "resample", "save_audio", "sosfilt",
    "stft",
]
