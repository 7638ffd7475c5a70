"""Anonymised copies of files and folders: what is done already is not done again, nothing is overwritten."""

import dataclasses
import hashlib
import logging
import os
import secrets
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TypeVar

from studium.anonymise.copy import Copied, Look, copied
from studium.anonymise.journal import Entry, Journal, writing
from studium.anonymise.media import medium_of
from studium.anonymise.tracks import EXTENSION, GAP
from studium.core import weights
from studium.core.protocols import Found, Loss, Note, Place
from studium.core.recipe import Recipe
from studium.core.suffixes import kind_of
from studium.errors import InputError, MediaError, StudiumError
from studium.measure.cover import CHECK, EDGE, MARGIN, ROUNDS, Cover
from studium.media.fill import BLOCKS, SPREAD
from studium.sources.encoding import is_clean
from studium.sources.folder import Folder

__all__ = ["Report", "anonymise"]

log = logging.getLogger(__name__)

VERSION = "1"
"""Raised whenever the same original gives another copy."""

_MADE = 946_684_800
"""Seconds since 1970 that every copy says it was made at, 2000-01-01: their order would tell that of the names."""

Watch = Callable[[str], Callable[[int, int], None]]
"""Told the title of what begins; returns what is then told how many media are done, of how many."""

_A = TypeVar("_A")
_B = TypeVar("_B")


@dataclass(frozen=True)
class Report:
    """What a call did.

    Attributes:
        to: the folder of the copies.
        entries: every original of this call, in the order of their paths.
        there: how many copies were there already.
        left_out: what was not copied, and how often: "audio", ".txt" ...
    """

    to: Path
    entries: tuple[Entry, ...]
    there: int
    left_out: Counter[str]

    @property
    def failures(self) -> list[Entry]:
        """Originals without a copy."""
        return [entry for entry in self.entries if not entry.copy]

    @property
    def remaining(self) -> list[Entry]:
        """Originals in whose copies something is still found."""
        return [entry for entry in self.entries if entry.result.get("left")]


def anonymise(
    paths: Iterable[str | Path], to: str | Path, cover: Cover | None = None, *, watch: Watch | None = None
) -> Report:
    """Write copies of images and videos in which faces, and on request text, are covered.

    Sound, subtitles, metadata, thumbnails and names are left behind. Undetectable is not anonymous: who is pictured
    may be known by clothes, places or company, and what a detector misses stays visible. Look at a sample
    (`studium.anonymise.check`) before you hand copies on.

    Args:
        paths: files, and folders with all that lies in them.
        to: folder of the copies and their log, new or of an earlier call; the record of the originals' names lies
            beside it, as ``<to>.originals.jsonl``.
        cover: what is covered, and how; faces, filled, by default.
        watch: for progress bars, see `Watch`.

    Raises:
        InputError: a path that is not there, or a folder for copies that holds something else.
        BusyError: another call writes there.
        StoreError: copies cannot be written there.
        WeightsError: the weights of the detector cannot be had.
    """
    cover, folder = cover or Cover(), Path(to)
    places, losses, left_out = _collected([Path(path) for path in paths], folder)
    for model in cover.models:
        weights.pull(model)
    with Journal(folder, _recipe(cover).key) as journal:
        run = _Run(journal, cover, len(places), watch("anonymise") if watch else None)
        try:
            run.all(places)
        finally:
            for loss in losses:
                journal.add(Entry(loss.where, "", kind_of(loss.where) or "", error=loss.error, message=loss.message))
            journal.write_log()
    wanted = [str(place.path) for place in places] + [loss.where for loss in losses]
    entries = tuple(journal.entries[path] for path in dict.fromkeys(wanted))
    return Report(folder, entries, run.there, left_out)


def _recipe(cover: Cover) -> Recipe:
    constants = {"check": CHECK, "margin": MARGIN, "edge": EDGE, "rounds": ROUNDS, "gap": GAP, "extension": EXTENSION}
    params = {**dataclasses.asdict(cover), **constants, "blocks": BLOCKS, "spread": SPREAD}
    return Recipe("anonymise", VERSION, params, {model: weights.fingerprint(model) for model in cover.models})


def _collected(paths: Sequence[Path], to: Path) -> tuple[list[Place], list[Loss], Counter[str]]:
    """The images and videos, what cannot be used, and how much else there is."""
    places: dict[Path, Place] = {}
    losses: list[Loss] = []
    left_out: Counter[str] = Counter()
    target = to.resolve()
    for path in paths:
        if not path.exists() and not kind_of(path):
            raise InputError(f"{path}: there is no such file or folder")
        if path.is_dir() and target.is_relative_to(path.resolve()):
            raise InputError(f"the copies ({to}) would lie among their originals ({path}); choose a folder elsewhere")
        for found in Folder(path) if path.is_dir() else _alone(path):
            if isinstance(found, Place) and found.path.resolve().is_relative_to(target):
                left_out["copies"] += 1
            elif isinstance(found, Place) and found.kind in {"image", "video"}:
                places.setdefault(found.path, found)
            elif isinstance(found, Place):
                left_out[found.kind] += 1
            elif isinstance(found, Loss):
                losses.append(found)
            elif isinstance(found, Note) and found.about.startswith("skipped "):
                left_out[found.about.removeprefix("skipped ")] += int(found.value)
    return sorted(places.values(), key=lambda place: os.fsencode(place.path)), losses, left_out


def _alone(path: Path) -> Iterator[Found]:
    kind = kind_of(path)
    if kind and not is_clean(str(path)):
        yield Loss(repr(os.fsencode(path)), "UnreadableFileError", "its name is not UTF-8; rename it")
    elif kind:
        yield Place(path.absolute(), kind)
    else:
        yield Note(f"skipped {path.suffix.lower() or 'files without a suffix'}", "1")


class _Run:
    """One call: pictures side by side, films one after the other with their frames side by side."""

    def __init__(self, journal: Journal, cover: Cover, total: int, told: Callable[[int, int], None] | None) -> None:
        self.journal, self.cover, self.total, self.told = journal, cover, total, told
        self.done = self.there = 0

    def all(self, places: Sequence[Place]) -> None:
        threads = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
        pictures = [place for place in places if place.kind == "image"]
        films = [place for place in places if place.kind == "video"]
        with ThreadPoolExecutor(threads) as pool:
            ahead = partial(_ahead, pool, threads)
            try:
                for entry in ahead(self._made, pictures):
                    self._told(entry)
                for film in films:
                    self._told(self._made(film, ahead))
            except BaseException:
                pool.shutdown(cancel_futures=True)
                raise

    def _told(self, entry: Entry | None) -> None:
        """Write down an entry that is new; in this thread alone."""
        self.done += 1
        if entry is None:
            self.there += 1
        else:
            self.journal.add(entry)
            if entry.error:
                log.warning("%s was not copied: %s: %s", entry.source, entry.error, entry.message)
            elif entry.result["left"]:
                log.warning("%s: something is still found in its copy %s", entry.source, entry.copy)
        if self.told:
            self.told(self.done, self.total)

    def _made(self, place: Place, each: Look = map) -> Entry | None:
        """The entry of one original; None if its copy is there."""
        path = place.path
        try:
            with path.open("rb") as file:
                sha256 = hashlib.file_digest(file, "sha256").hexdigest()
        except OSError as error:
            return Entry(str(path), "", place.kind, error="UnreadableFileError", message=error.strerror or str(error))
        same = self.journal.copy_of(sha256)
        if same:
            known = self.journal.entries.get(str(path))
            return None if known and known.copy == same.copy else dataclasses.replace(same, source=str(path))
        try:
            name, result = self._copied(place, self.journal.name(sha256), each)
        except Exception as error:  # codecs and detectors raise anything on strange pixels
            if isinstance(error, StudiumError) and not isinstance(error, MediaError):
                raise  # a missing extra, a full disk: it would be so for all others too
            log.debug("%s was not copied", path, exc_info=True)
            return Entry(str(path), sha256, place.kind, error=type(error).__name__, message=str(error))
        return Entry(str(path), sha256, place.kind, name, result=dataclasses.asdict(result))

    def _copied(self, place: Place, name: str, each: Look) -> tuple[str, Copied]:
        """Write the copy to a temporary file, which gets its name when it is whole."""
        medium = medium_of(place.path, place.kind)
        copy = self.journal.to / f"{name}.{medium.suffix}"
        temporary = copy.with_name(f".{name}-{secrets.token_hex(4)}.tmp.{medium.suffix}")
        try:
            with writing(self.journal.to):
                result = copied(medium, temporary, self.cover, each)
                os.utime(temporary, (_MADE, _MADE))
                with temporary.open("rb") as file:
                    os.fsync(file.fileno())
                temporary.replace(copy)
        finally:
            temporary.unlink(missing_ok=True)
        return copy.name, result


def _ahead(pool: ThreadPoolExecutor, threads: int, function: Callable[[_A], _B], items: Iterable[_A]) -> Iterator[_B]:
    """``map`` in several threads, never more than twice as many items in hand as there are threads."""
    waiting: deque[Future[_B]] = deque()
    for item in items:
        waiting.append(pool.submit(function, item))
        if len(waiting) >= 2 * threads:
            yield waiting.popleft().result()
    while waiting:
        yield waiting.popleft().result()
