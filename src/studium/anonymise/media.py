"""The media that can be anonymised: image files, and films."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from studium.anonymise.copy import Medium, Shown
from studium.core.suffixes import decoder
from studium.errors import DamagedStreamError, UnknownFormatError
from studium.media.pages import pages
from studium.media.probe import ImageInfo, probe
from studium.media.video import Video
from studium.media.write import SUFFIXES, FilmWriter, scaled, write_pages

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["Animation", "Film", "Picture", "medium_of"]

_LOSSY = frozenset({"AVIF", "HEIF", "JPEG", "WEBP"})
"""Formats of photographs, which become JPEG; all others become PNG, documents of several pages TIFF."""

_LONGEST = 65_500
"""Pixels along a side that a JPEG can have."""

_UNTIMED = 0.1
"""Seconds for which a picture of an animation is shown that does not say how long."""


def medium_of(path: Path, kind: str) -> Medium:
    """The picture or the film of a file; an animation is a film.

    Raises:
        MediaError: its header cannot be read.
    """
    if kind == "video":
        return Film(path)
    info = None if decoder(path) else probe(path)
    if info and info.frames > 1 and info.format == "HEIF":
        raise UnknownFormatError(f"{path}: a HEIC of {info.frames} pictures; export them one by one")
    return Animation(path, info.format) if info and info.frames > 1 and info.format != "TIFF" else Picture(path, info)


class Picture:
    """An image file of one picture, or a TIFF of several."""

    moving = False

    def __init__(self, path: Path, info: ImageInfo | None) -> None:
        """Choose how it is written.

        Args:
            path: the file.
            info: its header; None if a plugin decodes it.
        """
        self.path = path
        self.form, self.remarks = _form(info), dict[str, str]()
        self.suffix = SUFFIXES[self.form]
        if info is None or info.format != self.form:
            was = info.format if info else path.suffix[1:].upper()
            self.remarks["format"] = f"written as {self.form}, was {was}"
        if info and info.mode.startswith("I;16"):
            self.remarks["depth"] = "8 bits, were 16"
        if info and info.has_alpha:
            self.remarks["transparency"] = "laid on white"

    def read(self) -> Iterator[Shown]:
        """Its pictures."""
        return (Shown(page.pixels, 0.0, 0.0) for page in pages(self.path))

    def write(self, path: Path, pictures: Iterator[Shown]) -> None:
        """Write them in the form that was chosen."""
        write_pages(path, (shown.pixels for shown in pictures), self.form)

    def written(self, path: Path) -> "Iterator[NDArray[np.uint8]]":
        """What comes out of a copy."""
        return (page.pixels for page in pages(path))


def _form(info: ImageInfo | None) -> str:
    if info and info.frames > 1:
        return "TIFF"
    fits = info and info.format in _LOSSY and max(info.width, info.height) <= _LONGEST
    return "JPEG" if fits else "PNG"


class Film:
    """A video file: of all its streams the pictures alone, upright, each at its time; written as H.264 in MP4."""

    moving, suffix = True, "mp4"

    def __init__(self, path: Path) -> None:
        self.path = path
        self.remarks: dict[str, str] = {}

    def read(self) -> Iterator[Shown]:
        """Its pictures that can be decoded, all of the size of the first; what cannot is a remark."""
        begin: float | None = None
        shapes = dict[tuple[int, int], None]()
        try:
            for frame in Video(self.path).frames():
                begin = frame.time if begin is None else begin
                shapes[frame.shape.width, frame.shape.height] = None
                yield Shown(scaled(frame.rgb(), *next(iter(shapes))), frame.time - begin, frame.duration)
        except DamagedStreamError as error:
            self.remarks["damage"] = str(error).removeprefix(f"{self.path}: ")
        if begin:
            self.remarks["begins"] = f"{begin:.6f} s into the original; its times are that much earlier"
        if len(shapes) > 1:
            self.remarks["sizes"] = "its pictures change their size; all have that of the first"

    def write(self, path: Path, pictures: Iterator[Shown]) -> None:
        """Write them as H.264 in MP4."""
        first = next(pictures)
        height, width = first.pixels.shape[:2]
        if width % 2 or height % 2:
            self.remarks["padded"] = f"from {width} x {height} px to even sides, on the right and below"
        with FilmWriter(path, width, height) as film:
            film.add(*first)
            for shown in pictures:
                film.add(*shown)

    def written(self, path: Path) -> "Iterator[NDArray[np.uint8]]":
        """What comes out of a copy; all of it, for it was just written."""
        return (frame.rgb() for frame in Video(path).frames())


class Animation(Film):
    """A GIF, WebP, PNG or AVIF of several pictures, which becomes a film: shown once, not again and again."""

    def __init__(self, path: Path, form: str) -> None:
        super().__init__(path)
        self.remarks["format"] = f"written as a video, was an animated {form}"

    def read(self) -> Iterator[Shown]:
        """Its pictures, each for as long as it says, or as browsers show one that does not."""
        time = 0.0
        for page in pages(self.path):
            yield Shown(page.pixels, time, page.seconds or _UNTIMED)
            time += page.seconds or _UNTIMED
