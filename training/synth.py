"""Renders a Part with FluidSynth (its C library, through ctypes) or with the built-in wavetable instruments."""
import ctypes
import ctypes.util
import os
from pathlib import Path

import numpy as np

from songs import Part

RATE = 44100
DRUM_CHANNEL = 9

# Names as Debian's packages install them; the package that holds each is told when one is missing.
SOUND_FONTS = {
    "fluid": ("FluidR3Mono_GM.sf3", "fluidr3mono-gm-soundfont"),
    "musescore": ("MuseScore_General_Lite.sf3", "musescore-general-soundfont-small"),
    "opl3": ("OPL-3_FM_128M.sf2", "opl3-soundfont"),
    "timgm": ("TimGM6mb.sf2", "timgm6mb-soundfont"),
}
FOLDERS = ("/usr/share/sounds/sf2", "/usr/share/sounds/sf3", "/usr/share/soundfonts")


def find_sound_font(name: str) -> Path:
    file, package = SOUND_FONTS[name]
    folders = [f for f in os.environ.get("SOUND_FONT_PATH", "").split(":") if f] + list(FOLDERS)
    for folder in folders:
        for candidate in (Path(folder) / file, (Path(folder) / file).with_suffix(".sf3")):
            if candidate.is_file():
                return candidate
    raise SystemExit(f"synth: sound font {file} not found (Debian package {package}; or set SOUND_FONT_PATH)")


def _library() -> ctypes.CDLL:
    name = os.environ.get("FLUIDSYNTH_LIBRARY") or ctypes.util.find_library("fluidsynth") or "libfluidsynth.so.3"
    try:
        lib = ctypes.CDLL(name)
    except OSError:
        raise SystemExit(f"synth: FluidSynth's library {name} not found (Debian package libfluidsynth3; or set FLUIDSYNTH_LIBRARY)")
    lib.new_fluid_settings.restype = ctypes.c_void_p
    lib.new_fluid_synth.restype = ctypes.c_void_p
    lib.new_fluid_synth.argtypes = [ctypes.c_void_p]
    lib.fluid_settings_setnum.argtypes = [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_double]
    lib.fluid_settings_setint.argtypes = [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_int]
    lib.fluid_synth_sfload.argtypes = [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_int]
    for function, count in (("program_select", 4), ("pin_preset", 3), ("noteon", 3), ("noteoff", 2), ("cc", 3), ("pitch_bend", 2), ("system_reset", 0)):
        getattr(lib, "fluid_synth_" + function).argtypes = [ctypes.c_void_p] + [ctypes.c_int] * count
    lib.fluid_synth_write_float.argtypes = [ctypes.c_void_p, ctypes.c_int, ctypes.c_void_p, ctypes.c_int, ctypes.c_int,
                                            ctypes.c_void_p, ctypes.c_int, ctypes.c_int]
    lib.fluid_set_log_function(ctypes.c_int(1), None, None)   # errors and warnings: we report our own
    lib.fluid_set_log_function(ctypes.c_int(2), None, None)
    return lib


class FluidSynth:
    """One synthesiser with several sound fonts; presets stay in memory once used."""

    def __init__(self, fonts: tuple[str, ...]):
        paths = {font: find_sound_font(font) for font in fonts}
        self.lib = lib = _library()
        settings = lib.new_fluid_settings()
        lib.fluid_settings_setnum(settings, b"synth.sample-rate", float(RATE))
        lib.fluid_settings_setnum(settings, b"synth.gain", 0.4)
        for key, value in ((b"synth.reverb.active", 0), (b"synth.chorus.active", 0), (b"synth.dynamic-sample-loading", 1),
                           (b"synth.polyphony", 256), (b"synth.threadsafe-api", 0)):
            lib.fluid_settings_setint(settings, key, value)
        self.synth = lib.new_fluid_synth(settings)
        self.fonts = {}
        for font, path in paths.items():
            self.fonts[font] = lib.fluid_synth_sfload(self.synth, str(path).encode(), 0)
            if self.fonts[font] < 0:
                raise SystemExit(f"synth: FluidSynth cannot load {path}")
        self.pinned: set[tuple[int, int, int]] = set()

    def _select(self, channel: int, font: int, program: int, drums: bool) -> None:
        for bank, number in ((128, program), (128, 0)) if drums else ((0, program), (0, 0)):
            if self.lib.fluid_synth_program_select(self.synth, channel, font, bank, number) == 0:
                if (font, bank, number) not in self.pinned:
                    self.lib.fluid_synth_pin_preset(self.synth, font, bank, number)
                    self.pinned.add((font, bank, number))
                return

    def render(self, part: Part, font: str, duration: float) -> np.ndarray:
        """The part as float32 [2, samples]."""
        lib, synth = self.lib, self.synth
        total = int(round(duration * RATE))
        channel = DRUM_CHANNEL if part.drums else 0
        lib.fluid_synth_system_reset(synth)
        self._select(channel, self.fonts[font], part.program, part.drums)
        events = []
        for note in part.notes:
            start = int(note.start * RATE)
            events.append((start, 1, note.pitch, note.velocity))
            events.append((start + max(400, int(note.length * RATE)), 0, note.pitch, 0))
        events.sort()
        left, right = np.zeros(total, np.float32), np.zeros(total, np.float32)
        position = 0

        def advance(to: int) -> None:
            nonlocal position
            count = min(to, total) - position
            if count > 0:
                lib.fluid_synth_write_float(synth, count, left.ctypes.data + 4 * position, 0, 1, right.ctypes.data + 4 * position, 0, 1)
                position += count

        for at, on, pitch, velocity in events:
            advance(at)
            if position >= total:
                break
            pitch = int(np.clip(pitch, 0, 127))
            if on:
                lib.fluid_synth_noteon(synth, channel, pitch, velocity)
            else:
                lib.fluid_synth_noteoff(synth, channel, pitch)
        advance(total)
        return np.stack([left, right])


# -- wavetable instruments: endless timbres that no sound font has --------------------------------------------------

_TABLE = 2048


def _tables(rng: np.random.Generator, stem: str, program: int) -> tuple[np.ndarray, list[tuple[float, float, float]]]:
    """Four one-cycle tables (bands of harmonics) and for each (level, attack seconds, decay seconds; 0 sustains)."""
    n = np.arange(1, 65)
    tilt = rng.uniform(0.7, 1.9)
    amplitude = n ** -tilt * np.exp(rng.normal(0, 0.5, 64))
    plucked = stem in ("guitar", "bass") or (stem == "other" and program in MALLET_LIKE)
    if stem in ("guitar", "bass"):
        amplitude *= np.abs(np.sin(np.pi * n * rng.uniform(0.08, 0.35))) + 0.03        # where the string is plucked
    elif stem == "other" and rng.random() < 0.3:
        amplitude[1::2] *= rng.uniform(0.0, 0.3)                                         # hollow, like a clarinet
    elif stem == "piano":
        amplitude *= 1 - 0.85 * (np.arange(64) % 8 == 7)                                # the hammer's node
    bands, envelope = [], []
    long = {"guitar": 1.6, "bass": 1.2, "piano": 2.4, "other": 0.8}[stem] * rng.uniform(0.5, 1.5)
    for low, high in ((1, 2), (3, 6), (7, 16), (17, 64)):
        wave = np.zeros(_TABLE)
        phase = rng.uniform(0, 2 * np.pi, 64)
        x = np.arange(_TABLE) * 2 * np.pi / _TABLE
        for k in range(low, high + 1):
            wave += amplitude[k - 1] * np.sin(k * x + phase[k - 1])
        bands.append(wave)
        decay = long * (low ** -rng.uniform(0.25, 0.8)) if plucked or stem == "piano" else 0.0
        attack = rng.uniform(0.001, 0.006) if decay else rng.uniform(0.01, 0.12) * (1 + 0.3 * (low > 2))
        envelope.append((1.0, attack, decay))
    scale = np.sqrt(sum(np.mean(b ** 2) for b in bands))
    return np.stack(bands) / scale, envelope


MALLET_LIKE = (8, 9, 10, 11, 12, 13, 14, 45, 46, 108, 114)


def render_wavetable(part: Part, stem: str, duration: float, rng: np.random.Generator) -> np.ndarray:
    if part.drums:
        return _render_drums(part, duration, rng)
    total = int(round(duration * RATE))
    out = np.zeros((2, total + RATE), np.float32)
    tables, envelope = _tables(rng, stem, part.program)
    tables = np.concatenate([tables, tables[:, :1]], axis=1).astype(np.float32)
    voices = 2 if stem == "other" and rng.random() < 0.5 else 1
    detune = rng.uniform(2, 12)
    release = rng.uniform(0.03, 0.25)
    vibrato = rng.uniform(0.0, 0.25) if stem == "other" else 0.0
    noise = rng.uniform(0.0, 0.15)
    for note in part.notes:
        length = min(note.length + release * 3, duration - note.start)
        count = int(length * RATE)
        start = int(note.start * RATE)
        if count <= 0:
            continue
        t = np.arange(count, dtype=np.float32) / RATE
        gain = (note.velocity / 100) ** 2 * np.where(t > note.length, np.exp(-(t - note.length) / release), 1.0)
        hz = 440.0 * 2 ** ((note.pitch - 69) / 12)
        damping = 2 ** (-(note.pitch - 60) / 24)
        for voice in range(voices):
            cents = (voice - (voices - 1) / 2) * detune + rng.normal(0, 2)
            curve = hz * 2 ** (cents / 1200) * (1 + vibrato * 0.02 * np.sin(2 * np.pi * 5.3 * t) * np.minimum(t * 2, 1))
            phase = (np.cumsum(curve / RATE) + rng.random()) % 1.0 * _TABLE
            index = phase.astype(np.int32)
            fraction = (phase - index).astype(np.float32)
            wave = np.zeros(count, np.float32)
            for band, (level, attack, decay) in enumerate(envelope):
                if hz * (1, 3, 7, 17)[band] > 16000:
                    break
                shape = np.minimum(t / attack, 1.0)
                if decay:
                    shape = shape * np.exp(-t / (decay * damping))
                wave += level * shape * (tables[band, index] * (1 - fraction) + tables[band, index + 1] * fraction)
            if noise and envelope[0][2]:
                wave += noise * rng.standard_normal(count).astype(np.float32) * np.exp(-t / 0.01)
            wave *= gain
            side = (voice - (voices - 1) / 2) * 0.6
            out[0, start:start + count] += wave * (1 - side)
            out[1, start:start + count] += wave * (1 + side)
    return out[:, :total] * 0.1


def _render_drums(part: Part, duration: float, rng: np.random.Generator) -> np.ndarray:
    """An analogue drum machine: swept sines, filtered noise and squares."""
    total = int(round(duration * RATE))
    out = np.zeros((2, total + 2 * RATE), np.float32)
    sounds: dict[int, np.ndarray] = {}
    kick_hz, kick_decay = rng.uniform(42, 62), rng.uniform(0.12, 0.4)
    snare_hz, snare_decay, bright = rng.uniform(160, 240), rng.uniform(0.08, 0.2), rng.uniform(0.4, 0.9)
    hat_decay = rng.uniform(0.02, 0.06)

    def noise(seconds: float, decay: float, low: float, high: float) -> np.ndarray:
        count = int(seconds * RATE)
        spectrum = np.fft.rfft(rng.standard_normal(count))
        f = np.fft.rfftfreq(count, 1 / RATE)
        spectrum *= 1 / (1 + (low / np.maximum(f, 1)) ** 4) / (1 + (f / high) ** 4)
        wave = np.fft.irfft(spectrum, count)
        return wave / (np.abs(wave).max() + 1e-9) * np.exp(-np.arange(count) / RATE / decay)

    def tone(seconds: float, hz: float, decay: float, sweep: float, sweep_decay: float) -> np.ndarray:
        t = np.arange(int(seconds * RATE)) / RATE
        return np.sin(2 * np.pi * np.cumsum(hz * (1 + sweep * np.exp(-t / sweep_decay))) / RATE) * np.exp(-t / decay)

    def make(key: int) -> np.ndarray:
        if key in (35, 36):
            return 1.2 * tone(0.7, kick_hz, kick_decay, rng.uniform(2, 6), 0.02)
        if key in (38, 40):
            return 0.5 * tone(0.4, snare_hz, 0.08, 0.5, 0.02) + bright * noise(0.4, snare_decay, 900, 9000)
        if key == 37:
            return 0.6 * tone(0.1, 1600, 0.015, 0.1, 0.01)
        if key == 39:
            return 0.8 * noise(0.3, 0.07, 800, 3000)
        if key in (42, 44):
            return 0.4 * noise(0.2, hat_decay, 7000, 16000)
        if key in (46, 49, 51, 57, 52, 55):
            return 0.35 * noise(1.5, {46: 0.2, 51: 0.3}.get(key, 0.6), 4500, 15000)
        if key in (41, 43, 45, 47, 48, 50):
            return 0.9 * tone(0.6, 70 + (key - 41) * 12, 0.2, 0.6, 0.05)
        return 0.4 * noise(0.15, 0.04, 3000 + 60 * key, 12000)

    for note in part.notes:
        if note.pitch not in sounds:
            pan = rng.uniform(-0.4, 0.4) if note.pitch not in (35, 36, 38, 40) else 0.0
            wave = make(note.pitch)
            sounds[note.pitch] = np.stack([wave * (1 - pan), wave * (1 + pan)]).astype(np.float32)
        start = int(note.start * RATE)
        wave = sounds[note.pitch]
        end = min(out.shape[1], start + wave.shape[1])
        out[:, start:end] += (note.velocity / 110) ** 1.5 * wave[:, : end - start]
    return out[:, :total] * 0.3
