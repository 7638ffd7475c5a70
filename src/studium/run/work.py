"""The batch worker: decode each unit once, measure, write parts. The same function serves every executor."""

import logging
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa

from studium.core.protocols import Measure
from studium.core.store import Store, Table
from studium.core.table import text_digest
from studium.core.unit import Unit
from studium.errors import InputError, MediaError
from studium.run.load import load
from studium.run.plan import Chunk, recipe_for

__all__ = ["Outcome", "work"]

log = logging.getLogger(__name__)

Announce = Callable[[str, list[str]], None]

_BATCH = 8  # units measured together
_BATCH_BYTES = 48_000_000  # of decoded pixels held at once by one thread, whatever the batch
_FLUSH_SECONDS = 20.0  # a kill loses at most this much slow work


@dataclass
class Outcome:
    """What became of the units of a chunk: rows written and failures by measure."""

    rows: Counter[str] = field(default_factory=Counter)
    failures: Counter[str] = field(default_factory=Counter)


@dataclass
class _Pending:
    """Rows and failures of one table that wait to be written as a part."""

    table: Table
    units: list[str] = field(default_factory=list)
    batches: list[list[pa.Array]] = field(default_factory=list)
    texts: list[str] = field(default_factory=list)
    failures: list[tuple[str, str, str]] = field(default_factory=list)

    def flush(self, outcome: Outcome) -> None:
        if self.units:
            columns = [pa.concat_arrays(column) for column in zip(*self.batches, strict=True)]
            self.table.append(self.units, columns, self.texts)
        if self.failures:
            self.table.fail(self.failures)
        outcome.rows[self.table.recipe.label] += len(self.units)
        outcome.failures[self.table.recipe.label] += len(self.failures)
        self.units, self.batches, self.texts, self.failures = [], [], [], []


def work(chunk: Chunk, announce: Announce | None = None) -> Outcome:
    """Measure every unit of a chunk, in batches, and write what came out.

    Args:
        chunk: units and the measures that all of them lack.
        announce: told the id of each unit before it is touched, and for which tables ("decoding" comes first, if that
            is what is done); batches are then single units. For finding what kills a process.
    """
    store, outcome = Store(chunk.root), Outcome()
    pending = {m: _Pending(store.table(chunk.kind, recipe_for(m, chunk.decoding))) for m in chunk.measures}
    flushed = time.monotonic()
    for group in _groups(chunk.measures):
        for units, inputs in _batches(chunk, group, pending, announce):
            for measure in group:
                if announce:
                    announce(units[0].id, [pending[measure].table.recipe.label])
                _measure(measure, units, inputs, pending[measure], chunk.root)
            if time.monotonic() - flushed > _FLUSH_SECONDS:
                _flush(pending, outcome)
                flushed = time.monotonic()
    _flush(pending, outcome)
    return outcome


def _flush(pending: dict[Measure, _Pending], outcome: Outcome) -> None:
    for waiting in pending.values():
        waiting.flush(outcome)


def _groups(measures: Sequence[Measure]) -> list[list[Measure]]:
    """Measures that share one decode: the same modality at the same detail."""
    groups: dict[tuple[str, int | None], list[Measure]] = {}
    for measure in measures:
        groups.setdefault((measure.takes, measure.detail if measure.takes == "image" else None), []).append(measure)
    return list(groups.values())


def _batches(
    chunk: Chunk, group: list[Measure], pending: dict[Measure, _Pending], announce: Announce | None
) -> Iterator[tuple[list[Unit], list[Any]]]:
    units: list[Unit] = []
    inputs: list[Any] = []
    held = 0
    for unit in chunk.units:
        if announce:
            announce(unit.id, ["decoding", *(pending[measure].table.recipe.label for measure in group)])
        try:
            loaded = load(unit, group[0].takes, group[0].detail, chunk.root, chunk.decoding)
        except MediaError as error:
            for measure in group:
                pending[measure].failures.append((unit.id, type(error).__name__, _told(error, unit, chunk.root)))
            continue
        units.append(unit)
        inputs.append(loaded)
        held += getattr(loaded, "nbytes", 0)
        if announce or len(units) == _BATCH or held > _BATCH_BYTES:
            yield units, inputs
            units, inputs, held = [], [], 0
    if units:
        yield units, inputs


def _told(error: Exception, unit: Unit, root: Path) -> str:
    """The message, with the path as the study knows it, wherever the study lies today."""
    return str(error).replace(str(root / unit.path), unit.path) if unit.path else str(error)


def _measure(measure: Measure, units: list[Unit], inputs: list[Any], waiting: _Pending, root: Path) -> None:
    """One batch; if it fails in whatever way, each unit on its own, so that only the guilty ones become failures."""
    try:
        arrays = waiting.table.arrays(measure(inputs))
        for array in arrays:
            if len(array) != len(inputs):
                raise InputError(f"{measure.name} should return {len(inputs)} values, got {len(array)}")
    except Exception as error:
        if len(units) == 1:
            log.debug("%s failed on %s", measure.name, units[0].id, exc_info=True)
            waiting.failures.append((units[0].id, type(error).__name__, _told(error, units[0], root)))
            return
        for unit, one in zip(units, inputs, strict=True):
            _measure(measure, [unit], [one], waiting, root)
        return
    waiting.units += [unit.id for unit in units]
    if waiting.table.of_text:
        waiting.texts += [text_digest(text) for text in inputs]
    waiting.batches.append(arrays)
