"""What became of every original: a log to hand on with the copies, and a record of names that must not be.

::

    released/3f9c0a51d27e84b6.jpg ...    the copies, called by nothing that tells where they come from
    released/log.csv                     what was covered in each, and what was still found
    released.originals.jsonl             which original each copy was made of: keep it, do not hand it on
"""

import contextlib
import csv
import dataclasses
import hashlib
import io
import json
import re
import secrets
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Self

from studium.anonymise.copy import Copied
from studium.core import parts
from studium.errors import BusyError, InputError, StoreError

__all__ = ["CAUTION", "COLUMNS", "LOG", "Entry", "Journal", "beside", "entries_of", "writing"]

LOG = "log.csv"

_RECORD = "originals.jsonl"

CAUTION = "undetectable is not anonymous: look at a sample before you hand it on"

_COUNTS = tuple(field.name for field in dataclasses.fields(Copied) if field.type in {int, "int"})
COLUMNS = ("copy", "kind", *_COUNTS, "remarks", "error", "caution")
"""Of the log: no name, no path, no time and no digest of an original."""

_LEFT_OVER = re.compile(r"\.[0-9a-f]{16}-[0-9a-f]{8}\.tmp\.(jpg|png|tif|mp4)|\.log\.csv-[0-9a-f]{8}\.tmp")
_OURS = re.compile(rf"[0-9a-f]{{16}}\.(jpg|png|tif|mp4)|log\.csv|{_LEFT_OVER.pattern}")


@dataclasses.dataclass(frozen=True)
class Entry:
    """One original, as the record keeps it.

    Attributes:
        source: its path.
        sha256: of its bytes, which is its id in a study; empty if it could not be read.
        kind: "image" or "video".
        copy: name of the copy; empty if there is none.
        error: class of the error, if it could not be copied; else empty.
        message: of the error.
        result: what became of it, the fields of `Copied`.
    """

    source: str
    sha256: str
    kind: str
    copy: str = ""
    error: str = ""
    message: str = ""
    result: Mapping[str, Any] = dataclasses.field(default_factory=dict)


class Journal:
    """The record of one folder of copies, held against other calls; every entry is on disk before the next begins."""

    def __init__(self, to: Path, recipe: str) -> None:
        """Open the record of a folder, or begin one.

        Args:
            to: the folder of copies; it is made if it is not there.
            recipe: names the settings; one folder holds copies of one recipe alone.

        Raises:
            InputError: the folder holds other files, or copies of another recipe.
            BusyError: another call writes there.
            StoreError: the record cannot be read, or the folder not be written to.
        """
        self.to, self.path = to, beside(to, _RECORD)
        self.entries: dict[str, Entry] = {}
        self._copies: dict[str, Entry] = {}
        new = not self.path.exists()
        self._check_folder(new)
        with writing(to), contextlib.ExitStack() as held:
            to.mkdir(parents=True, exist_ok=True)
            held.enter_context(_held(self.path))
            self._key = secrets.token_hex(16) if new else self._read(recipe)
            for leftover in (path for path in to.glob(".*") if _LEFT_OVER.fullmatch(path.name)):
                leftover.unlink()
            if new:
                note = "names of originals: do not hand this file on"
                self._append({"key": self._key, "recipe": recipe, "note": note})
            self._lock = held.pop_all()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self._lock.close()

    def name(self, sha256: str) -> str:
        """What the copy of such content is called, without suffix: it says nothing without the record's key."""
        return hashlib.blake2b(sha256.encode(), key=self._key.encode(), digest_size=8).hexdigest()

    def copy_of(self, sha256: str) -> Entry | None:
        """An original of this content whose copy is there."""
        entry = self._copies.get(sha256)
        return entry if entry and (self.to / entry.copy).exists() else None

    def add(self, entry: Entry) -> None:
        """Write down what became of an original."""
        self._know(entry)
        self._append(dataclasses.asdict(entry))

    def _know(self, entry: Entry) -> None:
        self.entries[entry.source] = entry
        if entry.copy:
            self._copies[entry.sha256] = entry

    def write_log(self) -> None:
        """Write the log of all copies and failures, in the order of the copies' names."""
        text = io.StringIO()
        writer = csv.DictWriter(text, COLUMNS, lineterminator="\n")
        writer.writeheader()
        there = [entry for entry in self._copies.values() if (self.to / entry.copy).exists()]
        failed = [entry for entry in self.entries.values() if not entry.copy]
        rows = sorted(map(_row, there), key=lambda row: str(row["copy"]))
        writer.writerows([*rows, *sorted(map(_row, failed), key=lambda row: str(row["error"]))])
        with writing(self.to):
            parts.replace_file(self.to / LOG, text.getvalue())

    def _append(self, line: Mapping[str, Any]) -> None:
        with writing(self.to), self.path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(line) + "\n")
            file.flush()

    def _read(self, recipe: str) -> str:
        head, entries = _record(self.path)
        if head["recipe"] != recipe:
            raise InputError(f"{self.to} holds copies that were made with other settings; choose another folder")
        for entry in entries:
            self._know(entry)
        with self.path.open("rb+") as file:  # a line that was cut off must not swallow the next
            if file.seek(-1, 2) and file.read(1) != b"\n":
                file.write(b"\n")
        return str(head["key"])

    def _check_folder(self, new: bool) -> None:
        if self.to.exists() and not self.to.is_dir():
            raise InputError(f"expected a folder for the copies, got the file {self.to}")
        there = sorted(path.name for path in self.to.iterdir()) if self.to.exists() else []
        strange = [name for name in there if new or not _OURS.fullmatch(name)]
        if strange:
            raise InputError(
                f"{self.to} holds files that are no copies of this record ({', '.join(strange[:3])}"
                f"{', ...' if len(strange) > 3 else ''}); choose a new or empty folder"
            )


def entries_of(to: Path) -> list[Entry]:
    """What became of every original of a folder of copies, in the order in which it was written down.

    Raises:
        InputError: there is no record beside the folder.
        StoreError: it cannot be read.
    """
    path = beside(to, _RECORD)
    if not path.exists():
        raise InputError(f"{to}: there is no {path.name} beside it, so it is no folder of anonymised copies")
    return _record(path)[1]


def beside(to: Path, name: str) -> Path:
    """A file that lies next to a folder of copies and is not handed on with it."""
    folder = to.resolve()
    return folder.with_name(f"{folder.name}.{name}")


@contextlib.contextmanager
def writing(to: Path) -> Iterator[None]:
    """What the system refuses, as a `StoreError`: a full disk, no permission, a file in the place of a folder."""
    try:
        yield
    except OSError as error:
        if error.errno is None:  # of an encoder, not of the system
            raise
        raise StoreError(f"{to} cannot be written: {error.strerror or error}; mend it, and run again") from error


@contextlib.contextmanager
def _held(record: Path) -> Iterator[None]:
    from filelock import FileLock, Timeout

    try:
        with FileLock(record.with_name(f".{record.name}.lock"), timeout=0):
            yield
    except Timeout as error:
        raise BusyError(f"another call writes the copies of {record}; wait for it to end, or stop it") from error


def _record(path: Path) -> tuple[dict[str, Any], list[Entry]]:
    """The head and the entries; a line that was cut off as a run was killed is left out, and its medium done again."""
    lines = []
    for text in path.read_text(encoding="utf-8").split("\n"):
        with contextlib.suppress(json.JSONDecodeError):
            lines.append(json.loads(text))
    if not lines or not {"key", "recipe"} <= lines[0].keys():
        raise StoreError(f"{path} is no record of anonymised copies; move it elsewhere, or choose another folder")
    return lines[0], [Entry(**line) for line in lines[1:]]


def _row(entry: Entry) -> dict[str, Any]:
    result = dict(entry.result)
    remarks = "; ".join(f"{about}: {what}" for about, what in result.pop("remarks", {}).items())
    return {**dict.fromkeys(COLUMNS, ""), **result,
        "copy": entry.copy, "kind": entry.kind, "remarks": remarks, "error": entry.error, "caution": CAUTION
    }  # fmt: skip
