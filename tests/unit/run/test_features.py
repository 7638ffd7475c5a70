"""Features from tables: side by side, and rolled up from smaller units; the units that lack a row are told."""

import numpy as np
import pytest

from studium import Corpus, sources
from studium.errors import InputError, UnknownNameError
from studium.run.features import features

POSTS = (
    "id,text,media\na,a cat,images/living/chelsea.png\n"
    "b,a cat and a rocket,images/living/chelsea.png;images/thing/rocket.jpg\nc,nothing,\n"
)


@pytest.fixture(scope="module")
def corpus(tmp_path_factory, photos):
    root = tmp_path_factory.mktemp("features")
    for name in ("living/chelsea.png", "thing/rocket.jpg"):
        (root / "images" / name).parent.mkdir(parents=True, exist_ok=True)
        (root / "images" / name).write_bytes((photos / name.split("/")[1]).read_bytes())
    (root / "posts.csv").write_text(POSTS)
    opened = Corpus(root)
    opened.add(sources.posts(root / "posts.csv", id="id", text="text", media="media", root=root))
    opened.measure("colour", "histogram", "phash", of="image")
    opened.measure("wording", of="post")
    return opened


def rows(corpus, kind, name):
    return {row["unit"]: row for row in corpus.table(kind, name).to_pylist()}


def test_own_tables_side_by_side(corpus):
    found = features(corpus.store, "image", {"image": ["colour", "histogram"]})
    assert found.units == tuple(sorted(rows(corpus, "image", "colour")))
    assert found.X.shape == (2, len(found.names))
    assert found.X.dtype == np.float64
    one, other = (corpus.store.find("image", name).recipe.label for name in ("colour", "histogram"))
    assert found.inputs == f"image {one} + image {other}"
    assert (found.modality, found.missing) == ("image", {})
    stored = rows(corpus, "image", "colour")
    column = found.names.index("brightness_mean")
    assert found.X[:, column].tolist() == [stored[unit]["brightness_mean"] for unit in found.units]
    vector = next(c for c in corpus.store.find("image", "histogram").columns if c.size and c.dtype.startswith("float"))
    at = found.names.index(f"{vector.name}[1]")
    assert found.X[0, at] == rows(corpus, "image", "histogram")[found.units[0]][vector.name][1]
    assert found.rows([found.units[1], "x"]).tolist() == [1, -1]


def test_those_of_smaller_units_are_means(corpus):
    found = features(corpus.store, "post", {"image": "colour", "post": "wording"})
    texts = {row["unit"]: row["text"] for row in corpus.posts().to_pylist()}
    assert {texts[unit] for unit in found.units} == {"a cat", "a cat and a rocket"}
    assert found.modality == "multimodal"
    assert [texts[unit] for unit in found.missing["image colour"]] == ["nothing"]
    both = next(row for row, unit in enumerate(found.units) if "rocket" in texts[unit])
    mean = np.mean([row["brightness_mean"] for row in rows(corpus, "image", "colour").values()])
    assert found.X[both, found.names.index("image.brightness_mean")] == pytest.approx(mean)


def test_what_cannot_be_features(corpus):
    with pytest.raises(UnknownNameError, match="make it with  studium measure embed --of image"):
        features(corpus.store, "image", {"image": "embed"})
    with pytest.raises(InputError, match="holds no numbers to learn from"):
        features(corpus.store, "image", {"image": "phash"})
    with pytest.raises(InputError, match="say which tables"):
        features(corpus.store, "image", {})
    with pytest.raises(InputError, match="tables of posts are about posts, not about image units"):
        features(corpus.store, "image", {"post": "wording"})
