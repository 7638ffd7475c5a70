"""What the server remembers of who is signed in, and how soon it forgets; on both databases."""

import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa
from fastapi import FastAPI
from fastapi.testclient import TestClient
from unit.server.conftest import AT

from studium.core.records import Account, Records
from studium.server.context import Viewer
from studium.server.sessions import AccountSessions

Client = Callable[..., TestClient]


@pytest.fixture
def records(app: FastAPI, kept: str) -> Iterator[Records]:
    """The database, with an account of its own for each test."""
    found: Records = app.state.records
    found.accounts.put(Account("fay", "coder", kept, datetime.now(UTC)))
    yield found
    found.accounts.put(Account("fay", "coder", kept, datetime.now(UTC), active=False))


@pytest.fixture
def signed_in(app: FastAPI, records: Records) -> TestClient:
    """A browser of theirs, whose session was asked for a moment ago."""
    token = app.state.sessions.begin(Viewer("fay", "coder")).token
    browser = TestClient(app, base_url=AT, cookies={app.state.settings.cookie: token})
    assert browser.get("/api/session").json()["role"] == "coder"
    assert app.state.sessions.known(token) == app.state.sessions.find(token)
    return browser


def test_pages_of_pictures_ask_the_database_once_a_second(app: FastAPI, client: Client) -> None:
    browser, asked = client("coder"), list[str]()
    unit = browser.get("/api/units", params={"of": "image", "limit": 1}).json()["items"][0]["id"]
    engine = app.state.records._engine
    told = lambda *said: asked.append(said[2])  # noqa: E731  (the same function is taken off again)
    sa.event.listen(engine, "before_cursor_execute", told)
    began = time.monotonic()
    try:
        for _ in range(20):
            assert browser.get(f"/api/units/{unit}/thumb").status_code == 200
    finally:
        sa.event.remove(engine, "before_cursor_execute", told)
    sessions = [one for one in asked if "FROM sessions" in one]
    assert len(sessions) <= 1 + time.monotonic() - began


@pytest.mark.parametrize("change", [{"role": "admin"}, {"active": False}, {"password": "another"}])
def test_a_change_of_an_account_counts_at_once(
    signed_in: TestClient, records: Records, change: dict[str, object]
) -> None:
    records.accounts.put(replace(records.accounts.get("fay"), **change))
    assert signed_in.get("/api/session").status_code == 401


def test_a_sign_out_counts_at_once(app: FastAPI, signed_in: TestClient) -> None:
    token = signed_in.cookies[app.state.settings.cookie]
    csrf = signed_in.get("/api/session").json()["csrf"]
    assert signed_in.delete("/api/session", headers={"X-CSRF-Token": csrf}).status_code == 204
    again = TestClient(app, base_url=AT, cookies={app.state.settings.cookie: token})
    assert again.get("/api/session").status_code == 401


def test_what_another_process_changes_counts_within_a_second(signed_in: TestClient, database: str) -> None:
    with Records(database) as other:
        other.accounts.put(replace(other.accounts.get("fay"), active=False))
    time.sleep(1.05)
    assert signed_in.get("/api/session").status_code == 401


def test_what_changes_while_the_database_is_asked_is_not_remembered(records: Records) -> None:
    class Slow(AccountSessions):
        def find(self, token: str) -> object:
            """The account ends after the database answered, before that is kept."""
            get = records.accounts.get
            records.accounts.get = lambda name: (get(name), records.accounts.put(replace(get(name), active=False)))[0]
            try:
                return super().find(token)
            finally:
                del records.accounts.get

    sessions = Slow(records)
    token = sessions.begin(Viewer("fay", "coder")).token
    assert sessions.find(token) is not None  # it was asked before the change
    assert sessions.known(token) is None
    assert AccountSessions(records).find(token) is None


def test_a_session_about_to_end_is_not_remembered(records: Records, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("studium.server.sessions.HOURS", timedelta(seconds=0.9) / timedelta(hours=1))
    sessions = AccountSessions(records)
    token = sessions.begin(Viewer("fay", "coder")).token
    assert sessions.find(token) is not None
    assert sessions.known(token) is None


def test_no_more_is_remembered_than_a_thousand(records: Records, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("studium.server.sessions._MANY", 3)
    sessions = AccountSessions(records)
    tokens = [sessions.begin(Viewer("fay", "coder")).token for _ in range(5)]
    assert all(sessions.find(token) for token in tokens)
    assert sum(sessions.known(token) is not None for token in tokens) <= 3
    assert sessions.known("") is None
