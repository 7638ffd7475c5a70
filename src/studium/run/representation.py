"""The representation audit of a study: which perceived groups its faces, pictures, videos and posts show.

It counts what networks perceive. The error that was published for them stands beside every share, so that nobody takes
a difference for a finding that is smaller than it.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from functools import reduce
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from studium.core.store import Store, Table
from studium.errors import InputError
from studium.explore.representation import age_bands, age_probabilities, band_names, shares
from studium.measure.perceived import ERRORS, EXPRESSIONS
from studium.run.lineage import FILES, climbed, split_by
from studium.run.showing import Items, Searched, areas, holders, searched

__all__ = ["AGES", "AUDIT", "Audit", "representation"]

AGES = (18, 30, 45, 60)
"""Years in which the age bands begin, after the first."""

AUDIT = pa.schema(
    {
        "status": pa.string(),
        "of": pa.string(),
        "n": pa.int64(),
        "total": pa.int64(),
        "share": pa.float64(),
        "low": pa.float64(),
        "high": pa.float64(),
        "interval": pa.string(),
        "expected": pa.float64(),
        "error": pa.float64(),
    }
)
"""What an audit says of every group; a column for each trait (``perceived_gender`` ...) comes first."""

_MEASURED = "measured"
_LEFT_OUT = ("too small", "failed", "waiting")
_TRAITS = ("gender", "age", "expression")

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Audit:
    """What is asked.

    Attributes:
        by: the traits that make the groups: "gender", "age", "expression"; all their combinations are groups. Of a
            trait that was measured with several models, say which: "expression:mini-xception".
        ages: years in which age bands begin, after the first.
        smallest: shorter side in px below which a face is counted as too small, not by what was perceived.
        seed: of the bootstrap.
    """

    by: tuple[str, ...] = ("gender", "age")
    ages: tuple[int, ...] = AGES
    smallest: float = 0
    seed: int = 0

    def __post_init__(self) -> None:
        """Refuse traits that there are not, ages that do not rise, and sides that are none."""
        if not isinstance(self.by, tuple) or not isinstance(self.ages, tuple):
            raise InputError(f"by and ages should be tuples, such as ('gender',), got {self.by!r} and {self.ages!r}")
        traits = [str(name).partition(":")[0] for name in self.by]
        if not traits or len(set(traits)) < len(traits) or not set(traits) <= set(_TRAITS):
            raise InputError(f"by should name some of {', '.join(_TRAITS)}, each once; got {self.by!r}")
        if not 0 <= self.smallest < np.inf:
            raise InputError(f"smallest should be a side in px, 0 or more, got {self.smallest}")
        band_names(self.ages)


@dataclass(frozen=True)
class _Trait:
    """One trait of n faces: its k labels, which of them is the most probable, and how probable each is."""

    name: str
    labels: tuple[str, ...]
    label: npt.NDArray[np.int64]  # n, -1 where it was not measured
    probable: Floats  # n x k
    error: float | None


@dataclass(frozen=True)
class _Faces:
    """N faces: where they lie, which of them count, and the k groups they belong to (n x k)."""

    units: pa.Table
    sources: pa.Array
    area: Floats
    status: npt.NDArray[np.str_]
    groups: list[tuple[str, ...]]
    belongs: Flags
    expected: Floats

    @property
    def counted(self) -> Flags:
        return np.asarray(self.status == _MEASURED)


def representation(
    store: Store, audit: Audit | None = None, made_by: str = "", frames: str = "", prefer: Collection[Path] = ()
) -> pa.Table:
    """Shares of perceived groups, with 95 % intervals that respect that faces come in pictures and videos.

    A row for every group and ``of``: among the faces that were measured ("face"), in the area that they cover, each as
    a share of its picture ("area"), and among the images, frames, videos and posts in which faces were looked for
    ("image" ...): how many show at least one face of the group; those whose faces were not all tried yet are left out.
    A face counts in every frame that shows it. ``expected`` is the share if every face counts for each group by the
    network's probabilities, and not only for the most probable one; where it lies far from ``share``, the labels are
    shaky. ``error`` is the published share of wrong labels, of several traits the share with any wrong if they are
    wrong independently; null where none was published. Rows with another ``status`` than "measured" count the faces
    that no group has: too small, failed, or not measured yet ("waiting").

    Args:
        store: the study.
        audit: what is asked; None for gender by age.
        made_by: the split that found the faces, if there were several.
        frames: the split that made the frames that they were found in, if there were several.
        prefer: folders of tables that are meant where several have the name.

    Raises:
        UnknownNameError: a trait was not measured.
        InputError: there are no faces; or they, or their frames, come from several splits, and none is named.
    """
    asked = audit or Audit()
    tables = [store.find("face", f"perceived_{name}", prefer) for name in asked.by]
    split = split_by(store, "face", f"{tables[0].recipe.name}:{tables[0].recipe.key}", made_by, prefer)
    if split is None:
        raise InputError("no split has found a face in this study; look for them with the unitizer faces")
    pictures = searched(store, split, frames, prefer)
    units, sources, area = _living(store, split, pictures)
    traits = [_trait(name, table, units["id"], asked.ages) for name, table in zip(asked.by, tables, strict=True)]
    faces = _Faces(
        units,
        sources,
        area,
        _status(units, tables, traits, asked.smallest),
        list(product(*(trait.labels for trait in traits))),
        reduce(_crossed, [np.arange(len(trait.labels)) == trait.label[:, None] for trait in traits]),
        reduce(_crossed, [trait.probable for trait in traits]),
    )
    errors = [trait.error for trait in traits]
    error = None if None in errors else 1 - float(np.prod([1 - (e or 0) for e in errors]))
    rows = [*_of_faces(faces, asked.seed), *_left_out(faces)]
    for items in holders(store, pictures, units, sources):
        rows += _of_items(faces, items, asked.seed)
    names = [f"perceived_{trait.name}" for trait in traits]
    schema = pa.schema([*(pa.field(name, pa.string()) for name in names), *AUDIT])
    return pa.Table.from_pylist([_row(row, names, error) for row in rows], schema=schema)


def _living(store: Store, split: Table, pictures: Sequence[Searched]) -> tuple[pa.Table, pa.Array, Floats]:
    """The faces of a split in pictures that count, the files that they lie in, and the area that they cover."""
    units, sources = store.units("face"), climbed(store, "face", FILES)
    made = pc.is_in(units["id"], value_set=split.done())
    area = areas(pictures, units.filter(made))
    made = pc.is_in(units["id"], value_set=pa.array(list(area), pa.string()))
    units = units.filter(made).combine_chunks()
    return units, sources.filter(made).combine_chunks(), np.array([area[unit] for unit in units["id"].to_pylist()])


def _trait(name: str, table: Table, ids: pa.ChunkedArray, ages: Sequence[int]) -> _Trait:
    rows = table.read()
    at = pc.index_in(ids, value_set=rows["unit"])
    there = np.asarray(pc.is_valid(at))
    columns = [rows[column].take(at).to_numpy() for column in rows.column_names[1:]]
    trait = name.partition(":")[0]
    errors = [ERRORS[model] for model in table.recipe.models if model in ERRORS]
    labels, probable = _judged(trait, np.stack(columns, axis=1).astype(np.float64), ages)
    number = probable.argmax(axis=1) if trait != "age" else age_bands(columns[0], ages)
    return _Trait(trait, labels, np.where(there, number, -1), probable, errors[0] if errors else None)


def _judged(trait: str, values: Floats, ages: Sequence[int]) -> tuple[tuple[str, ...], Floats]:
    """The labels of a trait, and their probabilities by what its table says."""
    if trait == "gender":
        return ("woman", "man"), np.column_stack([values[:, 0], 1 - values[:, 0]])
    if trait == "age":
        return band_names(ages), age_probabilities(values[:, 0], values[:, 1], ages)
    return EXPRESSIONS, values


def _status(
    units: pa.Table, tables: Sequence[Table], traits: Sequence[_Trait], smallest: float
) -> npt.NDArray[np.str_]:
    """Which of the faces were measured, and why the others were not."""
    boxes = np.array(units["box"].to_pylist(), np.float64).reshape(units.num_rows, 4)
    failed = np.zeros(units.num_rows, bool)
    for table in tables:
        failed |= np.asarray(pc.is_in(units["id"], value_set=table.failures()["unit"]))
    without = np.any([trait.label < 0 for trait in traits], axis=0)
    small = (boxes[:, 2:] - boxes[:, :2] < smallest).any(axis=1)
    return np.select([small, without & failed, without], list(_LEFT_OUT), _MEASURED)


def _crossed(left: npt.NDArray[Any], right: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Every column of one with every column of the other: n x j and n x k as n x jk."""
    made: npt.NDArray[Any] = left[:, :, None] * right[:, None, :]
    return made.reshape(len(left), left.shape[1] * right.shape[1])


def _of_faces(faces: _Faces, seed: int) -> Iterable[dict[str, Any]]:
    """Shares of the faces, and of the area that they cover."""
    counted = faces.counted
    belongs, expected, area = faces.belongs[counted], faces.expected[counted], faces.area[counted]
    clusters = np.array(faces.sources.to_pylist(), object)[counted].astype(str)
    for of, weights in (("face", None), ("area", area)):
        found = shares(belongs, clusters, weights, seed)
        weight = np.ones(len(belongs)) if weights is None else weights
        whole = weight.sum()
        soft = (weight @ expected) / whole if whole else np.full(len(faces.groups), np.nan)
        for k, group in enumerate(faces.groups):
            yield {
                "group": group, "of": of, "n": int(belongs[:, k].sum()), "total": len(belongs), "expected": soft[k],
                "share": found.share[k], "low": found.low[k], "high": found.high[k], "interval": found.method[k],
            }  # fmt: skip


def _left_out(faces: _Faces) -> Iterable[dict[str, Any]]:
    """The faces that no group has, by why."""
    for status in _LEFT_OUT:
        if n := int((faces.status == status).sum()):
            yield {
                "status": status, "of": "face", "n": n, "total": len(faces.status), "share": n / len(faces.status)
            }  # fmt: skip


def _of_items(faces: _Faces, items: Items, seed: int) -> Iterable[dict[str, Any]]:
    """Shares of the images, frames, videos or posts that show at least one face of a group.

    Those with faces that were not tried yet are left out: what else they show is not known.
    """
    pairs = items.pairs[faces.counted[items.pairs[:, 0]]]
    shows = np.zeros((len(items.clusters), len(faces.groups)), bool)
    np.logical_or.at(shows, pairs[:, 1], faces.belongs[pairs[:, 0]])
    waiting = items.pairs[faces.status[items.pairs[:, 0]] == "waiting", 1]
    known = np.isin(np.arange(len(shows)), waiting, invert=True)
    shows = shows[known]
    found = shares(shows, np.array(items.clusters, object).astype(str)[known], None, seed)
    for k, group in enumerate(faces.groups):
        yield {
            "group": group, "of": items.of, "n": int(shows[:, k].sum()), "total": len(shows),
            "share": found.share[k], "low": found.low[k], "high": found.high[k], "interval": found.method[k],
        }  # fmt: skip


def _row(row: dict[str, Any], names: Sequence[str], error: float | None) -> dict[str, Any]:
    """A row of the schema: NaN as null, an empty interval as null."""
    group = dict(zip(names, row.pop("group", (None,) * len(names)), strict=True))
    made = {key: None if isinstance(value, float) and np.isnan(value) else value for key, value in row.items()}
    made["interval"] = made.get("interval") or None
    measured = "status" not in row
    return {**group, "status": _MEASURED, **made, "error": error if measured else None}
