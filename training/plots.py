"""Draws the training's loss and validation curves from its CSV logs."""
import argparse
import csv
from pathlib import Path

from styles import STEMS


def read(path: Path) -> list[dict]:
    if not path.exists():
        raise SystemExit(f"plots: no log {path}")
    with open(path, newline="") as file:
        return list(csv.DictReader(file))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, help="holds train.csv and validation.csv; curves.png is written there")
    args = parser.parse_args()
    try:
        import matplotlib
    except ImportError:
        raise SystemExit("plots: package matplotlib is missing (pip install matplotlib)")
    matplotlib.use("Agg")
    from matplotlib import pyplot
    train, validation = read(args.folder / "train.csv"), read(args.folder / "validation.csv")
    figure, (left, right) = pyplot.subplots(1, 2, figsize=(9, 3.4))
    steps = [int(r["step"]) for r in train]
    for key, label in (("sdr", "full"), ("sdr_time_only", "time-only")):
        left.plot(steps, [float(r[key]) for r in train], label=label, linewidth=0.9)
    left.set(title="training batches", xlabel="step", ylabel="mean SDR of a crop (dB)")
    left.legend(fontsize=8)
    for kind, style in (("known", "-"), ("unseen", "--")):
        rows = [r for r in validation if r["set"] == kind]
        for k, stem in enumerate(STEMS):
            right.plot([int(r["step"]) for r in rows], [float(r[stem]) for r in rows], style, color=f"C{k}", linewidth=0.9,
                       label=stem if kind == "known" else None)
    right.set(title="held out: known font —, unseen - -", xlabel="step", ylabel="SDR (dB)")
    right.legend(fontsize=7)
    figure.tight_layout()
    figure.savefig(args.folder / "curves.png", dpi=75)


if __name__ == "__main__":
    main()
