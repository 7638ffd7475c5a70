"""What was found in pictures: faces, objects, logos, lines of text; how often, how large; and some marked pictures."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from studium.core.store import Table
from studium.core.unit import BOXED, PARENTS
from studium.report.pictures import Picture
from studium.report.reading import Reading
from studium.run.drawn import marks_of
from studium.run.exposure import Asked, exposure

__all__ = ["Detections", "Shown", "detections"]

LABELS = 20
"""Labels that are listed."""

MARKED = 6
"""Pictures that are shown with marks."""


@dataclass(frozen=True)
class Shown:
    """A label: units that have it, pictures they are in, mean share of these that they cover, videos and seconds."""

    label: str
    units: int
    pictures: int
    area: float
    videos: int
    seconds: float


@dataclass(frozen=True)
class Detections:
    """What one split found.

    Attributes:
        kind: of the units.
        name: of the split.
        units: found.
        pictures: with at least one.
        looked_at: pictures that were looked at.
        timed: whether there are videos among them.
        shown: labels, the most frequent first; empty if it has none.
        labels: how many there are.
        marked: some pictures, drawn at random among those with units.
        data: the Python that reads it.
    """

    kind: str
    name: str
    units: int
    pictures: int
    looked_at: int
    timed: bool
    shown: list[Shown]
    labels: int
    marked: list[Picture]
    data: str


def detections(reading: Reading) -> list[Detections]:
    """One for every split of pictures into faces, objects or lines."""
    counts = {(table.recipe.label, column.name) for table in reading.tables for column in table.columns}
    splits = [table for table in reading.tables if (table.recipe.label, f"{table.kind}_count") in counts]
    return [_found(reading, table) for table in splits if table.kind in BOXED and table.begun]


def _found(reading: Reading, table: Table) -> Detections:
    name = f"{table.recipe.name}:{table.recipe.key}"
    label = "label" if "label" in {column.name for column in table.columns} else ""
    per_picture = [_exposure(reading, table, name, kind, label) for kind in PARENTS[table.kind]]
    rows = [row for found in per_picture for row in found.to_pylist()]
    films = _exposure(reading, table, name, "video", label).to_pylist()
    every = [row for row in rows if row["label"] is None]
    shown = _shown(rows, films) if label else []
    arguments = f'"{table.kind}", by="{name}", to="video"' + (f', label="{label}"' if label else "")
    return Detections(
        table.kind, table.recipe.name, sum(row["units"] for row in every), sum(row["pictures"] for row in every),
        len(every), bool(films), shown[:LABELS], len(shown), _marked(reading, table, label),
        f"corpus.exposure({arguments})",
    )  # fmt: skip


def _exposure(reading: Reading, table: Table, name: str, to: str, label: str) -> pa.Table:
    of_frames = [t.folder for t in reading.store.tables("frame") if t.recipe.name == "frames"][-1:]
    return exposure(reading.store, Asked(table.kind, name, to, label), prefer=of_frames)


def _shown(rows: Sequence[Mapping[str, Any]], films: Sequence[Mapping[str, Any]]) -> list[Shown]:
    found: dict[str, list[Mapping[str, Any]]] = defaultdict(list)
    timed: dict[str, list[Mapping[str, Any]]] = defaultdict(list)
    for into, every in ((found, rows), (timed, films)):
        for row in every:
            if row["label"] is not None:
                into[row["label"]].append(row)
    shown = [
        Shown(
            label, sum(row["units"] for row in some), len(some), sum(row["area"] for row in some) / len(some),
            len(timed[label]), sum(row["seconds"] or 0.0 for row in timed[label]),
        )
        for label, some in found.items()
    ]  # fmt: skip
    return sorted(shown, key=lambda one: (-one.units, one.label))


def _marked(reading: Reading, table: Table, label: str) -> list[Picture]:
    """Some of the pictures in which something was found, drawn with the study's seed."""
    marks = marks_of(reading.store, table, label)
    drawn: list[Picture] = []
    for kind in PARENTS[table.kind]:
        ids = [unit for unit in reading.sample(kind, reading.counted(kind)) if unit in marks]
        drawn += [reading.pictures.marked(row, marks[row["id"]]) for row in reading.rows(kind, ids[:MARKED])]
    return drawn[:MARKED]
