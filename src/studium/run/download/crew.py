"""Downloading what sources name by URL: politely, each URL once, and nothing lost, also if the run is killed."""

import queue
import random
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa

from studium.core import parts
from studium.core.protocols import Link
from studium.core.store import Store
from studium.errors import StoreError
from studium.run.download.links import DOWNLOADS, Links, arrived, states
from studium.run.download.manners import Answer, Manners
from studium.run.download.partial import Partial, finished
from studium.run.download.turns import Turns, host_of
from studium.run.download.web import Stopped, Web

__all__ = ["Downloaded", "Manners", "download"]

_BATCH = 256  # rows written together
_SECONDS = 5.0  # or as many as came in that time
_GRACE = 3.0  # seconds to finish what is under way when a run is interrupted
_LONGEST = 60.0  # seconds of waiting that are our own idea

Progress = Callable[[int, int], None]


@dataclass
class Downloaded:
    """What a run of the downloader did.

    Attributes:
        statuses: URLs by what became of them; see `studium.run.download.links.STATUSES`. Those that still wait are of
            hosts that asked for more patience than there was.
        bytes: size of the files that came.
    """

    statuses: Counter[str] = field(default_factory=Counter)
    bytes: int = 0


def download(store: Store, manners: Manners, retry: bool = False, progress: Progress | None = None) -> Downloaded:
    """Ask for every URL that a source names and that was not asked for, or failed for now.

    What is gone, forbidden or refused is a fact, and not asked for again. Files go to ``media/`` and are attached to
    every post that names them.

    Args:
        store: the study folder, locked by the caller.
        manners: how to ask.
        retry: ask again for everything that is not there, also what was gone, forbidden or refused.
        progress: told how many of how many URLs are done.

    Raises:
        MissingExtraError: httpx (or yt-dlp) is not installed; the message names the extra.
        StoreError: the disk is full, or cannot be written to.
    """
    parts.sweep(store.root / "downloads")
    book = _Book(store)
    for row in finished(store.root):
        book.enter(row)
    book.write()
    todo = _todo(store.root, book, retry)
    crew = _Crew(store.root, manners, todo)
    done = Downloaded()
    try:
        with crew:
            for n in range(1, len(todo) + 1):
                came = crew.next()
                done.statuses[came["status"] if came else "waiting"] += 1
                if came:
                    done.bytes += came["bytes"] or 0
                    book.enter(came)
                book.write(_BATCH, _SECONDS)
                if progress:
                    progress(n, len(todo))
    except OSError as error:
        raise StoreError(
            f"cannot write to {store.root / 'media'}: {error.strerror or error}; make room, and run again"
        ) from error
    finally:
        for left in crew.rest():
            book.enter(left)
        book.write()
    return done


def _todo(root: Path, book: "_Book", retry: bool) -> dict[str, str | None]:
    """The URLs to ask for, and the kind that each should be of; None if the sources say none, or contradict."""
    known = states(root)
    todo: dict[str, str | None] = {}
    for url, links in book.links.items():
        state = known.get(url)
        if state is None or state["again"] or (retry and arrived(root, state) is None):
            kinds = {link.kind for _, link in links if link.kind}
            todo[url] = kinds.pop() if len(kinds) == 1 else None
    return todo


class _Book:
    """Writes down what came: units, attachments, and the states of URLs, in this order."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.links: dict[str, list[tuple[str, Link]]] = {}  # by URL: which sources name it, and for what
        for row in Links(store.root).rows.values():
            link = Link(row["url"], row["kind"], row["post"], row["position"], row["label"])
            self.links.setdefault(link.url, []).append((row["source"], link))
        self._rows: list[dict[str, Any]] = []
        self._written = time.monotonic()

    def enter(self, row: dict[str, Any]) -> None:
        """Take a row of `DOWNLOADS`."""
        self._rows.append(row)

    def write(self, most: int = 1, seconds: float = 0.0) -> None:
        """Write what was entered, if it is ``most`` rows or has waited for so many seconds."""
        if not self._rows or (len(self._rows) < most and time.monotonic() - self._written < seconds):
            return
        root = self._store.root
        came = {row["url"]: file for row in self._rows if (file := arrived(root, row))}
        self._store.add_units({file.unit.id: file.unit for file in came.values()}.values())
        self._store.add_attachments(
            [file.attachment(source, link) for url, file in came.items() for source, link in self.links.get(url, ())]
        )
        parts.write(root / "downloads", pa.Table.from_pylist(self._rows, schema=DOWNLOADS))
        for row in self._rows:
            Partial(root, row["url"]).forget()
        self._rows, self._written = [], time.monotonic()


class _Crew:
    """Threads that take turns at asking."""

    def __init__(self, root: Path, manners: Manners, todo: Mapping[str, str | None]) -> None:
        self._root, self._manners, self._todo = root, manners, todo
        self._stop = threading.Event()
        self._turns = Turns(todo, manners.per_second, manners.per_host)
        self._came: queue.SimpleQueue[dict[str, Any] | BaseException | None] = queue.SimpleQueue()
        self._tried: Counter[str] = Counter()
        self._web = _asking(root, manners, self._stop) if todo else None
        self._threads = [threading.Thread(target=self._work, name=f"download-{i}") for i in range(manners.connections)]

    def __enter__(self) -> "_Crew":
        if self._web:
            self._web.__enter__()
            for thread in self._threads:
                thread.start()
        return self

    def __exit__(self, *ended: Any) -> None:
        """Stop, and wait until every thread has finished its file, or after a while put down what it has of it."""
        if self._web:
            self._turns.stop()
            deadline = time.monotonic() + _GRACE
            for thread in self._threads:
                thread.join(max(0.0, deadline - time.monotonic()))
            self._stop.set()
            for thread in self._threads:
                thread.join()
            self._web.__exit__(*ended)

    def next(self) -> dict[str, Any] | None:
        """The row of the next URL that is finished; None for one that is left for another run."""
        came = self._came.get()
        if isinstance(came, BaseException):
            raise came
        return came

    def rest(self) -> Iterator[dict[str, Any]]:
        """The rows of URLs that were finished and not asked for."""
        while not self._came.empty():
            came = self._came.get()
            if isinstance(came, dict):
                yield came

    def _work(self) -> None:
        while (url := self._turns.take()) is not None:
            try:
                self._ask(url)
            except Stopped:
                return
            except BaseException as error:  # noqa: BLE001  (whatever it is, the run must hear of it)
                self._came.put(error)
                return

    def _ask(self, url: str) -> None:
        assert self._web is not None
        self._tried[url] += 1
        part = Partial(self._root, url)
        answer = self._web.get(url, self._todo[url], part)
        if answer.again and self._tried[url] < self._manners.attempts and answer.wait <= self._manners.patience:
            wait = max(answer.wait, self._pause(self._tried[url]))
            if answer.busy:
                self._turns.pause(host_of(url), wait)
            self._turns.again(url, wait)
            return
        if answer.busy and answer.wait > self._manners.patience:
            for _ in range(self._turns.leave(host_of(url))):
                self._came.put(None)
        row = _row(url, answer, self._tried[url])
        if answer.status == "done":
            part.publish(row)
        self._came.put(row)
        self._turns.done(url)

    def _pause(self, attempts: int) -> float:
        """Seconds before the next attempt: twice as long each time, with some chance so that not all come at once."""
        longest = min(_LONGEST, self._manners.backoff * 2.0 ** (attempts - 1))
        return longest * random.uniform(0.75, 1.0)


def _asking(root: Path, manners: Manners, stop: threading.Event) -> Any:
    if manners.method == "http":
        return Web(root, manners, stop)
    from studium.run.download.ytdlp import YtDlp

    return YtDlp(root, manners, stop)


def _row(url: str, answer: Answer, attempts: int) -> dict[str, Any]:
    """One row of `DOWNLOADS`."""
    said = {key: value for key, value in asdict(answer).items() if key in DOWNLOADS.names}
    if answer.wait > 0 and answer.again:
        said["error"] = f"{answer.error}; the server asks to wait for {answer.wait:.0f} s"
    return {"url": url, **said, "at": datetime.now(UTC).isoformat(timespec="seconds"), "attempts": attempts}
