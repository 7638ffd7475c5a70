"""Nobody comes in without a session, and nobody above their role. Each test fails if its defence is taken away."""

import importlib

import pytest

from studium.core.records.accounts import ROLES
from studium.server import context
from studium.server.auth import OPEN
from studium.server.routes import MODULES

COOKIE = "studium_session"


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


def filled(path):
    """A path with something in every place."""
    return "/".join("x" if part.startswith("{") else part for part in f"/api{path}".split("/"))


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
