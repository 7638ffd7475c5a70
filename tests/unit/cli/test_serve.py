"""`studium serve` as a process, and `studium accounts`."""

import json
import os
import re
import signal
import socket
import stat
import subprocess
import sys
import threading
import time
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
from click.testing import CliRunner

from studium.cli import cli
from studium.core.records import Records
from studium.errors import InputError, RefusedError
from studium.server.running import Address, token_in

STUDIUM = Path(sys.executable).with_name("studium")
PASSWORD = "correct horse battery staple"


@contextmanager
def serving(root, *words, **environment):
    """A server of a study, as its first line says where it is; it has ended when this has."""
    command = [str(STUDIUM), "serve", "--study", str(root), "--port", "0", *map(str, words)]
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=os.environ | environment
    )
    killer = threading.Timer(60, process.kill)
    killer.start()
    try:
        line = process.stdout.readline()
        assert line.startswith("serving at "), process.stderr.read()
        yield process, line.removeprefix("serving at ").strip()
    finally:
        process.terminate()
        process.communicate()
        killer.cancel()


@pytest.fixture
def small(tmp_path):
    (tmp_path / "studium.toml").write_text('[study]\ntitle = "Small"\n')
    return tmp_path


@pytest.mark.skipif(sys.platform == "darwin", reason="macOS opens pages by another program")
def test_the_browser_is_opened_without_the_token_in_the_list_of_processes(small):
    program, told = small / "bin" / "xdg-open", small / "told"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\nprintf %s "$*" > {told}.part && mv {told}.part {told}\n')
    program.chmod(0o755)
    with serving(small, "--open", PATH=f"{program.parent}:{os.environ['PATH']}") as (_, url):
        end = time.monotonic() + 30
        while not told.exists() and time.monotonic() < end:
            time.sleep(0.02)
        page = Path(told.read_text().removeprefix("file://"))
        assert (page.parent, page.suffix, stat.S_IMODE(page.stat().st_mode)) == (small.resolve(), ".html", 0o600)
        assert f'content="0; url={url}"' in page.read_text()
    assert not page.exists()


def test_the_address_it_prints_lets_in_and_nothing_else_does(small):
    with serving(small, "--coder", "me", "--token-file", small / "token") as (process, url):
        at, token = re.fullmatch(r"(http://127\.0\.0\.1:\d+)/#/login\?token=(\S+)", url).groups()
        port = int(at.rpartition(":")[2])
        assert token == (small / "token").read_text().strip()
        assert stat.S_IMODE((small / "token").stat().st_mode) == 0o600
        with httpx.Client(base_url=at) as browser:
            said = browser.post("/api/session", json={"token": token})
            assert said.json()["name"] == "me"
            assert list(said.cookies) == [f"studium_session_{port}"]
            assert browser.get("/api/study").json()["title"] == "Small"
            assert browser.get("/").status_code == 200
        assert httpx.get(f"{at}/api/study").status_code == 401
        assert httpx.get(f"{at}/api/study", headers={"Host": "evil.example"}).status_code == 421
        endless(port, f"Authorization: Bearer {token}")
        endless(port, "X-Nobody: is signed in")
        process.send_signal(signal.SIGINT)
        assert process.wait(20) == 0
        assert process.stderr.read() == ""
    with serving(small, "--token-file", small / "token") as (_, again):
        assert again.endswith(token)


def endless(port, header):
    """A body of chunks without an end: it is answered, and the connection closed."""
    head = f"POST /api/accounts HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n{header}\r\n"
    head += "Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
    sent = 0
    with socket.create_connection(("127.0.0.1", port), timeout=20) as wire:
        wire.sendall(head.encode())
        try:
            while sent < 64 << 20:
                wire.sendall(b"10000\r\n" + b" " * 65536 + b"\r\n")
                sent += 65536
        except OSError:
            pass
    assert sent < 16 << 20
    assert httpx.get(f"http://127.0.0.1:{port}/api/health").status_code == 200


def run(*words, **asked):
    return CliRunner().invoke(cli, [str(word) for word in words], **asked)


def test_accounts_are_made_changed_and_listed(small):
    asked = f"{PASSWORD}\n{PASSWORD}\n"
    assert "ada may sign in as coder" in run("accounts", "add", "ada", "--study", small, input=asked).output
    assert PASSWORD not in run("accounts", "add", "x", "--study", small, input=asked).output
    (small / "password").write_text(PASSWORD + "\n")
    words = ("--password-file", small / "password", "--study", small)
    assert run("accounts", "add", "dora", "--role", "admin", *words).exit_code == 0
    assert isinstance(run("accounts", "add", "dora", *words).exception, InputError)
    assert isinstance(run("accounts", "change", "dora", "--inactive", "--study", small).exception, RefusedError)
    assert "say what should change" in run("accounts", "change", "ada", "--study", small).output
    assert run("accounts", "change", "ada", "--role", "adjudicator", "--inactive", "--study", small).exit_code == 0
    rows = [line.split("\t")[:3] for line in run("accounts", "list", "--study", small).output.splitlines()]
    assert rows == [
        ["name", "role", "active"],
        ["ada", "adjudicator", "no"],
        ["dora", "admin", "yes"],
        ["x", "coder", "yes"],
    ]
    with Records(small / "studium.db") as records:
        assert PASSWORD not in json.dumps([entry.detail for entry in records.audit()], default=str)


def test_people_with_accounts_sign_in_and_nobody_else_is_warned_of(small):
    with serving(small, "--accounts", "--host", "0.0.0.0") as (process, url):
        (small / "password").write_text(PASSWORD)
        run("accounts", "add", "ada", "--password-file", small / "password", "--study", small)
        at = f"http://127.0.0.1:{url.rstrip('/').rpartition(':')[2]}"
        assert "token" not in url
        said = httpx.post(f"{at}/api/session", json={"name": "ada", "password": PASSWORD})
        assert (said.json()["role"], list(said.cookies)) == ("coder", ["studium_session"])
        process.terminate()
        process.wait(20)
        warned = process.stderr.read()
    assert "nobody can sign in yet" in warned
    assert "travel unencrypted" in warned


def children(process):
    """Processes that a process started, and that serve."""
    return [int(one) for one in Path(f"/proc/{process}/task/{process}/children").read_text().split()]


def alive(process):
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False


def until(done, seconds=30):
    end = time.monotonic() + seconds
    while not (found := done()):
        assert time.monotonic() < end
        time.sleep(0.05)
    return found


def served_by(process):
    """Processes of a server that answer: they, and no helpers of the system's, listen."""
    return [
        one for one in children(process.pid) if b"resource_tracker" not in Path(f"/proc/{one}/cmdline").read_bytes()
    ]


@pytest.fixture
def team(small):
    (small / "password").write_text(PASSWORD)
    for name in ("ada", "ben"):
        run("accounts", "add", name, "--password-file", small / "password", "--study", small)
    return small


@pytest.mark.skipif(sys.platform != "linux", reason="/proc tells of processes")
def test_several_processes_share_sessions_and_count_wrong_passwords_together(team):
    with serving(team, "--accounts", "--processes", "2") as (process, url):
        at = url.rstrip("/")
        assert len(served_by(process)) == 2
        cores = [os.sched_getaffinity(one) for one in served_by(process)]
        assert [len(one) for one in cores] == [1, 1]
        assert len(set.union(*cores)) == min(2, len(os.sched_getaffinity(0)))
        said = httpx.post(f"{at}/api/session", json={"name": "ada", "password": PASSWORD})
        asked = [httpx.get(f"{at}/api/session", cookies=dict(said.cookies)) for _ in range(12)]  # each a new connection
        assert [one.json()["name"] for one in asked] == ["ada"] * 12
        wrong = [httpx.post(f"{at}/api/session", json={"name": "ben", "password": "a guess"}) for _ in range(7)]
        assert [one.status_code for one in wrong] == [401] * 5 + [429] * 2
        process.send_signal(signal.SIGINT)
        assert process.wait(20) == 0
        assert process.stderr.read() == ""


@pytest.mark.skipif(sys.platform != "linux", reason="/proc tells of processes")
def test_one_of_several_processes_that_dies_is_replaced_and_none_outlives_their_own(team):
    with serving(team, "--accounts", "--processes", "2") as (process, url):
        before = served_by(process)
        os.kill(before[0], signal.SIGKILL)
        after = until(lambda: len(found := served_by(process)) == 2 and before[0] not in found and found)
        assert before[1] in after
        until(lambda: httpx.get(f"{url}api/health").status_code == 200)
        process.kill()
        until(lambda: not any(alive(one) for one in after))
        with pytest.raises(httpx.ConnectError):
            httpx.get(f"{url}api/health")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--host", "0.0.0.0"], "can be reached by others"),
        (["--host", "192.0.2.1", "--accounts"], "cannot listen at 192.0.2.1"),
        (["--host", "no such host", "--accounts"], "cannot listen at no such host"),
        (["--coder", "a\nb"], "a coder's name is one line"),
    ],
)
def test_what_cannot_be_served_is_said(small, words, said):
    assert said in str(run("serve", "--study", small, "--port", "0", *words).exception)


@pytest.mark.parametrize(
    "words", [["--accounts", "--coder", "me"], ["--behind-proxy"], ["--processes", "2"], ["--port", "70000"]]
)
def test_options_that_do_not_go_together(small, words):
    assert run("serve", "--study", small, *words).exit_code == 2


def test_a_port_that_is_taken_is_said(small):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(InputError, match=rf"cannot listen at 127\.0\.0\.1, port {port}: .*choose another --port"):
            Address("127.0.0.1", port).socket()


def test_several_processes_need_accounts():
    with pytest.raises(InputError, match="give --accounts, or one process"):
        Address(processes=2)


@pytest.mark.skipif(os.name != "posix", reason="only there files have owners' rights")
def test_a_token_that_others_can_read_is_refused(tmp_path):
    token = token_in(tmp_path / "token")
    assert token_in(tmp_path / "token") == token
    (tmp_path / "token").chmod(0o640)
    with pytest.raises(RefusedError, match="chmod 600"):
        token_in(tmp_path / "token")
    (tmp_path / "short").write_text("short\n")
    (tmp_path / "short").chmod(0o600)
    with pytest.raises(InputError, match="at least 32 characters, got 5"):
        token_in(tmp_path / "short")
