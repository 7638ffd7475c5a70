"""Rollups that are kept: a table of the bigger units, computed once per recipe and input."""

from collections.abc import Mapping
from dataclasses import dataclass

import pyarrow as pa

from studium.core import parts
from studium.core.column import Column
from studium.core.recipe import Recipe
from studium.core.store import Store, Table
from studium.run.tables import living, rolled_up

__all__ = ["Rolled", "rolled"]

_DTYPES = {"double": "float64", "float": "float32", "halffloat": "float16"}  # Arrow's names


@dataclass(frozen=True)
class Rolled:
    """A rollup on disk: ``n`` rows of each unit, and for every column its value and ``<column>_missing``."""

    table: Table
    computed: bool


def rolled(store: Store, to: str, source: Table, rules: Mapping[str, str]) -> Rolled:
    """Roll the rows of ``source`` up to ``to`` units, unless that was done for the same rows and units before.

    Args:
        store: the study.
        to: kind of the units that get a row each.
        source: the table that is rolled up.
        rules: column -> "mean", "max", "share>0.5" ...; see `studium.core.rollup.RULES`.
    """
    recipe = Recipe("rollup", "1", {"by": source.recipe.label, "of": source.kind, "rules": dict(rules)},
                    inputs=_inputs(store, to, source))  # fmt: skip
    table = store.table(to, recipe)
    if table.result():
        return Rolled(table, computed=False)
    found = rolled_up(store, to, source.kind, f"{source.recipe.name}:{source.recipe.key}", rules)
    columns = [_column(field, source, rules) for field in list(found.schema)[1:]]
    table = store.create(to, recipe, columns)
    values = {name: found[name].combine_chunks() for name in found.column_names[1:]}
    told = {"by": source.recipe.label, "units": found.num_rows}
    table.replace(found[to].to_pylist(), table.arrays(values), told)
    return Rolled(table, computed=True)


def _inputs(store: Store, to: str, source: Table) -> str:
    """Names the rows that are rolled up, the units they roll up to, and how the two hang together."""
    rows = parts.sum_of_rows(living(store, source, ["unit"]))
    attached = parts.sum_of_rows(store.attachments().select(["post", "media"])) if to == "post" else 0
    return f"{source.digest()}{rows:064x}{store.units_digest(to)}{attached:064x}"


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
    return Column(field.name, _DTYPES.get(dtype, dtype), said, size=size, sensitive=sensitive)
