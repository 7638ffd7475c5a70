"""What was submitted as batches, noted beside the answers: the sha256 of every request, no text and no picture."""

import dataclasses
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from studium.core import parts, weights
from studium.errors import StoreError
from studium.measure.answers import Question
from studium.measure.marks import Mark

__all__ = ["Batch", "alone", "batches", "mark_of"]


@dataclass(frozen=True)
class Batch:
    """One batch, as it is noted.

    Attributes:
        key: ours, which the server keeps with the batch.
        url: base address of the server.
        request: what is asked about every unit; with ``wave`` the place of the answers.
        wave: name of the round of asking.
        sizes: sha256 of every request -> its bytes.
        made: when it was begun, seconds since 1970.
        file: the server's id of the file of requests; "" as long as it is not known.
        id: the server's id of the batch; likewise.
        collected: whether everything that came of it is kept, and the server's files are deleted.
    """

    key: str
    url: str
    request: dict[str, Any]
    wave: str
    sizes: dict[str, int]
    made: float
    file: str = ""
    id: str = ""
    collected: bool = False

    @property
    def question(self) -> Question:
        """What its requests ask."""
        return Question("ask", self.request, self.wave)

    def release(self, lost: str = "") -> None:
        """What it still holds may be asked again; where answers are ``lost``, and why, only with ``--retry``."""
        for digest in self.sizes:
            mark_of(self.question, digest).release(self.key, lost)

    def note(self, **changed: Any) -> "Batch":
        """Write down how it stands."""
        batch = dataclasses.replace(self, **changed)
        try:
            parts.replace_file(_folder() / f"{self.key}.json", json.dumps(dataclasses.asdict(batch)))
        except OSError as error:
            raise StoreError(f"cannot write into {_folder()}: {error.strerror or error}; make room there") from error
        return batch

    def forget(self) -> None:
        """It was never made."""
        self.release()
        (_folder() / f"{self.key}.json").unlink(missing_ok=True)


def batches() -> list[Batch]:
    """All that were submitted from this account of this machine, the oldest first."""
    found = [Batch(**json.loads(path.read_text(encoding="utf-8"))) for path in _folder().glob("*.json")]
    return sorted(found, key=lambda batch: (batch.made, batch.key))


def mark_of(question: Question, digest: str) -> Mark:
    """The mark of a request, by the sha256 of its body."""
    return Mark(question.folder / digest[:2] / f"{digest}.json")


def _folder() -> Path:
    return weights.cache_dir() / "answers" / "ask" / "batches"


@contextmanager
def alone() -> Iterator[None]:
    """Submit and collect: one process at a time."""
    from filelock import FileLock

    _folder().mkdir(parents=True, exist_ok=True)
    with FileLock(_folder() / "lock"):
        yield
