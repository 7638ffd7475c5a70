"""Rollups: many rows to one row of a bigger unit; and those that are kept, once per recipe and input."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from studium.core import parts
from studium.core.column import Column
from studium.core.recipe import Recipe
from studium.core.rollup import attach, rollup, rule
from studium.core.store import Store, Table
from studium.core.unit import PARENTS, check_kind
from studium.errors import InputError
from studium.media.damage import HALF_MICROSECOND
from studium.run.lineage import FILES, climbed
from studium.run.tables import joined, living

__all__ = ["Rolled", "rolled", "rolled_up"]

_DTYPES = {"double": "float64", "float": "float32", "halffloat": "float16"}  # Arrow's names


@dataclass(frozen=True)
class Rolled:
    """A rollup on disk: ``n`` rows of each unit, and for every column its value and ``<column>_missing``."""

    table: Table
    computed: bool


def rolled_up(store: Store, to: str, source: Table, rules: Mapping[str, str], split: Table | None) -> pa.Table:
    """Rows rolled up; see `studium.core.rollup`.

    To posts they go along attachments, to what they were split from along their parents (a face to its frame, or to
    its video), and to shots by time: a frame belongs to the shot that it begins in, of every split into shots.

    Args:
        store: the study.
        to: kind of the units that get a row each.
        source: the table that is rolled up.
        rules: column -> "mean", "max", "share>0.5" ...; see `studium.core.rollup.RULES`.
        split: the split whose units count, as `studium.run.lineage.split_by` finds it; None for all units.

    Raises:
        InputError: the kinds do not hang together.
    """
    check_kind(to)
    of, wanted = source.kind, {column: rule(text) for column, text in rules.items()}
    table = joined(store, of, [f"{source.recipe.name}:{source.recipe.key}"])
    if to == "post" and of not in PARENTS:
        attached = store.attachments()
        attached = attached.filter(pc.and_(attached["post"].is_valid(), pc.equal(attached["kind"], of)))
        return rollup(attach(table.drop_columns(["path"]), attached), "post", wanted)
    counts = pc.is_in(table["unit"], value_set=split.done()).to_pylist() if split else [True] * table.num_rows
    bigger = zip(_bigger(store, of, to), counts, strict=True)
    pairs = [(row, unit) for row, (units, counted) in enumerate(bigger) if counted for unit in units]
    places = [name for name in ("unit", "path", "parent", "start", "end") if name in table.column_names]
    rows = table.drop_columns(places).take(pa.array([row for row, _ in pairs], pa.int64()))
    found = rollup(rows.append_column("parent", pa.array([unit for _, unit in pairs], pa.string())), "parent", wanted)
    return found.rename_columns([to, *found.column_names[1:]])


def _bigger(store: Store, of: str, to: str) -> Sequence[Collection[str]]:
    """For each unit of ``of``, in their order: the units of ``to`` that its row counts for."""
    if to == "post":
        posts: dict[str, dict[str, None]] = {}
        for row in store.attachments().filter(pc.field("post").is_valid()).to_pylist():
            posts.setdefault(row["media"], {})[row["post"]] = None  # twice in a post is once here
        return [posts.get(media, {}) for media in climbed(store, of, FILES).to_pylist()]
    if to == "shot":
        return _holding(store, of, to)
    return [[unit] if unit else [] for unit in climbed(store, of, [to]).to_pylist()]


def _holding(store: Store, of: str, to: str) -> list[list[str]]:
    """For each unit of ``of``, in their order: the units of ``to`` of the same medium that it begins in."""
    if of == to or not set(PARENTS.get(of, ())) & set(PARENTS[to]):
        raise InputError(f"{of} units do not lie in {to} units; frames and spoken segments do")
    inside: dict[str, list[tuple[float, float, str]]] = {}
    for row in store.units(to).to_pylist():
        inside.setdefault(row["parent"], []).append((row["start"], row["end"], row["id"]))
    edges = {medium: np.array([span[:2] for span in spans], np.float64) for medium, spans in inside.items()}
    found: list[list[str]] = []
    for row in store.units(of).select(["parent", "start"]).to_pylist():
        starts, ends = edges.get(row["parent"], np.empty((0, 2))).T
        time = row["start"] + HALF_MICROSECOND
        held = np.flatnonzero((starts <= time) & (time < ends))
        found.append([inside[row["parent"]][number][2] for number in held])
    return found


def rolled(store: Store, to: str, source: Table, rules: Mapping[str, str], split: Table | None) -> Rolled:
    """Roll rows up as `rolled_up` does, unless that was done for the same rows and units before."""
    params = {"by": source.recipe.label, "of": source.kind, "rules": dict(rules)}
    if split:
        params["split"] = split.recipe.label
    table = store.table(to, Recipe("rollup", "1", params, inputs=_inputs(store, to, source, split)))
    if table.result():
        return Rolled(table, computed=False)
    found = rolled_up(store, to, source, rules, split)
    columns = [_column(field, source, rules) for field in list(found.schema)[1:]]
    table = store.create(to, table.recipe, columns)
    values = {name: found[name].combine_chunks() for name in found.column_names[1:]}
    told = {"by": source.recipe.label, "units": found.num_rows}
    table.replace(found[to].to_pylist(), table.arrays(values), told)
    return Rolled(table, computed=True)


def _inputs(store: Store, to: str, source: Table, split: Table | None) -> str:
    """Names the rows that are rolled up, the units they roll up to, and how the two hang together."""
    rows = parts.sum_of_rows(living(store, source, ["unit"]))
    attached = parts.sum_of_rows(store.attachments().select(["post", "media"])) if to == "post" else 0
    made = split.digest() if split else ""
    return f"{source.digest()}{rows:064x}{store.units_digest(to)}{attached:064x}{made}"


def _column(field: pa.Field, source: Table, rules: Mapping[str, str]) -> Column:
    size = field.type.list_size if pa.types.is_fixed_size_list(field.type) else None
    dtype = str(field.type.value_type if size else field.type)
    name = field.name.removesuffix("_missing")
    about = {c.name: c for c in source.columns}
    if field.name == "n":
        said = f"{source.kind} units it has rows of"
    elif field.name in rules:
        said = f"{rules[field.name]} over its {source.kind} units of: {about[field.name].about}"
    else:
        said = f"{source.kind} units without {name}"
    sensitive = name in about and about[name].sensitive
    unit = about[name].unit if size else ""
    return Column(field.name, _DTYPES.get(dtype, dtype), said, unit, size=size, sensitive=sensitive)
