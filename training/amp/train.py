"""Trains the amps that ship on the circuit's data, judges them, and writes .nam files.

usage: python amp/train.py {wavenet,lstm} DATA OUT.nam [--minutes 40] [--seed 1] [--init OUT.nam]
DATA is what `amp_training_data DATA` wrote. One thread; the schedule follows the clock, so a run on
another machine takes other steps: the seed fixes the starts and the order of what is drawn.
"""
import argparse
import json
import math
import pathlib
import time

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

RATE_HZ = 48000
# Full scale as the circuit has it (preamp.h), in dBu: a sine's RMS over sqrt(0.6) V.
INPUT_LEVEL_DBU = 20 * math.log10(4.0 / math.sqrt(2) / math.sqrt(0.6))
OUTPUT_LEVEL_DBU = 20 * math.log10(1.0 / math.sqrt(2) / math.sqrt(0.6))

ARRAYS = [  # the shape that users of NAM know as feather
    {"input_size": 1, "channels": 8, "head_size": 4, "head_bias": False,
     "dilations": [1, 2, 4, 8, 16, 32, 64]},
    {"input_size": 8, "channels": 4, "head_size": 1, "head_bias": True,
     "dilations": [128, 256, 512, 1, 2, 4, 8, 16, 32, 64, 128, 256, 512]},
]
KERNEL = 3
HEAD_SCALE = 0.5


class Layer(nn.Module):
    def __init__(self, channels, dilation):
        super().__init__()
        self.dilation = dilation
        self.conv = nn.Conv1d(channels, channels, KERNEL, dilation=dilation)
        self.mixin = nn.Conv1d(1, channels, 1, bias=False)
        self.out = nn.Conv1d(channels, channels, 1)

    def forward(self, x, condition):
        """x[channels, streams, frames]; what comes out is shorter by the past that it takes."""
        past = (KERNEL - 1) * self.dilation
        frames = x.shape[2] - past
        taps = [x[:, :, k * self.dilation:k * self.dilation + frames] for k in range(KERNEL)]
        # One product over all taps: convolutions of few channels are slow on a CPU.
        stacked = torch.cat(taps + [condition[:, :, -frames:]]).flatten(1)
        weight = torch.cat([self.conv.weight[:, :, k] for k in range(KERNEL)]
                           + [self.mixin.weight[:, :, 0]], 1)
        z = torch.tanh(torch.addmm(self.conv.bias[:, None], weight, stacked))
        y = torch.addmm(self.out.bias[:, None], self.out.weight[:, :, 0], z)
        shape = (x.shape[0], x.shape[1], frames)
        return x[:, :, past:] + y.view(shape), z.view(shape)


class WaveNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.rechannels = nn.ModuleList(
            nn.Conv1d(a["input_size"], a["channels"], 1, bias=False) for a in ARRAYS)
        self.layers = nn.ModuleList(
            nn.ModuleList(Layer(a["channels"], d) for d in a["dilations"]) for a in ARRAYS)
        self.heads = nn.ModuleList(
            nn.Conv1d(a["channels"], a["head_size"], 1, bias=a["head_bias"]) for a in ARRAYS)
        self.past = sum((KERNEL - 1) * d for a in ARRAYS for d in a["dilations"])

    def forward(self, signal):
        """signal[streams, frames] -> [streams, frames - past]"""
        condition = signal[None]
        x, head = condition, None
        final = signal.shape[1] - self.past
        for rechannel, layers, head_conv in zip(self.rechannels, self.layers, self.heads):
            x = torch.einsum("oc,csf->osf", rechannel.weight[:, :, 0], x)
            for layer in layers:
                x, z = layer(x, condition)
                z = z[:, :, -final:]
                head = z if head is None else head + z
            head = torch.einsum("oc,csf->osf", head_conv.weight[:, :, 0], head)
            if head_conv.bias is not None:
                head = head + head_conv.bias[:, None, None]
        return HEAD_SCALE * head[0]

    scale = HEAD_SCALE

    def last_bias(self):
        return self.heads[-1].bias

    def config(self):
        layers = [dict(a, condition_size=1, kernel_size=KERNEL, activation="Tanh", gated=False)
                  for a in ARRAYS]
        return {"layers": layers, "head": None, "head_scale": HEAD_SCALE}

    def parts(self):
        """The tensors in the order of the format."""
        for rechannel, layers, head in zip(self.rechannels, self.layers, self.heads):
            yield rechannel.weight
            for layer in layers:
                yield from (layer.conv.weight, layer.conv.bias, layer.mixin.weight,
                            layer.out.weight, layer.out.bias)
            yield head.weight
            if head.bias is not None:
                yield head.bias

    def weights(self):
        return [v for part in self.parts() for v in part.detach().flatten().tolist()] + [HEAD_SCALE]

    def load(self, values):
        for part in self.parts():
            count = part.numel()
            part.data = torch.tensor(values[:count]).view_as(part)
            values = values[count:]

    def play(self, x):
        with torch.no_grad():
            padded = F.pad(x, (self.past, 0))
            block = 1 << 16
            return torch.cat([self(padded[None, at:at + block + self.past])[0]
                              for at in range(0, len(x), block)])


class Lstm(nn.Module):
    UNITS = 16

    def __init__(self):
        super().__init__()
        self.lstm = nn.LSTM(1, self.UNITS, batch_first=True)
        self.head = nn.Linear(self.UNITS, 1)

    def forward(self, signal, state=None):
        y, state = self.lstm(signal[:, :, None], state)
        return self.head(y)[:, :, 0], state

    def rest(self, streams=1, frames=RATE_HZ):
        """The state after a long silence."""
        with torch.no_grad():
            _, state = self(torch.zeros(1, frames))
            return tuple(s.repeat(1, streams, 1).contiguous() for s in state)

    scale = 1.0

    def last_bias(self):
        return self.head.bias

    def config(self):
        return {"num_layers": 1, "input_size": 1, "hidden_size": self.UNITS}

    def weights(self):
        p = {name: value.detach() for name, value in self.lstm.named_parameters()}
        both = torch.cat([p["weight_ih_l0"], p["weight_hh_l0"]], 1)
        h, c = self.rest()
        parts = [both, p["bias_ih_l0"] + p["bias_hh_l0"], h, c, self.head.weight, self.head.bias]
        return [v for part in parts for v in part.detach().flatten().tolist()]

    def load(self, values):
        v = torch.tensor(values)
        rows, n = 4 * self.UNITS, self.UNITS
        both = v[:rows * (n + 1)].view(rows, n + 1)
        v = v[rows * (n + 1):]
        self.lstm.weight_ih_l0.data = both[:, :1].clone()
        self.lstm.weight_hh_l0.data = both[:, 1:].clone()
        self.lstm.bias_ih_l0.data = v[:rows].clone()
        self.lstm.bias_hh_l0.data.zero_()
        self.head.weight.data = v[rows + 2 * n:rows + 3 * n].view(1, n).clone()
        self.head.bias.data = v[-1:].clone()

    def play(self, x):
        with torch.no_grad():
            return self(x[None], self.rest())[0][0]


def read_set(folder, name):
    return tuple(torch.from_numpy(np.fromfile(folder / f"{name}.{end}.f32", np.float32))
                 for end in ("in", "out"))


def esr(y, target):
    return (((y - target) ** 2).sum() / (target ** 2).sum()).item()


def loss_of(y, target):
    """The error's share of the energy, and again with the treble raised as the ear weights it."""
    def share(a, b):
        return ((a - b) ** 2).sum() / ((b ** 2).sum() + 1e-3 * b.numel())

    def raised(a):
        return a[:, 1:] - 0.85 * a[:, :-1]

    return share(y, target) + 0.5 * share(raised(y), raised(target))


def wavenet_batches(model, x, y, random):
    streams, frames = 6, 8192
    while True:
        starts = random.integers(0, len(x) - frames - model.past, streams)
        signal = torch.stack([x[s:s + frames + model.past] for s in starts])
        target = torch.stack([y[s + model.past:s + model.past + frames] for s in starts])
        yield lambda: loss_of(model(signal), target)


def lstm_batches(model, x, y, random):
    """Streams that go on where they were; each starts at rest somewhere new every few seconds."""
    streams, frames, warm = 48, 1024, 24
    while True:
        starts = random.integers(0, len(x) - frames * (warm + 1), streams)
        state = model.rest(streams, 8192)
        for chunk in range(warm):
            at = starts + chunk * frames
            signal = torch.stack([x[s:s + frames] for s in at])
            target = torch.stack([y[s:s + frames] for s in at])
            if chunk == 0:  # the past is missing: only to be heard
                with torch.no_grad():
                    _, state = model(signal, state)
                continue

            def loss():
                nonlocal state
                out, state = model(signal, state)
                state = tuple(s.detach() for s in state)
                return loss_of(out, target)

            yield loss


def spectra_error_db(y, target):
    """The mean difference of the two magnitude spectra in dB, over all bins of frames of 2048
    samples within 60 dB of the loudest one."""
    def magnitudes(a):
        return torch.stft(a, 2048, 512, window=torch.hann_window(2048), return_complex=True).abs()

    a, b = magnitudes(y), magnitudes(target)
    heard = b > b.max() * 1e-3
    return (20 * (torch.log10(a[heard] + 1e-9) - torch.log10(b[heard]))).abs().mean().item()


def judge(model, folder):
    result = {}
    for name in ("guitar", "sweep", "noise"):
        x, target = read_set(folder, name)
        y = model.play(x)
        result[name] = {"esr": round(esr(y, target), 6),
                        "spectra_error_db": round(spectra_error_db(y, target), 3)}
    return result


def loudness_db(model, folder):
    """RMS of what it makes of the held-out guitar at a peak of -18 dB."""
    x, _ = read_set(folder, "guitar")
    part = x[RATE_HZ * 8:RATE_HZ * 16]  # eight seconds that were recorded at -9 dB
    y = model.play(part * 10 ** (-9 / 20))
    return 10 * math.log10((y ** 2).mean().item())


def save(model, name, path, data, seed, steps):
    with torch.no_grad():  # without a sound there is none
        model.last_bias().data -= model.play(torch.zeros(RATE_HZ))[-1] / model.scale
    judged = judge(model, data)
    file = {
        "version": "0.5.4", "architecture": name, "config": model.config(),
        "weights": [float(f"{w:.7g}") for w in model.weights()], "sample_rate": RATE_HZ,
        "metadata": {
            "name": "MetalAudio preamp", "modeled_by": "MetalAudio", "gear_type": "preamp",
            "gear_make": "MetalAudio", "gear_model": "simulated 12AX7 stage and diode clipper",
            "tone_type": "overdrive", "loudness": round(loudness_db(model, data), 4),
            "input_level_dbu": round(INPUT_LEVEL_DBU, 4),
            "output_level_dbu": round(OUTPUT_LEVEL_DBU, 4),
            "training": {"seed": seed, "steps": steps, "held_out": judged},
            "licence": "MIT",
        },
    }
    path.write_text(json.dumps(file, separators=(",", ":")) + "\n")
    return judged


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("kind", choices=("wavenet", "lstm"))
    parser.add_argument("data", type=pathlib.Path)
    parser.add_argument("out", type=pathlib.Path)
    parser.add_argument("--minutes", type=float, default=40.0)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--rate", type=float)
    parser.add_argument("--init", type=pathlib.Path, help="go on from these weights")
    options = parser.parse_args()
    torch.set_num_threads(1)
    torch.set_flush_denormal(True)
    torch.manual_seed(options.seed)
    random = np.random.default_rng(options.seed)
    wavenet = options.kind == "wavenet"
    model = WaveNet() if wavenet else Lstm()
    name = "WaveNet" if wavenet else "LSTM"
    steps_before = 0
    if options.init:
        file = json.loads(options.init.read_text())
        model.load(file["weights"])
        steps_before = file["metadata"]["training"]["steps"]
    rate = options.rate or (0.006 if wavenet else 0.008)
    x, y = read_set(options.data, "train")
    batches = (wavenet_batches if wavenet else lstm_batches)(model, x, y, random)
    optimiser = torch.optim.Adam(model.parameters(), rate, betas=(0.9, 0.99))
    start = time.time()
    said, total, count, step = start, 0.0, 0, 0
    while (share := (time.time() - start) / (60 * options.minutes)) < 1:
        # A short rise, then half a cosine down to a hundredth.
        now = rate * min(1.0, (step + 1) / 100) * (0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * share)))
        for group in optimiser.param_groups:
            group["lr"] = now
        optimiser.zero_grad(set_to_none=True)
        loss = next(batches)()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimiser.step()
        step, total, count = step + 1, total + loss.item(), count + 1
        if time.time() - said > 60:
            print(f"{(time.time() - start) / 60:.1f} min, step {step}: loss {total / count:.5f}",
                  flush=True)
            said, total, count = time.time(), 0.0, 0
    print(save(model, name, options.out, options.data, options.seed, steps_before + step))


if __name__ == "__main__":
    main()
