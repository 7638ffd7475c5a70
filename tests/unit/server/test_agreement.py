"""Agreement and traits of coders over the API: who may see what, and that nothing undefined breaks JSON."""

from datetime import UTC, datetime, timedelta

import pytest

from studium import Corpus
from studium.core.annotation import Annotation

CONSENT = "I agree that this is kept, and compared between groups."
FORM = f'consent = "{CONSENT}"\n[party]\nquestion = "Which party is nearest to you?"\nvalues = ["left", "right"]\n'


@pytest.fixture(scope="module")
def coded(app, study):
    """Two coders, 12 pictures, two of them coded otherwise."""
    corpus = Corpus(study)
    scene = corpus.codebook["scene"]
    units = corpus.units("image")["id"].to_pylist()[:12]
    begin = datetime(2026, 3, 2, tzinfo=UTC)
    for coder, odd in (("ada", ()), ("ben", (0, 5))):
        app.state.records.annotate(
            Annotation(
                unit, "scene", "other" if at % 3 or at in odd else "animal", coder,
                begin + timedelta(minutes=at), scene.digest,
            )
            for at, unit in enumerate(units)
        )  # fmt: skip
    return units


def test_agreement_is_told_to_those_who_see_all_answers(client, coded):
    answer = client("adjudicator").get("/api/agreement", params={"variable": "scene"})
    assert answer.status_code == 200, answer.text
    (one,) = answer.json()["variables"]
    assert (one["variable"], one["type"], one["level"], one["units"], one["coded"]) == (
        *("scene", "categorical", "nominal"),
        *(12, 12),
    )
    measures = {measure["name"]: measure for measure in one["measures"]}
    assert measures["percent"]["value"] == pytest.approx(11 / 12)
    assert measures["cohen_kappa"]["low"] <= measures["cohen_kappa"]["value"] <= measures["cohen_kappa"]["high"]
    assert one["confusion"] == {"labels": ["animal", "other"], "counts": [[3, 1], [0, 8]]}
    assert [(pair["a"], pair["b"], pair["units"]) for pair in one["coder_pairs"]] == [("ada", "ben", 12)]
    assert one["unequal"] is False
    assert one["drift"][0]["trend"]["p"] is None
    assert "a trend needs" in one["drift"][0]["trend"]["reason"]
    assert client("coder").get("/api/agreement").status_code == 403, "they are to code blind"
    assert client("admin").get("/api/agreement?task=none").status_code == 404
    assert client("admin").get("/api/agreement?variable=none").status_code == 404


def test_nothing_coded_is_null(client):
    (one,) = client("admin").get("/api/agreement?variable=people").json()["variables"]
    assert one["measures"][0]["value"] is None
    assert one["measures"][0]["reason"] == "no unit was coded by two coders"
    assert one["confusion"] == {"labels": [], "counts": []}


def test_coders_say_something_of_themselves_and_take_it_back(client, study, app):
    browser = client(name="ada")
    said = {"traits": {"party": "left"}, "consent": CONSENT}
    assert browser.get("/api/coders/traits/questions").json() == {"consent": "", "questions": []}
    assert browser.put("/api/coders/me/traits", json=said).status_code == 400, "nothing is asked"
    (study / "coders.toml").write_text(FORM)
    try:
        asked = browser.get("/api/coders/traits/questions").json()
        assert asked["consent"] == CONSENT
        assert asked["questions"][0]["values"] == ["left", "right"]
        for wrong in ({"traits": {"party": "up"}}, {"traits": {"age": "9"}}, {"consent": "yes"}):
            assert browser.put("/api/coders/me/traits", json=said | wrong).status_code == 400
        assert browser.put("/api/coders/me/traits", json=said).json() == said
        assert browser.get("/api/coders/me/traits").json() == said
        assert client(name="ben").get("/api/coders/me/traits").json() == {"traits": {}, "consent": ""}
        assert browser.delete("/api/coders/me/traits").json() == {"deleted": 1}
    finally:
        (study / "coders.toml").unlink()
    assert browser.get("/api/coders/me/traits").json()["traits"] == {}
    logged = app.state.records.audit("traits withdrawn")[-1]
    assert (logged.who, logged.detail) == ("ada", {"traits": 1})
    assert "left" not in str(app.state.records.audit())
