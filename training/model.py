"""The network: upstream's HTDemucs, unmodified, and two other ways through its modules.

`time_only_forward` is the definition of time-only separation. `fast_forward` computes upstream's training forward
(and time-only beside it) with channels in the last dimension, which a GPU runs several times faster; tests compare both
with upstream.
"""
import functools
import math
from fractions import Fraction

import torch
from torch import Tensor, nn
from torch.nn import functional as F

try:
    from demucs.htdemucs import HTDemucs
    from demucs.transformer import create_2d_sin_embedding, create_sin_embedding
except ImportError as error:
    raise SystemExit(f"model: package demucs is missing or incomplete ({error}); pip install -r requirements.txt")

SOURCES = ["drums", "bass", "other", "vocals", "guitar", "piano"]
SAMPLE_RATE = 44100
KWARGS = dict(sources=SOURCES, channels=32, dconv_mode=3, bottom_channels=128, t_layers=3,
              samplerate=SAMPLE_RATE, segment=Fraction(22, 5))


def build(**changes) -> HTDemucs:
    return HTDemucs(**{**KWARGS, **changes})


# -- time-only separation ----------------------------------------------------------------------------------------------

def time_only_forward(model: HTDemucs, mix: Tensor) -> Tensor:
    """mix [B, 2, L] -> [B, S, 2, L] by the time branch alone.

    The mix is normalised as upstream does, passes the time encoders, and goes straight to the time decoders: what would
    enter the transformer (before its 1x1 up- and down-samplers, which are skipped as well) is the first decoder's input,
    and every decoder takes its skip as usual. So the first decoder adds the last encoder's output to itself. The result
    is scaled back and is the whole estimate: the frequency branch contributes nothing.
    """
    length = mix.shape[-1]
    mean, std = mix.mean(dim=(1, 2), keepdim=True), mix.std(dim=(1, 2), keepdim=True)
    x = (mix - mean) / (1e-5 + std)
    skips, lengths = [], []
    for encoder in model.tencoder:
        lengths.append(x.shape[-1])
        x = encoder(x)
        skips.append(x)
    for decoder in model.tdecoder:
        x, _ = decoder(x, skips.pop(), lengths.pop())
    x = x.view(mix.shape[0], len(model.sources), -1, length)
    return x * std[:, None] + mean[:, None]


class TimeOnly(nn.Module):
    """A model for apply_model that runs the time branch alone, on segments padded as upstream pads them."""

    def __init__(self, model: HTDemucs):
        super().__init__()
        self.model = model
        self.sources, self.samplerate, self.segment = model.sources, model.samplerate, model.segment
        self.audio_channels = model.audio_channels

    def valid_length(self, length: int) -> int:
        return int(self.segment * self.samplerate)

    def forward(self, mix: Tensor) -> Tensor:
        return time_only_forward(self.model, mix)


# -- the same network with channels last -------------------------------------------------------------------------------
# Frequency tensors are [B, F, T, C], time tensors [B, T, C].

def _group_norm_all(x: Tensor, norm: nn.GroupNorm, dims: tuple[int, ...]) -> Tensor:
    """GroupNorm with one group; dims are those that share a mean."""
    y = x.float()
    mean = y.mean(dims, keepdim=True)
    var = (y - mean).square().mean(dims, keepdim=True)
    y = (y - mean) * torch.rsqrt(var + norm.eps)
    return (y * norm.weight + norm.bias).to(x.dtype)


def _linear(x: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """F.linear, cut into groups of rows, so that the weight's gradient is many products side by side instead of one with few outputs."""
    rows = x.numel() // x.shape[-1]
    groups = next((g for g in (1024, 512, 256, 128, 64, 32) if rows % g == 0 and rows // g >= 512), 1)
    y = torch.bmm(x.reshape(groups, -1, x.shape[-1]), weight.t().expand(groups, -1, -1)).view(*x.shape[:-1], weight.shape[0])
    return y if bias is None else y + bias.to(y.dtype)


def _glu(x: Tensor) -> Tensor:
    a, b = x.chunk(2, dim=-1)
    return a * torch.sigmoid(b)


def _dconv(x: Tensor, dconv: nn.Module) -> Tensor:
    """DConv over the second to last dimension."""
    dims = (x.dim() - 2, x.dim() - 1)
    for layer in dconv.layers:
        conv, norm1, _, expand, norm2, _, scale = layer
        d = conv.dilation[0]
        weight = conv.weight                                    # [hidden, C, 3]
        taps = _linear(x, weight.permute(2, 0, 1).reshape(-1, weight.shape[1]))
        left, centre, right = taps.chunk(3, dim=-1)
        length = x.shape[-2]
        y = centre + F.pad(left, (0, 0, d, 0))[..., :length, :] + F.pad(right, (0, 0, 0, d))[..., d:, :] + conv.bias
        y = F.gelu(_group_norm_all(y, norm1, dims))
        y = _linear(y, expand.weight[..., 0], expand.bias)
        y = _glu(_group_norm_all(y, norm2, dims))
        x = x + (y * scale.scale).to(x.dtype)
    return x


def _pointwise(x: Tensor, conv: nn.Module) -> Tensor:
    return _linear(x, conv.weight.flatten(1), conv.bias)


def _encode(x: Tensor, layer: nn.Module, freq: bool) -> Tensor:
    stride, pad = layer.stride, layer.pad
    weight = layer.conv.weight                                  # [Cout, Cin, 8(, 1)]
    weight = weight[..., 0] if freq else weight
    two_taps = torch.cat([weight[..., :stride], weight[..., stride:]], 0).permute(0, 2, 1).flatten(1)   # [2 Cout, 4 Cin]
    if freq:
        b, f, t, c = x.shape
        x = F.pad(x, (0, 0, 0, 0, pad, pad)).view(b, f // stride + 1, stride, t, c)
        x = x.permute(0, 1, 3, 2, 4).reshape(b, f // stride + 1, t, stride * c)
    else:
        b, t, c = x.shape
        extra = -t % stride
        x = F.pad(x, (0, 0, pad, pad + extra)).view(b, (t + extra) // stride + 1, stride * c)
    here, after = _linear(x, two_taps).chunk(2, dim=-1)
    y = F.gelu(here[:, :-1] + after[:, 1:] + layer.conv.bias)
    y = _dconv(y, layer.dconv)
    return _glu(_pointwise(y, layer.rewrite))


def _decode(x: Tensor, skip: Tensor, layer: nn.Module, freq: bool, length: int) -> Tensor:
    x = x + skip
    if freq:
        y = F.conv2d(x.permute(0, 3, 1, 2), layer.rewrite.weight, layer.rewrite.bias, padding=1).permute(0, 2, 3, 1)
    else:
        wide = torch.cat([F.pad(x, (0, 0, 1, 0))[:, :-1], x, F.pad(x, (0, 0, 0, 1))[:, 1:]], -1)
        y = _linear(wide, layer.rewrite.weight.permute(0, 2, 1).flatten(1), layer.rewrite.bias)
    y = _dconv(_glu(y), layer.dconv)
    stride, pad = layer.stride, layer.pad
    weight = layer.conv_tr.weight                               # [Cin, Cout, 8(, 1)]
    weight = weight[..., 0] if freq else weight
    out = weight.shape[1]
    spread = _linear(y, weight.permute(2, 1, 0).reshape(-1, weight.shape[0]))     # [..., 8 * Cout]
    now, later = spread.chunk(2, dim=-1)
    if freq:
        now, later = F.pad(now, (0, 0, 0, 0, 0, 1)), F.pad(later, (0, 0, 0, 0, 1, 0))
        b, f, t, _ = now.shape
        z = (now + later).view(b, f, t, stride, out).permute(0, 1, 3, 2, 4).reshape(b, f * stride, t, out)
        z = z[:, pad:-pad]
    else:
        now, later = F.pad(now, (0, 0, 0, 1)), F.pad(later, (0, 0, 1, 0))
        b, t, _ = now.shape
        z = (now + later).reshape(b, t * stride, out)[:, pad:pad + length]
    z = z + layer.conv_tr.bias
    return z if layer.last else F.gelu(z)


def _attention(q: Tensor, kv: Tensor, attention: nn.MultiheadAttention) -> Tensor:
    b, t, c = q.shape
    heads = attention.num_heads
    wq, wk, wv = attention.in_proj_weight.chunk(3)
    bq, bk, bv = attention.in_proj_bias.chunk(3)
    split = lambda y: y.view(b, -1, heads, c // heads).transpose(1, 2)  # noqa: E731
    y = F.scaled_dot_product_attention(split(_linear(q, wq, bq)), split(_linear(kv, wk, bk)), split(_linear(kv, wv, bv)))
    return attention.out_proj(y.transpose(1, 2).reshape(b, t, c))


def _norm_tokens(x: Tensor, norm: nn.GroupNorm) -> Tensor:
    return _group_norm_all(x, norm, (1, 2))


def _transformer_layer(layer: nn.Module, x: Tensor, other: Tensor | None) -> Tensor:
    if other is None:
        y = layer.norm1(x)
        x = x + layer.gamma_1.scale * _attention(y, y, layer.self_attn)
        y = layer.norm2(x)
    else:
        x = x + layer.gamma_1.scale * _attention(layer.norm1(x), layer.norm2(other), layer.cross_attn)
        y = layer.norm3(x)
    x = x + layer.gamma_2.scale * layer.linear2(F.gelu(layer.linear1(y)))
    return _norm_tokens(x, layer.norm_out)


def positions(model: HTDemucs, frames: int, tokens_t: int, device) -> tuple[Tensor, Tensor]:
    """The transformer's position embeddings as [1, T*F, C] and [1, T, C]."""
    transformer = model.crosstransformer
    dim = model.bottom_channels or transformer.norm_in.weight.shape[0]
    rows = model.nfft // 2 // model.stride ** model.depth
    two = create_2d_sin_embedding(dim, rows, frames, device, transformer.max_period)   # [1, C, F, T]
    one = create_sin_embedding(tokens_t, dim, device=device, max_period=transformer.max_period)[:, 0]
    return two[0].permute(2, 1, 0).reshape(1, -1, dim).float(), one[None].float()


def core(model: HTDemucs, x: Tensor, xt: Tensor, pos: Tensor, pos_t: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Normalised spectrogram [B, F, T, 4] and waveform [B, L, 2] -> both branches' outputs and time-only's, channels last."""
    saved, saved_t, lengths_t = [], [], []
    for index, (enc, tenc) in enumerate(zip(model.encoder, model.tencoder)):
        lengths_t.append(xt.shape[1])
        xt = _encode(xt, tenc, False)
        saved_t.append(xt)
        x = _encode(x, enc, True)
        if index == 0:
            emb = model.freq_emb.embedding.weight * (model.freq_emb.scale * model.freq_emb_scale)
            x = x + emb[None, :, None, :].to(x.dtype)
        saved.append(x)
    alone = xt
    transformer = model.crosstransformer
    b, f, t, c = x.shape
    x = x.permute(0, 2, 1, 3).reshape(b, t * f, c)
    if model.bottom_channels:
        x, xt = _pointwise(x, model.channel_upsampler), _pointwise(xt, model.channel_upsampler_t)
    x = transformer.norm_in(x) + pos
    xt = transformer.norm_in_t(xt) + pos_t
    for index in range(transformer.num_layers):
        cross = index % 2 != transformer.classic_parity
        old = x
        x = _transformer_layer(transformer.layers[index], x, xt if cross else None)
        xt = _transformer_layer(transformer.layers_t[index], xt, old if cross else None)
    if model.bottom_channels:
        x, xt = _pointwise(x, model.channel_downsampler), _pointwise(xt, model.channel_downsampler_t)
    x = x.view(b, t, f, c).permute(0, 2, 1, 3)
    for dec, tdec in zip(model.decoder, model.tdecoder):
        skip, skip_t, length = saved.pop(), saved_t.pop(), lengths_t.pop()
        x = _decode(x, skip, dec, True, 0)
        both = _decode(torch.cat([xt, alone]), torch.cat([skip_t, skip_t]), tdec, False, length)   # one call for both
        xt, alone = both.chunk(2)
    return x, xt, alone


def prepare(model: HTDemucs, mix: Tensor) -> tuple[Tensor, Tensor, tuple[Tensor, ...]]:
    """What upstream does before its first layer, in float32: (x, xt, scales). Unlike upstream it never waits for the GPU."""
    hop, length = model.hop_length, mix.shape[-1]
    frames = math.ceil(length / hop)
    pad = hop // 2 * 3
    padded = F.pad(mix, (pad, pad + frames * hop - length), mode="reflect")
    z = torch.stft(padded.flatten(0, 1), model.nfft, hop, window=_window(model.nfft, mix.device), normalized=True, center=True,
                   return_complex=True, pad_mode="reflect")
    z = torch.view_as_real(z[:, :-1, 2:2 + frames]).unflatten(0, (-1, 2))              # [B, 2, F, T, 2]
    mag = z.permute(0, 2, 3, 1, 4).flatten(3)                                            # [B, F, T, 4]
    mean, std = mag.mean((1, 2, 3), keepdim=True), mag.std((1, 2, 3), keepdim=True)
    meant, stdt = mix.mean((1, 2), keepdim=True), mix.std((1, 2), keepdim=True)
    x = (mag - mean) / (1e-5 + std)
    xt = ((mix - meant) / (1e-5 + stdt)).transpose(1, 2)
    return x, xt, (mean, std, meant, stdt)


@functools.lru_cache
def _window(size: int, device) -> Tensor:
    return torch.hann_window(size, device=device)


@functools.lru_cache
def _synthesis(size: int, frames: int, device) -> Tensor:
    """One over the summed squared windows of an overlap-add of `frames` frames, [frames + 3, hop]."""
    square = _window(size, device).square().view(4, size // 4)
    total = sum(F.pad(square[k].expand(frames, -1), (0, 0, k, 3 - k)) for k in range(4))
    return 1 / total.clamp(min=1e-11)


def spectrum(model: HTDemucs, x: Tensor, mean: Tensor, std: Tensor) -> Tensor:
    """The frequency branch's output [B, F, T, 4S] as a real view of the spectra to invert: [B * S * 2, T + 4, F + 1, 2]."""
    b, f, t, _ = x.shape
    y = x.float() * std + mean
    y = y.view(b, f, t, len(model.sources) * 2, 2).permute(0, 3, 2, 1, 4)
    return F.pad(y, (0, 0, 0, 1, 2, 2)).flatten(0, 1).contiguous()


def invert(spectra: Tensor) -> Tensor:
    """The windowless frames [N, T + 4, nfft] of `spectrum`'s output."""
    size = 2 * (spectra.shape[2] - 1)
    return torch.fft.irfft(torch.view_as_complex(spectra), size)


def waves(model: HTDemucs, frames: Tensor, xt: Tensor, alone: Tensor, scales: tuple[Tensor, ...], length: int,
          window: Tensor, synthesis: Tensor) -> tuple[Tensor, Tensor]:
    """What upstream does after its inverse FFT: (full, time-only), each [B, S, 2, L]."""
    _, _, meant, stdt = scales
    b, s, hop = xt.shape[0], len(model.sources), model.hop_length
    frames = (frames * (window * model.nfft ** 0.5)).unflatten(-1, (4, hop))
    blocks = sum(F.pad(frames[:, :, k], (0, 0, k, 3 - k)) for k in range(4)) * synthesis
    start = model.nfft // 2 + hop // 2 * 3
    spectral = blocks.flatten(1)[:, start:start + length].reshape(b, s, 2, length)

    def wave(y: Tensor) -> Tensor:
        return y.float().transpose(1, 2).reshape(b, s, 2, length) * stdt[:, None] + meant[:, None]

    return spectral + wave(xt), wave(alone)


def layout(model: HTDemucs, length: int, device) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """(pos, pos_t, window, synthesis): the constants of a crop length."""
    tokens, frames = length, math.ceil(length / model.hop_length)
    for _ in range(model.depth):
        tokens = -(-tokens // model.stride)
    return (*positions(model, frames, tokens, device), _window(model.nfft, device), _synthesis(model.nfft, frames + 4, device))


def fast_forward(model: HTDemucs, mix: Tensor) -> tuple[Tensor, Tensor]:
    """(full, time-only) for a mix whose length is that of its training segment."""
    pos, pos_t, window, synthesis = layout(model, mix.shape[-1], mix.device)
    x, xt, scales = prepare(model, mix)
    x, xt, alone = core(model, x, xt, pos, pos_t)
    frames = invert(spectrum(model, x, *scales[:2]))
    return waves(model, frames, xt, alone, scales, mix.shape[-1], window, synthesis)
