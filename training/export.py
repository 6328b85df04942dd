"""Writes a model as upstream's own safetensors layout: float16 tensors, and class, args and kwargs as JSON in the header."""
import json
from fractions import Fraction
from pathlib import Path

import torch
from safetensors.torch import save_file
from torch import Tensor

import model as m

LIMIT_BYTES = 12_000_000


def _json(value):
    if isinstance(value, Fraction):
        return {"_type": "fraction", "numerator": value.numerator, "denominator": value.denominator}
    return value


def export(state: dict[str, Tensor], changes: dict, path: Path) -> None:
    kwargs = {**m.KWARGS, **changes}
    metadata = {"klass": "demucs.htdemucs.HTDemucs", "args": json.dumps([]),
                "kwargs": json.dumps({k: _json(v) for k, v in kwargs.items()})}
    save_file({k: v.detach().to("cpu", torch.float16).contiguous() for k, v in state.items()}, str(path), metadata)
    if Path(path).stat().st_size > LIMIT_BYTES:
        raise SystemExit(f"export: {path} is {Path(path).stat().st_size} bytes, more than {LIMIT_BYTES}")
