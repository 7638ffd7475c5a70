"""Results over many units (clusters, duplicates, maps): computed once per recipe and input, kept as tables."""

import dataclasses
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from studium.core import parameters, parts
from studium.core.column import Column
from studium.core.recipe import Recipe
from studium.core.store import Store, Table
from studium.errors import InputError
from studium.explore import cluster as clusters
from studium.explore import duplicates as near
from studium.explore import map as maps
from studium.run.tables import living, matrix

__all__ = ["Clustering", "Duplicates", "Layout", "cluster", "duplicates", "layout"]

Tell = Callable[[str], None]
_Pairing = tuple[list[str], npt.NDArray[Any], near.Pairs]  # ids, what was compared, pairs of rows


@dataclass(frozen=True)
class _Cluster(clusters.Iterative):
    """Parameters of `cluster`: those of the algorithm, and whether to take its fast mode."""

    fast: bool = False


@dataclass(frozen=True)
class _Duplicates:
    """Parameters of `duplicates`."""

    threshold: float | None = None


@dataclass(frozen=True)
class _Map:
    """Parameters of `layout`."""

    method: str = "tsne"


@dataclass(frozen=True)
class Clustering:
    """A clustering on disk: ``unit``, ``cluster`` (-1 is unassigned), ``silhouette``, ``rank`` (0 is most typical)."""

    table: Table
    computed: bool

    @property
    def unassigned(self) -> float:
        """Share of units in no cluster, in [0, 1]."""
        return float(self.table.result()["unassigned"])

    def overview(self) -> list[tuple[int, int, float, int]]:
        """(cluster, units, mean silhouette, round) of every cluster."""
        found = self.table.result()["clusters"]
        return [(c["cluster"], c["size"], round(c["silhouette"], 4), c["round"]) for c in found]

    def members(self) -> pa.Table:
        """Every unit with its cluster."""
        return self.table.read()


@dataclass(frozen=True)
class Duplicates:
    """Groups of near-duplicates on disk: ``unit``, ``group``, ``exemplar``, ``distance`` (to the exemplar)."""

    table: Table
    computed: bool

    @property
    def groups(self) -> int:
        """How many groups of two or more there are."""
        return int(self.table.result()["groups"])

    def members(self) -> list[tuple[int, str]]:
        """(group, unit) of every unit in a group, group by group."""
        rows = self.table.read()
        return sorted(zip(rows["group"].to_pylist(), rows["unit"].to_pylist(), strict=True))


@dataclass(frozen=True)
class Layout:
    """A map on disk: ``unit``, ``x``, ``y``.

    Attributes:
        table: where it lies.
        computed: whether it was computed just now.
    """

    table: Table
    computed: bool


def cluster(store: Store, source: Table, params: Mapping[str, Any], seed: int, tell: Tell | None = None) -> Clustering:
    """Iterative k-means over a table of vectors; parameters as in `studium.explore.cluster.Iterative`, and ``fast``.

    Vectors are scaled to length 1, so that distances are those of the cosine.
    """
    given = parameters.make("cluster", _Cluster, params)
    recipe = _recipe("cluster", store, source, {**dataclasses.asdict(given), "seed": seed})

    def compute() -> tuple[list[str], dict[str, Any], dict[str, Any]]:
        units, X = matrix(store, source)
        found = clusters.iterative(_unit_length(X), given, seed=seed, fast=given.fast, progress=tell)
        rank = np.full(len(units), -1, np.int32)
        for members in found.representatives(len(units)):
            rank[members] = np.arange(len(members))
        columns = {"cluster": found.labels, "silhouette": found.silhouette, "rank": rank}
        table = [
            {"cluster": c.label, "size": c.size, "silhouette": c.silhouette, "round": c.round, "k": c.K}
            for c in found.table
        ]
        history = [{"round": t.round, "k": t.K, "silhouette": t.silhouette} for t in found.history]
        return units, columns, {"clusters": table, "history": history, "unassigned": found.unassigned}

    described = (
        Column("cluster", "int32", "number of the cluster; -1 is unassigned", low=-1),
        Column("silhouette", "float32", "how much nearer its own cluster than the next", low=-1, high=1),
        Column("rank", "int32", "0 is nearest to the centre of its cluster; -1 is unassigned", low=-1),
    )
    return Clustering(*_kept(store, source.kind, recipe, described, compute))


def duplicates(store: Store, source: Table, params: Mapping[str, Any]) -> Duplicates:
    """Groups of units that are nearly the same, linked by pairs within ``threshold``.

    By hashes the threshold is in bits (31 for PDQ, whose pictures of quality below 50 take no part; to be given for
    others); by vectors it is a cosine, which depends on the model and must be given.
    """
    hashed = next((column.name for column in source.columns if column.dtype == "binary"), None)
    threshold = _threshold(hashed, parameters.make("duplicates", _Duplicates, params).threshold)
    recipe = _recipe("duplicates", store, source, {"threshold": threshold})

    def compute() -> tuple[list[str], dict[str, Any], dict[str, Any]]:
        units, X, pairs = (
            _hash_pairs(store, source, hashed, threshold) if hashed else _vector_pairs(store, source, threshold)
        )
        grouped = near.groups(pairs, len(units))
        members = np.flatnonzero(grouped.group >= 0)
        stands = grouped.exemplar[grouped.group[members]]
        columns = {
            "group": grouped.group[members],
            "exemplar": members == stands,
            "distance": (_bits_apart if hashed else _cosine_apart)(X[members], X[stands]),
        }
        told = {"threshold": threshold, "groups": len(grouped.size), "pairs": len(pairs.i)}
        return [units[i] for i in members], columns, told

    described = (
        Column("group", "int32", "number of the group of near-duplicates", low=0),
        Column("exemplar", "bool", "the member with the most pairs, which stands for its group"),
        Column("distance", "float32", "to the exemplar: bits for hashes, 1 - cosine for vectors", low=0),
    )
    return Duplicates(*_kept(store, source.kind, recipe, described, compute))


def layout(store: Store, source: Table, params: Mapping[str, Any], seed: int) -> Layout:
    """Coordinates on a plane, in [0, 1]; see `studium.explore.map`."""
    settings = dataclasses.asdict(parameters.make("map", _Map, params))
    recipe = _recipe("map", store, source, {"seed": seed, **settings})

    def compute() -> tuple[list[str], dict[str, Any], dict[str, Any]]:
        units, X = matrix(store, source)
        xy = maps.coordinates(_unit_length(X), seed=seed, **settings)
        return units, {"x": xy[:, 0], "y": xy[:, 1]}, settings

    described = (
        Column("x", "float32", "position from left to right", low=0, high=1),
        Column("y", "float32", "position from bottom to top", low=0, high=1),
    )
    return Layout(*_kept(store, source.kind, recipe, described, compute))


def _kept(
    store: Store,
    of: str,
    recipe: Recipe,
    columns: tuple[Column, ...],
    compute: Callable[[], tuple[list[str], dict[str, Any], dict[str, Any]]],
) -> tuple[Table, bool]:
    """The table of a recipe, computed if it is not whole on disk; and whether it was."""
    table = store.table(of, recipe)
    if table.result():
        return store.create(of, recipe, columns), False
    units, values, told = compute()
    table = store.create(of, recipe, columns)
    table.replace(units, table.arrays(values), {"by": recipe.params["by"], "units": len(units), **told})
    return table, True


def _recipe(name: str, store: Store, source: Table, params: Mapping[str, Any]) -> Recipe:
    """The recipe of a result: what it was made from, and exactly which rows."""
    units = parts.sum_of_rows(living(store, source, ["unit"]))
    return Recipe(name, "1", {"by": source.recipe.label, **params}, inputs=f"{source.digest()}{units:064x}")


def _threshold(hashed: str | None, given: float | None) -> float:
    """The threshold of near-duplicates, by hashes (the name of their column) or by vectors (None)."""
    if given is None and hashed != "pdq":
        example = "a number of bits" if hashed else "a cosine such as 0.9"
        raise InputError(
            f"near-duplicates by {hashed or 'vectors'} need a threshold: {example}; look at pairs around it"
        )
    if hashed and given is not None and given != int(given):
        raise InputError(f"the threshold of hashes is a whole number of bits, got {given}")
    return 31 if given is None else given


def _hash_pairs(
    store: Store, source: Table, column: str, threshold: float
) -> tuple[list[str], npt.NDArray[Any], near.Pairs]:
    rows = living(store, source)
    width = len(rows[column][0].as_py()) if rows.num_rows else 1
    hashes = np.frombuffer(b"".join(rows[column].to_pylist()), np.uint8).reshape(-1, width)
    quality = rows[f"{column}_quality"].to_numpy() if f"{column}_quality" in rows.column_names else None
    return rows["unit"].to_pylist(), hashes, near.hamming_pairs(hashes, int(threshold), quality=quality)


def _vector_pairs(store: Store, source: Table, threshold: float) -> _Pairing:
    units, X = matrix(store, source)
    return units, X, near.embedding_pairs(X, threshold)


def _bits_apart(A: npt.NDArray[np.uint8], B: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
    return np.asarray(np.bitwise_count(A ^ B).sum(axis=1), np.float32)


def _cosine_apart(A: npt.NDArray[np.float32], B: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    cosine = (_unit_length(A).astype(np.float64) * _unit_length(B)).sum(axis=1)
    return np.asarray(np.maximum(0, 1 - cosine), np.float32)


def _unit_length(X: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    norms = np.linalg.norm(X, axis=1, keepdims=True)
    return np.asarray(X / np.where(norms > 0, norms, 1), np.float32)
