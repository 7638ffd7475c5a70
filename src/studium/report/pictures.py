"""Thumbnails inside the page."""

from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from studium.core.store import unit_of
from studium.errors import MediaError
from studium.media import thumbs
from studium.media.image import decode
from studium.report.text import name, visible
from studium.run.load import load

__all__ = ["BUDGET", "Picture", "Pictures"]

BUDGET = 5_500_000
"""Characters of pictures in one page, so that it can be mailed; what no longer fits is a placeholder, and counted."""

_DETAIL = 192  # px, the side of a thumbnail


@dataclass(frozen=True)
class Picture:
    """One thumbnail.

    Attributes:
        source: a ``data:`` URL, or "" if there is nothing to show.
        name: of its file, or the first digits of its id.
        why: why there is nothing to show.
        caption: what stands below it.
    """

    source: str
    name: str
    why: str = ""
    caption: str = ""


class Pictures:
    """Turns units into thumbnails, and keeps the budget."""

    def __init__(self, root: Path) -> None:
        """Start with the whole budget."""
        self.root = root
        self.left = BUDGET
        self.omitted = 0

    def of(self, row: Mapping[str, Any], caption: str = "", side: int | None = None) -> Picture:
        """The thumbnail of a unit, at most ``side`` px if given, or a placeholder that says why there is none."""
        said = visible(name(row["path"]) or row["id"][:12])
        try:
            source = "data:image/webp;base64," + b64encode(self._thumbnail(row, side)).decode()
        except MediaError as error:
            return Picture("", said, f"cannot be shown: {type(error).__name__}", caption)
        if len(source) > self.left:
            self.omitted += 1
            return Picture("", said, "left out to keep this page small", caption)
        self.left -= len(source)
        return Picture(source, said, caption=caption)

    def _thumbnail(self, row: Mapping[str, Any], side: int | None) -> bytes:
        unit = unit_of(row)
        data = thumbs.read(self.root, unit.id)
        if data is None:
            data = thumbs.cached(self.root, unit.id, load(unit, "image", _DETAIL, self.root)).read_bytes()
        return thumbs.thumbnail(decode(data), side) if side else data
