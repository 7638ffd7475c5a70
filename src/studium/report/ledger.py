"""From collection to analysis: what was found, what was lost on the way, and why."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import pyarrow.compute as pc

from studium.core.store import Table
from studium.report.attrition import Attrition, attrition
from studium.report.reading import Reading
from studium.report.text import count, plural, size
from studium.run.attrition import attrition as counted

__all__ = ["Glance", "Ledger", "Reason", "SourceLog", "TableLog", "glance", "ledger", "reasons"]

EXAMPLES = 3


@dataclass(frozen=True)
class Reason:
    """One class of error: how often, where (for failures: in which tables), and a few in full as (where, message)."""

    error: str
    n: int
    examples: list[tuple[str, str]]
    tables: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class SourceLog:
    """A source: what it is, what it named, what it could not use, what a reader should know."""

    name: str
    params: list[tuple[str, str]]
    found: list[tuple[str, int]]
    lost: int
    reasons: list[Reason]
    notes: list[tuple[str, str]]


@dataclass(frozen=True)
class TableLog:
    """A table: how many of its kind's units have a row, failed, or were never tried."""

    label: str
    kind: str
    units: int
    rows: int
    failed: int
    waiting: int


@dataclass(frozen=True)
class Kind:
    """A kind of unit: how many there are, in how many places their files were found."""

    name: str
    units: int
    places: int
    copies: int
    bytes: str


@dataclass(frozen=True)
class Ledger:
    """The whole way; ``attrition`` where media are named by posts or by URL."""

    sources: list[SourceLog]
    kinds: list[Kind]
    tables: list[TableLog]
    failures: list[Reason]
    attrition: Attrition | None


@dataclass(frozen=True)
class Glance:
    """One figure of the first page."""

    value: str
    about: str


def ledger(reading: Reading) -> Ledger:
    """Every source, every kind of unit and every table."""
    sources = [_source(reading, body) for body in reading.sources]
    return Ledger(
        sources,
        [_kind(reading, kind) for kind in reading.kinds],
        [_table(reading, table) for table in reading.tables],
        _failures(reading),
        _attrition(reading),
    )


def glance(reading: Reading, found: Ledger) -> list[Glance]:
    """The counts a reader wants first."""
    figures = [Glance(count(k.units), k.name if k.units == 1 else plural(k.name)) for k in found.kinds]
    if not figures:
        return [Glance("0", "units")]
    failed = len({unit for t in reading.tables for unit in reading.failures(t)["unit"].to_pylist()})
    attached = reading.attachments.num_rows - reading.attachments["post"].null_count
    if attached:
        figures.append(Glance(count(attached), "attachments of media to posts"))
    if copies := sum(k.copies for k in found.kinds):
        figures.append(Glance(count(copies), "exact copies, counted once"))
    figures.append(Glance(count(sum(s.lost for s in found.sources)), "files or rows that no source could use"))
    figures.append(Glance(count(failed), "units that failed a measure"))
    return figures


def reasons(rows: Iterable[Mapping[str, str]]) -> list[Reason]:
    """Errors by class, the most frequent first, with examples.

    Args:
        rows: mappings with ``error``, ``where`` and ``message``.
    """
    by_error: dict[str, list[tuple[str, str]]] = {}
    for row in rows:
        by_error.setdefault(row["error"], []).append((row["where"], row["message"]))
    ordered = sorted(by_error.items(), key=lambda item: (-len(item[1]), item[0]))
    return [Reason(error, len(cases), sorted(cases)[:EXAMPLES]) for error, cases in ordered]


def _source(reading: Reading, body: Mapping[str, Any]) -> SourceLog:
    losses = [{**loss, **{k: reading.local(loss[k]) for k in ("where", "message")}} for loss in body["losses"]]
    said = {k: reading.local(str(v)) for k, v in body["params"].items() if v not in (None, "", [])}
    notes = [(note["about"], note["value"]) for note in body["notes"]]
    found = sorted(body["found"].items())
    return SourceLog(body["source"], list(said.items()), found, len(losses), reasons(losses), notes)


def _attrition(reading: Reading) -> Attrition | None:
    """None for a folder of files: what became of them stands in the tables already."""
    attached = reading.attachments["post"].null_count < reading.attachments.num_rows
    return attrition(counted(reading.store)) if attached or (reading.root / "links").is_dir() else None


def _kind(reading: Reading, kind: str) -> Kind:
    places = reading.attachments.filter(pc.equal(reading.attachments["kind"], kind))
    files = dict(zip(places["path"].to_pylist(), places["media"].to_pylist(), strict=True))
    sizes = dict(zip(places["media"].to_pylist(), places["bytes"].to_pylist(), strict=True))
    total = sum(n for n in sizes.values() if n)
    copies = len(files) - len(set(files.values()))
    return Kind(kind, reading.units(kind).num_rows, len(files), copies, size(total) if total else "")


def _table(reading: Reading, table: Table) -> TableLog:
    units = set(reading.units(table.kind)["id"].to_pylist())
    failed = set(reading.failures(table)["unit"].to_pylist())
    done = units & set(table.done().to_pylist())
    return TableLog(table.recipe.label, table.kind, len(units), len(done), len(failed), len(units - done - failed))


def _failures(reading: Reading) -> list[Reason]:
    """Failures of all tables together: a broken file fails everywhere, and is one unit."""
    cases: dict[tuple[str, str, str], None] = {}
    tables: dict[str, list[str]] = {}
    for row, table in _failed(reading):
        cases[row["error"], row["where"], row["message"].removeprefix(f"{row['where']}: ")] = None
        if table not in tables.setdefault(row["error"], []):
            tables[row["error"]].append(table)
    rows = [{"error": error, "where": where, "message": message} for error, where, message in cases]
    return [replace(reason, tables=tables[reason.error]) for reason in reasons(rows)]


def _failed(reading: Reading) -> Iterator[tuple[dict[str, str], str]]:
    for table in reading.tables:
        failures = reading.failures(table).to_pylist()
        paths = {row["id"]: row["path"] for row in reading.rows(table.kind, [f["unit"] for f in failures])}
        for row in failures:
            where = paths.get(row["unit"]) or row["unit"][:12]
            reason, _, _ = row["message"].partition("\n")  # what follows may hold a model's answer, and that a post
            yield {"error": row["error"], "where": where, "message": reading.local(reason)}, table.recipe.name
