"""Disagreements, what is decided about them, and what labels make of it."""

from datetime import UTC, datetime

import numpy as np
import pytest

from studium.coding.dawid_skene import DawidSkene
from studium.core.annotation import Annotation
from studium.core.codebook import Codebook
from studium.core.records import Adjudication, Records, Sample
from studium.core.records.samples import Sampled
from studium.core.variable import Value, Variable
from studium.errors import InputError, RefusedError, UnknownNameError
from studium.learn.labels.targets import Targets
from studium.run.coding.adjudicate import Decision, Where, adjudicate, disagreements
from studium.run.coding.annotate import Coded, save
from studium.run.coding.opened import opened
from studium.run.coding.settled import combined
from studium.run.coding.tasks import Work, give

SCENE = Variable("scene", "?", "image", "categorical", (Value("people"), Value("animal"), Value("thing")))
TAGS = Variable("tags", "?", "image", "multilabel", (Value("old"), Value("torn")))
SHARE = Variable("share", "?", "image", "continuous")
BOOK = Codebook((SCENE, TAGS, SHARE))
NOW = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture
def records(tmp_path):
    with opened(tmp_path) as found:
        yield found


def said(records, variable, codes, sample=None):
    """What coders say: unit -> answers of ada, ben, cleo."""
    records.annotate(
        Annotation(unit, variable.name, value, coder, NOW, variable.digest, 2.0, f"of {unit}", sample)
        for unit, values in codes.items()
        for coder, value in zip(("ada", "ben", "cleo"), values, strict=False)
        if value != "-"
    )


def target(records, root, variable, **more):
    return combined(root, Targets(variable, **more), records.annotations(variable.name))


def test_nobody_and_nobody_disagrees(records):
    assert disagreements(records, BOOK, Where("scene")) == []
    said(records, SCENE, {"u1": ["people", "people"], "u2": ["people"]})
    assert disagreements(records, BOOK, Where("scene")) == []
    with pytest.raises(UnknownNameError, match="no variable 'x'"):
        disagreements(records, BOOK, Where("x"))
    with pytest.raises(UnknownNameError, match="no task 'x'"):
        disagreements(records, BOOK, Where("scene", "x"))


def test_what_is_decided_stands_beside_the_disagreement(records):
    said(records, SCENE, {"u1": ["people", "animal"], "u2": ["thing", None], "u3": ["thing", "thing"]})
    found = disagreements(records, BOOK, Where("scene"))
    assert [(one.unit, one.codes, one.decision) for one in found] == [
        ("u1", {"ada": "people", "ben": "animal"}, None), ("u2", {"ada": "thing", "ben": None}, None)
    ]  # fmt: skip
    assert found[0].notes == {"ada": "of u1", "ben": "of u1"}
    made = adjudicate(records, BOOK, Decision("u1", "scene", "Animal", "it barks"), "eve")
    assert (made.value, made.codes, made.who, made.note) == (
        "animal",
        {"ada": "people", "ben": "animal"},
        "eve",
        "it barks",
    )
    found = disagreements(records, BOOK, Where("scene"))
    assert [one.decision and one.decision.value for one in found] == ["animal", None]
    assert [one.unit for one in disagreements(records, BOOK, Where("scene", undecided=True))] == ["u2"]
    adjudicate(records, BOOK, Decision("u1", "scene", "people"), "eve")
    assert disagreements(records, BOOK, Where("scene"))[0].decision.value == "people"
    assert len(records.adjudications.all(history=True)) == 2
    assert {one.value for one in records.annotations(unit="u1")} == {"people", "animal"}


def test_what_cannot_be_decided(records):
    said(records, SCENE, {"u1": ["people", "animal"]})
    with pytest.raises(InputError, match="expected one of 'people'"):
        adjudicate(records, BOOK, Decision("u1", "scene", "moon"), "eve")
    with pytest.raises(InputError, match="nobody has coded 'scene' of the unit 'u9'"):
        adjudicate(records, BOOK, Decision("u9", "scene", "people"), "eve")
    with pytest.raises(InputError, match="without NUL"):
        adjudicate(records, BOOK, Decision("u\0", "scene", "people"), "eve")
    assert records.adjudications.all() == []


def test_who_has_yet_to_code_a_unit_neither_sees_nor_decides(records):
    drawn = tuple(Sampled(unit, 0.5) for unit in ("u1", "u2"))
    records.samples.add(Sample("s", "image", {}, "local", NOW, units=drawn))
    give(records, BOOK, Work("t", "s", ["scene"], ["ada", "ben", "eve"]), "local")
    said(records, SCENE, {"u1": ["people", "animal"], "u2": ["people", "animal"], "u3": ["people", "animal"]}, "s")
    assert [one.unit for one in disagreements(records, BOOK, Where("scene"), "eve")] == ["u3"]
    with pytest.raises(RefusedError, match="code it first"):
        adjudicate(records, BOOK, Decision("u1", "scene", "people"), "eve")
    save(records, BOOK, "t", "eve", Coded("u1", {"scene": "thing"}))
    assert [one.unit for one in disagreements(records, BOOK, Where("scene"), "eve")] == ["u1", "u3"]
    adjudicate(records, BOOK, Decision("u1", "scene", "people"), "eve")
    assert [one.unit for one in disagreements(records, BOOK, Where("scene", "t"), "dan")] == ["u1", "u2"]


def test_who_has_yet_to_code_a_unit_sees_no_answer_to_another_question_about_it_either(records):
    alike = Variable("alike", "?", "image", "binary", (Value("yes"), Value("no")), pairs=True)
    book = Codebook((*BOOK.variables, alike))
    records.samples.add(Sample("s", "image", {}, "local", NOW, units=(Sampled("u1", 0.5),)))
    records.samples.add(Sample("p", "image", {}, "local", NOW, units=(Sampled("u2+u3", 0.5),), pairs=True))
    give(records, book, Work("t", "s", ["scene"], ["eve"]), "local")
    give(records, book, Work("two", "p", ["alike"], ["eve"]), "local")
    said(records, SHARE, {unit: [0.1, 0.9] for unit in ("u1", "u2", "u4")}, "s")
    said(records, alike, {pair: ["yes", "no"] for pair in ("u1+u4", "u4+u5")}, "p")
    assert [one.unit for one in disagreements(records, book, Where("share"), "eve")] == ["u4"]
    assert [one.unit for one in disagreements(records, book, Where("alike"), "eve")] == ["u4+u5"]
    with pytest.raises(RefusedError, match="code it first"):
        adjudicate(records, book, Decision("u2", "share", 0.5), "eve")


def test_codes_of_another_definition_are_no_disagreement(records):
    said(records, SCENE, {"u1": ["people"]})
    records.annotate([Annotation("u1", "scene", "animal", "ben", NOW, "of-another")])
    assert disagreements(records, BOOK, Where("scene")) == []


def test_what_was_decided_counts_before_votes(records, tmp_path):
    codes = {"u1": ["people", "people", "animal"], "u2": ["people", "animal"], "u3": ["thing"], "u4": ["thing", None]}
    said(records, SCENE, codes)
    before = target(records, tmp_path, SCENE)
    assert (before.units, before.y.tolist(), before.dropped) == (("u1", "u3", "u4"), [0, 2, 2], {"tie": ("u2",)})
    assert "adjudicated" not in before.told
    for unit, value in (("u1", "animal"), ("u2", "people"), ("u4", None)):
        adjudicate(records, BOOK, Decision(unit, "scene", value), "eve")
    found = target(records, tmp_path, SCENE)
    assert (found.units, found.y.tolist()) == (("u1", "u2", "u3"), [1, 0, 2])
    assert (found.weights.tolist(), found.labels.tolist()) == ([2, 2, 2], [3, 2, 1])
    np.testing.assert_allclose(found.soft, [[0, 1, 0], [1, 0, 0], [0, 0, 1]])
    assert found.dropped == {"only cannot tell": ("u4",)}
    assert (found.told["adjudicated"], found.coders) == (3, ("ada", "ben", "cleo"))


def test_dawid_skene_keeps_what_people_said(records, tmp_path):
    codes = {f"u{at}": ["people", "people", "animal" if at % 3 else "people"] for at in range(12)}
    said(records, SCENE, codes | {"v": ["animal", "animal", "animal"]})
    before = target(records, tmp_path, SCENE, combine=DawidSkene())
    adjudicate(records, BOOK, Decision("u1", "scene", "animal"), "eve")
    found = target(records, tmp_path, SCENE, combine=DawidSkene())
    assert found.combined == before.combined  # coders are weighed by all they said, of decided units too
    assert dict(zip(found.units, found.y.tolist(), strict=True)) == dict.fromkeys(codes, 0) | {"u1": 1, "v": 1}
    assert found.units == before.units


def test_labels_and_numbers(records, tmp_path):
    said(records, TAGS, {"u1": [["old"], ["torn"]], "u2": [["old"], ["old"]]})
    said(records, SHARE, {"u1": [1.0, 3.0], "u2": [5.0]})
    adjudicate(records, BOOK, Decision("u1", "tags", []), "eve")
    adjudicate(records, BOOK, Decision("u1", "share", 9), "eve")
    assert target(records, tmp_path, TAGS).y.tolist() == [[0, 0], [1, 0]]
    assert target(records, tmp_path, SHARE).y.tolist() == [9.0, 5.0]


def test_all_decided_of_what_was_all_tied(records, tmp_path):
    said(records, SCENE, {"u1": ["people", "animal"], "u2": ["people", "animal"]})
    for unit in ("u1", "u2"):
        adjudicate(records, BOOK, Decision(unit, "scene", "animal"), "eve")
    found = target(records, tmp_path, SCENE)
    assert (found.units, found.y.tolist(), found.dropped) == (("u1", "u2"), [1, 1], {})


def test_the_database_of_a_study(tmp_path, monkeypatch, postgresql):
    (tmp_path / "studium.toml").write_text(f'[study]\ndatabase = "{(url := postgresql.database())}"\n')
    with opened(tmp_path) as records:
        records.log("eve", "test")
    with Records(url) as records:
        assert [one.what for one in records.audit()] == ["test"]
    monkeypatch.setenv("STUDIUM_DATABASE", postgresql.database())
    with opened(tmp_path) as records:
        assert records.audit() == []
    assert not (tmp_path / "studium.db").exists()


def test_a_unit_coded_again_in_another_sample_stays_a_disagreement_of_its_task(records):
    for name in ("first", "second"):
        records.samples.add(Sample(name, "image", {}, "local", NOW, units=(Sampled("u1", 1.0),)))
        give(records, BOOK, Work(name, name, ["scene"], ["ada", "ben"]), "local")
    for task, coder, value in (("first", "ada", "people"), ("first", "ben", "thing"), ("second", "ada", "thing")):
        save(records, BOOK, task, coder, Coded("u1", {"scene": value}))
    [found] = disagreements(records, BOOK, Where("scene", "first"))
    assert found.codes == {"ada": "people", "ben": "thing"}
    assert disagreements(records, BOOK, Where("scene", "second")) == []
    assert disagreements(records, BOOK, Where("scene")) == []  # now they agree


def test_the_last_decision_counts_whatever_the_clocks_say(records):
    said(records, SCENE, {"u1": ["people", "animal"]})
    ahead = Adjudication("u1", "scene", "people", {}, "eve", datetime(2999, 1, 1, tzinfo=UTC), SCENE.digest)
    records.adjudications.add(ahead)
    adjudicate(records, BOOK, Decision("u1", "scene", "animal"), "eve")
    assert [one.value for one in records.adjudications.all("scene")] == ["animal"]


def test_a_unit_of_two_samples_with_two_chances_has_no_weight(records, tmp_path):
    for name, chance in (("first", 0.5), ("second", 0.25)):
        records.samples.add(Sample(name, "image", {}, "local", NOW, units=(Sampled("u1", chance),)))
        give(records, BOOK, Work(name, name, ["scene"], ["ada"] if name == "first" else ["ben"]), "local")
    save(records, BOOK, "first", "ada", Coded("u1", {"scene": "people"}))
    save(records, BOOK, "second", "ben", Coded("u1", {"scene": "people"}))
    with pytest.raises(InputError, match=r"2 \(sample 'first'\) and 4 \(sample 'second'\)"):
        target(records, tmp_path, SCENE)
