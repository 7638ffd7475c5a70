"""What was split from a unit, and where it lies in it: the faces of a picture, the frames of a film."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow.compute as pc

from studium.browse.units import Item, items
from studium.browse.view import View
from studium.core.unit import PARENTS
from studium.errors import InputError

__all__ = ["Child", "children"]


@dataclass(frozen=True, slots=True)
class Child:
    """One of the units that were split from another.

    Attributes:
        item: what a gallery shows of it.
        span: ``start`` and ``end`` in s, ``box`` (x0, y0, x1, y1) in px of the parent; without what it does not have.
    """

    item: Item
    span: Mapping[str, Any]


def children(view: View, unit: str, kind: str, offset: int, limit: int) -> tuple[list[Child], int]:
    """Some of the units of a kind that were split from a unit, in their order in time, and how many there are.

    Args:
        view: the study.
        unit: id of the parent.
        kind: of the children.
        offset: how many to leave out.
        limit: how many to give at most.

    Raises:
        UnknownNameError: the study does not have the unit.
        InputError: nothing of this kind is split from units such as this one.
    """
    parent, _ = view.find(unit)
    if parent not in PARENTS.get(kind, ()):
        raise InputError(f"{kind} units are not split from {parent} units")
    units = view.units(kind)
    rows = view.children(kind, unit)
    starts = pc.fill_null(units["start"].take(rows), 0.0)
    shown = rows[np.argsort(starts, kind="stable")][offset : offset + limit]
    spans = units.select(["start", "end", "box"]).take(shown).to_pylist()
    told = [{name: value for name, value in span.items() if value is not None} for span in spans]
    return [Child(*one) for one in zip(items(view, kind, shown), told, strict=True)], len(rows)
