"""What could not be measured, and what sources could not use."""

from typing import Any

import pyarrow as pa

from studium.browse.cache import cached, stamp
from studium.browse.view import View
from studium.run import tables

__all__ = ["failures", "losses"]


def failures(view: View, offset: int, limit: int) -> tuple[list[dict[str, Any]], int]:
    """Some of the failures (``unit``, ``kind``, ``path``, ``step``, ``error``, ``message``), and how many there are."""
    folders = [path for path in sorted((view.root / "tables").glob("*/*")) if path.is_dir()]
    made = (stamp(*folders, *(path / "_failures" for path in folders)), *map(view.stamp, view.store.kinds()))
    found: pa.Table = cached((view.root, "failures"), made, lambda: tables.failures(view.store))
    return list(found.slice(offset, limit).to_pylist()), found.num_rows


def losses(view: View, offset: int, limit: int) -> tuple[list[dict[str, Any]], int]:
    """Some of what sources could not use (``source``, ``where``, ``error``, ``message``), and how much there is."""
    found: pa.Table = cached((view.root, "losses"), _logs(view), lambda: tables.losses(view.store))
    return list(found.slice(offset, limit).to_pylist()), found.num_rows


def _logs(view: View) -> tuple[tuple[str, int], ...]:
    """The logs of sources, which are replaced as wholes."""
    return tuple((path.name, path.stat().st_mtime_ns) for path in sorted((view.root / "sources").glob("*.json")))
