"""Results over many units (clusters, duplicates, maps): computed once per recipe and input, kept as tables."""

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from studium.core.column import Column
from studium.core.recipe import Recipe
from studium.core.store import Store, Table
from studium.errors import InputError
from studium.run.tables import matrix

if TYPE_CHECKING:
    from studium.explore import duplicates as near

__all__ = ["Clustering", "Duplicates", "cluster", "duplicates", "layout"]

Tell = Callable[[str], None]


@dataclass(frozen=True)
class Clustering:
    """A clustering on disk: ``unit``, ``cluster`` (-1 is unassigned), ``silhouette``, ``rank`` (0 is most typical)."""

    table: Table

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

    @property
    def groups(self) -> int:
        """How many groups of two or more there are."""
        return int(self.table.result()["groups"])

    def members(self) -> list[tuple[int, str]]:
        """(group, unit) of every unit in a group, group by group."""
        rows = self.table.read()
        return sorted(zip(rows["group"].to_pylist(), rows["unit"].to_pylist(), strict=True))


def cluster(
    store: Store, of: str, by: str, params: Mapping[str, Any], seed: int, tell: Tell | None = None
) -> Clustering:
    """Iterative k-means over a table of vectors; parameters as in `studium.explore.cluster.Iterative`, and ``fast``.

    Vectors are scaled to length 1, so that distances are those of the cosine.
    """
    from studium.explore import cluster as clusters

    source = store.find(of, by)
    _known("cluster", params, [*(f.name for f in dataclasses.fields(clusters.Iterative)), "fast"])
    how = clusters.Iterative(**{name: value for name, value in params.items() if name != "fast"})
    fast = bool(params.get("fast", False))
    recipe = _recipe("cluster", source, {**dataclasses.asdict(how), "fast": fast, "seed": seed})

    def compute() -> tuple[list[str], dict[str, Any], dict[str, Any]]:
        units, X = matrix(source)
        found = clusters.iterative(_unit_length(X), how, seed=seed, fast=fast, progress=tell)
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
    return Clustering(_kept(store, of, recipe, described, compute))


def duplicates(store: Store, of: str, by: str, params: Mapping[str, Any]) -> Duplicates:
    """Groups of units that are nearly the same, linked by pairs within ``threshold``.

    By PDQ hashes the threshold is in bits (31 unless given) and pictures of quality below 50 take no part; by vectors
    it is a cosine, which depends on the model and must be given.
    """
    from studium.explore import duplicates as near

    source = store.find(of, by)
    hashed = any(column.name == "pdq" for column in source.columns)
    _known("duplicates", params, ["threshold"])
    if not hashed and "threshold" not in params:
        raise InputError("near-duplicates by vectors need a threshold: a cosine such as 0.9; look at pairs around it")
    threshold = params.get("threshold", 31)
    recipe = _recipe("duplicates", source, {"threshold": threshold})

    def compute() -> tuple[list[str], dict[str, Any], dict[str, Any]]:
        units, X, pairs = _hash_pairs(source, threshold) if hashed else _vector_pairs(source, threshold)
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
    return Duplicates(_kept(store, of, recipe, described, compute))


def layout(store: Store, of: str, by: str, params: Mapping[str, Any], seed: int) -> Table:
    """Coordinates on a plane, in [0, 1]; see `studium.explore.map`."""
    from studium.explore import map as maps

    source = store.find(of, by)
    _known("map", params, ["method"])
    settings = {"method": "tsne", **params}
    recipe = _recipe("map", source, {"seed": seed, **settings})

    def compute() -> tuple[list[str], dict[str, Any], dict[str, Any]]:
        units, X = matrix(source)
        xy = maps.coordinates(_unit_length(X), seed=seed, **settings)
        return units, {"x": xy[:, 0], "y": xy[:, 1]}, settings

    described = (
        Column("x", "float32", "position from left to right", low=0, high=1),
        Column("y", "float32", "position from bottom to top", low=0, high=1),
    )
    return _kept(store, of, recipe, described, compute)


def _kept(
    store: Store,
    of: str,
    recipe: Recipe,
    columns: tuple[Column, ...],
    compute: Callable[[], tuple[list[str], dict[str, Any], dict[str, Any]]],
) -> Table:
    """The table of a recipe, computed if it is not whole on disk."""
    table = store.create(of, recipe, columns)
    if not table.result():
        units, values, told = compute()
        table.replace(units, table.arrays(values), {"by": recipe.params["by"], "units": len(units), **told})
    return table


def _recipe(name: str, source: Table, params: Mapping[str, Any]) -> Recipe:
    """The recipe of a result: what it was made from, and exactly which rows."""
    return Recipe(name, "1", {"by": source.recipe.label, **params}, inputs=source.digest())


def _known(name: str, params: Mapping[str, Any], known: Sequence[str]) -> None:
    unknown = sorted(set(params) - set(known))
    if unknown:
        raise InputError(f"{name} has no parameter {', '.join(unknown)}; it has: {', '.join(known)}")


def _hash_pairs(source: Table, threshold: int) -> tuple[list[str], npt.NDArray[Any], "near.Pairs"]:
    from studium.explore import duplicates as near

    rows = source.read(["unit", "pdq", "pdq_quality"]).sort_by("unit")
    hashes = np.frombuffer(b"".join(rows["pdq"].to_pylist()), np.uint8).reshape(-1, 32)
    quality = rows["pdq_quality"].to_numpy()
    return rows["unit"].to_pylist(), hashes, near.hamming_pairs(hashes, threshold, quality=quality)


def _vector_pairs(source: Table, threshold: float) -> tuple[list[str], npt.NDArray[Any], "near.Pairs"]:
    from studium.explore import duplicates as near

    units, X = matrix(source)
    return units, X, near.embedding_pairs(X, threshold)


def _bits_apart(A: npt.NDArray[np.uint8], B: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
    return np.asarray(np.bitwise_count(A ^ B).sum(axis=1), np.float32)


def _cosine_apart(A: npt.NDArray[np.float32], B: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    cosine = (_unit_length(A).astype(np.float64) * _unit_length(B)).sum(axis=1)
    return np.asarray(np.maximum(0, 1 - cosine), np.float32)


def _unit_length(X: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    norms = np.linalg.norm(X, axis=1, keepdims=True)
    return np.asarray(X / np.where(norms > 0, norms, 1), np.float32)
