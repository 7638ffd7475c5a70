"""Parts of pictures as units: of photographs and of frames, how much they cover, how long they are to be seen."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest
from PIL import Image

from studium import Column, Corpus, Measure, sources
from studium.core.protocols import Unitizer
from studium.core.recipe import digest_of, recipe_of
from studium.core.store import unit_of
from studium.core.unit import Span, Unit, derived_id
from studium.errors import InputError, RefusedError, StoreError
from studium.media.image import decode
from studium.media.video import Video
from studium.run.plan import How, plan


@dataclass(frozen=True)
class Halves(Unitizer):
    """The left half, the upper left quarter, and of bright pictures the lower right corner."""

    name: ClassVar[str] = "halves"
    version: ClassVar[str] = "1"
    takes: ClassVar[str] = "image"
    makes: ClassVar[str] = "object"

    bright: float = 128.0
    outside: bool = False

    @property
    def columns(self) -> tuple[Column, ...]:
        return (Column("label", "string", "which"), Column("confidence", "float32", "how sure", low=0, high=1))

    def __call__(self, media: Any) -> list[Span]:
        high, wide = media.shape[0], media.shape[1] + self.outside
        found = [(0, 0, wide // 2, high, "half"), (0, 0, wide // 2, high // 2, "quarter")]
        if media.mean() > self.bright:
            found.append((wide - 10, high - 10, wide, high, "bright"))
        return [
            Span(box=(a, b, c, d), points=((a, b), (c, d)), values={"label": label, "confidence": 0.5})
            for a, b, c, d, label in found
        ]


@dataclass(frozen=True)
class Looks(Measure):
    """What a region looks like."""

    name: ClassVar[str] = "looks"
    version: ClassVar[str] = "1"
    takes: ClassVar[str] = "region"

    vector: int = 0

    @property
    def columns(self) -> tuple[Column, ...]:
        seen = Column("seen", "string", "its box, points and the size of what surrounds it", sensitive=True)
        return (seen, Column("template", "float32", "a vector", size=self.vector)) if self.vector else (seen,)

    def __call__(self, batch: Sequence[Any]) -> Mapping[str, Any]:
        return {"seen": [f"{one.box} {one.points} {one.picture.shape} {one.cut.mean():.3f}" for one in batch]}


@pytest.fixture
def study(tmp_path: Path, photos: Path, videos: Path) -> Corpus:
    for path in (photos / "chelsea.png", photos / "coffee.png", videos / "bikes.mp4"):
        (tmp_path / "media").mkdir(exist_ok=True)
        (tmp_path / "media" / path.name).symlink_to(path)
    corpus = Corpus(tmp_path)
    corpus.add(sources.folder(tmp_path / "media"))
    return corpus


def test_parts_of_photographs_are_units_with_an_area_and_a_picture_of_their_own(study, photos):
    outcome = study.split(Halves(), of="image")
    assert not outcome.failures.total()
    counts = study.table("image", "halves").to_pylist()
    assert [row["object_count"] for row in counts] == [2 + (row["object_area"] > 0.5) for row in counts]
    assert all(row["object_area"] == pytest.approx(0.5, abs=0.01) for row in counts)
    objects = study.table("object", "halves")
    assert objects.column_names == ["unit", "path", "parent", "box", "label", "confidence"]
    study.measure(Looks(), "histogram", of="object")
    seen = study.table("object", "looks").to_pylist()
    for row in seen:
        picture = decode(Path(study.root, row["path"]))
        x0, y0, x1, y1 = row["box"]
        assert row["path"].endswith(".png")
        assert row["seen"].startswith(f"({x0}, {y0}, {x1}, {y1}) (({float(x0)}, {float(y0)}), ")
        assert row["seen"].endswith(f"{picture[y0:y1, x0:x1].mean():.3f}")
    unit = unit_of(study.units("object").to_pylist()[0])
    assert unit.span.points == ((0.0, 0.0), (float(unit.span.box[2]), float(unit.span.box[3])))


def test_parts_of_frames_are_cut_from_the_frame(study, videos):
    study.split("frames", of="video", every=4.0)
    study.split(Halves(), of="frame")
    study.measure(Looks(), of="object")
    frames = {frame.time: frame.rgb() for frame in Video(videos / "bikes.mp4").frames()}
    starts = {row["id"]: row["start"] for row in study.units("frame").to_pylist()}
    rows = study.table("object", "looks").to_pylist()
    assert len(rows) >= 6
    for row in rows:
        x0, y0, x1, y1 = row["box"]
        assert row["seen"].endswith(f"{frames[starts[row['parent']]][y0:y1, x0:x1].mean():.3f}")
        assert row["path"].endswith("bikes.mp4")


def test_a_box_outside_the_picture_is_a_failure_of_that_picture(study):
    outcome = study.split(Halves(outside=True, bright=0.0), of="image")
    assert outcome.failures.total() == 2
    assert study.units("object").num_rows == 0
    assert "does not lie in the picture" in study.failures()["message"][0].as_py()


def test_exposure_counts_seconds_share_and_area(study, videos):
    every = list(Video(videos / "bikes.mp4").frames())
    length = every[-1].time + every[-1].duration
    frames = {frame.time: float(frame.rgb().mean()) for frame in every if abs(frame.time % 2) < 1e-6}
    middle = float(np.median(list(frames.values())))
    bright = [time for time, level in frames.items() if level > middle]
    assert 0 < len(bright) < len(frames)
    study.split("frames", of="video", every=2.0)
    stands = dict(
        zip(*(study.table("frame", "frames")[name].to_pylist() for name in ("start", "stands_for")), strict=True)
    )
    assert sum(stands.values()) == pytest.approx(length)
    study.split(Halves(bright=middle), of="frame")
    rows = {row["label"]: row for row in study.exposure("object", by="halves", to="video", label="label").to_pylist()}
    assert list(rows) == [None, "half", "quarter", "bright"]
    assert rows["half"]["seconds"] == pytest.approx(length)
    assert rows["half"]["area"] == rows["half"]["area_shown"] == pytest.approx(0.5, abs=0.01)
    assert rows["quarter"]["area"] == pytest.approx(0.25, abs=0.01)
    assert rows["bright"]["seconds"] == pytest.approx(sum(stands[time] for time in bright))
    assert rows["bright"]["share"] == pytest.approx(rows["bright"]["seconds"] / length)
    assert rows["bright"]["area"] == pytest.approx(rows["bright"]["area_shown"] * rows["bright"]["share"])
    assert (rows["bright"]["first"], rows["bright"]["last"]) == (min(bright), max(bright))
    assert rows[None]["units"] == 2 * len(frames) + len(bright)
    assert {row["looked_at"] for row in rows.values()} == {len(frames)}
    one_each = study.exposure("object", by="halves", to="frame", label="label").to_pylist()
    assert len([row for row in one_each if row["label"] == "bright"]) == len(bright)


def test_frames_of_a_video_and_of_its_shots_share_the_time(study, videos):
    """Split alike, both lie in one table; no second counts twice."""
    every = list(Video(videos / "bikes.mp4").frames())
    study.split("shots", of="video")
    for kind in ("video", "shot"):
        study.split("frames", of=kind, every=2.0)
    study.split(Halves(), of="frame")
    starts = sorted(study.units("frame")["start"].to_pylist())
    assert len(starts) > 5
    seen, *_ = study.exposure("object", by="halves", to="video", label="label").to_pylist()
    assert seen["seconds"] == pytest.approx(every[-1].time + every[-1].duration)
    assert seen["looked_at"] == len(starts)


def test_units_without_a_label_count_in_the_row_of_all_labels_alone(study):
    @dataclass(frozen=True)
    class Partly(Halves):
        name: ClassVar[str] = "partly"

        def __call__(self, media: Any) -> list[Span]:
            half, quarter, *_ = super().__call__(media)
            return [half, replace(quarter, values={"label": None, "confidence": 0.5})]

    study.split(Partly(), of="image")
    rows = study.exposure("object", by="partly", to="image", label="label").to_pylist()
    assert sorted((row["label"] or "", row["units"]) for row in rows) == [("", 2), ("", 2), ("half", 1), ("half", 1)]
    assert [row["label"] for row in rows] == [None, "half"] * 2


def test_exposure_of_nothing_is_a_row_of_zeros_and_posts_weigh_their_media_alike(tmp_path, photos, videos):
    media = tmp_path / "media"
    media.mkdir()
    Image.new("RGB", (100, 50)).save(media / "dark.png")
    Image.new("RGB", (100, 50), "white").save(media / "white.png")
    (media / "bikes.mp4").symlink_to(videos / "bikes.mp4")
    (tmp_path / "posts.csv").write_text("id,text,file\na,x,white.png|dark.png\nb,y,dark.png\nc,z,bikes.mp4|white.png\n")
    corpus = Corpus(tmp_path)
    corpus.add(sources.posts(tmp_path / "posts.csv", id="id", text="text", media="file", root=media))
    corpus.split("frames", of="video", every=5.0)

    @dataclass(frozen=True)
    class White(Halves):
        name: ClassVar[str] = "white"

        def __call__(self, media: Any) -> list[Span]:
            return list(super().__call__(media))[2:] if media.min() == 255 else []

    corpus.split(White(), of="image")
    corpus.split(White(), of="frame")
    rows = corpus.exposure("object", by="white", to="post", label="label").to_pylist()
    posts = dict(zip(corpus.posts()["unit"].to_pylist(), "abc", strict=True))
    said = {(posts[row["unit"]], row["label"]): row for row in rows}
    assert said["a", "bright"]["share"] == pytest.approx(0.5)
    assert said["a", "bright"]["area"] == pytest.approx(0.5 * 100 / 5000)
    assert said["b", None]["units"] == 0
    assert said["b", None]["area"] == 0
    assert ("b", "bright") not in said
    assert said["c", "bright"]["share"] == pytest.approx(0.5)
    assert said["c", None]["seconds"] == 0


def test_exposure_refuses_what_makes_no_sense(study):
    with pytest.raises(InputError, match="exposure is of face, line, object units"):
        study.exposure("image", by="halves", to="video")
    study.split(Halves(), of="image")
    with pytest.raises(InputError, match="one of image, frame, video, post"):
        study.exposure("object", by="halves", to="speech")
    with pytest.raises(InputError, match="has no column 'brand'; it has: label, confidence"):
        study.exposure("object", by="halves", to="image", label="brand")
    study.split(Halves(bright=1.0), of="image")
    with pytest.raises(InputError, match="several"):
        study.exposure("object", by="halves", to="image")


def test_pictures_are_drawn_with_what_was_found_and_never_with_what_is_perceived(study, tmp_path):
    study.split("frames", of="video", every=5.0)
    study.split(Halves(), of="image")
    study.split(Halves(), of="frame")
    assert study.draw("object", by="halves", to=tmp_path / "drawn", label="label") == 4
    copies = sorted((tmp_path / "drawn").iterdir())
    ids = study.units("image")["id"].to_pylist() + study.units("frame")["id"].to_pylist()
    assert [path.name for path in copies] == sorted(f"{unit[:16]}.jpg" for unit in ids)
    with Image.open(copies[0]) as copy:
        assert not copy.getexif()
    study.measure(Looks(), of="object")
    with pytest.raises(RefusedError, match="perceived of a person"):
        study.draw("object", by="looks", to=tmp_path / "drawn", label="seen")


def test_a_copy_that_cannot_be_written_is_an_error_or_a_warning(study, tmp_path, caplog):
    study.split(Halves(), of="image")
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(StoreError, match=r"cannot write to .*file: File exists"):
        study.draw("object", by="halves", to=tmp_path / "file")
    Image.new("L", (65_501, 2)).save(tmp_path / "media" / "panorama.png")
    study.add(sources.folder(tmp_path / "media"))
    study.split(Halves(), of="image")
    assert study.draw("object", by="halves", to=tmp_path / "drawn") == 2
    assert "longer than 65,500 px" in caplog.text


def test_regions_are_worked_on_in_chunks_as_large_as_those_of_pictures(study):
    picture = study.units("image")["id"][0].as_py()
    spans = [Span(box=(n, 0, n + 9, 9)) for n in range(100)]
    study.store.add_units([Unit(derived_id(picture, "face", span), "face", picture, span=span) for span in spans])
    planned = plan(study.store, "face", [Looks()], How(threads=1))
    assert [len(chunk.units) for chunk in planned.chunks()] == [25] * 4


def test_what_identifies_is_told_by_its_vector_on_faces_only():
    assert not Looks().identifies("face")
    assert not Looks(vector=63).identifies("face")
    assert Looks(vector=64).identifies("face")
    assert not Looks(vector=512).identifies("object")


def test_files_that_a_part_reads_count_by_their_content(tmp_path):
    @dataclass(frozen=True)
    class Reads(Looks):
        paths: ClassVar[tuple[str, ...]] = ("folder",)
        folder: str = ""

    assert recipe_of(Reads()).params == {"vector": 0, "folder": ""}
    for name in ("one", "two"):
        (tmp_path / name / "acme").mkdir(parents=True)
        (tmp_path / name / "acme" / "logo.txt").write_text("A")
    one, two = (recipe_of(Reads(folder=str(tmp_path / name))) for name in ("one", "two"))
    assert one == two
    (tmp_path / "two" / "acme" / "logo.txt").write_text("BB")
    assert recipe_of(Reads(folder=str(tmp_path / "two"))) != one
    (tmp_path / "one" / "acme").rename(tmp_path / "one" / "other")
    assert recipe_of(Reads(folder=str(tmp_path / "one"))) != one
    file = tmp_path / "one" / "other" / "logo.txt"
    assert digest_of(file) == "559aead08264d5795d3909718cdd05abd49572e84fe55590eef31a88a08fdffd"
    for nothing in (tmp_path / "none", tmp_path / "empty"):
        (tmp_path / "empty").mkdir(exist_ok=True)
        with pytest.raises(InputError, match="there is no such file, and no folder with files"):
            recipe_of(Reads(folder=str(nothing)))


def test_nothing_leaves_the_machine_unless_it_is_allowed(study):
    @dataclass(frozen=True)
    class Asks(Looks):
        name: ClassVar[str] = "asks"
        takes: ClassVar[str] = "image"
        remote: ClassVar[bool] = True

        def __call__(self, batch: Sequence[Any]) -> Mapping[str, Any]:
            return {"seen": ["something" for _ in batch]}

    with pytest.raises(RefusedError, match=r"allow it with  --allow-remote"):
        study.measure(Asks(), of="image")
    assert not study.store.tables("image")
    allowed = Corpus(study.root, allow_remote=True)
    assert allowed.measure(Asks(), of="image").rows.total() == 2
