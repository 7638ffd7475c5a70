import json
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest

from studium.core import audit
from studium.core.audit import Use

USE = Use("find", "face", 7)


def test_no_log_has_no_entries(tmp_path):
    assert audit.read(tmp_path / "audit.jsonl") == []


def test_entries_come_back_in_order(tmp_path):
    log = tmp_path / "new" / "audit.jsonl"
    audit.append(log, USE, allowed=False, reason="no \u2028 record\n")
    audit.append(log, USE, allowed=True, basis="abc")
    one, two = audit.read(log)
    assert (one.use, one.allowed, one.reason, one.basis, one.intact) == (USE, False, "no \u2028 record\n", "", True)
    assert (two.allowed, two.basis, two.intact) == (True, "abc", True)
    assert one.who
    assert one.at <= two.at
    assert one.at.endswith("+00:00")


def test_the_name_of_an_account_may_be_missing(tmp_path, monkeypatch):
    def nobody():
        raise KeyError("uid not found")

    monkeypatch.setattr("getpass.getuser", nobody)
    audit.append(tmp_path / "audit.jsonl", USE, allowed=True)
    assert audit.read(tmp_path / "audit.jsonl")[0].who.startswith("uid ")


@pytest.mark.parametrize("line", [0, 1])
def test_a_changed_line_shows(tmp_path, line):
    log = tmp_path / "audit.jsonl"
    for units in range(3):
        audit.append(log, Use("find", "face", units), allowed=True)
    lines = log.read_text().splitlines()
    lines[line] = lines[line].replace('"allowed": true', '"allowed": false')
    log.write_text("\n".join(lines) + "\n")
    assert [entry.intact for entry in audit.read(log)].index(False) == line + 1


def test_a_line_taken_out_shows(tmp_path):
    log = tmp_path / "audit.jsonl"
    for units in range(3):
        audit.append(log, Use("find", "face", units), allowed=True)
    lines = log.read_text().splitlines()
    log.write_text("\n".join([lines[0], lines[2]]) + "\n")
    assert [entry.intact for entry in audit.read(log)] == [True, False]


def test_a_torn_line_is_kept_and_shown_and_the_next_one_is_whole(tmp_path):
    log = tmp_path / "audit.jsonl"
    audit.append(log, USE, allowed=True)
    with log.open("a") as file:
        file.write('{"at": "2026')
    audit.append(log, USE, allowed=False)
    assert [(e.use.what, e.intact) for e in audit.read(log)] == [("find", True), ("unreadable", False), ("find", True)]


def test_a_long_line_does_not_break_the_chain(tmp_path):
    log = tmp_path / "audit.jsonl"
    for length in (1, 5_000, 300_000, 1):
        audit.append(log, Use("x" * length, "face", 7), allowed=True)
    assert [entry.intact for entry in audit.read(log)] == [True] * 4


def test_threads_and_processes_write_one_chain(tmp_path):
    log = tmp_path / "audit.jsonl"
    code = (
        "import sys, pathlib; from studium.core import audit\n"
        "for n in range(10): audit.append(pathlib.Path(sys.argv[1]), audit.Use('find', 'face', n), True)"
    )
    others = [subprocess.Popen([sys.executable, "-c", code, str(log)]) for _ in range(2)]
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda n: audit.append(log, Use("find", "face", n), allowed=True), range(20)))
    assert [other.wait() for other in others] == [0, 0]
    entries = audit.read(log)
    assert len(entries) == 40
    assert all(entry.intact for entry in entries)
    assert all(json.loads(line) for line in log.read_text().splitlines())


def test_home_follows_the_environment(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_STATE_HOME", "relative")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert audit.home() == tmp_path / ".local/state/studium/audit.jsonl"
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    assert audit.home() == tmp_path / "state/studium/audit.jsonl"
