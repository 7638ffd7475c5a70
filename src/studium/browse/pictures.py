"""Pictures of units for the eye: small ones, which are kept, and large ones; with faces covered where a study says so.

Of a video and a shot it is the frame in the middle, of a post its first medium that has a picture.
"""

import os
from collections.abc import Callable
from threading import BoundedSemaphore
from typing import TYPE_CHECKING, Any

from studium.browse.files import file_of
from studium.browse.view import View
from studium.core.unit import BOXED, KINDS, Span, Unit
from studium.errors import MediaError
from studium.run.load import Loader

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["LONGEST", "SIDES", "picture", "thumb"]

SIDES = (96, 192, 256, 384, 512)
"""Longer sides of the small pictures that are kept, px."""

LONGEST = (800, 1600, 3200)
"""Longer sides of large pictures, px."""

_AT_ONCE = BoundedSemaphore(os.cpu_count() or 1)  # decoded pictures are large: no more of them than can be worked on


def thumb(view: View, kind: str, row: int, side: int = 256, *, covered: bool = False) -> bytes:
    """A small picture of a unit as WebP, kept in the folder ``thumbs`` of the study.

    Args:
        view: the study.
        kind: of the unit.
        row: its place.
        side: longer side, px, rounded up to one of `SIDES`.
        covered: whether faces are covered.

    Raises:
        MediaError: there is no picture of it, or its file cannot be used.
        RefusedError: its file lies outside of the study and of its sources.
        MissingExtraError: faces cannot be found without ONNX Runtime, videos not read without PyAV.
    """
    side = _up(side, SIDES)
    return _kept(
        view, kind, row, f"{side}.covered" if covered else f"{side}", lambda: _made(view, kind, row, side, covered)
    )


def picture(view: View, kind: str, row: int, longest: int = 1600, *, covered: bool = False) -> bytes:
    """A large picture of a unit as WebP; errors as of `thumb`. With faces covered it is kept, as that takes long.

    Args:
        view: the study.
        kind: of the unit.
        row: its place.
        longest: longer side, px, rounded up to one of `LONGEST`; no picture is made larger than it is.
        covered: whether faces are covered.
    """
    longest = _up(longest, LONGEST)
    if not covered:
        return _made(view, kind, row, longest, covered)
    return _kept(view, kind, row, f"{longest}.covered", lambda: _made(view, kind, row, longest, covered))


def _up(wanted: int, sides: tuple[int, ...]) -> int:
    return next((side for side in sides if side >= wanted), sides[-1])


def _kept(view: View, kind: str, row: int, name: str, make: Callable[[], bytes]) -> bytes:
    from studium.media import thumbs

    return thumbs.keep(view.root, view.ids(kind)[row].as_py(), make, f"{name}.webp").read_bytes()


def _made(view: View, kind: str, row: int, side: int, covered: bool) -> bytes:
    from studium.media.thumbs import thumbnail

    with _AT_ONCE:
        return thumbnail(_pixels(view, kind, row, side, covered), side)


def _pixels(view: View, kind: str, row: int, side: int, covered: bool) -> "NDArray[np.uint8]":
    if kind == "post":
        return _pixels(view, *_first_medium(view, row), side, covered)
    unit, above = view.unit(kind, row), {}
    if not {"image", "video"} & KINDS[kind]:
        raise MediaError(f"there is no picture of {kind} units")
    file_of(view, kind, row)
    above = view.above(unit)
    with Loader(view.root, view.decoding, above) as loader:
        if "video" in KINDS[kind]:
            unit, above[unit.id] = _middle(loader, unit), unit
        if unit.kind in BOXED:
            return _part(loader, unit, covered)
        pixels = loader.load(unit, "image", 2 * side if covered else side)
    return _faceless(pixels, side) if covered else pixels


def _middle(loader: Loader, unit: Unit) -> Unit:
    """The frame in the middle of a video or a shot."""
    video = loader.load(unit, "video")
    end = video.end if video.end is not None else video.info.duration
    time = video.start if end is None else (video.start + end) / 2
    return Unit(unit.id, "frame", parent=unit.parent or unit.id, path=unit.path, span=Span(start=time), meta=unit.meta)


def _part(loader: Loader, unit: Unit, covered: bool) -> "NDArray[np.uint8]":
    """A part of a picture. Faces are looked for in what surrounds it, too; nothing is left of one that is a face."""
    import numpy as np

    region = loader.load(unit, "region")
    if not covered:
        return np.asarray(region.cut)
    if unit.kind == "face":
        return np.zeros_like(region.cut)
    x0, y0, x1, y1 = region.box
    return np.ascontiguousarray(_covered(region.picture)[y0:y1, x0:x1])


def _faceless(pixels: "NDArray[np.uint8]", side: int) -> "NDArray[np.uint8]":
    """With faces covered that can be seen at the size that is shown, or at twice that size."""
    from studium.media.transform import downscale

    return _covered(downscale(pixels, 2 * side))


def _covered(pixels: Any) -> "NDArray[np.uint8]":
    from studium.measure.faceless import faceless

    return faceless(pixels)


def _first_medium(view: View, row: int) -> tuple[str, int]:
    import pyarrow.compute as pc

    places = view.attachments()
    media = places.filter(pc.equal(places["post"], view.ids("post")[row])).sort_by("position")
    for one in media.select(["media", "kind"]).to_pylist():
        if {"image", "video"} & KINDS[one["kind"]]:
            return view.find(one["media"], one["kind"])
    raise MediaError("there is no picture of this post: none of its media has one")
