"""Experiments in the report: none, one model, many; what is undefined, hostile names, other versions."""

import json
import re

import page_checks
import pytest

from studium.report.experiments import difference, experiments, interval, p_value
from studium.report.plots import Dot, Line, diagonal, dots, lines
from studium.report.reading import Reading

HOSTILE = "<script>alert('x')</script> \u202ea very long name of a model that has no end"
MODELS = [("words", "ngrams", "text"), ("looks", "linear", "image"), ("both", "boosting", "multimodal")]


def result(model: str, modality: str, value: float | None) -> dict:
    ends = (None, None) if value is None else (value - 0.1, value + 0.1)
    mean = {"value": value, "low": ends[0], "high": ends[1], "reason": "" if value is not None else "one class"}
    about = {"model": model, "modality": modality, "n": 60, "groups": 41, "validation": value, "folds": []}
    return about | {"mean": {"macro_f1": mean, "ece": mean | {"low": None, "high": None}}}


def gain(over: str, modality: str, value: float) -> dict:
    ends = {"low": value - 0.05, "high": value + 0.05, "p": 0.0004}
    relative = {"relative": value / 0.6, "relative_low": -0.01, "relative_high": 0.4}
    return {"model": "both", "over": over, "modality": modality, "value": value} | ends | relative


def pair(first: str, second: str, value: float | None) -> dict:
    tested = {"first": 9, "second": 3, "p_mid": 0.05, "p_holm": 0.1} if value is not None else None
    about = {"first": first, "second": second, "value": value, "p": 0.04, "p_holm": 0.08, "mcnemar": tested}
    return about | {"low": None, "high": None, "reason": "" if value is not None else "too few groups"}


def overview(**more) -> dict:
    """As `studium.learn.experiment.overview` writes them."""
    task = {
        "name": "irony", "task": "categorical", "classes": ["no", "yes"], "figure": "macro_f1", "chance": 0.333,
        "labels": {"units": 300, "groups": 250, "per_class": {"no": 150, "yes": 150}, "coders": 2,
                   "dropped": {"ties": 4}},
        "left_out": {"no embed": 3}, "parts": {"test": {"no": 30, "yes": 30}, "fold 0": {"no": 120, "yes": 120}},
        "kept_apart": ["account"], "told": ["test has 22% of the units instead of 20%: groups are large"],
        "results": [result("words", "text", 0.5), result("looks", "image", 0.48),
                    result("both", "multimodal", 0.93)], "gains": [gain("words", "text", 0.43)],
        "pairs": [pair("words", "both", 0.43), pair("looks", "words", None)], "findings": ["Both media are needed."],
        "training": [], "learning": [],
    } | more  # fmt: skip
    models = [
        {"name": name, "kind": kind, "modality": modality, "of": "post", "inputs": "embed", "settings": {}}
        for name, kind, modality in MODELS
    ]
    head = {"format": 1, "name": "two media", "of": "post", "folds": 3, "test": 0.2, "seed": 1, "draws": 1000}
    return head | {"models": models, "tasks": [task]}


@pytest.fixture
def corpus(images):
    """Opened with nothing but pictures."""
    return images


def write(corpus, about: dict, name: str = "two media", costs: dict | None = None) -> Reading:
    folder = corpus.root / "experiments" / name
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "overview.json").write_text(json.dumps(about), encoding="utf-8")
    if costs:
        (folder / "costs.json").write_text(json.dumps(costs), encoding="utf-8")
    return Reading(corpus.root, corpus.store, corpus.study)


def test_no_experiment_no_section(corpus):
    assert experiments(Reading(corpus.root, corpus.store, corpus.study)) == []
    assert 'id="experiments"' not in corpus.report().read_text("utf-8")


def test_figures_are_those_of_the_overview(corpus):
    paid = {"task": "irony", "model": "both", "seconds": {"train": 300.0, "predict": 1.5}, "memory": 2_000_000}
    costs = {"price_per_hour": 1.2, "models": [paid | {"dollars": 0.1}]}
    (found,) = experiments(write(corpus, overview(), costs=costs))
    (task,) = found.tasks
    assert [row[:3] for row in task.results] == [
        ["looks", "image", "0.480"], ["both", "multimodal", "0.930"], ["words", "text", "0.500"]
    ]  # fmt: skip
    assert task.results[1][3:] == ["0.830 to 1.030", "0.930", "60", "41"]
    assert task.gains == [["both", "words (text)", "+0.430", "0.380 to 0.480", "+71.7 %", "−1.0 to 40.0 %", "< .001"]]
    assert task.pairs[0] == ["both", "words", "+0.430", "n/a", "0.040", "0.080", "0.050", "0.100"]
    assert task.pairs[1][2] == "n/a (too few groups)"
    assert task.costs == [["both", "5 min", "1.5 s", "2 MB", "0.1"]]
    assert task.heads == ["looks", "both", "words"]
    assert [row[:2] for row in task.figures] == [["macro-F1", "0.480 (0.380 to 0.580)"], ["ECE", "0.480"]]
    page = corpus.report().read_text("utf-8")
    read = page_checks.read(page)
    assert "experiments" in read.ids
    assert "Both media are needed." in read.text
    assert "At 1.2 dollars an hour." in read.text
    assert page == corpus.report().read_text("utf-8")


def test_the_chart_has_a_mark_for_each_model_and_says_all_in_words(corpus):
    (found,) = experiments(write(corpus, overview()))
    chart = str(found.tasks[0].dots)
    assert chart.count('class="mark') == chart.count('class="whisker"') == 3
    assert chart.count('class="chance"') == 1
    assert re.findall(r'class="head"[^>]*>([^<]+)', chart) == ["image", "multimodal", "text"]
    assert re.search(r'aria-label="[^"]*both \(multimodal\) 0\.930', chart)
    places = [float(x) for x in re.findall(r'class="mark" (?:c?x="|d="M)([\d.]+)', chart)]
    assert places[1] > max(places[0], places[2])


def test_what_is_undefined_is_said(corpus):
    about = overview(results=[result("words", "text", None)], chance=None, pairs=[], labels={
        "units": 1, "groups": 1, "per_class": {}, "coders": 1, "dropped": {}})  # fmt: skip
    (task,) = experiments(write(corpus, about))[0].tasks
    assert task.results[0][2] == "n/a (one class)"
    assert "n/a" in str(task.dots)
    assert 'class="mark' not in str(task.dots)
    page_checks.read(corpus.report().read_text("utf-8"))


def test_curves(corpus):
    points = [{"epoch": n, "train_loss": 1 / n, "validation_loss": 1 / n + 0.1} for n in (1, 2, 3)]
    learning = [
        {"model": model, "share": share, "units": round(200 * share), "groups": 50, "value": 0.5 + share / 4,
         "low": 0.4, "high": 0.9}
        for model in ("words", "both") for share in (1.0, 0.25, 0.5)
    ]  # fmt: skip
    training = [{"model": "tuned", "fold": 0, "points": points}]
    (task,) = experiments(write(corpus, overview(learning=learning, training=training)))[0].tasks
    assert task.learning.names == ["words", "both"]
    assert str(task.learning.drawn).count('class="line') == 2
    assert "0.562 of 50" in str(task.learning.drawn)
    assert [one.title for one in task.training] == ["tuned, fold 0"]
    assert task.training[0].names == ["training", "validation"]
    page_checks.read(corpus.report().read_text("utf-8"))


def test_names_of_others_stay_text(corpus):
    about = overview(name=HOSTILE, results=[result(HOSTILE, HOSTILE, 0.5)], findings=[HOSTILE], told=[HOSTILE],
                     left_out={HOSTILE: 1}, pairs=[pair(HOSTILE, HOSTILE, 0.1)])  # fmt: skip
    write(corpus, about | {"name": HOSTILE})
    assert "script" not in page_checks.read(corpus.report().read_text("utf-8")).tags


def test_a_fusion_says_what_it_fuses_and_a_loss_that_lower_is_better(corpus):
    about = overview(figure="brier")
    about["models"].append({"name": "late", "kind": "mean", "modality": "multimodal", "of": "", "inputs": "",
                            "settings": {"members": ["words", "looks"]}})  # fmt: skip
    (found,) = experiments(write(corpus, about))
    assert found.models[-1] == ["late", "mean", "multimodal", "", "words + looks"]
    assert found.tasks[0].better == "lower"
    assert "lower is better" in page_checks.read(corpus.report().read_text("utf-8")).text


def test_many_models_stand_in_several_tables(corpus):
    results = [result(f"m{number:02}", "text", number / 20) for number in range(8)]
    (task,) = experiments(write(corpus, overview(results=results)))[0].tasks
    assert [heads for heads, _ in task.blocks] == [["m07", "m06", "m05", "m04", "m03", "m02"], ["m01", "m00"]]
    assert [row[0] for row in task.blocks[1][1]] == ["macro-F1", "ECE"]
    assert [row[-1][:5] for row in task.blocks[1][1]] == ["0.000", "0.000"]
    page_checks.read(corpus.report().read_text("utf-8"))


def test_another_version_is_said_and_not_read(corpus):
    (found,) = experiments(write(corpus, {"format": 99}))
    assert "another version" in found.about
    assert found.tasks == []


def test_numbers_in_words():
    assert [interval(0.1, 0.25), interval(None, 1.0), interval(-2.0, 3.0, 1)] == [
        "0.100 to 0.250",
        "n/a",
        "−2.0 to 3.0",
    ]
    assert [difference(0.1), difference(-0.1), difference(0.0), difference(None)] == [
        "+0.100",
        "−0.100",
        "0.000",
        "n/a",
    ]
    assert [p_value(0.0001), p_value(0.001), p_value(1.0), p_value(None)] == ["< .001", "0.001", "1.000", "n/a"]


def test_charts_of_little():
    assert 'class="mark' not in str(dots([Dot("a", "text", None)], None, "nothing"))
    assert str(dots([Dot("x" * 40, "text", 0.5)], 0.5, "one")).count("…") == 1
    assert str(lines([Line("a", [(1.0, 0.5)])], "one point")).count('class="mark') == 1
    assert ">1.5<" not in str(lines([Line("a", [(1, 20.0), (2, 40.0)])], "two epochs have no halves"))
    two = str(lines([Line(name, [(9, 0.5)], [(0.4, 0.6)]) for name in "ab"], "two bars at one place"))
    assert len(set(re.findall(r'class="whisker" d="M([\d.]+)', two))) == 2
    assert 'class="mark' not in str(diagonal([], "no bins"))
    assert str(diagonal([(0.25, 0.5, 10), (0.75, 0.5, 40)], "two bins")).count('class="mark"') == 2
