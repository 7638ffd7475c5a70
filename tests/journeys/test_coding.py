"""Coding by hand, from a sample to labels: five coders over a real server, which is killed half-way."""

import os
import re
import shlex
import shutil
import signal
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest
from browsing import serve
from click.testing import CliRunner

from studium import Corpus, sources
from studium.cli import cli
from studium.core.records import Account
from studium.errors import RefusedError
from studium.server import passwords

CODEBOOK = """
[scene]
question = "What does the picture mainly show?"
of = "image"
type = "categorical"
values = [{name = "animal"}, {name = "thing"}]

[fur]
question = "Does it have fur?"
of = "image"
type = "binary"
values = [{name = "yes"}, {name = "no"}]
only_if = {scene = ["animal"]}
"""
CODERS = ["ada", "ben", "cleo", "dan", "eve"]
PASSWORD = "correct horse battery staple"
TASK = "/api/tasks/scenes"


@pytest.fixture(scope="module")
def kept() -> str:
    """The hash of everybody's password."""
    return passwords.hashed(PASSWORD)


@pytest.fixture(params=["sqlite", "postgresql"])
def corpus(request, tmp_path, stamps, monkeypatch, kept):
    """A study of 24 pictures with five coders and an adjudicator; its codes in a database of each kind."""
    if request.param == "postgresql":
        monkeypatch.setenv("STUDIUM_DATABASE", request.getfixturevalue("postgresql").database())
    root = tmp_path / "study"
    (root / "images").mkdir(parents=True)
    for at, path in enumerate(sorted(stamps.rglob("*.png"))[::30][:24]):
        shutil.copy(path, root / "images" / f"{at:02}.png")
    (root / "codebook.toml").write_text(CODEBOOK)
    made = Corpus(root)
    made.add(sources.folder(root / "images"))
    with made.records() as records:
        for name in [*CODERS, "fay"]:
            role = "adjudicator" if name == "fay" else "coder"
            records.accounts.put(Account(name, role, kept, datetime.now(UTC)))
    return made


def opinion(coder: str, unit: str) -> dict[str, str]:
    """What somebody thinks of a unit: the same each time; eve sees animals that others do not."""
    animal = int(unit[:4], 16) % 2 or (coder == "eve" and int(unit[4:8], 16) % 2)
    return {"scene": "animal", "fur": "yes" if int(unit[8], 16) % 2 else "no"} if animal else {"scene": "thing"}


@contextmanager
def signed_in(url: str, name: str) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=url, timeout=20) as browser:
        answer = browser.post("/api/session", json={"name": name, "password": PASSWORD})
        assert answer.status_code == 200, answer.text
        browser.headers["X-CSRF-Token"] = answer.json()["csrf"]
        yield browser


def asked(browser: httpx.Client, method: str, path: str, **more: object) -> dict[str, object]:
    """The answer; as a browser does, it asks again until the server is back."""
    deadline = time.monotonic() + 60
    while True:
        try:
            answer = browser.request(method, path, **more)
            assert answer.is_success, answer.text
            return dict(answer.json())
        except httpx.TransportError:
            assert time.monotonic() < deadline, "the server did not come back"
            time.sleep(0.05)


def code(url: str, coder: str) -> int:
    """Code everything that is one's own; every third answer is sent twice."""
    with signed_in(url, coder) as browser:
        after, sent = -1, 0
        while (at := asked(browser, "GET", f"{TASK}/next", params={"after": after})["position"]) is not None:
            unit = asked(browser, "GET", f"{TASK}/items/{at}")["unit"]["id"]
            body = {"unit": unit, "answers": opinion(coder, unit), "seconds": 1.5, "key": f"{coder}-{at}"}
            for _ in range(1 + (at % 3 == 0)):
                asked(browser, "POST", f"{TASK}/annotations", json=body)
            sent, after = sent + 1, at
        return sent


def saved(corpus: Corpus) -> int:
    with corpus.records() as records:
        return len(records.annotations(history=True))


@pytest.mark.slow
def test_killed_while_five_code_and_nothing_is_lost_or_doubled(corpus):
    corpus.draw_sample("first", of="image", n=20, seed=1)
    task = corpus.task("scenes", sample="first", variables=["scene", "fur"], coders=CODERS, overlap=0.5)
    expected = Counter(
        (coder, unit, name) for coder, units in task.units.items() for unit in units for name in opinion(coder, unit)
    )
    with ThreadPoolExecutor(len(CODERS)) as pool:
        with serve(corpus.root, "--accounts") as first:
            port = httpx.URL(first.url).port
            work = [pool.submit(code, first.url, coder) for coder in CODERS]
            while saved(corpus) < len(expected) / 3:
                assert not any(one.done() and one.exception() for one in work)
                time.sleep(0.01)
            os.kill(first.process.pid, signal.SIGKILL)
            first.process.wait()
        between = saved(corpus)
        assert between < len(expected), "the kill should hit coders at work"
        with serve(corpus.root, "--accounts", port=port) as second:
            assert sum(one.result(timeout=120) for one in work) <= sum(map(len, task.units.values()))
            decided_over_the_server(second.url, corpus, task)
    with corpus.records() as records:
        rows = records.annotations(history=True)
    assert Counter((one.coder, one.unit, one.variable) for one in rows) == expected
    assert all(one.value == opinion(one.coder, one.unit)[one.variable] for one in rows)
    assert {(one.weight, one.sample, one.seconds) for one in rows} == {(24 / 20, "first", 1.5)}
    assert all(one.done == one.total == len(task.units[one.coder]) for one in corpus.progress("scenes"))
    as_labels(corpus, task)


def decided_over_the_server(url, corpus, task):
    """The adjudicator sees where eve differs, and sides with the others."""
    shared = set.intersection(*map(set, task.units.values()))
    differing = {unit for unit in shared if opinion("eve", unit)["scene"] != opinion("ada", unit)["scene"]}
    assert differing
    with signed_in(url, "fay") as browser:
        found = asked(browser, "GET", "/api/disagreements", params={"variable": "scene", "task": "scenes"})
        assert {one["id"] for one in found["items"]} == differing
        for unit in sorted(differing)[1:]:
            decision = {"unit": unit, "variable": "scene", "value": "animal", "note": "look closer"}
            asked(browser, "POST", "/api/adjudications", json=decision)
        left = asked(browser, "GET", "/api/disagreements", params={"variable": "scene", "open": True})
        assert [one["id"] for one in left["items"]] == sorted(differing)[:1]


def as_labels(corpus, task):
    """Agreement from what people said; labels from what was decided, and else from votes."""
    overall = {one.name: one.value for one in corpus.agreement("scene", task="scenes").overall.measures}
    assert 0 < overall["krippendorff_alpha"] < 1
    found = corpus.labels("scene")
    decided = [one for one in corpus.disagreements("scene") if one.decision]
    assert found.told["adjudicated"] == len(decided)
    assert len(found.units) == 20
    values = dict(zip(found.units, (found.classes[at] for at in found.y.tolist()), strict=True))
    assert all(values[one.unit] == "animal" for one in decided)
    assert set(found.weights.tolist()) == {1.2}


def test_in_python_alone(corpus):
    corpus.draw_sample("first", of="image", n=6, seed=1)
    corpus.task("scenes", sample="first", variables=["scene", "fur"], coders=["ada", "ben"])
    for coder, values in (("ada", ("animal", "thing")), ("ben", ("thing", "thing"))):
        after = -1
        while (item := corpus.next_item("scenes", coder, after)) is not None:
            scene = values[int(item.unit.id, 16) % 2]
            answers = {"scene": scene} | ({"fur": None} if scene == "animal" else {})
            corpus.annotate("scenes", item.unit.id, answers, coder=coder, seconds=2)
            after = item.position
    assert [(one.done, one.total, one.seconds) for one in corpus.progress("scenes")] == [(6, 6, 2), (6, 6, 2)]
    found = corpus.disagreements("scene")
    assert found
    with pytest.raises(RefusedError, match="cleo has no units"):
        corpus.next_item("scenes", "cleo")
    corpus.adjudicate(found[0].unit, "scene", "thing", who="cleo")
    assert len(corpus.disagreements("scene", undecided=True)) == len(found) - 1
    kept = corpus.labels("scene", ties="drop")
    assert (kept.told["adjudicated"], len(kept.units)) == (1, 6 - len(found) + 1)


def test_the_page_is_true(study, monkeypatch):
    monkeypatch.chdir(study)
    page = Path(__file__).parents[2] / "docs" / "code-by-hand.md"
    names: dict[str, object] = {}
    parts = re.findall(r"(<!-- not run[^\n]*\n)?```(\w+)\n(.*?)\n```", page.read_text(encoding="utf-8"), re.DOTALL)
    (codebook,) = (text for _, kind, text in parts if kind == "toml")
    for unrun, kind, text in parts:
        if kind == "python":
            exec(compile(text, page.name, "exec"), names)
        for line in text.splitlines() if kind == "sh" and not unrun else ():
            done = CliRunner().invoke(cli, shlex.split(line)[1:], catch_exceptions=False)
            assert done.exit_code == 0, f"{line}: {done.output}"
            if "init" in line:
                shutil.copytree("images", "my-study/images", dirs_exist_ok=True)
                Path("my-study/codebook.toml").write_text(codebook)
    labels = names["labels"]
    assert labels.told["adjudicated"] >= 1
    assert sum(labels.counts().values()) == 4
