"""What is held, for how long, and how much of it."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

import numpy as np
import pytest

from studium.core.cache import Cache


def test_a_value_is_made_once_for_each_stamp() -> None:
    made: list[str] = []
    cache = Cache(10_000)

    def make(what: str) -> str:
        made.append(what)
        return what

    assert [cache.get("key", stamp, lambda stamp=stamp: make(stamp)) for stamp in ("a", "a", "b", "b", "a")] == [
        *"aabba"
    ]
    assert made == ["a", "b", "a"]


def test_the_least_recently_used_goes_first_and_what_is_too_large_is_not_held() -> None:
    cache, array = Cache(3_000), np.zeros(1_000, np.uint8)
    for key in ("a", "b"):
        cache.get(key, 0, lambda: array)
    cache.get("a", 0, lambda: pytest.fail("it is there"))
    cache.get("c", 0, lambda: array)
    cache.get("a", 0, lambda: pytest.fail("it is there"))
    assert cache.get("b", 0, lambda: "made again") == "made again"
    cache.get("huge", 0, lambda: np.zeros(5_000, np.uint8))
    assert cache.held <= cache.limit
    assert cache.get("huge", 0, lambda: "made again") == "made again"


def test_threads_that_ask_for_the_same_wait_for_the_first() -> None:
    cache, made, start = Cache(10_000), list[int](), Barrier(8)

    def ask(_: int) -> Any:
        start.wait()
        return cache.get("key", 0, lambda: made.append(1) or "value")

    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(ask, range(8))) == {"value"}
    assert made == [1]


def test_what_fails_is_tried_again() -> None:
    cache = Cache(10_000)
    with pytest.raises(ZeroDivisionError):
        cache.get("key", 0, lambda: 1 // 0)
    assert not cache._making  # whoever asks for names that are none fills no memory
    assert cache.get("key", 0, lambda: "value") == "value"
