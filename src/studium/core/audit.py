"""The audit log: every use of what is gated, and every refusal, one line of JSON each, only ever appended to.

A file, and not the database of annotations: a refusal must be written down also where no extra is installed, and a
reader (a data protection officer) needs nothing but a text editor. Each line names the one before it by its hash, so a
line that was changed, taken out or put in breaks the chain, and `read` says where.

A study has its own log, ``audit.jsonl``. What happens outside of any study goes to that of the user:
``XDG_STATE_HOME/studium/audit.jsonl``, else ``~/.local/state/studium/audit.jsonl``.
"""

import getpass
import hashlib
import json
import os
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from studium.errors import BusyError, StoreError

__all__ = ["NAME", "Entry", "Use", "append", "home", "read"]

NAME = "audit.jsonl"
_PATIENCE = 30.0  # s that a writer waits for the others
_TAIL = 1 << 12  # bytes read at first; more than most lines hold


@dataclass(frozen=True)
class Use:
    """What was asked for.

    Attributes:
        what: was to be done: "measure face_embedding", "find" ...
        of: kind of the units, or "picture" for files that belong to no study.
        units: how many of them.
    """

    what: str
    of: str
    units: int


@dataclass(frozen=True)
class Entry:
    """One line of the log.

    Attributes:
        at: when, in UTC, as 2026-11-21T10:00:00.000+00:00.
        who: name of the account that asked.
        use: what was asked for.
        allowed: whether it was.
        reason: why not, or why templates were deleted; else empty.
        basis: digest of the legal basis that was in the study file; empty if there was none.
        intact: whether the line follows from the one before it.
    """

    at: str
    who: str
    use: Use
    allowed: bool
    reason: str = ""
    basis: str = ""
    intact: bool = True


def home() -> Path:
    """The log of what happens outside of any study."""
    xdg = os.environ.get("XDG_STATE_HOME", "")
    return (Path(xdg) if Path(xdg).is_absolute() else Path.home() / ".local" / "state") / "studium" / NAME


def append(path: Path, use: Use, allowed: bool, reason: str = "", basis: str = "") -> None:
    """Add a line, dated now; it is on the disk when this returns.

    Args:
        path: of the log.
        use: what was asked for.
        allowed: whether it was.
        reason: why not.
        basis: digest of the legal basis.

    Raises:
        StoreError: it cannot be written to; then what was asked for must not be done.
    """
    from filelock import FileLock, Timeout

    said = {"at": datetime.now(UTC).isoformat(timespec="milliseconds"), "who": _who(), **asdict(use)}
    said |= {"allowed": allowed, "reason": reason, "basis": basis}
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(path.with_name(f".{path.name}.lock"), timeout=_PATIENCE), path.open("a+b") as file:
            torn, last = _last(file)
            line = json.dumps({**said, "before": _digest(last)}, ensure_ascii=True)
            file.write((b"\n" if torn else b"") + line.encode() + b"\n")
            file.flush()
            os.fsync(file.fileno())
    except Timeout as error:
        raise BusyError(f"{path} is held by another process; without the log nothing is recognised") from error
    except OSError as error:
        raise StoreError(f"{path}: {error.strerror or error}; without the log nothing is recognised") from error


def read(path: Path) -> list[Entry]:
    """Every line of a log, the oldest first; none if there is no log.

    A line that is damaged (torn by a crash, or edited) is an entry too: ``use.what`` is "unreadable".
    """
    entries, before = [], b""
    for line in path.read_bytes().splitlines() if path.exists() else []:
        entries.append(_entry(line, _digest(before)))
        before = line
    return entries


def _entry(line: bytes, before: str) -> Entry:
    try:
        said: dict[str, Any] = json.loads(line)
        use = Use(said["what"], said["of"], said["units"])
        shown = {name: said[name] for name in ("at", "who", "allowed", "reason", "basis")}
        return Entry(**shown, use=use, intact=said["before"] == before)
    except (ValueError, KeyError, TypeError):
        return Entry("", "", Use("unreadable", "", 0), allowed=False, intact=False)


def _last(file: Any) -> tuple[bool, bytes]:
    """Whether the last line was torn, and what it says, however long it is."""
    size, length = file.seek(0, os.SEEK_END), _TAIL
    tail = b""
    while len(tail) < size and b"\n" not in tail[:-1]:
        file.seek(max(0, size - length))
        tail, length = file.read(), 2 * length
    return bool(tail) and not tail.endswith(b"\n"), tail.splitlines()[-1] if tail else b""


def _digest(line: bytes) -> str:
    return hashlib.sha256(line).hexdigest()[:16]


def _who() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # an account without a name, as in containers
        return f"uid {os.getuid()}" if hasattr(os, "getuid") else "unknown"
