"""A sample as a CSV file for coders who work elsewhere: one row a unit, and an empty column for the answer."""

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from studium.core import parts
from studium.core.records.samples import Sample
from studium.core.store import Store
from studium.errors import InputError
from studium.run.tables import paths, posts

__all__ = ["HEAD", "sheet", "unwritten", "write"]

HEAD = ("unit", "path", "text", "value", "weight", "chance", "sample", "design", "frame", "seed")
"""Strata are left out: they would tell what machines make of a unit."""


def sheet(store: Store, sample: Sample) -> list[dict[str, Any]]:
    """The units of a sample in the order in which they are to be coded; columns as in `HEAD`.

    Raises:
        InputError: a sample of pairs.
    """
    if sample.pairs:
        raise InputError(f"{sample.name!r} is of pairs, which a sheet cannot show; code them with  studium serve")
    where = dict(zip(store.units(sample.of)["id"].to_pylist(), paths(store, sample.of).to_pylist(), strict=True))
    texts = _texts(store) if sample.of == "post" else {}
    how = {name: sample.design[name] for name in ("design", "frame", "seed")}
    return [
        {
            "unit": one.unit,
            "path": where.get(one.unit) or "",
            "text": texts.get(one.unit) or "",
            "value": "",
            "weight": 1 / one.chance,
            "chance": one.chance,
            "sample": sample.name,
            **how,
        }
        for one in sample.units
    ]


def write(path: Path, head: Sequence[str], rows: Iterable[Mapping[str, Any]]) -> None:
    """Write rows as a new CSV file.

    Raises:
        InputError: the file is there: it may hold codes.
    """
    unwritten(path)
    text = io.StringIO(newline="")
    out = csv.DictWriter(text, head, lineterminator="\n")
    out.writeheader()
    out.writerows(rows)
    parts.replace_file(path, text.getvalue())


def unwritten(path: Path) -> None:
    """Refuse a file that is there."""
    if path.exists():
        raise InputError(f"{path} is there, and may hold codes; name another file")


def _texts(store: Store) -> dict[str, str | None]:
    table = posts(store)
    return dict(zip(table["unit"].to_pylist(), table["text"].to_pylist(), strict=True))
