"""Pages, columns, filters, sorting and what is told of one unit."""

import json
from pathlib import Path

import numpy as np
import pytest
from unit.browse.conftest import IDS, LOOK, POSTS

from studium.browse import filters, units
from studium.browse.columns import columns
from studium.browse.unit import detail
from studium.browse.view import View
from studium.core.store import Store
from studium.core.unit import Unit
from studium.errors import InputError, UnknownNameError


def chosen(view: View, *conditions: object, sort: str = "", query: str = "", of: str = "image") -> list[int]:
    return units.chosen(view, of, filters.parsed(json.dumps(conditions)), query, sort).tolist()


def test_a_study_of_nothing(tmp_path: Path) -> None:
    view = View(Store(tmp_path))
    assert units.page(view, "image", at=(0, 10)) == units.Page([], 0, 0, 10)
    assert [one.name for one in columns(view, "image")] == ["unit.path", "attachment.label", "attachment.source"]
    assert chosen(view, {"column": "unit.path", "missing": True}, sort="unit.path") == []
    with pytest.raises(UnknownNameError, match="has no unit"):
        view.find(IDS[0])


def test_a_page_shows_what_a_gallery_needs(small: View) -> None:
    page = units.page(small, "image", at=(1, 2))
    assert (page.total, [one.label for one in page.items]) == (6, ["a.jpg", "C.jpg"])
    assert units.page(small, "face", at=(0, 10)).items[0].width == 10
    assert units.page(small, "post", at=(0, 1)).items[0].label == "Post 0: ÉTÉ"
    assert units.page(small, "image", at=(100, 2)).items == []


@pytest.mark.parametrize(
    ("condition", "fits"),
    [
        ({"column": f"{LOOK}.scene", "in": ["food"]}, [3, 4, 5]),
        ({"column": f"{LOOK}.scene", "in": []}, []),
        ({"column": f"{LOOK}.scene", "missing": True}, [2]),
        ({"column": f"{LOOK}.score", "missing": True}, [2, 5]),
        ({"column": f"{LOOK}.score", "low": 0.5}, [0, 3]),
        ({"column": f"{LOOK}.count", "low": 2, "high": 4}, [1, 2, 3]),
        ({"column": f"{LOOK}.count", "in": [1, 5.0]}, [0, 4]),
        ({"column": f"{LOOK}.people", "in": [True]}, [0, 3, 4]),
        ({"column": f"{LOOK}.people", "in": [1]}, []),
        ({"column": f"{LOOK}.labels", "in": ["b"]}, [0, 3, 5]),
        ({"column": f"{LOOK}.labels", "missing": True}, [1, 2]),
        ({"column": f"{LOOK}.tags", "in": ["x", "q"]}, [0, 1, 4, 5]),
        ({"column": "post.author", "in": ["ben"]}, [1]),
        ({"column": "post.author", "in": ["ann"]}, [0, 1, 2]),
        ({"column": "post.likes", "low": 15}, [1]),
        ({"column": "post.date", "low": "2024-02-01", "high": "2024-02-29"}, [2]),
        ({"column": "post.author", "missing": True}, [3, 4, 5]),
        ({"column": "attachment.source", "in": ["posts"]}, [0, 1, 2]),
        ({"column": "unit.path", "in": ["in/C.jpg"]}, [2]),
        ({"units": [IDS[4], IDS[0], "no such unit"]}, [0, 4]),
    ],
)
def test_filters(small: View, condition: object, fits: list[int]) -> None:
    assert chosen(small, condition) == fits


def test_all_filters_and_the_text_must_fit(small: View) -> None:
    both = {"column": f"{LOOK}.scene", "in": ["street"]}, {"column": "post.author", "in": ["ben"]}
    assert chosen(small, *both) == [1]
    assert chosen(small, query="été") == [0, 1, 2]  # of the posts' texts, whatever the case
    assert chosen(small, query="c.JPG") == [2]
    assert chosen(small, query=IDS[3][:8]) == [3]
    assert chosen(small, both[1], query="nowhere") == []
    assert chosen(small, query="post 2", of="post") == [2]


def test_sorting_puts_what_has_no_value_last(small: View) -> None:
    assert chosen(small, sort=f"{LOOK}.score") == [1, 4, 0, 3, 2, 5]
    assert chosen(small, sort=f"-{LOOK}.score") == [3, 0, 1, 4, 2, 5]
    assert chosen(small, sort="unit.path") == [2, 1, 0, 3, 4, 5]
    assert chosen(small, sort=f"-{LOOK}.scene") == [0, 1, 3, 4, 5, 2]
    assert chosen(small, sort="-post.likes")[:2] == [0, 1]  # of several, the smallest counts: 10 and 10
    assert chosen(small, {"column": f"{LOOK}.scene", "in": ["food"]}, sort=f"-{LOOK}.count") == [5, 4, 3]


@pytest.mark.parametrize(
    "text",
    [
        *("{", "{}", "[1]", '[{"column": ""}]', '[{"column": "unit.path"}]', '[{"column": "a", "missing": false}]'),
        *('[{"column": "a", "low": true}]', '[{"column": "a", "in": [[1]]}]', '[{"units": [1]}]', "[" * 100_000),
        *('[{"column": "a", "low": 1, "more": 2}]', r'[{"units": ["\ud800"]}]', '[{"column": "a", "in": "abc"}]'),
        "[" + ", ".join(['{"column": "a", "missing": true}'] * 101) + "]",
    ],
)
def test_a_filter_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(InputError):
        filters.parsed(text)


@pytest.mark.parametrize(
    ("condition", "message"),
    [
        ({"column": "no.such", "missing": True}, "no column 'no.such'"),
        ({"column": f"{LOOK}.vector", "missing": True}, "vectors or hashes"),
        ({"column": f"{LOOK}.scene", "low": 1}, "holds no numbers"),
        ({"column": f"{LOOK}.score", "low": "much"}, "limit 'much'"),
        ({"column": "post.date", "low": "yesterday"}, "limit 'yesterday'"),
        ({"column": f"{LOOK}.score", "high": 10**400}, "limit"),
    ],
)
def test_a_filter_that_does_not_fit_its_column_is_refused(small: View, condition: object, message: str) -> None:
    with pytest.raises(InputError, match=message):
        chosen(small, condition)


def test_columns_tell_their_types(small: View) -> None:
    found = {one.name: one.type for one in columns(small, "image")}
    types = {
        name: found[f"{LOOK}.{name}"]
        for name in ("score", "count", "scene", "people", "labels", "tags", "vector", "hash")
    }
    assert types == {
        "score": "number",
        "count": "number",
        "scene": "category",
        "people": "boolean",
        "labels": "list",
        "tags": "list",
        "vector": "vector",
        "hash": "vector",
    }
    assert (found["post.date"], found["post.likes"], found["unit.path"]) == ("time", "number", "text")
    (about,) = [one for one in columns(small, "image") if one.name == f"{LOOK}.people"]
    assert (about.label, about.sensitive, about.description) == ("people · look", True, "whether there are any")


def test_who_codes_blind_sees_what_sources_say(small: View) -> None:
    blind = View(small.store, measured=False)
    assert {one.table for one in columns(blind, "image")} == {"unit", "attachment", "post"}
    assert detail(blind, IDS[0]).tables == []
    assert detail(blind, IDS[0]).failures == []
    with pytest.raises(UnknownNameError):
        chosen(blind, {"column": f"{LOOK}.scene", "missing": True})
    with pytest.raises(UnknownNameError):
        blind.table("image", LOOK)


def test_everything_of_a_unit(small: View) -> None:
    told = detail(small, IDS[0])
    assert (told.path, told.children, [post["unit"] for post in told.posts]) == ("in/b.jpg", {"face": 1}, [POSTS[0]])
    assert [table.recipe.name for table in told.tables] == ["look", "cluster", "map"]
    look = told.tables[0]
    assert (look.recipe.version, look.recipe.model, look.recipe.weights) == ("2", "eye", {"eye": "f" * 64})
    values = {cell.name: cell.value for cell in look.columns}
    plain = {"score": 0.5, "count": 1, "scene": "street", "people": True, "labels": '["a", "b"]', "tags": ["x", "y"]}
    assert values == {**plain, "vector": None, "hash": None}  # told by their size
    assert {cell.name: cell.size for cell in look.columns}["vector"] == 2
    assert {cell.name: cell.value for cell in detail(small, IDS[5]).tables[0].columns}["count"] == 2**53 + 1
    assert {cell.name: cell.value for cell in detail(small, IDS[5]).tables[0].columns}[
        "score"
    ] is None  # JSON has no NaN
    face = units.page(small, "face", at=(0, 1)).items[0].id
    assert detail(small, face).parent.id == IDS[0]
    assert detail(small, face).span == {"box": [1, 2, 11, 22]}
    assert [place["media"] for place in detail(small, POSTS[0]).attachments] == [IDS[0], IDS[1]]


def test_failures_stand_beside_the_unit(small: View) -> None:
    table = small.tables("image")[0]
    table.fail([(IDS[1], "DamagedStreamError", "in part")])
    assert detail(small, IDS[1]).failures == [{"step": "look", "error": "DamagedStreamError", "message": "in part"}]


def test_what_is_added_is_seen_at_once(small: View) -> None:
    assert len(chosen(small)) == 6
    new = "9" * 64
    small.store.add_units([Unit(new, "image", path="in/g.jpg")])
    table = small.tables("image")[0]
    row = {"score": [1.0], "count": [7], "scene": ["sea"], "people": [None], "labels": [None], "tags": [["s", "t"]]}
    table.append([new], table.arrays({**row, "vector": np.ones((1, 2)), "hash": [b"x"]}))
    assert len(chosen(small)) == 6  # a look is of one moment
    assert chosen(View(small.store), {"column": f"{LOOK}.scene", "in": ["sea"]}) == [6]
    assert chosen(View(small.store), sort=f"-{LOOK}.score")[0] == 6
