"""A study as the sections of the report read it: every table once, nothing changed."""

import json
import re
from collections.abc import Sequence
from functools import cache, cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from studium.core.config import Study
from studium.core.recipe import canonical
from studium.core.store import Store, Table
from studium.core.unit import KINDS
from studium.report.pictures import Pictures
from studium.run.lineage import FILES, above, climbed
from studium.run.tables import of_units

__all__ = ["FEWEST", "RESULTS", "Reading", "call", "kept"]

FEWEST = 5
"""Images and videos below which nothing perceived is shown: it would speak about single persons."""

RESULTS = ("cluster", "duplicates", "map")
"""Names of the tables that say something about many units together; each has a section of its own."""


class Reading:
    """What the sections share.

    Attributes:
        root: the study folder.
        store: its tables.
        study: its study file.
        pictures: thumbnails, with one budget for the whole page.
    """

    def __init__(self, root: Path, store: Store, study: Study) -> None:
        """Open a study for reading."""
        self.root, self.store, self.study = root, store, study
        self.pictures = Pictures(store)
        self.units = cache(store.units)
        self.counted = cache(lambda kind: store.units(kind).num_rows)

    @cached_property
    def kinds(self) -> list[str]:
        """Kinds that have units."""
        return [kind for kind in self.store.kinds() if self.units(kind).num_rows]

    @cached_property
    def pictured(self) -> list[str]:
        """Kinds whose units are shown one by one: not faces, which are seen in their pictures only, and not lines."""
        return [kind for kind in self.kinds if "image" in KINDS[kind] and kind not in {"face", "line"}]

    @cached_property
    def attachments(self) -> pa.Table:
        """Where every medium was found."""
        return self.store.attachments()

    @cached_property
    def tables(self) -> list[Table]:
        """Every table of every kind that has units, by kind, name and key."""
        return [
            table
            for kind in self.kinds
            for table in sorted(self.store.tables(kind), key=lambda t: (t.recipe.name, t.recipe.key))
        ]

    @cached_property
    def sources(self) -> list[dict[str, Any]]:
        """What every source found, lost and noted, as of the last time it was added."""
        return [_json(path) for path in sorted((self.root / "sources").glob("*.json"))]

    @cached_property
    def run(self) -> dict[str, Any]:
        """The manifest of the last run; {} if none is recorded."""
        found = sorted((self.root / "runs").glob("*.json"))
        return _json(found[-1]) if found else {}

    @property
    def date(self) -> str:
        """When the last run began, as 2026-11-21; "" if none is recorded."""
        return str(self.run.get("started", ""))[:10]

    def local(self, text: str) -> str:
        """A text in which paths start from the study folder, so that it does not tell where on a disk that was."""
        root = re.escape(str(self.root.resolve()))
        return re.sub(rf"{root}(?![\w-])", ".", re.sub(f"{root}/", "", text))

    def values(self, table: Table, *columns: str) -> pa.Table:
        """``unit`` and columns of a table, of the units that the study has today."""
        return of_units(table.read(["unit", *columns]), self.units(table.kind))

    def files(self, table: Table, column: str) -> int:
        """How many files the units with a value in a column come from; of what comes from no file, how many units."""
        rows = self.values(table, column)
        valued = rows["unit"].filter(pc.is_valid(rows[column]))
        if not set(FILES) & set(above(table.kind)):
            return len(valued)
        at = pc.index_in(valued, value_set=self.units(table.kind)["id"])
        return len(climbed(self.store, table.kind, FILES).take(at).unique())

    def failures(self, table: Table) -> pa.Table:
        """The failures of a table, of the units that the study has today."""
        return of_units(table.failures(), self.units(table.kind))

    def measures(self, kind: str) -> list[Table]:
        """The tables of a kind that hold one measured row per unit; of a rollup that was made again, the last one."""
        newest = {(t.recipe.name, canonical(t.recipe.params)): t for t in self.store.tables(kind) if t.recipe.inputs}
        return [
            t for t in self.tables
            if t.kind == kind and t.recipe.name not in RESULTS and (not t.recipe.inputs or t in newest.values())
        ]  # fmt: skip

    def results(self, kind: str, name: str) -> list[Table]:
        """The finished results of that name, the last one of each table they were made from."""
        last = {}
        for table in self.store.tables(kind):
            if table.recipe.name == name and (result := table.result()):
                last[result.get("by", "")] = table
        return [last[by] for by in sorted(last)]

    def sample(self, kind: str, n: int) -> list[str]:
        """Ids of ``n`` units drawn at random with the study's seed, whatever the order in which they were added."""
        ids = sorted(self.units(kind)["id"].to_pylist())
        drawn = np.random.default_rng(self.study.seed % 2**32).permutation(len(ids))[:n]
        return [ids[i] for i in drawn]

    def rows(self, kind: str, ids: Sequence[str]) -> list[dict[str, Any]]:
        """The units of these ids, in this order; ids that are no units are left out."""
        units = self.units(kind)
        found = pc.index_in(pa.array(list(ids), pa.string()), units["id"].combine_chunks()).drop_null()
        return list(units.take(found).to_pylist())


def call(table: Table) -> str:
    """The Python that reads a table."""
    return f'corpus.table("{table.kind}", "{table.recipe.name}:{table.recipe.key}")'


def kept(path: Path) -> dict[str, Any]:
    """A JSON file beside a model or an experiment; {} if it is none, as after an edit by hand."""
    try:
        return _json(path)
    except ValueError:
        return {}


def _json(path: Path) -> dict[str, Any]:
    return dict(json.loads(path.read_text(encoding="utf-8")))
