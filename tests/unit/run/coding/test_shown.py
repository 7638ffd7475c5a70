"""What a coder is shown, and the pictures in which boxes must lie."""

import pytest

from studium import Corpus, sources
from studium.core.unit import Span, Unit, derived_id
from studium.errors import InputError
from studium.run.coding.shown import shown, size_of

CODEBOOK = """
[faces]
question = "Where are faces?"
of = "image"
type = "boxes"
values = [{name = "face"}]
"""


@pytest.fixture
def corpus(study):
    (study / "posts.csv").write_text("id,text,media\na,<b>hello</b>,images/living/chelsea.png\n")
    (study / "codebook.toml").write_text(CODEBOOK)
    opened = Corpus(study)
    opened.add(sources.folder(study / "images"))
    opened.add(sources.posts(study / "posts.csv", media="media", root=study))
    return opened


def test_nothing_that_tells_the_answer(corpus):
    assert shown(corpus.store, "image", []) == []
    unit, gone = corpus.units("image")["id"][0].as_py(), "f" * 64
    seen = shown(corpus.store, "image", [gone, unit])
    assert [(one.id, one.label, one.text) for one in seen] == [
        (gone, "image ffffffff", None), (unit, f"image {unit[:8]}", None)
    ]  # fmt: skip
    [post] = shown(corpus.store, "post", corpus.units("post")["id"].to_pylist())
    assert post.text == "<b>hello</b>"
    [medium] = post.media
    assert (medium.kind, medium.text, medium.media) == ("image", None, ())
    assert medium.size == size_of(corpus.store, "image", medium.id)
    assert "chelsea" not in medium.label


def test_sizes(corpus):
    unit = corpus.units("image")["id"][0].as_py()
    told = size_of(corpus.store, "image", unit)  # by the header, before anything is measured
    corpus.measure("properties", of="image")
    rows = corpus.table("image", "properties").select(["unit", "width", "height"]).to_pylist()
    assert told in [(row["width"], row["height"]) for row in rows if row["unit"] == unit]
    for row in rows:
        assert size_of(corpus.store, "image", row["unit"]) == (row["width"], row["height"])
    assert size_of(corpus.store, "image", "f" * 64) is None
    span = Span(box=(10, 20, 40, 25))
    corpus.store.add_units([Unit(face := derived_id(unit, "face", span), "face", unit, span=span)])
    assert size_of(corpus.store, "face", face) == (30, 5)
    assert size_of(corpus.store, "face", "f" * 64) is None


def test_a_box_that_leaves_its_picture_is_refused(corpus):
    corpus.draw_sample("first", of="image", n=4)
    corpus.task("t", sample="first", variables=["faces"], coders=["ada"])
    unit = corpus.units("image")["id"][0].as_py()
    wide, high = size_of(corpus.store, "image", unit)
    box = {"value": "face", "box": [0, 0, wide, high]}
    assert corpus.annotate("t", unit, {"faces": [box]}, coder="ada") == 1
    with pytest.raises(InputError, match="leaves its picture"):
        corpus.annotate("t", unit, {"faces": [box | {"box": [0, 0, wide + 1, high]}]}, coder="ada")
    with pytest.raises(InputError, match="leaves its picture"):
        corpus.adjudicate(unit, "faces", [box | {"box": [0, 0, wide, high + 1]}], who="eve")
    assert corpus.adjudicate(unit, "faces", [], who="eve").value == []
