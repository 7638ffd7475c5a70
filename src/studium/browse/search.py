"""Search by a text, a picture or a unit in a table of vectors, which is read and scaled once."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from studium.browse.units import Item, items
from studium.browse.view import View
from studium.core.cache import cached
from studium.core.store import Table
from studium.errors import InputError
from studium.run import gate
from studium.run.index import Index, indexed
from studium.run.search import query_vector
from studium.run.similarity import said
from studium.run.tables import matrix

__all__ = ["MOST", "Hit", "Searchable", "search", "searchable"]

MOST = 1000
"""Units that a search finds at most."""

_NEAR = 1e-5  # float32 products of unit rows are off by less; what comes this close is compared again in float64


@dataclass(frozen=True, slots=True)
class Searchable:
    """A table of vectors: its label, and whether a text can be looked for in it."""

    table: str
    joint: bool


@dataclass(frozen=True, slots=True)
class Hit:
    """A unit that was found, and the cosine of its vector with that of what was looked for."""

    item: Item
    score: float


@dataclass(frozen=True)
class _Vectors:
    """Units, where each is, their vectors, and the lengths of these; 1 for a vector of zeros."""

    units: pa.Array
    index: Index
    X: npt.NDArray[np.float32]
    length: npt.NDArray[np.float32]


def searchable(view: View, of: str) -> list[Searchable]:
    """The tables of a kind that can be searched, the one asked for last first."""
    from studium.measure import encoders

    found = []
    for table in reversed(view.tables(of)):
        if sum(column.size is not None and column.dtype.startswith("float") for column in table.columns) == 1:
            name, model = table.recipe.name, str(table.recipe.params.get("model", ""))
            joint = name == "embed_text" or (name == "embed" and bool(model) and encoders.is_joint(model))
            found.append(Searchable(table.recipe.label, joint))
    return found


def search(view: View, of: str, by: str, given: Mapping[str, str | Path], k: int) -> list[Hit]:
    """The units nearest to what is given, by cosine, exact; see `studium.run.search.search`.

    Args:
        view: the study.
        of: kind of the units.
        by: label of a table of vectors, or what `Store.find` understands; "" for the one that was asked for last.
        given: {"text": ...}, {"image": path} or {"unit": id}.
        k: how many, 1 to `MOST`.

    Raises:
        UnknownNameError: there is no such table.
        InputError: the table knows no words, the unit is not in it, or a picture cannot be compared with it.
        MissingExtraError: what encodes a text or a picture is not installed.
    """
    from studium.explore.search import top

    if not 1 <= k <= MOST:
        raise InputError(f"k should be from 1 to {MOST}, got {k}")
    there = [one.table for one in searchable(view, of)]
    if not by and not there:
        raise InputError(f"there is no table of vectors of {of} units; make one with  studium measure embed --of {of}")
    table = view.table(of, by or there[0])
    found = _vectors(view, table)
    if not len(found.units):
        return []
    query = _query(table, given, found)
    near = _nearest(found, query, k)
    hits = top(query, found.X[near], k)
    rows = view.rows(of, found.units.take(pa.array(near[hits.row])).to_pylist())
    kept = [(row, score) for row, score in zip(rows, hits.score.tolist(), strict=True) if row is not None]
    told = items(view, of, [row for row, _ in kept])
    return [Hit(item, score) for item, (_, score) in zip(told, kept, strict=True)]


def _query(table: Table, given: Mapping[str, str | Path], found: _Vectors) -> npt.NDArray[np.float32]:
    if "unit" not in given:
        return np.asarray(query_vector(table, given, [], found.X), np.float32)
    rows = found.index.rows([str(given["unit"])])
    if not len(rows):
        raise InputError(f"{table.recipe.label} has no vector of the unit {given['unit']!s:.80}")
    return np.asarray(found.X[rows[0]])


def _nearest(found: _Vectors, query: npt.NDArray[np.float32], k: int) -> npt.NDArray[np.int64]:
    """Rows in their order that may be among the nearest."""
    length = float(np.linalg.norm(query))
    if not length or not np.isfinite(length) or len(found.X) <= k:
        return np.arange(len(found.X))
    rough = np.einsum("ij,j->i", found.X, query / np.float32(length)) / found.length  # no threads that wait in vain
    bar = np.partition(rough, len(rough) - k)[len(rough) - k]
    return np.flatnonzero(rough >= bar - _NEAR)


def _vectors(view: View, table: Table) -> _Vectors:
    def read() -> _Vectors:
        units, X = said(view.store, table) if table.recipe.name == "embed_text" else matrix(view.store, table)
        length = np.sqrt(np.einsum("ij,ij->i", X, X))
        there = pa.array(units, pa.string())
        return _Vectors(there, indexed(there), X, np.where(length > 0, length, np.float32(1)))

    if gate.holds_templates(table):  # templates are read for each question, and held by nobody
        return read()
    return cached((table.folder, "vectors"), view.made(table), read)
