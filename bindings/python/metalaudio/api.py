"""The names of ``demucs.api``: a program that imports this instead runs on MetalAudio."""

from ._errors import LoadAudioError, LoadModelError
from ._separator import Separator, list_models, save_audio

__all__ = ["LoadAudioError", "LoadModelError", "Separator", "list_models", "save_audio"]
