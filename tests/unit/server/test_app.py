"""The application: what it serves, how it says what went wrong, and that it sees what changes meanwhile."""

import importlib
import logging
import shutil
from importlib.metadata import version

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from studium import Corpus
from studium.errors import (
    BusyError,
    ConfigError,
    InputError,
    MissingExtraError,
    OfflineError,
    RefusedError,
    StoreError,
    TruncatedFileError,
    UnknownNameError,
)
from studium.server.app import Settings, create_app
from studium.server.limits import BODY, LARGE_BODY
from studium.server.routes import MODULES
from studium.server.static import serve_app

AT = "http://127.0.0.1:8765"
TOKEN = "a-token-of-the-tests-long-enough-to-be-one"
MINE = {"Authorization": f"Bearer {TOKEN}"}


@pytest.fixture
def local(study, tmp_path):
    """The application as its owner has it, on a copy of the study file."""
    for name in ("studium.toml", "codebook.toml", "units", "tables", "attachments"):
        (shutil.copytree if (study / name).is_dir() else shutil.copy)(study / name, tmp_path / name)
    made = create_app(Corpus(tmp_path), Settings(TOKEN, database=tmp_path / "studium.db"))
    yield made
    made.state.records.close()


@pytest.fixture
def mine(local):
    return TestClient(local, base_url=AT, headers=MINE)


def test_health_says_the_version_to_anybody(local):
    said = TestClient(local, base_url=AT).get("/api/health")
    assert (said.status_code, said.json()) == (200, {"version": version("studium"), "mode": "local"})


def test_the_study_and_how_much_of_it_there_is(client, database):
    said = client("coder").get("/api/study").json()
    assert (said["title"], said["question"], said["blur_faces"]) == ("Stamps <b>", "What do they show?", False)
    kinds = {one["kind"]: (one["n"], one["offers"]) for one in said["kinds"]}
    assert kinds["image"] == (23, ["file", "image", "material"])
    assert kinds["post"][0] == 4
    assert kinds["frame"][0] == 5
    assert said["database"] == ("postgresql" if "://" in database else "sqlite")


def test_a_study_of_nothing_is_served(tmp_path):
    made = create_app(Corpus(tmp_path), Settings(TOKEN))
    said = TestClient(made, base_url=AT, headers=MINE).get("/api/study").json()
    made.state.records.close()
    assert (said["title"], said["kinds"]) == ("", [])
    assert (tmp_path / "studium.db").exists()


def test_it_sees_what_the_study_file_says_now(mine, local, tmp_path):
    assert mine.get("/api/study").json()["title"] == "Stamps <b>"
    (tmp_path / "studium.toml").write_text('[study]\ntitle = "Renamed"\n[serve]\nblur_faces = true\n')
    assert mine.get("/api/study").json() | {"kinds": []} == {
        "title": "Renamed",
        "question": "",
        "blur_faces": True,
        "kinds": [],
        "database": "sqlite",
        "version": version("studium"),
    }
    (tmp_path / "studium.toml").write_text("[study\n")
    said = mine.get("/api/study")
    assert (said.status_code, said.json()["error"]["type"]) == (400, "ConfigError")
    (tmp_path / "studium.toml").unlink()
    assert mine.get("/api/study").json()["title"] == ""


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (InputError("of \ud800"), 400),
        (ConfigError("of"), 400),
        (UnknownNameError("of"), 404),
        (RefusedError("of"), 403),
        (BusyError("of"), 409),
        (TruncatedFileError("of"), 422),
        (MissingExtraError("of", "serve"), 501),
        (OfflineError("of"), 503),
    ],
    ids=lambda value: type(value).__name__,
)
def test_each_error_has_its_status_and_says_what_it_says(local, mine, error, status):
    @local.get("/api/raise")
    def fails() -> None:
        raise error

    said = mine.get("/api/raise")
    told = {"status": status, "type": type(error).__name__, "message": str(error).replace("\ud800", "\\ud800")}
    assert (said.status_code, said.json()) == (status, {"error": told})


@pytest.mark.parametrize("error", [ZeroDivisionError("secret 7"), StoreError("/home/me/secret 7")], ids=repr)
def test_what_nobody_expected_is_logged_and_not_told(local, mine, caplog, error):
    @local.get("/api/raise")
    def fails() -> None:
        raise error

    with caplog.at_level(logging.ERROR, logger="studium.server"):
        said = mine.get("/api/raise")
    assert said.status_code == 500
    assert said.json()["error"]["type"] == "ServerError"
    assert "secret" not in said.text
    assert said.headers["X-Request-Id"] in said.json()["error"]["message"]
    assert said.headers["X-Content-Type-Options"] == "nosniff"
    assert "secret 7" in caplog.text
    assert said.headers["X-Request-Id"] in caplog.text


@pytest.mark.parametrize(
    ("method", "path", "status", "kind"),
    [
        ("GET", "/api/nothing", 404, "UnknownNameError"),
        ("GET", "/nothing", 404, "UnknownNameError"),
        ("POST", "/api/health", 405, "InputError"),
        ("DELETE", "/api/study", 405, "InputError"),
        ("POST", "/", 405, "InputError"),
    ],
)
def test_what_is_not_there_has_the_same_shape(mine, method, path, status, kind):
    said = mine.request(method, path)
    assert said.json()["error"]["status"] == said.status_code == status
    assert said.json()["error"]["type"] == kind
    assert path in said.json()["error"]["message"]


def test_what_does_not_fit_the_description_says_where(mine):
    said = mine.post("/api/accounts", json={"name": "eve", "role": "queen"})
    assert (said.status_code, said.json()["error"]["type"]) == (422, "InputError")
    assert "body.role: Input should be 'coder', 'adjudicator' or 'admin'" in said.json()["error"]["message"]
    assert "body.password: Field required" in said.json()["error"]["message"]


def test_every_route_has_a_name_a_model_and_the_errors(local):
    routes = [
        route for name in MODULES for route in importlib.import_module(f"studium.server.routes.{name}").router.routes
    ]
    described = local.openapi()
    operations = {o["operationId"]: o for path in described["paths"].values() for o in path.values()}
    assert len(operations) == len(routes)
    for name, operation in operations.items():
        assert operation["description"].endswith("."), name
        assert {"400", "401", "403", "404", "409", "413", "422", "429"} <= set(operation["responses"]), name
        good = next(body for status, body in operation["responses"].items() if status.startswith("2"))
        assert operation["responses"].get("204") or all(one.get("schema") for one in good["content"].values()), name
    assert set(described["components"]["securitySchemes"]) == {"cookie", "bearer"}
    assert operations["session_health"]["security"] == operations["session_sign_in"]["security"] == []


def test_the_description_needs_a_session_too(local, mine):
    assert TestClient(local, base_url=AT).get("/api/openapi.json").status_code == 401
    assert mine.get("/api/openapi.json").json()["info"]["title"] == "studium"


def test_bodies_end_at_a_megabyte_and_at_twenty_where_a_route_says_so(local, mine):
    @local.post("/api/small")
    def small(body: list[str]) -> int:
        return len(body)

    @local.post("/api/large", max_body_size=LARGE_BODY)
    def large(body: list[str]) -> int:
        return len(body)

    def sent(path, size):
        return mine.post(path, content=b'["' + b"x" * (size - 4) + b'"]', headers={"Content-Type": "application/json"})

    assert sent("/api/small", BODY).status_code == 200
    assert sent("/api/small", BODY + 1).json()["error"]["type"] == "TooLargeError"
    assert sent("/api/large", LARGE_BODY).status_code == 200
    assert sent("/api/large", LARGE_BODY + 1).status_code == 413


@pytest.fixture
def built(tmp_path):
    """A built app, beside something that is none of it."""
    (tmp_path / "static" / "assets").mkdir(parents=True)
    (tmp_path / "static" / "index.html").write_text("<!doctype html><title>studium</title>")
    (tmp_path / "static" / "assets" / "index-abc.js").write_text("export {}")
    (tmp_path / "secret").write_text("secret")
    app = FastAPI()
    serve_app(app, tmp_path / "static")
    return TestClient(app)


def test_the_app_is_asked_for_each_time_and_its_parts_once(built):
    page, part = built.get("/"), built.get("/assets/index-abc.js")
    assert "text/html" in page.headers["Content-Type"]
    assert "immutable" not in page.headers.get("Cache-Control", "")
    assert part.headers["Content-Type"].startswith("text/javascript")
    assert part.headers["Cache-Control"] == "public, max-age=31536000, immutable"
    again = built.get("/assets/index-abc.js", headers={"If-None-Match": part.headers["ETag"]})
    assert (again.status_code, again.headers["Cache-Control"]) == (304, part.headers["Cache-Control"])


def test_without_the_app_the_page_says_what_to_do(tmp_path):
    app = FastAPI()
    serve_app(app, tmp_path)
    page = TestClient(app).get("/")
    assert page.status_code == 200
    assert "make app" in page.text
    assert "npm" in page.text
