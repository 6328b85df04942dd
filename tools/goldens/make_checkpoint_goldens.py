"""Writes tests/golden/checkpoints: tiny checkpoints saved by torch itself, in the layout of
upstream's serialize_model(), and expected.json with what a reader must find in them.

    python tools/goldens/make_checkpoint_goldens.py

Needs torch and numpy; the versions used are noted in expected.json. Upstream's class is stood in
for by an empty one of the same name: a checkpoint holds the name alone.
"""
import io
import json
import sys
import types
import zipfile
from collections import OrderedDict
from fractions import Fraction
from pathlib import Path

import numpy as np
import torch

SEED = 42
FOLDER = Path(__file__).resolve().parents[2] / "tests" / "golden" / "checkpoints"


def stand_in_class():
    """demucs.htdemucs.HTDemucs, as far as pickle looks."""
    module = types.ModuleType("demucs.htdemucs")
    klass = type("HTDemucs", (torch.nn.Module,), {"__module__": "demucs.htdemucs"})
    module.HTDemucs = klass
    sys.modules["demucs"] = types.ModuleType("demucs")
    sys.modules["demucs.htdemucs"] = module
    return klass


def package(klass, state):
    return {
        "klass": klass,
        "args": (),
        "kwargs": {
            "sources": ["drums", "bass"],
            "segment": Fraction(39, 5),
            "channels": 4,
            "channels_time": None,
            "cac": True,
            "dconv_init": 1e-3,
            "multi_freqs": [],
            "big": 2**40,
            "negative": -3,
            "nested": {"a": (1, 2.5)},
        },
        "state": state,
        "training_args": {"seed": 42, "dset": {"paths": ["a", "b"]}, "lr": 3e-4},
        "metrics": {"nsdr": np.float64(9.0), "loss": np.float32(0.25), "best": np.int64(3)},
    }


def half_state():
    return {
        "encoder.0.weight": torch.randn(3, 2, 4).half(),
        "encoder.0.bias": torch.randn(3).half(),
    }


def mixed_state():
    base = torch.randn(4, 6)
    shared = torch.arange(12, dtype=torch.float32)
    state = OrderedDict(
        float=torch.randn(2, 3),
        double=torch.randn(5, dtype=torch.float64),
        bfloat16=torch.randn(7).bfloat16(),
        half=torch.randn(2, 2).half(),
        int64=torch.tensor([1, -2, 3]),
        int32=torch.tensor([4, -5], dtype=torch.int32),
        int16=torch.tensor([6, -7], dtype=torch.int16),
        int8=torch.tensor([8, -9], dtype=torch.int8),
        uint8=torch.tensor([200, 7], dtype=torch.uint8),
        bool=torch.tensor([True, False, True]),
        scalar=torch.tensor(2.5),
        empty=torch.zeros(0, 3),
        transposed=base.t(),
        strided=base[1:, ::2],
        shared_front=shared[:6].view(2, 3),
        shared_back=shared[4:],
        expanded=torch.tensor([[1.5], [2.5]]).expand(2, 4),
        parameter=torch.nn.Parameter(torch.randn(3)),
    )
    state._metadata = OrderedDict(version=1)  # as Module.state_dict() has it
    return state


def deflated(data):
    """The same archive, as another zip program might write it."""
    result = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as source:
        with zipfile.ZipFile(result, "w", zipfile.ZIP_DEFLATED) as target:
            for name in source.namelist():
                target.writestr(zipfile.ZipInfo(name), source.read(name), zipfile.ZIP_DEFLATED)
    return result.getvalue()


def saved(content, **options):
    buffer = io.BytesIO()
    torch.save(content, buffer, **options)
    return buffer.getvalue()


def main():
    torch.manual_seed(SEED)
    klass = stand_in_class()
    half, mixed = package(klass, half_state()), package(klass, mixed_state())
    files = {
        "zip_half.th": (saved(half), half),
        "zip_mixed.th": (saved(mixed), mixed),
        "zip_protocol4.th": (saved(mixed, pickle_protocol=4), mixed),
        "zip_deflated.th": (deflated(saved(half)), half),
        "legacy_half.th": (saved(half, _use_new_zipfile_serialization=False), half),
        "legacy_mixed.th": (saved(mixed, _use_new_zipfile_serialization=False), mixed),
    }
    FOLDER.mkdir(parents=True, exist_ok=True)
    expected = {"made_by": {"torch": torch.__version__.split("+")[0], "numpy": np.__version__,
                            "seed": SEED}}
    for name, (data, content) in files.items():
        (FOLDER / name).write_bytes(data)
        expected[name] = {
            key: {"shape": list(tensor.shape), "values": tensor.detach().float().flatten().tolist()}
            for key, tensor in content["state"].items()
        }
    (FOLDER / "expected.json").write_text(json.dumps(expected, separators=(",", ":")) + "\n")


if __name__ == "__main__":
    main()
