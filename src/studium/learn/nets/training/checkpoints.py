"""Checkpoints of a training that is interrupted: only whole ones count, and only those of the same training.

A folder holds ``training.json`` (of which training it is) and ``checkpoint-<step>`` folders as transformers writes
them. A checkpoint counts once ``complete`` lies in it, which is written after all else is on the disk.
"""

import json
import re
import shutil
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from studium.core.parts import replace_file, sync
from studium.errors import BusyError, InputError

__all__ = ["Checkpoints", "held"]

_MARK = "complete"
_ABOUT = "training.json"
_LOCK = ".training.lock"


@dataclass(frozen=True)
class Checkpoints:
    """The checkpoints of one training, in a folder of which it is sure to be the only user."""

    folder: Path

    def path(self, step: int) -> Path:
        """The folder of a checkpoint."""
        return self.folder / f"checkpoint-{step}"

    def newest(self) -> Path | None:
        """The last whole one; what was interrupted while it was written or removed is removed."""
        whole = {step for step in self._steps() if (self.path(step) / _MARK).exists()}
        self.leave(whole)
        return self.path(max(whole)) if whole else None

    def complete(self, step: int) -> None:
        """Say that a checkpoint is whole, once it is on the disk."""
        for path in sorted(self.path(step).rglob("*")):
            sync(path)
        replace_file(self.path(step) / _MARK, "")
        sync(self.path(step))
        sync(self.folder)

    def leave(self, steps: Collection[int | None]) -> None:
        """Remove all but these."""
        for step in self._steps():
            if step not in steps:
                (self.path(step) / _MARK).unlink(missing_ok=True)  # first, lest half of one is taken for whole
                shutil.rmtree(self.path(step))

    def claim(self, about: Mapping[str, Any]) -> None:
        """Say of which training they are.

        Raises:
            InputError: the folder holds those of another training.
        """
        said = json.loads(json.dumps(about))
        try:
            found = json.loads((self.folder / _ABOUT).read_bytes())
        except FileNotFoundError:
            found = None
        except ValueError as error:
            raise InputError(f"{self.folder / _ABOUT} cannot be read ({error}); remove {self.folder}") from error
        if found is None and self._steps():
            raise InputError(f"{self.folder} holds checkpoints, but not of which training; give another folder")
        if found not in (None, said):
            odd = ", ".join(sorted(name for name in {*found, *said} if found.get(name) != said.get(name)))
            raise InputError(
                f"{self.folder} holds checkpoints of another training: it differs in {odd}. Nothing of it was touched: "
                "give another folder, or remove this one to begin anew"
            )
        if found is None:
            replace_file(self.folder / _ABOUT, json.dumps(said, indent=1, sort_keys=True) + "\n")
            sync(self.folder)

    def _steps(self) -> list[int]:
        names = (re.fullmatch(r"checkpoint-(\d+)", path.name) for path in self.folder.iterdir())
        return sorted(int(name[1]) for name in names if name)


@contextmanager
def held(folder: Path) -> Iterator[Checkpoints]:
    """The checkpoints in a folder, which is made; no other process may train there.

    Raises:
        BusyError: one does.
    """
    from filelock import FileLock, Timeout

    place = folder.absolute()
    place.mkdir(parents=True, exist_ok=True)
    try:
        with FileLock(place / _LOCK, timeout=0):
            try:
                yield Checkpoints(place)
            finally:
                (place / _LOCK).unlink(missing_ok=True)
    except Timeout as error:
        raise BusyError(f"another run trains in {place}; wait for it to end, or give another folder") from error
