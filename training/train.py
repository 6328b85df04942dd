"""Trains the demo model in resumable pieces, on any number of GPUs (or, for a dry run, on the CPU).

Songs are read as they are rendered: start `render.py shards DIR` beside this. The learning rate follows the time spent
training, out of --budget seconds; a run that was cut off goes on from its last snapshot with its schedule kept.
"""
import argparse
import csv
import json
import os
import threading
import time
from pathlib import Path

import numpy as np
import torch
import torch.distributed as dist
from safetensors.torch import load_file, save_file
from torch import Tensor

import model as m
from augment import Batcher
from export import export

PARTS = 2                # the weights are saved in pieces, small enough to be carried anywhere


def loss_terms(estimate: Tensor, target: Tensor, mix: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """(loss, L1, error in dB against the stem): L1 as upstream, and an SDR that cares as much for a quiet stem as for a loud one."""
    error = estimate - target
    power = mix.square().mean((1, 2))[:, None]
    l1 = (error.abs().mean((2, 3)) / (power.sqrt() + 1e-4)).mean()
    floor = 1e-3 * power + 1e-9
    db = 10 * torch.log10((error.square().mean((2, 3)) + floor) / (target.square().mean((2, 3)) + floor))
    return l1 + 0.08 * db.mean(), l1, db.mean()


def _both_losses(full: Tensor, alone: Tensor, stems: Tensor, mix: Tensor) -> tuple[Tensor, ...]:
    loss, l1, db = loss_terms(full, stems, mix)
    loss_t, _, db_t = loss_terms(alone, stems, mix)
    return loss, l1, db, loss_t, db_t


class Songs:
    """Songs on the GPU, filled by a thread as shards appear; each rank takes its share of the shards."""

    def __init__(self, folder: Path, capacity: int, samples: int, device: torch.device, rank: int, world: int,
                 consume: bool):
        self.folder, self.rank, self.world, self.device, self.consume = folder, rank, world, device, consume
        self.audio = torch.zeros(capacity, len(m.SOURCES), 2, samples, dtype=torch.int16, device=device)
        self.count, self.place = 0, 0
        self.seen: set[str] = set()
        self.stop = False
        self.stream = torch.cuda.Stream(device) if device.type == "cuda" else None
        threading.Thread(target=self._watch, daemon=True).start()

    def _watch(self) -> None:
        while not self.stop:
            found = sorted(self.folder.glob("shard-*.npy"))
            fresh = [p for p in found if p.name not in self.seen and (int(p.stem.split("-")[1]) // 4) % self.world == self.rank]
            for path in fresh:
                self.seen.add(path.name)
                songs = torch.from_numpy(np.load(path))[..., : self.audio.shape[-1]]
                capacity = len(self.audio)
                if self.place + len(songs) > capacity:          # the newest take the place of the oldest
                    self.place = 0
                first, end = self.place, self.place + len(songs)
                if self.stream is None:
                    self.audio[first:end] = songs
                else:
                    with torch.cuda.stream(self.stream):
                        self.audio[first:end].copy_(songs)      # pinning would stall the launches
                    self.stream.synchronize()
                self.place, self.count = end, max(self.count, end)
                if self.consume:
                    path.unlink()
            time.sleep(0.5)

    def wait(self, count: int) -> None:
        while self.count < count:
            time.sleep(0.2)


class Trainer:
    def __init__(self, args: argparse.Namespace, rank: int, world: int):
        self.args, self.rank, self.world = args, rank, world
        self.device = torch.device("cuda", rank) if args.device == "cuda" else torch.device("cpu")
        torch.manual_seed(args.seed)
        self.model = m.build(**json.loads(args.kwargs)).to(self.device).train()
        self.names = [n for n, _ in self.model.named_parameters()]
        self.parameters = [p for _, p in self.model.named_parameters()]
        self.ema = [p.detach().clone() for p in self.parameters]
        self.optimiser = torch.optim.AdamW(self.parameters, lr=args.lr, betas=(0.9, 0.99), weight_decay=0.0,
                                           fused=self.device.type == "cuda")
        self.step, self.spent = 0, 0.0
        self.typical = torch.zeros((), device=self.device)      # running gradient norm
        if args.out.joinpath("state.json").exists():
            self.load()
        elif args.init:                                     # go on from a finished model with a schedule of its own
            weights = load_file(args.init)
            for k, (name, p) in enumerate(zip(self.names, self.parameters)):
                p.data.copy_(weights[name])
                self.ema[k].copy_(p.data)
        self.layout = m.layout(self.model, args.length, self.device)
        wrap = (lambda f: torch.compile(f, dynamic=False)) if args.compile else (lambda f: f)
        self.core, self.waves, self.losses = wrap(self._core), wrap(self._waves), wrap(_both_losses)

    def _core(self, x: Tensor, xt: Tensor, mean: Tensor, std: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self.device.type == "cuda"):
            x, xt, alone = m.core(self.model, x, xt, *self.layout[:2])
        return m.spectrum(self.model, x, mean, std), xt, alone

    def _waves(self, frames: Tensor, xt: Tensor, alone: Tensor, scales: tuple[Tensor, ...]) -> tuple[Tensor, Tensor]:
        return m.waves(self.model, frames, xt, alone, scales, self.args.length, *self.layout[2:])

    def forward(self, mix: Tensor) -> tuple[Tensor, Tensor]:
        x, xt, scales = m.prepare(self.model, mix)
        x, xt, alone = self.core(x, xt, *scales[:2])
        return self.waves(m.invert(x), xt, alone, scales)

    # -- state ----------------------------------------------------------------------------------------
    def save(self) -> None:
        """Weights in float32, Adam's moments in bfloat16, the average in float16 as the model that ships."""
        out, names = self.args.out, self.names
        tensors = dict(zip(names, (p.detach() for p in self.parameters)))
        state = self.optimiser.state
        cut = [names[k::PARTS] for k in range(PARTS)]
        files = {f"weights-{k}.safetensors": {n: tensors[n] for n in part} for k, part in enumerate(cut)}
        for key, file in (("exp_avg", "moment1"), ("exp_avg_sq", "moment2")):
            if state:
                files[f"{file}.safetensors"] = {n: state[p][key].to(torch.bfloat16) for n, p in zip(names, self.parameters)}
        for name, content in files.items():
            save_file({k: v.cpu().contiguous() for k, v in content.items()}, out / (name + ".new"))
        export(dict(zip(names, self.ema)), json.loads(self.args.kwargs), out / "ema.safetensors.new")
        meta = {"step": self.step, "spent": self.spent, "typical": float(self.typical), "budget": self.args.budget}
        (out / "state.json.new").write_text(json.dumps(meta))
        for path in sorted(out.glob("*.new"), key=lambda p: p.name.startswith("state")):     # state.json last
            os.replace(path, path.with_suffix(""))

    def load(self) -> None:
        out = self.args.out
        meta = json.loads((out / "state.json").read_text())
        self.step, self.spent = meta["step"], meta["spent"]
        self.typical.fill_(meta["typical"])
        weights = {}
        for k in range(PARTS):
            weights |= load_file(out / f"weights-{k}.safetensors")
        average = out / "ema.safetensors"
        ema = load_file(average) if average.exists() else weights
        first, second = load_file(out / "moment1.safetensors"), load_file(out / "moment2.safetensors")
        for k, (name, p) in enumerate(zip(self.names, self.parameters)):
            p.data.copy_(weights[name])
            self.ema[k].copy_(ema[name].float())
            self.optimiser.state[p] = {"step": torch.tensor(float(self.step), device=self.device),
                                       "exp_avg": first[name].float().to(self.device),
                                       "exp_avg_sq": second[name].float().to(self.device)}
        if self.rank == 0:
            print(f"resumed at step {self.step}, {self.spent:.0f} of {self.args.budget:.0f} s spent", flush=True)

    # -- one step -------------------------------------------------------------------------------------
    def rate(self, progress: float) -> float:
        warm = min(1.0, (self.step + 1) / self.args.warmup)
        return self.args.lr * warm * (0.5 * (1 + np.cos(np.pi * min(1.0, progress))) * 0.995 + 0.005)

    def update(self, stems: Tensor, elapsed: float) -> Tensor:
        """One step; returns [loss, L1, dB, dB of time-only, gradient norm, seconds spent on rank 0]."""
        mix = stems.sum(1)
        full, alone = self.forward(mix)
        loss, l1, db, loss_t, db_t = self.losses(full, alone, stems, mix)
        (loss + self.args.time_weight * loss_t).backward()
        first = 1.0 if self.rank == 0 else 0.0
        extra = torch.stack([loss.detach(), l1.detach(), db.detach(), db_t.detach(), loss.new_tensor(elapsed * first * self.world)])
        flat = torch.cat([p.grad.flatten() for p in self.parameters] + [extra])
        if self.world > 1:
            dist.all_reduce(flat)
            flat /= self.world
        gradient, extra = flat[:-5], flat[-5:]
        norm = gradient.norm()
        finite = torch.isfinite(norm)
        scale = torch.where(self.typical > 0, (2.5 * self.typical / norm).clamp(max=1.0), 1.0)
        gradient = torch.nan_to_num(gradient * torch.where(finite, scale, 0.0), 0.0, 0.0, 0.0)
        clipped = torch.where(finite, torch.minimum(norm, torch.where(self.typical > 0, 2.5 * self.typical, norm)), self.typical)
        self.typical = torch.where(self.typical > 0, self.typical.lerp(clipped, 0.02), clipped).detach()
        at = 0
        for p in self.parameters:
            p.grad = gradient[at: at + p.numel()].view_as(p)
            at += p.numel()
        return torch.cat([extra[:4], norm[None], extra[4:]])

    def apply(self, progress: float) -> float:
        rate = self.rate(progress)
        for group in self.optimiser.param_groups:
            group["lr"] = rate
        self.optimiser.step()
        for p in self.parameters:
            p.grad = None
        self.step += 1
        decay = min(self.args.ema, (1 + self.step) / (10 + self.step))
        torch._foreach_lerp_(self.ema, [p.detach() for p in self.parameters], 1 - decay)
        return rate

    # -- validation -----------------------------------------------------------------------------------
    def validate(self, path: Path) -> list[float]:
        """Mean SDR of each stem, full then time-only, of the averaged weights over one held-out set."""
        songs = torch.from_numpy(np.load(path))
        length, batch = self.args.length, self.args.batch
        pieces = songs.shape[-1] // length
        crops = songs[..., : pieces * length].unflatten(-1, (pieces, length)).movedim(3, 1).flatten(0, 1)
        kept = [p.detach().clone() for p in self.parameters]
        torch._foreach_copy_([p.data for p in self.parameters], self.ema)
        signal = torch.zeros(len(crops), len(m.SOURCES))
        errors = torch.zeros(2, len(crops), len(m.SOURCES))
        for first in range(0, len(crops), batch):
            stems = crops[first: first + batch].to(self.device).float() / 32768
            count = len(stems)
            if count < batch:
                stems = torch.cat([stems, stems[:1].expand(batch - count, -1, -1, -1)])
            outputs = self.forward(stems.sum(1))            # with gradients on, so that the compiled step serves here too
            for k, estimate in enumerate(outputs):
                errors[k, first: first + count] = (estimate.detach() - stems).square().sum((2, 3))[:count].cpu()
            signal[first: first + count] = stems.square().sum((2, 3))[:count].cpu()
            del outputs
        torch._foreach_copy_([p.data for p in self.parameters], kept)
        by_song = lambda x: x.unflatten(-2, (-1, pieces)).sum(-2)  # noqa: E731
        sdr = 10 * torch.log10(by_song(signal) / by_song(errors))
        return sdr.mean(1).flatten().tolist()

    def run(self) -> None:
        args, rank = self.args, self.rank
        begin = time.time()
        if args.compile:                                    # while the first songs are being rendered
            mix = 0.1 * torch.randn(args.batch, len(m.SOURCES), 2, args.length, device=self.device)
            kept = self.typical.clone()
            try:
                self.update(mix, 0.0)
            except Exception as error:                      # slower is better than nothing
                print(f"rank {rank}: torch.compile failed, going on without it: {error}", flush=True)
                self.core, self.waves, self.losses = self._core, self._waves, _both_losses
                self.update(mix, 0.0)
            self.typical.copy_(kept)
            for p in self.parameters:
                p.grad = None
            print(f"rank {rank}: compiled in {time.time() - begin:.0f} s", flush=True)
        songs = Songs(args.data, args.capacity, args.song_samples, self.device, rank, self.world, args.consume)
        batcher = Batcher(args.batch, args.length, self.device, args.seed * 1000 + rank + 7919 * self.step, compiled=args.compile)
        songs.wait(args.first_songs)
        batcher.draw(songs.audio, songs.count)              # compiles too
        if self.world > 1:
            dist.barrier()
        if rank == 0:
            print(f"training starts after {time.time() - begin:.0f} s with {songs.count} songs here", flush=True)
        if args.deadline:                                   # spend what is left until then, on rank 0's clock
            left = torch.tensor(max(10.0, args.deadline - time.time()), device=self.device, dtype=torch.float64)
            if self.world > 1:
                dist.broadcast(left, 0)
            args.budget = self.spent + float(left)
        before, since = self.spent, time.time()
        saved = validated = time.time()
        log = _Log(args.out / "train.csv", ["step", "seconds", "rate", "loss", "l1", "sdr", "sdr_time_only", "gradient", "songs"]) if rank == 0 else None
        curve = _Log(args.out / "validation.csv", ["step", "seconds", "set"] + m.SOURCES + [s + "_time_only" for s in m.SOURCES]) if rank == 0 else None
        sums, shown = torch.zeros(6, device=self.device), self.step
        done = False
        while not done:
            figures = self.update(batcher.draw(songs.audio, songs.count, self.spent / args.budget), before + time.time() - since)
            # Ranks must agree on the schedule: they use rank 0's clock, which came with the gradients.
            sums += figures
            if self.step % 10 == 0:
                self.spent = float(figures[5])
            rate = self.apply(self.spent / args.budget)
            if self.step % 50 == 0:
                row = (sums / (self.step - shown)).tolist()
                sums.zero_()
                if rank == 0:
                    log.write([self.step, round(self.spent, 1), f"{rate:.2e}", *[round(v, 4) for v in row[:2]], round(-row[2], 3), round(-row[3], 3), round(row[4], 4), songs.count])
                shown = self.step
            done = self.spent >= args.budget or self.step >= args.steps
            if rank == 0 and (done or time.time() - validated > args.validate_every):
                for path in args.validate:
                    if path.exists():
                        sdr = self.validate(path)
                        curve.write([self.step, round(self.spent, 1), path.stem, *[round(v, 2) for v in sdr]])
                        n = len(m.SOURCES)
                        print(f"step {self.step} {self.spent:.0f} s {path.stem}: full {np.mean(sdr[:n]):.2f} dB {np.round(sdr[:n], 1)}, "
                              f"time-only {np.mean(sdr[n:]):.2f} dB", flush=True)
                validated = time.time()
            if rank == 0 and (done or time.time() - saved > args.save_every):
                self.save()
                saved = time.time()
        songs.stop = True
        if self.world > 1:
            dist.barrier()
            dist.destroy_process_group()
        if rank == 0:
            (args.out / "done").write_text("done\n")
            print(f"done: {self.step} steps in {self.spent:.0f} s", flush=True)


class _Log:
    def __init__(self, path: Path, header: list[str]):
        fresh = not path.exists()
        self.file = open(path, "a", newline="")
        self.writer = csv.writer(self.file)
        if fresh:
            self.writer.writerow(header)

    def write(self, row: list) -> None:
        self.writer.writerow(row)
        self.file.flush()


def _worker(rank: int, world: int, args: argparse.Namespace) -> None:
    torch.set_float32_matmul_precision("high")
    torch.backends.cudnn.benchmark = True
    if args.device == "cuda":
        torch.cuda.set_device(rank)
    if world > 1:
        dist.init_process_group("nccl", init_method=f"tcp://127.0.0.1:{args.port}", rank=rank, world_size=world)
    Trainer(args, rank, world).run()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder of shards")
    parser.add_argument("--out", type=Path, required=True, help="snapshots, logs and the model")
    parser.add_argument("--validate", type=Path, nargs="*", default=[], help="held-out sets as .npy")
    parser.add_argument("--kwargs", default="{}", help="changes to the model's arguments, as JSON")
    parser.add_argument("--init", type=Path, help="a model to start from, such as the one that ships")
    parser.add_argument("--budget", type=float, default=900, help="seconds of training in all, over every piece")
    parser.add_argument("--deadline", type=float, default=0, help="end at this Unix time instead, with the schedule fitted to it")
    parser.add_argument("--steps", type=int, default=1 << 30)
    parser.add_argument("--batch", type=int, default=32, help="crops on each GPU")
    parser.add_argument("--length", type=int, default=192 * 1024, help="samples in a crop")
    parser.add_argument("--song-samples", type=int, default=12 * m.SAMPLE_RATE)
    parser.add_argument("--capacity", type=int, default=3000, help="songs kept on each GPU")
    parser.add_argument("--consume", action="store_true", help="delete shards once they are read")
    parser.add_argument("--first-songs", type=int, default=64, help="songs on each GPU before training starts")
    parser.add_argument("--lr", type=float, default=1.5e-3)
    parser.add_argument("--warmup", type=int, default=200)
    parser.add_argument("--ema", type=float, default=0.999)
    parser.add_argument("--time-weight", type=float, default=0.1, help="weight of the time-only loss")
    parser.add_argument("--validate-every", type=float, default=90)
    parser.add_argument("--save-every", type=float, default=100)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--device", default="cuda", choices=("cuda", "cpu"))
    parser.add_argument("--gpus", type=int, default=0, help="0: all")
    parser.add_argument("--port", type=int, default=29571)
    parser.add_argument("--no-compile", dest="compile", action="store_false")
    args = parser.parse_args()
    if not args.data.is_dir():
        raise SystemExit(f"train: no folder {args.data}; make it with render.py shards")
    if args.init and not args.init.is_file():
        raise SystemExit(f"train: no model {args.init}")
    args.out.mkdir(parents=True, exist_ok=True)
    world = 1 if args.device == "cpu" else args.gpus or torch.cuda.device_count()
    if args.device == "cuda" and world == 0:
        raise SystemExit("train: no GPU answers; --device cpu makes a dry run")
    if world == 1:
        _worker(0, 1, args)
    else:
        torch.multiprocessing.spawn(_worker, (world, args), nprocs=world)


if __name__ == "__main__":
    main()
