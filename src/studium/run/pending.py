"""What waits to be written as parts: the rows of a measure, or the units and rows of a unitizer."""

from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa

from studium.core.protocols import Measure, Unitizer
from studium.core.store import Store, Table
from studium.core.table import text_digest
from studium.core.unit import BOXED, STRETCHES, Span, Unit, derived_id
from studium.errors import InputError
from studium.media.region import covered, inside
from studium.run.plan import Chunk, Part, recipe_for

__all__ = ["Outcome", "Pending", "pending_for"]


@dataclass
class Outcome:
    """What became of the units of a chunk: rows written and failures by table."""

    rows: Counter[str] = field(default_factory=Counter)
    failures: Counter[str] = field(default_factory=Counter)


@dataclass
class Pending(ABC):
    """Rows and failures of one table that wait to be written as a part."""

    table: Table
    units: list[str] = field(default_factory=list)
    failures: list[tuple[str, str, str]] = field(default_factory=list)
    unread: list[str | None] = field(default_factory=list)

    @abstractmethod
    def take(self, units: Sequence[Unit], results: Any, inputs: Sequence[Any]) -> None:
        """Take what a part returned for some units, or raise and take nothing."""

    @abstractmethod
    def write(self) -> None:
        """Write what waits, which is something."""

    def fail(self, unit: str, error: str, message: str, text: str | None) -> None:
        """Take a failure: unit, class and message of the error, and the text or outline that failed, if any."""
        self.failures.append((unit, error, message))
        self.unread.append(None if text is None else text_digest(text))

    def flush(self, outcome: Outcome) -> None:
        """Write rows and failures, and count them."""
        if self.units:
            self.write()
        if self.failures:
            self.table.fail(self.failures, self.unread)
        outcome.rows[self.table.recipe.label] += len(self.units)
        outcome.failures[self.table.recipe.label] += len(self.failures)
        self.units, self.failures, self.unread = [], [], []


@dataclass
class _Rows(Pending):
    """Of a measure: one row a unit."""

    batches: list[list[pa.Array]] = field(default_factory=list)
    texts: list[str] = field(default_factory=list)

    def take(self, units: Sequence[Unit], results: Any, inputs: Sequence[Any]) -> None:
        values = results if isinstance(results, Mapping) else _columns(results)
        self.batches.append(self.table.arrays(values))
        self.units += [unit.id for unit in units]
        if self.table.of_text:
            self.texts += [text_digest(getattr(one, "outline", one)) for one in inputs]

    def write(self) -> None:
        columns = [pa.concat_arrays(column) for column in zip(*self.batches, strict=True)]
        self.table.append(self.units, columns, self.texts)
        self.batches, self.texts = [], []


@dataclass
class _Spans(Pending):
    """Of a unitizer: new units, a row for each of them, and last of all how many each of the units split has."""

    store: Store | None = None
    made: Table | None = None
    begun: frozenset[str] = frozenset()
    counts: list[dict[str, float]] = field(default_factory=list)
    children: list[Unit] = field(default_factory=list)
    values: list[list[pa.Array]] = field(default_factory=list)

    def take(self, units: Sequence[Unit], results: Any, inputs: Sequence[Any]) -> None:
        assert self.made is not None
        kind = self.made.kind
        spans = [_checked(self.table.recipe.name, found) for found in results]
        counts = [_count(kind, found, one) for found, one in zip(spans, inputs, strict=True)]
        split = [
            (span, Unit(derived_id(parent, kind, span), kind, parent, span=span))
            for parent, found in zip(map(_whole, units), spans, strict=True)
            for span in found
        ]
        new = [(span, child) for span, child in split if child.id not in self.begun]
        names = self.made.schema.names[1:]
        self.values.append(self.made.arrays(_columns([_named(span, names) for span, _ in new], names)))
        self.children += [child for _, child in new]
        self.counts += counts
        self.units += [unit.id for unit in units]

    def write(self) -> None:
        assert self.store is not None
        assert self.made is not None
        if self.children:
            self.store.add_units(self.children)
            columns = [pa.concat_arrays(column) for column in zip(*self.values, strict=True)]
            self.made.append([unit.id for unit in self.children], columns)
        self.children, self.values = [], []  # also where the next line fails: what is written is not written again
        self.table.append(self.units, self.table.arrays(_columns(self.counts)))
        self.counts = []


def pending_for(store: Store, chunk: Chunk, part: Part) -> Pending:
    """What waits for a part."""
    recipe = recipe_for(part, chunk.decoding)
    table = store.table(chunk.kind, recipe)
    if isinstance(part, Unitizer):
        made = store.table(part.makes, recipe)
        return _Spans(table, store=store, made=made, begun=chunk.begun.get(part, frozenset()))
    assert isinstance(part, Measure)
    return _Rows(table)


def _count(kind: str, spans: Sequence[Span], picture: Any) -> dict[str, float]:
    """How many there are; of parts of a picture also how much of it they cover.

    Raises:
        InputError: a box lies outside the picture.
    """
    if kind not in BOXED:
        return {f"{kind}_count": len(spans)}
    height, width = picture.shape[:2]
    boxes = [inside(span.box, width, height) for span in spans]
    return {f"{kind}_count": len(spans), f"{kind}_area": covered(boxes, width, height)}


def _columns(rows: Sequence[Mapping[str, Any]], names: Sequence[str] | None = None) -> dict[str, list[Any]]:
    names = list(rows[0]) if names is None else names
    return {name: [row[name] for row in rows] for name in names}


def _named(span: Span, names: Sequence[str]) -> Mapping[str, Any]:
    if set(span.values) != set(names):
        raise InputError(f"a span should have values for {list(names)}, got {sorted(span.values)}")
    return span.values


def _whole(unit: Unit) -> str:
    """The unit that its parts belong to: a frame of a shot lies in the video, at a time of the video."""
    return unit.parent if unit.kind in STRETCHES and unit.parent is not None else unit.id


def _checked(name: str, spans: Sequence[Span]) -> list[Span]:
    """The spans, certain to name a unit each."""
    spans = list(spans)
    if len({(span.microseconds(), span.box) for span in spans}) < len(spans):
        raise InputError(f"{name} should return every span once; two of them lie in the same place")
    return spans
