#!/usr/bin/env python3
"""Writes tests/golden/htdemucs: small seeded HTDemucs models and what upstream computes with them.

Upstream (`demucs` on PyPI) runs unmodified; intermediate tensors are recorded through forward hooks.
Usage: python tools/goldens/make_htdemucs_goldens.py [NAME...]
"""
from fractions import Fraction
from pathlib import Path
import copy
import hashlib
import sys

import numpy
import torch
from safetensors.torch import save_file

from htdemucs_models import FOUR, SIX, metadata, music, save_safetensors, seeded_model

FOLDER = Path(__file__).resolve().parents[2] / "tests" / "golden" / "htdemucs"
FULL = 1024  # tensors up to this size are stored whole
SAMPLES = 499  # larger ones as about this many values, evenly strided

# freqs = nfft/2 shrink by 4 per level and the branches merge at a level that sees 8 rows or fewer:
# nfft 2048 keeps four levels unmerged (1024, 256, 64, 16), as nfft 4096 does in the published models.
SMALL = dict(samplerate=8000, segment=Fraction(1, 2), nfft=2048, channels=4, dconv_comp=2,
             t_heads=4, t_hidden_scale=2.0)
TINY = dict(SMALL, depth=2, segment=Fraction(1, 4), nfft=256, dconv_mode=3, t_layers=3)
FIVE = dict(SMALL, sources=FOUR, depth=5, channels=2, dconv_comp=1, norm_starts=2, norm_groups=4,
            dconv_mode=3)

MODELS = {
    "htdemucs": dict(SMALL, sources=FOUR, dconv_mode=3, bottom_channels=24, t_dropout=0.02),
    "htdemucs_6s": dict(SMALL, sources=SIX, dconv_mode=3, bottom_channels=0, channels=3,
                        dconv_comp=1.5),
    "code_defaults": dict(SMALL, sources=FOUR),
    "no_transformer": dict(SMALL, sources=FOUR, dconv_mode=3, t_layers=0, channels_time=6,
                           growth=1.5),
    # The last level sees 4 rows, so both branches merge there and part again in the decoder.
    "five_levels_merged": dict(FIVE, nfft=4096, norm_starts=3),
    # Half the stride: five levels that stay apart.
    "five_levels_open": dict(FIVE, nfft=512, stride=2, kernel_size=4, norm_groups=2,
                             segment=Fraction(1, 8)),
    # Deeper than the merge: the inner level works on time alone, with time_stride.
    "merged_early": dict(FIVE, nfft=1024, t_layers=0, norm_starts=3, time_stride=2),
    "mono_one_source": dict(TINY, sources=["voice"], audio_channels=1, samplerate=16000,
                            segment=Fraction(1, 8), context=0, freq_emb=0, growth=3),
    "transformer_post_norm": dict(TINY, sources=FOUR, t_norm_first=False, t_gelu=False,
                                  t_cross_first=True, context=2, context_enc=1),
    "transformer_group_norm": dict(TINY, sources=FOUR[:2], t_norm_in=False, t_norm_in_group=True,
                                   t_group_norm=2, t_layer_scale=False, dconv_mode=2,
                                   t_weight_pos_embed=0.5, t_max_period=1000.0, freq_emb=0.3,
                                   emb_scale=5, bottom_channels=16),
    "transformer_no_norms": dict(TINY, sources=FOUR[:3], t_norm_in=False, t_norm_out=False,
                                 dconv_mode=0, rewrite=False, t_cross_first=True, t_layers=4),
    "transformer_scaled_embedding": dict(TINY, sources=FOUR[:2], t_emb="scaled",
                                         t_max_positions=130, dconv_depth=-3, emb_smooth=False),
    "transformer_cape": dict(TINY, sources=FOUR[:2], t_emb="cape", dconv_depth=1,
                             t_norm_in_group=True, segment=0.27),
}

# Tensors that cannot change the output: where the branches merged, the transformer's last results for
# the time branch go nowhere (upstream decodes that branch from the frequency branch).
# Post-norm cross layers have a third norm that their forward does not call.
UNUSED = {"five_levels_merged": ("layers_t.3.", "layers_t.4."), "transformer_post_norm": (".norm3.",)}


def record(model, mix):
    """Runs the model on mix and returns every intermediate tensor of the forward pass, in its order."""
    seen = {}
    handles = []

    def keep(name, value):
        seen[name] = value.detach().clone()[0]

    def before(module, names):
        handles.append(module.register_forward_pre_hook(
            lambda _, inputs: [keep(name, value) for name, value in zip(names, inputs)] and None))

    def after(module, names):
        def hook(_, inputs, output):
            outputs = output if isinstance(output, tuple) else (output,)
            for name, value in zip(names, outputs):
                keep(name, value)
        handles.append(module.register_forward_hook(hook))

    before(model.encoder[0], ["x_normalised"])
    before(model.tencoder[0], ["xt_normalised"])
    for kind in ("encoder", "tencoder", "decoder", "tdecoder"):
        for index, layer in enumerate(getattr(model, kind)):
            after(layer, [f"{kind}.{index}"])
    before(model.encoder[1], ["freq_emb"])  # encoder.0 with the embedding added
    transformer = model.crosstransformer
    if transformer is not None:
        before(transformer, ["transformer_in", "transformer_in_t"])
        after(transformer, ["transformer_out", "transformer_out_t"])
        before(transformer.layers[0], ["transformer_tokens"])
        before(transformer.layers_t[0], ["transformer_tokens_t"])
        for index in range(transformer.num_layers):
            after(transformer.layers[index], [f"transformer.layers.{index}"])
            after(transformer.layers_t[index], [f"transformer.layers_t.{index}"])
    originals = {name: getattr(model, name) for name in ("_magnitude", "_mask", "_ispec")}

    def watch(name, argument, result):
        def wrapped(*args, **kwargs):
            if argument:
                keep(argument, args[1])
            out = originals[name](*args, **kwargs)
            if result:
                keep(result, out)
            return out
        setattr(model, name, wrapped)

    watch("_magnitude", None, "spec")
    watch("_mask", "spectrogram_out", None)
    watch("_ispec", None, "frequency_wave")
    with torch.no_grad():
        output = model(mix[None])[0]
    for name in originals:
        delattr(model, name)
    for handle in handles:
        handle.remove()
    return output, seen


def snr_db(reference, value):
    reference, value = reference.double(), value.double()
    noise = (reference - value).square().sum()
    return float("inf") if noise == 0 else float(10 * torch.log10(reference.square().sum() / noise))


def check_every_parameter_matters(name, model, mix, output):
    """A fifth of error in any one tensor must show above -100 dB; returns the smallest response."""
    smallest = (float("inf"), "")
    for key, parameter in model.named_parameters():
        if any(part in key for part in UNUSED.get(name, ())):
            continue
        saved = parameter.detach().clone()
        noise = torch.randn(parameter.shape, generator=torch.Generator().manual_seed(7))
        with torch.no_grad():
            parameter.add_(0.2 * saved.square().mean().sqrt() * noise)
            changed = model(mix[None])[0]
            parameter.copy_(saved)
        response = ((changed - output).square().mean() / output.square().mean()).sqrt().item()
        smallest = min(smallest, (response, key))
    assert smallest[0] > 1e-5, f"{name}: {smallest[1]} changes the output by only {smallest[0]:.1e}"
    return smallest


def packed(seen):
    """Large tensors as flat[::stride]; every one with its layout [stride, extents...] and its sums."""
    stored = {}
    for name, value in seen.items():
        value = value.contiguous()
        count = value.numel()
        stride = 1 if count <= FULL else -(-count // SAMPLES) | 1
        stored[name] = value if stride == 1 else value.flatten()[::stride].contiguous()
        stored[name + ".layout"] = torch.tensor([stride, *value.shape], dtype=torch.float32)
        sums = [value.double().sum(), value.double().square().sum()]
        stored[name + ".sums"] = torch.tensor(sums, dtype=torch.float32)
    return stored


def make(name, kwargs, seed):
    model = seeded_model(kwargs, seed)
    length = int(model.segment * model.samplerate)
    mix = music(model.audio_channels, length, model.samplerate, seed)
    output, seen = record(model, mix)
    short = mix[:, :length * 2 // 3 + 1]
    with torch.no_grad():
        output_short = model(short[None])[0]
        in_double = copy.deepcopy(model).double()(mix[None].double())[0]
    weakest, tensor = check_every_parameter_matters(name, model, mix, output)

    save_safetensors(model, kwargs, FOLDER / f"{name}.model.safetensors", half=name != "mono_one_source")
    tensors = {"mix": mix, "output": output.contiguous()}
    tensors.update(packed(seen | {"output_short": output_short}))
    save_file(tensors, str(FOLDER / f"{name}.golden.safetensors"), metadata(kwargs))
    sizes = [(FOLDER / f"{name}.{kind}.safetensors").stat().st_size // 1024 for kind in ("model", "golden")]
    parameters = sum(p.numel() for p in model.parameters())
    print(f"{name:30} seed {seed:3}  {parameters:7} parameters  {sizes[0]:4} + {sizes[1]:4} KiB  rms "
          f"{output.square().mean().sqrt():6.3f}  float32 against float64 {snr_db(in_double, output):6.1f} dB  "
          f"weakest response {weakest:.1e} ({tensor})")


def main():
    torch.use_deterministic_algorithms(True)
    torch.set_num_threads(1)
    FOLDER.mkdir(parents=True, exist_ok=True)
    print(f"python {sys.version.split()[0]}, torch {torch.__version__}, numpy {numpy.__version__}")
    for seed, (name, kwargs) in enumerate(MODELS.items(), start=101):
        if len(sys.argv) == 1 or name in sys.argv[1:]:
            make(name, kwargs, seed)
    sums = [f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.name}\n"
            for path in sorted(FOLDER.glob("*.safetensors"))]
    (FOLDER / "SHA256SUMS").write_text("".join(sums))


if __name__ == "__main__":
    main()
