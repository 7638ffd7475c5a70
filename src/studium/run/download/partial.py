"""A download under way, on disk: what has come so far, what names that version of it, and at last what it became.

``media/.parts/<name>.part`` are its bytes, ``<name>.json`` what is needed to go on. When the last byte is there,
``<name>.done.json`` holds the row that belongs into ``downloads/``: a kill before it is there loses nothing.
"""

import hashlib
import json
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from studium.core import parts
from studium.core.parts import sync
from studium.run.add import identify

__all__ = ["Partial", "finished"]


class Partial:
    """The file of one URL, as far as it has come."""

    def __init__(self, root: Path, url: str) -> None:
        """Find what is there; nothing is read."""
        self.root = root
        name = hashlib.sha256(url.encode("utf-8", "surrogatepass")).hexdigest()[:40]
        self.path = _folder(root) / f"{name}.part"
        self._notes = self.path.with_suffix(".json")
        self._done = self.path.with_suffix(".done.json")

    @property
    def size(self) -> int:
        """How many bytes have come."""
        return self.path.stat().st_size if self.path.exists() else 0

    @property
    def version(self) -> str:
        """The ETag or date that names the version these bytes are of; "" if the server gave none."""
        return str(json.loads(self._notes.read_text("utf-8"))["version"]) if self._notes.exists() else ""

    def begin(self, version: str) -> None:
        """Start anew, with this version."""
        self.discard()
        self.path.parent.mkdir(parents=True, exist_ok=True)
        if version:
            parts.replace_file(self._notes, json.dumps({"version": version}))

    def head(self, n: int) -> bytes:
        """Its first bytes."""
        if not self.path.exists():
            return b""
        with self.path.open("rb") as file:
            return file.read(n)

    def keep(self, suffix: str) -> tuple[str, str]:
        """Name the whole file by its content; returns its sha256 and its place as seen from the study folder.

        It is moved there by `Partial.publish`, after its row is safe.
        """
        sync(self.path)
        sha256 = identify(self.path)
        return sha256, f"media/{sha256[:2]}/{sha256}{suffix}"

    def publish(self, row: Mapping[str, Any]) -> None:
        """Put the row aside, then the file into its place. The same content twice is one file."""
        parts.replace_file(self._done, json.dumps(row))
        _move(self.root, self.path, row)

    def discard(self) -> None:
        """Forget what has come."""
        self.path.unlink(missing_ok=True)
        self._notes.unlink(missing_ok=True)

    def forget(self) -> None:
        """The row is in ``downloads/``: nothing is left to remember here but bytes to go on from."""
        self._done.unlink(missing_ok=True)
        if not self.path.exists():
            self._notes.unlink(missing_ok=True)


def finished(root: Path) -> Iterator[dict[str, Any]]:
    """Rows of downloads that were whole when a run was killed, and not yet in ``downloads/``."""
    parts.sweep(_folder(root))
    for path in sorted(_folder(root).glob("*.done.json")):
        row = json.loads(path.read_text("utf-8"))
        _move(root, path.with_name(path.name.replace(".done.json", ".part")), row)
        yield row


def _move(root: Path, part: Path, row: Mapping[str, Any]) -> None:
    target = root / row["path"]
    if target.exists():
        part.unlink(missing_ok=True)
    elif part.exists():
        target.parent.mkdir(parents=True, exist_ok=True)
        part.replace(target)
        if os.name == "posix":
            sync(target.parent)


def _folder(root: Path) -> Path:
    return root / "media" / ".parts"
