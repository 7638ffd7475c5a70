"""Tasks, coding and decisions over the API, for each role."""

from datetime import UTC, datetime

import pytest

from studium import Corpus
from studium.core.records import Sample
from studium.core.records.samples import Sampled

TASK = {"name": "scenes", "sample": "first", "variables": ["scene", "people"], "coders": ["ada", "ben"]}


@pytest.fixture(scope="module")
def units(app, study):
    """Six units that are drawn."""
    found = Corpus(study).units("image")["id"].to_pylist()[:6]
    drawn = tuple(Sampled(unit, 0.5) for unit in found)
    app.state.records.samples.add(
        Sample("first", "image", {"design": "simple"}, "dora", datetime.now(UTC), units=drawn)
    )
    return found


@pytest.fixture(scope="module")
def task(client, units):
    """All of them for two coders."""
    made = client("admin").post("/api/tasks", json=TASK)
    assert made.status_code == 201, made.text
    return made.json()


def error(answer):
    return answer.status_code, answer.json()["error"]["type"]


def code(client, name, choose):
    """Everything that is open, as a browser does it."""
    browser, after = client(name=name), -1
    while (at := browser.get(f"/api/tasks/scenes/next?after={after}").json()["position"]) is not None:
        item = browser.get(f"/api/tasks/scenes/items/{at}").json()
        unit = item["unit"]["id"]
        body = {"unit": unit, "answers": {"scene": choose(unit), "people": "no"}, "seconds": 2.5, "key": f"{name}-{at}"}
        assert browser.post("/api/tasks/scenes/annotations", json=body).json()["added"] == 2
        after = at
    return browser


def test_a_task_and_who_sees_it(client, task):
    assert (task["of"], task["pairs"], task["mine"], task["problem"]) == ("image", False, None, None)
    assert [(one["coder"], one["total"], one["done"]) for one in task["coders"]] == [("ada", 6, 0), ("ben", 6, 0)]
    [own] = client(name="ada").get("/api/tasks").json()
    assert (own["mine"], own["coders"]) == ({"total": 6, "done": 0}, [])
    assert client("adjudicator").get("/api/tasks").json() == [task]
    assert error(client("coder").post("/api/tasks", json=TASK | {"name": "x"})) == (403, "RefusedError")
    assert error(client("admin").post("/api/tasks", json=TASK)) == (400, "InputError")
    assert error(client("admin").post("/api/tasks", json=TASK | {"name": "x", "sample": "no"})) == (
        404,
        "UnknownNameError",
    )
    assert error(client("admin").post("/api/tasks", json=TASK | {"name": "x", "overlap": 2})) == (422, "InputError")


def test_an_item_is_blind(client, task):
    seen = client(name="ada").get("/api/tasks/scenes/items/0").json()
    assert seen["unit"]["label"] == f"image {seen['unit']['id'][:8]}"
    assert set(seen["unit"]) == {"id", "kind", "label", "text", "width", "height", "media"}
    assert (seen["pair"], seen["answers"], seen["coded"], seen["skipped"]) == (None, {}, False, [])
    assert error(client(name="ada").get("/api/tasks/scenes/items/6")) == (404, "UnknownNameError")
    assert error(client(name="carla").get("/api/tasks/scenes/items/0")) == (403, "RefusedError")
    assert error(client(name="ada").get("/api/tasks/none/next")) == (404, "UnknownNameError")


def test_from_codes_to_decisions(app, client, task, units):
    ada = code(client, "ada", lambda unit: "animal")
    again = {"unit": units[0], "answers": {"scene": "animal", "people": "no"}, "key": f"ada-{_at(ada, units[0])}"}
    kept = ada.post("/api/tasks/scenes/annotations", json=again).json()
    assert kept == {"added": 0, "done": 6, "total": 6}
    code(client, "ben", lambda unit: "other" if unit in units[:2] else "animal")
    carla = client("adjudicator")
    found = carla.get("/api/disagreements?variable=scene&task=scenes").json()
    assert (found["total"], [one["id"] for one in found["items"]]) == (
        2,
        [one for one in _order(app) if one in units[:2]],
    )
    assert found["items"][0]["codes"] == {"ada": "animal", "ben": "other"}
    assert carla.get("/api/disagreements?variable=people").json()["items"] == []
    assert carla.get("/api/disagreements?variable=scene&limit=1&offset=1").json()["items"] == found["items"][1:]
    decision = {"unit": found["items"][0]["id"], "variable": "scene", "value": "other", "note": "see the hat"}
    made = carla.post("/api/adjudications", json=decision)
    assert (made.status_code, made.json()["value"], made.json()["who"]) == (201, "other", "carla")
    left = carla.get("/api/disagreements?variable=scene&open=true").json()
    assert [one["id"] for one in left["items"]] == [found["items"][1]["id"]]
    shown = carla.get("/api/disagreements?variable=scene").json()["items"][0]
    assert (shown["decision"]["note"], shown["codes"]) == ("see the hat", {"ada": "animal", "ben": "other"})
    for path in ("/api/disagreements?variable=scene",):
        assert error(ada.get(path)) == (403, "RefusedError")
    assert error(ada.post("/api/adjudications", json=decision)) == (403, "RefusedError")
    assert error(carla.get("/api/disagreements?variable=none")) == (404, "UnknownNameError")
    assert len(app.state.records.annotations(history=True)) == 24


def test_undo_and_what_is_refused(app, client, task, units):
    ada, address = client(name="ada"), "/api/tasks/scenes/annotations"
    undone = ada.post(address, json={"unit": units[0], "withdrawn": ["scene", "people"], "key": "undo"}).json()
    assert undone == {"added": 2, "done": 5, "total": 6}
    assert error(ada.post(address, json={"unit": "f" * 64, "answers": {"scene": "animal"}})) == (403, "RefusedError")
    assert error(ada.post(address, json={"unit": units[0], "answers": {"scene": "moon"}})) == (400, "InputError")
    assert error(ada.post(address, json={"unit": units[0], "answers": {"scene": [1, {}]}})) == (422, "InputError")
    assert error(ada.post(address, json={"unit": units[0], "answers": {"none": "x"}})) == (404, "UnknownNameError")
    assert error(ada.post(address, json={"unit": units[0]})) == (400, "InputError")
    read = {"unit": units[0], "answers": {"scene": "animal"}, "definitions": {"scene": "0" * 16}}
    assert error(ada.post(address, json=read)) == (400, "InputError")  # the codebook says another thing by now
    assert error(client(name="carla").post(address, json={"unit": units[0]})) == (403, "RefusedError")
    assert len(app.state.records.annotations(history=True)) == 26
    redone = {"unit": units[0], "answers": {"scene": "animal", "people": None}, "note": "again"}
    assert ada.post(address, json=redone).json()["done"] == 6
    item = ada.get(f"/api/tasks/scenes/items/{_at(ada, units[0])}").json()
    assert (item["answers"], item["note"], item["coded"]) == ({"scene": "animal", "people": None}, "again", True)


def _at(browser, unit):
    items = [browser.get(f"/api/tasks/scenes/items/{at}").json() for at in range(6)]
    return next(one["position"] for one in items if one["unit"]["id"] == unit)


def _order(app):
    return list(dict.fromkeys(one.unit for one in app.state.records.annotations("scene")))
