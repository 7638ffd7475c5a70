"""Clusters as people see them: named, merged, and with the units that are most typical of each."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from studium.browse.columns import CLUSTER
from studium.browse.view import View, whole
from studium.core.cache import cached
from studium.core.records.clusters import ClusterEdit
from studium.core.store import Table
from studium.errors import InputError, UnknownNameError
from studium.run.coding.clusters import Named, named
from studium.run.tables import living

__all__ = ["EXAMPLES", "UNASSIGNED", "Cluster", "Overview", "clusterings", "edit", "members", "named", "overview"]

EXAMPLES = 24
"""Units that stand for a cluster: those nearest to its centre."""

UNASSIGNED = -1

LONGEST = 200
"""Characters of a name."""


@dataclass(frozen=True, slots=True)
class Cluster:
    """One cluster.

    Attributes:
        cluster: its number.
        name: that people gave it, or None.
        n: units in it and in those that were merged into it.
        silhouette: mean over these units; None if none has one.
        merged: the clusters that were merged into it.
        examples: the most typical units, at most `EXAMPLES`; of merged clusters in turn.
    """

    cluster: int
    name: str | None
    n: int
    silhouette: float | None
    merged: list[int]
    examples: list[str]


@dataclass(frozen=True, slots=True)
class Overview:
    """A clustering: its table, the table of vectors it was made from, its clusters, and how many units are in none."""

    table: str
    by: str
    clusters: list[Cluster]
    unassigned: int


@dataclass(frozen=True)
class _Members:
    """The units of a clustering that the study has today, by cluster, the most typical first."""

    units: pa.Array
    cluster: npt.NDArray[np.int64]
    rank: npt.NDArray[np.int64]
    silhouette: npt.NDArray[np.float64]


def clusterings(view: View, of: str) -> list[Overview]:
    """Every clustering of a kind."""
    return [overview(view, of, table.recipe.label) for table in view.results(of, CLUSTER)]


def overview(view: View, of: str, table: str) -> Overview:
    """A clustering as people see it, the largest clusters first.

    Raises:
        UnknownNameError: there is no such clustering.
    """
    found = _clustering(view, of, table)
    edits = tuple(_edits(view, found))

    def made() -> Overview:
        there, told = _read(view, found), named(edits)
        numbers = np.unique(there.cluster[there.cluster >= 0]).tolist()
        wholes = dict.fromkeys(told.cluster(number) for number in numbers)
        clusters = [_cluster(there, told, number) for number in wholes]
        clusters.sort(key=lambda one: (-one.n, one.cluster))
        by, left = str(found.result().get("by", "")), int((there.cluster == UNASSIGNED).sum())
        return Overview(table, by, clusters, left)

    return cached((found.folder, "overview"), (view.made(found), edits), made)


def members(view: View, of: str, table: str, cluster: int, at: tuple[int, int]) -> tuple[list[int], int]:
    """Places of some of the units of a cluster and of those merged into it, and how many there are.

    Args:
        view: the study.
        of: kind of the units.
        table: of the clustering.
        cluster: its number; -1 for the units that are in none.
        at: (offset, limit).

    Raises:
        UnknownNameError: there is no such clustering or cluster.
    """
    found = _clustering(view, of, table)
    there, told = _read(view, found), named(_edits(view, found))
    rows = _rows(there, told, cluster)
    if not len(rows) and cluster != UNASSIGNED:
        raise UnknownNameError(
            f"{table} has no cluster {cluster}, or it is part of cluster {told.cluster(cluster)} now"
        )
    some = there.units.take(pa.array(rows[at[0] : at[0] + at[1]])).to_pylist()
    return [row for row in view.rows(of, some) if row is not None], len(rows)


def edit(view: View, of: str, asked: ClusterEdit) -> ClusterEdit:
    """An edit as it is kept in the records: it renames a cluster, merges it into another one, or parts it again.

    Args:
        view: the study.
        of: kind of the units.
        asked: the edit; its ``table`` is the label of the clustering.

    Raises:
        UnknownNameError: there is no such clustering or cluster.
        InputError: nothing is to be done, or a name that would not fit on a line.
    """
    found = _clustering(view, of, asked.table)
    numbers = set(np.unique(_read(view, found).cluster).tolist()) - {UNASSIGNED}
    for one in (asked.cluster, asked.into):
        if one is not None and one not in numbers:
            raise UnknownNameError(f"{asked.table} has no cluster {one}; it has {len(numbers)} of them")
    if asked.name is None and asked.into is None:
        raise InputError("an edit should give a cluster a name, or merge it into another one")
    name = None if asked.name is None else asked.name.strip()
    if name is not None and (len(name) > LONGEST or not name.isprintable()):
        raise InputError(f"the name of a cluster should be one line of at most {LONGEST} characters")
    return replace(asked, table=_key(found), name=name)


def _cluster(there: _Members, told: Named, number: int) -> Cluster:
    rows = _rows(there, told, number)
    scores = there.silhouette[rows]
    scores = scores[np.isfinite(scores)]
    return Cluster(
        number,
        told.name.get(number),
        len(rows),
        round(float(scores.mean()), 4) if len(scores) else None,
        told.merged(number),
        there.units.take(pa.array(rows[:EXAMPLES])).to_pylist(),
    )


def _rows(there: _Members, told: Named, number: int) -> npt.NDArray[np.int64]:
    """Rows of the units of a cluster and of its parts, the most typical of each first."""
    parts = [number, *told.merged(number)] if told.cluster(number) == number else []
    begin = np.searchsorted(there.cluster, parts, side="left")
    end = np.searchsorted(there.cluster, parts, side="right")
    rows = np.concatenate([np.zeros(0, np.int64), *(np.arange(a, b) for a, b in zip(begin, end, strict=True))])
    return np.asarray(rows[np.argsort(there.rank[rows], kind="stable")])


def _clustering(view: View, of: str, name: str) -> Table:
    there = {table.recipe.label: table for table in view.results(of, CLUSTER)}
    if name not in there:
        raise UnknownNameError(f"no clustering {name!r} of {of} units; there are: {', '.join(there) or 'none'}")
    return there[name]


def _key(table: Table) -> str:
    return f"{table.kind}/{table.recipe.label}"


def _edits(view: View, table: Table) -> Sequence[ClusterEdit]:
    return view.edits(_key(table))


def _read(view: View, table: Table) -> _Members:
    def read() -> _Members:
        rows: Any = living(view.store, table, ["unit", "cluster", "rank", "silhouette"])
        rows = rows.sort_by([("cluster", "ascending"), ("rank", "ascending"), ("unit", "ascending")])
        cluster, rank = (rows[name].to_numpy().astype(np.int64) for name in ("cluster", "rank"))
        return _Members(whole(rows["unit"]), cluster, rank, rows["silhouette"].to_numpy().astype(np.float64))

    return cached((table.folder, "members"), view.made(table), read)
