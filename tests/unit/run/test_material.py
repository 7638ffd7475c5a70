"""Material: all that belongs to a unit is found, loaded, and noticed when it changes."""

import json
import shutil
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import pytest

from studium import Column, Corpus, Measure, sources
from studium.core.protocols import Unitizer
from studium.core.store import unit_of
from studium.core.unit import KINDS, Span, Unit
from studium.errors import MediaError
from studium.media.image import decode
from studium.media.material import Material
from studium.run.around import Surroundings
from studium.run.load import Loader, outline_of

TABLE = """\
id,text,media,hashtags,likes
1,two cats,chelsea.png|coffee.png,#cat #coffee,3
2,,bunny.mp4|chelsea.png|jfk.wav,,0
3,only words,,#word,1
4,,,,
5,lost,gone.jpg,,2
"""


@dataclass(frozen=True)
class Said(Unitizer):
    """Two spoken segments, whatever is heard."""

    word: str = "hello"

    name: ClassVar[str] = "said"
    version: ClassVar[str] = "1"
    takes: ClassVar[str] = "audio"
    makes: ClassVar[str] = "speech"

    def __call__(self, media: Any) -> Iterable[Span]:
        name = Path(media.path).stem
        return [Span(0.0, 1.0, text=f"{self.word} {name}"), Span(1.0, 2.5, text=""), Span(2.5, 4.0, text="bye")]


@dataclass(frozen=True)
class Halves(Unitizer):
    """Shots of two seconds."""

    name: ClassVar[str] = "halves"
    version: ClassVar[str] = "1"
    takes: ClassVar[str] = "video"
    makes: ClassVar[str] = "shot"

    def __call__(self, media: Any) -> Iterable[Span]:
        return [Span(0.0, 2.0), Span(2.0, 4.0)]


@dataclass(frozen=True)
class Inventory(Measure):
    """What there is of a unit."""

    name: ClassVar[str] = "inventory"
    version: ClassVar[str] = "1"
    takes: ClassVar[str] = "material"

    @property
    def columns(self) -> tuple[Column, ...]:
        return (Column("inventory", "string", "what there is"),)

    def __call__(self, batch: Sequence[Material]) -> dict[str, Any]:
        found = [[one.text, len(one.pictures), len(one.videos), one.transcripts] for one in batch]
        return {"inventory": list(map(json.dumps, found))}


@pytest.fixture
def folder(tmp_path, photos, videos, speech) -> Path:
    for name in ("chelsea.png", "coffee.png"):
        shutil.copy(photos / name, tmp_path / name)
    shutil.copy(videos / "bigbuckbunny.mp4", tmp_path / "bunny.mp4")
    shutil.copy(next(speech.rglob("jfk.wav")), tmp_path / "jfk.wav")
    (tmp_path / "posts.csv").write_text(TABLE)
    return tmp_path


@pytest.fixture
def corpus(folder) -> Corpus:
    opened = Corpus(folder / "study")
    opened.add(sources.posts(folder / "posts.csv", media="media"))
    return opened


def units(corpus: Corpus, kind: str) -> list[Unit]:
    return [unit_of(row) for row in corpus.store.units(kind).to_pylist()]


def post(corpus: Corpus, number: int) -> Unit:
    return next(unit for unit in units(corpus, "post") if unit.meta["id"] == str(number))


def material(corpus: Corpus, unit: Unit) -> Material:
    around = Surroundings(corpus.store).of([unit])
    above = {one.id: one for kind in corpus.store.kinds() for one in units(corpus, kind)}
    with Loader(corpus.root, above=above, around=around) as loader:
        found: Material = loader.load(unit, "material", 200)
    assert found.outline == outline_of(unit, around)
    assert found.kind == unit.kind
    return found


def inventory(corpus: Corpus) -> dict[str, list[Any]]:
    rows = corpus.table("post", "inventory").to_pylist()
    names = {unit.id: unit.meta["id"] for unit in units(corpus, "post")}
    return {names[row["unit"]]: json.loads(row["inventory"]) for row in rows if row["inventory"]}


def test_an_empty_study_has_no_surroundings(tmp_path):
    assert Surroundings(Corpus(tmp_path).store).of([]) == {}
    lonely = Unit("a", "post", meta={"text": "hi", "likes": 1})
    assert Surroundings(Corpus(tmp_path).store).of([lonely]) == {}
    found = Loader(tmp_path).load(lonely, "material")
    assert (found.text, found.pictures, found.videos, found.transcripts, found.facts) == (
        "hi",
        (),
        (),
        (),
        {"likes": 1},
    )


def test_a_post_comes_with_its_pictures_in_order_and_its_facts(corpus, folder):
    found = material(corpus, post(corpus, 1))
    assert found.text == "two cats"
    chelsea, coffee = found.pictures
    assert (chelsea == decode(folder / "chelsea.png", detail=200)).all()
    assert (coffee == decode(folder / "coffee.png", detail=200)).all()
    assert found.facts["hashtags"] == "#cat #coffee"
    assert found.facts["likes"] == 3
    assert "text" not in found.facts
    assert found.nbytes == chelsea.nbytes + coffee.nbytes


def test_what_is_said_is_told_by_medium(corpus):
    corpus.split(Said(), of="video")
    corpus.split(Said(), of="audio")
    found = material(corpus, post(corpus, 2))
    assert found.transcripts == (("film", "hello bunny bye"), ("sound", "hello jfk bye"))
    assert len(found.pictures) == 1
    (film,) = found.videos
    assert Path(film.path).name == "bunny.mp4"
    assert (film.start, film.end) == (0.0, None)


def test_several_films_are_numbered(corpus, folder, videos):
    shutil.copy(videos / "bikes.mp4", folder / "bikes.mp4")
    (folder / "more.csv").write_text("id,text,media\n9,x,bikes.mp4|bunny.mp4\n")
    corpus.add(sources.posts(folder / "more.csv", media="media"))
    corpus.split(Said(), of="video")
    found = material(corpus, post(corpus, 9))
    assert [Path(film.path).name for film in found.videos] == ["bikes.mp4", "bunny.mp4"]
    assert found.transcripts == (("film 1", "hello bikes bye"), ("film 2", "hello bunny bye"))


def test_of_several_splits_the_last_one_is_what_is_said(corpus):
    corpus.split(Said("good evening"), of="audio")
    corpus.split(Said("goodbye"), of="audio")
    assert material(corpus, post(corpus, 2)).transcripts == (("sound", "goodbye jfk bye"),)


def test_a_shot_is_told_by_what_is_said_while_it_lasts(corpus):
    corpus.split(Said(), of="video")
    corpus.split(Halves(), of="video")
    said = {shot.span.start: material(corpus, shot).transcripts for shot in units(corpus, "shot") if shot.span}
    assert said == {0.0: (("film", "hello bunny"),), 2.0: (("film", "bye"),)}


@pytest.mark.parametrize("number", [4, 5])
def test_nothing_to_show_is_a_failure_and_a_lost_file_leaves_the_rest(corpus, number):
    if number == 4:
        with pytest.raises(MediaError, match="the post has no text, no picture and no transcript"):
            material(corpus, post(corpus, number))
    else:
        assert material(corpus, post(corpus, number)).text == "lost"


def test_every_kind_of_unit_has_material(corpus):
    assert all("material" in offers for offers in KINDS.values())
    (first, *_) = units(corpus, "image")
    found = material(corpus, first)
    assert (len(found.pictures), found.text, found.facts) == (1, None, {})


def test_a_run_measures_material_and_only_what_changed_again(corpus, folder):
    done = corpus.measure(Inventory(), of="post")
    assert (sum(done.rows.values()), sum(done.failures.values())) == (4, 1)
    assert inventory(corpus)["1"] == ["two cats", 2, 0, []]
    assert sum(corpus.measure(Inventory(), of="post").rows.values()) == 0

    (folder / "posts.csv").write_text(TABLE.replace("two cats", "two dogs").replace("#word", "#other"))
    corpus.add(sources.posts(folder / "posts.csv", media="media"))
    assert sum(corpus.measure(Inventory(), of="post").rows.values()) == 1, "a fact is not what a post says"
    assert inventory(corpus)["1"][0] == "two dogs"

    corpus.split(Said(), of="audio")
    assert sum(corpus.measure(Inventory(), of="post").rows.values()) == 1
    assert inventory(corpus)["2"][3] == [["sound", "hello jfk bye"]]

    illustrated = TABLE.replace("two cats", "two dogs").replace("3,only words,,", "3,only words,coffee.png,")
    (folder / "posts.csv").write_text(illustrated)
    corpus.add(sources.posts(folder / "posts.csv", media="media"))
    assert sum(corpus.measure(Inventory(), of="post").rows.values()) == 1
    assert inventory(corpus)["3"][1] == 1


@dataclass(frozen=True)
class Shy(Measure):
    """Says nothing of bad texts."""

    takes: ClassVar[str]

    name: ClassVar[str] = "shy"
    version: ClassVar[str] = "1"

    @property
    def columns(self) -> tuple[Column, ...]:
        return (Column("shy", "string", "what there is"),)

    def __call__(self, batch: Sequence[Any]) -> dict[str, Any]:
        texts = [getattr(one, "text", one) for one in batch]
        if any("bad" in text for text in texts):
            raise MediaError("refused")
        return {"shy": texts}


class ShyOfMaterial(Shy):
    takes: ClassVar[str] = "material"


class ShyOfText(Shy):
    takes: ClassVar[str] = "text"


@pytest.mark.parametrize("shy", [ShyOfMaterial(), ShyOfText()], ids=["material", "text"])
def test_what_was_said_of_another_text_does_not_stand_after_a_failure(tmp_path, shy):
    """Nor does a failure keep from looking at what is there now."""
    corpus, table = Corpus(tmp_path / "study"), tmp_path / "posts.csv"

    def run(first: str, second: str) -> tuple[int, int, list[Any]]:
        table.write_text(f"id,text\n1,{first}\n2,{second}\n")
        corpus.add(sources.posts(table))
        done = corpus.measure(shy, of="post")
        assert corpus.failures()["unit"].to_pylist() == corpus.store.find("post", "shy").failures()["unit"].to_pylist()
        rows = [row["shy"] for row in corpus.table("post", "shy").to_pylist()]
        return sum(done.rows.values()), corpus.failures().num_rows, rows

    assert run("bad", "good") == (1, 1, [None, "good"])
    assert run("better", "bad too") == (1, 1, ["better", None])
    if shy.takes == "material":
        assert sum(corpus.measure(shy, of="post").failures.values()) == 0, "nobody is asked again about the same"
        assert sum(corpus.measure(shy, of="post", retry=True).failures.values()) == 1
    assert run("better", "best") == (1, 0, ["better", "best"])
    assert run("bad", "best") == (0, 1, [None, "best"])
    assert run("better", "best") == (1, 0, ["better", "best"])


def test_a_post_that_had_nothing_to_show_is_looked_at_when_it_has(corpus, folder):
    corpus.measure(Inventory(), of="post")
    assert "4" not in inventory(corpus)
    (folder / "posts.csv").write_text(TABLE.replace("4,,,,", "4,,coffee.png,,"))
    corpus.add(sources.posts(folder / "posts.csv", media="media"))
    corpus.measure(Inventory(), of="post")
    assert inventory(corpus)["4"] == ["", 1, 0, []]
    assert corpus.failures().num_rows == 0


def test_a_medium_that_cannot_be_used_fails_the_posts_that_hold_it(corpus, folder):
    (folder / "chelsea.png").write_bytes(b"no picture")
    done = corpus.measure(Inventory(), of="post")
    assert sum(done.failures.values()) == 3
    assert set(inventory(corpus)) == {"3", "5"}
