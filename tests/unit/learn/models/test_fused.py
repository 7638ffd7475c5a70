import json

import numpy as np
import pytest

from studium.core.parts import replace_file
from studium.errors import InputError
from studium.learn.evaluate.metrics import roc_auc
from studium.learn.models.examples import Some
from studium.learn.models.late import FittedLate, Late
from studium.learn.models.linear import LinearProbe
from studium.learn.models.ngrams import Ngrams
from studium.learn.models.saved import load
from studium.learn.models.stack import FittedStack, Stack
from studium.learn.models.training import Head
from studium.learn.models.tuned import tune

SEEN = Head("seen", classes=("no", "yes"))
PROBES = {"text": LinearProbe(C=0.1), "image": LinearProbe(C=0.1)}


def both(n=300, seed=0, head=SEEN):
    """Half of what makes a unit a "yes" is in each input; the second is blurred."""
    rng = np.random.default_rng(seed)
    text, image = rng.normal(0, 1, (2, n, 4))
    score = 1.5 * text[:, 0] + 1.5 * image[:, 0] + rng.logistic(0, 1, n)
    X = {"text": text, "image": image + rng.normal(0, 0.8, image.shape)}
    return X, {
        "categorical": np.array(head.classes or (0,))[np.digitize(score, [0, 1.5])[:] % max(1, len(head.classes))]
        if len(head.classes) > 2
        else np.where(score > 0, "yes", "no"),
        "ordinal": np.array(head.classes or (0,) * 3)[np.digitize(score, [-1, 1]) if len(head.classes) > 2 else 0],
        "multilabel": np.stack([score > 0, text[:, 0] > 0], axis=1),
        "continuous": score,
    }[head.task]


HEADS = [
    SEEN,
    Head("scene", classes=("a", "b", "c")),
    Head("rank", "ordinal", (1, 2, 3)),
    Head("tags", "multilabel", ("p", "q")),
    Head("score", "continuous"),
]


@pytest.mark.parametrize("how", [Late, Stack])
@pytest.mark.parametrize(
    ("X", "says"),
    [
        ({}, "inputs of text, image; got $"),
        ({"text": np.eye(4)}, "inputs of text, image; got text"),
        ({"text": np.eye(4), "image": np.eye(4), "sound": np.eye(4)}, "got text, image, sound"),
        (np.eye(4), "a mapping .* got ndarray"),
        ({"text": np.eye(4), "image": np.eye(3)}, "the same units, got .* leave units out that lack one"),
        ({"text": np.eye(4), "image": [None, 1, 2, None]}, "2 units have no input for image"),
        ({"text": np.full((4, 1), np.nan), "image": np.eye(4)}, "rows hold NaN"),
    ],
)
def test_units_that_lack_an_input_are_refused(how, X, says):
    with pytest.raises(InputError, match=says):
        how(SEEN, PROBES).fit(X, ["no", "yes"] * 2)


@pytest.mark.parametrize(
    "made",
    [
        lambda: Late(members={"../up": LinearProbe()}),
        lambda: Stack(members={"": LinearProbe()}),
        lambda: Late(SEEN, PROBES, {"text": 1.0}),
        lambda: Late(SEEN, PROBES, {"text": 1.0, "image": 0.0}),
        lambda: Stack(folds=1),
        lambda: Stack(C=-1.0),
        lambda: Late(SEEN).fit({}, ["yes", "no"]),
        lambda: Late().on({}),
    ],
)
def test_impossible_settings(made):
    with pytest.raises(InputError):
        made()


def test_the_mean_and_the_weighted_mean():
    X, y = both()
    plain, uneven = (Late(SEEN, PROBES, one).fit(X, y) for one in ({}, {"text": 3.0, "image": 1.0}))
    text, image = (LinearProbe(SEEN, C=0.1).fit(X[name], y).predict_proba(X[name]) for name in ("text", "image"))
    np.testing.assert_allclose(plain.predict_proba(X), (text + image) / 2)
    np.testing.assert_allclose(uneven.predict_proba(X), 0.75 * text + 0.25 * image)
    np.testing.assert_allclose(plain.joined({"image": image, "text": text}), (text + image) / 2)
    assert plain.settings["weights"] == {"text": 0.5, "image": 0.5}
    with pytest.raises(InputError, match="outputs of text, image are needed; got text"):
        plain.joined({"text": text})


@pytest.mark.parametrize("head", HEADS, ids=lambda head: f"{head.task}{len(head.classes)}")
@pytest.mark.parametrize("how", [Late, Stack])
def test_both_beat_each_and_are_saved(how, head, tmp_path):
    X, y = both(head=head)
    others, _ = both(seed=1, head=head)
    settings = {"C": 1.0} if how is Stack else {}
    made = how(head, PROBES, **settings).fit(X, y, groups=np.arange(300) // 2)
    made.save(tmp_path / "m")
    back = load(tmp_path / "m")
    assert isinstance(back, {Late: FittedLate, Stack: FittedStack}[how])
    np.testing.assert_array_equal(back.outputs(others), made.outputs(others))
    np.testing.assert_array_equal(back.predict(others), made.predict(others))
    assert back.card == json.loads(json.dumps(made.card))
    assert (back.takes, sorted(back.members)) == ("members", ["image", "text"])
    assert made.outputs({name: one[:0] for name, one in X.items()}).shape == (0, max(1, len(head.classes)))
    if head.task not in {"multilabel", "continuous"}:
        np.testing.assert_allclose(made.predict_proba(others).sum(axis=1), 1)


@pytest.mark.parametrize("how", [Late(SEEN, PROBES), Stack(SEEN, PROBES)])
def test_both_beat_each(how):
    X, y = both(400)
    others, truth = both(1000, seed=1)
    fused = roc_auc(truth == "yes", how.fit(X, y).predict_proba(others)[:, 1])
    for name in PROBES:
        alone = LinearProbe(SEEN, C=0.1).fit(X[name], y).predict_proba(others[name])[:, 1]
        assert fused > roc_auc(truth == "yes", alone) + 0.03


def test_a_stack_sees_through_a_member_that_learns_by_heart():
    """Noise with as many columns as units fits the training units perfectly: only what it says of others counts."""
    rng = np.random.default_rng(0)
    X, y = both(200)
    X = {"text": X["text"], "noise": rng.normal(0, 1, (200, 200))}
    members = {"text": LinearProbe(C=0.1), "noise": LinearProbe(C=100.0)}
    stack = Stack(SEEN, members, C=1.0).fit(X, y)
    text, noise = (stack.stacked.model.coef / stack.stacked.model.scale)[0]
    assert text > 5 * abs(noise)
    assert stack.stacked.model.training["units"] == 200


def test_on_what_models_said_of_validation_units():
    X, y = both(400)
    fitted = {name: LinearProbe(SEEN, C=0.1).fit(X[name][:200], y[:200]) for name in X}
    said = {name: one.outputs(X[name][200:]) for name, one in fitted.items()}
    stacked = Stack.on(SEEN, said, y[200:], groups=np.arange(200) // 2)
    whole = stacked.with_members(fitted)
    others, _ = both(50, seed=1)
    there = {name: fitted[name].outputs(others[name]) for name in ("image", "text")}  # in any order
    np.testing.assert_array_equal(stacked.outputs(there), whole.outputs(others))
    assert stacked.settings["names"] == ["text", "image"]
    with pytest.raises(InputError, match="the members are text, image; got text"):
        stacked.with_members({"text": fitted["text"]})
    with pytest.raises(InputError, match=r"should be \(n, 2\) each"):
        Stack.on(SEEN, {"text": said["text"][:, 1:]}, y[200:])
    with pytest.raises(InputError, match="no members"):
        Stack.on(SEEN, {}, y[200:])


def test_members_of_texts_and_tables_with_lazy_inputs_and_tuning():
    X, y = both(200)
    words = [f"{'fine' if one > 0 else 'awful'} day" for one in X["text"][:, 0]]
    given = {"words": Some(words, np.arange(200)), "image": X["image"]}
    stack = Stack(SEEN, {"words": Ngrams(), "image": LinearProbe(C=0.1)}, C=1.0).fit(given, y)
    found = tune(stack, stack.outputs(given), y)
    assert (found.takes, found.predict(given).shape) == ("members", (200,))


def test_members_that_disagree():
    X, y = both(100)
    text = LinearProbe(SEEN, C=0.1).fit(X["text"], y)
    image = LinearProbe(Head("seen", classes=("yes", "no")), C=0.1).fit(X["image"], y)
    with pytest.raises(InputError, match="the same classes in the same order"):
        Late().on({"text": text, "image": image})


def test_damaged_folders(tmp_path):
    X, y = both(100)
    Late(SEEN, PROBES).fit(X, y).save(tmp_path)
    about = json.loads((tmp_path / "model.json").read_text())
    about["preprocessing"]["members"] = ["../..", "image"]
    replace_file(tmp_path / "model.json", json.dumps(about))
    with pytest.raises(InputError, match="members need names"):
        load(tmp_path)


def test_groups_are_kept_apart():
    """Copies of a unit with labels by chance: a stack that parted them would trust them."""
    rng = np.random.default_rng(0)
    groups = np.repeat(np.arange(60), 4)
    noise = rng.normal(0, 1, (60, 40))[groups]
    y = np.array(SEEN.classes)[rng.permutation(np.arange(60) % 2)[groups]]
    aware, fooled = (
        Stack(SEEN, {"noise": LinearProbe(C=10.0)}, C=1.0).fit({"noise": noise}, y, groups=one)
        for one in (groups, None)
    )
    weight = [abs(float((one.stacked.model.coef)[0, 0])) for one in (aware, fooled)]
    assert weight[1] > 3 * weight[0]
