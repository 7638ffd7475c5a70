"""A run that asks a server is killed with requests under way: no answer is lost, and none is paid for twice."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from openai_server import KEY, MODEL, OpenAI, quota
from PIL import Image

from studium import Corpus, sources

UNITS = 48
RUN = f"""
import sys
from studium import Corpus
from studium.core.variable import Value, Variable
from studium.measure.ask.ask import Ask
scene = Variable("scene", "Where is it?", "image", "categorical", (Value("street"), Value("home")))
corpus = Corpus(sys.argv[1])
corpus.measure(Ask((scene,), "{MODEL}", sys.argv[2]), of="image", retry="--retry" in sys.argv)
"""


@pytest.fixture
def asked(tmp_path: Path) -> Path:
    """A study of small pictures, no two alike."""
    study = tmp_path / "study"
    (study / "images").mkdir(parents=True)
    for at in range(UNITS):
        Image.fromarray(np.full((32, 32, 3), 5 * at, np.uint8)).save(study / "images" / f"{at:02}.png")
    Corpus(study).add(sources.folder(study / "images"))
    return study


def begun(study: Path, openai: OpenAI, *options: str) -> "subprocess.Popen[str]":
    command = [sys.executable, "-c", RUN, str(study), openai.base, *options]
    return subprocess.Popen(command, stderr=subprocess.PIPE, text=True, start_new_session=True)


def killed(study: Path, openai: OpenAI, after: int, whole: bool) -> str:
    """Kill a run when so many more requests came: its process, or all its processes. Returns what it said."""
    run, before = begun(study, openai), len(openai.chats)
    while len(openai.chats) < before + after:
        assert run.poll() is None, run.communicate()[1]
        time.sleep(0.005)
    (os.killpg if whole else os.kill)(run.pid, signal.SIGKILL)
    return run.communicate(timeout=20)[1]


def finished(study: Path, openai: OpenAI, *options: str) -> str:
    run = begun(study, openai, *options)
    said = run.communicate(timeout=60)[1]
    assert run.returncode == 0, said
    return said


def answered(study: Path) -> dict[str, str]:
    """Units with an answer, and the sha256 of what was sent about them."""
    rows = Corpus(study).table("image", "ask").to_pylist()
    return {row["unit"]: row["ask_sha256_sent"] for row in rows if row["ask_answer"] is not None}


@pytest.mark.slow
def test_killed_twice_with_requests_under_way(asked, openai, tmp_path):
    openai.delay = 0.15
    said = killed(asked, openai, after=3, whole=True) + killed(asked, openai, after=20, whole=False)
    said += finished(asked, openai)
    corpus = Corpus(asked)
    failures = corpus.failures().to_pylist()
    assert 2 <= len(failures) <= 16, "those that were under way"
    assert all("by a run that ended before the answer came" in one["message"] for one in failures)
    assert all("may have been paid for" in one["message"] for one in failures)
    rows = answered(asked)
    assert len(rows.keys() | {one["unit"] for one in failures}) == len(rows) + len(failures) == UNITS
    assert set(openai.billed.values()) == {1}, "the server generated, and billed, one answer for each unit at most"
    assert set(rows.values()) <= set(openai.billed)
    billed = len(openai.billed)

    said += finished(asked, openai)
    assert sum(openai.billed.values()) == billed, "without --retry nothing is asked again"
    said += finished(asked, openai, "--retry")
    assert Corpus(asked).failures().num_rows == 0
    assert len(answered(asked)) == UNITS
    assert sum(openai.billed.values()) == billed + len(failures), "with it the failures are, once"
    assert all(openai.billed[sha] == 1 for sha in rows.values())

    assert not list((tmp_path / "cache").rglob("*.asked")), "every question is answered"
    everything = b"".join(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())
    assert KEY.encode() not in everything + said.encode()


def test_what_ends_a_run_leaves_no_failure_behind(asked, openai):
    """The account runs dry in the middle of a run: the run ends, and the next one goes on where it stopped."""
    openai.decide = lambda chat: quota() if len(openai.chats) > 20 else None
    run = begun(asked, openai)
    said = run.communicate(timeout=60)[1]
    assert run.returncode != 0
    assert "ServiceError" in said
    assert "exceeded your current quota" in said
    assert "Run again when that is settled" in said
    assert Corpus(asked).failures().num_rows == 0
    assert len(openai.chats) < UNITS, "not every unit knocked at the closed door"
    openai.decide = lambda chat: None
    finished(asked, openai)
    assert len(answered(asked)) == UNITS
    assert set(openai.billed.values()) == {1}
