from collections import Counter
from itertools import combinations

import pytest

from studium.coding.assign import assign
from studium.errors import InputError

UNITS = [f"u{at:03}" for at in range(100)]


def test_no_units():
    assert assign([], ["ada", "ben"]) == {"ada": (), "ben": ()}


def test_one_coder_codes_everything_in_an_order_drawn():
    found = assign(UNITS, ["ada"], seed=1)["ada"]
    assert sorted(found) == UNITS
    assert list(found) != UNITS


def test_a_share_for_all_and_the_rest_split_evenly():
    found = assign(UNITS, ["ada", "ben", "cleo"], overlap=0.2, seed=3)
    times = Counter(unit for units in found.values() for unit in units)
    assert Counter(times.values()) == {3: 20, 1: 80}
    assert sorted(map(len, found.values())) == [46, 47, 47]


@pytest.mark.parametrize(("overlap", "shared"), [(0, 0), (0.001, 1), (0.07, 7), (0.29, 29), (1, 100)])
def test_overlap_is_what_was_asked(overlap, shared):
    found = assign(UNITS, ["ada", "ben"], overlap=overlap)
    assert len({*found["ada"]} & {*found["ben"]}) == shared
    assert {*found["ada"]} | {*found["ben"]} == {*UNITS}


def test_units_of_all_are_spread_over_everybodys_order():
    found = assign([f"u{at}" for at in range(1000)], ["ada", "ben"], overlap=0.1, seed=2)
    shared = {*found["ada"]} & {*found["ben"]}
    for units in found.values():
        at = [place for place, unit in enumerate(units) if unit in shared]
        tenths = Counter(min(place * 10 // len(units), 9) for place in at)
        assert all(8 <= tenths[tenth] <= 12 for tenth in range(10))
    orders = [[unit for unit in units if unit in shared] for units in found.values()]
    assert orders[0] != orders[1]


@pytest.mark.parametrize("k", [1, 2, 3])
def test_k_coders_of_each_unit_are_balanced(k):
    coders = ["ada", "ben", "cleo", "dan", "eve"]
    found = assign(UNITS, coders, per_unit=k, seed=5)
    times = Counter(unit for units in found.values() for unit in units)
    assert set(times.values()) == {k}
    assert {len(units) for units in found.values()} == {100 * k // 5}
    together = [len({*found[one]} & {*found[other]}) for one, other in combinations(coders, 2)]
    expected = 100 * k * (k - 1) / 20
    assert all(abs(n - expected) <= 3 for n in together)


def test_the_seed_decides():
    assert assign(UNITS, ["ada", "ben"], 0.3, seed=1) == assign(UNITS, ["ada", "ben"], 0.3, seed=1)
    assert assign(UNITS, ["ada", "ben"], 0.3, seed=1) != assign(UNITS, ["ada", "ben"], 0.3, seed=2)


@pytest.mark.parametrize(
    ("units", "coders", "more", "says"),
    [
        (UNITS, [], {}, "names of coders, each once, got none"),
        (UNITS, ["ada", "ada"], {}, "each once"),
        (UNITS, ["ada", " ben"], {}, "' ben'"),
        (["a", "a"], ["ada"], {}, "each unit once"),
        (UNITS, ["ada"], {"overlap": 1.1}, "from 0 to 1"),
        (UNITS, ["ada"], {"overlap": float("nan")}, "from 0 to 1"),
        (UNITS, ["ada"], {"per_unit": 2}, "from 1 to 1 coders"),
        (UNITS, ["ada"], {"per_unit": 0}, "from 1 to 1 coders"),
    ],
)
def test_what_cannot_be(units, coders, more, says):
    with pytest.raises(InputError, match=says):
        assign(units, coders, **more)
