"""Tables of a study as features: numbers and vectors side by side, those of smaller units as the mean of each unit."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from studium.core import registry
from studium.core.column import Column
from studium.core.store import Store, Table
from studium.core.unit import KINDS
from studium.errors import InputError, UnknownNameError
from studium.run.lineage import split_by
from studium.run.rolled import rolled_up
from studium.run.tables import living

__all__ = ["Features", "On", "features", "found", "modality"]

log = logging.getLogger(__name__)

On = Mapping[str, str | Sequence[str]]
"""Kind of units -> names of their tables."""

_NUMBERS = ("bool", "int32", "int64", "float16", "float32", "float64")
_SENSES = {"text": "text", "audio": "audio"}  # what other modalities are taken for: pictures


@dataclass(frozen=True, eq=False)
class Features:
    """What a model of tables learns from.

    Attributes:
        of: kind of the units.
        units: n of them, that have a row of every table; sorted.
        X: (n, d), float64; NaN where a table has no number.
        names: (d,) "embed[0]", or "frame.embed[0]" where it is the mean over frames.
        inputs: kinds and labels of the tables: "image embed-1a2b3c4d + post embed_text-5e6f7a8b".
        tables: the tables, in that order.
        modality: "text", "image", "audio", or "multimodal" where there are several.
        missing: kind and name of a table -> units that lack a row of it.
        blank: units that were left out by `whole`.
    """

    of: str
    units: tuple[str, ...]
    X: npt.NDArray[np.float64]
    names: tuple[str, ...]
    inputs: str
    tables: tuple[Table, ...]
    modality: str
    missing: Mapping[str, tuple[str, ...]]
    blank: tuple[str, ...] = ()

    def whole(self) -> "Features":
        """Without the units of which a number is missing, for models that need them all."""
        lacking = np.asarray(np.isnan(self.X).any(axis=1))
        blank = tuple(unit for unit, lacks in zip(self.units, lacking, strict=True) if lacks)
        units = tuple(unit for unit, lacks in zip(self.units, lacking, strict=True) if not lacks)
        return replace(self, units=units, X=self.X[~lacking], blank=blank) if blank else self

    def reasons(self) -> dict[str, tuple[str, ...]]:
        """Why units are not among these -> the units."""
        found = {f"no row of {name}": units for name, units in self.missing.items()}
        return found | ({"a number is missing in its row": self.blank} if self.blank else {})

    def rows(self, units: Sequence[str]) -> npt.NDArray[np.int64]:
        """The row of each of some units, -1 for those that lack one."""
        place = {unit: row for row, unit in enumerate(self.units)}
        return np.array([place.get(unit, -1) for unit in units], np.int64)


def features(store: Store, of: str, tables: On) -> Features:
    """The numbers and vectors of tables, one row for each unit.

    Tables of the units themselves stand side by side. Those of smaller units (frames of a video, media of a post) are
    rolled up by their mean, over the units that the latest split made; texts and hashes are no numbers, and left out.

    Args:
        store: the study.
        of: kind of the units.
        tables: kind -> name or names of tables: {"frame": "embed", "speech": "embed_text"}.

    Raises:
        UnknownNameError: there is no such table; says how it is made.
        InputError: a table without numbers, kinds that do not hang together, or no unit with a row in all tables.
    """
    sources = found(store, tables)
    every = sorted(store.units(of)["id"].to_pylist())
    blocks = [_block(store, of, source) for source in sources]
    missing = {
        f"{source.kind} {source.recipe.name}": tuple(unit for unit in every if unit not in block.row)
        for source, block in zip(sources, blocks, strict=True)
    }
    units = tuple(unit for unit in every if all(unit in block.row for block in blocks))
    if not units and every:
        raise InputError(
            f"no {of} unit has a row of all of {', '.join(missing)}; measure them, or split what they are measured on"
        )
    return Features(
        of=of,
        units=units,
        X=np.hstack([block.X[[block.row[unit] for unit in units]] for block in blocks]),
        names=tuple(name for block in blocks for name in block.names),
        inputs=" + ".join(f"{source.kind} {source.recipe.label}" for source in sources),
        tables=tuple(sources),
        modality=modality([sense for source in sources for sense in _senses(source)]),
        missing={name: lacking for name, lacking in missing.items() if lacking},
    )


def found(store: Store, tables: On) -> list[Table]:
    """The tables of those names.

    Raises:
        UnknownNameError: there is no such table; says how it is made.
    """
    named = [(kind, name) for kind, some in tables.items() for name in ([some] if isinstance(some, str) else some)]
    if not named:
        raise InputError('say which tables to learn from: --on image=embed, or on={"image": "embed"} in Python')
    return [_find(store, kind, name) for kind, name in dict.fromkeys(named)]


def modality(senses: Sequence[str]) -> str:
    """One modality for several, "multimodal" if they differ."""
    one = set(senses)
    return one.pop() if len(one) == 1 else "multimodal"


def _find(store: Store, kind: str, name: str) -> Table:
    try:
        return store.find(kind, name)
    except UnknownNameError as error:
        measure = name.partition(":")[0]
        made = f"; make it with  studium measure {measure} --of {kind}" * (measure in registry.names("measures"))
        raise UnknownNameError(f"{error}{made}") from None


@dataclass(frozen=True, eq=False)
class _Block:
    """The columns of one table: unit -> row, and (m, d) numbers."""

    row: Mapping[str, int]
    X: npt.NDArray[np.float64]
    names: Sequence[str]


def _block(store: Store, of: str, source: Table) -> _Block:
    columns = [column for column in source.columns if _numeric(column)]
    if not columns:
        raise InputError(f"{source.recipe.label} of {source.kind} units holds no numbers to learn from")
    names = [column.name for column in columns]
    if source.kind == of:
        rows, prefix = living(store, source, ["unit", *names]), ""
    elif source.kind == "post":
        raise InputError(
            f"tables of posts are about posts, not about {of} units, of which a post may have several; code the posts "
            '(of = "post" in the codebook): a model of posts may learn from tables of both'
        )
    else:
        rules = {column.name: "mean_vector" if column.size else "mean" for column in columns}
        label = f"{source.recipe.name}:{source.recipe.key}"
        split = split_by(store, source.kind, label, "", ())
        rows, prefix = rolled_up(store, of, source, rules, split), f"{source.kind}."
    arrays = [_numbers(rows[name], column) for name, column in zip(names, columns, strict=True)]
    row = {unit: at for at, unit in enumerate(rows.column(0).to_pylist())}
    empty = np.asarray(np.isnan(np.hstack(arrays)).all(axis=1)) & (source.kind != of)
    named = [f"{prefix}{one}" for column in columns for one in _names(column)]
    return _Block({unit: at for unit, at in row.items() if not empty[at]}, np.hstack(arrays), named)


def _numeric(column: Column) -> bool:
    return column.dtype in _NUMBERS and (column.size is None or column.dtype.startswith("float"))


def _names(column: Column) -> list[str]:
    return [column.name] if column.size is None else [f"{column.name}[{at}]" for at in range(column.size)]


def _numbers(column: Any, about: Column) -> npt.NDArray[np.float64]:
    """(n, 1) numbers or (n, size) vectors; NaN where there is none."""
    array = column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
    if about.size is None:
        plain = array.cast(pa.uint8()) if pa.types.is_boolean(array.type) else array
        return np.asarray(plain.cast(pa.float64()).to_numpy(zero_copy_only=False), np.float64)[:, None]
    there = array.is_valid().to_numpy(zero_copy_only=False)
    X = np.full((len(array), about.size), np.nan)
    flat = pc.drop_null(array).flatten().cast(pa.float64()).to_numpy(zero_copy_only=False)
    X[there] = flat.reshape(-1, about.size)
    return X


def _senses(source: Table) -> list[str]:
    """The modalities that a table tells of: what its measure takes, or its units offer; of material all of them."""
    name = source.recipe.name
    if name not in registry.names("measures"):
        offers = KINDS[source.kind]
        return [_SENSES.get("text" if "image" not in offers and "video" not in offers else "image", "image")]
    takes = getattr(registry.load("measures", name), "takes", "image")
    return ["text", "image"] if takes == "material" else [_SENSES.get(takes, "image")]
