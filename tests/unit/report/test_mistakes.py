"""The error browser: no mistake, one, many; texts, pictures, faces, several labels, numbers; nothing runs or loads."""

import csv
import json
import math

import evaluations
import page_checks
import pytest
from evaluations import evaluation, said, write

from studium import Corpus, sources
from studium.report.mistakes import CELLS, GROUPS, IN_CELL, mistakes
from studium.report.reading import Reading

HOSTILE = "<script>alert('x')</script> & more"


def look(corpus, folder):
    return mistakes(Reading(corpus.root, corpus.store, corpus.study), folder)


def page(corpus, name="looks"):
    corpus.report()
    return (corpus.root / "report" / f"mistakes-{name}.html").read_text("utf-8")


@pytest.fixture
def posts(study) -> Corpus:
    """Three posts: one hostile text with a picture, one very long text, one with nothing."""
    with (study / "posts.csv").open("w", encoding="utf-8", newline="") as file:
        rows = [("1", HOSTILE, "images/living/chelsea.png"), ("2", "long " * 300, ""), ("3", "", "")]
        csv.writer(file).writerows([("id", "text", "media"), *rows])
    corpus = Corpus(study)
    corpus.add(sources.posts(study / "posts.csv", media="media"))
    return corpus


def units(corpus, kind):
    rows = corpus.units(kind).to_pylist()
    return [row["id"] for row in sorted(rows, key=lambda row: row["meta"] or "")]


def paths(corpus):
    return {row["id"]: row["path"] for row in corpus.units("image").to_pylist()}


def test_what_cannot_be_shown_says_so(images):
    (broken,) = (unit for unit, path in paths(images).items() if "broken" in path)
    found = look(images, write(images.root, evaluation(), [said(broken, "calm", "loud", [0.1, 0.9])]))
    assert "cannot be shown" in found.cells[0].shown[0].picture.why
    page_checks.read(page(images))


def test_a_model_without_mistakes(images):
    unit = units(images, "image")[0]
    found = look(images, write(images.root, evaluation(), [said(unit, "calm", "calm", [0.9, 0.1])]))
    assert (found.n, found.wrong, found.cells, found.groups) == (1, 0, [], [])
    page_checks.read(page(images))


def test_a_model_without_predictions_has_no_page(images):
    assert look(images, write(images.root, evaluation())) is None
    images.report()
    assert not (images.root / "report" / "mistakes-looks.html").exists()


def test_the_surest_mistakes_come_first_and_validation_is_left_out(images):
    a, b, c, d = sorted(unit for unit, path in paths(images).items() if "broken" not in path)[:4]
    rows = [
        said(a, "calm", "loud", [0.4, 0.6], party="left"), said(b, "calm", "loud", [0.1, 0.9], party="left"),
        said(c, "loud", "calm", [0.7, 0.3], party="right"), said(d, "loud", "loud", [0.2, 0.8], party=None),
        said(d, "calm", "loud", [0.0, 1.0], party="left") | {"part": "validation"},
    ]  # fmt: skip
    found = look(images, write(images.root, evaluation(), rows))
    assert [(cell.name, cell.n) for cell in found.cells] == [("calm, taken for loud", 2), ("loud, taken for calm", 1)]
    assert [one.unit for one in found.cells[0].shown] == [b, a]
    assert found.cells[0].shown[0].said == "loud 0.90, calm 0.10"
    assert all(one.picture.source.startswith("data:image/webp") for cell in found.cells for one in cell.shown)
    assert [(group.name, group.n, group.wrong, group.worst) for group in found.groups] == [
        ("party: left", 2, 2, [1, 2]), ("party: right", 1, 1, [3]), ("party: not stated", 1, 0, [])
    ]  # fmt: skip
    assert found.groups[0].rate == "100 % (34 to 100 %)"
    read = page_checks.read(page(images))
    assert {"c1", "c2", "m1", "m2", "m3"} <= set(read.ids)
    assert len(read.pictures) == 3


def test_texts_are_quoted_whole_or_it_is_said(posts):
    ids = units(posts, "post")
    rows = [said(unit, "calm", "loud", [0.2, 0.8]) for unit in ids]
    found = look(posts, write(posts.root, evaluation(of="post"), rows))
    by_text = {one.text[:4]: one for one in found.cells[0].shown}
    assert by_text["<scr"].text == HOSTILE
    assert by_text["<scr"].picture.source
    assert by_text["long"].picture is None
    assert by_text["long"].cut == 1500 - len(by_text["long"].text)
    assert by_text[""].text == ""
    shown = page(posts)
    read = page_checks.read(shown)
    assert HOSTILE in read.text
    assert "script" not in read.tags
    assert "900 more characters" in read.text
    assert 'dir="auto"><bdi>' not in shown  # in which a browser would not look for the direction of writing
    assert HOSTILE not in page_checks.read(posts.report().read_text("utf-8")).text  # the report quotes nobody


def test_several_labels_each_have_their_mistakes(images):
    a, b = sorted(units(images, "image"))[:2]
    rows = [said(a, json.dumps(["flag"]), json.dumps(["sign"]), [0.2, 0.7]),
            said(b, json.dumps([]), json.dumps(["sign"]), [0.1, 0.9])]  # fmt: skip
    about = evaluation(task="multilabel", classes=["flag", "sign"], confusion=None)
    found = look(images, write(images.root, about, rows))
    assert [(cell.name, cell.n) for cell in found.cells] == [("sign where it is not", 2), ("flag missed", 1)]
    assert [one.unit for one in found.cells[0].shown] == [b, a]
    assert found.wrong == 3


def test_numbers_are_too_high_or_too_low(images):
    a, b, c = sorted(units(images, "image"))[:3]
    rows = [said(a, 1.0, 3.5, [3.5]), said(b, 2.0, 1.0, [1.0]), said(c, 2.0, 2.0, [2.0])]
    about = evaluation(task="continuous", classes=[], confusion=None, reliability=[], figures=[])
    found = look(images, write(images.root, about, rows))
    assert [(cell.name, cell.shown[0].said) for cell in found.cells] == [
        ("too high", "3.5 instead of 1"), ("too low", "1 instead of 2")
    ]  # fmt: skip


def test_errors_of_numbers_are_by_group_and_what_is_no_number_comes_first(images):
    a, b, c = sorted(units(images, "image"))[:3]
    about = evaluation(task="continuous", classes=[], confusion=None, reliability=[], figures=[])
    rows = [said(a, 1.0, 3.5, [3.5], team="x"), said(b, 2.0, 1.5, [1.5], team="x"),
            said(c, 2.0, math.nan, [math.nan], team="y")]  # fmt: skip
    found = look(images, write(images.root, about, rows))
    assert found.rate == "mean absolute error"
    assert [(group.name, group.rate) for group in found.groups] == [("team: x", "1.5"), ("team: y", "n/a")]
    assert [cell.name for cell in found.cells] == ["no number", "too high", "too low"]
    assert "mean absolute error" in page_checks.read(page(images)).text


def test_thresholds_are_said(images):
    rows = [said(units(images, "image")[0], "loud", "calm", [0.65, 0.35])]
    assert look(images, write(images.root, evaluation(), rows)).limits == "Said by thresholds: loud from 0.375 on."
    assert look(images, write(images.root, evaluation(settings={}), rows)).limits == ""
    assert "Said by thresholds" not in page(images)


@pytest.mark.parametrize("about", [{"templates": True}, {"of": "face"}])
def test_faces_are_not_shown(posts, about):
    rows = [said(unit, "calm", "loud", [0.2, 0.8]) for unit in units(posts, "post")]
    found = look(posts, write(posts.root, evaluation(of="post") | about, rows))
    assert found.why
    assert all(one.picture is None and HOSTILE not in one.text for one in found.cells[0].shown)


def test_many_mistakes_are_bounded_and_counted(images):
    names = [f"class {number:02}" for number in range(30)]
    rows = []
    for number, name in enumerate(names[1:], 1):
        outputs = [0.0] * 30
        outputs[0] = 1.0
        rows += [said(f"{number:02}{copy:062}", name, names[0], outputs) for copy in range(IN_CELL + 2)]
    found = look(images, write(images.root, evaluation(classes=names), rows))
    assert (len(found.cells), found.kinds) == (CELLS, 29)
    assert {(cell.n, len(cell.shown)) for cell in found.cells} == {(IN_CELL + 2, IN_CELL)}
    assert found.cells[0].shown[0].text == "This unit is not in the study any more."
    assert f"the {CELLS} most frequent of 29 kinds" in page_checks.read(page(images)).text


def test_the_worst_of_each_group_are_shown_whatever_their_kind(images):
    names = [f"class {number:02}" for number in range(30)]
    rows = []
    for number, name in enumerate(names[1:], 1):
        outputs = [1.0, *[0.0] * 29]
        rows += [
            said(f"{number:02}{copy:062}", name, names[0], outputs, team=f"{number:02}", town=None) for copy in range(2)
        ]
        rows.append(said(f"{number:064}", name, name, outputs, team=None, town=f"{number:02}"))
    found = look(images, write(images.root, evaluation(classes=names), rows))
    assert len(found.cells) == CELLS + 1
    assert (found.cells[-1].n, len(found.cells[-1].shown)) == (2 * 5, 10)
    assert found.grouped == 2 * 30  # 29 teams, 29 towns, and of both what is not stated
    assert len(found.groups) == GROUPS
    teams = {group.name: group for group in found.groups if group.name.startswith("team: ") and group.wrong}
    assert len(teams) == 29
    assert all(len(group.worst) == 2 for group in teams.values())
    text = page_checks.read(page(images)).text
    assert f"The {GROUPS} groups with the most mistakes of 60 are shown." in text


def test_the_share_of_a_group_counts_what_hangs_together_once(images):
    unit = units(images, "image")[0]
    rows = [said(unit, "calm", "loud", [0.2, 0.8], party="left") | {"group": "one video"} for _ in range(50)]
    found = look(images, write(images.root, evaluation(), rows))
    assert found.groups[0].rate == "100 % (21 to 100 %)"  # of one case, not of fifty


def test_pages_of_models_that_are_gone_are_removed(images):
    unit = units(images, "image")[0]
    folder = write(images.root, evaluation(), [said(unit, "calm", "loud", [0.1, 0.9])])
    assert page(images) == page(images)
    (folder / "evaluation.json").unlink()
    images.report()
    assert not (images.root / "report" / "mistakes-looks.html").exists()


def test_old_evaluations_have_no_page(images):
    rows = [said(units(images, "image")[0], "calm", "loud", [0.1, 0.9])]
    assert look(images, write(images.root, {"format": 0}, rows)) is None
    assert evaluations.evaluation()["format"] == 1
