"""Small pictures for galleries: a cache beside the study that is safe to delete."""

import io
import os
import re
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from studium.errors import InputError

__all__ = ["cached", "keep", "read", "thumbnail"]


def thumbnail(rgb: NDArray[np.uint8], size: int = 192) -> bytes:
    """A WebP of the picture inside a square, without metadata; the same pixels give the same bytes.

    Args:
        rgb: uint8, (height, width, 3).
        size: longer side in px; a smaller picture keeps its size.
    """
    small = Image.fromarray(rgb)
    small.thumbnail((size, size), Image.Resampling.LANCZOS, reducing_gap=2.0)
    data = io.BytesIO()
    small.save(data, "WEBP", quality=80, method=2)
    return data.getvalue()


def cached(folder: Path, unit: str, rgb: NDArray[np.uint8]) -> Path:
    """Write ``folder/thumbs/ab/<unit>.webp`` unless it is there, whole or not at all; returns its path.

    Args:
        folder: the study folder.
        unit: id of the unit, 64 hex digits.
        rgb: its picture, uint8, (height, width, 3).
    """
    return keep(folder, unit, lambda: thumbnail(rgb))


def keep(folder: Path, unit: str, make: Callable[[], bytes], suffix: str = "webp") -> Path:
    """Write what ``make`` returns to ``folder/thumbs/ab/<unit>.<suffix>`` unless it is there, whole or not at all."""
    path = _place(folder, unit, suffix)
    if path.exists():
        return path
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=".new-")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(make())
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
    return path


def read(folder: Path, unit: str) -> bytes | None:
    """The WebP of a unit's picture, or None if it has not been made yet."""
    try:
        return _place(folder, unit, "webp").read_bytes()
    except FileNotFoundError:
        return None


def _place(folder: Path, unit: str, suffix: str) -> Path:
    if not re.fullmatch(r"[0-9a-f]{64}", unit):
        raise InputError(f"a unit's id is 64 hex digits, got {unit!r}")
    return folder / "thumbs" / unit[:2] / f"{unit}.{suffix}"
