"""What could not be measured, and what sources could not use."""

from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from studium.browse.view import View
from studium.core.cache import cached, stamp
from studium.run import tables

__all__ = ["Failures", "failures", "losses"]


@dataclass(frozen=True)
class Failures:
    """Some of what could not be measured.

    Attributes:
        items: each ``unit``, ``kind``, ``path``, ``step``, ``error`` and ``message``.
        total: how many fit what was asked.
        steps: how many of all failures each step has, most first.
        errors: likewise, each class of error.
    """

    items: list[dict[str, Any]]
    total: int
    steps: list[tuple[str, int]]
    errors: list[tuple[str, int]]


def failures(view: View, at: tuple[int, int], step: str = "", error: str = "") -> Failures:
    """Some of the failures: from which on, and how many; of a step, of a class of error, or of any."""
    every = _failures(view)
    found = every
    for name, wanted in (("step", step), ("error", error)):
        found = found.filter(pc.equal(found[name], wanted)) if wanted else found
    return Failures(found.slice(*at).to_pylist(), found.num_rows, _tally(every["step"]), _tally(every["error"]))


def _tally(column: pa.ChunkedArray) -> list[tuple[str, int]]:
    counts = [(str(one["values"]), int(one["counts"])) for one in pc.value_counts(column).to_pylist()]
    return sorted(counts, key=lambda one: (-one[1], one[0]))


def _failures(view: View) -> pa.Table:
    folders = [path for path in sorted((view.root / "tables").glob("*/*")) if path.is_dir()]
    made = (stamp(*folders, *(path / "_failures" for path in folders)), *map(view.stamp, view.kinds()))
    found: pa.Table = cached((view.root, "failures"), made, lambda: tables.failures(view.store))
    return found


def losses(view: View, offset: int, limit: int) -> tuple[list[dict[str, Any]], int]:
    """Some of what sources could not use (``source``, ``where``, ``error``, ``message``), and how much there is."""
    found: pa.Table = cached((view.root, "losses"), _logs(view), lambda: tables.losses(view.store))
    return list(found.slice(offset, limit).to_pylist()), found.num_rows


def _logs(view: View) -> tuple[tuple[str, int], ...]:
    """The logs of sources, which are replaced as wholes."""
    return tuple((path.name, path.stat().st_mtime_ns) for path in sorted((view.root / "sources").glob("*.json")))
