"""Separation under the names of demucs.api 4.1."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, Callable, Iterator, Mapping, Sequence

import numpy as np

from . import _native
from ._arguments import count, file_name, flag, mapping, real, text, texts, whole, wrong
from ._arrays import as_channels, counted, output
from ._errors import Error, InvalidArgumentError, LoadAudioError, LoadModelError
from ._signal import resample

_SHIPPED = str(Path(__file__).parent / "models")


class _NotProvided:
    def __repr__(self) -> str:
        return "unchanged"


NotProvided: Any = _NotProvided()


@dataclass(frozen=True)
class Model:
    """What there is to know about a model."""

    name: str
    sources: list[str]
    samplerate: int
    audio_channels: int
    segment: float  #: seconds
    models: int  #: of the bag


def _folder(repo: Any) -> str | None:
    return None if repo is None else file_name(repo, "Separator", "repo")


def convert_audio(wav: np.ndarray, from_samplerate: int, to_samplerate: int, channels: int) -> np.ndarray:
    """demucs.audio.convert_audio: the channels first, then the rate."""
    if wav.shape[0] != channels:
        if channels == 1:
            wav = wav.mean(axis=0, keepdims=True, dtype=np.float32)
        elif wav.shape[0] == 1:
            wav = np.repeat(wav, channels, axis=0)
        elif wav.shape[0] > channels:
            wav = wav[:channels]
        else:
            raise InvalidArgumentError(f"[Separator] {counted(wav.shape[0], 'channel')}: expected 1, or {channels} and more")
    if from_samplerate == to_samplerate:
        return wav
    out = np.empty((channels, max(1, wav.shape[1] * int(to_samplerate) // int(from_samplerate))), np.float32)
    return resample(wav, orig_sr=from_samplerate, target_sr=to_samplerate, out=out)


def _copy(file: Any, copy: Any) -> None:
    try:
        shutil.copyfileobj(file, copy)
    except (TypeError, AttributeError, ValueError) as error:
        raise wrong(file, "Separator", "file", "a path, or a file open in binary mode") from error
    copy.flush()


def _or_none(check: Callable[..., Any]) -> Callable[..., Any]:
    return lambda value, name, what: None if value is None else check(value, name, what)


def _parameter(what: str, check: Callable[..., Any], *limits: Any, **default: Any) -> Callable[[Any], Any]:
    return lambda value: check(value, "Separator", what, *limits, **default)


#: What makes the value of each that is kept; None is the default.
_PARAMETERS = {
    "device": lambda value: "cpu" if value is None else " ".join(str(value).split()),
    "shifts": _parameter("shifts", whole, 0, 10**6, default=1),
    "overlap": _parameter("overlap", real, default=0.25),
    "split": _parameter("split", flag, default=True),
    "segment": _parameter("segment", _or_none(real)),
    "jobs": _parameter("jobs", whole, 0, 2**31 - 1, default=0),
    "progress": _parameter("progress", flag),
    "callback_arg": _parameter("callback_arg", mapping),
    "stems": _parameter("stems", _or_none(texts)),
    "two_stems": _parameter("two_stems", _or_none(text)),
    "precision": _parameter("precision", text, default="fp32"),
    "seed": _parameter("seed", whole, 0, 2**64 - 1, default=0),
}


class Separator:
    """Separates music into stems with an HTDemucs model; the arguments of ``demucs.api.Separator``.

    Parameters
    ----------
    model
        A name, a signature, or the path of a ``.th``, ``.safetensors`` or ``.yaml`` file. By default
        ``htdemucs`` where it is installed, otherwise the small model that ships.
    repo
        A folder to look for the model in, and nowhere else.
    device
        ``"cpu"`` (or None), ``"cuda"``, ``"cuda:1"``, several GPUs as in ``"cuda:0,cuda:1"``, or ``"auto"``,
        a GPU where one answers; a ``torch.device`` says the same. A GPU that is named and does not answer
        is an Error with the code ``backend_unavailable`` that says why. ``separator.device`` is the one
        in use.
    shifts, overlap, split, segment
        As in demucs. ``segment`` is in seconds.
    jobs
        Threads; 0: as many as this process may use. The stems do not depend on it.
    progress
        Whether to show a line of progress on standard error.
    callback, callback_arg
        ``callback`` is called before and after each segment with a dict: what ``callback_arg`` holds,
        ``model_idx_in_bag``, ``shift_idx``, ``segment_offset``, ``state`` ("start", "end"),
        ``audio_length`` and ``models`` as in demucs, and ``fraction``, the part that is done, 0 to 1.
        What it raises ends the separation: a KeyboardInterrupt, as in demucs, or anything else.
    stems, two_stems
        Only these stems; or one, and ``no_`` of it, the sum of all others.
    precision
        ``"fp32"``, ``"tf32"``, ``"fp16"``, ``"bf16"``, or ``"auto"``, which keeps 60 dB to fp32: fp16 on a
        GPU; on the CPU factors of two bf16 where it has AMX, else fp32. The CPU has no tf32 and fp16.
    seed
        Draws the shifts: the same seed gives the same stems.
    """

    def __init__(
        self,
        model: str | os.PathLike[str] | None = None,
        repo: str | os.PathLike[str] | None = None,
        device: Any = "cpu",
        shifts: int = 1,
        overlap: float = 0.25,
        split: bool = True,
        segment: float | None = None,
        jobs: int = 0,
        progress: bool = False,
        callback: Callable[[dict], None] | None = None,
        callback_arg: dict | None = None,
        *,
        stems: Sequence[str] | None = None,
        two_stems: str | None = None,
        precision: str = "fp32",
        seed: int = 0,
    ) -> None:
        self._name = None if model is None else file_name(model, "Separator", "model")
        self._repo = _folder(repo)
        self._loaded: tuple | None = None
        self._stems: Sequence[str] | None = None
        self._two_stems: str | None = None
        self._jobs = 0
        self._precision = "fp32"
        self.update_parameter(
            device=device, shifts=shifts, overlap=overlap, split=split, segment=segment, jobs=jobs, progress=progress,
            callback=callback, callback_arg=callback_arg, stems=stems, two_stems=two_stems, precision=precision,
            seed=seed,
        )

    def update_parameter(
        self,
        device: Any = NotProvided,
        shifts: int = NotProvided,
        overlap: float = NotProvided,
        split: bool = NotProvided,
        segment: float | None = NotProvided,
        jobs: int = NotProvided,
        progress: bool = NotProvided,
        callback: Callable[[dict], None] | None = NotProvided,
        callback_arg: dict | None = NotProvided,
        *,
        stems: Sequence[str] | None = NotProvided,
        two_stems: str | None = NotProvided,
        precision: str = NotProvided,
        seed: int = NotProvided,
    ) -> None:
        """Changes parameters; those that are not given stay. The model is loaded again where it must be."""
        before = self.__dict__.copy()
        try:
            self._set_parameters(
                device=device, shifts=shifts,
                overlap=overlap, split=split, segment=segment, jobs=jobs, progress=progress, callback=callback,
                callback_arg=callback_arg, stems=stems, two_stems=two_stems, precision=precision, seed=seed,
            )
        except BaseException:
            self.__dict__.update(before)  # what was refused changes nothing
            raise

    def _set_parameters(self, **parameters: Any) -> None:
        for key, value in parameters.items():
            if value is not NotProvided:
                setattr(self, "_" + key, _PARAMETERS[key](value) if key in _PARAMETERS else value)
        if self._stems is not None and self._two_stems is not None:
            raise InvalidArgumentError("[Separator] stems and two_stems: one of the two")
        if self._callback is not None and not callable(self._callback):
            raise InvalidArgumentError("[Separator] callback: not callable")
        self._load_model()

    def _load_model(self) -> None:
        # Bags have members that some stems do not need; two_stems needs them all.
        stems = [] if self._stems is None or self._two_stems is not None else list(self._stems)
        wanted = (self._device, self._precision, self._jobs, tuple(sorted(stems)))
        if self._loaded == wanted:
            return
        try:
            network = _native.Network(self._name, self._repo, _SHIPPED, *wanted[:3], stems)
        except InvalidArgumentError:
            raise
        except Error as error:
            if error.code == "backend_unavailable":
                raise
            raise LoadModelError(str(error), error.code) from error
        network.outputs(stems, self._two_stems or "")
        self._network = network
        self._loaded = wanted

    @property
    def samplerate(self) -> int:
        """The model's, in Hz; that of the stems."""
        return self._network.sample_rate_hz

    @property
    def device(self) -> str:
        """Where it computes: ``"cpu"``, or ``"cuda:0 (NVIDIA H100)"``."""
        return self._network.device

    @property
    def audio_channels(self) -> int:
        return self._network.channels

    @property
    def model(self) -> Model:
        network = self._network
        return Model(network.name, list(network.sources), network.sample_rate_hz, network.channels,
                     network.segment_seconds, network.models)

    def _choice(self) -> tuple[list[str], str]:
        return list(self._stems or ()), self._two_stems or ""

    def _settings(self) -> Any:
        settings = _native.Settings()
        settings.shifts, settings.seed, settings.split = self._shifts, self._seed, self._split
        settings.overlap, settings.segment = self._overlap, self._segment
        return settings

    def _follow(self, length: int) -> Callable[[int, int, int, bool], None] | None:
        """What the compiled part calls at each segment."""
        if self._callback is None and not self._progress:
            return None
        stride = max(1, int((1 - self._overlap) * int(self.samplerate * (self._segment or self.model.segment))))
        lanes: dict[tuple[int, int], int] = {}
        count = self._network.models * max(1, self._shifts)

        def follow(member: int, shift: int, offset: int, ended: bool) -> None:
            # Each lane advances to the end of the mix; their mean is what is done.
            if ended:
                lanes[member, shift] = min(length, offset + stride)
            fraction = min(1.0, sum(lanes.values()) / (max(len(lanes), count) * max(1, length)))
            if self._progress:
                end = "\n" if ended and fraction >= 1.0 else ""
                print(f"\r{100 * fraction:5.1f} %", end=end, file=sys.stderr, flush=True)
            if self._callback is not None:
                self._callback({
                    **self._callback_arg,
                    "model_idx_in_bag": member,
                    "shift_idx": shift,
                    "segment_offset": offset,
                    "state": "end" if ended else "start",
                    "audio_length": length,
                    "models": self._network.models,
                    "fraction": fraction,
                })

        return follow

    def separate_tensor(
        self, wav: Any, sr: int | None = None, *, out: Mapping[str, np.ndarray] | np.ndarray | None = None
    ) -> tuple[np.ndarray, dict[str, np.ndarray]]:
        """Separates ``wav[channels, frames]`` into ``(wav, {stem: samples[channels, frames]})``.

        With ``sr``, channels and rate are brought to the model's first, and the first result is what
        was separated. ``out`` takes the stems in place of new arrays: one array
        ``[stems, channels, frames]``, or one for each stem by its name. ``wav`` must not change
        meanwhile; where it is float32 it is read in place.
        """
        mix = as_channels(wav, "Separator")
        sr = self.samplerate if sr is None else count(sr, "Separator", "sr")
        if sr != self.samplerate:
            mix = convert_audio(mix, sr, self.samplerate, self.audio_channels)
        mix = as_channels(mix, "Separator", self.audio_channels)
        stems, two_stems = self._choice()
        names = self._network.outputs(stems, two_stems)
        outputs = self._outputs(names, mix, out)
        self._network.separate(mix, outputs, stems, two_stems, self._settings(), self._follow(mix.shape[1]))
        return mix, dict(zip(names, outputs))

    def _outputs(self, names: list[str], mix: np.ndarray, out: Any) -> list[np.ndarray]:
        if isinstance(out, Mapping):
            missing = [name for name in names if name not in out]
            if missing or len(out) != len(names):
                raise InvalidArgumentError(f"[Separator] out for {', '.join(map(str, out))}: expected {', '.join(names)}")
            outputs = [output(out[name], mix.shape, "Separator", inputs=(mix,)) for name in names]
            if any(np.may_share_memory(a, b) for i, a in enumerate(outputs) for b in outputs[:i]):
                raise InvalidArgumentError("[Separator] arrays of out overlap")
            return outputs
        return list(output(out, (len(names), *mix.shape), "Separator", inputs=(mix,)))

    def separate_audio_file(
        self, file: str | os.PathLike[str] | BinaryIO, *, out: Mapping[str, np.ndarray] | np.ndarray | None = None
    ) -> tuple[np.ndarray, dict[str, np.ndarray]]:
        """The same for a file (WAV, AIFF, FLAC, Ogg, MP3), brought to the model's channels and rate.

        A path, or what is open in binary mode, as ``io.BytesIO``: that is read to its end.
        """
        track = self._open(file)
        mix = np.empty((track.channels, track.frames), np.float32)
        track.read(0, mix)
        del track
        return self.separate_tensor(mix, out=out)

    def _open(self, file: Any) -> Any:
        try:
            if not hasattr(file, "read"):
                return _native.Track(file_name(file, "Separator", "file"), self.samplerate, self.audio_channels)
            with tempfile.TemporaryFile() as copy:
                _copy(file, copy)
                path = f"/proc/self/fd/{copy.fileno()}"
                try:
                    return _native.Track(path, self.samplerate, self.audio_channels)
                except Error as error:
                    name = str(getattr(file, "name", type(file).__name__))
                    raise Error(str(error).replace(path, name), error.code) from error
        except Error as error:
            raise LoadAudioError(str(error), error.code) from error

    def stream(self, source: Any) -> Iterator[tuple[int, dict[str, np.ndarray]]]:
        """Yields ``(start, {stem: block[channels, frames]})`` in order, in bounded memory.

        ``source`` is the path of a file of any length, what is open in binary mode, or an array as for ``separate_tensor``.
        The blocks together equal the stems of ``separate_audio_file``, sample for sample.
        """
        stems, two_stems = self._choice()
        if isinstance(source, (str, bytes, os.PathLike)) or hasattr(source, "read"):
            mix = self._open(source)
            length = mix.frames
        else:
            mix = as_channels(source, "Separator", self.audio_channels)
            length = mix.shape[1]
        blocks = _native.Stream(self._network, mix, stems, two_stems, self._settings(), self._follow(length))
        return self._blocks(blocks)

    @staticmethod
    def _blocks(blocks: Any) -> Iterator[tuple[int, dict[str, np.ndarray]]]:
        names = blocks.names
        while (block := blocks.next()) is not None:
            yield block[0], dict(zip(names, block[1]))

    def __getstate__(self) -> dict:
        state = self.__dict__.copy()
        del state["_network"], state["_loaded"]
        return state

    def __setstate__(self, state: dict) -> None:
        self.__dict__.update(state)
        self._loaded = None
        self._load_model()


def list_models(repo: str | os.PathLike[str] | None = None) -> dict[str, list[str]]:
    """Models by name: ``{"single": signatures, "bag": names}``.

    Those of a folder; without one, those that are installed, and the published bags.
    ``metalaudio models get NAME`` of the program downloads one.
    """
    folder = _folder(repo)
    names = _native.installed_models(folder, _SHIPPED)
    bags = [] if folder is not None else list(_native.published_bags())
    if folder is not None:
        bags = sorted(path.stem for path in Path(folder).glob("*.yaml"))
    return {"single": [name for name in names if name not in bags], "bag": bags}


def save_audio(
    wav: Any,
    path: str | os.PathLike[str],
    samplerate: int,
    bitrate: int = 320,
    clip: str | None = "rescale",
    bits_per_sample: int = 16,
    as_float: bool = False,
    preset: int = 2,
) -> None:
    """Writes ``wav[channels, frames]`` to a ``.wav``, ``.flac`` or ``.mp3`` file, whole or not at all.

    ``.ogg``, ``.opus`` and ``.m4a`` need FFmpeg, which a build may have but a wheel has not.

    The arguments of ``demucs.audio.save_audio``: ``clip`` is "rescale" (turn down what exceeds full
    scale), "clamp", "tanh" or "none"; ``bits_per_sample`` 16, 24, or 32 for float32 WAV.
    """
    samples = as_channels(wav, "save_audio")
    file, samplerate = file_name(path, "save_audio", "path"), count(samplerate, "save_audio", "samplerate")
    bitrate, preset = count(bitrate, "save_audio", "bitrate", 320), whole(preset, "save_audio", "preset", default=2)
    bits_per_sample = whole(bits_per_sample, "save_audio", "bits_per_sample", default=16)
    as_float = flag(as_float, "save_audio", "as_float")
    clip = "none" if clip is None else text(clip, "save_audio", "clip")
    if clip not in ("rescale", "clamp", "tanh", "none"):
        raise InvalidArgumentError(f"[save_audio] clip {clip!r}: expected rescale, clamp, tanh or none")
    if bits_per_sample not in (16, 24, 32):
        raise InvalidArgumentError(f"[save_audio] {bits_per_sample} bits: expected 16, 24 or 32")
    gain = 1.0
    if clip == "rescale" and samples.size:
        peak = float(max(samples.max(), -samples.min()))
        gain = 1 / max(1.01 * peak, 1.0)
    suffix = os.path.splitext(file)[1].lower()
    wide = suffix == ".wav" and (as_float or bits_per_sample == 32)
    form = "float32" if wide else "pcm16" if suffix == ".mp3" or bits_per_sample == 16 else "pcm24"
    _native.write_audio(file, samples, samplerate, form, bitrate, preset, gain, clip)
