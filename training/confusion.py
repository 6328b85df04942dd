"""Whose sound is in each stem's error: the share of its energy in the time-frequency bins where another stem is the loudest."""
import argparse
from pathlib import Path

import numpy as np
from scipy.signal import stft

from evaluate import program_separators, read, torch_separators
from styles import STEMS


def shares(references: np.ndarray, estimates: np.ndarray) -> np.ndarray:
    """[stem, loudest stem]: each row adds up to 1."""
    spectra = lambda x: np.abs(stft(x.mean(1), 44100, nperseg=2048)[2]) ** 2  # noqa: E731
    loudest = spectra(references).argmax(0)
    error = spectra(estimates - references)
    table = np.array([[e[loudest == k].sum() for k in range(len(STEMS))] for e in error])
    return table / table.sum(1, keepdims=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model", type=Path)
    parser.add_argument("set", type=Path)
    parser.add_argument("--program", help="a metalaudio program; without it upstream's PyTorch separates")
    parser.add_argument("--songs", type=int)
    args = parser.parse_args()
    separators = program_separators(args.program, args.model) if args.program else torch_separators(args.model, None)
    tables = []
    for song in sorted(p for p in args.set.iterdir() if p.is_dir())[: args.songs]:
        references = np.stack([read(song / f"{name}.wav") for name in STEMS])
        tables.append(shares(references, separators["full"](read(song / "mixture.wav"))))
    print("| error of \\ where the loudest is | " + " | ".join(STEMS) + " |")
    print("|---" * (len(STEMS) + 1) + "|")
    for name, row in zip(STEMS, np.mean(tables, 0)):
        print(f"| {name} | " + " | ".join(f"{100 * v:.0f} %" for v in row) + " |")


if __name__ == "__main__":
    main()
