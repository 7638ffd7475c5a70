"""Budgets and pace: over threads, over processes, after a kill."""

import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from studium.core import allowance
from studium.core.allowance import FREE, Allowance, current, under
from studium.errors import BudgetError

SPENDING = """
import sys
from pathlib import Path
from studium.core.allowance import Allowance
from studium.errors import BudgetError
mine = Allowance(budget=1.0, ledger=Path(sys.argv[1]))
admitted = 0
try:
    while True:
        mine.admit(0.02)
        admitted += 1
except BudgetError:
    print(admitted)
"""


def test_nothing_is_spent_before_the_first_request(tmp_path):
    mine = Allowance(budget=1, ledger=tmp_path / "runs" / "x.spent")
    assert mine.spent == 0
    mine.admit(0)
    assert not mine.ledger.exists()


def test_without_a_ledger_nothing_is_written_or_held():
    FREE.admit(1e9)
    FREE.settle(1e9, 0)
    assert FREE.spent == 0


def test_a_request_beyond_the_budget_is_refused_and_a_smaller_one_is_not(tmp_path):
    mine = Allowance(budget=0.05, ledger=tmp_path / "x.spent")
    mine.admit(0.04)
    with pytest.raises(BudgetError, match=r"budget of 0.05 USD is used up: 0.0400 USD were .* cost 0.0200 USD"):
        mine.admit(0.02)
    mine.settle(0.04, 0.01)
    assert mine.spent == pytest.approx(0.01)
    mine.admit(0.02)
    mine.settle(0.02, 0)
    assert mine.spent == pytest.approx(0.01)


def test_the_ledger_is_read_from_its_last_whole_line(tmp_path):
    mine = Allowance(budget=1, ledger=tmp_path / "x.spent")
    for _ in range(200):
        mine.admit(0.001)
    lines = mine.ledger.read_text().splitlines()
    assert len(lines) == 200
    assert mine.spent == pytest.approx(0.2)
    with mine.ledger.open("a") as file:
        file.write("+0.00")  # the disk was full
    assert mine.spent == pytest.approx(0.2)
    mine.admit(0.5)
    assert mine.spent == pytest.approx(0.7)


def test_processes_and_threads_share_one_budget(tmp_path):
    ledger = tmp_path / "x.spent"
    command = [sys.executable, "-c", SPENDING, str(ledger)]
    children = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    said = [int(child.communicate()[0]) for child in children]
    assert sum(said) == 50
    assert Allowance(ledger=ledger).spent == pytest.approx(1.0)
    other = Allowance(budget=2.0, ledger=ledger)

    def spend(_: int) -> bool:
        try:
            other.admit(0.1)
        except BudgetError:
            return False
        return True

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(spend, range(40))) == 10
    assert other.spent == pytest.approx(2.0)


def test_a_run_goes_beyond_its_budget_by_no_more_than_was_under_way(tmp_path):
    mine = Allowance(budget=0.05, ledger=tmp_path / "x.spent")
    mine.admit(0.03)
    mine.admit(0.02)
    mine.settle(0.03, 0.06)
    assert mine.spent == pytest.approx(0.08)
    with pytest.raises(BudgetError):
        mine.admit(0.001)


def test_requests_to_one_host_are_evenly_spaced_and_hosts_do_not_wait_for_each_other(monkeypatch):
    monkeypatch.setattr(allowance, "_next", {})
    mine = Allowance(requests_per_minute=60 / 0.05)
    began = time.monotonic()
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(mine.pace, ["a.example"] * 5))
    assert time.monotonic() - began >= 0.19
    began = time.monotonic()
    mine.pace("b.example")
    FREE.pace("a.example")
    assert time.monotonic() - began < 0.04


def test_an_allowance_holds_in_its_block_and_in_its_thread_alone():
    mine, seen = Allowance(budget=1), []
    with under(mine):
        assert current() is mine
        other = threading.Thread(target=lambda: seen.append(current()))
        other.start()
        other.join()
    assert seen == [FREE]
    assert current() is FREE
