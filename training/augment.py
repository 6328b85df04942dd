"""Training batches made on the GPU from songs kept there as int16: remix, repitch, EQ, gain, sign, channels, silence."""
from dataclasses import dataclass, replace

import torch
from torch import Tensor


@dataclass
class Augmentation:
    """Strengths at the start of training; `eased` leads them to what the songs themselves are like."""
    remix: float = 0.3            # share of items whose stems come from unrelated songs
    repitch: float = 0.6          # share of items (stems, when remixed) played faster or slower
    semitones: float = 3.0
    equalise: float = 0.6         # share of stems that pass a random EQ
    gain_db: float = 4.0
    silent: float = 0.03          # chance that a stem is left out

    def eased(self, progress: float) -> "Augmentation":
        """Two thirds of the augmentation in the first half, then a third, in the last seventh a sixth."""
        share = 0.67 if progress < 0.5 else 0.33 if progress < 0.86 else 0.17
        return replace(self, remix=self.remix * share, repitch=self.repitch * share, equalise=self.equalise * share,
                       gain_db=self.gain_db * max(share, 0.5))


def _cubic(songs: Tensor, rows: Tensor, starts: Tensor, ratios: Tensor, gains: Tensor, length: int) -> Tensor:
    """Crops [B, S, 2, length] of songs [N, S, 2, T] at any speed, by Catmull-Rom interpolation.

    rows [B, S, 1, 1] song numbers, starts and ratios [B, S, 1, 1] in samples, gains [B, S, 2, 1].
    """
    n, stems, channels, total = songs.shape
    at = starts.double() + ratios.double() * torch.arange(length, device=songs.device, dtype=torch.float64)
    whole = at.floor()
    f = (at - whole).float()
    base = whole.long()
    stem = torch.arange(stems, device=songs.device)[None, :, None, None]
    channel = torch.arange(channels, device=songs.device)[None, None, :, None]
    tap = lambda k: songs[rows, stem, channel, (base + k).clamp(0, total - 1)].float()  # noqa: E731
    p0, p1, p2, p3 = tap(-1), tap(0), tap(1), tap(2)
    y = p1 + 0.5 * f * (p2 - p0 + f * (2 * p0 - 5 * p1 + 4 * p2 - p3 + f * (3 * (p1 - p2) + p3 - p0)))
    return y * (gains / 32768.0)


def _equaliser(bins: int, bells: Tensor, tilt: Tensor, rate: float) -> Tensor:
    """Gain curves [B, S, 1, bins] from bells [B, S, K, 3] = (octaves from 1 kHz, octaves wide, dB) and tilt [B, S, 1] in dB an octave."""
    f = torch.arange(bins, device=bells.device) * (rate / 2 / (bins - 1))
    octave = torch.log2(f.clamp(min=20.0) / 1000.0)
    db = tilt * octave
    for k in range(bells.shape[2]):
        centre, width, level = bells[:, :, k, 0:1], bells[:, :, k, 1:2], bells[:, :, k, 2:3]
        db = db + level * torch.exp(-0.5 * ((octave - centre) / width).square())
    return torch.exp(db.clamp(-15, 10) * 0.1151293)[:, :, None]


class Batcher:
    """Draws batches; all randomness comes from `generator`, so a run can be repeated."""

    def __init__(self, batch: int, length: int, device: torch.device, seed: int, settings: Augmentation = Augmentation(),
                 compiled: bool = False):
        self.batch, self.length, self.device, self.settings = batch, length, device, settings
        self.generator = torch.Generator(device=device)
        self.generator.manual_seed(seed)
        self.crop = torch.compile(_cubic, dynamic=False) if compiled else _cubic
        self.equaliser = torch.compile(_equaliser, dynamic=False) if compiled else _equaliser

    def uniform(self, *shape: int, low: float = 0.0, high: float = 1.0) -> Tensor:
        return torch.rand(*shape, generator=self.generator, device=self.device) * (high - low) + low

    def normal(self, *shape: int) -> Tensor:
        return torch.randn(*shape, generator=self.generator, device=self.device)

    def draw(self, songs: Tensor, available: int, progress: float = 0.0) -> Tensor:
        """Stems [B, S, 2, length] from the first `available` of songs."""
        b, s, a = self.batch, songs.shape[1], self.settings.eased(progress)
        total = songs.shape[-1]
        remix = self.uniform(b, 1) < a.remix
        rows = (self.uniform(b, s) * available).long().clamp(max=available - 1)
        rows = torch.where(remix, rows, rows[:, :1])
        pick = lambda x: torch.where(remix, x, x[:, :1])  # noqa: E731   one draw for a whole song unless remixed
        shift = pick(torch.where(self.uniform(b, s) < a.repitch, self.uniform(b, s, low=-a.semitones, high=a.semitones), 0.0))
        ratios = torch.exp2(shift / 12)
        starts = (pick(self.uniform(b, s)) * (total - 4 - self.length * ratios).clamp(min=0)).floor()
        gain = torch.exp(self.uniform(b, s, low=-a.gain_db, high=a.gain_db) * 0.1151293)
        gain = gain * torch.where(self.uniform(b, s) < 0.5, -1.0, 1.0) * (self.uniform(b, s) >= a.silent)
        gains = gain[..., None, None].expand(b, s, 2, 1).contiguous()
        view = lambda x: x[..., None, None].contiguous()  # noqa: E731
        x = self.crop(songs, view(rows), view(starts), view(ratios), gains, self.length)
        swap = pick(self.uniform(b, s) < 0.5)[..., None, None]      # a song keeps its stage, mirrored
        x = torch.where(swap, x.flip(2), x)
        on = (self.uniform(b, s, 1, 1) < a.equalise).float()
        bells = torch.cat([self.uniform(b, s, 2, 1, low=-4.0, high=3.7), self.uniform(b, s, 2, 1, low=0.4, high=1.5),
                           self.normal(b, s, 2, 1) * 5.0 * on], -1)
        curve = self.equaliser(self.length // 2 + 1, bells, self.normal(b, s, 1) * 0.8 * on[..., 0], 44100.0)
        return torch.fft.irfft(torch.fft.rfft(x) * curve, self.length)
