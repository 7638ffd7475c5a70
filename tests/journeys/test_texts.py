"""Posts, what is said in a video and what stands in pictures: the same measures of texts for all."""

import csv
import shutil
from dataclasses import dataclass
from typing import Any, ClassVar

import pyarrow.csv
import pytest
import text_checkpoints
import vision_language

from studium import Corpus, sources
from studium.core.protocols import Unitizer
from studium.core.store import unit_of
from studium.core.unit import Span
from studium.measure.caption import Caption
from studium.measure.language import Language
from studium.measure.profanity import Profanity
from studium.measure.sentiment import Sentiment
from studium.measure.text_classes import ClassifyText
from studium.measure.wording import Wording
from studium.run.load import text_of

POSTS = [("1", "What a great day, I love it! #ClimateStrike", "signs.jpg"), ("2", "This damned shit again, sad.", ""),
         ("3", "", "bikes.mp4"), ("4", "Das ist doch alles scheiße hier in diesem Land", "")]  # fmt: skip
SAID = ("We are so happy to be here.", None, "Shit, that is a very bad idea, and I hate it.")


@dataclass(frozen=True)
class Spoken(Unitizer):
    """What is said second by second; once nothing that could be understood."""

    name: ClassVar[str] = "spoken"
    version: ClassVar[str] = "1"
    takes: ClassVar[str] = "video"
    makes: ClassVar[str] = "speech"

    def __call__(self, media: Any) -> list[Span]:
        return [Span(start=float(n), end=n + 1.0, text=text) for n, text in enumerate(SAID)]


@pytest.fixture(scope="module")
def corpus(tmp_path_factory, opencv_doc, videos):
    """Posts with a picture of signs and a video, split into lines of text and what is said."""
    root = tmp_path_factory.mktemp("texts")
    shutil.copy(next(opencv_doc.rglob("scenetext02.jpg")), root / "signs.jpg")
    shutil.copy(videos / "bikes.mp4", root / "bikes.mp4")
    with (root / "posts.csv").open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([("id", "text", "media"), *POSTS])
    corpus = Corpus(root / "study")
    corpus.add(sources.posts(root / "posts.csv", media="media"))
    corpus.split("lines", of="image", threshold=0.95)
    corpus.split(Spoken(), of="video")
    return corpus


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return text_checkpoints.text_classifier(tmp_path_factory.mktemp("tiny") / "one", "bert", ("left", "right"))


@pytest.fixture(scope="module")
def measures(folder):
    """The classifier is ONNX, so that workers need no torch: they start in a tenth of the time."""
    onnx = text_checkpoints.export(folder, folder.with_name("onnx"))
    return (Wording(), Sentiment(), Language(), Profanity(("en", "de")), ClassifyText(str(onnx), "stance"))


@pytest.mark.slow  # each kind starts a worker of its own
@pytest.mark.parametrize(("kind", "unread"), [("post", 0), ("line", 1), ("speech", 1)])
def test_the_same_measures_for_all_texts(corpus, folder, measures, kind, unread):
    """A text that was withheld is a failure of each measure, and nothing else is."""
    corpus.measure(*measures, of=kind)
    failed = [row for row in corpus.failures().to_pylist() if row["kind"] == kind]
    assert {row["message"] for row in failed} == ({f"the {kind} has no text"} if unread else set())
    assert len(failed) == unread * len(measures)
    rows = corpus.table(kind, "wording", "sentiment", "language", "profanity", "classify_text:stance")
    assert rows.num_rows == corpus.units(kind).num_rows
    for name in ("words", "sentiment", "text_language_probability", "profanity_count", "stance"):
        assert rows[name].null_count == unread
    known = [row for row in rows.to_pylist() if row["words"] is not None]
    texts = {unit.id: text_of(unit) for unit in map(unit_of, corpus.units(kind).to_pylist())}
    alone = ClassifyText(str(folder), "stance")([texts[row["unit"]] for row in known])["stance_left"]
    assert [row["stance_left"] for row in known] == pytest.approx(alone, abs=1e-4)


def test_what_they_say(corpus, measures):
    for kind in ("post", "speech"):
        corpus.measure(*measures, of=kind)
    posts = corpus.table("post", "wording", "profanity", "language", "sentiment").to_pylist()
    assert [row["profanity_count"] for row in posts] == [0, 1, 0, 1]
    assert [row["hashtag_count"] for row in posts] == [1, 0, 0, 0]
    assert posts[3]["text_language"] == "de"
    assert posts[0]["sentiment"] > 0.5 > -0.5 > posts[1]["sentiment"]
    assert corpus.table("speech", "profanity")["profanity_count"].to_pylist() == [0, None, 1]


def test_values_of_lines_and_of_speech_become_those_of_their_media(corpus, measures):
    for kind in ("line", "speech"):
        corpus.measure(*measures, of=kind)
    rules = {"stance_left": "mean", "stance": "mode by stance_probability"}
    (picture,) = corpus.rollup("image", of="line", by="classify_text:stance", rules=rules).to_pylist()
    lines = corpus.table("line", "classify_text:stance")["stance_left"].drop_null().to_pylist()
    assert picture["stance_left"] == pytest.approx(sum(lines) / len(lines))
    assert (picture["n"], picture["stance_left_missing"]) == (len(lines) + 1, 1)
    (video,) = corpus.rollup("video", of="speech", by="profanity", rules={"profanity_count": "sum"}).to_pylist()
    assert (video["profanity_count"], video["profanity_count_missing"]) == (1, 1)


def test_captions_are_texts_like_any_other(study, tmp_path):
    """What a captioner writes about pictures: as a list of texts, and kept in the study as posts with pictures."""
    corpus = Corpus(study)
    corpus.add(sources.folder(study / "images"))
    corpus.measure(
        Caption(str(vision_language.blip_captions(tmp_path / "blip", 1)), prompt="a good photo of"), of="image"
    )
    table = corpus.table("image", "caption").select(["unit", "path", "caption"])
    texts = table["caption"].to_pylist()
    assert len(texts) == 4
    assert all(text.startswith("a good photo of") for text in texts)

    pyarrow.csv.write_csv(table, study / "captions.csv")
    corpus.add(sources.posts(study / "captions.csv", id="unit", text="caption", media="path"))
    assert corpus.attachments()["post"].drop_null().length() == 4, "each with its picture"
    for measure in (Wording(), Sentiment(), Profanity(("en",)), Language()):
        outcome = corpus.measure(measure, of="post")
        assert sum(outcome.rows.values()) == 4, measure.name
        assert not sum(outcome.failures.values())
    kept = corpus.table("post", "sentiment")["sentiment"].to_pylist()
    assert sorted(kept) == sorted(float(value) for value in Sentiment()(texts)["sentiment"])
    assert min(kept) > 0, "good"
