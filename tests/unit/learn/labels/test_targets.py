"""Targets: every type of variable, every rule for what is no plain answer, and everything left out told."""

from datetime import UTC, datetime

import numpy as np
import pytest

from studium.coding.dawid_skene import DawidSkene
from studium.core.annotation import Annotation
from studium.core.variable import Value, Variable
from studium.errors import InputError, UnknownNameError
from studium.learn.folds.splits import Splits
from studium.learn.labels.read import Label
from studium.learn.labels.targets import Targets


def variable(kind, values="", **more):
    return Variable("v", "?", "image", kind, tuple(map(Value, values.split())), **more)


PROTEST = variable("binary", "yes no")
SCENE = variable("categorical", "city nature sea", none_of_these=True)
TAGS = variable("multilabel", "flag crowd")
TONE = variable("ordinal", "low middle high")
SHARE = variable("continuous", low=0)
CODERS = ("ann", "bob", "cy", "di")


def said(table, weight=1.0):
    """{"unit": "codes of ann, bob, cy"} as labels; "?" is cannot tell, "-" nothing, "+" parts labels."""
    return [
        Label(unit, "v", None if word == "?" else word, coder, weight)
        for unit, words in table.items()
        for coder, word in zip(CODERS, words.split() if isinstance(words, str) else words, strict=False)
        if word != "-"
    ]


@pytest.mark.parametrize("of", [PROTEST, SCENE, TAGS, TONE, SHARE], ids=lambda it: it.type)
@pytest.mark.parametrize("combine", [None, DawidSkene()])
def test_no_labels(of, combine):
    if of is SHARE and combine:
        with pytest.raises(InputError, match="is continuous: coders are averaged"):
            Targets(of, combine)
        return
    found = Targets(of, combine)([])
    k = len(found.classes)
    assert (len(found.units), len(found.y), found.soft.shape, found.coders) == (0, 0, (0, k), ())
    assert (found.strata(), found.dropped, found.told, found.combined) == ((), {}, {}, ())
    assert set(found.counts().values()) <= {0}


def test_binary_the_first_value_counts_as_one():
    found = Targets(PROTEST)(said({"a": "yes no yes", "b": "no", "c": "YES ?"}, weight=4.0))
    assert found.classes == ("no", "yes")
    assert found.y.tolist() == [1, 0, 1]
    assert found.soft == pytest.approx(np.array([[1 / 3, 2 / 3], [1, 0], [0, 1]]))
    assert found.counts() == {"no": 1, "yes": 2}
    assert (found.units, found.strata()) == (("a", "b", "c"), ("yes", "no", "yes"))
    assert (found.labels.tolist(), found.weights.tolist()) == ([3, 1, 1], [4, 4, 4])
    assert (found.coders, found.told) == (("ann", "bob", "cy"), {"cannot_tell": 1})


@pytest.mark.parametrize(
    ("ties", "units", "y"),
    [
        ("drop", ("a",), [0]),
        ("first", ("a", "b", "c", "d"), [0, 1, 0, 0]),
        ("draw", ("a", "b", "c", "d"), [0, 1, 2, 0]),
    ],
)
def test_ties(ties, units, y):
    table = {"a": "city city sea", "b": "sea nature", "c": "city nature sea", "d": "sea city"}
    found = Targets(SCENE, ties=ties)(said(table))
    assert (found.units, found.y.tolist()) == (units, y)
    assert found.dropped == ({"tie": ("b", "c", "d")} if ties == "drop" else {})
    assert found.told == ({} if ties == "drop" else {"ties_decided": 3})


def test_ties_of_binary_and_drawn_ones():
    assert Targets(PROTEST, ties="first")(said({"a": "no yes"})).y.tolist() == [1], "yes stands first in the codebook"
    table = {f"u{at}": "no yes" for at in range(400)}
    drawn = Targets(PROTEST, ties="draw")(said(table))
    turned = Targets(PROTEST, ties="draw")(said(dict(reversed(table.items()))))
    assert drawn.y.mean() == pytest.approx(0.5, abs=0.1)
    assert turned.y.tolist() == drawn.y[::-1].tolist(), "whatever the order"


def test_cannot_tell():
    table = {"a": "yes ?", "b": "? ?", "c": "no no"}
    found = Targets(PROTEST)(said(table))
    assert (found.units, found.dropped, found.told) == (("a", "c"), {"only cannot tell": ("b",)}, {"cannot_tell": 3})
    strict = Targets(PROTEST, cannot_tell="drop")(said(table))
    assert (strict.units, strict.dropped) == (("c",), {"cannot tell": ("a", "b")})
    two = Targets(PROTEST, least=2)(said(table))
    assert two.dropped == {"too few labels": ("a",), "only cannot tell": ("b",)}


def test_none_of_these():
    table = {"a": "city city none_of_these", "b": "none_of_these", "c": "sea"}
    found = Targets(SCENE)(said(table))
    assert found.classes == ("city", "nature", "sea", "none_of_these")
    assert found.y.tolist() == [0, 3, 2]
    without = Targets(SCENE, none_of_these="drop")(said(table))
    assert (without.units, without.classes) == (("a", "c"), ("city", "nature", "sea"))
    assert without.soft.tolist() == [[1, 0, 0], [0, 0, 1]], "its share goes to the others"
    assert without.dropped == {"none of these": ("b",)}


def test_multilabel():
    table = {"a": [["flag"], ["flag", "crowd"], []], "b": [[]], "c": [["flag"], []], "d": [["crowd", "flag"]]}
    found = Targets(TAGS)(said(table))
    assert (found.units, found.y.tolist()) == (("a", "b", "d"), [[1, 0], [0, 0], [1, 1]])
    assert found.soft == pytest.approx(np.array([[2 / 3, 1 / 3], [0, 0], [1, 1]]))
    assert found.dropped == {"tie": ("c",)}
    assert found.counts() == {"flag": 2, "crowd": 1}
    assert found.strata() == ("flag", "none_of_these", "crowd"), "the rarest that it has"
    assert Targets(TAGS, ties="first")(said(table)).y[2].tolist() == [1, 0]
    assert Targets(TAGS, ties="draw")(said({f"u{at}": table["c"] for at in range(300)})).y.mean(axis=0).tolist() == [
        pytest.approx(0.5, abs=0.1), 0]  # fmt: skip


def test_ordinal_and_continuous():
    assert Targets(TONE)(said({"a": "high high low", "b": "middle"})).y.tolist() == [2, 1]
    found = Targets(SHARE)(
        said({"a": [0.1, 0.2, 0.6], "b": [3], "c": ["4.5", None]} | {f"u{i}": [i] for i in range(97)})
    )
    assert found.y[:3].tolist() == [pytest.approx(0.3), 3, 4.5]
    assert (found.classes, found.soft.shape, found.counts()) == ((), (100, 0), {})
    assert sorted({*found.strata()}) == [f"band {at}" for at in range(1, 6)]
    assert Targets(SHARE)(said({"a": [0.6, 0.2, 0.1]})).y[0] == found.y[0], "in any order"
    assert Targets(SHARE)(said({"a": [1], "b": [1]})).strata() == ("band 1", "band 1")


def test_dawid_skene_weighs_coders():
    rng = np.random.default_rng(0)
    truth = rng.integers(0, 2, 400)
    wrong = rng.random((400, 4)) < [0.05, 0.1, 0.45, 0.45]
    words = np.array(["yes", "no"])[truth[:, None] ^ wrong]
    table = {f"u{at}": list(row) for at, row in enumerate(words)}
    votes, found = (Targets(PROTEST, how, ties="first")(said(table)) for how in (None, DawidSkene()))
    right, majority = (np.mean(it.y == 1 - truth) for it in (found, votes))
    assert right > 0.92 > majority + 0.03
    assert found.combined[0]["converged"] == 1
    assert found.soft.sum(axis=1) == pytest.approx(np.ones(400))
    many = Targets(TAGS, DawidSkene())(
        said({"a": [["flag"], ["flag"]], "b": [[], []], "c": [["crowd"], ["crowd", "flag"]]})
    )
    assert len(many.combined) == 2, "each label for itself"
    assert many.y[0].tolist() == [1, 0]
    with pytest.raises(InputError, match="no unit was coded by two coders"):
        Targets(PROTEST, DawidSkene())(said({"a": "yes"}))


def test_annotations_are_labels():
    now = datetime(2026, 1, 1, tzinfo=UTC)
    given = [
        Annotation("a", "v", "yes", "ann", now, PROTEST.digest, 2.0),
        Annotation("b", "v", "no", "ann", now, "old"),
    ]
    found = Targets(PROTEST)([*given, *given[:1]])
    assert (found.y.tolist(), found.weights.tolist()) == ([1, 0], [2, 1])
    assert found.told == {"other_definition": 1, "repeated": 1}


@pytest.mark.parametrize(
    ("labels", "says"),
    [
        ([Label("a", "v", "maybe", "ann")], "unit 'a', coder 'ann': variable 'v': expected one of 'yes', 'no'"),
        ([Label("a", "v", "yes", "ann"), Label("a", "v", "no", "ann")], "said 'yes' and 'no' of unit 'a'"),
        ([Label("a", "v", "yes", "ann"), Label("a", "v", None, "ann")], "said 'yes' and None of unit 'a'"),
        ([Label("a", "v", None, "ann"), Label("a", "v", "no", "ann")], "said None and 'no' of unit 'a'"),
        ([Label("a", "v", "yes", "ann", 0.0)], "at least 1, got 0.0"),
        ([Label("a", "v", "yes", "ann", np.nan)], "at least 1, got nan"),
        ([Label("a", "v", "yes", "ann", np.inf)], "at least 1, got inf"),
        ([Label("a", "v", "yes", "ann"), Label("a", "v", "yes", "bob", 2.0)], "has the weights 1 and 2, so"),
    ],
)
def test_labels_that_do_not_fit(labels, says):
    with pytest.raises(InputError, match=says):
        Targets(PROTEST)(labels)


def test_labels_of_other_variables():
    other = Label("a", "w", "anything", "ann")
    assert Targets(PROTEST)([other, *said({"a": "yes"})]).units == ("a",)
    with pytest.raises(UnknownNameError, match="no label of variable 'v'; there are some of w"):
        Targets(PROTEST)([other])


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"ties": "last"}, "ties: expected one of drop, first, draw, got 'last'"),
        ({"cannot_tell": ""}, "cannot_tell: expected one of ignore, drop"),
        ({"none_of_these": "keep"}, "none_of_these: expected one of class, drop"),
        ({"least": 0}, "least: expected at least 1 label"),
        ({"variable": variable("text")}, "is a text: no target"),
    ],
)
def test_impossible_settings(settings, says):
    with pytest.raises(InputError, match=says):
        Targets(**{"variable": PROTEST} | settings)


def test_targets_can_be_split():
    table = {f"u{at:02}": ["flag"] * (at % 2) + ["crowd"] * (at % 5 == 0) for at in range(60)}
    found = Targets(TAGS)([Label(unit, "v", tags, "ann") for unit, tags in table.items()])
    split = Splits()(found.units, found.strata(), {"video": [at // 3 for at in range(60)]})
    assert split.testing(found.units).mean() == pytest.approx(0.2, abs=0.05)


@pytest.mark.parametrize(("kind", "more"), [("boxes", {}), ("binary", {"pairs": True})])
def test_boxes_and_pairs_are_no_targets(kind, more):
    with pytest.raises(InputError, match="no target; choose one of single, whole units"):
        Targets(Variable("x", "?", "image", kind, (Value("a"), Value("b")), **more))
