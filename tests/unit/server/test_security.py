"""What an attacker would try. Each test fails if its defence is taken away."""

import asyncio
import importlib
import json
import shutil
import statistics
import time

import pytest
from fastapi.testclient import TestClient
from starlette.exceptions import HTTPException

from studium import Corpus
from studium.core.records.accounts import ROLES
from studium.server import context
from studium.server.app import Settings, create_app
from studium.server.auth import OPEN
from studium.server.limits import BODY, Attempts, Deadline
from studium.server.passwords import matches
from studium.server.routes import MODULES

AT = "http://127.0.0.1:8765"
PASSWORD = "correct horse battery staple"  # as in conftest.py
TOKEN = "a-token-of-the-tests-long-enough-to-be-one"
COOKIE = "studium_session"
EVIL = "http://evil.example"

# What a coder may ask, and what nobody but an admin: a new route is open to coders only if it is written down here.
CODER = {
    "GET /health",
    "POST /session",
    "GET /session",
    "DELETE /session",
    "POST /accounts/me/password",
    "GET /study",
    "GET /codebook",
    "GET /codebook/export",
    "GET /units",
    "GET /columns",
    "GET /facets",
    "GET /units/{unit}",
    "GET /units/{unit}/timeline",
    "GET /units/{unit}/children",
    "GET /units/{unit}/thumb",
    "GET /units/{unit}/picture",
    "GET /units/{unit}/media",
    "GET /tasks",
    "GET /tasks/{name}/next",
    "GET /tasks/{name}/items/{position}",
    "POST /tasks/{name}/annotations",
    "GET /coders/traits/questions",
    "GET /coders/me/traits",
    "PUT /coders/me/traits",
    "DELETE /coders/me/traits",
}
ADMIN = {
    "GET /accounts",
    "POST /accounts",
    "PATCH /accounts/{name}",
    "POST /samples",
    "POST /tasks",
    "POST /pairs",
}


def routes():
    """Every route under /api, as "METHOD /path" and what it is."""
    for name in MODULES:
        for route in importlib.import_module(f"studium.server.routes.{name}").router.routes:
            for method in route.methods:
                yield f"{method} {route.path}", route


def role_of(dependant):
    """The role that a route asks for."""
    calls = {context._adjudicator: "adjudicator", context._admin: "admin"}
    return max([calls.get(dependant.call, "coder"), *map(role_of, dependant.dependencies)], key=ROLES.index)


@pytest.fixture
def local(study, tmp_path):
    made = create_app(Corpus(study), Settings(TOKEN, database=tmp_path / "studium.db"))
    yield made
    made.state.records.close()


@pytest.fixture
def browser(app):
    """A browser in which nobody is signed in; what others tried is forgotten."""
    app.state.by_name, app.state.by_address = (Attempts(free, 60, clock=lambda: 0.0) for free in (5, 30))
    return TestClient(app, base_url=AT)


def filled(path):
    """A path with something in every place."""
    return "/".join("x" if part.startswith("{") else part for part in f"/api{path}".split("/"))


def scope(method, path, headers):
    """A request as a server hands it to the application."""
    sent = [(name.encode(), value.encode()) for name, value in {"host": "127.0.0.1:8765", **headers}.items()]
    whence = {"scheme": "http", "client": ("127.0.0.1", 1), "server": ("127.0.0.1", 8765), "root_path": ""}
    asked = {"method": method, "path": path, "raw_path": path.encode(), "query_string": b"", "headers": sent}
    return {"type": "http", "http_version": "1.1", "asgi": {"version": "3.0"}, **whence, **asked}


# nobody without a session, nobody above their role


def test_no_route_answers_without_a_session(browser):
    asked = [(*name.split(" "), route) for name, route in routes()]
    assert len(asked) > 10
    for method, path, _ in asked:
        if (method, f"/api{path}") not in OPEN:
            said = browser.request(method, filled(path), json={})
            assert (said.status_code, said.json()["error"]["type"]) == (401, "NotSignedIn"), f"{method} {path}"


@pytest.mark.parametrize("header", ["Bearer x", "Bearer " + "0" * 43, "Basic YWRhOmFkYQ==", "Bearer null", "Bearer é"])
def test_no_made_up_token_lets_in(browser, header):
    assert browser.get("/api/study", headers={"Authorization": header.encode("latin-1")}).status_code == 401
    browser.cookies.set(COOKIE, header.encode("ascii", "replace").decode().split(" ")[1])
    assert browser.get("/api/study").status_code == 401


def test_each_role_opens_its_routes_and_no_more(client):
    found = {name: role_of(route.dependant) for name, route in routes()}
    assert {name for name, role in found.items() if role == "admin"} == ADMIN
    assert {name for name, role in found.items() if role == "coder"} == CODER
    browsers = {role: client(role) for role in ROLES}
    for name, role in found.items():
        method, path = name.split(" ")
        for mine in ROLES[: ROLES.index(role)]:
            said = browsers[mine].request(method, filled(path), json={})
            assert (said.status_code, said.json()["error"]["type"]) == (403, "RefusedError"), f"{name} as {mine}"


def test_a_role_taken_away_is_gone_at_once(app, client):
    admin, other = client("admin"), client("adjudicator")
    assert other.get("/api/study").status_code == 200
    admin.patch("/api/accounts/carla", json={"active": False})
    assert other.get("/api/study").status_code == 401
    admin.patch("/api/accounts/carla", json={"active": True})
    assert other.get("/api/study").status_code == 401


# requests that another site makes a browser send


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


# sessions


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


# guessing


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


def test_guesses_at_many_names_have_to_wait_too(app, browser):
    app.state.by_address = Attempts(free=3, longest=900, clock=lambda: 0.0)
    assert [guess(browser, f"name {n}").status_code for n in range(5)] == [401] * 3 + [429] * 2


def test_an_address_is_not_what_a_browser_says(app, browser, study, database):
    app.state.by_address = Attempts(free=2, longest=900, clock=lambda: 0.0)
    said = [guess(browser, f"n {n}", {"X-Forwarded-For": f"10.0.0.{n}"}).status_code for n in range(3)]
    proxied = create_app(Corpus(study), Settings(database=database, behind_proxy=True))
    proxied.state.by_address = Attempts(free=2, longest=900, clock=lambda: 0.0)
    behind = TestClient(proxied, base_url=AT)
    told = [f"10.0.0.{n}, 192.0.2.1" for n in range(3)] + ["192.0.2.1, 192.0.2.2"]  # the proxy adds the last
    forwarded = [guess(behind, f"n {n}", {"X-Forwarded-For": one}).status_code for n, one in enumerate(told)]
    proxied.state.records.close()
    assert (said, forwarded) == ([401, 401, 429], [401, 401, 429, 401])


def test_a_name_that_is_none_is_refused_as_slowly_and_in_the_same_words(browser, kept):
    assert guess(browser, "ada").json() == guess(browser, "nobody").json()

    def seconds(hashed):
        begun = time.process_time()
        assert not matches(hashed, "a wrong guess")
        return time.process_time() - begun

    pairs = [(seconds(kept), seconds(None)) for _ in range(3)]
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


# too much


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
    asyncio.run(app(scope("POST", "/api/accounts", headers), endless, keep))
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
        asyncio.run(Deadline(app, 0.2)({"type": "http"}, drip, None))
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


# places


PATHS = [
    "../studium.toml",
    "..%2f..%2fstudium.toml",
    "%2e%2e/%2e%2e/studium.toml",
    "..%5c..%5cstudium.toml",
    "....//studium.toml",
    "%252e%252e%252fstudium.toml",
    "/etc/passwd",
    "%2fetc%2fpasswd",
    "..%00/etc/passwd",
    "file:///etc/passwd",
    "C:%5cWindows%5cwin.ini",
    "app.py",
    "../app.py",
    "..%2fapp.py",
    "assets/..%2f..%2fapp.py",
]


@pytest.mark.parametrize("path", PATHS)
def test_no_path_leads_out_of_its_place(client, path):
    admin = client("admin")
    places = [
        "/",
        "/assets/",
        "/api/",
        "/api/accounts/",
        "/api/units/",
        "/api/maps/",
        "/api/clusters/",
        "/api/samples/",
    ]
    tails = ["", "/media", "/thumb", "/picture", "/timeline"]
    for place in places:
        for tail in tails if place == "/api/units/" else [""]:
            said = admin.get(f"{place}{path}{tail}")
            assert said.status_code in {400, 404, 405, 422}, said.text
            assert "root:" not in said.text
            assert "create_app" not in said.text
            assert "What do they show?" not in said.text


def test_a_path_as_it_comes_over_the_wire_leads_nowhere_else(app):
    """Clients tidy ".." away before they send; a raw request does not."""

    async def ask(raw):
        said = []

        async def receive():
            return {"type": "http.request", "body": b""}

        async def send(message):
            said.append(message)

        await app(scope("GET", raw, {}), receive, send)
        return said[0]["status"]

    raws = ["/../app.py", "/assets/../../app.py", "//etc/passwd", "/..\\app.py", "/\0", "/assets/\0"]
    assert {raw: asyncio.run(ask(raw)) for raw in raws} == dict.fromkeys(raws[:4], 404) | dict.fromkeys(raws[4:], 400)


# what authors of posts and files wrote


def test_hostile_texts_come_as_data(client, study):
    admin = client("admin")
    hostile = '"><img src=x onerror=alert(1)>.png'
    for path in ("/api/units?of=post", "/api/units?of=image&limit=1000", "/api/failures", "/api/study"):
        said = admin.get(path)
        assert said.status_code == 200
        assert said.headers["Content-Type"] == "application/json"
        assert said.headers["X-Content-Type-Options"] == "nosniff"
        assert "default-src 'none'" in said.headers["Content-Security-Policy"]
    assert hostile in json.dumps(admin.get("/api/units?of=image&limit=1000").json(), ensure_ascii=False).replace(
        '\\"', '"'
    )


def test_a_file_is_never_a_page(client):
    admin = client("admin")
    units = {one["label"]: one["id"] for one in admin.get("/api/units?of=image&limit=1000").json()["items"]}
    said = admin.get(f"/api/units/{next(units[label] for label in units if 'not-a-picture' in label)}/media")
    assert (said.status_code, said.content) == (200, b"<script>alert('file')</script>")
    assert said.headers["Content-Type"].partition(";")[0] in {"image/png", "application/octet-stream"}
    assert said.headers["X-Content-Type-Options"] == "nosniff"
    assert "sandbox" in said.headers["Content-Security-Policy"]


def test_every_answer_has_its_headers(client, browser):
    admin = client("admin")
    for said in (admin.get("/"), admin.get("/nothing"), admin.get("/api/study"), browser.get("/api/study")):
        assert said.headers["X-Content-Type-Options"] == "nosniff"
        assert said.headers["X-Frame-Options"] == "DENY"
        assert said.headers["Referrer-Policy"] == "no-referrer"
        assert said.headers["Cross-Origin-Opener-Policy"] == "same-origin"
        assert "frame-ancestors 'none'" in said.headers["Content-Security-Policy"]
        assert "unsafe-inline" not in said.headers["Content-Security-Policy"]
        assert "server" not in said.headers
    assert admin.get("/api/study").headers["Cache-Control"] == "no-store"
    assert "script-src 'self'" in admin.get("/").headers["Content-Security-Policy"]


def test_no_error_tells_where_on_the_machine_the_study_lies(study, tmp_path):
    root = tmp_path / "study"
    shutil.copytree(study / "units", root / "units")
    shutil.copytree(study / "attachments", root / "attachments")
    (root / "media").mkdir()
    (root / "media" / "not-a-picture.png").write_bytes((study / "media" / "not-a-picture.png").read_bytes())
    (root / "codebook.toml").write_text("[x\n")
    made = create_app(Corpus(root), Settings(TOKEN, database=root / "studium.db"))
    mine = TestClient(made, base_url=AT, headers={"Authorization": f"Bearer {TOKEN}"})
    broken = mine.get("/api/units?of=image&query=not-a-picture").json()["items"][0]["id"]
    said = [mine.get(f"/api/{path}") for path in ("codebook", "tasks/x/next", f"units/{broken}/picture")]
    (root / "studium.toml").write_text("[study\n")
    said.append(mine.get("/api/study"))
    made.state.records.close()
    told = [one.json()["error"]["message"] for one in said]
    assert [one for one in told if str(tmp_path) in one or "/" in one.replace("media/", "")] == []
    names = ["codebook.toml: ", "codebook.toml: ", "media/not-a-picture.png: ", "studium.toml is not"]
    assert [one.startswith(name) for one, name in zip(told, names, strict=True)] == [True] * 4


def test_who_finds_a_browser_open_cannot_guess_its_password(app, browser, client):
    asked = {"old": "a wrong guess", "new": "another horse, another staple"}
    mine = client(name="ben")
    said = [mine.post("/api/accounts/me/password", json=asked).status_code for _ in range(7)]
    assert said == [400] * 5 + [429] * 2
    assert mine.post("/api/accounts/me/password", json=asked | {"old": PASSWORD}).status_code == 429


def test_guesses_from_one_network_count_together(app, browser, study, database):
    proxied = create_app(Corpus(study), Settings(database=database, behind_proxy=True))
    proxied.state.by_address = Attempts(free=2, longest=900, clock=lambda: 0.0)
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
