"""Where units are, for other programs: their files, what of these they are, and the size of their pictures."""

from collections.abc import Collection

import pyarrow as pa
import pyarrow.compute as pc

from studium.coding.exchange.written import Place
from studium.core.store import Store, unit_of
from studium.core.unit import BOXED, PARENTS, Unit
from studium.errors import MediaError, UnknownNameError
from studium.media.probe import probe
from studium.run.load import locate, text_of
from studium.run.tables import paths

__all__ = ["places", "sizes"]


def places(store: Store, of: str, ids: Collection[str], sized: bool = False) -> dict[str, Place]:
    """Unit -> where it is; those that the study has no more are left out.

    Args:
        store: the study.
        of: kind of the units.
        ids: which.
        sized: whether the sizes of pictures are needed, for which headers of files may have to be read.
    """
    found = _units(store, of, ids)
    where = dict(zip(store.units(of)["id"].to_pylist(), paths(store, of).to_pylist(), strict=True))
    known = sizes(store, of, found) if sized else {}
    return {
        unit: Place(where[unit] or "", known.get(unit), text_of(one), _within(one) if of in PARENTS else None)
        for unit, one in found.items()
    }


def sizes(store: Store, of: str, ids: Collection[str]) -> dict[str, tuple[int, int]]:
    """Width and height in pixels of the units' pictures, upright, where they can be told without decoding."""
    found = _units(store, of, ids)
    if of in BOXED:
        boxes = {unit: one.span.box for unit, one in found.items() if one.span and one.span.box}
        return {unit: (x1 - x0, y1 - y0) for unit, (x0, y0, x1, y1) in boxes.items()}
    known = _measured(store, of)
    if of == "image":
        known |= {unit: size for unit, one in found.items() if unit not in known and (size := _probed(store, one))}
    return {unit: known[unit] for unit in found if unit in known}


def _units(store: Store, of: str, ids: Collection[str]) -> dict[str, Unit]:
    table = store.units(of)
    wanted = table.filter(pc.is_in(table["id"], value_set=pa.array([*ids], pa.string())))
    return {row["id"]: unit_of(row) for row in wanted.to_pylist()}


def _measured(store: Store, of: str) -> dict[str, tuple[int, int]]:
    try:
        rows = store.find(of, "properties").read(["unit", "width", "height"])
    except UnknownNameError:
        return {}
    sides = zip(rows["width"].to_pylist(), rows["height"].to_pylist(), strict=True)
    return dict(zip(rows["unit"].to_pylist(), sides, strict=True))


def _probed(store: Store, unit: Unit) -> tuple[int, int] | None:
    """As its header says; None if the file cannot be read."""
    try:
        found = probe(locate(unit, store.root))
    except MediaError:
        return None
    return found.width, found.height


def _within(unit: Unit) -> dict[str, object]:
    span = unit.span
    said = {"start": span.start, "end": span.end, "box": span.box and list(span.box)} if span else {}
    return {"part": unit.kind, **{name: it for name, it in said.items() if it is not None}}
