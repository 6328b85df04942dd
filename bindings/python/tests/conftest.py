"""What the tests share. They run against the package that is installed, never against the sources."""

import os
from pathlib import Path

import numpy as np
import pytest

import metalaudio

ROOT = Path(os.environ["METALAUDIO_SOURCE_DIR"])


@pytest.fixture(scope="session")
def tiny() -> str:
    """A network of upstream's shapes with seeded weights: four stems at 8 kHz."""
    return str(ROOT / "tests/golden/htdemucs/htdemucs.model.safetensors")


@pytest.fixture(scope="session")
def separator(tiny) -> metalaudio.Separator:
    return metalaudio.Separator(tiny, shifts=0, jobs=2)


def noise(*shape: int, seed: int = 0) -> np.ndarray:
    return (np.random.default_rng(seed).standard_normal(shape) * 0.2).astype(np.float32)


def snr_db(reference: np.ndarray, got: np.ndarray) -> float:
    reference = np.asarray(reference, np.float64)
    error = np.sum((reference - got) ** 2)
    return np.inf if error == 0 else float(10 * np.log10(np.sum(reference**2) / error))
