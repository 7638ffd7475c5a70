"""Attempts to sign in: counted in both databases, by however many ask at once."""

import threading

import pytest
import sqlalchemy as sa

from studium.core.migrations import tables
from studium.core.records import Records
from studium.core.records.attempts import Attempts


@pytest.fixture(params=["sqlite", "postgresql"])
def where(request, tmp_path):
    return tmp_path / "studium.db" if request.param == "sqlite" else request.getfixturevalue("postgresql").database()


@pytest.fixture
def records(where):
    with Records(where) as made:
        yield made


def kept(records):
    with records.transaction(reading=True) as connection:
        return connection.execute(sa.select(tables.attempts)).all()


def test_each_failure_doubles_the_wait(records):
    now = [0.0]
    attempts = Attempts(records, "name", free=2, longest=10, clock=lambda: now[0])
    waits = []
    for _ in range(7):
        while wait := attempts.begin("a"):
            waits.append(wait)
            now[0] += wait
    assert waits == [1, 2, 4, 8, 10]
    assert attempts.begin("b") == 0
    attempts.good("a")
    assert [attempts.begin("a") for _ in range(3)] == [0, 0, 1]
    now[0] += 101
    assert [attempts.begin("a") for _ in range(3)] == [0, 0, 1]


def test_sorts_are_counted_apart_and_good_ends_one_alone(records):
    name, address = (Attempts(records, sort, 1, 10, clock=lambda: 0.0) for sort in ("name", "address"))
    assert [name.begin("a"), name.begin("a"), address.begin("a"), address.begin("a")] == [0, 1, 0, 1]
    name.good("a")
    name.good("nobody")
    assert [name.begin("a"), address.begin("a")] == [0, 1]


def test_nobody_can_be_read_and_who_is_forgotten_is_gone(records):
    now = [0.0]
    attempts = Attempts(records, "address", 2, 10, clock=lambda: now[0])
    assert kept(records) == []
    for who in ("192.0.2.1", "\ud800 ' \u202e"):
        attempts.begin(who)
    assert "192.0.2.1" not in str(kept(records))
    assert len(kept(records)) == 2
    now[0] = 100
    attempts.begin("192.0.2.2")
    assert [row.failures for row in kept(records)] == [1]


def test_a_clock_that_was_set_back_makes_nobody_wait_longer(records):
    now = [1000.0]
    attempts = Attempts(records, "name", 2, 10, clock=lambda: now[0])
    attempts.begin("a")
    now[0] = 0.0
    assert [attempts.begin("a"), attempts.begin("a")] == [0, 1]
    now[0] = -500.0
    assert attempts.begin("a") <= 1


def test_all_who_ask_at_once_are_counted_together(where):
    """As of several processes: each has its own connections."""
    begun, wait = [], threading.Barrier(8)

    def guess():
        with Records(where) as records:
            attempts = Attempts(records, "name", 5, 60, clock=lambda: 0.0)
            wait.wait(20)
            begun.append(attempts.begin("ada"))

    with Records(where):  # made before they come
        threads = [threading.Thread(target=guess) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert sorted(begun) == [0] * 5 + [1] * 3


def test_what_failed_outlives_the_server(where):
    waits = []
    for _ in range(3):
        with Records(where) as records:
            waits.append(Attempts(records, "name", 1, 60, clock=lambda: 0.0).begin("ada"))
    assert waits == [0, 1, 1]
