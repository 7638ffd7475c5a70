"""The audit of taggers on tables small enough to be counted by hand."""

import math

import numpy as np
import pytest

from studium.coding.agreement import cohen_kappa
from studium.coding.taggers import Concepts, Tagger, against, drift, overlap, pairs, shares, tagging, vocabulary
from studium.errors import InputError

AMAZON = Tagger(
    "amazon",
    {
        "1": {"Dog": 0.9, "Pet": 0.8},
        "2": {"Dog": 0.4, "Pet": 0.7},
        "3": {"Cat": 0.9},
        "4": {},
        "5": {"Flag": 0.99},
    },
    kind="amazon",
)
GOOGLE = Tagger(
    "google", {"1": {"dog": 0.8}, "2": {"dog breed": 0.9}, "3": {"dog": 0.6, "felidae": 0.9}, "4": {}}, kind="google"
)
MEANT = Concepts.of(
    [
        ("dog", "Dog", ""),
        ("dog", "Dog breed", "google"),
        ("cat", "cat", ""),
        ("cat", "felidae", "google"),
        ("protest", "flag", "amazon"),
    ]
)


def by_concept(rows):
    return {row["concept"]: row for row in rows}


def test_nothing_to_audit():
    empty = tagging(Tagger("none", {}), 0.5, Concepts())
    assert shares([empty]) == []
    assert pairs(empty, empty) == []
    assert drift(empty, empty) == []
    assert against(empty, {}) == []
    assert vocabulary(Tagger("none", {}), Concepts()) == []
    found = overlap(empty, empty)
    assert (found["units"], found["jaccard_units"]) == (0, 0)
    assert math.isnan(found["jaccard"])
    (row,) = against(empty, {"dog": {"1": True}})
    assert (row["units"], row["reason"]) == (0, "the tagger has no word for it")


def test_without_a_mapping_a_concept_is_a_label_in_lower_case():
    found = tagging(AMAZON, 0.5, Concepts())
    assert found.has == {
        "1": {"dog", "pet"},
        "2": {"pet"},
        "3": {"cat"},
        "4": frozenset(),
        "5": {"flag"},
    }
    assert found.known == {"dog", "pet", "cat", "flag"}


def test_a_mapping_joins_words_and_says_none_of_these():
    amazon, google = tagging(AMAZON, 0.3, MEANT), tagging(GOOGLE, 0.3, MEANT)
    assert amazon.has["2"] == {"dog"}, "pet means none of the concepts"
    assert amazon.has["4"] == {"none_of_these"}
    assert amazon.has["5"] == {"protest"}
    assert google.has["3"] == {"dog", "cat"}
    assert amazon.known == {"dog", "cat", "protest", "none_of_these"}
    assert google.known == {"dog", "cat", "none_of_these"}


def test_the_cut_decides_and_is_said():
    assert tagging(AMAZON, 0.4, MEANT).has["2"] == {"dog"}, "from the cut on"
    assert tagging(AMAZON, 0.41, MEANT).has["2"] == {"none_of_these"}
    with pytest.raises(InputError, match="from 0 to 1, got 80 for amazon"):
        tagging(AMAZON, 80, MEANT)


@pytest.mark.parametrize(
    ("row", "says"), [(("", "x", ""), "a concept and a label"), (("none_of_these", "x", ""), "call the concept")]
)
def test_mappings_that_say_nothing_are_refused(row, says):
    with pytest.raises(InputError, match=says):
        Concepts.of([row])


def test_shares():
    rows = by_concept(shares([tagging(AMAZON, 0.3, MEANT)]))
    assert (rows["dog"]["with"], rows["dog"]["units"], rows["dog"]["share"]) == (2, 5, 0.4)
    assert rows["dog"]["share_low"] == pytest.approx(0.1176, abs=1e-4)
    assert rows["none_of_these"]["with"] == 1
    assert rows["dog"]["cut"] == 0.3


def test_pairs_compare_what_both_saw_and_both_can_say():
    rows = by_concept(pairs(tagging(AMAZON, 0.3, MEANT), tagging(GOOGLE, 0.3, MEANT)))
    assert set(rows) == {"dog", "cat", "none_of_these"}, "google has no word for protest"
    dog = rows["dog"]
    assert [dog[name] for name in ("units", "both", "only_a", "only_b", "neither")] == [4, 2, 0, 1, 1]
    assert dog["agreement"] == 0.75
    assert dog["kappa"] == pytest.approx(cohen_kappa([[2, 0], [1, 1]]).kappa) == 0.5
    assert rows["cat"]["kappa"] == 1


def test_overlap_of_label_sets():
    found = overlap(tagging(AMAZON, 0.3, MEANT), tagging(GOOGLE, 0.3, MEANT))
    assert (found["units"], found["only_a_saw"], found["only_b_saw"]) == (4, 1, 0)
    assert found["differ"] == 1
    assert found["jaccard_units"] == 3, "nobody found anything in unit 4"
    assert found["jaccard"] == pytest.approx((1 + 1 + 1 / 2) / 3)
    plain = overlap(tagging(AMAZON, 0.3, Concepts()), tagging(GOOGLE, 0.3, Concepts()))
    assert plain["jaccard"] == pytest.approx((1 / 2 + 0 + 0) / 3), "all words count where no mapping says which do"


def test_drift_counts_what_was_gained_and_lost():
    labels = {str(at): {"Man": 0.9} for at in range(10)}
    before = Tagger("t:1", labels, kind="t")
    after = Tagger("t:2", {u: {"Person": 0.9} if int(u) < 8 else {"Man": 0.9} for u in labels}, kind="t")
    waves = tagging(before, 0.5, Concepts()), tagging(after, 0.5, Concepts())
    rows = by_concept(drift(*waves))
    assert set(rows) == {"man", "person"}, "also what the other wave never said"
    man, person = rows["man"], rows["person"]
    assert [man[name] for name in ("units", "before", "after", "gained", "lost")] == [10, 10, 2, 0, 8]
    assert [person[name] for name in ("before", "after", "gained", "lost")] == [0, 8, 8, 0]
    assert (man["change"], person["change"]) == (-0.8, 0.8)
    low, high = man["change_low"], man["change_high"]  # Bonett & Price: p12 = 1/12, p21 = 9/12, n + 2 = 12
    half = 1.959964 * math.sqrt((10 / 12 - (8 / 12) ** 2) / 12)
    assert high == pytest.approx(-8 / 12 + half, abs=1e-6)
    assert low == -1, "-8 / 12 - half is below what a change can be"
    assert all(row["change"] == 0 for row in drift(waves[0], waves[0]))


def test_the_interval_of_a_change_covers_it():
    rng = np.random.default_rng(5)
    hits = 0
    for _ in range(400):
        was = rng.random(60) < 0.3
        now = np.where(was, rng.random(60) < 0.8, rng.random(60) < 0.1)
        waves = [
            tagging(Tagger(str(at), {str(u): {"x": 1.0} if y else {} for u, y in enumerate(one)}, "t"), 0.5, Concepts())
            for at, one in enumerate((was, now))
        ]
        row = by_concept(drift(*waves)).get("x")
        hits += row is not None and row["change_low"] <= 0.3 * 0.8 + 0.7 * 0.1 - 0.3 <= row["change_high"]
    assert 0.92 <= hits / 400 <= 0.985


def test_precision_and_recall_by_hand_codes():
    codes = {
        "dog": {"1": True, "2": True, "3": True, "4": False, "9": True},
        "protest": {"5": True, "1": False},
        "love": {"1": True},
    }
    rows = by_concept(against(tagging(AMAZON, 0.5, MEANT), codes))
    dog = rows["dog"]
    assert [dog[name] for name in ("units", "tp", "fp", "fn", "tn")] == [4, 1, 0, 2, 1], "it never saw unit 9"
    assert dog["precision"] == 1
    assert dog["recall"] == pytest.approx(1 / 3)
    assert dog["recall_low"] < 1 / 3 < dog["recall_high"]
    assert dog["kappa"] == pytest.approx(0.2)
    assert rows["protest"]["kappa"] == 1
    assert rows["love"]["reason"] == "the tagger has no word for it"
    assert math.isnan(rows["love"]["precision"])
    (plain,) = against(tagging(AMAZON, 0.5, Concepts()), {"Dog": {"1": True, "4": False}})
    assert (plain["concept"], plain["tp"], plain["tn"]) == ("dog", 1, 1), "without a mapping whatever its case"


def test_the_vocabulary_is_what_a_mapping_starts_from():
    rows = vocabulary(AMAZON, MEANT)
    assert [(row["label"], row["units"], row["concepts"]) for row in rows] == [
        ("Dog", 2, "dog"),
        ("Pet", 2, ""),
        ("Cat", 1, "cat"),
        ("Flag", 1, "protest"),
    ]
    assert rows[0]["confidence_mean"] == pytest.approx(0.65)
    assert rows[0]["share"] == 0.4
