"""From a unit to what a measure takes: pixels, a path, a text, a stretch of video or sound."""

import itertools
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

from studium.core.unit import KINDS, Unit
from studium.errors import InputError, MediaError, UnreadableFileError
from studium.run.add import identify
from studium.run.around import Around

if TYPE_CHECKING:
    from studium.media.material import Material
    from studium.media.reader import Reader
    from studium.media.region import Region

__all__ = ["DEFAULT", "LOADED", "Decoding", "Loader", "locate", "outline_of", "read_of", "text_of"]


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

LOADED = ("image", "region", "text", "file", "video", "audio", "material")
"""Modalities that a `Loader` knows."""


class Loader:
    """Loads units one after the other. A video stays open between its frames, which are read best in their order."""

    def __init__(
        self,
        root: Path,
        decoding: Decoding = DEFAULT,
        above: Mapping[str, Unit] | None = None,
        around: Around | None = None,
    ) -> None:
        """Begin to load.

        Args:
            root: the study folder, which relative paths start from.
            decoding: what may be decoded.
            above: what the units were split from, by id.
            around: what belongs to the units, for material.
        """
        self.root, self.decoding, self.above, self.around = root, decoding, above or {}, around or {}
        self._reader: Reader | None = None
        self._whole: tuple[str, Any] | None = None  # the last picture that units were cut from, by its id

    def __enter__(self) -> "Loader":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if self._reader:
            self._reader.close()

    def load(self, unit: Unit, takes: str, detail: int | None = None) -> Any:
        """The input of modality ``takes`` that ``unit`` offers.

        Args:
            unit: the unit.
            takes: "image" (RGB uint8 H x W x 3), "region" (`Region`), "text" (str), "file" (Path), "video" (`Video`),
                "audio" (`Sound`) or "material" (`Material`).
            detail: for images, the shorter side in pixels that decoding must keep; None for every pixel.

        Raises:
            MediaError: the medium cannot be used; the class and message say why.
        """
        if takes not in KINDS[unit.kind]:
            raise InputError(
                f"a unit of kind {unit.kind!r} offers {', '.join(sorted(KINDS[unit.kind]))}, not {takes!r}"
            )
        if takes == "text":
            text = text_of(unit)
            if text is None:
                raise MediaError(f"the {unit.kind} has no text")
            return text
        if takes == "material":
            return self._material(unit, detail)
        path = locate(self._file(unit), self.root)
        if takes == "file":
            return path
        if takes == "region":
            return self._region(unit, path)
        if takes == "image":
            return self._image(unit, path, detail)
        return _stretch(unit, path, takes)

    def _material(self, unit: Unit, detail: int | None) -> "Material":
        """All that a coder of the unit is shown.

        Raises:
            MediaError: there is nothing to show, or one of its media cannot be used.
        """
        from studium.media.material import Material

        pictures, videos = [], []
        media = self.around.get(unit.id, ()) if unit.kind == "post" else (unit,)
        for medium in media:
            offers = KINDS[medium.kind]
            if "image" in offers:
                pictures.append(self._image(medium, locate(self._file(medium), self.root), detail))
            elif "video" in offers:
                videos.append(_stretch(medium, locate(self._file(medium), self.root), "video"))
        text, transcripts = text_of(unit), tuple(said(unit, self.around))
        if not (pictures or videos or transcripts or (text and text.strip())):
            raise MediaError(f"the {unit.kind} has no text, no picture and no transcript: there is nothing to show")
        outline = outline_of(unit, self.around)
        return Material(text, tuple(pictures), tuple(videos), transcripts, facts_of(unit), outline, unit.kind)

    def path_of(self, unit: Unit) -> str | None:
        """The path of the file that a unit lies in, as the study knows it."""
        return self._file(unit).path

    def _file(self, unit: Unit) -> Unit:
        """The unit that has a file: itself, or what it was split from."""
        while unit.path is None and unit.parent is not None and unit.parent in self.above:
            unit = self.above[unit.parent]
        return unit

    def _image(self, unit: Unit, path: Path, detail: int | None) -> Any:
        if unit.kind == "image":
            from studium.media.image import MAX_PIXELS, decode

            most = MAX_PIXELS if self.decoding.max_pixels is None else self.decoding.max_pixels
            return decode(path, detail=detail, max_pixels=most, truncated=self.decoding.truncated)
        if unit.kind == "frame":
            assert unit.span is not None
            assert unit.span.start is not None
            return self._opened(path).at(unit.span.start).rgb(detail)
        return self._region(unit, path).cut

    def _region(self, unit: Unit, path: Path) -> "Region":
        """A unit that is a part of a picture, which is decoded once for all the units that lie in it."""
        from studium.media.region import region

        assert unit.span is not None
        assert unit.span.box is not None
        assert unit.parent is not None
        if self._whole is None or self._whole[0] != unit.parent:
            self._whole = unit.parent, self._image(self.above[unit.parent], path, None)
        return region(self._whole[1], unit.span.box, unit.span.points)

    def _opened(self, path: Path) -> "Reader":
        from studium.media.reader import Reader

        if self._reader is None or self._reader.path != path:
            if self._reader:
                self._reader.close()
            self._reader = Reader(path)
        return self._reader


def _stretch(unit: Unit, path: Path, takes: str) -> Any:
    from studium.media.audio import Sound
    from studium.media.video import Video

    span = unit.span
    start, end = (span.start or 0.0, span.end) if span else (0.0, None)
    return Video(path, start, end) if takes == "video" else Sound(path, start, end)


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
        now = (stat.st_size, stat.st_mtime_ns)
        if (unit.meta.get("bytes"), unit.meta.get("mtime_ns")) != now and _identified(path, *now) != unit.id:
            raise UnreadableFileError(f"{unit.path} changed since it was added; add its source again")
    except OSError as error:
        reason = error.strerror or str(error)
        raise UnreadableFileError(f"{unit.path}: {reason}; mend it and run with --retry") from error
    return path


@lru_cache(maxsize=1024)
def _identified(path: Path, size: int, mtime_ns: int) -> str:
    """Identity of a file as it is now, once for all its frames: a copied study has files of another time."""
    return identify(path)


def text_of(unit: Unit) -> str | None:
    """What is written or said: a post's text, or that of a line or a spoken segment; None if there is none."""
    text = unit.span.text if unit.span else unit.meta.get("text")
    return None if text is None else str(text)


def outline_of(unit: Unit, around: Around) -> str:
    """Names the material of a unit as it is now, without decoding anything."""
    from studium.media.material import outlined

    media = around.get(unit.id, ()) if unit.kind == "post" else (unit,)
    return outlined(text_of(unit), [medium.id for medium in media], said(unit, around))


def read_of(unit: Unit, takes: str, around: Around) -> str | None:
    """What a row of a table of texts depends on: the text of a unit, or the outline of its material."""
    return outline_of(unit, around) if takes == "material" else text_of(unit)


def said(unit: Unit, around: Around) -> list[tuple[str, str]]:
    """Of what, and what is said there: each medium of which speech was transcribed; of a shot, while it lasts."""
    media = around.get(unit.id, ()) if unit.kind == "post" else (unit,)
    heard = [(medium, "film" if "video" in KINDS[medium.kind] else "sound") for medium in media]
    heard = [(medium, what) for medium, what in heard if "audio" in KINDS[medium.kind]]
    found, count = [], Counter(what for _, what in heard)
    numbers = {what: itertools.count(1) for what in count}
    for medium, what in heard:
        name = f"{what} {next(numbers[what])}" if count[what] > 1 else what
        texts = [text_of(part) for part in around.get(medium.parent or medium.id, ()) if _during(part, medium)]
        if any(texts):
            found.append((name, " ".join(text for text in texts if text)))
    return found


def facts_of(unit: Unit) -> dict[str, Any]:
    """What the source of a post says of it besides its text."""
    return {name: value for name, value in unit.meta.items() if name != "text"} if unit.kind == "post" else {}


def _during(part: Unit, medium: Unit) -> bool:
    """Whether a spoken segment is heard in a medium, or overlaps the stretch of it."""
    if medium.span is None or part.span is None:
        return True
    begin, end = medium.span.start or 0.0, medium.span.end
    return (end is None or (part.span.start or 0.0) < end) and (part.span.end is None or part.span.end > begin)
