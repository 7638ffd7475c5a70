"""Trained models in the report: none, one with everything, one with next to nothing, hostile names."""

import math

import evaluations
import page_checks
from evaluations import evaluation, write

from studium.report.models import CONFUSED, GROUPS, WIDE, models, settled
from studium.report.reading import Reading

HOSTILE = "<script>alert('x')</script>\u202e | name"


def found(corpus):
    return models(Reading(corpus.root, corpus.store, corpus.study))


def test_no_model_no_section(images):
    assert found(images) == []
    assert 'id="models"' not in images.report().read_text("utf-8")


def test_what_is_said_of_a_model(images):
    write(images.root, evaluation())
    (model,) = found(images)
    assert model.figures == [
        ["macro-F1", "0.820", "0.770 to 0.870", "40", "31", ""],
        ["ROC AUC", "n/a", "n/a", "40", "31", "one class"],
    ]
    assert model.classes == [["loud", "0.700", "0.650 to 0.750", "0.800", "0.750 to 0.850", "0.750", "0.700 to 0.800"]]
    assert model.confusion == [["calm", "22", "3", "25"], ["loud", "2", "13", "15"]]
    assert model.groups[0] == ["party: left", "false-positive rate", "0.125", "0.075 to 0.175", "40", ""]
    assert model.groups[1][2:] == ["n/a", "n/a", "40", "9 positives are too few, it needs 30"]
    assert model.settings == [["C", "0.01"], ["inner, rate", "0.1"]]
    assert model.tuned == "By f1, on 30 validation units"
    assert model.calibrated == [["all", "temperature", "1.5", ""]]
    assert model.thresholds == [["loud", "0.375", "0.800", "0.700 to 0.900", "0.600", "n/a", ""]]
    assert [one.ece for one in model.reliability] == ["0.062"]
    assert str(model.reliability[0].drawn).count('class="mark"') == 2
    assert str(model.reliability[0].drawn).count('class="whisker"') == 2
    assert model.curve is not None
    assert model.curve.names == ["training", "validation"]
    assert "Never on both sides: near_duplicates." in model.told
    assert "2 images left out: no embed." in model.told
    page = images.report().read_text("utf-8")
    assert "models" in page_checks.read(page).ids
    assert "it learned from 90 units of 80 groups and is tested on 40 labels" in page
    assert page == images.report().read_text("utf-8")


def test_a_number_has_neither_classes_nor_a_diagram(images):
    about = evaluation(task="continuous", classes=[], confusion=None, reliability=[], groups=[], left_out={},
                       figures=[evaluations.figure("R²", 0.4)], training={"units": 9, "groups": 9})  # fmt: skip
    write(images.root, about)
    (model,) = found(images)
    assert (model.classes, model.confusion, model.reliability, model.groups, model.curve) == ([], [], [], [], None)
    page_checks.read(images.report().read_text("utf-8"))


def test_models_come_by_name_and_old_ones_are_said(images):
    write(images.root, evaluation(), name="words")
    write(images.root, {"format": 0}, name="looks")
    assert [one.name for one in found(images)] == ["looks", "words"]
    assert "another version" in found(images)[0].about
    page_checks.read(images.report().read_text("utf-8"))


def test_a_broken_evaluation_breaks_no_report(images):
    (write(images.root, evaluation()) / "evaluation.json").write_text('{"format": 1', encoding="utf-8")
    assert found(images)[0].about.startswith("No evaluation")
    page_checks.read(images.report().read_text("utf-8"))


def test_templates_of_faces_are_said(images):
    write(images.root, evaluation(templates=True))
    assert any("legal basis" in line for line in found(images)[0].told)


def test_many_classes_fit_a_page(images):
    names = [f"class {number:02}" for number in range(30)]
    confusion = [[9 if row == column else 2 * (row + 1 == column) for column in range(30)] for row in range(30)]
    reliable = [{"class": name, "bins": [], "ece": at / 100, "mce": 0.5} for at, name in enumerate(names)]
    write(images.root, evaluation(classes=names, confusion=confusion, reliability=reliable))
    (model,) = found(images)
    assert model.confusion == []
    assert model.confused[0] == ["class 00", "class 01", "2"]
    assert len(model.confused) == CONFUSED
    assert [one.name for one in model.reliability] == names[: -WIDE - 1 : -1]
    assert "class 11, 18 more" in model.about
    assert f"Reliability: the {WIDE} classes with the greatest ECE of 30 are shown." in model.told
    assert model.parts == ["train", "test"]
    assert model.shares == [["calm", "60", "25"], ["loud", "30", "15"]]


def test_no_author_is_named(images):
    groups = [evaluations.figure("false-positive rate", 0.1, f"{by}: @{by}") for by in ("account", "author", "party")]
    write(images.root, evaluation(groups=groups))
    (model,) = found(images)
    assert [row[0] for row in model.groups] == ["party: @party"]
    assert any("2 figures by account" in line for line in model.told)
    text = page_checks.read(images.report().read_text("utf-8")).text
    assert "@account" not in text
    assert "@author" not in text


def test_groups_are_bounded_and_counted(images):
    groups = [evaluations.figure("false-positive rate", 0.1, f"town: {number}") for number in range(GROUPS + 5)]
    write(images.root, evaluation(groups=groups))
    (model,) = found(images)
    assert len(model.groups) == GROUPS
    assert f"Errors by group: {GROUPS} of {GROUPS + 5} figures are shown." in model.told


def test_a_loss_that_is_no_number_is_counted_and_not_drawn(images):
    curve = [{"epoch": 1, "train_loss": 0.5, "validation_loss": 0.6},
             {"epoch": 2, "train_loss": math.nan, "validation_loss": math.inf}]  # fmt: skip
    write(images.root, evaluation(training={"units": 9, "groups": 9, "curve": curve}))
    (model,) = found(images)
    assert "2 values not drawn" in model.curve.axes
    write(images.root, evaluation(training={"units": 9, "groups": 9, "curve": curve[1:]}))
    assert found(images)[0].curve is None
    page_checks.read(images.report().read_text("utf-8"))


def test_names_of_others_stay_text(images):
    figures = [evaluations.figure(f"F1 of {HOSTILE}", 0.5), evaluations.figure(HOSTILE, 0.5, note=HOSTILE)]
    about = evaluation(classes=[HOSTILE, "b"], variable=HOSTILE, figures=figures, groups=figures, model=HOSTILE,
                       left_out={HOSTILE: 1}, settings={HOSTILE: HOSTILE})  # fmt: skip
    write(images.root, about)
    assert found(images)[0].classes[0][0] == HOSTILE
    assert "script" not in page_checks.read(images.report().read_text("utf-8")).tags


def test_settings_inside_of_settings():
    assert settled({}) == []
    nested = {"a": {"b": {"c": 1}}, "n": None, "list": [0.5, "x"], "none": [], "chosen": [{"C": 1}]}
    assert settled(nested) == [["a, b, c", "1"], ["list", "0.5, x"], ["none", "none"]]
