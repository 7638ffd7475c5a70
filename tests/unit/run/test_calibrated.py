"""Zero-shot codes of a study, calibrated on hand codes from a file, from Python, or from the study's records."""

import csv
import shutil
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from click.testing import CliRunner

from studium import Corpus, sources
from studium.cli.calibrate import calibrate as command
from studium.core.annotation import Annotation
from studium.core.records import Records
from studium.errors import InputError, UnknownNameError
from studium.learn.evaluate.prompt_assessment import assess
from studium.learn.evaluate.prompt_calibration import fit as calibration
from studium.report.reading import Reading
from studium.report.variables import variables
from studium.run.calibrated import _value, coded
from studium.run.coding.adjudicate import Decision, adjudicate
from studium.run.taggers import tagger

KINDS = {"bird": "animals/birds", "fruit": "food/fruit", "vehicle": "vehicles"}
CODEBOOK = """
[thing]
question = "What is it?"
of = "image"
type = "categorical"
""" + "".join(f'[[thing.values]]\nname = "{value}"\n' for value in (*KINDS, "house"))


@pytest.fixture(scope="module")
def corpus(tmp_path_factory, stamps):
    """Ten birds, fruits and vehicles each, coded by ConSE; nobody shows a house."""
    root = tmp_path_factory.mktemp("calibrated")
    for value, folder in KINDS.items():
        (root / "images" / value).mkdir(parents=True)
        for path in sorted((stamps / folder).rglob("*.png"))[:10]:
            shutil.copy(path, root / "images" / value / path.name)
    (root / "codebook.toml").write_text(CODEBOOK)
    opened = Corpus(root)
    opened.add(sources.folder(root / "images"))
    opened.measure("zero_shot", of="image", variable="thing")
    return opened


@pytest.fixture(scope="module")
def truth(corpus):
    return {row["unit"]: row["path"].split("/")[1] for row in corpus.table("image").to_pylist()}


@pytest.fixture(scope="module")
def some(truth):
    """Six of each."""
    units = sorted(truth)
    return {unit: (value, 1.0) for value in KINDS for unit in [u for u in units if truth[u] == value][:6]}


def test_all_units_get_calibrated_codes(corpus, truth, some):
    found = corpus.calibrate("thing", of="image", labels=some)
    assert found.computed
    rows = {row["unit"]: row for row in corpus.table("image", "calibrated").to_pylist()}
    raw = {row["unit"]: row for row in corpus.table("image", "zero_shot").to_pylist()}
    assert set(rows) == set(truth)
    units = list(some)
    scores = np.array([raw[unit]["thing_cosine"] for unit in units])
    labels = [list(KINDS).index(some[unit][0]) for unit in units]
    fit = calibration(scores, labels, 100.0)
    for unit, row in rows.items():
        expected = fit.probabilities([raw[unit]["thing_cosine"]])[0]
        np.testing.assert_allclose(row["thing_prob"], expected, atol=1e-5)
        assert row["thing"] == [*KINDS, "house"][int(np.argmax(row["thing_prob"]))]
    assert found.fit["temperature"] == pytest.approx(1 / fit.slope, rel=1e-4)
    assert found.fit["temperature"] > 0.02, "ConSE is far too sure at CLIP's temperature"
    assert found.fit["labels"] == {"bird": 6, "fruit": 6, "vehicle": 6, "house": 0}
    assert found.fit["bias"]["house"] == 0
    assert found.fit["unused"] == 0
    assert (found.fit["groups"], found.fit["folds"]) == (18, 10)
    judged = assess(scores, labels, 100.0, seed=corpus.study.seed)
    told = {row["figure"]: row for row in found.assessment()}
    assert told["log_loss"]["before"] == pytest.approx(judged.before.log_loss)
    assert 0.5 < told["accuracy"]["low"] < 0.8 < told["accuracy"]["after"] < told["accuracy"]["high"]
    (shown,) = [
        one for one in variables(Reading(corpus.root, corpus.store, corpus.study), "image") if one.name == "calibrated"
    ]
    assert shown.note.startswith("Zero-shot values, calibrated on 18 labels. On labels that were left out 9")
    assert [(share.value, share.n) for share in shown.names[0].shares][-1] == ("house", 0)


def test_pictures_of_one_post_are_judged_together(corpus, some, tmp_path):
    """Each post shows three of the coded pictures; so far each was a case by itself."""
    before = corpus.calibrate("thing", of="image", labels=some)
    paths = {row["unit"]: row["path"] for row in corpus.table("image").to_pylist()}
    names = [";".join(paths[unit] for unit in list(some)[k::6]) for k in range(6)]
    write(tmp_path / "posts.csv", [(k, "", name) for k, name in enumerate(names)], ("id", "text", "media"))
    other = shutil.copytree(corpus.root, tmp_path / "study")
    posted = Corpus(other)
    posted.add(sources.posts(tmp_path / "posts.csv", id="id", media="media", root=other))
    found = posted.calibrate("thing", of="image", labels=some)
    assert (before.fit["groups"], found.fit["groups"], found.fit["folds"]) == (18, 6, 6)
    assert found.computed
    assert found.fit["bias"] == before.fit["bias"], "only the judgement is another"
    assert found.assessment() != before.assessment()


@pytest.mark.parametrize(("said", "number"), [("cat", 1), ("Cat", 0), (" CAT ", 0)])
def test_the_exact_name_goes_first(said, number):
    assert _value(said, ["Cat", "cat"]) == number


def test_what_it_was_made_of_is_written_down(corpus, some):
    first = corpus.calibrate("thing", of="image", labels=some)
    again = corpus.calibrate("thing", of="image", labels=dict(reversed(some.items())))
    assert (again.table.folder, again.computed) == (first.table.folder, False), "the order of labels says nothing"
    changed = dict(some)
    changed[next(iter(some))] = ("fruit", 1.0)
    other = corpus.calibrate("thing", of="image", labels=changed)
    assert other.table.recipe.inputs != first.table.recipe.inputs
    weighted = corpus.calibrate("thing", of="image", labels={u: (v, 1 + (v == "bird")) for u, (v, _) in some.items()})
    assert weighted.table.folder not in {first.table.folder, other.table.folder}
    assert first.table.recipe.params["by"].startswith("zero_shot-")
    assert first.table.columns[1].about.startswith("calibrated of bird, fruit")
    audited = tagger(corpus.store, "image", "calibrated")
    assert set(next(iter(audited.labels.values()))) == {*KINDS, "house"}, "taggers can be audited by it"


def write(path, rows, names=("path", "value")):
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([names, *rows])
    return path


def test_labels_from_a_file(corpus, truth, some, tmp_path):
    paths = {row["unit"]: row["path"] for row in corpus.table("image").to_pylist()}
    rows = [(paths[unit], f" {value.upper()} ", 2) for unit, (value, _) in some.items()]
    others = [paths[unit] for unit in truth if unit not in some]
    file = write(tmp_path / "a.csv", [*rows, (others[0], "", ""), (others[1], "NA", "x")], ("path", "value", "weight"))
    found = corpus.calibrate("thing", of="image", labels=file)
    plain = corpus.calibrate("thing", of="image", labels=some)
    assert found.fit["temperature"] == pytest.approx(plain.fit["temperature"]), "weights are relative"
    assert found.fit["labels"] == plain.fit["labels"]
    named = write(tmp_path / "b.csv", [(unit, value) for unit, (value, _) in some.items()], ("unit", "thing"))
    assert coded(corpus.store, corpus.store.find("image", "zero_shot"), None, named) == some, "without a codebook"


@pytest.mark.parametrize(
    ("names", "row", "says"),
    [
        (("path", "code"), ("a", "b"), "needs a column unit or path, a column value or thing"),
        (("file", "value"), ("a", "b"), "needs a column unit or path"),
        (("path", "value"), ("nowhere.png", "bird"), "names 1 image units that the study does not have"),
        (("path", "value", "weight"), ("PATH", "bird", "0.5"), "expected weight = 1 / P"),
        (("path", "value", "weight"), ("PATH", "bird", "much"), "expected a weight, 1 / P"),
        (("path", "value"), ("PATH", "cathedral"), "expected one of 'bird', 'fruit', 'vehicle', 'house'"),
        (("path", "value"), ("PATH", "bird"), "at least 5 labels of at least two values, got 1 of 1"),
        (("path", "value"), ("PATH", "NA"), "at least 5 labels of at least two values, got 0 of 0"),
    ],
)
def test_labels_that_do_not_fit(corpus, tmp_path, names, row, says):
    path = corpus.table("image")["path"][0].as_py()
    file = write(tmp_path / "a.csv", [[path if cell == "PATH" else cell for cell in row]], names)
    with pytest.raises(InputError, match=says):
        corpus.calibrate("thing", of="image", labels=file)


def test_an_empty_file(corpus, tmp_path):
    (tmp_path / "a.csv").write_text("")
    with pytest.raises(InputError, match="got no rows"):
        corpus.calibrate("thing", of="image", labels=tmp_path / "a.csv")


def annotation(corpus, unit, value, coder="a", **more):
    at = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=1)
    return Annotation(unit, "thing", value, coder, at, more.pop("digest", corpus.codebook["thing"].digest), **more)


def test_labels_from_the_records_of_the_study(corpus, some, caplog):
    with pytest.raises(InputError, match="nobody has coded 'thing' in this study"):
        corpus.calibrate("thing", of="image")
    path = corpus.root / "studium.db"
    try:
        with Records(path) as records:
            records.annotate(annotation(corpus, unit, value, weight=3.0) for unit, (value, _) in some.items())
            records.annotate([annotation(corpus, next(iter(some)), "house", coder="b", digest="of-another")])
        found = corpus.calibrate("thing", of="image")
        assert found.fit["temperature"] == pytest.approx(
            corpus.calibrate("thing", of="image", labels=some).fit["temperature"]
        )
        assert "1 annotations of thing follow another definition" in caplog.text
        unit, (said, _) = next(iter(some.items()))
        other = next(name for name in corpus.codebook["thing"].names if name != said)
        with Records(path) as records:
            adjudicate(records, corpus.codebook, Decision(unit, "thing", other), "eve")
        table = corpus.store.find("image", "zero_shot")
        assert coded(corpus.store, table, corpus.codebook, None)[unit] == (other, 3.0)
    finally:
        path.unlink()
        for rest in corpus.root.glob("studium.db-*"):
            rest.unlink()


def test_what_most_coders_say(corpus, tmp_path):
    """Coders who are split, or cannot tell, give no label."""
    units = corpus.table("image")["unit"].to_pylist()
    said = ["0,bird,a", "0,bird,b", "0,fruit,c", "1,bird,a", "1,fruit,b", "2,cannot_tell,a", "3,fruit,a", "3,,b"]
    rows = [f"{units[int(number)]},{rest}" for number, rest in (row.split(",", 1) for row in said)]
    (tmp_path / "a.csv").write_text("\n".join(["unit,value,coder", *rows]))
    found = coded(corpus.store, corpus.store.find("image", "zero_shot"), corpus.codebook, tmp_path / "a.csv")
    assert found == {units[0]: ("bird", 1.0), units[3]: ("fruit", 1.0)}


def test_what_has_no_codes_to_calibrate(corpus, some):
    with pytest.raises(UnknownNameError, match="no table 'zero_shot:colour'"):
        corpus.calibrate("colour", of="image", labels=some)
    corpus.measure("properties", of="image")
    with pytest.raises(InputError, match="holds no codes of one value each, by zero_shot"):
        corpus.calibrate("thing", of="image", labels=some, by="properties")


def test_labels_of_units_without_a_code_are_counted(corpus, some):
    found = corpus.calibrate("thing", of="image", labels={**some, "0" * 64: ("bird", 1.0)})
    assert found.fit["unused"] == 1
    with pytest.raises(InputError, match="none of the 1 labels is of a unit with a code"):
        corpus.calibrate("thing", of="image", labels={"0" * 64: ("bird", 1.0)})


def test_on_the_command_line(corpus, some, tmp_path):
    file = write(tmp_path / "a.csv", [(unit, value) for unit, (value, _) in some.items()], ("unit", "value"))
    words = ["thing", "--labels", str(file), "--study", str(corpus.root)]
    done = CliRunner().invoke(command, words, catch_exceptions=False)
    assert done.exit_code == 0, done.output
    lines = [line.split("\t") for line in done.output.splitlines()]
    assert lines[0] == ["value", "labels", "bias"]
    assert lines[1][:2] == ["bird", "6"]
    assert lines[5] == ["out of sample", "before", "after", "95 % of after", "95 % of the change"]
    assert " to +" in lines[6][4] or " to -" in lines[6][4]
    assert lines[10] == ["18 labels of 18 files or posts, judged in 10 folds"]
    assert ("do not show that calibration pays" in done.output) == ("to +" in lines[6][4])
    assert lines[-1][0].startswith("temperature 0.0")
