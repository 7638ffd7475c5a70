"""Answers of services: kept for good, asked for once, and never again by mistake; over threads, processes and kills."""

import json
import os
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import pytest

from studium.core import allowance
from studium.core.allowance import Allowance
from studium.errors import BudgetError, MediaError, StoreError
from studium.measure.answers import Lost, Question, any_kept, ask_once, is_kept
from studium.measure.marks import Mark

QUESTION = Question("s", {"model": "a"})
ANSWER = {"labels": [1]}
IN_ANOTHER_PROCESS = """
import sys, time
from pathlib import Path
from studium.measure.answers import Question, ask_once
def ask():
    Path(sys.argv[1]).write_text("asked")
    time.sleep(float(sys.argv[2]))
    return {"labels": [1]}, "there"
ask_once(Question("s", {"model": "a"}), b"x", ask)
"""


@dataclass(frozen=True)
class Run(Allowance):
    """The allowance of a run, with or without --retry."""

    retry: bool = False


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("STUDIUM_CACHE", str(tmp_path))
    return tmp_path


def mark() -> Mark:
    return Mark(QUESTION.path(b"x"))


def answering():
    return ANSWER, "here"


def never():
    pytest.fail("asked, and paid for, once more")


def losing():
    raise Lost("the line went dead", "half an ans")


def elsewhere(cache, seconds: float) -> subprocess.Popen:
    """Another process, once it has asked."""
    told = cache / "told"
    process = subprocess.Popen([sys.executable, "-c", IN_ANOTHER_PROCESS, str(told), str(seconds)])
    while not told.exists():
        assert process.poll() is None
        time.sleep(0.01)
    return process


def test_an_answer_is_kept_and_found_again():
    assert not any_kept(QUESTION)
    answer = ask_once(QUESTION, b"x", answering)
    assert (answer.raw, answer.host) == (ANSWER, "here")
    assert ask_once(QUESTION, b"x", never) == answer
    assert is_kept(QUESTION, b"x")
    assert not is_kept(QUESTION, b"y")
    assert not is_kept(Question("s", {"model": "a"}, "2027"), b"x")
    assert not mark().path.exists()
    body = json.loads(QUESTION.path(b"x").read_text())
    assert (body["answer"], body["request"], body["bytes_sent"]) == (ANSWER, {"model": "a"}, 1)


def test_a_kill_between_an_answer_and_its_mark_leaves_none_for_good():
    """What the mark that is left would do: without the answer, the question would count as asked and lost."""
    dying = "import os; from studium.measure import answers, marks; marks.Mark.remove = lambda self: os._exit(9)\n"
    dying += "answers.ask_once(answers.Question('s', {'model': 'a'}), b'x', lambda: ({'found': 1}, 'here'))"
    assert subprocess.run([sys.executable, "-c", dying], check=False).returncode == 9
    assert mark().there
    assert ask_once(QUESTION, b"x", never).raw == {"found": 1}
    assert not mark().path.exists()
    assert QUESTION.path(b"x").is_file()


def test_a_mark_stands_as_long_as_nobody_knows():
    def ask():
        assert set(json.loads(mark().path.read_text())) == {"at"}
        return answering()

    ask_once(QUESTION, b"x", ask)
    assert not mark().path.exists()


@pytest.mark.parametrize("error", [MediaError("no"), BudgetError("no")])
def test_what_cost_nothing_may_be_asked_again(error):
    def ask():
        raise error

    with pytest.raises(type(error), match="no"):
        ask_once(QUESTION, b"x", ask)
    with allowance.under(Run()):
        assert ask_once(QUESTION, b"x", answering).raw == ANSWER


def test_a_lost_answer_is_a_failure_and_what_came_of_it_is_kept():
    with pytest.raises(MediaError, match=r"^the line went dead; what came is in .*asked. The answer is lost and may"):
        ask_once(QUESTION, b"x", losing)
    assert json.loads(mark().path.read_text())["said"] == "half an ans"
    assert not any_kept(QUESTION)


def test_only_retry_asks_again_for_a_lost_answer():
    with allowance.under(Run()), pytest.raises(MediaError, match="the line went dead"):
        ask_once(QUESTION, b"x", losing)
    for _ in range(3):
        with allowance.under(Run()), pytest.raises(MediaError, match=r"the line went dead.*with --retry it is"):
            ask_once(QUESTION, b"x", never)
    with allowance.under(Run(retry=True)):
        assert ask_once(QUESTION, b"x", answering).raw == ANSWER
    assert not mark().path.exists()


def test_outside_of_runs_whoever_asks_again_wants_it():
    with pytest.raises(MediaError):
        ask_once(QUESTION, b"x", losing)
    assert ask_once(QUESTION, b"x", answering).raw == ANSWER


def test_after_a_kill_it_is_said_once_that_it_may_have_been_paid(cache):
    process = elsewhere(cache, 60)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    with (
        allowance.under(Run(retry=True)),
        pytest.raises(MediaError, match=r"it was sent at .*, by a run that ended before the answer came.*may have"),
    ):
        ask_once(QUESTION, b"x", never)
    with allowance.under(Run()), pytest.raises(MediaError, match="it was sent at"):
        ask_once(QUESTION, b"x", never)
    with allowance.under(Run(retry=True)):
        assert ask_once(QUESTION, b"x", answering).raw == ANSWER


def test_a_request_of_another_process_is_waited_for(cache):
    process = elsewhere(cache, 0.5)
    assert ask_once(QUESTION, b"x", never).host == "there"
    assert process.wait() == 0


def test_a_request_of_another_thread_is_waited_for():
    asked = []

    def ask():
        asked.append(1)
        time.sleep(0.1)
        return answering()

    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda _: ask_once(QUESTION, b"x", ask), range(8)))
    assert len(asked) == 1
    assert all(one == found[0] for one in found)


def test_different_requests_do_not_wait_for_each_other():
    def ask():
        time.sleep(0.2)
        return answering()

    began = time.monotonic()
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda at: ask_once(QUESTION, bytes([at]), ask), range(8)))
    assert time.monotonic() - began < 1.2


def test_an_error_of_ours_leaves_the_mark():
    with pytest.raises(KeyError):
        ask_once(QUESTION, b"x", lambda: {}["answer"])
    with pytest.raises(MediaError, match="may have been paid for"):
        ask_once(QUESTION, b"x", never)


def test_what_is_damaged_is_said_to_be():
    mark().path.parent.mkdir(parents=True)
    mark().path.write_text("{")
    with pytest.raises(StoreError, match=r"does not hold a mark .*delete it, and it is asked again"):
        ask_once(QUESTION, b"x", never)
    mark().path.unlink()
    QUESTION.path(b"x").write_text("{")
    with pytest.raises(StoreError, match="does not hold an answer"):
        ask_once(QUESTION, b"x", never)
