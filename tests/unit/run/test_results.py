"""Clusters, duplicates, maps and searches as tables of a study."""

import numpy as np
import pytest
from PIL import Image

from studium import Corpus, sources
from studium.errors import InputError, UnknownNameError
from studium.run.tables import matrix


@pytest.fixture(scope="module")
def corpus(tmp_path_factory, photos):
    """Ten variants each of four photographs, embedded and hashed; and three posts."""
    root = tmp_path_factory.mktemp("results")
    rng = np.random.default_rng(0)
    for name in ("chelsea.png", "coffee.png", "china.jpg", "flower.jpg"):
        photo = Image.open(photos / name).convert("RGB").resize((400, 300))
        folder = root / "images" / name.split(".")[0]
        folder.mkdir(parents=True)
        photo.save(folder / "original.png")
        photo.resize((320, 240)).save(folder / "smaller.jpg", quality=80)
        for i in range(8):
            left, top = rng.integers(0, 120, 2)
            photo.crop((left, top, left + 270, top + 180)).save(folder / f"{i}.jpg")
    (root / "posts.csv").write_text("id,text\n1,a cat looks at me\n2,a cup of coffee\n3,an old temple\n")
    opened = Corpus(root)
    opened.add(sources.folder(root / "images"))
    opened.add(sources.posts(root / "posts.csv"))
    opened.measure("pdq", "embed", of="image")
    opened.measure("embed", of="image", model="conse")
    opened.measure("embed_text", of="post")
    return opened


def test_clusters_are_the_photographs(corpus):
    found = corpus.cluster("image", by="embed:efficientnet-lite0", step=4)
    labels = {row["media"]: row["label"] for row in corpus.attachments().to_pylist()}
    clusters: dict[int, set[str]] = {}
    for row in found.members().to_pylist():
        if row["cluster"] >= 0:
            clusters.setdefault(row["cluster"], set()).add(labels[row["unit"]])
    assert len(clusters) == 4
    assert all(len(names) == 1 for names in clusters.values()), "no cluster mixes two photographs"
    assert found.unassigned == 0
    assert sum(units for _, units, _, _ in found.overview()) == 40
    ranks = [row["rank"] for row in found.members().to_pylist() if row["cluster"] == 0]
    assert sorted(ranks) == list(range(len(ranks)))


def test_a_result_is_computed_once_per_recipe_and_input(corpus):
    first = corpus.cluster("image", by="embed:efficientnet-lite0", step=2)
    parts = list(first.table.folder.glob("part-*"))
    again = corpus.cluster("image", by="embed:efficientnet-lite0", step=2)
    assert list(again.table.folder.glob("part-*")) == parts
    other = corpus.cluster("image", by="embed:efficientnet-lite0", step=2, threshold=0.2)
    assert other.table.folder != first.table.folder
    assert corpus.cluster("image", by="embed:conse", step=2).table.folder != first.table.folder


def test_a_result_that_was_not_finished_is_computed_again(corpus):
    table = corpus.cluster("image", by="embed:efficientnet-lite0", step=3).table
    before = table.read()
    (table.folder / "_result.json").unlink()
    again = corpus.cluster("image", by="embed:efficientnet-lite0", step=3).table
    assert again.read().equals(before)


def test_duplicates_by_hash_and_by_vector(corpus):
    found = corpus.duplicates("image")
    paths = dict(zip(*(corpus.units("image")[c].to_pylist() for c in ("id", "path")), strict=True))
    groups: dict[int, list[str]] = {}
    for group, unit in found.members():
        groups.setdefault(group, []).append(paths[unit])
    pairs = [sorted(path.split("/")[-1] for path in group) for group in groups.values()]
    assert pairs.count(["original.png", "smaller.jpg"]) == 4
    rows = found.table.read().to_pylist()
    assert all(row["distance"] == 0 for row in rows if row["exemplar"])
    assert all(row["distance"] <= 31 for row in rows)
    assert len(rows) == len({row["unit"] for row in rows})

    near = corpus.duplicates("image", by="embed:efficientnet-lite0", threshold=0.95)
    assert near.groups >= 1
    assert all(0 <= row["distance"] <= 1 for row in near.table.read().to_pylist())
    corpus.measure("phash", of="image")
    assert corpus.duplicates("image", by="phash", threshold=6).groups >= 4
    with pytest.raises(InputError, match="by phash need a threshold: a number of bits"):
        corpus.duplicates("image", by="phash")
    with pytest.raises(InputError, match="need a threshold: a cosine"):
        corpus.duplicates("image", by="embed:conse")
    with pytest.raises(InputError, match="whole number of bits"):
        corpus.duplicates("image", threshold=0.9)


def test_the_map_is_in_the_unit_square(corpus):
    found = corpus.map("image", by="embed:efficientnet-lite0", method="pca")
    assert found.computed
    assert not corpus.map("image", by="embed:efficientnet-lite0", method="pca").computed
    table = found.table.read()
    assert table.num_rows == 40
    for axis in ("x", "y"):
        values = table[axis].to_numpy()
        assert values.min() >= 0
        assert values.max() <= 1


def test_search_by_text_picture_and_unit(corpus, photos):
    by_text = corpus.search("image", text="a photo of a cat", by="embed:conse", k=5)
    assert all("chelsea" in path for path in by_text["path"].to_pylist()[:3])
    scores = by_text["score"].to_pylist()
    assert scores == sorted(scores, reverse=True)
    by_image = corpus.search("image", image=photos / "coffee.png", by="embed:efficientnet-lite0", k=3)
    assert all("coffee" in path for path in by_image["path"].to_pylist())
    unit = by_image["unit"][0].as_py()
    by_unit = corpus.search("image", unit=unit[:10], by="embed:efficientnet-lite0", k=1)
    assert by_unit["unit"].to_pylist() == [unit]
    assert by_unit["score"][0].as_py() == pytest.approx(1)


def test_a_picture_finds_its_words(corpus, photos):
    found = corpus.search("post", image=photos / "coffee.png", by="embed_text", k=3)
    posts = dict(zip(corpus.posts()["unit"].to_pylist(), corpus.posts()["text"].to_pylist(), strict=True))
    assert posts[found["unit"][0].as_py()] == "a cup of coffee"
    words = corpus.search("post", text="kitten", by="embed_text", k=1)
    assert posts[words["unit"][0].as_py()] == "a cat looks at me"


def test_montage(corpus):
    units = corpus.units("image")["id"].to_pylist()[:5]
    sheet = corpus.montage("image", units, cell=50)
    assert sheet.ndim == 3
    assert sheet.shape[0] % 50 == 0
    with pytest.raises(InputError, match="no image unit"):
        corpus.montage("image", ["nothing"])


def test_bad_questions_are_answered_clearly(corpus):
    with pytest.raises(InputError, match="exactly one of text, image, unit; got none"):
        corpus.search("image")
    with pytest.raises(InputError, match="knows no words"):
        corpus.search("image", text="cat", by="embed:efficientnet-lite0")
    with pytest.raises(InputError, match=r"0 units .* expected one"):
        corpus.search("image", unit="zzz", by="embed:conse")
    with pytest.raises(UnknownNameError, match="no table 'colour'"):
        corpus.cluster("image", by="colour")
    with pytest.raises(InputError, match="cluster has no parameter k; it has: step"):
        corpus.cluster("image", by="embed:conse", k=3)
    with pytest.raises(InputError, match="cluster: step should be int, got str 'x'"):
        corpus.cluster("image", by="embed:conse", step="x")
    with pytest.raises(InputError, match="say which: embed:efficientnet-lite0, embed:conse"):
        corpus.search("image", text="cat")
    with pytest.raises(InputError, match="map has no parameter"):
        corpus.map("image", by="embed:conse", perplexity=3)
    with pytest.raises(InputError, match="has columns of vectors \\[\\]"):
        corpus.cluster("image", by="pdq")


def test_a_matrix_is_sorted_by_id(corpus):
    units, X = matrix(corpus.store, corpus.store.find("image", "embed:conse"))
    assert units == sorted(units)
    assert X.shape == (40, 384)
    assert X.dtype == np.float32


def test_the_empty_study_has_no_results(tmp_path):
    empty = Corpus(tmp_path)
    empty.measure("embed", "pdq", of="image")
    assert empty.cluster("image", by="embed").overview() == []
    assert empty.duplicates("image").groups == 0
    assert empty.map("image", by="embed").table.read().num_rows == 0
