"""Media that sources name by URL, and what became of them.

::

    links/part-*.parquet        which source names which URL, for which post: the last row of a place counts
    downloads/part-*.parquet    what came of asking for a URL: its last row counts
    media/ab/<sha256>.<suffix>  what was downloaded
"""

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa

from studium.core import parts
from studium.core.protocols import Link
from studium.core.store import Store
from studium.core.unit import Unit

__all__ = ["DOWNLOADS", "LINKS", "STATUSES", "Arrival", "Links", "arrived", "downloads", "ours", "states"]

LINKS = pa.schema(
    {
        "source": pa.string(),
        "url": pa.string(),
        "post": pa.string(),
        "position": pa.int32(),
        "kind": pa.string(),
        "label": pa.string(),
        "named": pa.bool_(),  # false: the source no longer names it
    }
)
DOWNLOADS = pa.schema(
    {
        "url": pa.string(),
        "status": pa.string(),  # one of STATUSES but "waiting"
        "again": pa.bool_(),  # whether the next run asks again by itself
        "error": pa.string(),
        "http_status": pa.int32(),
        "final_url": pa.string(),
        "content_type": pa.string(),  # as the server says
        "kind": pa.string(),  # as the content says
        "bytes": pa.int64(),
        "sha256": pa.string(),
        "path": pa.string(),
        "at": pa.string(),  # UTC, ISO 8601
        "attempts": pa.int32(),
        "facts": pa.string(),  # JSON: what else the server or platform says of it
    }
)
STATUSES: Mapping[str, str] = {
    "waiting": "not yet asked for",
    "done": "downloaded",
    "gone": "the server says that it is not there, or no more (404, 410)",
    "forbidden": "the server does not allow it (401, 403, 451)",
    "refused": "not taken: no medium, another kind than the source says, too large, or at a private address",
    "failed": "the server could not be reached, or could not deliver",
}
_OURS = re.compile(r"media/([0-9a-f]{2})/\1[0-9a-f]{62}\.[a-z0-9]+")


class Links:
    """What one source, or all, name by URL."""

    def __init__(self, root: Path, source: str | None = None) -> None:
        """Read the links that are alive today, in the order in which they were first named."""
        self._folder = root / "links"
        rows: dict[tuple[Any, ...], dict[str, Any]] = {}
        for row in parts.read(self._folder, LINKS).to_pylist():
            if source is None or row["source"] == source:
                rows[row["source"], row["url"], row["post"], row["position"]] = row
        self.rows = {key: row for key, row in rows.items() if row["named"]}

    def name(self, source: str, found: Iterable[Link]) -> int:
        """Append the links that are new or say something new; returns how many places are new."""
        new, changed = 0, []
        for link in found:
            row = {"source": source, "url": link.url, "post": link.post, "position": link.position}
            key = tuple(row.values())
            row |= {"kind": link.kind, "label": link.label, "named": True}
            if self.rows.get(key) != row:
                new += key not in self.rows
                changed.append(row)
                self.rows[key] = row
        parts.write(self._folder, pa.Table.from_pylist(changed, schema=LINKS))
        return new

    def withdraw(self, seen: Collection[tuple[str, str | None, int]]) -> int:
        """Append that its source names nothing but ``seen`` (URL, post, position); returns how many are withdrawn."""
        gone = [{**row, "named": False} for key, row in self.rows.items() if key[1:] not in seen]
        parts.write(self._folder, pa.Table.from_pylist(gone, schema=LINKS))
        return len(gone)


@dataclass(frozen=True, slots=True)
class Arrival:
    """A downloaded file: its row in the study's units, and what attaches it wherever it is named."""

    unit: Unit
    file: Mapping[str, Any]

    def attachment(self, source: str, link: Link) -> dict[str, Any]:
        """The row that attaches it to one link's post."""
        place = {"source": source, "post": link.post, "position": link.position, "label": link.label}
        return {**place, **self.file}


def arrived(root: Path, state: Mapping[str, Any]) -> Arrival | None:
    """The file that the state of a URL tells of; None if there is none, or if it was removed from ``media/``."""
    if state["status"] != "done":
        return None
    try:
        stat = (root / state["path"]).stat()
    except OSError:
        return None
    size = {"bytes": stat.st_size, "mtime_ns": stat.st_mtime_ns}
    unit = Unit(state["sha256"], state["kind"], path=state["path"], meta=size)
    return Arrival(unit, {"media": unit.id, "kind": unit.kind, "path": unit.path, **size})


def states(root: Path) -> dict[str, dict[str, Any]]:
    """The last row of every URL that was asked for."""
    return {row["url"]: row for row in parts.read(root / "downloads", DOWNLOADS).to_pylist()}


def downloads(store: Store) -> pa.Table:
    """One row per link, in the order in which sources name them: `LINKS`, then what is known of its URL.

    A URL that was not asked for has the status "waiting". ``kind`` is what the source says, ``content_kind`` what came.
    """
    known = states(store.root)
    waiting = dict.fromkeys(DOWNLOADS.names) | {"status": "waiting", "attempts": 0}
    rows = []
    for row in Links(store.root).rows.values():
        state = known.get(row["url"], waiting)
        rows.append({**state, **row, "content_kind": state["kind"]})
    said = [field for field in LINKS if field.name != "named"]
    learned = [field for field in DOWNLOADS if field.name not in {"url", "kind", "again"}]
    schema = pa.schema([*said, *learned, pa.field("content_kind", pa.string())])
    return pa.Table.from_pylist([{name: row[name] for name in schema.names} for row in rows], schema=schema)


def ours(path: str) -> bool:
    """Whether a path, as seen from the study folder, is that of a downloaded file."""
    return _OURS.fullmatch(path.replace("\\", "/")) is not None
