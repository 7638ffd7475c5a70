"""The error browser: on a page of its own the worst mistakes of a model, with their pictures and texts.

The report is handed around and quotes nobody; this page does, for those who code and check. It reads
``evaluation.json`` and ``predictions.parquet`` of a model; their keys stand in `studium.run.evaluated`.
"""

import json
import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pyarrow.compute as pc

from studium.core.store import unit_of
from studium.learn.evaluate.intervals import share
from studium.report.models import FORMAT
from studium.report.pictures import Picture
from studium.report.reading import Reading, kept
from studium.report.text import name as named
from studium.report.text import visible
from studium.run.load import text_of

__all__ = ["CELLS", "GROUPS", "IN_CELL", "IN_GROUP", "Cell", "Group", "Mistake", "Mistakes", "mistakes"]

CELLS, IN_CELL = 24, 8
"""Kinds of mistakes that are shown, the most frequent first, and mistakes of each."""
GROUPS, IN_GROUP = 40, 3
"""Groups that are shown, those with the most mistakes first, and mistakes of each."""
_LONG = 600  # characters of a text
_OTHERS = "Of other kinds, the worst of groups"
Row = Mapping[str, Any]


@dataclass(frozen=True)
class Mistake:
    """One unit that a model got wrong.

    Attributes:
        number: on the page.
        unit: its id.
        name: of its file, the id that its platform gave it, or the first digits of its own.
        said: by what it was taken for, and how sure the model was.
        badness: the larger, the worse.
        cell: what was taken for what.
        groups: it belongs to, as "party: left".
        picture: its thumbnail, or why there is none; None of what has no picture.
        text: what it says, "" if nothing.
        cut: how many characters of it are not shown.
    """

    number: int
    unit: str
    name: str
    said: str
    badness: float
    cell: str
    groups: tuple[str, ...]
    picture: Picture | None = None
    text: str = ""
    cut: int = 0


@dataclass(frozen=True)
class Cell:
    """One kind of mistake: its name, how many there are, and the worst of them."""

    name: str
    n: int
    shown: list[Mistake]


@dataclass(frozen=True)
class Group:
    """Units of one group: how many, how many wrong, how wrong (see `Mistakes.rate`), numbers of the worst."""

    name: str
    n: int
    wrong: int
    rate: str
    worst: list[int]


@dataclass(frozen=True)
class Mistakes:
    """The page of one model.

    Attributes:
        name: of the model.
        variable: what it predicts.
        of: kind of the units.
        n: test units.
        wrong: mistakes among them; of a multilabel variable one for each label that is wrong.
        cells: kinds of mistakes.
        kinds: how many kinds there are.
        groups: groups of units; [] if errors were not asked for by any.
        grouped: how many groups there are.
        rate: what is said of each group.
        limits: from which probabilities on classes are said, in words; "" if the most probable one is.
        why: why no pictures are shown, "" if they are.
    """

    name: str
    variable: str
    of: str
    n: int
    wrong: int
    cells: list[Cell]
    kinds: int
    groups: list[Group]
    grouped: int
    rate: str
    limits: str
    why: str


def mistakes(reading: Reading, folder: Path) -> Mistakes | None:
    """The mistakes of a model on its test units; None if it was not evaluated in a way that can be read.

    Args:
        reading: the study.
        folder: of the model.
    """
    about, path = kept(folder / "evaluation.json"), folder / "predictions.parquet"
    if about.get("format") != FORMAT or not path.exists():
        return None
    import pyarrow.parquet as pq

    table = pq.read_table(path)
    rows = table.filter(pc.equal(table["part"], "test")).to_pylist()
    found = sorted((one for row in rows for one in _wrong(row, about)), key=lambda one: (-one.badness, one.unit))
    cells: dict[str, list[Mistake]] = defaultdict(list)
    groups: dict[str, list[Mistake]] = defaultdict(list)
    for one in found:
        cells[one.cell].append(one)
        for group in one.groups:
            groups[group].append(one)
    ordered = sorted(cells.items(), key=lambda item: (-len(item[1]), item[0]))
    every = _grouped(rows, groups, about)
    chosen = {id(one) for _, some in ordered[:CELLS] for one in some[:IN_CELL]}
    chosen |= {id(one) for group in every[:GROUPS] for one in groups[group.name][:IN_GROUP]}
    frequent = {name for name, _ in ordered[:CELLS]}
    others = [one for one in found if one.cell not in frequent]
    picked = [*ordered[:CELLS], *([(_OTHERS, others)] if any(id(one) in chosen for one in others) else [])]
    why = _hidden(about)
    shown, numbers = _shown(reading, about, picked, chosen, why)
    marked = [
        replace(group, worst=sorted(numbers[id(one)] for one in groups[group.name][:IN_GROUP]))
        for group in every[:GROUPS]
    ]
    return Mistakes(
        folder.name, about["variable"], about["of"], len(rows), len(found), shown, len(cells), marked, len(every),
        "mean absolute error" if about["task"] == "continuous" else "share, 95 % interval", _limits(about), why,
    )  # fmt: skip


def _wrong(row: Row, about: Row) -> list[Mistake]:
    """What is wrong about a unit: nothing, one thing, or of a multilabel variable several."""
    groups = tuple(f"{key.removeprefix('by_')}: {_group(value)}" for key, value in row.items() if key.startswith("by_"))
    classes, p, unit = about["classes"], row["outputs"], row["unit"]
    if about["task"] == "continuous":
        off = row["predicted"] - row["true"]
        said = f"{row['predicted']:.3g} instead of {row['true']:.3g}"
        if not math.isfinite(off):
            return [Mistake(0, unit, "", said, math.inf, "no number", groups)]
        return [Mistake(0, unit, "", said, abs(off), "too high" if off > 0 else "too low", groups)] if off else []
    if about["task"] == "multilabel":
        true, predicted = (set(json.loads(row[key])) for key in ("true", "predicted"))
        return [
            Mistake(0, unit, "", f"probability of {name} {at:.2f}", at if name in predicted else 1 - at,
                    f"{name} where it is not" if name in predicted else f"{name} missed", groups)
            for name, at in zip(classes, p, strict=True) if (name in true) != (name in predicted)
        ]  # fmt: skip
    if row["true"] == row["predicted"]:
        return []
    own, other = (p[classes.index(row[key])] for key in ("predicted", "true"))
    said = f"{row['predicted']} {own:.2f}, {row['true']} {other:.2f}"
    return [Mistake(0, unit, "", said, own - other, f"{row['true']}, taken for {row['predicted']}", groups)]


def _group(value: str | None) -> str:
    return "not stated" if value is None else value


def _limits(about: Row) -> str:
    """From which probabilities on classes are said: not always the most probable one is."""
    limits = (about["settings"].get("tuning") or {}).get("thresholds") or []
    said = [f"{one['class']} from {one['value']:.3f} on" for one in limits if one["value"] is not None]
    return f"Said by thresholds: {', '.join(said)}." if said else ""


def _grouped(rows: Sequence[Row], wrong: Mapping[str, Sequence[Mistake]], about: Row) -> list[Group]:
    """Every group of units, those with the most mistakes first."""
    members: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        for key, value in row.items():
            if key.startswith("by_"):
                members[f"{key.removeprefix('by_')}: {_group(value)}"].append(row)
    found = []
    for name, some in members.items():
        units = {one.unit for one in wrong.get(name, ())}
        rate = _off(some) if about["task"] == "continuous" else _share(some, units)
        found.append(Group(name, len(some), len(units), rate, []))
    return sorted(found, key=lambda group: (-group.wrong, group.name))


def _share(rows: Sequence[Row], wrong: set[str]) -> str:
    """The share of units that are wrong, with Wilson's interval, which counts what hangs together as one."""
    hits, groups = [row["unit"] in wrong for row in rows], [row["group"] for row in rows]
    rate = share(hits, [row["weight"] for row in rows], groups)
    if rate.value is None or rate.low is None or rate.high is None:
        return "n/a"
    return f"{100 * rate.value:.0f} % ({100 * rate.low:.0f} to {100 * rate.high:.0f} %)"


def _off(rows: Sequence[Row]) -> str:
    """The mean absolute error of numbers."""
    weight = math.fsum(row["weight"] for row in rows)
    total = math.fsum(row["weight"] * abs(row["predicted"] - row["true"]) for row in rows)
    return f"{total / weight:.3g}" if weight and math.isfinite(total) else "n/a"


def _hidden(about: Row) -> str:
    """Why units are not shown one by one."""
    if about.get("templates"):
        return "The model learned from templates of faces: no pictures and no texts are shown."
    return "Faces are seen in their pictures only, never one by one." if about["of"] == "face" else ""


def _shown(
    reading: Reading, about: Row, cells: Sequence[tuple[str, list[Mistake]]], chosen: set[int], why: str
) -> tuple[list[Cell], dict[int, int]]:
    """The chosen mistakes with all that there is to see, numbered; and the number of each."""
    wanted = {one.unit for _, some in cells for one in some if id(one) in chosen}
    rows = {row["id"]: row for row in reading.rows(about["of"], sorted(wanted))}
    looks = _Looks(reading, about["of"], why)
    made, numbers = [], dict[int, int]()
    for name, some in cells:
        shown = []
        for one in some:
            if id(one) in chosen:
                numbers[id(one)] = number = len(numbers) + 1
                shown.append(looks.at(replace(one, number=number), rows.get(one.unit)))
        made.append(Cell(name, len(some), shown))
    return made, numbers


class _Looks:
    """What there is to see of units."""

    def __init__(self, reading: Reading, of: str, why: str) -> None:
        self.reading, self.of, self.why = reading, of, why
        self.attached: dict[str, str] = {}
        if of == "post":
            there = reading.attachments.filter(pc.equal(reading.attachments["kind"], "image"))
            for post, media in zip(there["post"].to_pylist(), there["media"].to_pylist(), strict=True):
                self.attached.setdefault(post, media)

    def at(self, one: Mistake, row: Row | None) -> Mistake:
        """A mistake with its picture and text."""
        if row is None:
            return replace(one, name=one.unit[:12], text="This unit is not in the study any more.")
        unit = unit_of(dict(row))
        text = "" if self.why else (text_of(unit) or "")
        name = visible(named(row["path"]) or unit.meta.get("id") or one.unit[:12])
        cut = max(0, len(text) - _LONG)
        return replace(one, name=name, text=text[:_LONG], cut=cut, picture=None if self.why else self._picture(row))

    def _picture(self, row: Row) -> Picture | None:
        """Of what is shown one by one its thumbnail; of a post that of its first picture."""
        if self.of in self.reading.pictured:
            return self.reading.pictures.of(row)
        if (media := self.attached.get(row["id"])) and (found := self.reading.rows("image", [media])):
            return self.reading.pictures.of(found[0])
        return None
