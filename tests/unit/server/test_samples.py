"""Samples and pairs over the API: drawn by admins, seen by adjudicators, hidden from coders."""

from datetime import UTC, datetime

import handwritten
import pytest
from fastapi.testclient import TestClient

from studium.core.annotation import Annotation
from studium.core.records import Account
from studium.server.app import Settings, create_app
from studium.server.context import Viewer

ROLES = ("coder", "adjudicator", "admin")


@pytest.fixture(scope="module")
def corpus(tmp_path_factory):
    return handwritten.study(tmp_path_factory.mktemp("sampled"), 200)


@pytest.fixture(scope="module")
def app(corpus):
    made = create_app(corpus, Settings(database=str(corpus.root / "studium.db")))
    yield made
    made.state.records.close()


@pytest.fixture(scope="module")
def of_role(app):
    for role in ROLES:
        app.state.records.accounts.put(Account(role, role, "x", datetime.now(UTC)))

    def signed_in(role):
        found = app.state.sessions.begin(Viewer(role, role))
        browser = TestClient(app, base_url="http://127.0.0.1:8765", cookies={app.state.settings.cookie: found.token})
        browser.headers["X-CSRF-Token"] = found.csrf
        return browser

    return signed_in


def test_who_may(of_role):
    for path in ("/api/samples", "/api/samples/first", "/api/pairs/same"):
        assert of_role("coder").get(path).status_code == 403, "strata would tell what machines make of units"
    assert of_role("adjudicator").get("/api/samples").json() == []
    for path in ("/api/samples", "/api/pairs"):
        body = {"name": "a", "of": "image", "configurations": ["image/x"]}
        assert of_role("adjudicator").post(path, json=body).status_code in (403, 422)


def test_samples(of_role):
    admin = of_role("admin")
    wanted = {"name": "first", "of": "image", "n": 30, "design": "stratified", "by": "label", "seed": 3}
    made = admin.post("/api/samples", json=wanted)
    assert made.status_code == 201
    told = made.json()
    assert (told["drawn"], told["frame"], told["seed"], told["who"]) == (30, 200, 3, "admin")
    assert sum(one["drawn"] for one in told["strata"]) == 30
    assert told["estimates"] == "all units of the frame"
    assert admin.get("/api/samples").json() == [told]
    found = admin.get("/api/samples/first", params={"offset": 25, "limit": 10}).json()
    assert (found["units"]["total"], found["units"]["offset"], len(found["units"]["items"])) == (30, 25, 5)
    assert found["units"]["items"][0].keys() == {"id", "chance", "stratum"}
    chosen = [one["id"] for one in found["units"]["items"]]
    lasso = admin.post("/api/samples", json={"name": "lasso", "of": "image", "design": "purposive", "units": chosen})
    assert (lasso.json()["drawn"], "no population" in lasso.json()["estimates"]) == (5, True)


def test_what_is_refused(of_role):
    admin = of_role("admin")
    for body, status in (
        ({"name": "x", "of": "image", "n": 1000}, 400),
        ({"name": "x", "of": "nothing"}, 404),
        ({"name": "x", "of": "image", "design": "optimal"}, 400),
        ({"name": "x", "of": "image", "n": 0}, 422),
        ({"name": "", "of": "image"}, 422),
        ({"name": "x", "of": "image", "typo": 1}, 422),
    ):
        said = admin.post("/api/samples", json=body)
        assert said.status_code in {status, 400}, said.text
        assert said.json()["error"]["message"]
    assert admin.get("/api/samples/nothing").status_code == 404
    assert admin.get("/api/pairs/nothing").status_code == 404
    assert admin.post("/api/pairs", json={"name": "x", "configurations": ["image/none"]}).status_code == 404


def test_pairs(app, corpus, of_role):
    admin = of_role("admin")
    tables = handwritten.clusterings(corpus)
    made = admin.post("/api/pairs", json={"name": "same", "configurations": tables, "n": 120, "across": 60})
    assert made.status_code == 201
    assert 100 < made.json()["within"] < made.json()["pairs"] <= 180
    empty = admin.get("/api/pairs/same").json()
    assert (empty["known"], empty["uncoded"], empty["agreement"]) == (0, empty["drawn"], None)
    assert [one["share"] for one in empty["configurations"]] == [None, None]
    digit, digest = handwritten.classes(corpus), corpus.codebook["same"].digest
    records = app.state.records
    for coder in ("ada", "ben"):
        records.annotate(
            Annotation(one.unit, "same", "yes" if len({digit[u] for u in one.unit.split("+")}) == 1 else "no",
                       coder, datetime.now(UTC), digest)
            for one in records.samples.get("same").units
        )  # fmt: skip
    found = of_role("adjudicator").get("/api/pairs/same").json()
    assert (found["known"], found["coders"]) == (found["drawn"], ["ada", "ben"])
    assert [one["table"] for one in found["configurations"]] == tables
    for one in found["configurations"]:
        assert 0 <= one["low"] <= one["share"] == one["precision"] <= one["high"] <= 1
        assert one["cluster_low"] <= one["cluster_share"] <= one["cluster_high"]
        assert 0 < one["f1"] < 1
    assert {one["measure"] for one in found["differences"]} == {"share", "cluster_share", "recall", "f1"}
    assert all(one["low"] <= one["change"] <= one["high"] for one in found["differences"])
    assert {one["name"]: one["value"] for one in found["agreement"]["measures"]}["krippendorff_alpha"] == 1
    whole = admin.get("/api/samples/same").json()
    assert (whole["pairs"], whole["configurations"]) == (True, tables)
