"""Boxes that coders draw: which pixels of a picture they mean, and as what."""

from collections.abc import Callable, Mapping, Sequence
from numbers import Real
from typing import Any

from studium.errors import InputError

__all__ = ["BOX", "Boxed", "boxes"]

Boxed = dict[str, Any]
"""One box: ``{"value": name, "box": [x0, y0, x1, y1]}``, whole pixels, x1 and y1 exclusive."""

BOX = '{"value": name, "box": [x0, y0, x1, y1]}'
"""How one is written, for messages."""


def boxes(given: Sequence[object], name_of: Callable[[object], str], size: tuple[int, int] | None) -> list[Boxed]:
    """Boxes in their stored form: from top to bottom and left to right, each once.

    Args:
        given: boxes, or what should be.
        name_of: the stored name of a value; refuses what is none.
        size: width and height of the picture, in which they must lie; None if it is not known.

    Raises:
        InputError: one is no box, is empty, or leaves the picture.
    """
    found = [(name_of(one.get("value")), _corners(one, size)) for one in map(_entries, given)]
    ordered = sorted(set(found), key=lambda one: (one[1][1], one[1][0], one[1][3], one[1][2], one[0]))
    return [{"value": name, "box": list(box)} for name, box in ordered]


def _entries(one: object) -> Mapping[str, object]:
    if not isinstance(one, Mapping) or set(one) != {"value", "box"}:
        raise InputError(f"expected a box as {BOX}, got {one!r}")
    return one


def _corners(one: Mapping[str, object], size: tuple[int, int] | None) -> tuple[int, int, int, int]:
    box = one["box"]
    if not isinstance(box, list | tuple) or len(box) != 4 or not all(map(_whole, box)):
        raise InputError(f"expected the corners [x0, y0, x1, y1] of a box in whole pixels, got {box!r}; round them")
    x0, y0, x1, y1 = (int(corner) for corner in box)
    if not (0 <= x0 < x1 and 0 <= y0 < y1):
        raise InputError(f"expected 0 <= x0 < x1 and 0 <= y0 < y1 (x1, y1 exclusive), got {list(box)}; draw it again")
    if size is not None and (x1 > size[0] or y1 > size[1]):
        raise InputError(f"the box {list(box)} leaves its picture, which is {size[0]} x {size[1]} px; draw it again")
    return x0, y0, x1, y1


def _whole(corner: object) -> bool:
    return isinstance(corner, Real) and not isinstance(corner, bool) and float(corner).is_integer()
