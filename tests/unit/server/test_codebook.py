"""The codebook over the API, as data and as files."""

from xml.etree import ElementTree as Xml

import pytest
from fastapi.testclient import TestClient

from studium import Corpus
from studium.server.app import Settings, create_app


def test_every_variable_with_its_rules(client, study):
    answer = client("coder").get("/api/codebook")
    assert answer.status_code == 200, answer.text
    found = answer.json()["variables"]
    book = Corpus(study).codebook
    assert [one["digest"] for one in found] == [one.digest for one in book.variables]
    scene = found[0]
    assert (scene["name"], scene["of"], scene["type"], scene["pairs"], scene["only_if"], scene["low"]) == (
        *("scene", "image", "categorical", False, {}, None),
    )
    assert scene["values"][1] == {
        "name": "other",
        "definition": "Anything else <b>is</b>.",
        "include": [],
        "exclude": [],
        "examples": [],
        "units": [],
    }


@pytest.mark.parametrize(
    ("form", "media", "name"),
    [
        ("markdown", "text/markdown", "codebook.md"),
        ("html", "text/html", "codebook.html"),
        ("label_studio", "application/xml", "codebook.xml"),
    ],
)
def test_files_are_kept_and_not_shown(client, form, media, name):
    answer = client("coder").get("/api/codebook/export", params={"format": form})
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"].startswith(media)
    assert answer.headers["content-disposition"] == f'attachment; filename="{name}"'
    assert "What does the picture mainly show?" in answer.text
    assert "<b>is</b>" not in answer.text.replace("\\<b", "")
    if form == "label_studio":
        assert Xml.fromstring(answer.text).tag == "View"


@pytest.mark.parametrize(
    ("asked", "status"),
    [
        ({"format": "pdf"}, 422),
        ({"format": "label_studio", "of": "video"}, 400),
        ({"format": "label_studio", "of": "planet"}, 400),
        ({"format": "label_studio", "pairs": "true"}, 400),
    ],
)
def test_what_cannot_be_exported(client, asked, status):
    answer = client("coder").get("/api/codebook/export", params=asked)
    assert answer.status_code == status
    assert answer.json()["error"]["status"] == status


def test_a_study_without_a_codebook_has_an_empty_one(tmp_path):
    app = create_app(Corpus(tmp_path), Settings(token="t" * 32))
    browser = TestClient(app, base_url="http://127.0.0.1:8765", headers={"Authorization": f"Bearer {'t' * 32}"})
    assert browser.get("/api/codebook").json() == {"variables": []}
    assert "No variable is defined yet" in browser.get("/api/codebook/export").text
    app.state.records.close()
