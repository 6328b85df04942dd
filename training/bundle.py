"""Makes the two recordings that the repository carries: the song of the SDR test and the clip of `make demo`.

Both are held-out songs with a known sound font, numbers past the judge's twenty. The six stems of the test song are Ogg
Vorbis and its mixture is FLAC, the sum of the stems as they decode. sdr.json holds what upstream's PyTorch reaches.
"""
import argparse
import json
from pathlib import Path

import numpy as np
import soundfile

from evaluate import judge, torch_separators
from render import RATE, Renderer, held_out_fonts, held_out_song
from styles import STEMS


def render(number: int, seconds: float) -> tuple[str, np.ndarray]:
    song, font, seed = held_out_song("known", number)
    stems = Renderer(held_out_fonts("known")).song(song, font, seed)[..., : int(seconds * RATE)].astype(np.float32) / 32768
    return f"{song.style}, {song.tempo:.0f} bpm, sound font {font}, seed {seed}", stems


def test_song(folder: Path, number: int, seconds: float, model: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    about, stems = render(number, seconds)
    for name, x in zip(STEMS, stems):
        soundfile.write(folder / f"{name}.ogg", x.T, RATE, format="OGG", subtype="VORBIS", compression_level=0.6)
    decoded = np.stack([soundfile.read(folder / f"{name}.ogg", dtype="float32", always_2d=True)[0].T for name in STEMS])
    soundfile.write(folder / "mixture.flac", decoded.sum(0).T, RATE, subtype="PCM_16")
    mix = soundfile.read(folder / "mixture.flac", dtype="float32", always_2d=True)[0].T
    figures = {"song": about, "by": "demucs 4.1.0 on PyTorch, the shipped float16 weights, apply_model(shifts=0, split=True, overlap=0.25) "
               "on the track normalised by its mono mean and deviation; time-only as training/model.py defines it"}
    for mode, separate in torch_separators(model, None).items():
        figures[mode] = judge(decoded, separate(mix), mix)
    (folder / "sdr.json").write_text(json.dumps(figures, indent=1) + "\n")
    print(json.dumps(figures, indent=1))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("root", type=Path, help="the repository")
    parser.add_argument("--song", type=int, required=True)
    parser.add_argument("--clip", type=int, required=True)
    args = parser.parse_args()
    test_song(args.root / "tests/golden/demo_song", args.song, 10.0, args.root / "models/demo_6s.safetensors")
    about, stems = render(args.clip, 15.0)
    soundfile.write(args.root / "models/demo_clip.ogg", stems.sum(0).T, RATE, format="OGG", subtype="VORBIS", compression_level=0.3)
    print("clip:", about)


if __name__ == "__main__":
    main()
