"""Signing in and out, with the server's token and with accounts."""

import pytest
from fastapi.testclient import TestClient

from studium import Corpus
from studium.errors import InputError, RefusedError, UnknownNameError
from studium.server.accounts import added, changed
from studium.server.app import Settings, create_app
from studium.server.context import Viewer
from studium.server.limits import Buckets
from studium.server.passwords import LONGEST, SHORTEST, hashed, matches
from studium.server.sessions import LocalSessions

AT = "http://127.0.0.1:8765"
PASSWORD = "correct horse battery staple"  # as in conftest.py
TOKEN = "a-token-of-the-tests-long-enough-to-be-one"
COOKIE = "studium_session"
NEW = "another horse, another staple"


@pytest.fixture
def local(tmp_path):
    made = create_app(Corpus(tmp_path), Settings(TOKEN, coder="me"))
    yield made
    made.state.records.close()


def sign_in(browser, name="ada", password=PASSWORD):
    said = browser.post("/api/session", json={"name": name, "password": password})
    browser.headers["X-CSRF-Token"] = said.json().get("csrf", "")
    return said


# the server's token


def test_the_token_opens_a_session_as_admin(local):
    browser = TestClient(local, base_url=AT)
    said = browser.post("/api/session", json={"token": TOKEN})
    csrf = said.json().pop("csrf")
    assert said.json() | {"csrf": ""} == {"mode": "local", "name": "me", "role": "admin", "csrf": ""}
    assert browser.get("/api/session").json()["csrf"] == csrf
    assert browser.delete("/api/session").status_code == 403
    assert browser.delete("/api/session", headers={"X-CSRF-Token": csrf}).status_code == 204
    assert not browser.cookies
    browser.cookies.set(COOKIE, said.cookies[COOKIE])
    assert browser.get("/api/session").status_code == 401


@pytest.mark.parametrize(
    ("body", "status"),
    [({}, 400), ({"token": ""}, 401), ({"token": TOKEN + "x"}, 401), ({"name": "me", "password": TOKEN}, 400)],
)
def test_nothing_else_does(local, body, status):
    said = TestClient(local, base_url=AT).post("/api/session", json=body)
    assert (said.status_code, "set-cookie" in said.headers) == (status, False)


@pytest.mark.parametrize(
    ("header", "status"),
    [
        (f"Bearer {TOKEN}", 200),
        (f"bearer  {TOKEN} ", 200),
        ("Bearer", 401),
        ("Bearer x", 401),
        (f"Basic {TOKEN}", 401),
        (TOKEN, 401),
    ],
)
def test_a_script_sends_the_token_with_each_request(local, header, status):
    assert TestClient(local, base_url=AT).get("/api/session", headers={"Authorization": header}).status_code == status


def test_a_wrong_token_is_not_made_good_by_a_cookie(local):
    browser = TestClient(local, base_url=AT)
    browser.post("/api/session", json={"token": TOKEN})
    assert browser.get("/api/session", headers={"Authorization": "Bearer x"}).status_code == 401


def test_a_local_session_outlives_the_server_but_not_its_token():
    me = Viewer("me", "admin")
    first = LocalSessions(TOKEN, me).begin(me)
    assert LocalSessions(TOKEN, me).find(first.token) == first
    assert LocalSessions(TOKEN + "2", me).find(first.token) is None


@pytest.mark.parametrize("forged", ["", ".", "..", "a.9999999999.", "a.x.b", "a.9999999999." + "0" * 64, "é.é.é"])
def test_a_forged_local_session_is_none(forged):
    assert LocalSessions(TOKEN, Viewer("me", "admin")).find(forged) is None


def test_a_local_session_is_over_after_twelve_hours(monkeypatch):
    me = Viewer("me", "admin")
    monkeypatch.setattr("studium.server.sessions.HOURS", 0)
    sessions = LocalSessions(TOKEN, me)
    assert sessions.find(sessions.begin(me).token) is None


def test_who_serves_themselves_has_no_password_to_change(local):
    asked = {"old": PASSWORD, "new": NEW}
    said = TestClient(local, base_url=AT, headers={"Authorization": f"Bearer {TOKEN}"}).post(
        "/api/accounts/me/password", json=asked
    )
    assert (said.status_code, "has no password" in said.json()["error"]["message"]) == (400, True)


# accounts


def test_name_and_password_open_a_session(browser):
    said = sign_in(browser).json()
    assert (said["mode"], said["name"], said["role"]) == ("accounts", "ada", "coder")
    assert browser.get("/api/session").json() == said
    assert browser.delete("/api/session").status_code == 204
    assert browser.get("/api/session").status_code == 401


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({}, 400),
        ({"name": "ada"}, 400),
        ({"token": PASSWORD}, 400),
        ({"name": "ada", "password": ""}, 401),
        ({"name": "ada", "password": PASSWORD.upper()}, 401),
        ({"name": "Ada", "password": PASSWORD}, 401),
        ({"name": "nobody", "password": PASSWORD}, 401),
        ({"name": "ada' OR '1'='1", "password": PASSWORD}, 401),
        ({"name": "ada\0", "password": PASSWORD}, 401),
        ({"name": "ada", "password": "x" * (LONGEST + 1)}, 422),
    ],
)
def test_nothing_else_opens_one(browser, body, status):
    said = browser.post("/api/session", json=body)
    assert (said.status_code, "set-cookie" in said.headers) == (status, False)


def test_a_session_outlives_the_server(app, browser, study, database):
    sign_in(browser)
    again = create_app(Corpus(study), Settings(database=database))
    token = browser.cookies[COOKIE]
    assert TestClient(again, base_url=AT, cookies={COOKIE: token}).get("/api/session").json()["name"] == "ada"
    again.state.records.close()


def test_a_session_is_over_after_its_hours(browser, monkeypatch):
    monkeypatch.setattr("studium.server.sessions.HOURS", 0)
    sign_in(browser)
    assert browser.get("/api/session").status_code == 401


def test_an_account_from_its_making_to_its_end(app, client, browser):
    admin = client("admin")
    made = admin.post("/api/accounts", json={"name": "eve", "role": "coder", "password": PASSWORD})
    assert made.status_code == 201
    assert "password" not in made.json()
    assert "argon2" not in admin.get("/api/accounts").text
    assert sign_in(browser, "eve").json()["role"] == "coder"
    assert admin.patch("/api/accounts/eve", json={"role": "adjudicator"}).json()["role"] == "adjudicator"
    assert browser.get("/api/session").status_code == 401  # what is changed ends the sessions
    assert sign_in(browser, "eve").json()["role"] == "adjudicator"
    assert not admin.patch("/api/accounts/eve", json={"active": False}).json()["active"]
    assert browser.get("/api/session").status_code == 401
    assert sign_in(browser, "eve").json()["error"]["message"] == sign_in(browser, "nobody").json()["error"]["message"]
    admin.patch("/api/accounts/eve", json={"active": True, "password": NEW})
    assert sign_in(browser, "eve").status_code == 401
    assert sign_in(browser, "eve", NEW).status_code == 200
    whats = [entry.what for entry in app.state.records.audit() if entry.detail.get("name") == "eve"]
    assert whats == ["account added", *["account changed"] * 3]
    assert PASSWORD not in str(app.state.records.audit())


def test_a_new_password_ends_the_other_sessions_and_renews_this_one(client, browser, app):
    client("admin").post("/api/accounts", json={"name": "pat", "role": "coder", "password": PASSWORD})
    other = TestClient(app, base_url=AT)
    sign_in(browser, "pat"), sign_in(other, "pat")
    before = browser.cookies[COOKIE]
    assert browser.post("/api/accounts/me/password", json={"old": "wrong", "new": NEW}).status_code == 400
    assert browser.post("/api/accounts/me/password", json={"old": PASSWORD, "new": "short"}).status_code == 400
    said = browser.post("/api/accounts/me/password", json={"old": PASSWORD, "new": NEW})
    assert said.json()["name"] == "pat"
    assert browser.cookies[COOKIE] != before
    assert browser.get("/api/session").json()["csrf"] == said.json()["csrf"]
    assert other.get("/api/session").status_code == 401


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({"name": "", "role": "coder", "password": PASSWORD}, "a name has up to 64"),
        ({"name": "a/b", "role": "coder", "password": PASSWORD}, "a name has up to 64"),
        ({"name": "..", "role": "coder", "password": PASSWORD}, "a name has up to 64"),
        ({"name": " ada", "role": "coder", "password": PASSWORD}, "a name has up to 64"),
        ({"name": "a\u202eb", "role": "coder", "password": PASSWORD}, "a name has up to 64"),
        ({"name": "ada", "role": "coder", "password": PASSWORD}, "there is an account 'ada' already"),
        ({"name": "new", "role": "coder", "password": "x" * (SHORTEST - 1)}, f"{SHORTEST} to {LONGEST} characters"),
    ],
)
def test_an_account_that_does_not_fit_is_not_made(client, body, said):
    admin = client("admin")
    before = admin.get("/api/accounts").json()
    answer = admin.post("/api/accounts", json=body)
    assert (answer.status_code, said in answer.json()["error"]["message"]) == (400, True)
    assert admin.get("/api/accounts").json() == before


def test_the_last_admin_stays_one(app):
    records = app.state.records
    for change in ({"active": False}, {"role": "coder"}):
        with pytest.raises(RefusedError, match="dora is the only admin"):
            changed(records, "dora", **change, who="dora")
    added(records, "drew", "admin", PASSWORD, who="dora")
    assert not changed(records, "drew", active=False, who="dora").active
    with pytest.raises(UnknownNameError, match="no account 'zoe'"):
        changed(records, "zoe", role="admin", who="dora")


# parts


def test_a_password_is_kept_as_argon2id_and_known_again():
    kept = hashed(PASSWORD)
    assert kept.startswith("$argon2id$")
    assert kept != hashed(PASSWORD)
    assert matches(kept, PASSWORD)
    assert not matches(kept, PASSWORD + " ")
    assert not matches(None, PASSWORD)
    assert not matches("no hash", PASSWORD)
    assert not matches(None, "a password of nobody")
    for wrong in ("", "x" * (SHORTEST - 1), "x" * (LONGEST + 1)):
        with pytest.raises(InputError, match="characters, got"):
            hashed(wrong)


def test_a_bucket_lets_its_burst_through_and_then_its_rate():
    now = [0.0]
    bucket = Buckets(rate=2, burst=3, clock=lambda: now[0])
    assert [bucket.take("a") for _ in range(4)] == [0, 0, 0, 0.5]
    assert bucket.take("b") == 0
    now[0] = 0.5
    assert [bucket.take("a") for _ in range(2)] == [0, 0.5]
    now[0] = 1000
    assert [bucket.take("a") == 0 for _ in range(4)] == [True, True, True, False]
