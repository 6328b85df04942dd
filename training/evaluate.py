"""The judge: SDR tables of held-out sets for upstream PyTorch (full and time-only) or for the metalaudio program.

    evaluate.py MODEL SET_DIR...                       PyTorch, full and time-only
    evaluate.py MODEL SET_DIR... --program metalaudio  `metalaudio separate` instead

A set is a folder of songs; a song is a folder of drums.wav ... piano.wav and mixture.wav (render.py held-out).
SDR is 10 log10(|s|^2 / |s - e|^2) over the whole track and both channels. A silent reference does not count.
"""
import argparse
import json
import shutil
import subprocess
import tempfile
from pathlib import Path

import numpy as np

from styles import STEMS

SILENT_DB = -60.0         # a reference quieter than this is no stem to judge


def read(path: Path) -> np.ndarray:
    import soundfile
    if not path.exists():
        raise SystemExit(f"evaluate: {path} is missing")
    x, _ = soundfile.read(path, dtype="float32", always_2d=True)
    return x.T


def sdr(reference: np.ndarray, estimate: np.ndarray) -> float:
    error = float(np.square(reference - estimate, dtype=np.float64).sum())
    return 10 * float(np.log10(np.square(reference, dtype=np.float64).sum() / max(error, 1e-20)))


def judge(references: np.ndarray, estimates: np.ndarray, mix: np.ndarray) -> dict:
    """Per stem SDR and improvement over the mix taken as the estimate, and how far the estimates are from summing to the mix."""
    out = {}
    for name, s, e in zip(STEMS, references, estimates):
        if 10 * np.log10(np.mean(np.square(s)) + 1e-20) > SILENT_DB:
            value = sdr(s, e)
            out[name] = {"sdr": value, "improvement": value - sdr(s, mix)}
    residual = np.square(estimates.sum(0) - mix, dtype=np.float64).mean()
    out["sum_error_db"] = 10 * float(np.log10(residual / np.square(mix, dtype=np.float64).mean() + 1e-20))
    return out


def load_model(path: Path):
    try:
        from demucs.hf import load_safetensors_model
    except ImportError as error:
        raise SystemExit(f"evaluate: package demucs is missing or incomplete ({error}); pip install -r requirements.txt")
    if not path.exists():
        raise SystemExit(f"evaluate: no model {path}")
    return load_safetensors_model(path).eval()


def torch_separators(path: Path, segment: float | None):
    """{mode: function from a mix [2, L] to stems [S, 2, L]} as upstream's apply_model makes them, without random shifts."""
    import torch
    from demucs.apply import apply_model

    from model import TimeOnly
    full = load_model(path)

    def run(net, mix: np.ndarray) -> np.ndarray:
        x = torch.from_numpy(mix)[None]
        mono = x.mean(1)                                  # upstream's program normalises the track like this
        mean, std = mono.mean(), mono.std() + 1e-8
        with torch.no_grad():
            y = apply_model(net, (x - mean) / std, shifts=0, split=True, overlap=0.25, segment=segment)
        return (y * std + mean)[0].numpy()

    if segment is not None:
        from fractions import Fraction
        full.segment = Fraction(segment).limit_denominator(1000)
    return {"full": lambda mix: run(full, mix), "time-only": lambda mix: run(TimeOnly(full), mix)}


def program_separators(program: str, path: Path):
    """The same through `metalaudio separate`."""
    if shutil.which(program) is None:
        raise SystemExit(f"evaluate: no program {program}")

    def run(mix: np.ndarray, *mode: str) -> np.ndarray:
        import soundfile
        with tempfile.TemporaryDirectory() as folder:
            wav = Path(folder) / "mixture.wav"
            soundfile.write(wav, mix.T, 44100, subtype="FLOAT")
            subprocess.run([program, "separate", str(wav), "--repo", str(path.parent), "-n", path.stem, "--shifts", "0", "--precision", "fp32",
                            "--clip-mode", "none", "--float32", "-o", folder, *mode], check=True, stdout=subprocess.DEVNULL)
            found = {p.stem: p for p in Path(folder).rglob("*.wav") if p != wav}
            return np.stack([read(found[name]) for name in STEMS])

    return {"full": run, "time-only": lambda mix: run(mix, "--mode", "time-only")}


def evaluate_set(folder: Path, separators: dict, limit: int | None = None) -> dict:
    """{mode: {song: figures}} for the songs of a set."""
    songs = sorted(p for p in folder.iterdir() if p.is_dir())[:limit]
    if not songs:
        raise SystemExit(f"evaluate: no songs in {folder}; make them with render.py held-out")
    table: dict = {mode: {} for mode in separators}
    for song in songs:
        references = np.stack([read(song / f"{name}.wav") for name in STEMS])
        mix = read(song / "mixture.wav")
        for mode, separate in separators.items():
            table[mode][song.name] = judge(references, separate(mix), mix)
        print(song.name, {mode: round(float(np.mean([v["sdr"] for v in table[mode][song.name].values() if isinstance(v, dict)])), 2) for mode in separators}, flush=True)
    return table


def summary(table: dict) -> dict:
    """{mode: {stem: {mean, median, improvement}}} with a row 'mean' over the stems."""
    out = {}
    for mode, songs in table.items():
        rows = {}
        for name in STEMS:
            values = [f[name] for f in songs.values() if name in f]
            rows[name] = {"mean": float(np.mean([v["sdr"] for v in values])), "median": float(np.median([v["sdr"] for v in values])),
                          "improvement": float(np.mean([v["improvement"] for v in values])), "songs": len(values)}
        rows["mean"] = {k: float(np.mean([rows[n][k] for n in STEMS])) for k in ("mean", "median", "improvement")}
        rows["sum_error_db"] = float(np.mean([f["sum_error_db"] for f in songs.values()]))
        out[mode] = rows
    return out


def as_markdown(name: str, result: dict) -> str:
    lines = [f"| {name} | " + " | ".join(STEMS) + " | mean |", "|---" * (len(STEMS) + 2) + "|"]
    for mode, rows in result.items():
        for key, label in (("mean", "mean SDR"), ("median", "median SDR"), ("improvement", "over the mix")):
            cells = [f"{rows[n][key]:.2f}" for n in (*STEMS, "mean")]
            lines.append(f"| {mode}, {label} (dB) | " + " | ".join(cells) + " |")
    for mode, rows in result.items():
        lines.append(f"\nSum of the stems against the mix, {mode}: {rows['sum_error_db']:.1f} dB.")
    return "\n".join(lines)


def draw(results: dict, path: Path) -> None:
    """The tables as one small PNG."""
    try:
        import matplotlib
    except ImportError:
        raise SystemExit("evaluate: package matplotlib is missing (pip install matplotlib)")
    matplotlib.use("Agg")
    from matplotlib import pyplot
    rows, labels = [], []
    for set_name, result in results.items():
        for mode, figures in result.items():
            labels.append(f"{set_name}, {mode}")
            rows.append([figures[n]["mean"] for n in (*STEMS, "mean")])
            labels.append("over the mix")
            rows.append([figures[n]["improvement"] for n in (*STEMS, "mean")])
    values = np.array(rows)
    figure, axes = pyplot.subplots(figsize=(7.5, 0.38 * len(rows) + 0.9))
    axes.imshow(values, aspect="auto", cmap="viridis", vmin=0, vmax=16)
    axes.set_xticks(range(values.shape[1]), (*STEMS, "mean"))
    axes.set_yticks(range(len(rows)), labels)
    for (r, c), value in np.ndenumerate(values):
        axes.text(c, r, f"{value:.1f}", ha="center", va="center", color="black" if value > 9 else "white", fontsize=9)
    axes.set_title("SDR in dB", fontsize=10)
    figure.tight_layout()
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=80)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", type=Path)
    parser.add_argument("sets", type=Path, nargs="+")
    parser.add_argument("--program", help="judge this metalaudio program instead of PyTorch")
    parser.add_argument("--mode", choices=("full", "time-only"), nargs="+", default=("full", "time-only"))
    parser.add_argument("--segment", type=float, help="seconds, instead of the model's own")
    parser.add_argument("--songs", type=int, help="only the first so many of each set")
    parser.add_argument("--json", type=Path)
    parser.add_argument("--png", type=Path)
    args = parser.parse_args()
    separators = program_separators(args.program, args.model) if args.program else torch_separators(args.model, args.segment)
    separators = {mode: separators[mode] for mode in args.mode}
    tables = {folder.name: evaluate_set(folder, separators, args.songs) for folder in args.sets}
    results = {name: summary(table) for name, table in tables.items()}
    for name, result in results.items():
        print("\n" + as_markdown(name, result))
    if args.json:
        args.json.parent.mkdir(parents=True, exist_ok=True)
        args.json.write_text(json.dumps({"summary": results, "songs": tables}, indent=1) + "\n")
    if args.png:
        draw(results, args.png)


if __name__ == "__main__":
    main()
