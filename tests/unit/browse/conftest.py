"""A study of a few units whose every value is known."""

from pathlib import Path

import pytest

from studium.browse.view import View
from studium.core.column import Column
from studium.core.recipe import Recipe
from studium.core.store import Store
from studium.core.unit import Span, Unit, derived_id

IDS = [f"{number:x}" * 64 for number in range(1, 7)]
POSTS = [letter * 64 for letter in "abc"]


@pytest.fixture
def small(tmp_path: Path) -> View:
    """Six pictures, three posts (the second picture is in two of them), a measure, a clustering and a map."""
    store = Store(tmp_path)
    said = [("ann", "2024-01-01T10:00:00+00:00", 10), ("ben", "2024-03-01", 20), ("ann", "2024-02-01T00:00:00Z", None)]
    store.add_units(
        Unit(unit, "post", meta={"id": str(i), "text": f"Post {i}: ÉTÉ", "author": author, "date": day, "likes": likes})
        for i, (unit, (author, day, likes)) in enumerate(zip(POSTS, said, strict=True))
    )
    names = ["b.jpg", "a.jpg", "C.jpg", "d.jpg", "e.jpg", "f.jpg"]
    store.add_units(Unit(unit, "image", path=f"in/{name}") for unit, name in zip(IDS, names, strict=True))
    shown = [(POSTS[0], 0, 0), (POSTS[0], 1, 1), (POSTS[1], 0, 1), (POSTS[2], 0, 2)]
    rows = [(unit, None, at) for at, unit in enumerate(IDS)] + [(IDS[at], post, place) for post, place, at in shown]
    store.add_attachments(
        {"source": "posts" if post else "folder", "post": post, "media": unit, "kind": "image", "position": place,
         "path": f"in/{names[IDS.index(unit)]}", "label": None, "bytes": None, "mtime_ns": None}
        for unit, post, place in rows
    )  # fmt: skip
    table = store.create("image", MEASURED, MEASURED_COLUMNS)
    values = {
        "score": [0.5, 0.1, None, 0.9, 0.1, float("nan")],
        "count": [1, 2, 3, 4, 5, 2**53 + 1],
        "scene": ["street", "street", None, "food", "food", "food"],
        "people": [True, False, None, True, True, False],
        "labels": ['["a", "b"]', "[]", None, '["b"]', '["a"]', '["b", "b"]'],
        "tags": [["x", "y"], ["x", "z"], ["m", "n"], ["y", "z"], ["x", "x"], ["q", "r"]],
        "vector": [[float(i), 1.0] for i in range(6)],
        "hash": [bytes([i]) * 4 for i in range(6)],
    }
    table.append(IDS[:3], table.arrays({name: one[:3] for name, one in values.items()}))
    table.append(IDS[3:], table.arrays({name: one[3:] for name, one in values.items()}))
    columns = [Column("cluster", "int32", ""), Column("silhouette", "float32", ""), Column("rank", "int32", "")]
    found = store.create("image", Recipe("cluster", "1", {"by": "embed"}, inputs="x"), columns)
    members = {"cluster": [0, 0, 1, 2, -1], "silhouette": [0.5, 0.3, 0.2, None, None], "rank": [1, 0, 0, 0, -1]}
    found.replace(IDS[:5], found.arrays(members), {"by": "embed-1", "units": 5})
    axes = [Column("x", "float32", ""), Column("y", "float32", "")]
    laid = store.create("image", Recipe("map", "1", {"by": "embed"}, inputs="x"), axes)
    laid.replace(IDS[::-1], laid.arrays({"x": [0.1 * i for i in range(6)], "y": [0.5] * 6}), {"by": "embed-1"})
    box = Span(box=(1, 2, 11, 22))
    store.add_units([Unit(derived_id(IDS[0], "face", box), "face", parent=IDS[0], span=box)])
    return View(store)


MEASURED = Recipe("look", "2", {"model": "eye"}, {"eye": "f" * 64})
MEASURED_COLUMNS = [
    Column("score", "float32", "how good it looks", "share", 0, 1),
    Column("count", "int64", "of things", low=0),
    Column("scene", "string", "where it is"),
    Column("people", "bool", "whether there are any", sensitive=True),
    Column("labels", "string", "JSON list"),
    Column("tags", "string", "the two best", size=2),
    Column("vector", "float32", "", size=2),
    Column("hash", "binary", ""),
]
LOOK = MEASURED.label
