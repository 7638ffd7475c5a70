"""Splits: groups stay whole, classes are spread, and the same data give the same split everywhere."""

import json
from collections import Counter

import numpy as np
import pytest
from sklearn.model_selection import StratifiedGroupKFold
from sklearn.neighbors import KNeighborsClassifier

from studium.errors import InputError, StoreError
from studium.learn.folds.groups import joined, refuse_leaks
from studium.learn.folds.splits import TEST, Split, Splits


def posts(n=600, accounts=60, seed=0, shares=(0.5, 0.3, 0.15, 0.05)):
    """Units, classes and the accounts that they are of."""
    rng = np.random.default_rng(seed)
    units = [f"u{at:04}" for at in range(n)]
    strata = [f"class {one}" for one in rng.choice(len(shares), n, p=shares)]
    return units, strata, [f"a{one}" for one in rng.integers(0, accounts, n)]


@pytest.mark.parametrize(
    ("units", "strata", "keys", "says"),
    [
        ([], [], {}, "0 groups cannot be split into a test set and 3 folds"),
        (["a"], ["x"], {}, "1 groups cannot be split"),
        (["a", "b"], ["x"], {}, "a stratum for each of 2 units, got 1"),
        (["a", "a"], ["x", "y"], {}, "expected every unit once, got 'a' more often"),
        (["a", "b"], ["x", 1], {}, "the name of a stratum"),
        (["a", "b"], ["x", ""], {}, "the name of a stratum"),
        (list("abcd"), list("xyxy"), {"account": ["1"]}, "key 'account': expected a value or None for every unit"),
        (list("abcd"), list("xyxy"), {"account": [1, 2, 3, float("nan")]}, "a whole number or None for each unit, got"),
        (list("abcdef"), list("xyxyxy"), {"account": list("112233")}, "3 groups cannot be split"),
        (list("abcdefgh"), list("xyxyxyxz"), {}, "'y', 'z': all|'z': all units are of one group"),
        (list("abcdefgh"), list("xxxxyyyy"), {"account": [*"1123456", "6"], "video": [None] * 4 + ["v"] * 4},
         "'y': all units are of one group"),
    ],
)  # fmt: skip
def test_what_cannot_be_split_is_refused(units, strata, keys, says):
    with pytest.raises(InputError, match=says):
        Splits()(units, strata, keys)


@pytest.mark.parametrize("settings", [{"test": 0}, {"test": 1}, {"test": np.nan}, {"folds": 1}])
def test_impossible_settings(settings):
    with pytest.raises(InputError, match=r"a test share from \.05 to .95 and at least 2 folds"):
        Splits(**settings)


def test_a_group_of_nine_tenths_is_refused():
    units = [f"u{at:03}" for at in range(100)]
    with pytest.raises(InputError, match="the group of 'u000' holds 90 of 100 units"):
        Splits()(units, ["x", "y"] * 50, {"account": ["big"] * 90 + [None] * 10})


def test_large_groups_and_rare_classes_are_told():
    units = [f"u{at:03}" for at in range(100)]
    strata = ["x"] * 97 + ["rare"] * 3
    found = Splits()(units, strata, {"account": ["big"] * 45 + [None] * 55})
    assert any(one.startswith("'rare' is in 3 groups, and not in") for one in found.told)
    assert any("instead of 27%: groups are large" in one for one in found.told)
    assert found.counts()["test"]["x"] + found.counts()["test"]["rare"] == pytest.approx(20, abs=9), "not the big one"
    units, strata, accounts = posts()
    assert Splits()(units, strata, {"account": accounts}).told == ()


def test_without_groups_shares_are_exact():
    units, strata, _ = posts(n=1000)
    found = Splits(folds=5)(units, strata)
    for name, n in Counter(strata).items():
        assert found.counts()["test"][name] == pytest.approx(n / 5, abs=1)
        for fold in range(5):
            assert found.counts()[f"fold {fold}"][name] == pytest.approx(n * 0.16, abs=1)


@pytest.mark.parametrize(("test", "share"), [(0.2, 0.2), (0.25, 0.25), (1 / 3, 1 / 3), (0.15, 0.15), (0.4, 0.4)])
def test_shares_of_the_test_set(test, share):
    found = Splits(test=test)(*posts()[:2])
    assert np.mean(np.array(found.parts) == TEST) == pytest.approx(share, abs=0.01)


@pytest.mark.parametrize("seed", range(5))
def test_groups_stay_whole_and_classes_are_spread_as_well_as_by_scikit_learn(seed):
    units, strata, accounts = posts(seed=seed)
    found = Splits(seed=seed, folds=4)(units, strata, {"account": accounts})
    parts = found.of(units)
    assert all(len({*parts[[one == it for it in accounts]]}) == 1 for one in set(accounts))
    ours = [list(one.values()) for one in found.counts().values()]
    classes = np.array(strata)
    peer = StratifiedGroupKFold(5, shuffle=True, random_state=seed).split(classes, classes, accounts)
    theirs = [[np.sum(classes[test] == name) for name in sorted(set(strata))] for _, test in peer]
    assert spread(ours) < 1.5 * spread(theirs)
    assert spread(ours) < 0.15


def spread(counts):
    """How far the shares that parts have of each class lie from each other, on average over classes."""
    return np.mean(np.std(counts, axis=0) / np.mean(counts, axis=0))


def test_units_are_joined_by_any_key():
    keys = {
        "account": ["a", "a", "b", "c", None, ""],
        "video": [None, "v", "v", None, None, ""],
        "copy": [7] + [None] * 4 + [8],
    }
    units = ["u3", "u2", "u1", "u5", "u4", "u6"]
    assert joined(units, keys) == ("u1", "u1", "u1", "u5", "u4", "u6")
    assert joined([], {}) == ()
    chain = [f"u{at}" for at in range(5000)]
    links = {"a": [at // 2 for at in range(5000)], "b": [(at + 1) // 2 for at in range(5000)]}
    assert set(joined(chain, links)) == {"u0"}, "a chain of neighbours is one group"


def test_the_order_of_units_and_names_of_keys_do_not_count():
    units, strata, accounts = posts()
    found = Splits(seed=3)(units, strata, {"account": accounts})
    at = np.random.default_rng(1).permutation(len(units))
    again = Splits(seed=3)([units[i] for i in at], [strata[i] for i in at], {"account": [accounts[i] for i in at]})
    assert again == found
    assert Splits(seed=4)(units, strata, {"account": accounts}).parts != found.parts


def test_a_split_is_the_same_on_every_machine():
    units, strata = [f"u{at:02}" for at in range(40)], ["x" if at % 3 else "y" for at in range(40)]
    found = Splits()(units, strata, {"account": [f"a{at % 13}" for at in range(40)]})
    assert found.digest == "6b40f0c3c7e8d902"


def test_every_unit_is_tested_under_some_seed():
    units, strata, accounts = posts(n=300, accounts=40)
    often = np.zeros(300)
    for seed in range(40):
        often += Splits(seed=seed)(units, strata, {"account": accounts}).testing(units)
    sizes = np.array([accounts.count(one) for one in accounts])
    assert often.min() > 0
    assert often.mean() == pytest.approx(8, abs=1)
    assert abs(np.corrcoef(often, sizes)[0, 1]) < 0.5, "large accounts are tested too"


def test_training_validation_and_test_are_apart():
    units, strata, accounts = posts(n=100, accounts=20)
    found = Splits()(units, strata, {"account": accounts})
    for fold in range(3):
        thrice = np.stack([found.testing(units), found.training(units, fold), found.validation(units, fold)])
        assert (thrice.sum(axis=0) == 1).all()
    assert (found.training(units) == ~found.testing(units)).all()
    assert found.training([]).shape == (0,)
    with pytest.raises(InputError, match="does not know 1 units, such as 'new'; split again"):
        found.testing(["new", *units])
    with pytest.raises(InputError, match="a fold from 0 to 2, got 3"):
        found.validation(units, 3)


def test_a_leak_is_refused_with_examples():
    units = list("abcdef")
    refuse_leaks(units, [0, 0, 1, 1, 2, 2], {"account": ["x", "x", "y", None, "", None]})
    with pytest.raises(InputError, match=r"1 of 2 values of 'account' .* 'y': 'b' in 0, 'c' in 1; split again"):
        refuse_leaks(units, [0, 0, 1, 1, 2, 2], {"account": ["x", "y", "y", None, "", None]})
    with pytest.raises(InputError, match="expected the part of every unit, got 1 for 6"):
        refuse_leaks(units, [0], {})
    posted, strata, accounts = posts()
    found = Splits()(posted, strata)
    with pytest.raises(InputError, match="of 60 values of 'account' are in several parts"):
        found.refuse_leaks(posted, {"account": accounts})
    Splits()(posted, strata, {"account": accounts}).refuse_leaks(posted, {"account": accounts})


def test_a_split_is_stored_as_data(tmp_path):
    units, strata, accounts = posts(n=80, accounts=20)
    found = Splits(seed=9)(units, strata, {"account": accounts})
    found.save(tmp_path / "split.json")
    assert Split.load(tmp_path / "split.json") == found
    body = json.loads((tmp_path / "split.json").read_text())["split"]
    assert (body["seed"], body["keys"], body["counts"]) == (9, ["account"], found.counts())
    text = (tmp_path / "split.json").read_text()
    again = Split.load(tmp_path / "split.json")
    again.save(tmp_path / "again.json")
    assert (tmp_path / "again.json").read_text() == text
    at = body["units"][0]
    other = json.dumps([at[0], TEST if at[1] != TEST else 0, *at[2:]], separators=(",", ":"))
    for damaged, says in (
        (text.replace(json.dumps(at, separators=(",", ":")), other), "leaks|was changed"),
        (text[:-20], "no split that could be read"),
        (text.replace('"format":1', '"format":2'), "format 2, expected 1"),
        ("[]", "no split"),
        ("", "no split"),
    ):
        (tmp_path / "damaged.json").write_text(damaged)
        with pytest.raises(StoreError, match=says):
            Split.load(tmp_path / "damaged.json")
    with pytest.raises(StoreError, match="no split that could be read"):
        Split.load(tmp_path / "none.json")


def test_what_is_no_split():
    with pytest.raises(InputError, match="no part 7"):
        Split(("a",), (7,), ("a",), ("x",), (), 3, 0.2, 0)
    with pytest.raises(InputError, match=r"the split leaks: .* 'a' in fold 0, 'b' in test"):
        Split(("a", "b"), (0, TEST), ("a", "a"), ("x", "x"), (), 3, 0.2, 0)
    with pytest.raises(InputError, match="a part, a group and a stratum for each of its 1 units"):
        Split(("a",), (), (), (), (), 3, 0.2, 0)


def test_noise_gives_chance_in_grouped_folds_only():
    rng = np.random.default_rng(2)
    videos = np.repeat(np.arange(200), 20)
    frames = rng.normal(size=(200, 8))[videos] + 0.1 * rng.normal(size=(4000, 8))
    labels = rng.permutation(np.repeat([0, 1], 100))[videos]  # of videos, and nothing to do with them
    units, strata = [f"f{at:04}" for at in range(4000)], [f"class {one}" for one in labels]

    def accuracy(keys):
        found = Splits()(units, strata, keys)
        right = []
        for fold in range(3):
            train, test = found.training(units, fold), found.validation(units, fold)
            model = KNeighborsClassifier(1).fit(frames[train], labels[train])
            right.append(model.score(frames[test], labels[test]))
        return np.mean(right)

    assert accuracy({}) > 0.99
    assert 0.4 < accuracy({"video": videos.tolist()}) < 0.6


def test_a_test_set_that_is_given_parts_no_group():
    units, strata, accounts = posts()
    testing = {*units[:90], "never labelled"}
    found = Splits(seed=3).around(units, strata, {"account": accounts}, testing)
    assert {unit for unit, part in zip(found.units, found.parts, strict=True) if part == TEST} == {*units[:90]}
    account = dict(zip(units, accounts, strict=True))
    tested = {account[unit] for unit in units[:90]}
    assert {*found.units} == {unit for unit in units if unit in testing or account[unit] not in tested}
    found.refuse_leaks(found.units, {"account": [account[unit] for unit in found.units]})
    assert found.test == pytest.approx(90 / len(found.units))
    assert Counter(found.parts).keys() == {TEST, 0, 1, 2}
    turned = Splits(seed=3).around(units[::-1], strata[::-1], {"account": accounts[::-1]}, testing)
    assert turned == found
    assert found == Splits(test=0.5, seed=3).around(units, strata, {"account": accounts}, testing)


@pytest.mark.parametrize(
    ("testing", "keys", "says"),
    [
        ([], {}, "none of 8 units is of the test set"),
        (["elsewhere"], {}, "none of 8 units is of the test set"),
        (list("abcdef"), {}, "2 groups that are left besides the test set cannot be split into 3 folds"),
        (["a"], {"account": [1] * 8}, "0 groups that are left besides the test set"),
        (["a", "b", "c"], {}, "'x': all units are of one group"),
    ],
)
def test_a_given_test_set_that_leaves_too_little_is_refused(testing, keys, says):
    with pytest.raises(InputError, match=says):
        Splits().around(list("abcdefgh"), list("xxxxyyyy"), keys, testing)
