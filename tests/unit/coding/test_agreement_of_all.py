"""All coefficients of a variable at once, with intervals that hold what they promise, and boxes."""

import math
import time

import numpy as np
import pytest
from agreements import K, hostile, two

from studium.coding.agreement import agreement, krippendorff_alpha
from studium.coding.agreement.boxes import NOTHING, matched, overlap
from studium.errors import InputError


def test_nothing():
    found = agreement([])
    assert (found.units, found.coders, found.single) == (0, 0, 0)
    assert all(math.isnan(one.value) and one.reason == "no unit was coded by two coders" for one in found.measures)


def test_one_coder_and_a_coder_with_nothing():
    found = agreement([[1, 2, 1], [None, None, None]])
    assert (found.coders, found.units, found.single) == (1, 0, 3)
    three = agreement([[1, 2, 1], [1, 2, 2], [None] * 3])
    assert three.coders == 2
    assert three["cohen_kappa"].value == pytest.approx(0.4), "who has no code is no third coder"


def test_all_of_krippendorffs_example():
    found = agreement(K, "ordinal")
    assert (found.units, found.single, found.coders) == (11, 1, 4)
    assert found["krippendorff_alpha"].value == pytest.approx(0.815387503754881, abs=1e-14)
    assert found["fleiss_kappa"].value == pytest.approx(0.76117, abs=5e-6)
    assert "cohen_kappa" not in found.names, "of two coders only"
    assert agreement(K, "ordinal") == found, "the seed decides"
    assert agreement(K, "ordinal", seed=1) != found
    with pytest.raises(InputError, match="there are: percent"):
        found["cohen_kappa"]


def test_two_coders_have_cohens_kappa():
    found = agreement(two([[53, 5, 2], [11, 14, 5], [1, 6, 3]]), "ordinal")
    values = [found[f"cohen_kappa{how}"].value for how in ("", "_linear", "_quadratic")]
    assert values == pytest.approx([0.428571, 0.492308, 0.566667], abs=5e-7)


@pytest.mark.parametrize(
    ("table", "paradox"),
    [
        ([[118, 5], [2, 0]], True),
        ([[80, 10], [5, 5]], True),
        ([[40, 9], [6, 45]], False),
        ([[387, 36], [36, 95]], False),
        ([[25, 35], [5, 35]], False),
    ],
    ids=str,
)
def test_the_paradox_of_kappa_is_told(table, paradox):
    assert agreement(two(table)).paradox is paradox


def test_one_category_has_percent_agreement_and_a_reason():
    found = agreement([["no"] * 5, ["no"] * 5], categories=["yes", "no"])
    assert found["percent"].value == found["gwet_ac1"].value == 1
    assert found["krippendorff_alpha"].reason == "only one category was used"
    assert found["cohen_kappa"].reason == "both used one category only"
    assert not found.paradox


def test_resamples_without_a_value_are_counted():
    found = agreement([["a", "a", "a", "a", "b"]] * 2)["krippendorff_alpha"]
    assert found.value == 1
    assert 0.25 < found.undefined < 0.41, "(4/5)^5 of the resamples hold one category only"


def test_of_texts_only_what_is_the_same_counts():
    found = agreement([["a b", "c"], ["a b", "C"]], "exact")
    assert [one.name for one in found.measures] == ["percent"]
    with pytest.raises(InputError, match="a level out of"):
        agreement([["a"]], "text")


def test_intervals_hold_the_true_alpha():
    """Of percentile intervals of 50 units some 94 % do, a little less than they promise."""
    rng = np.random.default_rng(0)
    inside, true = 0, krippendorff_alpha(_coded(rng, 200_000))
    assert true == pytest.approx(0.64, abs=0.01), ".8 squared: who looks sees it, else all guess"
    for seed in range(200):
        found = agreement(_coded(rng, 50), seed=seed)["krippendorff_alpha"]
        inside += found.low <= true <= found.high
    assert 0.88 <= inside / 200 <= 0.985


def _coded(rng, n: int) -> list[list[int]]:
    truth = rng.integers(0, 3, n)
    looked = rng.random((3, n)) < 0.8
    return np.where(looked, truth, rng.integers(0, 3, (3, n))).tolist()


def test_standard_errors_are_those_of_the_bootstrap():
    rng = np.random.default_rng(1)
    for one in agreement(_coded(rng, 2000), "ordinal").measures:
        assert (one.high - one.low) / 2 == pytest.approx(1.96 * one.se, rel=0.12), one.name


def test_items_of_one_unit_are_drawn_together():
    codes = hostile(5, coders=3, units=60)
    alone = agreement(codes, seed=3)["krippendorff_alpha"]
    tripled = [[c for c in row for _ in range(3)] for row in codes]
    units = [u for u in range(60) for _ in range(3)]
    together, apart = (agreement(tripled, seed=3, groups=groups)["krippendorff_alpha"] for groups in (units, None))
    assert together.value == pytest.approx(apart.value)
    assert together.se == pytest.approx(alone.se, rel=0.02), "saying everything three times tells no more"
    assert apart.high - apart.low < 0.7 * (together.high - together.low)
    with pytest.raises(InputError, match="the unit of each"):
        agreement(codes, groups=[0])


def test_five_thousand_units_take_no_second():
    codes = _coded(np.random.default_rng(2), 5000)
    begin = time.process_time()
    agreement(codes)
    assert time.process_time() - begin < 1, "the bound of the specification; it takes some 0.03 s"


def _box(value: str, *box: int) -> dict:
    return {"value": value, "box": [*box]}


def test_boxes_that_overlap_are_of_one_thing():
    dog, near, far = _box("dog", 0, 0, 10, 10), _box("wolf", 1, 0, 11, 10), _box("cat", 50, 50, 60, 60)
    codes, units = matched([[[dog, far], [], None], [[near], [], [dog]]])
    assert codes == [["dog", "cat", NOTHING, None], ["wolf", NOTHING, NOTHING, "dog"]]
    assert units == [0, 0, 1, 2]
    assert matched([]) == ([], [])
    assert overlap([0, 0, 10, 10], [1, 0, 11, 10]) == pytest.approx(9 / 11)
    assert overlap([0, 0, 1, 1], [5, 5, 6, 6]) == 0


def test_a_coder_has_one_box_of_a_thing():
    a, b, c = _box("x", 0, 0, 10, 10), _box("y", 0, 0, 10, 9), _box("z", 0, 0, 10, 8)
    codes, _ = matched([[[a]], [[b, c]]])
    assert codes == [["x", NOTHING], ["y", "z"]]
    three, _ = matched([[[a]], [[b]], [[c]]])
    assert three == [["x"], ["y"], ["z"]]
