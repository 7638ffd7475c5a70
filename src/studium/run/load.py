"""From a unit to what a measure takes: pixels, a path, a text."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from studium.core.unit import KINDS, Unit
from studium.errors import InputError, MediaError, UnreadableFileError
from studium.run.add import identify

__all__ = ["DEFAULT", "LOADED", "Decoding", "load", "locate", "text_of"]


@dataclass(frozen=True)
class Decoding:
    """What a study decodes.

    Attributes:
        max_pixels: largest picture, width x height; None for the default of `studium.media.image`.
        truncated: whether a picture that ends early is taken as far as it goes.
    """

    max_pixels: int | None = None
    truncated: bool = False


DEFAULT = Decoding()

LOADED = ("image", "text", "file")
"""Modalities that `load` knows."""


def load(unit: Unit, takes: str, detail: int | None, root: Path, decoding: Decoding = DEFAULT) -> Any:
    """The input of modality ``takes`` that ``unit`` offers.

    Args:
        unit: the unit.
        takes: "image" (RGB uint8 H x W x 3), "text" (str) or "file" (Path).
        detail: for images, the shorter side in pixels that decoding must keep; None for every pixel.
        root: the study folder, which relative paths start from.
        decoding: what may be decoded.

    Raises:
        MediaError: the medium cannot be used; the class and message say why.
    """
    if takes not in KINDS[unit.kind]:
        raise InputError(f"a unit of kind {unit.kind!r} offers {', '.join(sorted(KINDS[unit.kind]))}, not {takes!r}")
    if takes == "text":
        text = text_of(unit)
        if text is None:
            raise MediaError(f"the {unit.kind} has no text")
        return text
    path = locate(unit, root)
    if takes == "file":
        return path
    from studium.media.image import MAX_PIXELS, decode

    most = MAX_PIXELS if decoding.max_pixels is None else decoding.max_pixels
    return decode(path, detail=detail, max_pixels=most, truncated=decoding.truncated)


def locate(unit: Unit, root: Path) -> Path:
    """The unit's file, certain to hold the bytes that named it.

    Raises:
        UnreadableFileError: the file has gone, cannot be read, or changed since it was added.
    """
    if unit.path is None:
        raise UnreadableFileError(f"the {unit.kind} has no file")
    path = root / unit.path
    try:
        stat = path.stat()
        recorded = (unit.meta.get("bytes"), unit.meta.get("mtime_ns"))
        if recorded != (stat.st_size, stat.st_mtime_ns) and identify(path) != unit.id:
            raise UnreadableFileError(f"{unit.path} changed since it was added; add its source again")
    except OSError as error:
        reason = error.strerror or str(error)
        raise UnreadableFileError(f"{unit.path}: {reason}; mend it and run with --retry") from error
    return path


def text_of(unit: Unit) -> str | None:
    """What is written or said: a post's text, or that of a line or a spoken segment; None if there is none."""
    text = unit.span.text if unit.span else unit.meta.get("text")
    return None if text is None else str(text)
