"""What a format holds of annotations, and what it does not."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from studium.core.annotation import Annotation

__all__ = ["OWN", "Place", "Written", "extra"]

OWN = ("weight", "note", "sample", "seconds", "definition", "key")
"""What `extra` tells of an annotation besides ``at``."""


@dataclass(frozen=True)
class Place:
    """Where others find a unit.

    Attributes:
        path: of its file, or of the file that it lies in; "" if there is none.
        size: width and height in pixels of its picture, upright; None if that is not known.
        text: that it is, or None.
        within: where in the file it lies: ``start`` and ``end`` (seconds), ``box`` (pixels); nothing of a whole file.
    """

    path: str = ""
    size: tuple[int, int] | None = None
    text: str | None = None
    within: Mapping[str, Any] | None = None


@dataclass(frozen=True)
class Written:
    """A file to be.

    Attributes:
        text: its content.
        n: annotations in it.
        told: what the format cannot hold, and how often.
    """

    text: str
    n: int
    told: Mapping[str, int]


def extra(one: Annotation, names: Sequence[str] = ("at", *OWN)) -> dict[str, Any]:
    """What formats for labels have no place for, as JSON; without what is not known, and a weight of 1."""
    said = {
        "at": one.at.isoformat(),
        "weight": None if one.weight == 1 else one.weight,
        "note": one.note,
        "sample": one.sample,
        "seconds": one.seconds,
        "definition": one.variable_digest,
        "key": one.key,
    }
    return {name: said[name] for name in names if said[name] is not None}
