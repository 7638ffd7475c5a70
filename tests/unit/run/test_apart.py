"""What a split must not part: the links of a study, made into one value for each unit."""

import pytest

from studium import Corpus, sources
from studium.errors import InputError, UnknownNameError
from studium.run.apart import default, keys

POSTS = (
    "id,text,media,author,party\n"
    "a,x,images/living/chelsea.png,ann,left\nb,y,images/living/chelsea.png;images/thing/rocket.jpg,bob,left\n"
    "c,z,images/thing/rocket.jpg,cleo,right\nd,w,images/thing/coffee.png,ann,\ne,v,,,\n"
)


@pytest.fixture
def corpus(study):
    (study / "posts.csv").write_text(POSTS)
    opened = Corpus(study)
    opened.add(sources.posts(study / "posts.csv", id="id", text="text", media="media", root=study))
    return opened


def named(corpus):
    return {row["text"]: row["unit"] for row in corpus.posts().to_pylist()}


def test_posts_share_media_directly_or_through_others(corpus):
    post = named(corpus)
    units = [post[name] for name in "xyzwv"]
    found = keys(corpus.store, "post", units)
    assert set(found) == {"file", "account"} == set(default(corpus.store, "post"))
    file = found["file"]
    assert file[0] == file[1] == file[2] != file[3]
    assert file[4] is None
    assert found["account"] == ["ann", "bob", "cleo", "ann", None]
    assert keys(corpus.store, "post", units, ["party"]) == {"party": ["left", "left", "right", None, None]}
    assert keys(corpus.store, "post", units, ["post"])["post"] == units
    assert keys(corpus.store, "post", [])["file"] == []


def test_pictures_share_posts_and_accounts(corpus):
    units = {row["path"].split("/")[-1]: row["unit"] for row in corpus.table("image").to_pylist()}
    order = [units[name] for name in ("chelsea.png", "rocket.jpg", "coffee.png")]
    found = keys(corpus.store, "image", order)
    assert set(found) == {"post", "account"}
    assert found["post"][0] == found["post"][1] != found["post"][2]
    assert found["account"] == ["ann"] * 3, "ann and bob share a picture, and so do bob and cleo"


def test_near_duplicates_of_pictures_and_of_their_posts(corpus, study):
    post = named(corpus)
    with pytest.raises(UnknownNameError, match="no groups of near-duplicates of post units"):
        keys(corpus.store, "post", list(post.values()), ["near_duplicates"])
    (study / "images/copy.jpg").write_bytes((study / "images/thing/rocket.jpg").read_bytes() + b"\0")
    (study / "more.csv").write_text("id,text,media\nf,u,images/copy.jpg\n")
    corpus.add(sources.posts(study / "more.csv", id="id", text="text", media="media", root=study))
    corpus.measure("phash", of="image")
    assert corpus.duplicates("image", by="phash", threshold=2).groups == 1
    post = named(corpus)
    found = keys(corpus.store, "post", [post[name] for name in "yzuv"])["near_duplicates"]
    assert found[0] == found[1] == found[2] is not None
    assert found[3] is None


def test_what_there_is_not(corpus):
    with pytest.raises(UnknownNameError, match="nothing called 'town' keeps units apart; there are: file, post"):
        keys(corpus.store, "post", list(named(corpus).values()), ["town"])
    with pytest.raises(InputError, match="does not have 1 of the units"):
        keys(corpus.store, "post", ["0" * 64], ["account"])


def test_frames_of_a_film_stay_together(tmp_path, videos):
    corpus = Corpus(tmp_path)
    corpus.add(sources.folder(videos / "bikes.mp4" if (videos / "bikes.mp4").is_dir() else videos))
    film = next(row["id"] for row in corpus.units("video").to_pylist() if row["path"].endswith("bikes.mp4"))
    corpus.split("frames", of="video", every=5.0)
    frames = [row["id"] for row in corpus.units("frame").to_pylist() if row["parent"] == film]
    assert len(frames) > 1
    assert default(corpus.store, "frame") == ("file",)
    assert keys(corpus.store, "frame", frames) == {"file": [film] * len(frames)}
