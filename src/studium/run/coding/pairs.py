"""Pairs of a study's units, drawn to judge its clusterings, and kept.

Coders are blind: a pair does not tell which clustering put its units together, and pairs come in a random order.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import numpy as np
import numpy.typing as npt

from studium.coding.pairs import WEIGHTINGS, draw_pairs
from studium.core.pair import pair_of
from studium.core.records import Records
from studium.core.records.samples import Sample, Sampled
from studium.core.store import Store, Table
from studium.core.unit import check_kind
from studium.errors import InputError
from studium.run import gate
from studium.run.coding.clusters import Named, named
from studium.run.coding.columns import behind
from studium.run.tables import living

__all__ = ["CLUSTER", "PAIRS", "Compare", "drawn_pairs"]

CLUSTER = "cluster"
"""The column of a table of clusters."""
PAIRS = "pairs"
"""The design of these samples."""


@dataclass(frozen=True)
class Compare:
    """Which pairs are drawn.

    Attributes:
        name: of the sample, new in the study.
        configurations: tables of clusters, of the same kind of units: ``image/cluster-81e549e3``; or, with ``of``, what
            `Store.find` understands.
        n: pairs within clusters, about; parted evenly among the configurations.
        across: pairs of any two units; None for half of ``n``.
        weighting: one of `studium.coding.pairs.WEIGHTINGS`.
        of: kind of the units, if the configurations do not tell it.
        seed: of the draw; None for the study's.
    """

    name: str
    configurations: Sequence[str]
    n: int = 500
    across: int | None = None
    weighting: str = "both"
    of: str = ""
    seed: int | None = None

    def __post_init__(self) -> None:
        """Refuse what cannot be drawn."""
        if not self.name.strip():
            raise InputError("a sample needs a name")
        if not self.configurations or len({*self.configurations}) < len(self.configurations):
            raise InputError(f"expected one or more tables of clusters, each once, got {[*self.configurations]}")
        if self.weighting not in WEIGHTINGS:
            raise InputError(f"weighting should be one of {', '.join(WEIGHTINGS)}, got {self.weighting!r}")


def drawn_pairs(store: Store, records: Records, asked: Compare, *, seed: int = 0, who: str = "local") -> Sample:
    """Draw pairs of units that judge all configurations at once, and keep them.

    Clusters that people merged are one cluster here.

    Args:
        store: the study.
        records: where they are kept.
        asked: which pairs.
        seed: the study's.
        who: draws.

    Returns:
        The sample, with everything that `studium.run.coding.compared` needs: the tables may be deleted. The stratum of
        a pair has, for each configuration, the cluster that both units lie in, or -.

    Raises:
        UnknownNameError: no such table.
        InputError: tables of several kinds, without clusters of two, or a name that is taken.
    """
    if asked.name in records.samples.names():
        raise InputError(f"there is a sample {asked.name!r} already; choose another name")
    tables = [_table(store, one, asked.of) for one in asked.configurations]
    kinds = {table.kind for table in tables}
    if len(kinds) > 1 or len({table.folder for table in tables}) < len(tables):
        raise InputError(f"expected different tables of one kind of units, got {', '.join(asked.configurations)}")
    of = kinds.pop()
    gate.clear(store, "sample pairs by", of, [f"{table.recipe.name}:{table.recipe.key}" for table in tables])
    merged = [named(records.clusters.all(f"{of}/{table.recipe.label}")) for table in tables]
    units, labels = _labels(store, tables, merged)
    seed = seed if asked.seed is None else asked.seed
    across = asked.n // 2 if asked.across is None else asked.across
    found = draw_pairs(labels, asked.n, across, asked.weighting, seed)
    design: dict[str, Any] = {"design": PAIRS, "seed": seed, "frame": found.frame, "units": len(units)}
    design |= {"n": asked.n, "across": across, "weighting": asked.weighting, "drawn": len(found.rows)}
    design["configurations"] = [
        _described(table, name, sizes.tolist(), len(units)) | {"merged": sorted(map(list, edits.into.items()))}
        for table, name, sizes, edits in zip(tables, _names(tables, merged), found.sizes, merged, strict=True)
    ]
    design["behind"] = [behind(table) for table in tables]
    design["estimates"] = "all pairs of units that the configurations are of"
    pairs = [
        Sampled(pair_of(units[one], units[other]), chance, " ".join("-" if c < 0 else str(c) for c in clusters))
        for (one, other), chance, clusters in zip(
            found.rows.tolist(), found.chance.tolist(), found.cluster.tolist(), strict=True
        )
    ]
    sample = Sample(asked.name, of, design, who, datetime.now(UTC), True, tuple(pairs))
    records.samples.add(sample)
    return sample


def _table(store: Store, name: str, of: str) -> Table:
    kind, slash, label = name.partition("/")
    kind, label = (kind, label) if slash else (of, name)
    if not kind:
        raise InputError(f"expected kind/table, such as image/{name}, or the kind of the units; got {name!r}")
    check_kind(kind)
    table = next((one for one in store.tables(kind) if one.recipe.label == label), None) or store.find(kind, label)
    if CLUSTER not in table.schema.names or not table.result():
        raise InputError(f"{kind}/{table.recipe.label} is no finished table of clusters; cluster first")
    return table


def _labels(
    store: Store, tables: Sequence[Table], merged: Sequence[Named]
) -> tuple[list[str], list[npt.NDArray[np.int64]]]:
    """The units of any of the tables, sorted, and the cluster of each by every table; -1 of those in none."""
    rows = [living(store, table, ["unit", CLUSTER]) for table in tables]
    units = sorted({unit for one in rows for unit in one["unit"].to_pylist()})
    place = {unit: at for at, unit in enumerate(units)}
    found = []
    for one, edits in zip(rows, merged, strict=True):
        labels = np.full(len(units), -1, np.int64)
        whole = [edits.cluster(number) for number in one[CLUSTER].to_pylist()]
        labels[[place[unit] for unit in one["unit"].to_pylist()]] = whole
        found.append(labels)
    return units, found


def _names(tables: Sequence[Table], merged: Sequence[Named]) -> list[str]:
    """What tells each configuration from the others: what it was made of, and parameters that differ; else its key."""
    told = [{**table.recipe.params} for table in tables]
    differing = [key for key in told[0] if any(one.get(key) != told[0][key] for one in told)]
    names = []
    for table, params, edits in zip(tables, told, merged, strict=True):
        said = [f"{key} = {params.get(key)}" for key in differing if key != "by"]
        said += [f"{len(edits.into)} merged by hand"] * bool(edits.into)
        names.append(", ".join([str(table.result().get("by") or table.recipe.name), *said]))
    return [
        name if names.count(name) == 1 and len(tables) > 1 else f"{name}, {table.recipe.key}"
        for name, table in zip(names, tables, strict=True)
    ]


def _described(table: Table, name: str, sizes: list[int], units: int) -> dict[str, Any]:
    return {
        "table": f"{table.kind}/{table.recipe.label}",
        "name": name,
        "params": {**table.recipe.params},
        "clusters": int(np.count_nonzero(sizes)),
        "unassigned": 1 - sum(sizes) / units,
        "sizes": sizes,
    }
