"""Pictures and texts for tiny encoders, and a cache of the hub to put these into."""

import shutil
from pathlib import Path

import numpy as np

__all__ = ["COMMIT", "PICTURES", "TEXTS", "cached"]

COMMIT = "0123456789abcdef0123456789abcdef01234567"
TEXTS = ["a photo of a cat", "", "Ünïcödé 抗议 🪧", "the police march " * 30]

_noise = np.random.default_rng(1)
PICTURES = [
    _noise.integers(0, 256, (height, width, 3)).astype(np.uint8)
    for height, width in [(60, 90), (1, 1), (33, 500), (50, 40)]
]


def cached(folder: Path, cache: Path, repo: str) -> Path:
    """Put a folder into a cache of the hub; returns where it lies."""
    return Path(shutil.copytree(folder, cache / f"models--{repo.replace('/', '--')}" / "snapshots" / COMMIT))
