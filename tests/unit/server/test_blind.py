"""Blind coding: whatever somebody asks who codes, nothing comes out that others or machines said."""

import importlib
import itertools
import json
import re
import shutil
from datetime import UTC, datetime

import pytest
from fastapi.testclient import TestClient

from studium import Corpus
from studium.core.annotation import Annotation
from studium.core.records import Account, Adjudication, ClusterEdit, Sample, Sampled, Task, Trait
from studium.core.unit import Span, Unit, derived_id
from studium.server.app import Settings, create_app
from studium.server.context import Viewer
from studium.server.routes import MODULES

AT = "http://127.0.0.1:8765"
NOW = datetime.now(UTC)
MORE = """
[remark]
question = "What else?"
of = "image"
type = "text"

[same]
question = "Is it the same?"
of = "image"
type = "binary"
pairs = true
values = [{name = "yes"}, {name = "no"}]
"""
BODIES = {
    "POST /tasks/{name}/annotations": {"answers": {"remark": "mine"}, "key": "k"},
    "PUT /coders/me/traits": {"traits": {"age": "30"}, "consent": "yes"},
    "POST /accounts/me/password": {"old": "a wrong guess", "new": "another horse, another staple"},
    "POST /session": {"name": "ben", "password": "a wrong guess"},
}
"""What is sent where a coder may send something."""
ORGANISING = {"GET /accounts", "GET /samples", "GET /tasks", "GET /disagreements"}
"""Whom there is, what was drawn and given: admins see it while they code. It tells nothing of a unit yet to code."""
CLOSED = {"search", "maps", "clusters", "failures", "agreement", "pairs"}
"""Modules that answer nobody who codes blind, except that there is no table to search."""


@pytest.fixture(scope="module")
def served(study, kept, tmp_path_factory):
    """The study; ben coded it, carla decided, dora drew pairs and named a cluster; all of it says "secret"."""
    root = tmp_path_factory.mktemp("blind")
    for name in ("studium.toml", "codebook.toml", "units", "tables", "attachments", "media"):
        (shutil.copytree if (study / name).is_dir() else shutil.copy)(study / name, root / name)
    (root / "codebook.toml").write_text((study / "codebook.toml").read_text() + MORE)
    (root / "coders.toml").write_text('consent = "yes"\n[age]\nquestion = "How old are you?"\n')
    corpus = Corpus(root)
    app = create_app(corpus, Settings(database=root / "studium.db"))
    records, digest = app.state.records, corpus.codebook["remark"].digest
    for name, role in {
        "ada": "coder",
        "ben": "coder",
        "carla": "adjudicator",
        "dora": "admin",
        "emma": "admin",
    }.items():
        records.accounts.put(Account(name, role, kept, NOW))
    units = corpus.units("image")["id"].to_pylist()[:4]
    face = Span(box=(0, 0, 9, 9))
    corpus.store.add_units([Unit(derived_id(units[0], "face", face), "face", parent=units[0], span=face)])
    table = next(one.recipe.label for one in corpus.store.tables("image") if one.recipe.name == "cluster")
    drawn = tuple(Sampled(unit, 0.123456789, "secret stratum") for unit in units)
    design = {"design": "secret design", "strata": {"secret stratum": {"units": 22, "drawn": 4}}, "seed": 1}
    records.samples.add(Sample("drawn", "image", design, "dora", NOW, units=drawn))
    records.tasks.add(Task("mine", "drawn", ["remark"], {}, "dora", NOW, units={"ada": units, "ben": units}))
    records.tasks.add(Task("hers", "drawn", ["remark", "people"], {}, "dora", NOW, units={"emma": units}))
    records.tasks.add(Task("secret task", "drawn", ["scene"], {}, "dora", NOW, units={"ben": units}))
    said = {"variable": "remark", "coder": "ben", "at": NOW, "variable_digest": digest, "sample": "drawn"}
    records.annotate([Annotation(unit=one, value="secret code", note="secret note", **said) for one in units])
    records.annotate([Annotation(unit=units[0], value="secret too", **(said | {"coder": "carla"}))])
    codes = {"carla": "secret too", "ben": "secret code"}
    records.adjudications.add(
        Adjudication(units[0], "remark", "secret decision", codes, "carla", NOW, digest, "secret")
    )
    records.clusters.add(ClusterEdit(f"image/{table}", 0, "secret cluster", None, "dora", NOW))
    records.traits.put([Trait("ben", "age", "secret age", "yes", NOW)])
    admin = browser(app, "dora", "admin")
    body = {"name": "pairs", "configurations": [f"image/{table}"], "n": 6, "across": 4}
    assert admin.post("/api/pairs", json=body).status_code == 201
    body = {"name": "same", "sample": "pairs", "variables": ["same"], "coders": ["ada", "ben"]}
    assert admin.post("/api/tasks", json=body).status_code == 201
    yield app, corpus, units
    records.close()


def browser(app, name, role):
    """A browser in which somebody is signed in."""
    found = app.state.sessions.begin(Viewer(name, role))
    made = TestClient(app, base_url=AT, cookies={app.state.settings.cookie: found.token})
    made.headers["X-CSRF-Token"] = found.csrf
    return made


@pytest.fixture(scope="module")
def secrets(served):
    """What a coder must not read: what was planted, and the names and columns of all that machines made."""
    tables = [one for kind in served[1].store.kinds() for one in served[1].store.tables(kind)]
    assert {one.recipe.name for one in tables} >= {"embed", "cluster", "map", "colour"}
    return ["secret", "0.123456789", "carla", "ben", *(one.recipe.label for one in tables)]


@pytest.fixture(scope="module")
def asked(served):
    """For the name of each parameter of any route, what may be asked; None leaves it out."""
    corpus, units = served[1:]
    table = {one.recipe.name: one.recipe.label for one in corpus.store.tables("image")}
    column = [f"{table['cluster']}.cluster", f"{table['cluster']}.name", f"{table['colour']}.brightness", "remark"]
    wanted = [None, *(json.dumps([{"column": one, "missing": True}]) for one in column)]
    video = corpus.units("video")["id"].to_pylist()
    return {
        "unit": [*units[:2], video[0]],
        "of": [None, "image", "frame", "video", "post"],
        "name": ["mine", "hers", "same", "drawn", "pairs", "secret task", "none"],
        "position": ["0", "1"],
        "after": ["-1"],
        "offset": ["0"],
        "limit": ["1000"],
        "filter": wanted,
        "query": [None, "secret"],
        "sort": [None, column[0]],
        "columns": [",".join(column), *column, "unit.kind", "post.text"],
        "table": [table["cluster"], table["map"], table["embed"]],
        "cluster": ["0"],
        "column": column,
        "by": [None, "embed"],
        "k": ["5"],
        "text": [None, "owl"],
        "step": [None],
        "error": [None],
        "task": [None, "mine"],
        "sample": ["pairs", "drawn", None],
        "variable": ["remark", "same"],
        "same": ["yes"],
        "open": ["false"],
        "format": ["markdown", "html", "label_studio"],
        "pairs": ["true", "false"],
        "side": ["64"],
        "longest": ["64"],
        "unblurred": ["true", "false"],
    }


def parameters(dependant):
    """The parameters of a route in its path and in its query, by name."""
    yield from (("path", one.alias) for one in dependant.path_params)
    yield from (("query", one.alias) for one in dependant.query_params)
    for one in dependant.dependencies:
        yield from parameters(one)


def requests(asked, method, route):
    """Every way to ask a route: path, query, body."""
    there = dict.fromkeys(parameters(route.dependant))
    for chosen in itertools.product(*(asked[name] for _, name in there)):
        given = [(place, name, value) for (place, name), value in zip(there, chosen, strict=True) if value is not None]
        path = f"/api{route.path}"
        for place, name, value in given:
            path = path.replace(f"{{{name}}}", value) if place == "path" else path
        if "{" not in path:
            body = dict(BODIES.get(f"{method} {route.path}", {}))
            yield path, {name: value for place, name, value in given if place == "query"}, body


def unasked(text, sent):
    """An answer without what was asked, which an error says again."""
    for word in sorted({piece for one in sent for piece in (one, *re.split('[,"]', one))}, key=len, reverse=True):
        text = text.replace(word, "") if len(word) > 3 else text
    return text


@pytest.mark.parametrize(("name", "role"), [("ada", "coder"), ("emma", "admin")])
@pytest.mark.parametrize("module", MODULES)
def test_no_route_tells_who_codes_what_others_or_machines_said(served, secrets, asked, module, name, role):
    app, _, units = served
    answered, organising = 0, ORGANISING if role == "admin" else ()
    for route in importlib.import_module(f"studium.server.routes.{module}").router.routes:
        (method,) = route.methods
        mine = browser(app, name, role)
        for path, query, body in requests(asked, method, route):
            if path.endswith("/annotations"):
                body["unit"] = units[0]
            said = mine.request(
                method, path, params=query, **({"json": body} if method not in {"GET", "DELETE"} else {})
            )
            assert said.status_code < 500, (method, path, said.text)
            answered += said.status_code < 300
            if said.headers.get("content-type", "").startswith(("image/", "video/")):
                continue
            text = unasked(f"{said.text} {said.headers}", [*path.split("/"), *query.values(), *str(body).split("'")])
            if f"{method} {route.path}" in organising:
                assert not [one for one in [*units, "secret code", "0.123456789"] if one in text], (path, said.text)
            else:
                assert not [one for one in secrets if one in text], (method, path, query, said.text)
    closed = CLOSED | ({"accounts", "samples"} if role == "coder" else set())
    tables = len(asked["of"]) - 1 if (module, role) == ("search", "admin") else 0  # that there are none of a kind
    assert (answered == tables) == (module in closed), f"{module}: {answered} requests were answered"


def test_an_admin_with_units_to_code_is_told_why_and_what_to_do(served, asked):
    emma = browser(served[0], "emma", "admin")
    for path in ("clusters?of=image", "maps?of=image", "search?of=image&text=owl", "failures", "losses", "agreement",
                 "pairs/pairs", "samples/drawn"):  # fmt: skip
        said = emma.get(f"/api/{path}")
        assert said.status_code == 403, path
        assert "emma has units yet to code (4 in the task 'hers')" in said.json()["error"]["message"]
        assert "sign in with an account that has none" in said.json()["error"]["message"]


def test_whoever_has_coded_everything_sees_everything_again(served):
    app, _, units = served
    emma = browser(app, "emma", "admin")
    assert emma.get(f"/api/units/{units[0]}").json()["blind"]
    for at, unit in enumerate(units):
        assert emma.get("/api/clusters?of=image").status_code == 403, at
        body = {"unit": unit, "answers": {"remark": "mine", "people": "no"}, "key": f"done {at}"}
        assert emma.post("/api/tasks/hers/annotations", json=body).status_code == 200
    assert emma.get("/api/clusters?of=image").status_code == 200
    shown = emma.get(f"/api/units/{units[0]}").json()
    assert (shown["blind"], bool(shown["tables"])) == (False, True)
    assert {one["coder"] for one in shown["annotations"]} >= {"ben", "carla", "emma"}
    body = {"unit": units[0], "withdrawn": ["remark"], "key": "taken back"}
    assert emma.post("/api/tasks/hers/annotations", json=body).status_code == 200
    assert emma.get("/api/clusters?of=image").status_code == 403  # it is open again


def test_who_serves_a_study_alone_is_blind_only_by_the_name_of_a_coder(served):
    token, said = "a-token-of-the-tests-long-enough-to-be-one", {}
    for coder in ("emma", "somebody"):
        made = create_app(Corpus(served[1].root), Settings(token, coder, served[1].root / "studium.db"))
        mine = TestClient(made, base_url=AT, headers={"Authorization": f"Bearer {token}"})
        said[coder] = mine.get("/api/maps?of=image")
        made.state.records.close()
    assert (said["emma"].status_code, said["somebody"].status_code) == (403, 200)
    assert "with another name as --coder" in said["emma"].json()["error"]["message"]


def test_what_machines_found_in_a_picture_is_not_shown_to_coders(served):
    app, _, units = served
    for name, role, kinds, status in (("ada", "coder", {}, 403), ("dora", "admin", {"face": 1}, 200)):
        mine = browser(app, name, role)
        assert mine.get(f"/api/units/{units[0]}").json()["children"] == kinds
        assert mine.get(f"/api/units/{units[0]}/children?of=face").status_code == status


def test_the_same_requests_tell_an_admin(served, secrets, asked):
    """Else the test above could not fail."""
    admin, told = browser(served[0], "dora", "admin"), set()
    for path in ("units/{unit}", "clusters", "clusters/{table}", "samples/{name}", "disagreements", "tasks", "columns"):
        route = next(one for one in routes() if one.path == f"/{path}" and "GET" in one.methods)
        for at, query, _ in requests(asked, "GET", route):
            text = admin.get(at, params=query).text
            told |= {one for one in secrets if one in text}
    assert told >= {"secret", "0.123456789", "carla", "ben"}
    assert sum("-" in one for one in told) > 3


def routes():
    """Every route under /api."""
    for name in MODULES:
        yield from importlib.import_module(f"studium.server.routes.{name}").router.routes
