"""Who is shown, by what networks perceive in faces: groups with intervals and the networks' errors, never a face."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from studium.core.store import Table
from studium.report.reading import FEWEST, Reading
from studium.run.representation import Audit, representation

__all__ = ["Cell", "Group", "Representation", "representations"]

_TRAITS = ("gender", "age", "expression")
_CROSSED = ("gender", "age")


@dataclass(frozen=True)
class Cell:
    """A share and its 95 % interval, as text; empty where nothing can be said."""

    share: str
    interval: str


@dataclass(frozen=True)
class Group:
    """One group: its name, its faces (as text), and a cell for every head; no figures if it is hidden."""

    name: str
    n: str
    cells: list[Cell]


@dataclass(frozen=True)
class Representation:
    """One audit.

    Attributes:
        title: the traits that make the groups.
        faces: measured.
        left_out: (why, how many) of the others.
        heads: what the shares are of.
        groups: every group, also those that no face has.
        error: published share of wrong labels as text, or "".
        data: the Python that makes it.
    """

    title: str
    faces: int
    left_out: list[tuple[str, int]]
    heads: list[str]
    groups: list[Group]
    error: str
    data: str


def representations(reading: Reading) -> list[Representation]:
    """For every split into faces: one for every perceived trait that was measured, and gender by age."""
    tables = [t for t in reading.tables if t.kind == "face" and t.begun]
    of = {trait: [_named(t, trait) for t in tables if t.recipe.name == f"perceived_{trait}"] for trait in _TRAITS}
    asked: list[tuple[str, ...]] = [(name,) for trait in _TRAITS for name in of[trait]]
    asked += [tuple(of[trait][0] for trait in _CROSSED)] if all(of[trait] for trait in _CROSSED) else []
    return [_one(reading, by, split) for split in _splits(reading, tables) for by in asked]


def _named(table: Table, trait: str) -> str:
    return f"{trait}:{table.recipe.key}"


def _splits(reading: Reading, tables: Sequence[Table]) -> list[str]:
    counts = {t.recipe.label for t in reading.tables if any(c.name == "face_count" for c in t.columns)}
    return [f"{t.recipe.name}:{t.recipe.key}" for t in tables if t.recipe.label in counts]


def _one(reading: Reading, by: tuple[str, ...], split: str) -> Representation:
    frames = [table for table in reading.store.tables("frame") if table.recipe.name == "frames" and table.begun][-1:]
    last = f"{frames[0].recipe.name}:{frames[0].recipe.key}" if frames else ""
    rows = representation(reading.store, Audit(by, seed=reading.study.seed), split, last).to_pylist()
    measured = [row for row in rows if row["status"] == "measured"]
    ofs = list(dict.fromkeys(row["of"] for row in measured))
    traits = [f"perceived_{name.partition(':')[0]}" for name in by]
    groups: dict[str, dict[str, dict[str, Any]]] = {}
    for row in measured:
        groups.setdefault(", ".join(row[trait] for trait in traits), {})[row["of"]] = row
    error, hidden = measured[0]["error"], _hidden(groups)
    return Representation(
        " by ".join(trait.replace("_", " ") for trait in traits),
        measured[0]["total"],
        [(row["status"], row["n"]) for row in rows if row["status"] != "measured"],
        ["faces", "faces, by probability", *(_head(of) for of in ofs if of != "face")],
        [_group(name, found, name in hidden) for name, found in groups.items()],
        "" if error is None else _percent(error),
        f'corpus.representation(by={by!r}, made_by="{split}"' + (f', frames="{last}")' if last else ")"),
    )


def _head(of: str) -> str:
    return "the area of faces" if of == "area" else f"{of}s"


def _hidden(groups: Mapping[str, Mapping[str, Mapping[str, Any]]]) -> set[str]:
    """Groups that fewer than `FEWEST` files show, and the next, until so many show the hidden ones together.

    For what a single hidden group holds can be told from the total and the others.
    """
    files = {name: sum(found[of]["n"] for of in ("image", "video") if of in found) for name, found in groups.items()}
    hidden = {name for name, n in files.items() if 0 < n < FEWEST}
    for name in sorted(files, key=lambda group: files[group]):
        if not hidden or sum(files[group] for group in hidden) >= FEWEST:
            break
        hidden.add(name)
    return hidden


def _group(name: str, found: dict[str, dict[str, Any]], hidden: bool) -> Group:
    face = found["face"]
    if hidden:
        return Group(name, "hidden", [Cell("", "")] * (len(found) + 1))
    soft = Cell(_percent(face["expected"]), "")
    cells = [_cell(row) for of, row in found.items() if of != "face"]
    return Group(name, str(face["n"]), [_cell(face), soft, *cells])


def _cell(row: dict[str, Any]) -> Cell:
    interval = "" if row["low"] is None else f"{100 * row['low']:.1f}–{100 * row['high']:.1f}"
    return Cell(_percent(row["share"]), interval)


def _percent(share: float | None) -> str:
    return "–" if share is None else f"{100 * share:.1f}\u202f%"
