"""Counts over the values of columns, and the bins of numbers."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from unit.browse.conftest import IDS, LOOK, POSTS

from studium.browse import filters, units
from studium.browse.facets import BINS, Facet, Value, edges, facets
from studium.browse.view import View
from studium.core.store import Store
from studium.core.unit import Unit
from studium.errors import InputError


def counted(view: View, name: str, *conditions: object, query: str = "") -> Facet:
    (found,) = facets(view, "image", [name], filters.parsed(json.dumps(conditions)), query)
    return found


def test_nothing_asked_nothing_told(small: View) -> None:
    assert facets(small, "image", []) == []


def test_values_and_what_has_none(small: View) -> None:
    found = counted(small, f"{LOOK}.scene")
    assert (found.values, found.other, found.missing) == ([Value("food", 3), Value("street", 2)], 0, 1)
    found = counted(small, f"{LOOK}.people")
    assert (found.values, found.missing) == ([Value(True, 3), Value(False, 2)], 1)


def test_a_unit_with_several_values_counts_for_each(small: View) -> None:
    found = counted(small, f"{LOOK}.labels")
    assert (found.values, found.missing) == ([Value("b", 3), Value("a", 2)], 2)
    found = counted(small, "post.author")
    assert (sorted(one.n for one in found.values or []), found.missing) == ([1, 3], 3)


def test_a_value_that_a_unit_has_twice_counts_once(small: View) -> None:
    again = {"source": "posts", "post": POSTS[2], "media": IDS[0], "kind": "image", "position": 1, "path": "in/b.jpg"}
    small.store.add_attachments([again])  # the first picture, in the other post of its author
    assert counted(small, "post.author").values == [Value("ann", 3), Value("ben", 1)]
    twice = {"source": "posts", "post": POSTS[0], "media": IDS[0], "kind": "image", "position": 5, "path": "in/b.jpg"}
    small.store.add_attachments([twice])
    assert {one.low: one.n for one in counted(small, "post.likes").bins or [] if one.n} == {10: 2, 20: 1}


def test_what_a_post_says_anew_counts_for_its_media(small: View) -> None:
    assert counted(small, "post.author").values == [Value("ann", 3), Value("ben", 1)]
    small.store.add_units([Unit(POSTS[1], "post", meta={"id": "1", "author": "zoe"})])
    assert counted(View(small.store), "post.author").values == [Value("ann", 3), Value("zoe", 1)]


def test_posts_count_for_media_as_a_loop_over_them_does(tmp_path: Path) -> None:
    store, rng = Store(tmp_path), np.random.default_rng(3)
    media, posts = ([f"{letter}{number:063x}" for number in range(60)] for letter in "ab")
    kept: dict[str, list[Any]] = {
        "author": ["ann", "ben", "", None],
        "checked": [True, False, None],
        "likes": [0, 7, None, 10**6],
        "tags": [["a"], ["a", "b", "a"], [None], [], None],
    }
    said = [{name: some[rng.integers(len(some))] for name, some in kept.items()} for _ in posts]
    store.add_units(Unit(post, "post", meta=one) for post, one in zip(posts, said, strict=True))
    store.add_units(Unit(unit, "image", path=unit) for unit in media)
    shown = rng.integers(60, size=(150, 2)).tolist()
    rows = [{"media": unit, "path": unit, "source": "files"} for unit in media]
    rows += [
        {"media": media[at], "path": media[at], "post": posts[of], "source": "posts", "position": place}
        for place, (at, of) in enumerate(shown)
    ]
    store.add_attachments([{"kind": "image", "position": 0, **row} for row in rows])
    view = View(store)
    for name in ("author", "checked", "tags", "likes"):
        told = [one[name] if name == "tags" else [one[name]] for one in said]
        there = [{value for at, of in shown if at == unit for value in told[of] or ()} - {None} for unit in range(60)]
        found = counted(view, f"post.{name}")
        assert found.missing == sum(not some for some in there), name
        for one in found.values or []:
            assert one.n == sum(one.value in some for some in there), (name, one)
        for part in found.bins or []:
            assert part.n == sum(any(part.low <= value <= part.high for value in some) for some in there)
        assert {one.value for one in found.values or []} == (set() if found.bins else set().union(*there))


def test_a_column_is_counted_without_its_own_filter(small: View) -> None:
    own, other = {"column": f"{LOOK}.scene", "in": ["food"]}, {"column": f"{LOOK}.people", "in": [True]}
    assert counted(small, f"{LOOK}.scene", own).values == [Value("food", 3), Value("street", 2)]
    assert counted(small, f"{LOOK}.scene", own, other).values == [Value("food", 2), Value("street", 1)]
    assert counted(small, f"{LOOK}.people", own).values == [Value(True, 2), Value(False, 1)]
    assert counted(small, f"{LOOK}.scene", query="d.jpg").values == [Value("food", 1)]


def test_what_is_filtered_by_is_told_even_if_there_is_none_left(small: View) -> None:
    own, nobody = {"column": f"{LOOK}.scene", "in": ["street"]}, {"column": "post.author", "missing": True}
    assert counted(small, f"{LOOK}.scene", own, nobody).values == [Value("food", 3), Value("street", 0)]


def test_bins_agree_with_the_filter_they_stand_for(small: View) -> None:
    for name in (f"{LOOK}.score", f"{LOOK}.count", "post.date", "post.likes"):
        found = counted(small, name)
        for one in found.bins or []:
            condition = {"column": name, "low": one.low, "high": one.high}
            assert len(units.chosen(small, "image", filters.parsed(json.dumps([condition])))) == one.n
    assert counted(small, f"{LOOK}.score").missing == 2
    assert {one.low: one.n for one in counted(small, "post.likes").bins or [] if one.n} == {10: 2, 20: 1}


def test_texts_that_differ_are_not_counted(small: View) -> None:
    with pytest.raises(InputError, match="differ from unit to unit"):
        counted(small, "unit.path")


def test_edges_hold_every_number_once() -> None:
    rng = np.random.default_rng(0)
    cases = [
        np.array([3.0]), np.array([0.1, 0.3]), rng.normal(size=999), rng.lognormal(3, 2, 999), np.arange(0, 1, 0.1),
        rng.integers(0, 10, 99).astype(float), rng.integers(-1000, 5000, 99).astype(float), rng.normal(1e9, 1e-3, 99),
        np.append(rng.normal(size=99), 1e12), np.array([5e-324, 1.0]), np.array([-1e300, 1e300]),
    ]  # fmt: skip
    for numbers in cases:
        low, high = edges(numbers, bool((numbers == np.floor(numbers)).all()))
        assert 1 <= len(low) == len(high) <= BINS + 1
        held = (numbers[:, None] >= low) & (numbers[:, None] <= high)
        assert (held.sum(axis=1) == 1).all(), numbers
    assert [len(edge) for edge in edges(np.zeros(0), whole=False)] == [0, 0]


def test_edges_are_round_and_whole_numbers_stay_whole() -> None:
    assert edges(np.array([1.0, 5.0, 2.0]), whole=True)[0].tolist() == [1, 2, 3, 4, 5]
    low, high = edges(np.arange(0.0, 1000), whole=True)
    assert (low[:3].tolist(), high[:3].tolist()) == ([0, 100, 200], [99, 199, 299])
    low, _ = edges(np.linspace(0, 1, 1000), whole=False)
    assert np.allclose(low * 10, np.round(low * 10))
