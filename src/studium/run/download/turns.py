"""Whose turn it is: URLs by host, none asked more often, or by more at a time, than its host was promised."""

import heapq
import math
import threading
import time
from collections import Counter
from collections.abc import Iterable
from urllib.parse import urlsplit

__all__ = ["Turns", "host_of"]


class Turns:
    """A queue for several threads. A host that is not ready, or was asked to be left alone, holds up no other."""

    def __init__(self, urls: Iterable[str], per_second: float, per_host: int) -> None:
        """Queue the URLs.

        Args:
            urls: each once.
            per_second: requests begun per second at one host.
            per_host: requests under way at a time at one host.
        """
        self._gap, self._most = 1 / per_second, per_host
        self._waiting: dict[str, list[tuple[float, int, str]]] = {}  # by host: (not before, order, URL), a heap
        self._next: dict[str, float] = {}  # by host: when it may be asked again
        self._busy: Counter[str] = Counter()
        self._ready: list[tuple[float, str]] = []  # a heap of (when, host) with something to ask for
        self._listed: dict[str, float] = {}  # by host: its entry in the heap that counts
        self._order = self._open = 0
        self._changed = threading.Condition()
        self._stopped = False
        for url in urls:
            self._put(url, 0.0)

    def take(self) -> str | None:
        """The next URL, when its turn has come; None when nothing is left to do."""
        with self._changed:
            while self._open and not self._stopped:
                now = time.monotonic()
                if not self._ready or self._ready[0][0] > now:
                    self._changed.wait(self._ready[0][0] - now if self._ready else None)
                elif url := self._pop(now):
                    return url
            return None

    def done(self, url: str) -> None:
        """This one is finished for good."""
        with self._changed:
            self._open -= 1
            self._free(host_of(url))

    def again(self, url: str, seconds: float) -> None:
        """Ask for this one again, not before so many seconds."""
        with self._changed:
            self._open -= 1
            self._put(url, time.monotonic() + seconds)
            self._free(host_of(url))

    def pause(self, host: str, seconds: float) -> None:
        """Leave a host alone for so many seconds: it said that it is too much."""
        with self._changed:
            self._next[host] = max(self._next.get(host, 0.0), time.monotonic() + seconds)

    def leave(self, host: str) -> int:
        """Hand out nothing more of what waits for a host; returns how many URLs that are."""
        with self._changed:
            left = len(self._waiting.pop(host, ()))
            self._listed.pop(host, None)
            self._open -= left
            self._changed.notify_all()
            return left

    def stop(self) -> None:
        """Hand out nothing more."""
        with self._changed:
            self._stopped = True
            self._changed.notify_all()

    def _put(self, url: str, after: float) -> None:
        host = host_of(url)
        self._order += 1
        self._open += 1
        heapq.heappush(self._waiting.setdefault(host, []), (after, self._order, url))
        self._list(host)

    def _list(self, host: str) -> None:
        if self._waiting.get(host) and self._busy[host] < self._most:
            at = max(self._waiting[host][0][0], self._next.get(host, 0.0))
            if at < self._listed.get(host, math.inf):
                self._listed[host] = at
                heapq.heappush(self._ready, (at, host))

    def _pop(self, now: float) -> str | None:
        at, host = heapq.heappop(self._ready)
        if self._listed.get(host) != at:
            return None  # an earlier entry of this host took its place
        del self._listed[host]
        if self._next.get(host, 0.0) > now:
            self._list(host)  # told to pause while it stood in line
            return None
        _, _, url = heapq.heappop(self._waiting[host])
        self._busy[host] += 1
        self._next[host] = now + self._gap
        self._list(host)
        return url

    def _free(self, host: str) -> None:
        self._busy[host] -= 1
        self._list(host)
        self._changed.notify_all()


def host_of(url: str) -> str:
    """The host of a URL, with its port if it names one; "" if it has none."""
    try:
        return urlsplit(url).netloc.rpartition("@")[2].lower()
    except ValueError:
        return ""
