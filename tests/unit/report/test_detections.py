"""What was found in pictures, in the report: counts, labels, seconds, marked pictures; and no face on its own."""

from dataclasses import dataclass
from typing import Any, ClassVar

import pytest

from studium import Column, Corpus, sources
from studium.core.protocols import Unitizer
from studium.core.unit import Span
from studium.report.detections import detections
from studium.report.reading import Reading


@dataclass(frozen=True)
class Marks(Unitizer):
    """The left third of wide pictures, named by how bright it is."""

    makes: ClassVar[str] = "object"
    name: ClassVar[str] = "marks"
    version: ClassVar[str] = "1"
    takes: ClassVar[str] = "image"

    @property
    def columns(self) -> tuple[Column, ...]:
        return (Column("label", "string", "bright or dark"), Column("confidence", "float32", "how sure"))

    def __call__(self, media: Any) -> list[Span]:
        high, wide = media.shape[:2]
        if wide <= high:
            return []
        label = "<b>bright</b>" if media[:, : wide // 3].mean() > 100 else "dark"
        return [Span(box=(0, 0, wide // 3, high), values={"label": label, "confidence": 0.75})]


@dataclass(frozen=True)
class Heads(Marks):
    """The same, called faces."""

    makes: ClassVar[str] = "face"
    name: ClassVar[str] = "heads"

    @property
    def columns(self) -> tuple[Column, ...]:
        return ()

    def __call__(self, media: Any) -> list[Span]:
        return [Span(box=span.box) for span in super().__call__(media)]


@pytest.fixture
def corpus(tmp_path, photos, videos):
    (tmp_path / "media").mkdir()
    for path in (photos / "chelsea.png", photos / "astronaut.png", photos / "coffee.png", videos / "bikes.mp4"):
        (tmp_path / "media" / path.name).symlink_to(path)
    opened = Corpus(tmp_path)
    opened.add(sources.folder(tmp_path / "media"))
    opened.split("frames", of="video", every=2.5)
    return opened


def found(corpus):
    return detections(Reading(corpus.root, corpus.store, corpus.study))


def test_nothing_was_looked_for(corpus):
    assert found(corpus) == []
    assert 'id="detections"' not in corpus.report().read_text()


def test_counts_labels_and_marked_pictures(corpus):
    corpus.split(Marks(), of="image")
    corpus.split(Marks(), of="frame")
    (shown,) = found(corpus)
    assert (shown.kind, shown.name, shown.units, shown.pictures, shown.looked_at) == ("object", "marks", 6, 6, 7)
    assert shown.timed
    assert {label.label for label in shown.shown} <= {"<b>bright</b>", "dark"}
    assert sum(label.units for label in shown.shown) == 6
    assert sum(label.seconds for label in shown.shown) == pytest.approx(10, abs=0.1)
    assert all(label.area == pytest.approx(1 / 3, abs=0.01) for label in shown.shown)
    assert len(shown.marked) == 6
    assert all(picture.source.startswith("data:image/webp") for picture in shown.marked)
    assert eval(shown.data, {"corpus": corpus}).num_rows >= 2  # the Python that the page shows works
    page = corpus.report().read_text()
    assert 'id="detections"' in page
    assert "<b>bright</b>" not in page


def test_a_face_is_shown_in_its_picture_and_never_on_its_own(corpus):
    corpus.split(Heads(), of="image")
    reading = Reading(corpus.root, corpus.store, corpus.study)
    assert "face" not in reading.pictured
    (shown,) = detections(reading)
    assert (shown.kind, shown.units, shown.shown, shown.labels) == ("face", 2, [], 0)
    assert len(shown.marked) == 2
    assert "faces by" in corpus.report().read_text().lower()
