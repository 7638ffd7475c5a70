"""What a coder is shown of a unit: nothing that tells what others, or machines, or the folders of files say of it."""

from collections.abc import Sequence
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from studium.core.store import Store, unit_of
from studium.core.unit import BOXED
from studium.errors import UnknownNameError
from studium.run.load import text_of

__all__ = ["Shown", "shown", "size_of"]


@dataclass(frozen=True, slots=True)
class Shown:
    """A unit as a coder sees it, besides its picture, film or sound.

    Attributes:
        id: of the unit.
        kind: of the unit.
        label: its kind and the first digits of its id, to speak of it: names of files and folders may tell the answer.
        text: a post's text, or that of a line or a spoken segment; or None.
    """

    id: str
    kind: str
    label: str
    text: str | None


def shown(store: Store, of: str, units: Sequence[str]) -> list[Shown]:
    """Some units, in this order; of those that the study has no more only what their ids tell."""
    table = store.units(of)
    rows = table.filter(pc.is_in(table["id"], value_set=pa.array(units, pa.string()))).to_pylist()
    texts = {row["id"]: text_of(unit_of(row)) for row in rows}
    return [Shown(unit, of, f"{of} {unit[:8]}", texts.get(unit)) for unit in units]


def size_of(store: Store, of: str, unit: str) -> tuple[int, int] | None:
    """Width and height in pixels of a unit's picture, upright; None where nobody measured it."""
    if of in BOXED:
        table = store.units(of)
        boxes = table.filter(pc.equal(table["id"], unit))["box"].to_pylist()
        return (boxes[0][2] - boxes[0][0], boxes[0][3] - boxes[0][1]) if boxes else None
    try:
        rows = store.find(of, "properties").read(["unit", "width", "height"])
    except UnknownNameError:
        return None
    found = rows.filter(pc.equal(rows["unit"], unit)).to_pylist()
    return (found[0]["width"], found[0]["height"]) if found else None
