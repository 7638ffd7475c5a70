"""No path leads out of its place, and what authors of posts and files wrote comes as data.

Each test fails if its defence is taken away."""

import json
import shutil

import pytest
from asgi import run, scope
from fastapi.testclient import TestClient

from studium import Corpus
from studium.server.app import Settings, create_app

AT = "http://127.0.0.1:8765"
TOKEN = "a-token-of-the-tests-long-enough-to-be-one"


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
    assert {raw: run(ask(raw)) for raw in raws} == dict.fromkeys(raws[:4], 404) | dict.fromkeys(raws[4:], 400)


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
