"""Seeded HTDemucs models: built by upstream's own class, every parameter filled with values that matter.

Upstream initialises LayerScale to 1e-4 or 1e-3 and several biases to zero, which would hide an error behind
them; here every tensor gets seeded random values. Their scale keeps the network well-conditioned: float32
rounding stays below -124 dB, so that a bound of 120 dB measures the code under test and not chaos.
"""
from fractions import Fraction
import json
import math

import torch
from demucs.htdemucs import HTDemucs
from safetensors.torch import save_file

FOUR = ["drums", "bass", "other", "vocals"]
SIX = FOUR + ["guitar", "piano"]

# The published models' own kwargs, for checks at full size.
PUBLISHED = {
    "htdemucs": dict(sources=FOUR, bottom_channels=512, dconv_mode=3, t_dropout=0.02,
                     segment=Fraction(39, 5)),
    "htdemucs_6s": dict(sources=SIX, bottom_channels=0, dconv_mode=3, t_dropout=0.02,
                        segment=Fraction(39, 5)),
}


def _values(name, parameter, module, generator):
    def normal(scale, centre=0.0):
        return centre + scale * torch.randn(parameter.shape, generator=generator)

    leaf = name.rsplit(".", 1)[-1]
    if leaf == "scale":  # LayerScale
        size = (0.3 if "transformer" in name else 0.1) + 0.2 * torch.rand(parameter.shape, generator=generator)
        sign = torch.randint(0, 2, parameter.shape, generator=generator) * 2 - 1
        return size * sign
    if leaf.endswith("bias"):
        return normal(0.2)
    if isinstance(module, (torch.nn.GroupNorm, torch.nn.LayerNorm)):
        return normal(0.2, 1.0)
    if isinstance(module, torch.nn.Embedding):
        return normal(0.1)
    if isinstance(module, (torch.nn.ConvTranspose1d, torch.nn.ConvTranspose2d)):
        fan_in = parameter.shape[0] * module.kernel_size[0] / module.stride[0]
        return normal(1.0 / math.sqrt(fan_in))
    gain = 1.5 if "transformer" in name else 1.0
    return normal(gain / math.sqrt(parameter[0].numel()))


def fill(model, seed):
    """Fills every parameter; the values are exact in float16, as those of the published files."""
    generator = torch.Generator().manual_seed(seed)
    modules = dict(model.named_modules())
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            module = modules[name.rsplit(".", 1)[0]]
            parameter.copy_(_values(name, parameter, module, generator).half().float())


def seeded_model(kwargs, seed):
    torch.manual_seed(seed)
    model = HTDemucs(**kwargs)
    fill(model, seed)
    return model.eval()


def _encode_json(value):
    if isinstance(value, Fraction):
        return {"_type": "fraction", "numerator": value.numerator, "denominator": value.denominator}
    return value


def metadata(kwargs, args=()):
    return {
        "klass": "demucs.htdemucs.HTDemucs",
        "args": json.dumps(list(args)),
        "kwargs": json.dumps({key: _encode_json(value) for key, value in kwargs.items()}),
    }


def save_safetensors(model, kwargs, path, half=True):
    """The layout of upstream's official files: weights in float16, configuration in the header."""
    state = {name: (value.half() if half else value).contiguous()
             for name, value in model.state_dict().items()}
    save_file(state, str(path), metadata(kwargs))


def save_th(model, kwargs, path, half=True, legacy=False):
    """The layout of demucs.states.serialize_model, as torch zip or as the older single stream."""
    state = {name: value.half() if half else value for name, value in model.state_dict().items()}
    package = {"klass": HTDemucs, "args": (), "kwargs": kwargs, "state": state,
               "training_args": {"seed": 42}}
    torch.save(package, str(path), _use_new_zipfile_serialization=not legacy)


def music(channels, length, sample_rate, seed, deviation=1.0):
    """A mix with tones, beats, noise, an offset and channels that differ."""
    generator = torch.Generator().manual_seed(seed)
    time = torch.arange(length, dtype=torch.float64) / sample_rate
    audio = 0.2 * torch.randn(channels, length, generator=generator, dtype=torch.float64)
    for index, hz in enumerate((55.0, 220.5, 440.2, 1310.0, 2903.0)):
        for channel in range(channels):
            phase = 0.7 * channel + index
            swell = 0.6 + 0.4 * torch.sin(2 * math.pi * (0.31 + 0.1 * index) * time + phase)
            audio[channel] += swell * torch.sin(2 * math.pi * hz * time + phase) / (1 + index)
    audio += 1.5 * torch.exp(-40 * (time % 0.43)) * torch.sin(2 * math.pi * 90 * time)
    audio = audio / audio.std() * deviation + 0.03
    return audio.float()
