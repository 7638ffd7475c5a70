"""Experiments on arrays: what they show, and that they go on where they were interrupted."""

import csv
import json
import shutil
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import experimenting
import numpy as np
import pytest
from experimenting import UNITS, N, experiment, members, task
from toy_net import ToyNet, digits

from studium.errors import InputError, StoreError
from studium.learn.experiment.design import Design, Fusion, Model, Task
from studium.learn.experiment.run import Experiment
from studium.learn.folds.splits import TEST, Split, Splits
from studium.learn.models.boosting import Boosting
from studium.learn.models.head import Head
from studium.learn.models.linear import LinearProbe
from studium.learn.models.tuned import Tuning
from studium.learn.nets.net import Schedule

WRITTEN = ("overview.json", "overview.csv", "splits/irony.json")


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """The experiment, run in peace."""
    return experiment(price=2.0)(tmp_path_factory.mktemp("whole"))


@pytest.fixture(scope="module")
def irony(whole):
    """Its one task."""
    return whole.overview["tasks"][0]


def result(found, name, task=0):
    return next(row for row in found.overview["tasks"][task]["results"] if row["model"] == name)


def value(found, name, figure="macro_f1", task=0):
    return result(found, name, task)["mean"][figure]["value"]


# what it shows


def test_only_both_media_together_tell_it(whole, irony):
    assert value(whole, "both") > 0.9
    for name in ("words", "looks"):
        auc = result(whole, name)["mean"]["roc_auc"]
        assert auc["low"] < 0.5 < auc["high"], "chance"
    assert irony["figure"] == "macro_f1"
    assert 0.3 < irony["chance"] < 0.5
    assert result(whole, "late")["modality"] == "multimodal"
    assert (result(whole, "both")["n"], result(whole, "both")["groups"]) == (48, 24)


def test_the_mean_over_folds_is_that_of_the_folds(whole):
    row = result(whole, "words")
    assert [fold["fold"] for fold in row["folds"]] == [0, 1, 2]
    for name, mean in row["mean"].items():
        assert mean["value"] == pytest.approx(np.mean([fold["figures"][name]["value"] for fold in row["folds"]]))
    assert row["mean"]["macro_f1"]["low"] < row["mean"]["macro_f1"]["value"] < row["mean"]["macro_f1"]["high"]
    assert row["mean"]["ece"]["low"] is None
    assert row["folds"][0]["tuned"]["units"] == 64


def test_gains_are_those_over_the_best_single_media(irony):
    text, image = irony["gains"]
    assert (text["model"], text["over"], text["modality"]) == ("both", "words", "text")
    assert (image["over"], image["modality"]) == ("looks", "image")
    assert 0.2 < text["low"] < text["value"] < text["high"]
    mean = {row["model"]: row["mean"]["macro_f1"]["value"] for row in irony["results"]}
    assert text["value"] == pytest.approx(mean["both"] - mean["words"])
    assert text["relative"] == pytest.approx(mean["both"] / mean["words"] - 1)
    assert text["relative_low"] < text["relative"] < text["relative_high"]
    assert irony["findings"][1].startswith("The picture adds something: macro-F1 of both 0.9")
    assert irony["findings"][2].startswith("The text adds something")


def test_all_pairs_are_compared_and_corrected(irony):
    pairs = {(one["first"], one["second"]): one for one in irony["pairs"]}
    assert len(pairs) == 6
    sure = pairs["words", "both"]
    assert sure["p_holm"] >= sure["p"] > 0
    assert sure["p_holm"] < 0.05
    assert all(one["p_holm"] >= one["p"] for one in pairs.values() if one["p"] is not None)
    assert all(one["mcnemar"] is None for one in pairs.values()), "posts of an account are not independent"


def test_where_units_are_independent_mcnemar_tests_them_too(tmp_path):
    found = experiment(tasks=[task(keys={})], pairs=(("words", "both"),))(tmp_path)
    (pair,) = found.overview["tasks"][0]["pairs"]
    test = pair["mcnemar"]
    assert test["second"] > test["first"] + 5
    assert test["p_holm"] == test["p_mid"] < 0.01
    weighted = task(keys={}, weights=np.repeat([1.0, 2.0], N // 2))
    unequal = experiment(tasks=[weighted], pairs=(("words", "both"),))(tmp_path / "weighted")
    assert unequal.overview["tasks"][0]["pairs"][0]["mcnemar"] is None


def test_the_learning_curve_grows_with_the_groups(tmp_path):
    found = experiment(members()[2:3], curve=True, folds=2)(tmp_path)
    assert found.made == 4
    task = found.overview["tasks"][0]
    points = task["learning"]
    assert [one["share"] for one in points] == [0.25, 0.5, 1.0]
    units, groups = ([one[name] for one in points] for name in ("units", "groups"))
    assert units == [2 * one for one in groups], "groups are never parted"
    assert units == [24, 48, 96]
    assert points[-1]["value"] == pytest.approx(task["results"][0]["folds"][0]["figures"]["macro_f1"]["value"])


def test_costs_lie_beside_and_differ_from_run_to_run(whole):
    assert whole.costs["price_per_hour"] == 2.0
    one = next(row for row in whole.costs["models"] if row["model"] == "both")
    assert one["dollars"] == pytest.approx(sum(one["seconds"].values()) / 3600 * 2)
    assert "seconds" not in json.dumps(whole.overview)


def test_the_table_is_tidy(whole):
    rows = [*csv.DictReader((whole.folder / "overview.csv").read_text().splitlines())]
    one = next(row for row in rows if (row["model"], row["fold"], row["figure"]) == ("both", "mean", "macro_f1"))
    assert float(one["value"]) == value(whole, "both")
    assert (one["modality"], one["n"]) == ("multimodal", "48")
    assert len(rows) == 4 * 4 * len(result(whole, "both")["mean"])


def test_a_picture_that_adds_nothing_is_said_to_add_nothing(tmp_path):
    """Words tell the label, with errors; pictures are noise, alone and beside the words."""
    rng = np.random.default_rng(5)
    y = rng.integers(0, 2, N)
    words, noise = y[:, None] + rng.normal(0, 0.6, (N, 1)), rng.normal(size=(N, 1))
    named = np.where(y, "yes", "no")
    models = [
        Model("words", LinearProbe(C=1.0), words, UNITS, "text"),
        Model("both", LinearProbe(C=1.0), np.c_[words, noise], UNITS, "multimodal"),
        Model("looks", LinearProbe(C=1.0), noise, UNITS, "image"),
    ]
    found = experiment(models, [task(y=named, strata=tuple(named))])(tmp_path)
    said = found.overview["tasks"][0]["findings"]
    assert said[1].startswith("The picture adds nothing that these labels can show: macro-F1 of both 0.")
    assert "on 48 test units of 24 groups." in said[1]
    assert said[2].startswith("The text adds something")
    alone = experiment([models[0], models[2]], [task(y=named, strata=tuple(named))])(tmp_path / "alone")
    assert "No model of several media" in alone.overview["tasks"][0]["findings"][1]


# leaks


def noise(n=60, copies=6):
    """Labels drawn by chance for ``n`` things; each comes in copies that look almost alike."""
    rng = np.random.default_rng(5)
    things = np.repeat(np.arange(n), copies)
    y = np.where(rng.integers(0, 2, n), "yes", "no")[things]
    X = rng.normal(size=(n, 12))[things] + rng.normal(0, 0.01, (n * copies, 12))
    units = tuple(f"u{number:03}" for number in range(n * copies))
    return Task(task().head, units, y, tuple(y), {"thing": things.tolist()}), Model(
        "trees", Boosting(rounds=30, smallest=3), X, units, "image"
    )


def test_noise_is_chance_in_grouped_folds_and_looks_like_knowledge_in_others(tmp_path):
    given, model = noise()
    grouped = experiment([model], [given])(tmp_path / "grouped")
    naive = experiment([model], [replace(given, keys={})])(tmp_path / "naive")
    auc = result(grouped, "trees")["mean"]["roc_auc"]
    assert auc["low"] is None or auc["low"] < 0.5 < auc["high"]
    assert 0.2 < auc["value"] < 0.8
    assert value(naive, "trees", "roc_auc") > 0.95, "copies of what it learned by heart are among the test units"


def test_a_split_that_parts_a_group_is_refused_by_name(tmp_path):
    given, model = noise(20, 3)
    naive = Splits(seed=1)(given.units, given.strata)
    with pytest.raises(InputError, match=r"the split leaks: \d+ of 20 values of 'thing' are in several parts, such as"):
        Experiment("x", [given], [model], Design(), split=naive)(tmp_path)
    assert not (tmp_path / "cells").exists(), "nothing was trained"
    sound = Splits(seed=1)(given.units, given.strata, given.keys)
    found = Experiment("x", [given], [model], Design(draws=100), split=sound)(tmp_path)
    assert Split.load(found.folder / "splits" / "irony.json") == sound


def test_the_test_units_are_the_same_for_all_models_and_in_no_fold(whole):
    split = Split.load(whole.folder / "splits" / "irony.json")
    parts = dict(zip(split.units, split.parts, strict=True))
    accounts = {unit: number // 2 for number, unit in enumerate(UNITS)}
    tested = {accounts[unit] for unit in UNITS if parts[unit] == TEST}
    assert not tested & {accounts[unit] for unit in UNITS if parts[unit] != TEST}
    for cell in (whole.folder / "cells").glob("irony-*"):
        assert len(np.load(cell / "outputs.npz")["test"]) == 48


def test_labels_of_test_units_choose_nothing(tmp_path):
    """Turned round, they change figures of the test set alone: no model, rule, threshold, stack, or choice."""
    y, some = task().y, [*members(), Fusion("stack", ("words", "looks"), "stack")]
    some[1] = replace(some[1], X=np.repeat(some[1].X, 2, axis=0), units=np.repeat(UNITS, 2).tolist(), parts=True)
    split = Splits(folds=2)(UNITS, tuple(y), task().keys)
    turned = np.where(split.testing(UNITS), np.where(y == "yes", "no", "yes"), y)
    found = [
        Experiment("irony", [task(y=of)], some, Design(draws=100), split=split)(tmp_path / name)
        for name, of in (("as they are", y), ("turned", turned))
    ]
    first, second = ([*sorted((one.folder / "cells").glob("irony-*"))] for one in found)
    named = [path.name.rsplit("-", 2)[0] for path in first], [path.name.rsplit("-", 2)[0] for path in second]
    assert named[0] == named[1]
    by_fold = [{(path.name.split("-")[1], path.name[-1]): path for path in paths} for paths in (first, second)]
    for key, path in by_fold[0].items():
        one, two = np.load(path / "outputs.npz"), np.load(by_fold[1][key] / "outputs.npz")
        for part in one.files:
            np.testing.assert_array_equal(one[part], two[part])
    validation = [[row["validation"] for row in one.overview["tasks"][0]["results"]] for one in found]
    assert validation[0] == validation[1]
    assert value(found[0], "both") > 0.9
    assert value(found[1], "both") < 0.1
    chosen = [[(one["model"], one["over"]) for one in of.overview["tasks"][0]["gains"]] for of in found]
    assert chosen[0] == chosen[1]


# going on


def test_after_a_kill_only_missing_cells_are_made_and_the_overview_is_the_same(tmp_path):
    script = Path(experimenting.__file__)
    done = subprocess.run([sys.executable, script, tmp_path / "a", "5"], check=False)
    assert done.returncode == -signal.SIGKILL
    assert not (tmp_path / "a" / "overview.json").exists()
    half = tmp_path / "a" / "cells" / ".irony-words-0-01234567.tmp"
    half.mkdir()
    (half / "outputs.npz").write_bytes(b"half")
    found = experiment()(tmp_path / "a")
    assert (found.made, found.kept) == (7, 5)
    assert not [*(tmp_path / "a" / "cells").glob(".*.tmp")]
    peaceful = experiment()(tmp_path / "b")
    assert (peaceful.made, peaceful.kept) == (12, 0)
    for name in WRITTEN:
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes(), name
    again = experiment()(tmp_path / "a")
    assert (again.made, again.kept) == (0, 12)
    assert (tmp_path / "a" / "overview.json").read_bytes() == (tmp_path / "b" / "overview.json").read_bytes()


@pytest.fixture
def copied(whole, tmp_path):
    """A copy of the experiment that was run in peace, to go on with."""
    shutil.copytree(whole.folder, tmp_path / "copied")
    return tmp_path / "copied"


def test_what_changed_is_made_again_and_nothing_else(copied):
    assert experiment(price=3.0)(copied).made == 0
    looks = experiment(members(C=0.1))(copied)
    assert (looks.made, looks.kept) == (6, 6), "looks, and what is fused of it"
    assert experiment()(copied).made == 0, "the old cells are still there"
    more = experiment([*members(), Model("more", LinearProbe(C=2.0), members()[0].X, UNITS, "text")])(copied)
    assert more.made == 3
    words = members()[:1]
    turned = task(y=np.where(np.arange(N) == 0, "yes", task().y))
    assert experiment(words, [turned])(copied).kept == 0, "a label changed"
    assert experiment(words, seed=1)(copied).kept == 0, "another split"
    assert experiment(words, tuning=Tuning(threshold="half"))(copied).kept == 0, "another tuning"


def test_other_inputs_are_another_cell(copied):
    changed = members()
    X = changed[0].X.copy()
    X[7, 0] += 1
    changed[0] = replace(changed[0], X=X)
    found = experiment(changed)(copied)
    assert (found.made, found.kept) == (6, 6), "words, and what is fused of it"


def test_a_damaged_cell_is_told_and_not_taken(copied):
    cell = next((copied / "cells").glob("irony-words-*-0"))
    (cell / "outputs.npz").write_bytes(b"PK")
    with pytest.raises(StoreError, match=r"is damaged .* delete it, and run the experiment again"):
        experiment()(copied)


def test_progress_is_told_after_every_cell(copied):
    told = []
    experiment()(copied, lambda done, of: told.append((done, of)))
    assert told[0] == (0, 12)
    assert told[-1] == (12, 12)
    assert len(told) == 13


# units


def test_units_that_a_model_lacks_are_left_out_for_all_and_counted(tmp_path):
    some = members()
    there = np.array([number % 8 != 0 for number in range(N)])
    lacking = {unit: "no row of image embed" for unit, is_there in zip(UNITS, there, strict=True) if not is_there}
    units = [unit for unit, is_there in zip(UNITS, there, strict=True) if is_there]
    some[1] = replace(some[1], X=some[1].X[there], units=units, lacking=lacking)
    found = experiment(some)(tmp_path)
    one = found.overview["tasks"][0]
    assert one["left_out"] == {"looks: no row of image embed": 30}
    assert one["labels"]["units"] == 210
    assert sum(sum(part.values()) for part in one["parts"].values()) == 210
    assert {row["n"] for row in one["results"]} == {one["parts"]["test"]["no"] + one["parts"]["test"]["yes"]}
    none = [replace(some[0], X=some[0].X[:3], units=UNITS[:3])]
    with pytest.raises(InputError, match="of 240 coded units 3 have inputs for every model, and none is in"):
        experiment(none)(tmp_path)


def test_parts_inherit_labels_and_their_predictions_are_aggregated(tmp_path):
    """Of four pictures of a post one shows it: the mean over all is blurred, a rule that is tuned is not."""
    rng = np.random.default_rng(2)
    y = rng.integers(0, 2, N)
    shows = np.zeros((N, 4))
    shows[np.arange(N), rng.integers(0, 4, N)] = 2.0 * y
    X = (shows + rng.normal(0, 0.3, (N, 4))).reshape(-1, 1)
    pictures = Model("pictures", LinearProbe(C=1.0), X, np.repeat(UNITS, 4), "image", of="image", parts=True)
    named = np.where(y, "yes", "no")
    given = task(y=named, strata=tuple(named))
    found = experiment([pictures, members()[0], Fusion("late", ("pictures", "words"))], [given])(tmp_path)
    assert value(found, "pictures") > 0.9
    tuned = result(found, "pictures")["folds"][0]["tuned"]
    assert tuned["units"] == 64, "posts, not pictures"
    assert tuned["aggregated"]["rule"] in {"max", "noisy_or", "share>0.5", "count>0.5", "top3_mean", "mean"}
    assert result(found, "late")["n"] == 48
    whole = replace(pictures, parts=False)
    with pytest.raises(InputError, match="irony by pictures, fold 0: pictures: a unit has 4 inputs"):
        experiment([whole], [given])(tmp_path / "whole")


def test_several_tasks_are_one_family_of_tests(tmp_path):
    """All kinds of variables, each with a model that knows something and one that knows nothing."""
    rng = np.random.default_rng(1)
    z = rng.normal(size=(N, 2))
    steps = np.array(["none", "some", "much"])[np.digitize(z[:, 0], [-0.5, 0.5])]
    sets = (z > 0).astype(int)
    keys = {"account": [number // 2 for number in range(N)]}
    bands = tuple(f"band {band}" for band in np.digitize(z[:, 0], [0]))
    tasks = [
        Task(Head("harm", "ordinal", ("none", "some", "much")), UNITS, steps, tuple(steps), keys),
        Task(Head("topics", "multilabel", ("a", "b")), UNITS, sets, tuple(map(str, sets[:, 0])), keys),
        Task(Head("warmth", "continuous"), UNITS, z[:, 0], bands, keys),
    ]
    models = [
        Model("blind", LinearProbe(C=1.0), rng.normal(size=(N, 2)), UNITS, "text"),
        Model("sees", LinearProbe(C=1.0), z + rng.normal(0, 0.3, (N, 2)), UNITS, "image"),
        Fusion("mean", ("blind", "sees")),
    ]
    found = experiment(models, tasks)(tmp_path)
    figures = [one["figure"] for one in found.overview["tasks"]]
    assert figures == ["quadratic_kappa", "macro_f1", "r2"]
    for number in range(3):
        figure = figures[number]
        assert value(found, "sees", figure, number) > value(found, "blind", figure, number) + 0.2
        assert value(found, "mean", figure, number) > value(found, "blind", figure, number)
    pairs = [pair for one in found.overview["tasks"] for pair in one["pairs"]]
    assert len(pairs) == 9
    assert found.overview["draws"] == 900, "so many that Holm's p-values can be small"
    smallest = min(pair["p"] for pair in pairs if pair["p"] is not None)
    assert min(pair["p_holm"] for pair in pairs if pair["p"] is not None) == pytest.approx(9 * smallest)


def test_a_stack_weighs_its_members_by_what_they_know(tmp_path):
    """One member knows the label, two are noise, which a mean believes as much."""
    rng = np.random.default_rng(4)
    y = rng.integers(0, 2, N)
    knows = Model("knows", LinearProbe(C=1.0), y[:, None] + rng.normal(0, 0.5, (N, 1)), UNITS, "text")
    noise = [Model(name, LinearProbe(C=100.0), rng.normal(size=(N, 30)), UNITS, "image") for name in ("a", "b")]
    names = ("knows", "a", "b")
    fused = [Fusion("mean", names), Fusion("stack", names, "stack")]
    named = np.where(y, "yes", "no")
    found = experiment([knows, *noise, *fused], [task(y=named, strata=tuple(named))], folds=2)(tmp_path)
    assert value(found, "stack", "roc_auc") > value(found, "mean", "roc_auc") + 0.02
    assert value(found, "stack", "roc_auc") > value(found, "knows", "roc_auc") - 0.05
    assert result(found, "stack")["folds"][0]["tuned"]["calibrate"] == "none"


def test_a_stack_is_chosen_by_units_that_did_not_fit_it(tmp_path):
    """Of labels that nobody can know, it looks no better on validation units than on others."""
    rng = np.random.default_rng(7)
    y = np.where(rng.random(N) < 0.5, "yes", "no")
    blind = [Model(f"m{at}", LinearProbe(C=1.0), rng.normal(size=(N, 3)), UNITS, "text") for at in range(12)]
    stack = Fusion("stack", tuple(one.name for one in blind), "stack")
    given = task(y=y, strata=tuple(y), keys={})
    found = experiment([*blind, stack], [given], figure="roc_auc", folds=2, draws=100, pairs=(("m0", "stack"),))
    assert result(found(tmp_path), "stack")["validation"] < 0.62, (
        "0.67 if it is judged by the units that it was fitted on"
    )


def test_shares_of_coders_are_learned_and_their_majority_is_judged(tmp_path):
    only = members()[2:3]
    hard = np.eye(2)[(task().y == "yes").astype(int)]
    plain, same, unsure = (
        experiment(only, [task(soft=soft)], folds=2, draws=100)(tmp_path)
        for soft in (None, hard, 0.7 * hard + 0.3 * hard[:, ::-1])
    )
    assert [one.overview["tasks"][0]["labels"]["soft"] for one in (plain, same, unsure)] == [False, True, True]
    assert (plain.made, same.made, unsure.made) == (2, 2, 2)
    assert result(same, "both")["mean"] == result(plain, "both")["mean"]
    assert result(unsure, "both")["mean"] != result(plain, "both")["mean"]
    assert value(unsure, "both") > 0.9
    assert unsure.overview["tasks"][0]["labels"]["per_class"] == plain.overview["tasks"][0]["labels"]["per_class"]


def test_a_network_is_watched_and_its_curve_is_kept(tmp_path):
    pictures = digits(0, 200)
    units = tuple(f"d{number:03}" for number in range(200))
    named = np.array([f"{label}" for label in pictures.y])
    given = Task(Head("digit", classes=tuple("0123456789")), units, named, tuple(named))
    net = ToyNet(schedule=Schedule(epochs=2, rate=3e-3, seed=1))
    outline = [str(picture.sum()) for picture in pictures.X]
    model = Model("toy", net, pictures.X, units, "image", "toy", outline=outline)
    found = experiment([model], [given], folds=2)(tmp_path)
    curves = found.overview["tasks"][0]["training"]
    assert [(one["model"], one["fold"], len(one["points"])) for one in curves] == [("toy", 0, 2), ("toy", 1, 2)]
    assert curves[0]["points"][-1]["validation_loss"] < curves[0]["points"][0]["validation_loss"]
    assert result(found, "toy")["folds"][0]["epochs"] == 2
    assert not (tmp_path / "cells" / ".checkpoints").exists()
    assert experiment([model], [given], folds=2)(tmp_path).made == 0


# what is refused before anything is trained


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"of": []}, "needs a task, and models of different names"),
        ({"of": [members()[0], members()[0]]}, "models of different names"),
        ({"of": [members()[0], Fusion("late", ("words", "smell"))]}, "late fuses smell; the models are words"),
        ({"figure": "r2"}, "a categorical variable has accuracy, .*; got 'r2'"),
        ({"pairs": (("words", "smell"),)}, "no model is called smell"),
        ({"price": -1.0}, "price should be US dollars"),
        ({"folds": 1}, "at least 2 folds"),
        ({"draws": 50}, "draws of 100 or more"),
        ({"seed": -1}, "a seed of 0 or more"),
        ({"tasks": [task(y=np.array(["no", "maybe"] * 120))]}, "unknown labels 'maybe'|has the classes"),
    ],
)
def test_what_cannot_be_is_refused(change, says, tmp_path):
    with pytest.raises(InputError, match=says):
        experiment(**change)(tmp_path)
    assert not [*tmp_path.glob("cells/irony-*")]


def rare(*accounts):
    """The task with a third class, of the units of some accounts alone."""
    y = np.where(np.isin(np.arange(N) // 2, accounts), "perhaps", task().y)
    return replace(task(y=y, strata=tuple(y)), head=Head("irony", "categorical", ("no", "yes", "perhaps")))


def test_a_class_that_is_too_rare_for_a_fold_is_told_before_anything_is_trained(tmp_path):
    words = members()[0]
    lacks = replace(words, X=words.X[2:], units=UNITS[2:])  # one of two accounts with the class has no input
    with pytest.raises(
        InputError, match=r"fold \d, training units: irony: a model needs labels .* none of \['perhaps'\]"
    ):
        experiment([lacks], [rare(0, 1)])(tmp_path)
    chooses = replace(words, estimator=LinearProbe())
    with pytest.raises(InputError, match=r"words, fold \d, training units: irony: .* at least two groups"):
        experiment([chooses], [rare(0, 1)])(tmp_path)
    assert not (tmp_path / "cells").exists()


def test_a_stack_needs_all_classes_among_the_validation_units(tmp_path):
    some = [*members()[:2], Fusion("late", ("words", "looks"), "stack")]
    with pytest.raises(InputError, match=r"irony by late, fold \d, validation units: irony: .*(labels|two groups)"):
        experiment(some, [rare(0, 1, 2, 3, 4, 5)])(tmp_path)
    assert not (tmp_path / "cells").exists()


def test_parts_need_a_positive_validation_unit(tmp_path):
    split = Splits(folds=3)(UNITS, tuple(task().y), {})
    parts = dict(zip(split.units, split.parts, strict=True))
    y = np.where([parts[unit] == 0 for unit in UNITS], "no", task().y)
    model = replace(members()[0], parts=True)
    with pytest.raises(InputError, match="fold 0: no validation unit is positive"):
        Experiment("irony", [task(y=y, keys={})], [model], Design(), split=split)(tmp_path)
    assert not (tmp_path / "cells").exists()


def test_a_fusion_needs_two_models_and_a_way():
    for given in (("words",), ("words", "words")):
        with pytest.raises(InputError, match="needs two models at least, each once"):
            Fusion("late", given)
    with pytest.raises(InputError, match="how = mean or stack"):
        Fusion("late", ("words", "looks"), "median")
