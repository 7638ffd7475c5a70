"""Pictures and texts of a study in one space: matrices, files, and posts that show what they say, or do not."""

import csv
import logging
import shutil
from pathlib import Path

import checkpoints
import numpy as np
import pytest
from click.testing import CliRunner

from studium import Corpus, sources
from studium.cli.crossmodal import retrieval as retrieval_command
from studium.cli.crossmodal import similarity as similarity_command
from studium.core.recipe import recipe_of
from studium.core.table import text_digest
from studium.errors import InputError, RefusedError, StoreError, UnknownNameError
from studium.measure import encoders
from studium.measure.embed import Embed, EmbedText
from studium.media.image import decode
from studium.run.tables import matrix

POSTS = """\
id,text,media
1,a cat looks at me,images/chelsea.png
2,a cup of coffee,images/coffee.png
3,a rocket on its way and a cat,images/rocket.jpg;images/chelsea.png;images/rocket.jpg
4,,images/flower.jpg
5,nothing to see here,
6,a cup of coffee,images/flower.jpg
"""


@pytest.fixture(scope="module")
def corpus(tmp_path_factory, photos):
    root = tmp_path_factory.mktemp("crossmodal")
    (root / "images").mkdir()
    for name in ("chelsea.png", "coffee.png", "rocket.jpg", "flower.jpg", "china.jpg"):
        shutil.copy(photos / name, root / "images" / name)
    (root / "posts.csv").write_text(POSTS)
    opened = Corpus(root)
    opened.add(sources.folder(root / "images"))
    opened.add(sources.posts(root / "posts.csv", id="id", text="text", media="media", root=root))
    opened.measure("embed", of="image", model="conse")
    opened.measure("embed", of="image")
    opened.measure("embed_text", of="post")
    return opened


def by_path(corpus, units):
    known = {row["unit"]: Path(row["path"]).name for row in corpus.table("image").to_pylist()}
    return [known[unit] for unit in units]


def put(corpus, kind, measure, inputs):
    """As the engine does, but in this process: it need not load torch once more."""
    table = corpus.store.create(kind, recipe_of(measure), measure.columns, of_text=measure.takes == "text")
    digests = [text_digest(text) for text in inputs] if table.of_text else []
    table.append(corpus.units(kind)["id"].to_pylist(), table.arrays(measure(inputs)), digests)


def unit(rows):
    return rows / np.linalg.norm(rows.astype(np.float64), axis=1, keepdims=True)


def test_texts_with_all_pictures(corpus):
    texts = ["a cat looks at me", "a cup of coffee"]
    found = corpus.similarity(texts, by="embed:conse")
    units, X = matrix(corpus.store, corpus.store.find("image", "embed:conse"))
    assert (found.units, found.texts) == (units, texts)
    assert found.cosine.dtype == np.float32
    np.testing.assert_allclose(found.cosine, unit(X) @ unit(encoders.encode_text("conse", texts)).T, atol=1e-6)
    assert found.temperature == 0.01
    odds = np.exp(100 * found.cosine.astype(np.float64))
    np.testing.assert_allclose(found.probabilities(), odds / odds.sum(axis=1, keepdims=True), rtol=1e-5)
    np.testing.assert_allclose(found.probabilities(0.5, axis=0).sum(axis=0), 1)
    names = by_path(corpus, units)
    assert [names[found.pictures_of(text, 1).row[0]] for text in (0, 1)] == ["chelsea.png", "coffee.png"]
    hits = found.texts_of(names.index("coffee.png"), 2)
    assert hits.row.tolist() == [1, 0]
    assert hits.score[0] == pytest.approx(found.cosine[names.index("coffee.png"), 1], abs=1e-6)


def test_a_picture_searches_texts(corpus):
    found = corpus.search("post", image=corpus.root / "images" / "chelsea.png", by="embed_text", k=3)
    assert "cat" in found["text"][0].as_py()


def test_blank_texts_are_not_found(corpus):
    posts = {row["unit"]: row["text"] for row in corpus.posts().to_pylist()}
    found = corpus.search("post", text="nothing", by="embed_text", k=99)
    assert sorted(found["text"].to_pylist()) == sorted(text for text in posts.values() if text)


def test_a_table_of_texts(corpus):
    found = corpus.similarity("embed_text", by="embed:conse")
    posts = {row["unit"]: row["text"] for row in corpus.posts().to_pylist()}
    assert sorted(posts[text] for text in found.texts) == sorted(text for text in posts.values() if text), "not blank"
    assert found.cosine.shape == (5, 5)


@pytest.mark.parametrize("block", [1, 2**24])
def test_a_matrix_as_a_file(corpus, tmp_path, monkeypatch, block):
    from studium.explore import crossmodal

    monkeypatch.setattr(crossmodal.blocks, "__defaults__", (block,))
    found = corpus.similarity(["a cat, or a\ndog", "coffee"], by="embed:conse")
    with found.write(tmp_path / "new" / "matrix.csv").open(encoding="utf-8", newline="") as file:
        header, *rows = csv.reader(file)
    assert header == ["unit", "path", *found.texts]
    assert [row[0] for row in rows] == found.units
    assert [Path(row[1]).name for row in rows] == by_path(corpus, found.units)
    np.testing.assert_array_equal(np.array([row[2:] for row in rows], np.float32), found.cosine)
    found.write(tmp_path / "matrix.npy")
    np.testing.assert_array_equal(np.load(tmp_path / "matrix.npy", mmap_mode="r"), found.cosine)
    assert (tmp_path / "matrix.units.txt").read_text().splitlines() == found.units
    assert (tmp_path / "matrix.texts.txt").read_text().splitlines() == ["a cat, or a dog", "coffee"]
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "matrix.npy", "matrix.texts.txt", "matrix.units.txt", "new",
    ], "no draft is left"  # fmt: skip
    with pytest.raises(InputError, match=r"written as \.csv or \.npy, got 'matrix.xlsx'"):
        found.write(tmp_path / "matrix.xlsx")
    with pytest.raises(StoreError, match="choose another place"):
        found.write(tmp_path / "matrix.npy" / "matrix.csv")


def test_what_has_no_matrix(corpus):
    for texts in ([], [""], ["cat", " "], ["cat", 3]):
        with pytest.raises(InputError, match="texts that are not empty"):
            corpus.similarity(texts, by="embed:conse")
    with pytest.raises(InputError, match="compare with texts; measure the pictures with a joint model"):
        corpus.similarity(["a cat"], by="embed:efficientnet-lite0")
    with pytest.raises(UnknownNameError, match="no table 'embed:clip'"):
        corpus.similarity(["a cat"], by="embed:clip")
    with pytest.raises(UnknownNameError, match="no table 'a cat' of post units"):
        corpus.similarity("a cat", by="embed:conse")


def test_posts_and_their_own_pictures(corpus):
    made = corpus.retrieval("image", by="embed:conse")
    rows = {row["unit"]: row for row in made.table.read().to_pylist()}
    posts = {int(row["id"]): row["unit"] for row in corpus.posts().to_pylist()}
    assert set(rows) == {posts[number] for number in (1, 2, 3, 6)}, "with a text and a picture"
    whole = corpus.similarity("embed_text", by="embed:conse")
    names = by_path(corpus, whole.units)

    def cosine(post, name):
        return whole.cosine[names.index(name), whole.texts.index(posts[post])]

    third = rows[posts[3]]
    both = [cosine(3, "rocket.jpg"), cosine(3, "chelsea.png")]
    assert third["similarity_pictures"] == 2, "twice in a post is once here"
    assert third["similarity_mean"] == pytest.approx(np.mean(both), abs=1e-6)
    assert third["similarity_max"] == pytest.approx(max(both), abs=1e-6)
    assert rows[posts[1]]["similarity_mean"] == pytest.approx(cosine(1, "chelsea.png"), abs=1e-6)
    assert rows[posts[1]]["picture_rank"] == rows[posts[2]]["picture_rank"] == 1
    among = ["chelsea.png", "coffee.png", "rocket.jpg", "flower.jpg"]  # what is attached to posts with a text
    assert rows[posts[6]]["picture_rank"] == sum(cosine(6, name) >= cosine(6, "flower.jpg") for name in among)


def test_both_directions_are_told(corpus):
    to_picture, to_text = corpus.retrieval("image", by="embed:conse").retrieval()
    assert [to_picture[key] for key in ("direction", "asked", "among")] == ["text to picture", 4, 4]
    assert [to_text[key] for key in ("direction", "asked", "among")] == ["picture to text", 4, 4]
    ranks = corpus.table("post", "similarity")["picture_rank"].drop_null().to_numpy()
    assert to_picture["R@1"] == np.mean(ranks <= 1)
    assert to_picture["median_rank"] == np.median(ranks)
    assert to_picture["chance@1"] == pytest.approx((1 / 4 * 3 + 2 / 4) / 4)
    assert to_text["R@1"] <= 0.75, "two posts say the same: neither picture finds its own first"
    assert to_text["R@5"] == 1


def test_it_is_kept_until_something_changes(corpus):
    first = corpus.retrieval("image", by="embed:conse")
    again = corpus.retrieval("image", by="embed:conse")
    assert (again.table.folder, again.computed) == (first.table.folder, False)
    posts = corpus.root / "posts.csv"
    posts.write_text(POSTS.replace("a cat looks at me", "an old temple"))
    try:
        corpus.add(sources.posts(posts, id="id", text="text", media="media", root=corpus.root))
        stale = corpus.retrieval("image", by="embed:conse")
        assert stale.computed
        assert stale.table.read().num_rows == 3, "a text that changed and was not measured again has no row"
        assert "an old temple" not in corpus.search("post", text="a cat", by="embed_text", k=9)["text"].to_pylist()
        corpus.measure("embed_text", of="post")
        assert corpus.retrieval("image", by="embed:conse").table.read().num_rows == 4
    finally:
        posts.write_text(POSTS)
        corpus.add(sources.posts(posts, id="id", text="text", media="media", root=corpus.root))
        corpus.measure("embed_text", of="post")


def test_tables_of_different_spaces(corpus, tmp_path):
    clip = str(checkpoints.clip(tmp_path / "clip"))
    put(
        corpus, "image", Embed(clip), [decode(corpus.root / path) for path in corpus.units("image")["path"].to_pylist()]
    )
    with pytest.raises(InputError, match=r'measure the texts with embed_text\(model="[^"]+clip"\) first'):
        corpus.retrieval("image", by=f"embed:{clip}")
    put(corpus, "post", EmbedText(clip), [row["text"] or "" for row in corpus.posts().to_pylist()])
    found = corpus.similarity("embed_text:" + clip, by=f"embed:{clip}")
    assert found.temperature == pytest.approx(1 / encoders.logit_scale(clip))
    assert corpus.retrieval("image", by=f"embed:{clip}", text_by=f"embed_text:{clip}").retrieval()[0]["asked"] == 4
    with pytest.raises(InputError, match="is not of the space of"):
        corpus.retrieval("image", by="embed:conse", text_by=f"embed_text:{clip}")


def test_a_study_without_posts(study):
    bare = Corpus(study)
    bare.add(sources.folder(study / "images"))
    bare.measure("embed", of="image", model="conse")
    with pytest.raises(UnknownNameError, match="no table 'embed_text' of post units"):
        bare.retrieval("image", by="embed")
    (study / "posts.csv").write_text("id,text\n1,hello\n")
    bare.add(sources.posts(study / "posts.csv", id="id", text="text"))
    bare.store.create("post", recipe_of(EmbedText()), EmbedText().columns, of_text=True)
    with pytest.raises(InputError, match="no vector of a text that is not blank"):
        bare.similarity("embed_text", by="embed")
    bare.measure("embed_text", of="post")
    with pytest.raises(InputError, match="no post with a text has a picture with a vector"):
        bare.retrieval("image", by="embed")


def test_faces_need_a_legal_basis(corpus):
    with pytest.raises(RefusedError):
        corpus.similarity(["a smile"], of="face", by="embed:conse")
    with pytest.raises(RefusedError):
        corpus.retrieval("face", by="embed:conse")
    with pytest.raises(RefusedError):
        corpus.calibrate("calm", of="face", labels={})


def test_on_the_command_line(corpus, tmp_path, caplog):
    caplog.set_level(logging.WARNING)
    to = tmp_path / "matrix.csv"
    words = ["--text", "a cat", "--text", "coffee", "--by", "embed:conse", "--to", str(to), "--study", str(corpus.root)]
    done = CliRunner().invoke(similarity_command, words, catch_exceptions=False)
    assert done.exit_code == 0, done.output
    assert to.read_text().splitlines()[0] == "unit,path,a cat,coffee"
    words = ["--by", "embed:conse", "--text-by", "embed_text:minilm", "--study", str(corpus.root)]
    done = CliRunner().invoke(retrieval_command, words, catch_exceptions=False)
    header, first, *_ = [line.split("\t") for line in done.output.splitlines()]
    assert header[:6] == ["direction", "asked", "among", "R@1", "R@5", "R@10"]
    assert first[0] == "text to picture"
