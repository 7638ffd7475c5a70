"""The map: units laid out on a plane so that like lies near like."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from markupsafe import Markup, escape

from studium.core.store import Table
from studium.report import charts
from studium.report.reading import Reading, call
from studium.report.text import count, noun

__all__ = ["Entry", "Map", "maps"]

WIDTH, TILE = 720, 48
NUMBERED = 20
"""Width of a map, side of a picture on it (px), and the most clusters with their number on it."""


@dataclass(frozen=True)
class Entry:
    """One line of the legend."""

    colour: str
    name: str
    n: int


@dataclass(frozen=True)
class Map:
    """One layout, as points and as pictures."""

    kind: str
    by: str
    method: str
    n: int
    missing: int
    points: Markup
    legend: list[Entry]
    pictures: Markup | None
    shown: int
    data: str


def maps(reading: Reading, kind: str) -> list[Map]:
    """Every finished map of a kind."""
    return [_map(reading, table) for table in reading.results(kind, "map")]


def _map(reading: Reading, table: Table) -> Map:
    rows, result = table.read().sort_by("unit"), table.result()
    units = rows["unit"].to_pylist()
    at = np.column_stack([rows[c].to_numpy().astype(np.float64) for c in ("x", "y")])
    there = np.isfinite(at).all(axis=1)
    at, units = at[there], [u for u, ok in zip(units, there, strict=True) if ok]
    clusters = _clusters(reading, table, units)
    classes, legend = _classes(clusters)
    largest = Counter(clusters[clusters >= 0].tolist()).most_common(NUMBERED)
    names = {c: _middle(at[clusters == c]) for c, _ in sorted(largest)}
    said = f"Map of {noun(len(units), table.kind)}; like lies near like"
    tiles, shown = _tiles(reading, table.kind, units, at) if table.kind in reading.pictured and units else (None, 0)
    return Map(
        kind=table.kind,
        by=result.get("by", ""),
        method=result.get("method", ""),
        n=len(units),
        missing=reading.counted(table.kind) - len(units),
        points=charts.scatter(at, classes, names, said) if units else Markup(),
        legend=legend,
        pictures=tiles,
        shown=shown,
        data=call(table),
    )


def _clusters(reading: Reading, table: Table, units: Sequence[str]) -> npt.NDArray[np.int64]:
    """The cluster of each unit, from the clustering by the same vectors if there is one, else the last; -1 for none."""
    found = reading.results(table.kind, "cluster")
    same = [t for t in found if t.result().get("by") == table.result().get("by")]
    if not found:
        return np.full(len(units), -1, np.int64)
    rows = (same or found)[-1].read(["unit", "cluster"])
    of = dict(zip(rows["unit"].to_pylist(), rows["cluster"].to_pylist(), strict=True))
    return np.array([of.get(unit, -1) for unit in units], np.int64)


def _classes(clusters: npt.NDArray[np.int64]) -> tuple[npt.NDArray[np.int64], list[Entry]]:
    """The largest clusters get a colour each; the others share one."""
    sizes = Counter(clusters.tolist())
    none = sizes.pop(-1, 0)
    ordered = sorted(sizes, key=lambda c: (-sizes[c], c))
    colour = {c: i for i, c in enumerate(ordered[: charts.COLOURS])} | dict.fromkeys(ordered[charts.COLOURS :], -1)
    legend = [Entry(f"k{colour[c]}", f"cluster {c}", sizes[c]) for c in ordered[: charts.COLOURS]]
    if others := ordered[charts.COLOURS :]:
        legend.append(Entry("ko", noun(len(others), "other cluster"), sum(sizes[c] for c in others)))
    if none and ordered:
        legend.append(Entry("kx", "unassigned", none))
    return np.array([colour.get(c, -2) for c in clusters.tolist()], np.int64), legend


def _middle(points: npt.NDArray[np.float64]) -> tuple[float, float]:
    x, y = np.median(points, axis=0).tolist()
    return x, y


def _tiles(reading: Reading, kind: str, units: Sequence[str], at: npt.NDArray[np.float64]) -> tuple[Markup | None, int]:
    """In every square of a grid, the picture that lies nearest to its middle."""
    low, per_pixel, height = charts.frame(at, WIDTH)
    pixels = charts.place(at, low, per_pixel, height)
    cells = np.floor(pixels / TILE).astype(np.int64)
    off = np.abs(pixels - (cells + 0.5) * TILE).max(axis=1)
    chosen: dict[tuple[int, int], int] = {}
    for i in np.argsort(off, kind="stable").tolist():
        chosen.setdefault((int(cells[i, 1]), int(cells[i, 0])), i)
    places = sorted(chosen)
    shown = [reading.pictures.of(row, side=2 * TILE) for row in reading.rows(kind, [units[chosen[p]] for p in places])]
    body, seen = "", 0
    for (row, column), picture in zip(places, shown, strict=True):
        if picture.source:
            seen += 1
            body += (
                f'<image href="{picture.source}" x="{column * TILE + 1}" y="{row * TILE + 1}" width="{TILE - 2}" '
                f'height="{TILE - 2}" preserveAspectRatio="xMidYMid slice">'
                f"<title>{escape(picture.name)}</title></image>"
            )
    if not seen:
        return None, 0
    tall = (max(row for row, _ in places) + 1) * TILE
    said = f"The same map with {count(seen)} pictures, each where it lies"
    head = f'<svg class="chart" role="img" viewBox="0 0 {WIDTH} {tall}" width="{WIDTH}" height="{tall}"'
    return Markup(f'{head} aria-label="{escape(said)}">{body}</svg>'), seen
