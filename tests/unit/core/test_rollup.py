import subprocess
import sys
import time
from collections import Counter
from functools import partial

import numpy as np
import pyarrow as pa
import pytest

from studium.core import reduce
from studium.core.rollup import RULES, attach, rollup, rule
from studium.errors import InputError, UnknownNameError

FRAMES = [0.9, 0.2, 0.7, 0.1, 0.6]  # the golden frame probabilities of the specification
GOLDEN = {
    "count>0.5": 3,
    "share>0.5": 0.6,
    "any>0.5": True,
    "any>0.9": False,  # above, not at
    "mean": 0.5,
    "max": 0.9,
    "min": 0.1,
    "sum": 2.5,
    "noisy_or": 0.99136,
    "top3_mean": 0.733333333333333,
    "top99_mean": 0.5,
    "mean_logit": 0.875**0.2 / (1 + 0.875**0.2),  # .4933; .875 is the product of the odds
}


def one(values, text, **more):
    """Roll up one column `p` of the group "v"."""
    table = pa.table({"parent": ["v"] * len(values), "p": values, **more})
    return rollup(table, "parent", {"p": rule(text)}).to_pylist()[0]


@pytest.mark.parametrize(("text", "expected"), GOLDEN.items())
def test_golden_values(text, expected):
    row = one(FRAMES, text)
    assert row["p"] == pytest.approx(expected, abs=1e-6)
    assert type(row["p"]) is type(expected)
    assert (row["parent"], row["n"], row["p_missing"]) == ("v", 5, 0)


@pytest.mark.parametrize("frames", [10, 30, 70])
def test_any_inflates_false_alarms_as_noisy_or_says(frames):
    assert one([0.02] * frames, "noisy_or")["p"] == pytest.approx(1 - 0.98**frames)


def test_no_rows_is_a_table_with_all_columns():
    empty = pa.table(
        {"parent": pa.array([], pa.string()), "p": pa.array([], pa.float32()), "scene": pa.array([], pa.string()),
         "embedding": pa.array([], pa.list_(pa.float16(), 4))}
    )  # fmt: skip
    rules = {"p": rule("count>0.5"), "scene": rule("mode"), "embedding": rule("mean_vector")}
    got = rollup(empty, "parent", rules)
    assert got.schema == pa.schema(
        {"parent": pa.string(), "n": pa.int64(), "p": pa.int64(), "p_missing": pa.int64(), "scene": pa.string(),
         "scene_missing": pa.int64(), "embedding": pa.list_(pa.float32(), 4), "embedding_missing": pa.int64()}
    )  # fmt: skip
    assert len(got) == 0
    unchunked = pa.table([pa.chunked_array([], kind.type) for kind in empty.schema], empty.column_names)
    assert got.equals(rollup(unchunked, "parent", rules))


def test_groups_come_in_order_of_first_appearance_however_the_table_is_chunked():
    keys, values = ["b", "a", "b", "c", "a", "b"], [1.0, 2.0, 3.0, 4.0, 5.0, 6.0]
    expected = {"parent": ["b", "a", "c"], "n": [3, 2, 1], "p": [10.0, 7.0, 4.0], "p_missing": [0, 0, 0]}
    whole = pa.table({"parent": keys, "p": values})
    chunked = pa.concat_tables([whole.slice(0, 2), whole.slice(2, 0), whole.slice(2, 3), whole.slice(5)])
    coded = whole.set_column(0, "parent", pa.DictionaryArray.from_arrays([2, 1, 2, 3, 1, 2], ["z", "a", "b", "c"]))
    for table in (whole, chunked, coded):
        assert rollup(table, "parent", {"p": rule("sum")}).to_pydict() == expected


def test_no_rules_counts_children():
    assert rollup(pa.table({"parent": ["b", "a", "b"]}), "parent", {}).to_pydict() == {
        "parent": ["b", "a"],
        "n": [2, 1],
    }


@pytest.mark.parametrize("text", [text for text in GOLDEN if text != "sum"])
def test_missing_rows_are_left_out_and_counted(text):
    values = pa.array([None, 0.9, 0.2, float("nan"), 0.7, 0.1, 0.6], pa.float64(), from_pandas=False)
    row = one(values, text)
    assert row["p"] == pytest.approx(GOLDEN[text], abs=1e-6)
    assert (row["n"], row["p_missing"]) == (7, 2)


@pytest.mark.parametrize("text", [*GOLDEN, "mode", "mean_vector"])
def test_nothing_but_missing_rows_is_null(text):
    kind = {"mode": pa.string(), "mean_vector": pa.list_(pa.float32(), 2)}.get(text, pa.float64())
    full = {"mode": "x", "mean_vector": [0.5, 0.5]}.get(text, 0.5)
    table = pa.table({"parent": ["a", "b", "a"], "p": pa.array([None, full, None], kind)})
    got = rollup(table, "parent", {"p": rule(text)}).to_pydict()
    assert got["p"][0] is None
    assert got["p"][1] is not None
    assert got["p_missing"] == [2, 0]


@pytest.mark.parametrize("kind", [pa.float16(), pa.float32(), pa.float64(), pa.int8(), pa.uint64(), pa.bool_()])
def test_every_type_of_number(kind):
    values = pa.array([0, 1, 1, None, 1], pa.int8()).cast(kind)
    assert one(values, "mean")["p"] == 0.75
    assert one(values, "count>0")["p"] == 3


def test_certain_probabilities():
    assert one([0.3, 1.0], "noisy_or")["p"] == 1.0
    assert one([0.0, 0.0], "noisy_or")["p"] == 0.0
    assert str(one([0.0], "noisy_or")["p"]) == "0.0"
    assert one([1e-300], "noisy_or")["p"] == 1e-300
    assert one([5e-324, 1e-310], "mean_logit")["p"] < 1e-300
    with pytest.raises(
        InputError, match=r"column 'p', rule 'mean_logit': expected .* strictly .* got 1.0 in 1 of 2 rows"
    ):
        one([0.3, 1.0], "mean_logit")
    for bad in (-0.1, 1.1, float("inf")):
        with pytest.raises(InputError, match=r"\[0, 1\]"):
            one([0.3, bad], "noisy_or")


# --- labels


@pytest.mark.parametrize(
    ("labels", "expected"),
    [
        (["dog"], "dog"),
        (["cat", "dog", "dog"], "dog"),
        (["dog", "cat", "ant", "dog", "cat"], "cat"),  # a tie: the smallest name
        (["z", "a", "Ä", "Ä", "z"], "z"),  # smallest in code points
        ([True, False, None], False),
        ([10, 9, 10, 9, -3], 9),  # numbers, not text
    ],
)
def test_mode(labels, expected):
    assert one(labels, "mode")["p"] == expected


def test_ties_go_to_the_highest_summed_score():
    labels, scores = ["cat", "dog", "dog", "cat", "ant"], [0.5, 0.9, 0.5, 0.6, 0.99]
    row = one(labels, "mode by sure", sure=scores)
    assert row["p"] == "dog"
    assert one(labels, "mode")["p"] == "cat"
    assert one([None, *labels], "mode by sure", sure=[None, *scores])["p"] == "dog"
    assert one([None, *labels], "mode by sure", sure=[9.0, *scores])["p"] == "dog"
    with pytest.raises(InputError, match="expected a score for every label, got 1 labels without"):
        one(labels, "mode by sure", sure=[None, *scores[1:]])


def test_dictionary_labels():
    labels = pa.DictionaryArray.from_arrays([2, 0, 2, 0, None], ["b", "unused", "a"])
    assert one(labels, "mode") == {"parent": "v", "n": 5, "p": "a", "p_missing": 1}


# --- vectors


@pytest.mark.parametrize("kind", [pa.list_(pa.float32(), 2), pa.list_(pa.float64()), pa.large_list(pa.float16())])
def test_mean_vector(kind):
    rows = [[9, 9], [1, 2], None, [3, 6], [None, 1], [5, 5]]
    half = kind.value_type == pa.float16()  # older pyarrow makes these only by a cast
    vectors = pa.array(rows, pa.large_list(pa.float32())).cast(kind) if half else pa.array(rows, kind)
    table = pa.table({"parent": list("-aaaab"), "e": vectors}).slice(1)  # an offset, as of a part of a larger table
    got = rollup(table, "parent", {"e": rule("mean_vector")})
    assert got.to_pydict() == {"parent": ["a", "b"], "n": [4, 1], "e": [[2, 4], [5, 5]], "e_missing": [2, 0]}
    assert got.schema.field("e").type == pa.list_(pa.float64() if "double" in str(kind) else pa.float32(), 2)


def test_vectors_of_several_lengths():
    with pytest.raises(InputError, match=r"one length, got lengths \[2, 1\]"):
        one([[1.0, 2.0], [3.0]], "mean_vector")


# --- what does not fit


@pytest.mark.parametrize(
    ("values", "text", "message"),
    [
        (["a"], "mean", "expected numbers, got string"),
        ([0.5], "mode", "expected labels .* got double"),
        ([0.5], "mean_vector", "expected vectors of floats, got double"),
        ([[1, 2]], "mean_vector", "expected vectors of floats, got list"),
        ([[1.0]], "max", "expected numbers, got list"),
        ([2**53 + 1], "sum", "2\\*\\*53"),
    ],
)
def test_columns_that_do_not_fit_the_rule(values, text, message):
    with pytest.raises(InputError, match=message):
        one(values, text)


def test_tables_that_do_not_fit():
    table = pa.table({"parent": ["v", None], "p": [1.0, 2.0], "n": [1, 2], "p_missing": [0, 0]})
    mean = rule("mean")
    with pytest.raises(InputError, match="1 rows without 'parent'"):
        rollup(table, "parent", {"p": mean})
    for by, rules in (("nobody", {}), ("parent", {"q": mean}), ("parent", {"p": rule("mode by q")})):
        with pytest.raises(UnknownNameError, match="known: parent, p, n, p_missing"):
            rollup(table, by, rules)
    for by, rules in (("p", {"n": mean}), ("p", {"p": mean}), ("n", {"p": mean, "p_missing": mean})):
        with pytest.raises(InputError, match="two columns"):
            rollup(table, by, rules)


NO_RULES = ("", "median", "share", "share>", "share>x", "share>nan", "share>=0.5", "top0_mean", "top_mean", "mode by",
            "mean>0.5", "MEAN", "count>0.5 or more")  # fmt: skip


@pytest.mark.parametrize("text", NO_RULES)
def test_rules_that_do_not_exist(text):
    with pytest.raises(InputError, match=r"expected a rollup rule \(mean, .*count>T.*\), got"):
        rule(text)


def test_every_form_of_rule_parses_and_is_written_one_way():
    for form in RULES:
        text = form.replace("COLUMN", "sure").replace("K", "3").replace("T", "0.5")
        assert rule(text).text == rule(f" {text.replace('>', ' > ')} ").text == text


# --- posts


def test_along_attachments():
    media = pa.table({"unit": ["m1", "m2", "m3"], "p": [0.2, 0.8, 0.5]})
    attachments = pa.table({"post": ["p2", "p1", "p1", "p3"], "media": ["m1", "m1", "m2", "gone"]})
    rows = attach(media, attachments)
    assert rows.to_pydict() == {"post": ["p2", "p1", "p1", "p3"], "p": [0.2, 0.2, 0.8, None]}
    assert rollup(rows, "post", {"p": rule("max")}).to_pydict() == {
        "post": ["p2", "p1", "p3"],
        "n": [1, 2, 1],
        "p": [0.2, 0.8, None],
        "p_missing": [0, 0, 1],
    }
    assert len(attach(media, attachments.slice(0, 0))) == 0
    assert attach(media.slice(0, 0), attachments)["p"].null_count == 4
    with pytest.raises(InputError, match="one row per medium"):
        attach(pa.concat_tables([media, media]), attachments)
    with pytest.raises(UnknownNameError, match="no column 'id'"):
        attach(media, attachments, key="id")


# --- against a plain loop, and speed

ORACLES = {
    "mean": np.mean,
    "sum": np.sum,
    "max": np.max,
    "min": np.min,
    "top3_mean": lambda p: np.sort(p)[-3:].mean(),
    "noisy_or": lambda p: 1 - np.prod(1 - p),
    "mean_logit": lambda p: 1 / (1 + np.exp(-np.mean(np.log(p / (1 - p))))),
    "count>0.7": lambda p: (p > 0.7).sum(),
    "share>0.7": lambda p: (p > 0.7).mean(),
    "any>0.7": lambda p: (p > 0.7).any(),
}


@pytest.mark.parametrize("text", ORACLES)
def test_the_same_as_a_plain_loop(text):
    rng = np.random.default_rng(4)
    parent, p = rng.integers(0, 60, 500), rng.uniform(0.01, 0.99, 500)
    got = rollup(pa.table({"parent": parent, "p": p}), "parent", {"p": rule(text)}).to_pydict()
    assert got["p"] == pytest.approx([ORACLES[text](p[parent == key]) for key in got["parent"]])


def test_mode_is_the_same_as_a_plain_loop():
    rng = np.random.default_rng(5)
    parent, label = rng.integers(0, 60, 500), rng.choice(["b", "a", "c"], 500)
    sure = rng.integers(1, 5, 500) / 4
    rows = rollup(pa.table({"parent": parent, "label": label, "sure": sure}), "parent", {"label": rule("mode by sure")})
    for key, got in zip(rows["parent"].to_pylist(), rows["label"].to_pylist(), strict=True):
        mine = parent == key
        counts = Counter(label[mine])
        ranked = sorted(counts, key=lambda name: (-counts[name], -sure[mine & (label == name)].sum(), name))
        assert got == ranked[0]


def test_groups_without_rows_on_arrays():
    some, group = np.array([0.5]), np.array([1])
    for function in (reduce.mean, reduce.total, reduce.maximum, reduce.minimum, reduce.noisy_or, reduce.mean_logit,
                     partial(reduce.share_over, threshold=0.4), partial(reduce.top_mean, k=2)):  # fmt: skip
        got = function(some, group, 3)
        assert np.isnan(got).tolist() == [True, False, True]
    assert reduce.count_over(some, group, 3, 0.4).tolist() == [0, 1, 0]
    assert reduce.any_over(some, group, 3, 0.4).tolist() == [False, True, False]
    assert reduce.mode(np.array([0]), group, 3).tolist() == [-1, 0, -1]
    assert np.isnan(reduce.mean_vector(np.ones((1, 2)), group, 3)).tolist() == [
        [True, True],
        [False, False],
        [True, True],
    ]


@pytest.mark.parametrize("text", ["mean", "top3_mean", "mode"])
def test_a_million_rows(text):
    rng = np.random.default_rng(6)
    parent = pa.array(np.char.add("video", rng.integers(0, 50_000, 1_000_000).astype(str)))
    values = (
        rng.random(1_000_000)
        if text != "mode"
        else np.array(["animal", "person", "food"])[rng.integers(0, 3, 1_000_000)]
    )
    table = pa.table({"parent": parent, "p": values})
    before = time.process_time()
    rollup(table, "parent", {"p": rule(text)})
    assert time.process_time() - before < 5  # about .3 s on an idle core; a loop over groups takes far longer


def test_importing_needs_neither_numpy_nor_pyarrow():
    code = "import sys, studium.core.rollup; print([m for m in ('numpy', 'pyarrow') if m in sys.modules])"
    assert (
        subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip() == "[]"
    )
