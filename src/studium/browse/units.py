"""Pages of units: filtered, searched, sorted, and with what a gallery shows of each."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from studium.browse.columns import values
from studium.browse.filters import Filter, containing, fitting
from studium.browse.values import Number, Texts, first
from studium.browse.view import View
from studium.core.cache import Same, cached
from studium.core.store import unit_of
from studium.core.unit import BOXED
from studium.errors import InputError
from studium.run.load import text_of

__all__ = ["HEAD", "Item", "Page", "chosen", "items", "page", "seconds_of"]

HEAD = 80
"""Characters of a text that stand for it where there is no room for all of it."""

_SHOWN = ["id", "kind", "start", "end", "box", "text"]

Order = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Item:
    """What a gallery shows of a unit.

    Attributes:
        id: of the unit.
        kind: of the unit.
        label: the last part of its path, or the head of its text; and where it begins in a film or a sound.
        width: px, if it is known.
        height: px, if it is known.
        seconds: how long it lasts, if it is known.
    """

    id: str
    kind: str
    label: str
    width: int | None = None
    height: int | None = None
    seconds: float | None = None


@dataclass(frozen=True, slots=True)
class Page:
    """Some of ``total`` units that fit, from ``offset`` on."""

    items: list[Item]
    total: int
    offset: int
    limit: int


def page(
    view: View, of: str, filters: Sequence[Filter] = (), query: str = "", sort: str = "", *, at: tuple[int, int]
) -> Page:
    """A page of the units of a kind.

    Args:
        view: the study.
        of: the kind.
        filters: which all of them fit.
        query: a text to be found in path, text or posts; see `studium.browse.filters.containing`.
        sort: a column, after "-" the largest first; "" for the order in which the units were added. Units without a
            value come last.
        at: (offset, limit).

    Raises:
        InputError: a column that does not exist or cannot be used so.
    """
    rows = chosen(view, of, filters, query, sort)
    offset, limit = at
    return Page(items(view, of, rows[offset : offset + limit]), len(rows), offset, limit)


def chosen(view: View, of: str, filters: Sequence[Filter] = (), query: str = "", sort: str = "") -> Order:
    """The places of the units that fit, sorted; arguments as of `page`."""
    mask = fitting(view, of, filters)
    if query:
        mask &= containing(view, of, query)
    if not sort:
        return np.flatnonzero(mask)
    order = _order(view, of, sort.removeprefix("-"), sort.startswith("-"))
    return np.asarray(order[mask[order]])


def items(view: View, of: str, rows: Iterable[int]) -> list[Item]:
    """What a gallery shows of the units at some places, in this order."""
    at = np.fromiter(rows, np.int64)
    units, paths = view.units(of).select(_SHOWN).take(at).to_pylist(), view.paths(of).take(at).to_pylist()
    worded = [path is None or row["text"] is not None for row, path in zip(units, paths, strict=True)]
    texts = iter(_texts(view, of, at[np.array(worded, np.bool_)]))
    sizes = _sizes(view, of)
    shapes = zip(*(one.take(at).to_pylist() for one in sizes), strict=True) if sizes else ((None, None) for _ in units)
    return [
        Item(row["id"], of, _label(row, path, next(texts) if has else None), *_shape(row, *shape), seconds_of(row))
        for row, path, has, shape in zip(units, paths, worded, shapes, strict=True)
    ]


def seconds_of(row: dict[str, Any]) -> float | None:
    """How long a unit lasts that is a stretch of time."""
    return None if row["start"] is None or row["end"] is None else row["end"] - row["start"]


def _texts(view: View, of: str, rows: Order) -> list[str | None]:
    """What is written or said in the units at some places."""
    return [text_of(unit_of(row)) for row in view.units(of).take(rows).to_pylist()] if len(rows) else []


def _label(row: dict[str, Any], path: str | None, text: str | None) -> str:
    if text is not None and (told := " ".join(text.split())):
        return told if len(told) <= HEAD else f"{told[: HEAD - 1]}…"
    name = path.replace("\\", "/").rsplit("/", 1)[-1] if path else row["id"][:12]
    return name if row["start"] is None else f"{name} · {row['start']:.2f} s"


def _shape(row: dict[str, Any], width: int | None, height: int | None) -> tuple[int | None, int | None]:
    if row["kind"] in BOXED and row["box"]:
        x0, y0, x1, y1 = row["box"]
        return x1 - x0, y1 - y0
    return width, height


def _sizes(view: View, of: str) -> tuple[pa.Array, pa.Array] | None:
    """Width and height as `studium.measure.properties` measured them, if it did."""
    from studium.browse.columns import raw

    everything = view if view.measured else View(view.store)  # the size of a picture is no finding
    found = [table for table in everything.tables(of) if table.recipe.name == "properties"]
    if not found:
        return None
    there = raw(everything, found[-1])
    return there["width"], there["height"]


def _order(view: View, of: str, column: str, falling: bool) -> Order:
    """Places of all units by a column; those without a value last, equal ones in the order in which they were added."""
    found, n = values(view, of, column), len(view.ids(of))

    def made() -> Order:
        if isinstance(found, Texts):
            if found.rows is not None:
                raise InputError(f"{column} has several texts for a unit; sort by another column")
            ranked = pc.rank(found.values, sort_keys="ascending", tiebreaker="dense")
            keys = ranked.to_numpy().astype(np.float64)
            keys[~found.values.is_valid().to_numpy(zero_copy_only=False)] = np.nan
        else:
            one = first(found, n)
            keys = one.values if isinstance(one, Number) else np.where(one.codes < 0, np.nan, one.codes)
        return np.argsort(-keys if falling else keys, kind="stable")

    return cached((view.root, of, column, falling, "order"), Same(found), made)
