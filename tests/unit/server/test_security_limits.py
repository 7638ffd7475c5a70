"""Who guesses passwords has to wait; what is too much is refused. Each test fails if its defence is taken away."""

import asyncio
import json
import statistics
import time

import pytest
from asgi import run, scope
from fastapi.testclient import TestClient
from starlette.exceptions import HTTPException

from studium import Corpus
from studium.server.app import Settings, create_app
from studium.server.limits import BODY, Deadline
from studium.server.passwords import hashed, matches

AT = "http://127.0.0.1:8765"
PASSWORD = "correct horse battery staple"  # as in conftest.py
TOKEN = "a-token-of-the-tests-long-enough-to-be-one"
COOKIE = "studium_session"


def guess(browser, name, headers=None):
    return browser.post("/api/session", json={"name": name, "password": "a wrong guess"}, headers=headers)


@pytest.mark.parametrize("name", ["ada", "nobody"])
def test_guesses_of_a_password_have_to_wait(browser, name):
    said = [guess(browser, name) for _ in range(8)]
    assert [one.status_code for one in said] == [401] * 5 + [429] * 3
    assert said[-1].headers["Retry-After"] == "2"
    right = browser.post("/api/session", json={"name": name, "password": PASSWORD})
    assert right.status_code == 429  # the right one would tell that it is right
    assert guess(browser, "ben").status_code == 401


def test_guesses_at_many_names_have_to_wait_too(app, browser, counted):
    app.state.by_address = counted(app, 3, 900)
    assert [guess(browser, f"name {n}").status_code for n in range(5)] == [401] * 3 + [429] * 2


def test_an_address_is_not_what_a_browser_says(app, browser, study, database, counted):
    app.state.by_address = counted(app, 2, 900)
    said = [guess(browser, f"n {n}", {"X-Forwarded-For": f"10.0.0.{n}"}).status_code for n in range(3)]
    proxied = create_app(Corpus(study), Settings(database=database, behind_proxy=True))
    proxied.state.by_address = counted(proxied, 2, 900)
    behind = TestClient(proxied, base_url=AT)
    told = [f"10.0.0.{n}, 192.0.2.1" for n in range(3)] + ["192.0.2.1, 192.0.2.2"]  # the proxy adds the last
    forwarded = [guess(behind, f"n {n}", {"X-Forwarded-For": one}).status_code for n, one in enumerate(told)]
    proxied.state.records.close()
    assert (said, forwarded) == ([401, 401, 429], [401, 401, 429, 401])


def test_a_name_that_is_none_is_refused_as_slowly_and_in_the_same_words(browser):
    assert guess(browser, "ada").json() == guess(browser, "nobody").json()

    def seconds(kept):
        begun = time.process_time()
        assert not matches(kept, "a wrong guess")
        return time.process_time() - begun

    one = hashed(PASSWORD)
    pairs = [(seconds(one), seconds(None)) for _ in range(3)]
    assert 0.5 < statistics.median(known / unknown for known, unknown in pairs) < 2


def test_a_session_that_asks_without_end_has_to_wait(study, tmp_path):
    made = create_app(Corpus(study), Settings(TOKEN, database=tmp_path / "studium.db", rate=0.5, burst=5))
    mine = TestClient(made, base_url=AT, headers={"Authorization": f"Bearer {TOKEN}"})
    said = [mine.get("/api/session") for _ in range(7)]
    others = TestClient(made, base_url=AT).get("/api/health")
    made.state.records.close()
    assert [one.status_code for one in said] == [200] * 5 + [429] * 2
    assert int(said[-1].headers["Retry-After"]) in {2, 3}
    assert others.status_code == 200


def test_who_finds_a_browser_open_cannot_guess_its_password(app, browser, client):
    asked = {"old": "a wrong guess", "new": "another horse, another staple"}
    mine = client(name="ben")
    said = [mine.post("/api/accounts/me/password", json=asked).status_code for _ in range(7)]
    assert said == [400] * 5 + [429] * 2
    assert mine.post("/api/accounts/me/password", json=asked | {"old": PASSWORD}).status_code == 429


def test_guesses_from_one_network_count_together(app, browser, study, database, counted):
    proxied = create_app(Corpus(study), Settings(database=database, behind_proxy=True))
    proxied.state.by_address = counted(proxied, 2, 900)
    behind = TestClient(proxied, base_url=AT)
    told = [
        "2001:db8::1",
        "2001:db8::2:3",
        "2001:db8:0:0:ffff::",
        "2001:db8:0:1::1",
        *["::ffff:192.0.2.1"] * 2,
        "192.0.2.1",
    ]
    said = [guess(behind, f"n {n}", {"X-Forwarded-For": one}).status_code for n, one in enumerate(told)]
    proxied.state.records.close()
    assert said == [401, 401, 429, 401, 401, 401, 429]


@pytest.mark.parametrize("method", ["POST", "DELETE", "PATCH", "GET"])
def test_a_body_that_says_it_is_too_large_is_refused(client, method):
    path = "/api/accounts/ben" if method == "PATCH" else "/api/session"
    said = client("admin").request(
        method, path, content=b" " * (BODY + 1), headers={"Content-Type": "application/json"}
    )
    assert (said.status_code, said.json()["error"]["type"]) == (413, "TooLargeError")
    assert said.headers["X-Content-Type-Options"] == "nosniff"


def test_a_body_without_an_end_is_counted_as_it_comes(app, client):
    taken, said = [], []
    token = client("admin").cookies[COOKIE]

    async def endless():
        taken.append(1 << 16)
        assert sum(taken) < 4 * BODY
        return {"type": "http.request", "body": b" " * taken[-1], "more_body": True}

    async def keep(message):
        said.append(message)

    headers = {"content-type": "application/json", "transfer-encoding": "chunked", "authorization": f"Bearer {token}"}
    run(app(scope("POST", "/api/accounts", headers), endless, keep))
    assert said[0]["status"] == 413
    assert sum(taken) == BODY + taken[0]
    assert json.loads(said[1]["body"])["error"]["type"] == "TooLargeError"


def test_a_body_that_drips_is_given_up():
    async def app(scope, receive, send):
        while (await receive()).get("more_body"):
            pass

    async def drip():
        await asyncio.sleep(0.02)
        return {"type": "http.request", "body": b".", "more_body": True}

    with pytest.raises(HTTPException, match=r"did not come within 0\.2 s") as told:
        run(Deadline(app, 0.2)({"type": "http"}, drip, None))
    assert told.value.status_code == 408


def test_deep_and_strange_json_is_refused(client):
    admin = client("admin")
    for body in (
        "[" * 100_000,
        '{"name": ' * 10_000,
        "{",
        "\ud800".encode("utf-8", "surrogatepass"),
        b"\xff\xfe",
        "NaN",
    ):
        said = admin.post("/api/accounts", content=body, headers={"Content-Type": "application/json"})
        assert said.status_code in {400, 422}
    long = json.dumps({"name": "9" * 10_000, "role": "coder", "password": PASSWORD})
    assert admin.post("/api/accounts", content=long, headers={"Content-Type": "application/json"}).status_code == 422
