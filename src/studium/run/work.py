"""The batch worker: decode each unit once, measure or split, write parts. The same function serves every executor."""

import logging
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from studium.core import allowance, audit, legal
from studium.core.audit import Use
from studium.core.protocols import Measure
from studium.core.store import Store
from studium.core.unit import Unit
from studium.errors import InputError, MediaError, ServiceError
from studium.media.watch import WatchingMeasure, WatchingUnitizer, watch
from studium.run import gate
from studium.run.load import Loader, read_of
from studium.run.pending import Outcome, Pending, pending_for
from studium.run.plan import Chunk, Part

__all__ = ["Outcome", "lawful", "work"]

log = logging.getLogger(__name__)

Announce = Callable[[str, list[str]], None]

_BATCH_BYTES = 6_000_000  # of decoded pixels that a batch holds for each of its units, on average
_FLUSH_SECONDS = 20.0  # a kill loses at most this much slow work


@dataclass
class _Group:
    """Parts that share one decode, and the batch that they wait for."""

    parts: list[Part]
    units: list[Unit] = field(default_factory=list)
    inputs: list[Any] = field(default_factory=list)
    held: int = 0

    @property
    def takes(self) -> str:
        return self.parts[0].takes

    @property
    def size(self) -> int:
        """Units measured together."""
        return max(part.at_once if isinstance(part, Measure) else 1 for part in self.parts)

    @property
    def watching(self) -> list[WatchingMeasure | WatchingUnitizer]:
        return [part for part in self.parts if isinstance(part, WatchingMeasure | WatchingUnitizer)]

    def add(self, unit: Unit, loaded: Any) -> None:
        self.units.append(unit)
        self.inputs.append(loaded)
        self.held += getattr(loaded, "nbytes", 0)

    def full(self) -> bool:
        return bool(self.watching) or len(self.units) >= self.size or self.held > self.size * _BATCH_BYTES

    def clear(self) -> None:
        self.units, self.inputs, self.held = [], [], 0


def work(chunk: Chunk, announce: Announce | None = None) -> Outcome:
    """Measure (or split) every unit of a chunk, in batches, and write what came out.

    Args:
        chunk: units and the parts that all of them lack.
        announce: told the id of each unit before it is touched, and for which tables ("decoding" comes first, if that
            is what is done); batches are then single units. For finding what kills a process.
    """
    with lawful(chunk), Loader(chunk.root, chunk.decoding, chunk.above, chunk.around) as loader:
        worker = _Work(chunk, loader, announce)
        try:
            for unit in chunk.units:
                for group in worker.groups:
                    worker.load(group, unit)
            worker.measure()
        finally:
            outcome = worker.flush()
        return outcome


@contextmanager
def lawful(chunk: Chunk) -> Iterator[None]:
    """Work on a chunk under its allowance and its legal basis, whose use was written down when the run began.

    Raises:
        RefusedError: a part tells persons apart, and there is no legal basis or it has expired meanwhile.
    """
    with allowance.under(chunk.allowance), _based(chunk):
        yield


@contextmanager
def _based(chunk: Chunk) -> Iterator[None]:
    log_of = chunk.root / audit.NAME
    if told := gate.asked(chunk.parts, chunk.kind):
        if chunk.basis is None or chunk.basis.faults():
            what = ", ".join(part.name for part in told)
            legal.admit(chunk.basis, Use(f"measure {what}", chunk.kind, len(chunk.units)), log_of)
        assert chunk.basis is not None
        with legal.under(chunk.basis, log_of, logged=True):
            yield
    else:
        yield


class _Work:
    """What is under way in one chunk."""

    def __init__(self, chunk: Chunk, loader: Loader, announce: Announce | None) -> None:
        self.chunk, self.loader, self.announce = chunk, loader, announce
        self.groups = [_Group(parts) for parts in _groups(chunk.parts)]
        self.outcome, self.flushed = Outcome(), time.monotonic()
        store = Store(chunk.root)
        self.pending: dict[Part, Pending] = {part: pending_for(store, chunk, part) for part in chunk.parts}

    def load(self, group: _Group, unit: Unit) -> None:
        """Load a unit for a group, and measure the group's batch if it is full."""
        self._say(unit, "decoding", *(self.pending[part].table.recipe.label for part in group.parts))
        try:
            group.add(unit, self.loader.load(unit, group.takes, group.parts[0].detail))
        except MediaError as error:
            for part in group.parts:
                self._fail(part, unit, error)
            return
        if self.announce or group.full():
            self._measure(group)

    def measure(self) -> None:
        """Measure what still waits."""
        for group in self.groups:
            self._measure(group)

    def flush(self) -> Outcome:
        """Write what was measured."""
        for waiting in self.pending.values():
            waiting.flush(self.outcome)
        self.flushed = time.monotonic()
        return self.outcome

    def _measure(self, group: _Group) -> None:
        if group.watching and group.units:
            self._watch(group)
        else:
            for part in group.parts if group.units else []:
                self._say(group.units[0], self.pending[part].table.recipe.label)
                self._call(part, group.units, group.inputs)
        group.clear()
        if time.monotonic() - self.flushed > _FLUSH_SECONDS:
            self.flush()

    def _watch(self, group: _Group) -> None:
        """One pass over one medium for all the parts that watch it."""
        unit, medium = group.units[0], group.inputs[0]
        try:
            results, damage = watch(medium, group.watching)
        except MediaError as error:
            results, damage = [error] * len(group.parts), None
        for part, found in zip(group.parts, results, strict=True):
            try:
                if isinstance(found, Exception):
                    raise found
                self.pending[part].take([unit], [found], [medium])
            except Exception as error:
                log.debug("%s failed on %s", part.name, unit.id, exc_info=True)
                self._fail(part, unit, error)
            else:
                if damage:
                    self._fail(part, unit, damage)

    def _call(self, part: Part, units: list[Unit], inputs: list[Any]) -> None:
        """One batch; if it fails in whatever way, each unit on its own, so that only the guilty ones fail."""
        try:
            self.pending[part].take(units, _results(part, inputs), inputs)
        except ServiceError:
            raise
        except Exception as error:
            if len(units) == 1:
                log.debug("%s failed on %s", part.name, units[0].id, exc_info=True)
                self._fail(part, units[0], error)
                return
            for unit, one in zip(units, inputs, strict=True):
                self._call(part, [unit], [one])

    def _fail(self, part: Part, unit: Unit, error: Exception) -> None:
        """Write down a failure; its path as the study knows it, wherever the study lies today."""
        path = self.loader.path_of(unit)
        message = str(error).replace(str(self.chunk.root / path), path) if path else str(error)
        text = read_of(unit, part.takes, self.chunk.around) if self.pending[part].table.of_text else None
        self.pending[part].fail(unit.id, type(error).__name__, message, text)

    def _say(self, unit: Unit, *labels: str) -> None:
        if self.announce:
            self.announce(unit.id, list(labels))


def _groups(parts: Sequence[Part]) -> list[list[Part]]:
    """Parts that share one decode: the same modality at the same detail; all who watch share one pass."""
    groups: dict[tuple[object, ...], list[Part]] = {}
    for part in parts:
        watches = isinstance(part, WatchingMeasure | WatchingUnitizer)
        detail = part.detail if part.takes in {"image", "material"} else None
        groups.setdefault((part.takes, watches, detail), []).append(part)
    return list(groups.values())


def _results(part: Part, inputs: list[Any]) -> Any:
    if not isinstance(part, Measure):
        return [list(part(one)) for one in inputs]
    values = part(inputs)
    for name, column in values.items():
        if len(column) != len(inputs):
            raise InputError(f"{part.name} should return {len(inputs)} values for {name!r}, got {len(column)}")
    return values
