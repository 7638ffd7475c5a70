"""What people look at, over HTTP: units, columns, facets, search, maps, clusters; and what coders do not see."""

import base64
import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from studium.core.annotation import Annotation

Client = Callable[..., TestClient]


def test_pages_filters_facets(client: Client) -> None:
    browser = client("admin")
    page = browser.get("/api/units", params={"of": "image", "limit": 5, "offset": 20}).json()
    assert (page["total"], len(page["items"]), page["offset"], page["limit"]) == (23, 3, 20, 5)
    columns = {one["label"]: one for one in browser.get("/api/columns?of=image").json()}
    width = columns["width · properties"]["name"]
    wide = json.dumps([{"column": width, "low": 200}])
    asked = {"of": "image", "filter": wide, "sort": f"-{width}"}
    found = [one["width"] for one in browser.get("/api/units", params=asked).json()["items"]]
    assert found == sorted(found, reverse=True)
    assert min(found) >= 200
    (facet,) = browser.get("/api/facets", params={"of": "image", "columns": width}).json()
    assert (sum(one["n"] for one in facet["bins"]), facet["missing"], facet["type"]) == (22, 1, "number")
    (facet,) = browser.get("/api/facets", params={"of": "image", "columns": "post.id", "query": "owl"}).json()
    assert facet["values"] == [{"value": "2", "n": 1}]


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("units?of=nothing", 400),
        ("units?of=image&filter=%7B", 400),
        ("units?of=image&sort=no.such", 404),
        ("units?of=image&limit=0", 422),
        ("facets?of=image&columns=unit.path", 400),
        ("columns?of=%00", 400),
        ("search?of=image", 400),
        ("search?of=image&text=owl", 400),
        ("search?of=post&unit=" + "0" * 64, 400),
        ("search?of=image&by=none&text=a", 404),
        ("maps/none?of=image", 404),
        ("clusters/none?of=image", 404),
        ("units/" + "0" * 64, 404),
        ("units/" + "0" * 64 + "/timeline", 404),
    ],
)
def test_errors_have_one_shape(client: Client, path: str, status: int) -> None:
    answer = client("admin").get(f"/api/{path}")
    assert answer.status_code == status
    assert set(answer.json()["error"]) == {"status", "type", "message"}


def test_what_machines_made_is_not_for_coders(client: Client) -> None:
    browser = client("coder")
    assert {one["table"] for one in browser.get("/api/columns?of=image").json()} == {"unit", "attachment", "post"}
    unit = browser.get("/api/units?of=image").json()["items"][0]["id"]
    assert browser.get(f"/api/units/{unit}").json()["tables"] == []
    secret = next(
        one["name"] for one in client("admin").get("/api/columns?of=image").json() if "colour" in one["table"]
    )
    for path in (f"units?of=image&sort={secret}", f"facets?of=image&columns={secret}"):
        assert browser.get(f"/api/{path}").status_code == 404
    for path in ("maps?of=image", "clusters?of=image", "failures", "losses", "search/tables?of=image"):
        assert browser.get(f"/api/{path}").status_code == 403


def test_a_coder_sees_only_their_own_codes(client: Client, app: FastAPI) -> None:
    unit = client("coder").get("/api/units?of=image").json()["items"][1]["id"]
    codes = [
        Annotation(unit, "scene", value, who, datetime.now(UTC), "0" * 16)
        for who, value in (("ada", "animal"), ("ben", "other"))
    ]
    app.state.records.annotate(codes)
    assert [one["coder"] for one in client("coder", "ada").get(f"/api/units/{unit}").json()["annotations"]] == ["ada"]
    assert {one["coder"] for one in client("admin").get(f"/api/units/{unit}").json()["annotations"]} == {"ada", "ben"}


def test_search_by_unit_and_by_picture(client: Client, study: Path) -> None:
    browser = client("admin")
    unit = browser.get("/api/units?of=image&query=5.png").json()["items"][0]
    found = browser.get("/api/search", params={"of": "image", "unit": unit["id"], "k": 3}).json()["items"]
    assert (found[0]["id"], round(found[0]["score"], 6), len(found)) == (unit["id"], 1, 3)
    data = (study / "media" / "5.png").read_bytes()
    found = browser.post("/api/search/image?of=image&k=2", content=data, headers={"Content-Type": "image/png"}).json()
    assert found["items"][0]["id"] == unit["id"]
    for body, kind, status in ((b"", "image/png", 422), (b"no", "image/png", 422), (data, "text/plain", 400)):
        assert (
            browser.post("/api/search/image?of=image", content=body, headers={"Content-Type": kind}).status_code
            == status
        )
    huge = browser.post("/api/search/image?of=image", content=bytes(21 << 20), headers={"Content-Type": "image/png"})
    assert huge.status_code == 413


def test_a_map_from_points_to_units(client: Client) -> None:
    browser = client("admin")
    (listed,) = browser.get("/api/maps?of=image").json()
    at = f"/api/maps/{listed['table']}"
    points = browser.get(f"{at}?of=image").json()
    x = np.frombuffer(base64.b64decode(points["x"]), "<f4")
    assert (listed["n"], points["n"], len(x), x.min() >= 0) == (22, 22, 22, True)
    units = browser.post(f"{at}/units?of=image", json={"rows": [3, 0]}).json()["units"]
    assert units == sorted(units, reverse=True)
    assert browser.post(f"{at}/units?of=image", json={"rows": [22]}).status_code == 400
    colour = browser.get(f"{at}/colour?of=image&column=attachment.source").json()
    codes = np.frombuffer(base64.b64decode(colour["codes"]), "<u2")
    assert (colour["type"], len(codes), codes.max() < len(colour["categories"])) == ("category", 22, True)


def test_clusters_are_named_and_merged(client: Client) -> None:
    browser = client("adjudicator")
    (listed,) = browser.get("/api/clusters?of=image").json()
    at = f"/api/clusters/{listed['table']}"
    first, second = (one["cluster"] for one in browser.get(f"{at}?of=image").json()["clusters"][:2])
    assert browser.post(f"{at}/edits?of=image", json={"cluster": first, "name": "<b>"}).status_code == 200
    told = browser.post(f"{at}/edits?of=image", json={"cluster": second, "into": first}).json()["clusters"]
    whole = next(one for one in told if one["cluster"] == first)
    assert (whole["name"], whole["merged"], len(told)) == ("<b>", [second], listed["clusters"] - 1)
    assert browser.get(f"{at}/{first}/units?of=image").json()["total"] == whole["n"]
    (facet,) = browser.get(f"/api/facets?of=image&columns={listed['table']}.name").json()
    assert {"value": "<b>", "n": whole["n"]} in facet["values"]
    assert browser.post(f"{at}/edits?of=image", json={"cluster": 999}).status_code == 404
    assert browser.post(f"{at}/edits?of=image", json={"cluster": first}).status_code == 400
    assert client("coder").post(f"{at}/edits?of=image", json={"cluster": first, "name": "x"}).status_code == 403


def test_failures_and_losses(client: Client) -> None:
    browser = client("admin")
    page = browser.get("/api/failures?limit=1").json()
    assert (page["total"] >= 3, page["items"][0]["error"]) == (True, "UnknownFormatError")
    assert browser.get("/api/losses").json()["total"] == 0
    assert sum(one["n"] for one in page["steps"]) == sum(one["n"] for one in page["errors"]) == page["total"]
    some = browser.get("/api/failures", params={"step": page["steps"][0]["value"]}).json()
    assert {row["step"] for row in some["items"]} == {page["steps"][0]["value"]}
    assert (some["total"], some["steps"]) == (page["steps"][0]["n"], page["steps"])
    assert browser.get("/api/failures?error=None").json()["total"] == 0


def test_timeline(client: Client) -> None:
    unit = client("coder").get("/api/units?of=video").json()["items"][0]["id"]
    told = client("coder").get(f"/api/units/{unit}/timeline").json()
    assert (round(told["seconds"]), len(told["frames"]), told["speech"]) == (10, 5, [])
