"""Clusters: what lies in each, how well it holds together, and what belongs to none."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow.compute as pc
from markupsafe import Markup

from studium.core.store import Table
from studium.report import charts
from studium.report.montage import Montage, montage
from studium.report.reading import Reading, call
from studium.report.text import noun, number, percent
from studium.report.variables import Share, names_of

__all__ = ["Cluster", "Clustering", "clusterings"]

CLUSTERS, REPRESENTATIVES, UNASSIGNED = 24, 12, 24
"""Clusters of which pictures are shown, pictures of each, and pictures of what was not assigned."""


@dataclass(frozen=True)
class Cluster:
    """One cluster, with the pictures nearest to its centre if it is among those shown."""

    number: int
    size: int
    share: str
    silhouette: str
    round: int
    tags: list[Share]
    labels: list[Share]
    montage: Montage


@dataclass(frozen=True)
class Clustering:
    """One result of clustering."""

    kind: str
    by: str
    n: int
    missing: int
    clusters: list[Cluster]
    unassigned: Montage
    unassigned_share: str
    curves: list[tuple[str, Markup]]
    data: str


def clusterings(reading: Reading, kind: str) -> list[Clustering]:
    """Every clustering of a kind, the last one of each table it was made from."""
    return [_clustering(reading, table) for table in reading.results(kind, "cluster")]


def _clustering(reading: Reading, table: Table) -> Clustering:
    rows, result = table.read(["unit", "cluster", "rank"]), table.result()
    members = _members(rows)
    tags, labels = _tags(reading, table.kind), _labels(reading, table.kind)
    overall = Counter(tags.values()), Counter(labels.values())
    entries = sorted(result.get("clusters", ()), key=lambda c: (-c["size"], c["cluster"]))
    clusters = []
    for place, entry in enumerate(entries):
        ids = members.get(entry["cluster"], [])
        shown = montage(reading, table.kind, ids, REPRESENTATIVES if place < CLUSTERS else 0)
        clusters.append(
            Cluster(
                entry["cluster"],
                entry["size"],
                percent(entry["size"], rows.num_rows),
                number(entry["silhouette"]),
                entry["round"],
                _top([tags[u] for u in ids if u in tags], overall[0]),
                _top([labels[u] for u in ids if u in labels], overall[1]),
                shown,
            )
        )
    left = sorted(members.get(-1, []))
    order = np.random.default_rng(reading.study.seed % 2**32).permutation(len(left))
    return Clustering(
        kind=table.kind,
        by=result.get("by", ""),
        n=rows.num_rows,
        missing=reading.counted(table.kind) - rows.num_rows,
        clusters=clusters,
        unassigned=montage(reading, table.kind, [left[i] for i in order], UNASSIGNED),
        unassigned_share=percent(len(left), rows.num_rows),
        curves=_curves(result),
        data=call(table),
    )


def _members(rows: Any) -> dict[int, list[str]]:
    """Ids by cluster, those nearest to the centre first."""
    ranked = rows.sort_by([("cluster", "ascending"), ("rank", "ascending"), ("unit", "ascending")])
    found: dict[int, list[str]] = {}
    for unit, cluster in zip(ranked["unit"].to_pylist(), ranked["cluster"].to_pylist(), strict=True):
        found.setdefault(cluster, []).append(unit)
    return found


def _top(values: Sequence[str], overall: Counter[str], most: int = 4) -> list[Share]:
    """The most frequent values of some units, as shares of those that have any."""
    ordered = sorted(Counter(values).items(), key=lambda item: (-item[1], -overall[item[0]], item[0]))
    return [Share(value, n, n / len(values)) for value, n in ordered[:most]]


def _tags(reading: Reading, kind: str) -> dict[str, str]:
    tables = [table for table in reading.store.tables(kind) if table.recipe.name == "tags"]
    return names_of(tables[-1]) if tables else {}


def _labels(reading: Reading, kind: str) -> dict[str, str]:
    found = reading.attachments.filter(pc.equal(reading.attachments["kind"], kind))
    pairs = zip(found["media"].to_pylist(), found["label"].to_pylist(), strict=True)
    return {media: label for media, label in sorted(pairs, key=str) if label is not None}


def _curves(result: dict[str, Any]) -> list[tuple[str, Markup]]:
    """Mean silhouette over the number of clusters, one chart a round."""
    chosen = {c["round"]: c["k"] for c in result.get("clusters", ())}
    rounds: dict[int, list[tuple[float, float]]] = {}
    for step in result.get("history", ()):
        if step["silhouette"] is not None and np.isfinite(step["silhouette"]):
            rounds.setdefault(step["round"], []).append((step["k"], step["silhouette"]))
    found = []
    for turn, points in sorted(rounds.items()):
        k = chosen.get(turn, max(points, key=lambda p: p[1])[0])
        title = f"Round {turn}: K = {k}" if turn in chosen else f"Round {turn}: no cluster kept"
        said = f"{title}. Mean silhouette of {noun(len(points), 'value')} of K"
        found.append((title, charts.curves(sorted(points), k, said)))
    return found
