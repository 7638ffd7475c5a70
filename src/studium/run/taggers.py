"""The audit of taggers over the tables of a study: services, networks, detectors, waves, and people's own codes."""

import csv
import io
import json
import math
from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from studium.coding.taggers import (
    Concepts,
    Tagger,
    Tagging,
    against,
    drift,
    overlap,
    pairs,
    shares,
    tagging,
    vocabulary,
)
from studium.core import parts, registry
from studium.core.csvfile import csv_rows
from studium.core.store import Store, Table
from studium.core.unit import BOXED
from studium.core.variable import NONE_OF_THESE
from studium.errors import InputError, StoreError, UnknownNameError
from studium.run.tables import living, paths, posts

__all__ = ["CUT", "TABLES", "audit", "identified", "read_codes", "read_mapping", "tagger", "write"]

CUT = 0.5
"""Confidence from which on a label counts, unless another one is said."""

TABLES = ("taggers", "shares", "overlap", "pairs", "drift", "against", "labels")
"""What an audit consists of, in the order in which one reads it."""

Row = dict[str, Any]
Labels = dict[str, float]
Codes = Mapping[str, Mapping[str, bool]]

_YES_NO = {"1": True, "1.0": True, "yes": True, "true": True, "0": False, "0.0": False, "no": False, "false": False}
_NO_CODE = {"", "na"}  # R writes NA; pandas writes 1.0 where another cell of the column is empty


def audit(
    store: Store,
    kind: str,
    names: Sequence[str],
    cuts: Mapping[str, float] | None = None,
    concepts: Concepts | None = None,
    codes: Codes | None = None,
) -> dict[str, list[Row]]:
    """Compare taggers on the units that they saw.

    Args:
        store: the study.
        kind: of the units.
        names: of the tables, such as "rekognition:2026-11", "tags", "objects".
        cuts: name -> confidence from which on its labels count; `CUT` where none is said.
        concepts: which labels mean the same; none: each label is a concept, in lower case.
        codes: people's codes, concept -> unit -> whether it is there; see `read_codes`.

    Returns:
        Rows by table, see `TABLES`: "taggers" (who, when, which model version), "shares" of concepts, "overlap" of
        label sets and "pairs" by concept for every two, "drift" between two waves of one tagger, "against" the codes,
        and all "labels".

    Raises:
        UnknownNameError: no such table, or a cut for a tagger that is not there.
        InputError: a table without labels, or the same one twice.
    """
    cuts, meant = dict(cuts or {}), concepts or Concepts()
    if len(set(names)) < len(names):
        raise InputError(f"each tagger once, got {', '.join(names)}")
    if unknown := sorted(set(cuts) - set(names)):
        raise UnknownNameError(f"a cut for {', '.join(unknown)}, which is not among the taggers: {', '.join(names)}")
    taggers = [tagger(store, kind, name) for name in names]
    found = [tagging(one, cuts.get(one.name, CUT), meant) for one in taggers]
    two = list(combinations(found, 2))
    units = store.units(kind).num_rows
    return {
        "taggers": [_described(one, at, units) for one, at in zip(taggers, found, strict=True)],
        "shares": shares(found),
        "overlap": [overlap(a, b) for a, b in two],
        "pairs": [row for a, b in two for row in pairs(a, b)],
        "drift": [row for a, b in two if a.kind == b.kind for row in drift(a, b)],
        "against": [row for one in found for row in against(one, codes or {})],
        "labels": [row for one in taggers for row in vocabulary(one, meant)],
    }


def tagger(store: Store, kind: str, name: str) -> Tagger:
    """A table as a tagger: of a service, ``tags``, ``zero_shot``, or ``objects`` that units were split into.

    Raises:
        InputError: the table holds no labels.
    """
    table = store.find(kind, name)
    rows = living(store, table)
    labels = dict(zip(rows["unit"].to_pylist(), _labels(store, table, rows), strict=True))
    it = table.recipe.name
    versions, asked = (
        sorted(set(rows[column].to_pylist())) if (column := f"{it}_{what}") in rows.column_names else []
        for what in ("model_version", "asked_at")
    )
    when = (asked[0], asked[-1]) if asked else ("", "")
    return Tagger(name, labels, it, tuple(versions), when)


def read_mapping(path: Path) -> Concepts:
    """A mapping from a CSV file: ``concept``, ``label``, and ``tagger`` where a label counts for one of them only.

    Raises:
        InputError: it cannot be read, or lacks a column.
        UnknownNameError: a tagger that there is none of; it is called as its measure or unitizer, without a wave.
    """
    rows = list(csv_rows(path, ("concept", "label")))
    named = {(row.get("tagger") or "").strip() for row in rows} - {""}
    if unknown := sorted(named - {*registry.names("measures"), *registry.names("unitizers")}):
        raise UnknownNameError(
            f"{path}: no measure and no unitizer is called {', '.join(unknown)}; in the column tagger stands a name "
            "such as rekognition (without a wave), or nothing"
        )
    return Concepts.of(
        (row["concept"].strip(), row["label"].strip(), (row.get("tagger") or "").strip())
        for row in rows
        if row["concept"].strip()  # labels that mean none of the concepts may stand there without one
    )


def read_codes(path: Path, store: Store, kind: str) -> Codes:
    """People's codes from a CSV file: ``unit`` (an id) or ``path``, and a column of 1 and 0 for every concept.

    An empty cell, or NA, is no code.

    Raises:
        InputError: it cannot be read, names units that the study does not have, or holds something else than 1 and 0.
    """
    rows = list(csv_rows(path, ()))
    key = next((name for name in ("unit", "path") if rows and name in rows[0]), "")
    if not key:
        raise InputError(f"{path} needs a column unit or path, and a column for every concept")
    ids = identified(path, [row[key].strip() for row in rows], key, store, kind)
    codes: dict[str, dict[str, bool]] = {name: {} for name in rows[0] if name not in {"unit", "path"}}
    for unit, row in zip(ids, rows, strict=True):
        for concept, coded in codes.items():
            word = (row[concept] or "").strip().casefold()
            if word in _NO_CODE:
                continue
            if word not in _YES_NO:
                raise InputError(f"{path}: {concept} of {row[key]} should be 1, 0 or empty, got {row[concept]!r}")
            coded[unit] = _YES_NO[word]
    return codes


def write(tables: Mapping[str, Sequence[Row]], folder: Path) -> list[Path]:
    """Write every table that has rows as ``<name>.csv``; numbers in full, undefined ones empty.

    The file of a table without rows is deleted if there is one: it is of another audit.

    Raises:
        StoreError: the folder cannot be written to.
    """
    try:
        return _written(tables, folder)
    except OSError as error:
        raise StoreError(f"cannot write to {folder}: {error.strerror or error}; choose another folder") from error


def _written(tables: Mapping[str, Sequence[Row]], folder: Path) -> list[Path]:
    written = []
    for name, rows in tables.items():
        if not rows:
            (folder / f"{name}.csv").unlink(missing_ok=True)
        else:
            text = io.StringIO()
            writer = csv.DictWriter(text, list(rows[0]), lineterminator="\n")
            writer.writeheader()
            writer.writerows({key: _cell(value) for key, value in row.items()} for row in rows)
            parts.replace_file(folder / f"{name}.csv", text.getvalue())
            written.append(folder / f"{name}.csv")
    return written


def _cell(value: Any) -> Any:
    return "" if isinstance(value, float) and math.isnan(value) else value


def _described(one: Tagger, at: Tagging, units: int) -> Row:
    given = {label for labels in one.labels.values() for label in labels}
    empty = sum(not labels for labels in one.labels.values())
    return {
        "tagger": one.name,
        "cut": at.cut,
        "units": len(one.labels),
        "not_seen": units - len(one.labels),
        "without_label": empty,
        "labels": len(given),
        "model_versions": " ".join(one.versions),
        "asked_first": one.asked[0],
        "asked_last": one.asked[1],
    }


def _labels(store: Store, table: Table, rows: pa.Table) -> Iterator[Labels]:
    """The labels of each row, whichever way its measure writes them."""
    names, it = set(rows.column_names), table.recipe.name
    if f"{it}_labels" in names:
        for text in rows[f"{it}_labels"].to_pylist():
            yield _surest((one["label"], one["confidence"]) for one in json.loads(text))
    elif lists := [c.name for c in table.columns if c.dtype == "string" and c.size and f"{c.name}_prob" in names]:
        for words, sure in zip(rows[lists[0]].to_pylist(), rows[f"{lists[0]}_prob"].to_pylist(), strict=True):
            yield _surest(zip(words, sure, strict=True))
    elif "values" in table.recipe.params and (variable := table.recipe.params.get("variable", "")) in names:
        none = [NONE_OF_THESE] * bool(table.recipe.params.get("none_of_these"))
        for sure in rows[f"{variable}_prob"].to_pylist():
            yield _surest(zip([*table.recipe.params["values"], *none], sure, strict=True))
    else:
        parts_found = _found_in(store, table)
        for unit in rows["unit"].to_pylist():
            yield parts_found.get(unit, {})


def _found_in(store: Store, table: Table) -> dict[str, Labels]:
    """What was found in units that were split: labels of their parts, each by its surest part."""
    for kind in BOXED:
        made = store.table(kind, table.recipe)
        if made.begun and {"label", "confidence"} <= set(made.schema.names):
            rows = living(store, made)
            units = store.units(kind)
            parents = units["parent"].take(pc.index_in(rows["unit"], value_set=units["id"])).to_pylist()
            found: dict[str, list[tuple[str, float]]] = {}
            for unit, label, sure in zip(
                parents, rows["label"].to_pylist(), rows["confidence"].to_pylist(), strict=True
            ):
                found.setdefault(unit, []).append((label, sure))
            return {unit: _surest(labels) for unit, labels in found.items()}
    raise InputError(
        f"{table.recipe.label} holds no labels with confidences; expected a table of a service (rekognition ...), of "
        "tags, zero_shot or objects"
    )


def _surest(labels: Any) -> Labels:
    found: Labels = {}
    for label, sure in labels:
        found[label] = max(float(sure), found.get(label, 0.0))
    return found


def identified(path: Path, said: Sequence[str], key: str, store: Store, kind: str) -> list[str]:
    """The ids of units that a file names by their "unit" or "path", or posts by the "id" of their source, each once.

    Raises:
        InputError: the study does not have one of them, a path belongs to several, or a unit is named twice.
    """
    ids = store.units(kind)["id"].to_pylist()
    if key == "id":
        called = [str(one) for one in posts(store)["id"].to_pylist()]
    else:
        called = ids if key == "unit" else paths(store, kind).to_pylist()
    found: dict[str, list[str]] = {}
    for name, unit in zip(called, ids, strict=True):
        found.setdefault(name, []).append(unit)
    if unknown := [name for name in said if name not in found]:
        raise InputError(f"{path} names {len(unknown)} {kind} units that the study does not have: {unknown[0]!r} ...")
    if several := [name for name in said if len(found[name]) > 1]:
        raise InputError(f"{path}: {several[0]!r} is the {key} of several {kind} units; name them in a column unit")
    if len(set(said)) < len(said):
        raise InputError(f"{path} names a {kind} unit twice; one row for each, please")
    return [found[name][0] for name in said]
