"""A small real study, served to a coder, an adjudicator and an admin; its records in SQLite and in PostgreSQL."""

import csv
import shutil
import uuid
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from argon2 import PasswordHasher
from fastapi import FastAPI
from fastapi.testclient import TestClient

from studium import Corpus, sources
from studium.core.records import Account
from studium.core.records.attempts import Attempts
from studium.server.app import Settings, create_app
from studium.server.context import Viewer

AT = "http://127.0.0.1:8765"
PASSWORD = "correct horse battery staple"
TEAM = {"ada": "coder", "ben": "coder", "carla": "adjudicator", "dora": "admin"}
HOSTILE = '"><img src=x onerror=alert(1)>.png'  # a file name
CAPTION = "<script>alert('caption')</script> \u202egnp.exe & 'quotes' \"of both kinds\""
CODEBOOK = """\
[scene]
question = "What does the picture mainly show?"
of = "image"
type = "categorical"

[[scene.values]]
name = "animal"
definition = "One or more living animals are the main subject."

[[scene.values]]
name = "other"
definition = "Anything else <b>is</b>."

[tone]
question = "How friendly is it?"
of = "image"
type = "ordinal"
values = [{name = "hostile"}, {name = "neutral"}, {name = "friendly"}]

[people]
question = "Are there people?"
of = "image"
type = "binary"
values = [{name = "yes"}, {name = "no"}]
"""


@pytest.fixture(scope="session")
def study(tmp_path_factory: pytest.TempPathFactory, stamps: Path, videos: Path) -> Path:
    """A study of 22 pictures with posts and a video of 10 s, measured, clustered and mapped; only read by the tests."""
    root = tmp_path_factory.mktemp("served") / "study"
    media = root / "media"
    media.mkdir(parents=True)
    pictures = sorted(stamps.rglob("*.png"))[::36][:22]
    names = [HOSTILE, *(path.name for path in pictures[1:])]
    for name, path in zip(names, pictures, strict=True):
        shutil.copy(path, media / name)
    shutil.copy(videos / "bikes.mp4", media / "bikes.mp4")
    (media / "not-a-picture.png").write_bytes(b"<script>alert('file')</script>")
    with (root / "posts.csv").open("w", newline="", encoding="utf-8") as file:
        rows = [("1", CAPTION, names[0]), ("2", "An owl", names[1]), ("3", "Bikes go by", "bikes.mp4"), ("4", "", "")]
        csv.writer(file).writerows([("id", "text", "media"), *rows])
    (root / "studium.toml").write_text('[study]\ntitle = "Stamps <b>"\nquestion = "What do they show?"\nseed = 1\n')
    (root / "codebook.toml").write_text(CODEBOOK)
    corpus = Corpus(root)
    corpus.add(sources.folder(media))
    corpus.add(sources.posts(root / "posts.csv", media="media", root=media))
    for measure in ("properties", "colour", "embed"):
        corpus.measure(measure, of="image")
    corpus.cluster("image", by="embed")
    corpus.map("image", by="embed")
    corpus.split("frames", of="video", every=2.0)
    corpus.split("shots", of="video")
    return root


@pytest.fixture(scope="session")
def kept() -> str:
    """The hash of `PASSWORD`, which everybody has: one that is known again at once, as tests sign in often."""
    return PasswordHasher(time_cost=1, memory_cost=8, parallelism=1).hash(PASSWORD)


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> str:
    """A new database, in turn of each sort."""
    if request.param == "sqlite":
        return str(tmp_path_factory.mktemp("records") / "studium.db")
    url: str = request.getfixturevalue("postgresql").database()
    return url


@pytest.fixture(scope="module")
def app(study: Path, database: str, kept: str) -> Iterator[FastAPI]:
    """The application of the study, with the accounts of `TEAM`."""
    made = create_app(Corpus(study), Settings(database=database))
    for name, role in TEAM.items():
        made.state.records.accounts.put(Account(name, role, kept, datetime.now(UTC)))
    yield made
    made.state.records.close()


@pytest.fixture
def counted() -> Callable[..., Attempts]:
    """``counted(app, free)``: attempts of a sort that nobody has made yet, at a clock that stands still."""

    def made(app: FastAPI, free: int, longest: float = 60) -> Attempts:
        return Attempts(app.state.records, f"test {uuid.uuid4()}", free, longest, clock=lambda: 4e9)

    return made


@pytest.fixture
def browser(app: FastAPI, counted: Callable[..., Attempts]) -> TestClient:
    """A browser in which nobody is signed in; what others tried is forgotten."""
    app.state.by_name, app.state.by_address = counted(app, 5), counted(app, 30)
    return TestClient(app, base_url=AT)


@pytest.fixture(scope="module")
def client(app: FastAPI) -> Callable[..., TestClient]:
    """``client("coder")``: a browser in which somebody of this role (or name) is signed in."""

    def signed_in(role: str = "admin", name: str = "") -> TestClient:
        name = name or next(who for who, theirs in TEAM.items() if theirs == role)
        found = app.state.sessions.begin(Viewer(name, TEAM[name]))
        browser = TestClient(app, base_url=AT, cookies={app.state.settings.cookie: found.token})
        browser.headers["X-CSRF-Token"] = found.csrf
        return browser

    return signed_in
