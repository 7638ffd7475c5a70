"""What was read of a study, held in memory as long as its files stay as they are."""

import os
import sys
from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import fields, is_dataclass
from pathlib import Path
from threading import Lock
from typing import Any, TypeVar, cast

__all__ = ["LIMIT", "Cache", "Same", "cached", "stamp"]

T = TypeVar("T")

LIMIT = 1_000_000_000
"""Bytes that are held at most; what is larger by itself is read again each time."""


class Cache:
    """Values by key, each with a stamp of what it was made from. The least recently used go first."""

    def __init__(self, limit: int) -> None:
        """Hold at most ``limit`` bytes."""
        self.limit, self.held = limit, 0
        self._values: OrderedDict[Hashable, tuple[Hashable, Any, int]] = OrderedDict()
        self._making: dict[Hashable, Lock] = {}
        self._lock = Lock()

    def get(self, key: Hashable, stamp: Hashable, make: Callable[[], T]) -> T:
        """The value of a key, made if there is none of this stamp; threads that ask for the same wait for the first.

        Args:
            key: names the value.
            stamp: of what it is made from, taken before that is read.
            make: makes it.
        """
        if (found := self._found(key, stamp)) is not None:
            return cast("T", found[1])
        with self._lock:
            making = self._making.setdefault(key, Lock())
        try:
            with making:
                if (found := self._found(key, stamp)) is not None:
                    return cast("T", found[1])
                value = make()
                self._keep(key, stamp, value)
            return value
        finally:
            with self._lock:
                self._making.pop(key, None)

    def _found(self, key: Hashable, stamp: Hashable) -> tuple[Hashable, Any, int] | None:
        with self._lock:
            found = self._values.get(key)
            if found is None or found[0] != stamp:
                return None
            self._values.move_to_end(key)
            return found

    def _keep(self, key: Hashable, stamp: Hashable, value: Any) -> None:
        size = _weight(value)
        with self._lock:
            _, _, before = self._values.pop(key, (None, None, 0))
            self.held -= before
            if size <= self.limit:
                self._values[key] = (stamp, value, size)
                self.held += size
            while self.held > self.limit:
                _, (_, _, gone) = self._values.popitem(last=False)
                self.held -= gone


def _weight(value: Any) -> int:
    """About how many bytes a value takes."""
    if isinstance(size := getattr(value, "nbytes", None), int):
        return size + 200
    if is_dataclass(value):
        return sum(_weight(getattr(value, one.name)) for one in fields(value)) + 100
    if isinstance(value, dict):
        return sum(_weight(key) + _weight(one) for key, one in value.items()) + 100
    if isinstance(value, list | tuple):
        return sum(map(_weight, value)) + 8 * len(value) + 60
    return sys.getsizeof(value)


def stamp(*folders: Path) -> tuple[tuple[int, int] | None, ...]:
    """Changes whenever a part, or what lies beside it, is written to one of the folders or taken from it."""
    return tuple(map(_stamp, folders))


def _stamp(folder: Path) -> tuple[int, int] | None:
    try:
        return folder.stat().st_mtime_ns, len(os.listdir(folder))  # noqa: PTH208  (counts; no Path is wanted)
    except FileNotFoundError:
        return None


class Same:
    """The stamp of what is made from a held value: equal to another one of the very same value."""

    def __init__(self, one: object) -> None:
        self.one = one

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Same) and self.one is other.one

    def __hash__(self) -> int:
        return id(self.one)


_CACHE = Cache(LIMIT)


def cached(key: Hashable, stamp: Hashable, make: Callable[[], T]) -> T:
    """`Cache.get` of the cache that all of this process share."""
    return _CACHE.get(key, stamp, make)
