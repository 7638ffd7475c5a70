"""Turns: none, one, many hosts, pauses, threads."""

import threading
import time
from collections import Counter

import pytest

from studium.run.download.turns import Turns, host_of


def test_nothing_to_do() -> None:
    assert Turns([], 1, 1).take() is None


def test_one() -> None:
    turns = Turns(["http://a/1"], 1, 1)
    assert turns.take() == "http://a/1"
    turns.done("http://a/1")
    assert turns.take() is None


def test_a_host_waits_and_another_does_not() -> None:
    turns = Turns(["http://a/1", "http://a/2", "http://b/1"], 5, 9)
    begun = time.monotonic()
    assert [turns.take(), turns.take()] == ["http://a/1", "http://b/1"]
    assert time.monotonic() - begun < 0.15
    assert turns.take() == "http://a/2"
    assert time.monotonic() - begun >= 0.19


def test_a_host_is_asked_by_so_many_at_a_time() -> None:
    turns = Turns(["http://a/1", "http://a/2"], 1e6, 1)
    assert turns.take() == "http://a/1"
    threading.Timer(0.2, turns.done, ["http://a/1"]).start()
    begun = time.monotonic()
    assert turns.take() == "http://a/2"
    assert time.monotonic() - begun >= 0.19


def test_again_comes_later_and_others_first() -> None:
    turns = Turns(["http://a/1", "http://a/2"], 1e6, 1)
    assert turns.take() == "http://a/1"
    turns.again("http://a/1", 0.2)
    begun = time.monotonic()
    assert turns.take() == "http://a/2"
    turns.again("http://a/2", 0.1)  # sooner than what was put back before it
    assert turns.take() == "http://a/2"
    assert 0.09 <= time.monotonic() - begun < 0.19
    turns.done("http://a/2")
    assert turns.take() == "http://a/1"


def test_a_paused_host_is_left_alone() -> None:
    turns = Turns(["http://a/1", "http://a/2", "http://b/1", "http://b/2"], 1e6, 9)
    turns.pause("a", 0.2)
    begun = time.monotonic()
    assert {turns.take(), turns.take()} == {"http://b/1", "http://b/2"}
    assert time.monotonic() - begun < 0.15
    assert {turns.take(), turns.take()} == {"http://a/1", "http://a/2"}
    assert time.monotonic() - begun >= 0.19


def test_a_host_that_is_left_hands_out_nothing_more() -> None:
    turns = Turns(["http://a/1", "http://a/2", "http://a/3", "http://b/1"], 1e6, 1)
    assert turns.take() == "http://a/1"
    assert turns.leave("a") == 2
    turns.done("http://a/1")
    assert turns.take() == "http://b/1"
    turns.done("http://b/1")
    assert turns.take() is None
    assert turns.leave("c") == 0


def test_stop_wakes_those_who_wait() -> None:
    turns = Turns(["http://a/1", "http://a/2"], 0.01, 1)
    assert turns.take() == "http://a/1"
    threading.Timer(0.1, turns.stop).start()
    assert turns.take() is None


def test_many_threads_take_each_url_once() -> None:
    urls = [f"http://h{i % 7}/{i}" for i in range(2000)]
    turns, taken = Turns(urls, 1e6, 2), []

    def work() -> None:
        failed = set()
        while (url := turns.take()) is not None:
            if url.endswith("3") and url not in failed:
                failed.add(url)
                turns.again(url, 0.001)
            else:
                taken.append(url)
                turns.done(url)

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
        assert not thread.is_alive()
    assert Counter(taken) == Counter(urls)


@pytest.mark.parametrize(
    ("url", "host"),
    [
        ("http://A.org/x", "a.org"),
        ("https://u:p@a.org:8/", "a.org:8"),
        ("http://[::1]:8/a", "[::1]:8"),
        ("http://[", ""),
    ],
)
def test_hosts(url: str, host: str) -> None:
    assert host_of(url) == host
