#!/usr/bin/env python3
"""Writes tests/golden/separation: what upstream's apply_model makes of a mix, for many options.

Upstream (`demucs` on PyPI) runs unmodified. The models are those of tests/golden/htdemucs, the shipped one,
and a linear stand-in whose output depends on the place in the segment, so that every misplaced sample shows.
Usage: python tools/goldens/make_separation_goldens.py [linear] [htdemucs] [extreme]
"""
import copy
from fractions import Fraction
from pathlib import Path
from unittest import mock
import hashlib
import json
import sys
import types

import numpy
import torch
sys.modules.setdefault("sphn", types.ModuleType("sphn"))  # demucs.api reads files with it; none are read
from demucs.api import Separator
from demucs.apply import BagOfModels, apply_model
from demucs.hf import load_safetensors_model
from demucs.htdemucs import HTDemucs
from safetensors.torch import save_file

from htdemucs_models import metadata, music

GOLDEN = Path(__file__).resolve().parents[2] / "tests" / "golden"
FOLDER = GOLDEN / "separation"
SHIPPED = GOLDEN.parents[1] / "models"
STRIDE = {"linear": 1, "htdemucs": 7, "extreme": 11}  # of the flattened stems that are stored


class Linear(HTDemucs):
    """Two stems at 1 kHz, each a varying gain on a channel plus a delayed other channel."""

    def __init__(self, segment=Fraction(2, 5)):
        torch.nn.Module.__init__(self)
        self.unused = torch.nn.Parameter(torch.zeros(1))  # apply_model asks a model for its device
        self.sources, self.audio_channels, self.samplerate = ["first", "second"], 2, 1000
        self.segment, self.use_train_segment = segment, True

    def forward(self, mix):
        length = mix.shape[-1]
        training = self.valid_length(length)
        mix = torch.nn.functional.pad(mix, (0, training - length))
        place = torch.arange(training) / training
        stems = []
        for stem in range(2):
            delay = 3 * (stem + 1)
            delayed = torch.nn.functional.pad(mix.flip(1), (delay, 0))[..., :training]
            stems.append((1 + stem - place) * mix + (0.5 - 0.25 * stem) * delayed)
        return torch.stack(stems, 1)[..., :length]


def case(name, length, **options):
    return dict(name=name, length=length, **options)


# models: names of goldens, or segment lengths of linear ones. Offsets are drawn member by member.
LINEAR = [
    case("one_sample", 1),
    case("shorter_than_a_segment", 251),
    case("exactly_a_segment", 400),
    case("one_more_than_a_segment", 401),
    case("many_segments", 1345),
    case("overlap_tenth", 1345, overlap=0.1),
    case("overlap_nine_tenths", 1345, overlap=0.9),
    case("no_overlap", 1345, overlap=0.0),
    case("transition_power_two", 1345, transition_power=2.0, overlap=0.5),
    case("odd_segment", 1000, models=[[401, 1000]]),
    case("shorter_segments", 1345, segment=0.25),
    case("shorter_segment_odd_rest", 130, segment=0.251),
    case("one_shift", 1345, shifts=1, offsets=[77]),
    case("three_shifts", 1345, shifts=3, offsets=[0, 500, 251]),
    case("shifts_of_a_short_mix", 90, shifts=2, offsets=[500, 3]),
    case("no_split", 333, split=False),
    case("no_split_shifted", 300, split=False, shifts=2, offsets=[480, 401]),
    case("no_split_shorter_segment", 201, split=False, segment=0.3),
    case("bag", 1345, models=[[400, 1000], [300, 1000]], weights=[[0.3, 1.0], [0.7, 2.5]]),
    case("bag_with_shifts", 1345, models=[[400, 1000], [300, 1000], [123, 1000]], shifts=2,
         weights=[[0.3, 1.0], [0.7, 0.0], [0.0, 0.5]], offsets=[10, 20, 130, 440, 50, 499]),
    case("bag_of_specialists", 801, models=[[400, 1000], [300, 1000]], weights=[[1.0, 0.0], [0.0, 1.0]]),
    case("normalised", 1345, shifts=1, offsets=[77], normalise=True),
    case("normalised_silence", 500, normalise=True, silent=True),
]
HTDEMUCS = [
    case("shorter_than_a_segment", 2500, models=["htdemucs"]),
    case("exactly_a_segment", 4000, models=["htdemucs"]),
    case("one_more_than_a_segment", 4001, models=["htdemucs"]),
    case("one_second_and_more", 8111, models=["htdemucs"]),
    case("two_shifts", 8000, models=["htdemucs"], shifts=2, offsets=[1234, 3987]),
    case("shorter_segments", 5000, models=["htdemucs"], segment=0.3, overlap=0.1),
    case("bag", 5003, models=["htdemucs", "code_defaults"],
         weights=[[0.3, 1.0, 0.0, 2.0], [0.7, 0.5, 1.0, 1.0]]),
    case("six_sources_normalised", 5003, models=["htdemucs_6s"], shifts=1, offsets=[99], normalise=True),
]

# Mixes of parts that extreme_audio.h of the tests makes again, bit by bit.
SPIKES = {
    "click_in_silence": [[0, 4000, 0.9], [1, 4000, -0.4]],
    "impulse_at_the_start": [[0, 0, 1.0], [1, 0, 1.0]],
    "impulse_at_the_end": [[0, -1, 1.0]],
    "one_step_of_16_bits": [[0, 5000, 1 / 32768]],
}
EXTREME_PARTS = {name: [{"spike": spike} for spike in spikes] for name, spikes in SPIKES.items()} | {
    "kicks_over_dither": [{"noise": 1 / 32768, "gains": [1, -1]}, {"kicks": 0.5, "every": 16000}],
    "noise_at_minus_120_db": [{"noise": 1e-6, "gains": [1, 0.5]}],
    "noise_at_minus_600_db": [{"noise": 1e-30, "gains": [1, 0.5]}],
    "square_at_full_scale": [{"square": 1.0, "half_period": 37}],
    "one_channel_silent": [{"noise": 0.25, "gains": [1, 0]}],
    "channels_that_cancel": [{"noise": 0.25, "gains": [1, -1]}],
    "int32_scale": [{"noise": 2e9, "gains": [1, 0.25]}],
    "constant": [{"square": 0.25, "half_period": 1 << 30}],
    "silence": [],
}
EXTREME = [
    case(f"{name}_{model}", length, models=[model], normalise=True, parts=parts)
    for model, length in (("htdemucs", 6000), ("demo_6s", 20000)) for name, parts in EXTREME_PARTS.items()
    if model == "htdemucs" or name in ("click_in_silence", "kicks_over_dither", "square_at_full_scale")
] + [case("five_samples_htdemucs", 5, models=["htdemucs"], normalise=True, parts=[{"noise": 0.5, "gains": [1, 0.5]}])]


def noise(length):
    """The upper 16 bits of a linear congruential generator, in [-1, 1)."""
    state, values = 1, []
    for _ in range(length):
        state = (1664525 * state + 1013904223) % 2**32
        values.append(state // 65536 - 32768)
    return numpy.array(values, numpy.float32) / numpy.float32(32768)


def extreme(parts, length):
    mix = numpy.zeros((2, length), numpy.float32)
    index = numpy.arange(length)
    for part in parts:
        if "spike" in part:
            channel, frame, value = part["spike"]
            mix[channel, frame] += numpy.float32(value)
        elif "noise" in part:
            for channel, gain in enumerate(part["gains"]):
                mix[channel] += noise(length) * numpy.float32(part["noise"]) * numpy.float32(gain)
        elif "kicks" in part:  # bursts that halve every 64 frames
            fall = numpy.exp2(-(index % part["every"] // 64).clip(max=100).astype(numpy.float32))
            mix += noise(length) * numpy.float32(part["kicks"]) * fall
        else:
            mix += numpy.float32(part["square"]) * (1 - 2 * (index // part["half_period"] % 2)).astype(numpy.float32)
    return torch.from_numpy(mix)


def build(models, weights):
    built = []
    for model in models:
        if isinstance(model, str):
            shipped = SHIPPED / f"{model}.safetensors"
            seeded = GOLDEN / "htdemucs" / f"{model}.model.safetensors"
            built.append(load_safetensors_model(shipped if shipped.exists() else seeded))
        else:
            built.append(Linear(Fraction(*model)))
    return (BagOfModels(built, weights) if weights else built[0]).eval()


def run(options, seed):
    model = build(options.setdefault("models", [[400, 1000]]), options.get("weights"))
    if "parts" in options:
        mix = extreme(options["parts"], options["length"])
        stems = separate(model, mix, options)
        exact = separate(copy.deepcopy(model).double(), mix.double(), options)
        options["upstream_db"] = round(worst_snr_db(exact, stems), 1)
        return None, stems
    mix = music(model.audio_channels, options["length"], model.samplerate, seed, 0.3)
    if options.get("silent"):
        mix.zero_()
    return mix, separate(model, mix, options)


def worst_snr_db(exact, stems):
    """Of the stems; 300 where both are silent."""
    exact, stems = exact.double(), stems.double()  # squares of 1e-30 are no float32
    signal, error = exact.square().sum((1, 2)), (exact - stems).square().sum((1, 2))
    return (10 * torch.log10(signal / error)).nan_to_num(nan=300, posinf=300).min().item()


def separate(model, mix, options):
    keywords = dict(shifts=options.get("shifts", 0), split=options.get("split", True),
                    overlap=options.get("overlap", 0.25), segment=options.get("segment"))
    with mock.patch("random.randint", side_effect=options.get("offsets", [])):
        if options.get("normalise"):
            separator = Separator.__new__(Separator)  # without the download of a model
            separator._model, separator._samplerate = model, model.samplerate
            separator.update_parameter(device="cpu", jobs=0, progress=False, callback=None,
                                       callback_arg=None, **keywords)
            stems = torch.stack(list(separator.separate_tensor(mix)[1].values()))
        else:
            stems = apply_model(model, mix[None], transition_power=options.get("transition_power", 1.0),
                                **keywords)[0]
    assert stems.isfinite().all(), options["name"]
    return stems


def main():
    torch.set_num_threads(1)
    FOLDER.mkdir(parents=True, exist_ok=True)
    kinds = {"linear": LINEAR, "htdemucs": HTDEMUCS, "extreme": EXTREME}
    for kind in sys.argv[1:] or kinds:
        cases = kinds[kind]
        tensors = {}
        for seed, options in enumerate(cases, start=201):
            mix, stems = run(options, seed)
            options["stride"] = STRIDE[kind]
            if mix is not None:
                tensors[f"{options['name']}.mix"] = mix
            tensors[f"{options['name']}.stems"] = stems.flatten()[::STRIDE[kind]].contiguous()
        save_file(tensors, str(FOLDER / f"{kind}.safetensors"), metadata({}))
        (FOLDER / f"{kind}.json").write_text(json.dumps(cases, indent=1) + "\n")
        size = (FOLDER / f"{kind}.safetensors").stat().st_size // 1024
        print(f"{kind}: {len(cases)} cases, {size} KiB")
    sums = [f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.name}\n"
            for path in sorted(FOLDER.glob("*.safetensors"))]
    (FOLDER / "SHA256SUMS").write_text("".join(sums))


if __name__ == "__main__":
    main()
