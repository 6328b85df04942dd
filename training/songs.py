"""The composer: a seed and a style make a short song as notes for six stems."""
from dataclasses import dataclass, field

import numpy as np

from styles import CHORDS, HELD_OUT_STYLES, STEMS, STYLES, TRAINING_STYLES, Style

KICK, SIDESTICK, SNARE, CLAP, SNARE2 = 36, 37, 38, 39, 40
CLOSED_HAT, PEDAL_HAT, OPEN_HAT, CRASH, RIDE, CRASH2 = 42, 44, 46, 49, 51, 57
TOMS = (50, 48, 47, 45, 43, 41)
PERCUSSION = (54, 56, 60, 61, 62, 63, 64, 69, 70, 75, 82)
CHOIRS = (52, 52, 53, 53, 54, 85, 91)


@dataclass
class Note:
    start: float          # seconds
    length: float
    pitch: int
    velocity: int


@dataclass
class Part:
    """One instrument's line. `articulation` says what the renderer may do to it."""
    program: int
    notes: list[Note] = field(default_factory=list)
    drums: bool = False
    sung: bool = False    # formant synthesis instead of the sound font
    articulation: str = ""
    level_db: float = 0.0


@dataclass
class Song:
    seed: int
    style: str
    tempo: float
    duration: float
    parts: dict[str, list[Part]]


@dataclass
class _Bar:
    start: float
    step: float
    steps: int
    root: int             # pitch class
    chord: tuple[int, ...]


class Composer:
    def __init__(self, seed: int, style: Style, duration: float):
        self.rng = np.random.default_rng([seed, 0x50A6])
        self.style, self.duration, self.seed = style, duration, seed
        rng = self.rng
        self.tempo = float(rng.uniform(*style.tempo))
        self.step = 60.0 / self.tempo / 4
        self.swing = float(rng.uniform(*style.swing))
        self.key = int(rng.integers(12))
        progression = [_parse(token) for token in self.pick(style.progressions).split()]
        self.minor = progression[0][1] in ("m", "m7")
        self.scale = (0, 2, 3, 5, 7, 8, 10) if self.minor else (0, 2, 4, 5, 7, 9, 11)
        if rng.random() < 0.2:
            self.scale = (0, 3, 5, 7, 10) if self.minor else (0, 2, 4, 7, 9)
        # Slow harmony holds a chord for two bars, quick harmony puts two in one.
        per_bar = 1 if self.tempo < 150 else int(rng.integers(1, 3))
        bar_seconds = self.step * style.steps
        self.bars = []
        shift = int(rng.integers(len(progression)))
        for index in range(int(np.ceil(duration / bar_seconds))):
            degree, quality = progression[(index // per_bar + shift) % len(progression)]
            if quality in "Mm" and rng.random() < style.seventh:
                quality = {"M": "J", "m": "m7"}[quality]
            self.bars.append(_Bar(index * bar_seconds, self.step, style.steps, (self.key + degree) % 12, CHORDS[quality]))

    # -- small tools -------------------------------------------------------
    def pick(self, options):
        return options[int(self.rng.integers(len(options)))]

    def chance(self, probability: float) -> bool:
        return bool(self.rng.random() < probability)

    def time(self, bar: _Bar, step: float) -> float:
        late = self.swing * bar.step if int(step) % 2 else 0.0
        if self.swing > 0.28 and int(step) % 4 == 2:      # triplet feel moves the eighths
            late = self.swing * 2 * bar.step
        return max(0.0, bar.start + step * bar.step + late + float(self.rng.normal(0, 0.003)))

    def velocity(self, base: float, spread: float = 7) -> int:
        return int(np.clip(self.rng.normal(base, spread), 25, 127))

    def near(self, pitch_class: int, centre: int) -> int:
        """The pitch of this class that lies nearest to centre."""
        return centre + (pitch_class - centre + 6) % 12 - 6

    def voicing(self, bar: _Bar, centre: int) -> list[int]:
        """A close voicing around centre; the order differs with centre, so chords lead smoothly."""
        return sorted({self.near((bar.root + interval) % 12, centre) for interval in bar.chord})

    def in_scale(self, index: int, centre: int) -> int:
        octave, degree = divmod(index, len(self.scale))
        return self.near(self.key, centre) + 12 * octave + self.scale[degree]

    def rhythm(self, bar: _Bar, density: float) -> list[int]:
        """Steps on which something is struck: likelier on strong beats."""
        strength = [1.0 if s % 4 == 0 else 0.7 if s % 2 == 0 else 0.35 for s in range(bar.steps)]
        return [s for s in range(bar.steps) if self.rng.random() < strength[s] * density * 1.4]

    # -- stems ---------------------------------------------------------------
    def drums(self) -> list[Part]:
        style, rng = self.style, self.rng
        part = Part(self.pick(style.kits), drums=True)
        kick, snare, cymbal = self.pick(style.drums)
        on_ride = self.chance(style.ride)
        snare_key = SIDESTICK if self.chance(0.12) else self.pick((SNARE, SNARE, SNARE2))
        clap = style.name in ("electronic", "house", "disco", "hiphop", "synthwave") and self.chance(0.4)
        extra = self.pick(PERCUSSION) if self.chance(style.percussion) else None
        extra_steps = self.pick(((0, 2, 4, 6, 8, 10, 12, 14), (0, 3, 6, 8, 11, 14), (2, 6, 10, 14), tuple(range(16))))
        loud = {"X": 112, "x": 92, "o": 50}
        open_hat = self.pick((None, None, 14, 2, 6))
        fill_every = self.pick((2, 4, 4, 8))
        for index, bar in enumerate(self.bars):
            fill = (index + 1) % fill_every == 0 and self.chance(0.7)
            fill_from = bar.steps - self.pick((4, 4, 8)) if fill else bar.steps
            if index % 4 == 0 and self.chance(0.7):
                self.hit(part, bar, 0, self.pick((CRASH, CRASH2)), 100)
            for step in range(bar.steps):
                if step >= fill_from:
                    if self.chance(0.8):
                        tom = TOMS[min(5, int((step - fill_from) / (bar.steps - fill_from) * 6))]
                        self.hit(part, bar, step, self.pick((tom, tom, snare_key)), 95)
                    if step % 4 == 0:
                        self.hit(part, bar, step, KICK, 95)
                    continue
                for line, key in ((kick, KICK), (snare, snare_key)):
                    mark = line[step]
                    if mark == "." and self.chance(0.02):
                        mark = "o"
                    if mark != ".":
                        self.hit(part, bar, step, key, loud[mark])
                        if key == snare_key and clap and mark == "X":
                            self.hit(part, bar, step, CLAP, 90)
                if cymbal[step] != ".":
                    key = RIDE if on_ride else OPEN_HAT if step == open_hat else CLOSED_HAT
                    self.hit(part, bar, step, key, loud[cymbal[step]] - 12)
                if on_ride and step % 8 == 4:
                    self.hit(part, bar, step, PEDAL_HAT, 70)
                if extra is not None and step in extra_steps:
                    self.hit(part, bar, step, extra, 80 if step % 4 == 0 else 62)
        return [part]

    def hit(self, part: Part, bar: _Bar, step: int, key: int, velocity: int) -> None:
        part.notes.append(Note(self.time(bar, step), 0.12, key, self.velocity(velocity, 6)))

    def bass(self) -> list[Part]:
        kind = self.pick(self.style.bass)
        part = Part(self.pick(self.style.bass_programs), articulation=kind)
        centre = int(self.rng.integers(34, 42))
        offbeat = self.pick(((0, 3, 6, 8, 11, 14), (0, 6, 8, 14), (0, 3, 8, 10), (0, 4, 7, 10, 12)))
        for index, bar in enumerate(self.bars):
            root = self.near(bar.root, centre)
            fifth = root + 7 if root < centre else root - 5
            after = self.near(self.bars[(index + 1) % len(self.bars)].root, centre)
            n = bar.steps

            def put(step: float, length: float, pitch: int, velocity: int = 98) -> None:
                part.notes.append(Note(self.time(bar, step), max(0.06, length * bar.step * 0.94), pitch, self.velocity(velocity)))

            if kind in ("eighths", "pulse", "gallop"):
                pattern = range(0, n, 2) if kind == "eighths" else range(n) if kind == "pulse" else [s for s in range(n) if s % 4 != 1]
                for step in pattern:
                    high = 12 if kind == "pulse" and step % 4 == 3 and self.chance(0.3) else 0
                    put(step, 2 if kind == "eighths" else 1, root + high, 104 if step % 4 == 0 else 90)
            elif kind == "roots":
                put(0, 6, root, 105)
                put(n // 2, 4, root if self.chance(0.6) else fifth)
                if self.chance(0.5):
                    put(n - 2, 2, after - 2 if self.chance(0.5) else fifth, 88)
            elif kind == "long":
                put(0, n * 0.75, root, 105)
                if self.chance(0.5):
                    put(n * 0.75, n * 0.25, fifth, 90)
            elif kind == "rootfifth":
                for beat in range(0, n, 4):
                    put(beat, 3, root if beat % 8 == 0 else fifth, 100)
            elif kind in ("walking", "shuffle"):
                line = [root, root + self.pick(bar.chord[1:]), fifth, after + self.pick((-2, -1, 1, 2))]
                for beat in range(n // 4):
                    put(beat * 4, 4, line[beat % 4], 98)
                    if kind == "shuffle" or self.chance(0.15):
                        put(beat * 4 + 2, 1.5, line[beat % 4], 84)
            elif kind in ("octave", "offbeat"):
                for step in range(0, n, 2):
                    if kind == "octave":
                        put(step, 1.7, root + (12 if step % 4 == 2 else 0), 100)
                    elif step % 4 == 2:
                        put(step, 1.8, root, 104)
            elif kind == "tumbao":
                for step, pitch in ((3, fifth), (6, root), (12, after)):
                    if step < n:
                        put(step, 4, pitch, 100)
                if index == 0:
                    put(0, 3, root)
            else:  # funk, syncopated, dub, riff
                for step in offbeat:
                    if step < n and self.chance(0.9):
                        pitch = root if self.chance(0.65) else self.pick((fifth, root + 12, root + bar.chord[-1] - 12 if kind == "dub" else root + 10))
                        put(step, 1.2 if kind == "funk" else 2.5, pitch, 100)
                if kind == "funk" and self.chance(0.5):
                    put(n - 1, 0.8, root + 12, 92)
        return [part]

    def chordal(self, kind: str, centre: int, part: Part, strummed: bool = False) -> None:
        """Accompaniment shared by piano, guitar and 'other': writes `kind` into part."""
        rng = self.rng
        figure = self.pick(((0, 3, 6, 10, 12), (0, 4, 6, 10, 14), (2, 6, 10, 14), (0, 6, 12), (3, 7, 11, 14)))
        spread = float(rng.uniform(0.008, 0.022)) if strummed else float(rng.uniform(0, 0.006))
        walk = int(rng.integers(0, 4))
        for index, bar in enumerate(self.bars):
            chord = self.voicing(bar, centre)
            if strummed and len(chord) < 5:
                chord = sorted(chord + [p + 12 for p in chord[:2]] + ([chord[0] - 12] if chord[0] > centre - 8 else []))
            n = bar.steps

            def strike(step: float, length: float, pitches, velocity: float = 92, up: bool = False) -> None:
                start = self.time(bar, step)
                for k, pitch in enumerate(reversed(pitches) if up else pitches):
                    part.notes.append(Note(start + k * spread, max(0.05, length * bar.step * 0.95), int(pitch), self.velocity(velocity, 6)))

            if kind in ("block", "pad", "chords", "power"):
                if kind == "power":
                    root = self.near(bar.root, centre - 6)
                    chord = [root, root + 7, root + 12]
                    beats = figure if self.chance(0.5) else range(0, n, self.pick((2, 4)))
                else:
                    beats = (0,) if kind == "pad" else (0, n // 2) if self.chance(0.5) or kind == "chords" else range(0, n, 4)
                beats = [b for b in beats if b < n] or [0]
                for k, beat in enumerate(beats):
                    end = beats[k + 1] if k + 1 < len(beats) else n
                    strike(beat, end - beat, chord, 96 if kind != "pad" else 84)
            elif kind in ("eighths", "octaves"):
                for step in range(0, n, 2):
                    strike(step, 1.6, chord if kind == "eighths" else [chord[0] - 12, chord[0]] if step % 8 else chord, 98 if step % 4 == 0 else 82)
            elif kind == "strum":
                for step in range(0, n, 2):
                    if step % 4 == 0 or self.chance(0.65):
                        strike(step, 2.4, chord if step % 4 == 0 else chord[-4:], 98 if step % 8 == 0 else 82, up=step % 4 == 2)
            elif kind in ("stabs", "skank", "scratch", "clav", "comp", "montuno"):
                if kind == "skank":
                    beats = [s for s in range(n) if s % 4 == 2]
                elif kind == "scratch":
                    beats = [s for s in range(n) if self.rng.random() < (0.75 if s % 2 == 0 else 0.45)]
                elif kind in ("clav", "montuno"):
                    beats = [s for s in range(n) if s in (0, 2, 3, 5, 6, 8, 10, 11, 13, 14)]
                else:
                    beats = [s for s in figure if s < n]
                for beat in beats:
                    pitches = chord
                    if kind in ("clav", "montuno"):
                        note = chord[(beat + walk) % len(chord)]
                        pitches = [note, note + 12] if kind == "montuno" else [note - 12 if beat % 4 else note]
                    strike(beat, 0.9 if kind in ("scratch", "clav") else 1.5, pitches, 100 if beat % 4 == 0 else 86, up=beat % 2 == 1)
            elif kind in ("arpeggio", "ballad", "chug", "stride", "waltz"):
                wide = sorted(set(chord + [p + 12 for p in chord]))
                if kind == "arpeggio":
                    unit = 1 if self.tempo < 100 and self.seed % 2 else 2
                    order = wide if walk < 2 else wide + wide[-2:0:-1] if walk == 2 else wide[::-1]
                    for k, step in enumerate(range(0, n, unit)):
                        strike(step, unit * 2.2, [order[k % len(order)]], 96 if step % 4 == 0 else 82)
                elif kind == "ballad":
                    strike(0, n, [self.near(bar.root, centre - 14)], 90)
                    for step in range(2, n, 2):
                        strike(step, 4, [wide[(step // 2 + walk) % len(wide)]] if step % 4 else chord, 80)
                elif kind == "chug":
                    root = self.near(bar.root, centre - 10)
                    for step in range(n):
                        if step % 4 == 0 or self.chance(0.65):
                            strike(step, 0.8, [root, root + 7] if step % 8 == 0 else [root], 108 if step % 4 == 0 else 92)
                else:
                    low = self.near(bar.root, centre - 14)
                    for beat in range(0, n, 4):
                        first = beat == 0 if kind == "waltz" else beat % 8 == 0
                        strike(beat, 2.5, [low, low + 12] if first and self.chance(0.3) else [low] if first else chord, 92)
            else:
                raise ValueError(f"unknown figure {kind}")

    def line(self, part: Part, centre: int, density: tuple[float, float], low: int, high: int, gap: float) -> None:
        """A melody: a walk on the scale, drawn to chord notes on strong beats, in phrases."""
        rng = self.rng
        position = int(rng.integers(-3, 5))
        dense = float(rng.uniform(*density))
        motif = None
        pending: list[tuple[float, int, int]] = []
        for index, bar in enumerate(self.bars):
            if motif is None or self.chance(0.45):
                motif = self.rhythm(bar, dense) or [0]
            if index > 0 and index % 2 == 1 and self.chance(gap):
                motif_here = motif[: max(1, len(motif) // 2)]
            else:
                motif_here = motif
            for step in motif_here:
                position += int(self.pick((-2, -1, -1, 0, 1, 1, 2, int(rng.integers(-4, 5)))))
                pitch = self.in_scale(position, centre)
                if pitch > high or pitch < low:
                    position = int(rng.integers(-2, 3))
                    pitch = self.in_scale(position, centre)
                if step % 4 == 0:
                    options = [self.near((bar.root + i) % 12, pitch) for i in bar.chord]
                    pitch = min(options, key=lambda p: abs(p - pitch))
                pending.append((self.time(bar, step), int(np.clip(pitch, low, high)), self.velocity(98 if step % 4 == 0 else 90)))
        for k, (start, pitch, velocity) in enumerate(pending):
            end = pending[k + 1][0] if k + 1 < len(pending) else self.duration
            longest = float(rng.choice((0.35, 0.8, 1.6, 2.4)))
            if end - start > 0.04:
                part.notes.append(Note(start, min((end - start) * float(rng.uniform(0.85, 1.0)), longest), pitch, velocity))

    def piano(self) -> list[Part]:
        kind, program = self.pick(self.style.piano), self.pick(self.style.piano_programs)
        part = Part(program, articulation=kind)
        centre = int(self.rng.integers(60, 74))
        if kind == "melody":
            self.line(part, centre + 7, (0.5, 0.85), 55, 94, 0.2)
            self.chordal("pad" if self.chance(0.5) else "stabs", centre - 5, part)
        else:
            self.chordal(kind, centre, part)
            if self.chance(0.4):
                for bar in self.bars:                    # a left hand
                    root = self.near(bar.root, centre - 19)
                    for step in (0, bar.steps // 2):
                        part.notes.append(Note(self.time(bar, step), bar.step * bar.steps * 0.45, root, self.velocity(88)))
        return [part]

    def guitar(self) -> list[Part]:
        kind, program = self.pick(self.style.guitar), self.pick(self.style.guitar_programs)
        part = Part(program, articulation=kind)
        centre = int(self.rng.integers(50, 60))
        if kind in ("riff", "melody"):
            self.line(part, centre, (0.5, 0.9), 40, 84, 0.15)
        else:
            self.chordal(kind, centre, part, strummed=kind in ("strum", "skank", "scratch", "comp", "block"))
        parts = [part]
        if self.chance(0.25):                            # a second guitar
            second = Part(self.pick(self.style.guitar_programs), articulation="lead", level_db=-3.0)
            if kind in ("riff", "melody"):
                self.chordal("strum" if program < 29 else "power", centre, second, strummed=True)
            else:
                self.line(second, centre + 12, (0.3, 0.7), 45, 88, 0.4)
            parts.append(second)
        return parts

    def other(self) -> list[Part]:
        parts = []
        for layer in range(2 if self.chance(0.4) else 1):
            kind, program = self.pick(self.style.other), self.pick(self.style.other_programs)
            part = Part(program, articulation=kind, level_db=-4.0 * layer)
            centre = int(self.rng.integers(64, 78))
            if kind in ("melody", "counter"):
                self.line(part, centre + 4, (0.4, 0.8) if kind == "melody" else (0.15, 0.4), 48, 96, 0.2)
            else:
                self.chordal(kind, centre, part)
            parts.append(part)
        return parts

    def vocals(self) -> list[Part]:
        sung = self.chance(0.72)
        lead = Part(self.pick(CHOIRS), sung=sung, articulation="lead")
        low_voice = self.chance(0.45)
        centre, low, high = (54, 43, 67) if low_voice else (65, 55, 81)
        centre += int(self.rng.integers(-3, 4))
        if not sung and self.chance(0.4):
            self.chordal(self.pick(("pad", "chords")), centre, lead)
        else:
            self.line(lead, centre, self.style.melody_density, low, high, 0.25)
        parts = [lead]
        if self.chance(0.3):                             # harmony a third or so above, or a choir behind
            if self.chance(0.6):
                interval = self.pick((3, 4, -5, -12, 7))
                harmony = Part(self.pick(CHOIRS), sung=sung and self.chance(0.8), articulation="harmony", level_db=-5.0)
                harmony.notes = [Note(n.start + 0.01, n.length, n.pitch + interval, n.velocity) for n in lead.notes]
            else:
                harmony = Part(self.pick((52, 53)), articulation="choir", level_db=-7.0)
                self.chordal("pad", centre + 5, harmony)
            parts.append(harmony)
        return parts

    def song(self) -> Song:
        parts = {stem: getattr(self, stem)() for stem in STEMS}
        for lines in parts.values():
            for part in lines:
                part.notes = sorted((n for n in part.notes if n.start < self.duration - 0.05), key=lambda n: (n.start, n.pitch))
        return Song(self.seed, self.style.name, self.tempo, self.duration, parts)


def _parse(token: str) -> tuple[int, str]:
    """"10M" -> (10, "M"), "2m7" -> (2, "m7")."""
    digits = 2 if token[:2].isdigit() else 1
    return int(token[:digits]), token[digits:]


def compose(seed: int, duration: float = 12.0, style: str | None = None, held_out_styles: bool = False) -> Song:
    """The song of a seed. Without a style one is drawn from the training or the held-out styles."""
    if style is None:
        pool = HELD_OUT_STYLES if held_out_styles else TRAINING_STYLES
        style = pool[int(np.random.default_rng([seed, 0x57]).integers(len(pool)))].name
    if style not in STYLES:
        raise SystemExit(f"songs: no style {style!r}; there are {', '.join(STYLES)}")
    return Composer(seed, STYLES[style], duration).song()
