"""Songs as audio: six stems of int16, on disk as one .npy per batch or as WAV folders for the judge."""
import argparse
import multiprocessing
import os
import sys
import time
from pathlib import Path

import numpy as np

import effects
import synth
import voice
from songs import Part, Song, compose
from styles import STEMS, STYLES

RATE = synth.RATE
TRAINING_FONTS = ("fluid", "musescore", "opl3")
HELD_OUT_FONT = "timgm"
WAVETABLE = "wavetable"
# Shares of the training stems; each stem of a training song draws its own instrument maker.
MIXED_SHARES = {"fluid": 0.42, "musescore": 0.38, "opl3": 0.07, WAVETABLE: 0.13}
# The piano is quiet in a mix of equal voices and is then never learned: every stem is set to the same energy, give or take.
LEVEL_SPREAD_DB = 2.5


class Renderer:
    def __init__(self, fonts: tuple[str, ...]):
        self.fonts = fonts
        self.synth = synth.FluidSynth(tuple(f for f in fonts if f != WAVETABLE))

    def _part(self, part: Part, stem: str, font: str, song: Song, rng: np.random.Generator) -> np.ndarray:
        if part.sung:
            x = np.stack([voice.sing(part, song.duration, int(rng.integers(1 << 31)))] * 2)
            if rng.random() < 0.3:                       # doubled
                twin = voice.sing(part, song.duration, int(rng.integers(1 << 31)))
                x = x * 0.8 + np.stack([twin * 0.7, twin * 0.3])
            return x
        if font == WAVETABLE and stem != "vocals":
            return synth.render_wavetable(part, stem, song.duration, rng)
        return self.synth.render(part, font if font != WAVETABLE else self.fonts[0], song.duration)

    def stem(self, song: Song, stem: str, font: str, stage: "Stage", rng: np.random.Generator) -> np.ndarray:
        total = int(round(song.duration * RATE))
        out = np.zeros((2, total), np.float32)
        wet, seconds = stage.wet_db + float(rng.uniform(-4, 2)), stage.seconds * float(rng.uniform(0.7, 1.2))
        if stem in ("bass", "drums"):
            wet -= 10 if stem == "bass" else 3
        for number, part in enumerate(song.parts[stem]):
            x = self._part(part, stem, font, song, rng)
            rms = np.sqrt(np.mean(x ** 2)) + 1e-9
            x = x / rms * 0.1
            with_cabinet = False
            if stem == "guitar":
                if part.program in (29, 30) and rng.random() < 0.5 or part.program in (26, 27, 28) and rng.random() < 0.2:
                    x, with_cabinet = effects.drive(x, float(rng.uniform(6, 26)), rng), True
                elif part.program in (29, 30, 27) and rng.random() < 0.4:
                    with_cabinet = True
            elif stem in ("bass", "piano", "other") and rng.random() < 0.08:
                x = effects.drive(x, float(rng.uniform(2, 12)), rng)
            if rng.random() < 0.5:
                x = effects.compress(x, float(rng.uniform(1.5, 5)), float(rng.uniform(4, 16)))
            pan, width = stage.position(stem, number, rng)
            x = effects.place(x, pan, width)
            out += x * 10 ** (part.level_db / 20) * 0.1 / (np.sqrt(np.mean(x ** 2)) + 1e-9)
        if rng.random() < 0.1 and stem in ("vocals", "guitar", "piano", "other"):    # an echo in time with the music
            delay = int(60 / song.tempo * RATE * float(rng.choice((0.5, 0.75, 1.0))))
            echo = np.zeros_like(out)
            echo[:, delay:] = out[::-1, : total - delay] * rng.uniform(0.15, 0.4)
            out = out + echo
        return effects.room(out, rng, wet, seconds, 4.0 if stem != "drums" else 2.5, with_cabinet)

    def song(self, song: Song, font: str | None, seed: int) -> np.ndarray:
        """int16 [6, 2, samples]; font None draws one for each stem."""
        rng = np.random.default_rng([seed, 0xA0D10])
        stems = []
        shares = {k: v for k, v in MIXED_SHARES.items() if k in self.fonts or k == WAVETABLE}
        weights = np.array(list(shares.values())) / sum(shares.values())
        stage = Stage(song, rng)
        one_font = 0.4 if font else 0.5                  # the judge's songs are what they were when this was 0.4 for all
        same = list(shares)[int(rng.choice(len(shares), p=weights))] if rng.random() < one_font else None
        for stem in STEMS:
            drawn = same or list(shares)[int(rng.choice(len(shares), p=weights))]
            x = self.stem(song, stem, font or drawn, stage, np.random.default_rng([seed, STEMS.index(stem), 0xF]))
            x = effects.limit(x, 19.0 if stem == "drums" else 15.0)
            level = float(rng.uniform(-LEVEL_SPREAD_DB, LEVEL_SPREAD_DB))
            stems.append(x * (0.08 * 10 ** (level / 20) / (np.sqrt(np.mean(x ** 2)) + 1e-7)))
        audio = np.stack(stems)
        fade = np.minimum(1, np.arange(audio.shape[-1])[::-1] / (0.05 * RATE))
        audio *= fade
        audio *= min(1.0, 0.97 / np.abs(audio.sum(0)).max(), 0.97 / np.abs(audio).max())
        return np.round(audio * 32767).astype(np.int16)


class Stage:
    """Where the players of one song stand, and the room around them.

    As on most records the voice, bass and drums are in the middle; guitar and piano share the sides between them, and
    the rest is opposite the guitar or spread wide.
    """

    def __init__(self, song: Song, rng: np.random.Generator):
        style = STYLES[song.style]
        self.wet_db, self.seconds = float(rng.uniform(*style.wet)) - 3.0, float(rng.uniform(0.25, 1.5))
        side = 1.0 if rng.random() < 0.5 else -1.0
        self.side = {"guitar": side, "piano": -side, "other": -side if rng.random() < 0.5 else side}
        self.narrow = rng.random() < 0.12                # an almost mono mix

    def position(self, stem: str, number: int, rng: np.random.Generator) -> tuple[float, float]:
        """(pan, width) of a stem's part."""
        if stem == "bass":
            return float(rng.normal(0, 0.03)), float(rng.uniform(0, 0.2))
        if stem == "vocals":
            return float(rng.normal(0, 0.05) if number == 0 else rng.uniform(-0.6, 0.6)), float(rng.uniform(0, 0.8))
        if stem == "drums":
            return float(rng.normal(0, 0.04)), float(rng.uniform(0.3, 1))
        if self.narrow:
            return float(rng.normal(0, 0.1)), float(rng.uniform(0.2, 1))
        side = self.side[stem] * (-1 if number else 1)
        low, high = {"guitar": (0.3, 0.85), "piano": (0.2, 0.7), "other": (0.0, 0.6)}[stem]
        return side * float(rng.uniform(low, high)), float(rng.uniform(0.2, 1))


# -- sets --------------------------------------------------------------------------------------------------------------

HELD_OUT_SECONDS = 15.0


def held_out_song(kind: str, index: int) -> tuple[Song, str, int]:
    """(song, font, seed) of the judge's sets: 'known' shares sound fonts with training, 'unseen' shares neither font nor style."""
    if kind == "known":
        seed, font = 2_000_000_000 + index, ("fluid", "musescore")[index % 2]
        return compose(seed, HELD_OUT_SECONDS), font, seed
    if kind == "unseen":
        seed = 2_100_000_000 + index
        return compose(seed, HELD_OUT_SECONDS, held_out_styles=True), HELD_OUT_FONT, seed
    raise SystemExit(f"render: no held-out set {kind!r}; there are known and unseen")


def held_out_fonts(kind: str) -> tuple[str, ...]:
    return ("fluid", "musescore") if kind == "known" else (HELD_OUT_FONT,)


def write_wavs(folder: Path, stems: np.ndarray) -> None:
    try:
        import soundfile
    except ImportError:
        raise SystemExit("render: package soundfile is missing (pip install soundfile)")
    folder.mkdir(parents=True, exist_ok=True)
    for name, x in zip(STEMS, stems):
        soundfile.write(folder / f"{name}.wav", x.T, RATE, subtype="PCM_16")
    mix = np.clip(stems.astype(np.int32).sum(0), -32768, 32767).astype(np.int16)
    soundfile.write(folder / "mixture.wav", mix.T, RATE, subtype="PCM_16")


def _work(job: tuple) -> None:
    """Renders one shard of training songs; a shard appears under its name only when it is whole."""
    out, first, count, duration, fonts = job
    global _renderer
    if "_renderer" not in globals():
        _renderer = Renderer(fonts)
    path = Path(out) / f"shard-{first:07d}.npy"
    if path.exists():
        return
    songs = np.stack([_renderer.song(compose(seed, duration), None, seed) for seed in range(first, first + count)])
    part = path.with_suffix(".part")
    with open(part, "wb") as file:
        np.save(file, songs)
    os.rename(part, path)


def render_shards(out: Path, first: int, songs: int, duration: float, workers: int, fonts: tuple[str, ...], per_shard: int = 4) -> None:
    out.mkdir(parents=True, exist_ok=True)
    for font in fonts:
        synth.find_sound_font(font)
    jobs = [(str(out), first + k, per_shard, duration, fonts) for k in range(0, songs, per_shard)]
    start = time.time()
    with multiprocessing.get_context("fork").Pool(workers) as pool:
        for done, _ in enumerate(pool.imap_unordered(_work, jobs), 1):
            if done % 50 == 0 or done == len(jobs):
                print(f"rendered {done * per_shard} songs in {time.time() - start:.0f} s", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    shards = commands.add_parser("shards", help="training songs as .npy shards")
    shards.add_argument("out", type=Path)
    shards.add_argument("--first-seed", type=int, default=1)
    shards.add_argument("--songs", type=int, default=64)
    shards.add_argument("--seconds", type=float, default=12.0)
    shards.add_argument("--workers", type=int, default=os.cpu_count())
    shards.add_argument("--fonts", nargs="+", default=TRAINING_FONTS, choices=TRAINING_FONTS)
    held_out = commands.add_parser("held-out", help="a held-out set as WAV folders, or as one .npy")
    held_out.add_argument("kind", choices=("known", "unseen"))
    held_out.add_argument("out", type=Path)
    held_out.add_argument("--songs", type=int, default=20)
    held_out.add_argument("--npy", action="store_true")
    args = parser.parse_args()
    if args.command == "shards":
        render_shards(args.out, args.first_seed, args.songs, args.seconds, args.workers, tuple(args.fonts))
        return
    renderer = Renderer(held_out_fonts(args.kind))
    rendered = []
    for index in range(args.songs):
        song, font, seed = held_out_song(args.kind, index)
        stems = renderer.song(song, font, seed)
        print(f"{args.kind} {index:02d}: {song.style}, {song.tempo:.0f} bpm, {font}", flush=True)
        if args.npy:
            rendered.append(stems)
        else:
            write_wavs(args.out / f"{index:02d}-{song.style}", stems)
    if args.npy:
        args.out.parent.mkdir(parents=True, exist_ok=True)
        np.save(args.out, np.stack(rendered))


if __name__ == "__main__":
    sys.exit(main())
