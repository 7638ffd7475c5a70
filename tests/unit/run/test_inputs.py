"""Inputs of networks: decoded when asked for, held within a bound; texts with what is said."""

import numpy as np
import pytest

from studium import Corpus, sources
from studium.core.unit import Span, Unit, derived_id
from studium.errors import InputError, MediaError
from studium.learn.predict import shown
from studium.media.material import Material
from studium.run import inputs as module
from studium.run.inputs import inputs, through


@pytest.fixture
def corpus(study):
    rows = ["id,text,media", "a,a cat,images/living/chelsea.png", "b,,images/thing/rocket.jpg", "c,words,"]
    (study / "posts.csv").write_text("\n".join(rows))
    (study / "images/thing/coffee.png").write_bytes(b"\x89PNG\r\n\x1a\n broken")
    opened = Corpus(study)
    opened.add(sources.folder(study / "images"))
    opened.add(sources.posts(study / "posts.csv", id="id", text="text", media="media", root=study))
    return opened


def test_pictures_are_decoded_when_asked_for(corpus, monkeypatch):
    units = corpus.units("image")["id"].to_pylist()
    assert len(inputs(corpus.store, "image", [], "image")) == 0
    found = inputs(corpus.store, "image", units, "image")
    assert (len(found), found.through) == (4, "image")
    bad = found.missing()
    paths = {row["id"]: row["path"] for row in corpus.units("image").to_pylist()}
    assert [paths[unit] for unit in bad] == ["images/thing/coffee.png"]
    good = next(at for at, unit in enumerate(units) if unit not in bad)
    picture = found[good]
    assert picture.dtype == np.uint8
    assert picture.ndim == 3
    assert found[good] is picture, "it is held"
    monkeypatch.setattr(module, "CACHE", 1)
    small = inputs(corpus.store, "image", [unit for unit in units if unit not in bad], "image")
    first = small[0]
    assert small[1:2][0] is small[1]
    assert small[0] is not first, "it was let go for another"
    np.testing.assert_array_equal(small[0], first)
    assert found.outline() == units


def test_texts_of_posts(corpus):
    units = [row["unit"] for row in corpus.posts().to_pylist()]
    found = inputs(corpus.store, "post", units, "text")
    assert found.through == "text"
    assert (found[0], found[2]) == ("a cat", "words")


def test_what_is_said_in_the_films_of_a_post_belongs_to_its_text(corpus, study, videos):
    (study / "film.mp4").write_bytes((videos / "bikes.mp4").read_bytes())
    (study / "more.csv").write_text("id,text,media\nd,see this,film.mp4\n")
    corpus.add(sources.posts(study / "more.csv", id="id", text="text", media="media", root=study))
    film = corpus.units("video")["id"][0].as_py()
    span = Span(0.5, 1.5, text="on your bikes")
    corpus.store.add_units([Unit(derived_id(film, "speech", span), "speech", film, span=span)])
    assert through(corpus.store, "post", "text") == "material"
    units = [row["unit"] for row in corpus.posts().to_pylist()]
    found = inputs(corpus.store, "post", units, "text")
    assert found[3] == "see this\non your bikes"
    assert found[0] == "a cat"
    assert list(found.missing()) == [units[1]]
    assert inputs(corpus.store, "video", [film], "text")[0] == "on your bikes"
    assert "on your bikes" in found.outline()[3]
    material = inputs(corpus.store, "post", units, "material")[3]
    assert shown(material, "text") == found[3], "a measure of materials reads the same"


def test_the_one_picture_of_a_post(corpus):
    units = [row["unit"] for row in corpus.posts().to_pylist()]
    found = inputs(corpus.store, "post", units, "image")
    assert found.through == "material"
    assert found[0].shape == inputs(corpus.store, "image", [corpus.attachments()["media"][0].as_py()], "image")[0].shape
    with pytest.raises(MediaError, match="the post has 0 pictures, and the model takes one"):
        found[2]


def test_what_cannot_be_asked_for(corpus):
    with pytest.raises(InputError, match="does not have 1 of the image units"):
        inputs(corpus.store, "image", ["0" * 64], "image")
    with pytest.raises(InputError, match="takes text, image or material, got 'audio'"):
        inputs(corpus.store, "image", [], "audio")
    with pytest.raises(MediaError, match="the unit has no text"):
        shown(Material(), "text")
