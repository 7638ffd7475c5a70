"""Requests that another site makes a browser send; and sessions that are planted or stolen.

Each test fails if its defence is taken away."""

import json

import pytest
from fastapi.testclient import TestClient

from studium import Corpus
from studium.server.app import Settings, create_app

AT = "http://127.0.0.1:8765"
PASSWORD = "correct horse battery staple"  # as in conftest.py
TOKEN = "a-token-of-the-tests-long-enough-to-be-one"
COOKIE = "studium_session"
EVIL = "http://evil.example"


@pytest.fixture
def local(study, tmp_path):
    made = create_app(Corpus(study), Settings(TOKEN, database=tmp_path / "studium.db"))
    yield made
    made.state.records.close()


@pytest.mark.parametrize(
    ("headers", "allowed"),
    [
        ({}, True),
        ({"Origin": AT}, True),
        ({"Origin": AT, "Sec-Fetch-Site": "same-origin"}, True),
        ({"X-CSRF-Token": ""}, False),
        ({"X-CSRF-Token": "x" * 43}, False),
        ({"Origin": EVIL}, False),
        ({"Origin": "null"}, False),
        ({"Origin": "http://127.0.0.1:9999"}, False),
        ({"Origin": "https://127.0.0.1:8765"}, False),
        ({"Origin": AT + ".evil.example"}, False),
        ({"Sec-Fetch-Site": "cross-site"}, False),
        ({"Sec-Fetch-Site": "same-site"}, False),
    ],
)
def test_what_changes_something_comes_from_a_page_of_ours(client, headers, allowed):
    said = client("admin").patch("/api/accounts/ben", json={}, headers=headers)
    assert said.status_code == (200 if allowed else 403)


def test_the_csrf_token_of_another_session_is_none(client):
    mine, other = client("admin"), client("admin")
    said = mine.patch("/api/accounts/ben", json={}, headers={"X-CSRF-Token": other.headers["X-CSRF-Token"]})
    assert said.status_code == 403


def test_nobody_is_signed_in_by_another_site(browser):
    asked = {"name": "ada", "password": PASSWORD}
    assert browser.post("/api/session", json=asked, headers={"Origin": EVIL}).status_code == 403
    form = {"Content-Type": "text/plain"}
    assert browser.post("/api/session", content=json.dumps(asked), headers=form).status_code == 422
    assert browser.post("/api/session", data=asked).status_code == 422


def test_no_other_site_may_read_an_answer(client):
    said = client("admin").get("/api/study", headers={"Origin": EVIL})
    assert not [name for name in said.headers if name.startswith("access-control")]
    assert said.headers["Cross-Origin-Resource-Policy"] == "same-origin"
    asked = {"Origin": EVIL, "Access-Control-Request-Method": "POST"}
    assert "access-control-allow-origin" not in client("admin").options("/api/study", headers=asked).headers


@pytest.mark.parametrize("host", ["evil.example", "evil.example:8765", "127.0.0.1.evil.example", "localhost.evil", ""])
def test_a_name_that_was_made_to_point_here_is_not_served(local, host):
    browser = TestClient(local, base_url=AT, headers={"Authorization": f"Bearer {TOKEN}", "Host": host})
    for path in ("/api/study", "/api/health", "/"):
        assert browser.get(path).status_code == 421
    for mine in ("localhost:8765", "127.0.0.1:8765", "[::1]:8765", "localhost"):
        assert browser.get("/api/study", headers={"Host": mine}).status_code == 200


def test_a_session_that_somebody_planted_is_not_taken_over(browser):
    browser.cookies.set(COOKIE, "planted")
    said = browser.post("/api/session", json={"name": "ada", "password": PASSWORD})
    assert said.cookies[COOKIE] != "planted"
    attacker = TestClient(browser.app, base_url=AT, cookies={COOKIE: "planted"})
    assert attacker.get("/api/study").status_code == 401


def test_signing_in_again_ends_the_session_of_before(app, browser):
    asked = {"name": "ada", "password": PASSWORD}
    first = browser.post("/api/session", json=asked).cookies[COOKIE]
    second = browser.post("/api/session", json=asked).cookies[COOKIE]
    old, new = (TestClient(app, base_url=AT, cookies={COOKIE: token}) for token in (first, second))
    assert (first != second, old.get("/api/study").status_code, new.get("/api/study").status_code) == (True, 401, 200)


def test_the_cookie_is_for_our_pages_alone(app, browser, study, database):
    asked = {"name": "ada", "password": PASSWORD}
    flags = browser.post("/api/session", json=asked).headers["Set-Cookie"].lower()
    assert "httponly" in flags
    assert "samesite=strict" in flags
    assert "max-age=43200" in flags
    assert "domain" not in flags
    assert "secure" not in flags
    proxied = create_app(Corpus(study), Settings(database=database, behind_proxy=True))
    told = {"X-Forwarded-Proto": "https", "X-Forwarded-Host": "study.example", "Origin": "https://study.example"}
    behind = TestClient(proxied, base_url=AT, headers=told).post("/api/session", json=asked)
    proxied.state.records.close()
    assert (behind.status_code, "secure" in behind.headers["Set-Cookie"].lower()) == (200, True)
    assert (
        "secure"
        not in browser.post("/api/session", json=asked, headers=told | {"Origin": AT}).headers["Set-Cookie"].lower()
    )


def test_the_database_keeps_no_token_and_no_password(app, browser):
    token = browser.post("/api/session", json={"name": "ada", "password": PASSWORD}).cookies[COOKIE]
    with app.state.records.transaction(reading=True) as connection:
        kept = str([connection.exec_driver_sql(f"SELECT * FROM {it}").all() for it in ("sessions", "accounts")])
    assert "ada" in kept
    assert token not in kept
    assert PASSWORD not in kept
