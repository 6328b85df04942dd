#!/usr/bin/env python3
"""Writes tests/golden/nn/torch.safetensors: what PyTorch computes with single layers, in float64.

Weights are small seeded float32 numbers; long inputs are a formula (see stream) that the test
repeats, and long results are kept at every STRIDE-th token. Versions stand in the file's metadata.
Usage: python tools/goldens/make_nn_goldens.py     (torch and safetensors)
"""
from pathlib import Path

import numpy
import torch
from safetensors.torch import save_file

OUT = Path(__file__).resolve().parents[2] / "tests" / "golden" / "nn" / "torch.safetensors"
SEED = 5
STRIDE = 997
BLOCK = 3  # tokens

torch.manual_seed(SEED)
tensors = {}


def stream(tokens, channels):
    """Noise of 8 bits from a linear congruential generator, exact in float32."""
    state = numpy.arange(tokens * channels, dtype=numpy.uint64)
    for _ in range(3):
        state = (state * numpy.uint64(1103515245) + numpy.uint64(12345)) % numpy.uint64(1 << 31)
    noise = (state >> numpy.uint64(16)) % numpy.uint64(256)
    return torch.tensor(noise.astype(numpy.float64) / 128 - 1).reshape(1, tokens, channels)


def put(name, value):
    tensors[name] = value.detach().to(torch.float32).contiguous()


def single(layer):
    """The layer with its weights rounded to float32."""
    return layer.float().double()


def put_recurrent(name, layer, gates, x, sampled=False):
    hidden = layer.hidden_size
    suffixes = ["_l0", "_l0_reverse"] if layer.bidirectional else ["_l0"]

    def stacked(kind):
        return torch.stack([getattr(layer, kind + s) for s in suffixes])

    put(name + ".input_weight", stacked("weight_ih"))
    put(name + ".hidden_weight", stacked("weight_hh"))
    if gates == 3:
        put(name + ".bias", torch.stack([stacked("bias_ih"), stacked("bias_hh")], 1))
    else:
        put(name + ".bias", stacked("bias_ih") + stacked("bias_hh"))
    y, state = layer(x)
    if not sampled:
        put(name + ".x", x)
    put(name + ".y", y[:, ::STRIDE] if sampled else y)
    if gates == 4:
        put(name + ".hidden", state[0])
        put(name + ".cell", state[1])
    else:
        put(name + ".hidden", state)
    assert y.shape[2] == hidden * len(suffixes)


with torch.no_grad():
    put_recurrent("lstm_stream", single(torch.nn.LSTM(2, 9, batch_first=True)), 4,
                  stream(10000 * BLOCK, 2), sampled=True)
    put_recurrent("gru_stream", single(torch.nn.GRU(2, 9, batch_first=True)), 3,
                  stream(1000 * BLOCK, 2), sampled=True)
    x = torch.randn(2, 7, 5).double()
    put_recurrent("lstm_both", single(torch.nn.LSTM(5, 6, batch_first=True, bidirectional=True)),
                  4, x)
    put_recurrent("gru_both", single(torch.nn.GRU(5, 6, batch_first=True, bidirectional=True)),
                  3, x)
    put_recurrent("rnn_both", single(torch.nn.RNN(5, 6, batch_first=True, bidirectional=True)),
                  1, x)

    x = torch.randn(2, 3, 4, 10).double()
    gamma = torch.randn(10).double()
    norm = torch.nn.RMSNorm(10, eps=1e-5).double()
    norm.weight.copy_(gamma)
    put("rms_norm.x", x)
    put("rms_norm.gamma", gamma)
    put("rms_norm.mean_square", norm(x))
    # As the RoFormers have it: F.normalize(x, dim=-1) * dim ** 0.5 * gamma.
    put("rms_norm.l2", torch.nn.functional.normalize(x, dim=-1) * 10**0.5 * gamma)

    # Rotary positions of interleaved pairs, as a product of complex numbers, along axis 1 of
    # [batch][tokens][bands][heads · depth].
    x = torch.randn(2, 6, 3, 2 * 8).double()
    frequencies = (1.0 / (10000 ** (torch.arange(0, 8, 2).float() / 8))).double()
    angles = torch.arange(6).double()[:, None] * frequencies
    turn = torch.polar(torch.ones_like(angles), angles)
    pairs = torch.view_as_complex(x.reshape(2, 6, 3, 2, 4, 2))
    put("rotary.x", x)
    put("rotary.frequencies", frequencies)
    put("rotary.y", torch.view_as_real(pairs * turn[None, :, None, None, :]).reshape(x.shape))

    # Attention along either inner axis of [batch][time][bands][heads · depth].
    q, k, v = (torch.randn(2, 6, 5, 2 * 4).double() for _ in range(3))
    mask = torch.randn(6, 6).double()
    mask[1, 3:] = -float("inf")
    put("attention.q", q)
    put("attention.k", k)
    put("attention.v", v)
    put("attention.mask", mask.masked_fill(torch.isinf(mask), -1e30))
    for name, axis, options in [("time", 1, {}), ("bands", 2, {}), ("masked", 1, dict(attn_mask=mask)),
                                ("causal", 1, dict(is_causal=True)), ("scaled", 2, dict(scale=0.3))]:
        def heads(t):  # to [..., heads, tokens, depth]
            return t.reshape(2, 6, 5, 2, 4).movedim(axis, -2)

        y = torch.nn.functional.scaled_dot_product_attention(heads(q), heads(k), heads(v), **options)
        put("attention." + name, y.movedim(-2, axis).reshape(2, 6, 5, 8))

OUT.parent.mkdir(parents=True, exist_ok=True)
# The first three are what the reader of checkpoints asks for.
save_file(tensors, OUT, metadata={"klass": "torch", "args": "[]", "kwargs": "{}", "torch": torch.__version__,
                                  "seed": str(SEED), "script": "tools/goldens/make_nn_goldens.py"})
print(OUT.stat().st_size)
