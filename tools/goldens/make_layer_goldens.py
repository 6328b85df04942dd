#!/usr/bin/env python3
"""Writes tests/golden/layers/layers.safetensors: what PyTorch's modules make of random inputs.

Every case holds the module's state dictionary under CASE.m, its inputs (CASE.x, …) and its result
CASE.y, values with channels last as the engine has them. Weights are what PyTorch's initialisation
makes of the seed; vectors get random ones, so that none is 0 or 1.
Usage: python tools/goldens/make_layer_goldens.py
"""
from pathlib import Path

import torch
import torch.nn.functional as F
from safetensors.torch import save_file
from torch import nn

FOLDER = Path(__file__).resolve().parents[2] / "tests" / "golden" / "layers"
tensors = {}


def last(x):
    """[batch, channels, …] with the channels last."""
    return x.movedim(1, -1)


def keep(case, name, value):
    tensors[f"{case}.{name}"] = value.detach().clone().float().contiguous()


def randomise(module):
    for name, parameter in module.named_parameters():
        if parameter.dim() == 1:
            parameter.data = torch.randn_like(parameter) * 0.3 + (0 if "bias" in name else 0.8)
    for name, buffer in module.named_buffers():
        if "running" in name:
            buffer.data = torch.rand_like(buffer) + 0.3
    return module.eval()


def state(case, module):
    for name, value in module.state_dict().items():
        if "num_batches" not in name:
            keep(case, f"m.{name}", value)


def channels(case, module, shape, forward=None):
    """A module over [batch, channels, …]."""
    randomise(module)
    x = torch.randn(shape)
    state(case, module)
    keep(case, "x", last(x))
    keep(case, "y", last(forward(module, x) if forward else module(x)))


def tokens(case, module, shape, forward=None):
    """A module over […, channels]."""
    randomise(module)
    x = torch.randn(shape)
    state(case, module)
    keep(case, "x", x)
    keep(case, "y", forward(module, x) if forward else module(x))


def convolutions():
    channels("conv1d", nn.Conv1d(4, 6, 5, stride=2, padding=3, dilation=2, groups=2), (2, 4, 40))
    channels("conv1d_same", nn.Conv1d(3, 5, 4, padding="same", bias=False), (1, 3, 21))
    for mode in "reflect", "replicate", "circular":
        channels(f"conv1d_{mode}", nn.Conv1d(2, 3, 7, padding=3, padding_mode=mode), (1, 2, 19))
    causal = lambda m, x: m(F.pad(x, ((m.kernel_size[0] - 1) * m.dilation[0], 0)))
    channels("conv1d_causal", nn.Conv1d(3, 4, 5, dilation=3, groups=1), (1, 3, 1200), causal)
    channels("conv1d_causal_groups", nn.Conv1d(4, 8, 3, groups=4), (1, 4, 300), causal)
    channels("conv1d_long", nn.Conv1d(1, 1, 65), (1, 1, 1200), causal)
    channels("conv1d_causal_stride", nn.Conv1d(2, 3, 8, stride=4), (1, 2, 400),
             lambda m, x: m(F.pad(x, (4, 0))))  # as EnCodec pads: kernel - stride
    channels("conv1d_weight_norm", nn.utils.weight_norm(nn.Conv1d(3, 4, 3)), (1, 3, 12))
    channels("conv1d_parametrized", nn.utils.parametrizations.weight_norm(nn.Conv1d(3, 4, 3)), (1, 3, 12))
    channels("conv_transpose1d", nn.ConvTranspose1d(4, 6, 5, stride=3, padding=2, output_padding=1,
                                                    dilation=2, groups=2), (2, 4, 15))
    channels("conv_transpose1d_causal", nn.ConvTranspose1d(3, 2, 8, stride=4), (1, 3, 100),
             lambda m, x: m(x)[..., :4 * x.shape[-1]])
    channels("conv_transpose1d_dilated", nn.ConvTranspose1d(2, 4, 3, stride=2, dilation=3, groups=2),
             (1, 2, 100), lambda m, x: m(x)[..., :2 * x.shape[-1]])
    channels("conv2d", nn.Conv2d(4, 6, (3, 5), stride=(2, 1), padding=(1, 2), dilation=(1, 2), groups=2),
             (2, 4, 9, 14))
    channels("conv2d_reflect", nn.Conv2d(2, 3, 3, stride=2, padding=1, padding_mode="reflect"), (1, 2, 9, 12))
    channels("conv2d_causal", nn.Conv2d(2, 3, (3, 3), padding=(0, 1), dilation=(2, 1)), (1, 2, 70, 6),
             lambda m, x: m(F.pad(x, (0, 0, 4, 0))))
    channels("conv_transpose2d", nn.ConvTranspose2d(4, 6, (3, 4), stride=(2, 3), padding=(1, 0),
                                                    output_padding=(1, 2), groups=2), (1, 4, 5, 6))


def recurrent():
    for kind in nn.LSTM, nn.GRU:
        name = kind.__name__.lower()
        tokens(f"{name}", kind(5, 7, batch_first=True), (1, 1100, 5), lambda m, x: m(x)[0])
        tokens(f"{name}_no_bias", kind(3, 4, batch_first=True, bias=False), (2, 9, 3), lambda m, x: m(x)[0])
        deep = kind(4, 5, num_layers=2, batch_first=True, bidirectional=True)
        states = [torch.randn(4, 2, 5) for _ in range(2 if kind is nn.LSTM else 1)]
        case = f"{name}_deep"
        x = torch.randn(2, 11, 4)
        state(case, deep)
        y, last_states = deep(x, tuple(states) if kind is nn.LSTM else states[0])
        keep(case, "x", x)
        keep(case, "y", y)
        for i, (first, after) in enumerate(zip(states, last_states if kind is nn.LSTM else (last_states,))):
            keep(case, f"state{i}", first)
            keep(case, f"last{i}", after)
        # Sequences of three lengths one after the other, all states carried.
        case, carried = f"{name}_sequences", None
        state(case, deep)
        for i, length in enumerate((7, 1, 12)):
            x = torch.randn(1, length, 4)
            y, carried = deep(x, carried)
            keep(case, f"x{i}", x)
            keep(case, f"y{i}", y)
    # Keras' reset_after=False, from the formula of the paper, with torch's order and names.
    cell = nn.GRU(3, 4, batch_first=True)
    x = torch.randn(1, 12, 3)
    h, ys = torch.zeros(1, 4), []
    wr, wz, wn = cell.weight_ih_l0.chunk(3)
    ur, uz, un = cell.weight_hh_l0.chunk(3)
    br, bz, bn = (cell.bias_ih_l0 + cell.bias_hh_l0).chunk(3)
    for t in range(12):
        r = torch.sigmoid(x[:, t] @ wr.T + h @ ur.T + br)
        z = torch.sigmoid(x[:, t] @ wz.T + h @ uz.T + bz)
        n = torch.tanh(x[:, t] @ wn.T + (r * h) @ un.T + bn)
        h = (1 - z) * n + z * h
        ys.append(h)
    state("gru_reset_before", cell)
    keep("gru_reset_before", "x", x)
    keep("gru_reset_before", "y", torch.stack(ys, 1))


def norms():
    channels("group_norm", nn.GroupNorm(3, 6), (2, 6, 17))
    channels("group_norm_2d", nn.GroupNorm(2, 4, affine=False), (2, 4, 5, 7))
    channels("instance_norm", nn.InstanceNorm1d(5, affine=True), (2, 5, 13))
    channels("instance_norm_2d", nn.InstanceNorm2d(3), (1, 3, 5, 6))
    channels("batch_norm", nn.BatchNorm1d(5), (2, 5, 11))
    channels("batch_norm_2d", nn.BatchNorm2d(3, affine=False), (1, 3, 4, 6))
    tokens("layer_norm", nn.LayerNorm(9), (2, 5, 9))
    tokens("layer_norm_two", nn.LayerNorm((4, 6), bias=False), (2, 3, 4, 6))
    tokens("rms_norm", nn.RMSNorm(9), (2, 5, 9))


def element_wise():
    x = torch.linspace(-6, 6, 49).reshape(1, 7, 7)
    keep("activation", "x", x)
    for name, module in dict(
            relu=nn.ReLU(), relu6=nn.ReLU6(), gelu=nn.GELU(), gelu_tanh=nn.GELU("tanh"), silu=nn.SiLU(),
            sigmoid=nn.Sigmoid(), tanh=nn.Tanh(), mish=nn.Mish(), softplus=nn.Softplus(),
            softsign=nn.Softsign(), hardswish=nn.Hardswish(), hardsigmoid=nn.Hardsigmoid(),
            hardtanh=nn.Hardtanh(-0.5, 2), leaky_relu=nn.LeakyReLU(0.2), elu=nn.ELU(0.7),
            celu=nn.CELU(1.3), selu=nn.SELU(), softmax=nn.Softmax(-1),
            log_softmax=nn.LogSoftmax(-1), dropout=nn.Dropout(0.5).eval()).items():
        keep("activation", name, module(x))
    tokens("glu", nn.GLU(-1), (2, 5, 8))
    channels("prelu", nn.PReLU(), (2, 4, 6))
    channels("prelu_channels", nn.PReLU(4), (2, 4, 6))
    x, alpha, beta = torch.randn(1, 9, 4), torch.rand(4) + 0.5, torch.rand(4) + 0.5
    keep("snake", "m.alpha", alpha.reshape(1, 4, 1))
    keep("snake_beta", "m.alpha", alpha.log())
    keep("snake_beta", "m.beta", beta.log())
    keep("snake", "x", x)
    keep("snake", "y", x + (alpha + 1e-9).reciprocal() * torch.sin(alpha * x) ** 2)
    keep("snake_beta", "y", x + 1 / (beta + 1e-9) * torch.sin(alpha * x) ** 2)


def linear():
    tokens("linear", nn.Linear(9, 13), (2, 7, 9))
    for name, kind in dict(f16=torch.float16, bf16=torch.bfloat16).items():
        module = nn.Linear(9, 13)
        module.load_state_dict({k: v.to(kind).float() for k, v in module.state_dict().items()})
        tokens(f"linear_{name}", module, (2, 7, 9))


def pooling():
    channels("max_pool", nn.MaxPool1d(3, stride=2, padding=1, dilation=1), (2, 4, 15))
    channels("max_pool_2d", nn.MaxPool2d((2, 3)), (1, 3, 8, 9))
    channels("avg_pool", nn.AvgPool1d(4, stride=3, padding=2), (1, 3, 17))
    channels("avg_pool_2d", nn.AvgPool2d(3, stride=2, padding=1, count_include_pad=False), (1, 2, 7, 8))
    channels("global_avg_pool", nn.AdaptiveAvgPool2d(1), (2, 3, 5, 4))
    channels("pad_reflect", nn.ReflectionPad2d((2, 1, 3, 0)), (1, 2, 5, 6))
    channels("pad_constant", nn.ConstantPad1d((2, 3), -0.5), (1, 2, 6))
    embedding = nn.Embedding(7, 3)
    state("embedding", embedding)
    keep("embedding", "x", torch.tensor([[0, 6, 3], [2, 2, 5]]))
    keep("embedding", "y", embedding(torch.tensor([[0, 6, 3], [2, 2, 5]])))


def heads(x):
    return x.unflatten(-1, (2, -1)).transpose(1, 2)


def attention():
    q, k, v = torch.randn(3, 5, 8), torch.randn(3, 6, 8), torch.randn(3, 6, 8)
    lengths = torch.tensor([6, 1, 4])
    padding = torch.arange(6)[None] >= lengths[:, None]
    bias = torch.randn(2, 5, 6)
    for name, value in dict(q=q, k=k, v=v, lengths=lengths, bias=bias).items():
        keep("attention", name, value)
    for name, mask in dict(plain=None, bias=bias, lengths=~padding[:, None, None]).items():
        y = F.scaled_dot_product_attention(heads(q), heads(k), heads(v), attn_mask=mask)
        keep("attention", name + "_y", y.transpose(1, 2).flatten(-2))
    y = F.scaled_dot_product_attention(heads(k), heads(k), heads(v), is_causal=True)
    keep("attention", "causal_y", y.transpose(1, 2).flatten(-2))

    module = nn.MultiheadAttention(8, 2, batch_first=True).eval()
    nn.init.normal_(module.in_proj_bias)
    nn.init.normal_(module.out_proj.bias)
    hidden = torch.rand(5, 6) < 0.3
    hidden[:, 0] = False
    state("mha", module)
    keep("mha", "hidden", hidden)
    keep("mha", "y", module(q, k, v, key_padding_mask=padding, attn_mask=hidden, need_weights=False)[0])
    module = nn.MultiheadAttention(8, 2, kdim=8, vdim=5, bias=False, batch_first=True).eval()
    state("mha_apart", module)
    keep("mha_apart", "v", torch.randn(3, 6, 5))
    keep("mha_apart", "y", module(q, k, tensors["mha_apart.v"], need_weights=False)[0])

    options = dict(d_model=8, nhead=2, dim_feedforward=12, batch_first=True)
    x = torch.randn(3, 6, 8)
    for name, module in dict(
            transformer=nn.TransformerEncoderLayer(**options),
            transformer_norm_first=nn.TransformerEncoderLayer(activation="gelu", norm_first=True, **options),
            transformer_encoder=nn.TransformerEncoder(
                nn.TransformerEncoderLayer(activation="gelu", norm_first=True, **options), 2,
                nn.LayerNorm(8), enable_nested_tensor=False)).items():
        randomise(module)
        state(name, module)
        keep(name, "x", x)
        keep(name, "y", module(x))
        # In training mode without dropout: the fast path writes zeros to hidden tokens.
        for part in module.modules():
            if isinstance(part, nn.Dropout):
                part.p = 0.0
            if isinstance(part, nn.MultiheadAttention):
                part.dropout = 0.0
        module.train()
        keep(name, "masked_y", module(x, src_key_padding_mask=padding))


class Encoder(nn.Module):
    def __init__(self, axes, in_channels, out_channels, kernel, stride, groups, approximate):
        super().__init__()
        conv = nn.Conv1d if axes == 1 else nn.Conv2d
        padding = (kernel - stride + 1) // 2
        self.conv = conv(in_channels, out_channels, kernel, stride, padding, padding_mode="reflect")
        self.norm = nn.GroupNorm(groups, out_channels)
        self.gelu = nn.GELU(approximate)

    def forward(self, x):
        return self.gelu(self.norm(self.conv(x)))


class Decoder(nn.Module):
    def __init__(self, axes, in_channels, skip, out_channels, kernel, stride, groups, approximate):
        super().__init__()
        conv = nn.Conv1d if axes == 1 else nn.Conv2d
        transpose = nn.ConvTranspose1d if axes == 1 else nn.ConvTranspose2d
        self.upsample = transpose(in_channels, out_channels, kernel, stride, (kernel - stride + 1) // 2)
        self.conv = conv(out_channels + skip, out_channels, 3, padding=1, padding_mode="reflect")
        self.norm = nn.GroupNorm(groups, out_channels)
        self.gelu = nn.GELU(approximate)

    def forward(self, x, skip):
        x = torch.cat([self.upsample(x, output_size=skip.shape[2:]), skip], 1)
        return self.gelu(self.norm(self.conv(x)))


class UNet(nn.Module):
    def __init__(self, axes, in_channels, out_channels, channels, *level):
        super().__init__()
        ins = [in_channels, *channels[:-1]]
        outs = [channels[0], *channels[:-1]]
        self.encoder = nn.ModuleList(Encoder(axes, i, c, *level) for i, c in zip(ins, channels))
        self.decoder = nn.ModuleList(Decoder(axes, c, i, o, *level)
                                     for c, i, o in zip(channels, ins, outs))
        self.head = (nn.Conv1d if axes == 1 else nn.Conv2d)(channels[0], out_channels, 1)

    def forward(self, x):
        skips = []
        for encoder in self.encoder:
            skips.append(x)
            x = encoder(x)
        for decoder in reversed(self.decoder):
            x = decoder(x, skips.pop())
        return self.head(x)


def unets():
    channels("unet_block", Encoder(2, 2, 8, 3, 2, 4, "tanh"), (1, 2, 9, 12))
    channels("unet1d", UNet(1, 2, 3, [8, 16], 8, 4, 4, "none"), (1, 2, 99))
    channels("unet2d", UNet(2, 2, 2, [4, 8], 3, 2, 2, "tanh"), (1, 2, 13, 18))


def main():
    torch.manual_seed(11)
    with torch.no_grad():
        for part in (convolutions, recurrent, norms, element_wise, linear, pooling, attention, unets):
            part()
    FOLDER.mkdir(parents=True, exist_ok=True)
    metadata = dict(klass="layers", args="[]", kwargs="{}", torch=torch.__version__, seed="11")
    save_file(tensors, FOLDER / "layers.safetensors", metadata=metadata)
    print(FOLDER / "layers.safetensors", (FOLDER / "layers.safetensors").stat().st_size, "bytes")


if __name__ == "__main__":
    main()
