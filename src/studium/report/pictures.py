"""Thumbnails inside the page."""

from base64 import b64encode
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, partial
from typing import Any

from studium.core.store import Store, unit_of
from studium.errors import MediaError
from studium.media import thumbs
from studium.media.draw import Mark, marked
from studium.media.image import decode
from studium.report.text import name, visible
from studium.run.lineage import Lineage
from studium.run.load import Loader

__all__ = ["BUDGET", "Picture", "Pictures"]

BUDGET = 5_500_000
"""Characters of pictures in one page, so that it can be mailed; what no longer fits is a placeholder, and counted."""

_DETAIL = 192  # px, the side of a thumbnail
_MARKED = 384  # px, the longer side of a picture with boxes on it


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

    def __init__(self, store: Store) -> None:
        """Start with the whole budget."""
        self.root = store.root
        self._lineage = cache(partial(Lineage, store))
        self.left = BUDGET
        self.omitted = 0

    def of(self, row: Mapping[str, Any], caption: str = "", side: int | None = None) -> Picture:
        """The thumbnail of a unit, at most ``side`` px if given, or a placeholder that says why there is none."""
        said = visible(name(row["path"]) or row["id"][:12])
        return self._shown("webp", said, caption, lambda: self._thumbnail(row, side))

    def marked(self, row: Mapping[str, Any], marks: Sequence[Mark]) -> Picture:
        """A picture with what was found in it drawn on, or a placeholder that says why there is none."""
        unit = unit_of(row)

        def drawn() -> bytes:
            with Loader(self.root, above=self._lineage(unit.kind).above([unit])) as loader:
                whole = loader.load(unit, "image")
            small = decode(thumbs.thumbnail(whole, _MARKED))
            shrunk = [mark.scaled(small.shape[1] / whole.shape[1]) for mark in marks]
            return thumbs.thumbnail(marked(small, shrunk), _MARKED)  # drawn on the small picture, to be read there

        said = visible(name(row["path"]) or row["id"][:12])
        return self._shown("webp", said, "", drawn)

    def spectrogram(self, row: Mapping[str, Any]) -> Picture:
        """The spectrogram of a video or an audio file, or a placeholder that says why there is none."""
        from studium.report.spectrogram import spectrogram

        unit = unit_of(row)

        def drawn() -> bytes:
            with Loader(self.root) as loader:
                sound = loader.load(unit, "audio")
                return thumbs.keep(self.root, unit.id, lambda: spectrogram(sound), "png").read_bytes()

        return self._shown("png", visible(name(row["path"])), "", drawn)

    def _shown(self, kind: str, said: str, caption: str, make: Callable[[], bytes]) -> Picture:
        try:
            source = f"data:image/{kind};base64,{b64encode(make()).decode()}"
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
            with Loader(self.root, above=self._lineage(unit.kind).above([unit])) as loader:
                data = thumbs.cached(self.root, unit.id, loader.load(unit, "image", _DETAIL)).read_bytes()
        return thumbs.thumbnail(decode(data), side) if side else data
