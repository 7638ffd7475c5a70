"""Search gives what `studium.run.search` gives, and reads the vectors once."""

from pathlib import Path

import numpy as np
import pytest
from unit.browse.conftest import IDS

from studium import Corpus, sources
from studium.browse.search import Hit, search, searchable
from studium.browse.view import View
from studium.core.column import Column
from studium.core.recipe import Recipe
from studium.errors import InputError, UnknownNameError
from studium.run.search import search as plain


def told(hits: list[Hit]) -> list[tuple[str, float]]:
    return [(hit.item.id, round(hit.score, 9)) for hit in hits]


def test_no_vectors(small: View) -> None:
    with pytest.raises(InputError, match="no table of vectors of face"):
        search(small, "face", "", {"unit": IDS[0]}, 5)
    with pytest.raises(UnknownNameError):
        search(small, "image", "no-such", {"unit": IDS[0]}, 5)


def test_as_the_plain_search(small: View) -> None:
    rng = np.random.default_rng(0)
    X = rng.normal(size=(6, 8)).astype("f4")
    X[3], X[4] = X[1], 0  # a tie, and no direction
    table = small.store.create("image", Recipe("vectors", "1"), [Column("v", "float32", "", size=8)])
    table.append(IDS, table.arrays({"v": X}))
    assert searchable(small, "image")[0].table == table.recipe.label
    for k in (1, 2, 6, 100):
        wanted = plain(small.store, "image", "vectors", {"unit": IDS[1]}, k)
        found = search(small, "image", table.recipe.label, {"unit": IDS[1]}, k)
        assert told(found) == [
            (unit, round(score, 9))
            for unit, score in zip(wanted["unit"].to_pylist(), wanted["score"].to_pylist(), strict=True)
        ]
    with pytest.raises(InputError, match="zeros"):
        search(small, "image", "vectors", {"unit": IDS[4]}, 3)
    with pytest.raises(InputError, match="made by no embedding model"):
        search(small, "image", "vectors", {"text": "a cat"}, 3)
    with pytest.raises(InputError, match="k should be"):
        search(small, "image", "vectors", {"unit": IDS[0]}, 0)


def test_by_text_and_by_picture(tmp_path: Path, photos: Path) -> None:
    corpus = Corpus(tmp_path)
    corpus.add(sources.folder(_some(photos, tmp_path)))
    corpus.measure("embed", of="image", model="conse")
    view = View(corpus.store)
    (table,) = searchable(view, "image")
    assert table.joint
    assert search(view, "image", table.table, {"text": "a cat"}, 1)[0].item.label == "chelsea.png"
    found = search(view, "image", "embed:conse", {"image": photos / "coffee.png"}, 2)
    assert (found[0].item.label, round(found[0].score, 3)) == ("coffee.png", 1)


def _some(photos: Path, root: Path) -> Path:
    (root / "in").mkdir()
    for name in ("chelsea.png", "coffee.png", "rocket.jpg"):
        (root / "in" / name).write_bytes((photos / name).read_bytes())
    return root / "in"
