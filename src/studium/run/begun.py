"""What a killed run had begun: rows of the parts of units that have no row of their own yet."""

import pyarrow as pa
import pyarrow.compute as pc

from studium.core import parts
from studium.core.recipe import Recipe
from studium.core.store import Store, Table
from studium.core.table import open_table
from studium.core.unit import STRETCHES

__all__ = ["begun"]


def begun(store: Store, kind: str, recipe: Recipe, makes: str, units: pa.Table) -> frozenset[str]:
    """Ids of parts that have their row already, though the units that they were split from wait to be split.

    A split writes the rows of the parts, and then that of the whole; only a process that ends between the two leaves
    more rows of parts than the wholes tell of, and only then is more read than the numbers of both.

    Args:
        store: the study folder.
        kind: of the units.
        recipe: of the split.
        makes: the kind of the parts.
        units: those that wait; schema `UNITS`.
    """
    made = store.table(makes, recipe)
    rows = parts.rows(made.folder)
    if not rows or rows == sum(_told(whole, makes) for whole in _wholes(store, made)):
        return frozenset()
    wholes = units["parent" if kind in STRETCHES else "id"]
    children = store.units(makes)
    waiting = children["id"].filter(pc.is_in(children["parent"], value_set=wholes))
    return frozenset(waiting.filter(pc.is_in(waiting, value_set=made.done())).to_pylist())


def _wholes(store: Store, made: Table) -> list[Table]:
    """The tables of all kinds that the split was made of: frames of shots lie with those of videos."""
    found = (store.root / "tables").glob(f"*/{made.recipe.label}/_recipe.json")
    return [open_table(path) for path in sorted(found) if path.parent != made.folder]


def _told(whole: Table, makes: str) -> int:
    name = f"{makes}_count"
    return pc.sum(whole.read([name])[name]).as_py() or 0
