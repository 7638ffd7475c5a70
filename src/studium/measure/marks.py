"""Marks of requests to services that are under way: what was asked, and not yet answered, is never asked by mistake.

A mark is written before a request is sent, and removed when its answer is kept, or when there is surely nothing to pay
for. Whoever asks holds a lock, which ends with the process, so a mark without one is of a process that was killed, or
of a request whose answer was lost on the way.
"""

import hashlib
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from studium.core import allowance, parts
from studium.errors import MediaError, StoreError

__all__ = ["Lost", "Mark"]

_LOCKS = 4096  # files; requests that share one wait for each other


class Lost(Exception):  # noqa: N818  (internal: `studium.measure.answers.ask_once` makes a MediaError of it)
    """It was sent, and no whole answer came: it may have been paid for.

    Attributes:
        said: what came instead, whole.
    """

    def __init__(self, reason: str, said: str = "") -> None:
        """Say why, and what came instead."""
        super().__init__(reason)
        self.said = said


@dataclass(frozen=True)
class Mark:
    """The mark of one request.

    Attributes:
        answer: where its answer will lie.
    """

    answer: Path

    @property
    def path(self) -> Path:
        """Beside the answer."""
        return self.answer.with_suffix(".asked")

    @contextmanager
    def alone(self) -> Iterator["Mark"]:
        """One thread of one process at a time; the others wait."""
        from filelock import FileLock

        slot = int(hashlib.sha256(self.answer.name.encode()).hexdigest(), 16) % _LOCKS
        lock = self.answer.parents[2] / "locks" / f"{slot:03x}.lock"
        lock.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(lock):
            yield self

    def put(self) -> None:
        """Say that it is about to be sent.

        Raises:
            MediaError: it was sent before, and its answer was lost; nothing is sent.
            StoreError: the mark cannot be written.
        """
        found = self._read()
        if batch := found.get("batch"):
            raise MediaError(
                f"it waits for the answer of a batch that was submitted at {found.get('at')} ({batch}): when that is "
                "collected (studium batch collect), run again with --retry"
            )
        if found and not found.get("told"):
            raise self.told(f"it was sent at {found.get('at')}, by a run that ended before the answer came")
        if found and not _again():
            raise self._failure(str(found["told"]))
        self._write({"at": _now()})

    def remove(self) -> None:
        """It was answered, or there is nothing to pay for."""
        self.path.unlink(missing_ok=True)

    def hold(self, batch: str) -> bool:
        """Say that it is being asked by a batch, until `release`; False if it was asked or answered in another way."""
        with self.alone():
            if self.answer.is_file() or self.there:
                return False
            self._write({"at": _now(), "batch": batch})
            return True

    def release(self, batch: str, lost: str = "") -> None:
        """The batch does not ask it any more, or its answer is ``lost``, and why; what others note of it stays."""
        if self._read().get("batch") == batch:
            self._write({"at": _now(), "told": lost}) if lost else self.remove()

    @property
    def there(self) -> bool:
        """Whether it was asked, in whatever way, and nothing is known of the answer."""
        return bool(self._read())

    def told(self, reason: str, said: str = "") -> MediaError:
        """Note that its answer was lost, and that this is being said: the failure to raise.

        Args:
            reason: why there is none.
            said: what came instead; it is kept with the mark.
        """
        self._write({"at": _now(), "told": reason} | ({"said": said} if said else {}))
        return self._failure(f"{reason}; what came is in {self.path}" if said else reason)

    def _failure(self, reason: str) -> MediaError:
        return MediaError(
            f"{reason}. The answer is lost and may have been paid for, so it is not asked for again by itself; with "
            "--retry it is"
        )

    def _read(self) -> dict[str, Any]:
        try:
            found: dict[str, Any] = json.loads(self.path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            return {}
        except (OSError, ValueError) as error:
            raise StoreError(
                f"{self.path} does not hold a mark ({error!r}); delete it, and it is asked again"
            ) from error
        return found

    def _write(self, body: dict[str, Any]) -> None:
        try:
            parts.replace_file(self.path, json.dumps(body, ensure_ascii=True))
            descriptor = os.open(self.path.parent, os.O_RDONLY)
            try:
                os.fsync(descriptor)
            finally:
                os.close(descriptor)
        except OSError as error:
            raise StoreError(f"cannot write {self.path}: {error.strerror or error}; make room there") from error


def _again() -> bool:
    """Whether what was lost, and said to be, may be asked again: as the run says (``--retry``); outside of runs yes."""
    return bool(getattr(allowance.current(), "retry", True))


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
