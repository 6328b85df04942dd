"""What the model does to a real recording whose guitar is known: a song of the Debian package fretsonfire-songs-muldjord.

The package carries each song as guitar.ogg and song.ogg (the rest of the band). Prints the energy that each stem gets,
and the guitar's SDR. The songs are by Muldjord, CC BY-SA 3.0; nothing of them is kept here.
"""
import argparse
import json
from pathlib import Path

import numpy as np
import soundfile

from evaluate import sdr, torch_separators
from styles import STEMS

FOLDER = Path("/usr/share/games/fretsonfire/data/songs/muldjord/armygeddon")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", type=Path)
    parser.add_argument("--song", type=Path, default=FOLDER, help="a folder with guitar.ogg and song.ogg")
    parser.add_argument("--start", type=float, default=60.0)
    parser.add_argument("--seconds", type=float, default=20.0)
    args = parser.parse_args()
    tracks = {}
    for name in ("guitar", "song"):
        path = args.song / f"{name}.ogg"
        if not path.exists():
            raise SystemExit(f"real_recording: {path} is missing (Debian package fretsonfire-songs-muldjord)")
        rate = soundfile.info(path).samplerate
        if rate != 44100:
            raise SystemExit(f"real_recording: {path} is at {rate} Hz, expected 44100")
        x, _ = soundfile.read(path, start=int(args.start * rate), frames=int(args.seconds * rate), dtype="float32", always_2d=True)
        tracks[name] = np.repeat(x.T, 2, 0)[:2] if x.shape[1] == 1 else x.T
    mix = tracks["guitar"] + tracks["song"]
    level = lambda x: round(10 * float(np.log10(np.mean(np.square(x)) + 1e-12)), 1)  # noqa: E731
    report = {"mix_db": level(mix), "guitar_db": level(tracks["guitar"]), "rest_db": level(tracks["song"]),
              "mix_as_guitar_sdr": round(sdr(tracks["guitar"], mix), 2)}
    for mode, separate in torch_separators(args.model, None).items():
        stems = separate(mix)
        report[mode] = {"stem_db": {n: level(s) for n, s in zip(STEMS, stems)}, "guitar_sdr": round(sdr(tracks["guitar"], stems[4]), 2),
                        "sum_error_db": round(level(stems.sum(0) - mix) - level(mix), 1)}
    print(json.dumps(report, indent=1))


if __name__ == "__main__":
    main()
