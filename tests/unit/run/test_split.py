"""Splitting: units of units, their tables, what becomes of damage, and rolling up along them."""

import itertools
import os
import shutil
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pyarrow.compute as pc
import pytest

from studium import Column, Corpus, Measure, sources
from studium.core.protocols import Unitizer, Watcher
from studium.core.store import unit_of
from studium.core.unit import Span, derived_id
from studium.errors import InputError, UnreadableFileError
from studium.media.watch import WatchingMeasure, WatchingUnitizer
from studium.report.ledger import ledger
from studium.report.reading import Reading
from studium.report.variables import variables
from studium.run import load
from studium.run.add import identify
from studium.run.lineage import Lineage


class _Seconds(Watcher):
    def __init__(self, every: float, fail: bool = False) -> None:
        self.every, self.fail, self.times = every, fail, []

    def see(self, piece: Any) -> None:
        if self.fail:
            raise ValueError("I do not like this frame")
        self.times.append(piece.time)

    def result(self) -> list[Span]:
        edges = np.arange(0, max(self.times, default=0) + self.every, self.every)
        return [Span(float(a), float(b), values={"number": i}) for i, (a, b) in enumerate(itertools.pairwise(edges))]


@dataclass(frozen=True)
class Pieces(WatchingUnitizer):
    """Shots of equal length."""

    name: ClassVar[str] = "pieces"
    version: ClassVar[str] = "1"
    takes: ClassVar[str] = "video"
    makes: ClassVar[str] = "shot"

    every: float = 1.0
    fail: bool = False

    @property
    def columns(self) -> tuple[Column, ...]:
        return (Column("number", "int32", "which one it is", low=0),)

    def watch(self, medium: Any) -> Watcher:
        return _Seconds(self.every, self.fail)


class _Count(Watcher):
    def __init__(self) -> None:
        self.seen = 0

    def see(self, piece: Any) -> None:
        self.seen += 1

    def result(self) -> dict[str, int]:
        return {"seen": self.seen}


@dataclass(frozen=True)
class Seen(WatchingMeasure):
    """How many frames go by."""

    name: ClassVar[str] = "seen"
    version: ClassVar[str] = "1"
    takes: ClassVar[str] = "video"

    @property
    def columns(self) -> tuple[Column, ...]:
        return (Column("seen", "int32", "frames", low=0),)

    def watch(self, medium: Any) -> Watcher:
        return _Count()


@dataclass(frozen=True)
class Mean(Measure):
    """Mean of all pixels."""

    name: ClassVar[str] = "mean"
    version: ClassVar[str] = "1"
    takes: ClassVar[str] = "image"

    @property
    def columns(self) -> tuple[Column, ...]:
        return (Column("mean", "float64", "of all pixels"),)

    def __call__(self, batch: Sequence[Any]) -> dict[str, Any]:
        return {"mean": [float(image.mean()) for image in batch]}


@dataclass(frozen=True)
class Twice(Unitizer):
    """Names the same place twice."""

    name: ClassVar[str] = "twice"
    version: ClassVar[str] = "1"
    takes: ClassVar[str] = "file"
    makes: ClassVar[str] = "frame"

    def __call__(self, media: Any) -> Iterable[Span]:
        return [Span(1.0), Span(1.0)]


@pytest.fixture
def corpus(tmp_path: Path, videos: Path) -> Corpus:
    """bikes.mp4 (10 s at 25/s) in two posts, one of them with a picture beside; carphone in none."""
    folder = tmp_path / "study"
    folder.mkdir()
    rows = [f"a,x,{videos / 'bikes.mp4'}", f"b,y,{videos / 'bikes.mp4'}", f"c,z,{videos / 'missing.mp4'}"]
    (folder / "posts.csv").write_text("\n".join(["id,text,media", *rows]))
    opened = Corpus(folder)
    opened.add(sources.posts(folder / "posts.csv", id="id", media="media"))
    assert opened.units("video").num_rows == 1
    return opened


def test_no_units_split_into_none(tmp_path):
    corpus = Corpus(tmp_path)
    assert not corpus.split(Pieces(), of="video").rows.total()
    assert corpus.units("shot").num_rows == 0
    assert corpus.table("shot", "pieces").column_names == ["unit", "path", "parent", "start", "end", "number"]


def test_a_video_splits_into_units_with_rows_and_a_count(corpus):
    outcome = corpus.split(Pieces(every=2.0), of="video")
    assert list(outcome.rows.values()) == [1]
    (video,) = corpus.units("video")["id"].to_pylist()
    shots = corpus.table("shot", "pieces").to_pylist()
    assert [shot["number"] for shot in shots] == [0, 1, 2, 3, 4]
    assert [(shot["start"], shot["end"]) for shot in shots] == [(0, 2), (2, 4), (4, 6), (6, 8), (8, 10)]
    assert {shot["parent"] for shot in shots} == {video}
    assert shots[1]["unit"] == derived_id(video, "shot", Span(2.0, 4.0))
    assert shots[0]["path"].endswith("bikes.mp4")
    assert corpus.table("video", "pieces")["shot_count"].to_pylist() == [5]


def test_a_second_split_does_nothing_and_another_grid_keeps_the_units_they_share(corpus):
    corpus.split(Pieces(every=2.0), of="video")
    assert not corpus.split(Pieces(every=2.0), of="video").rows.total()
    before = set(corpus.units("shot")["id"].to_pylist())
    corpus.split(Pieces(every=2.0, fail=False), of="video")
    corpus.split(Pieces(every=5.0), of="video")
    assert set(corpus.units("shot")["id"].to_pylist()) > before
    assert corpus.table("shot", "pieces:5").num_rows == 7
    assert corpus.table("shot", "pieces:5")["number"].null_count == 5


def test_measures_and_unitizers_share_a_pass_and_one_that_fails_does_not_end_it(corpus):
    outcome = corpus._computed([Pieces(fail=True), Pieces(), Seen()], "video", retry=False)
    assert outcome.rows.total() == 2
    (failure,) = corpus.failures().to_pylist()
    assert (failure["step"], failure["error"]) == ("pieces", "ValueError")
    assert corpus.table("video", "seen")["seen"].to_pylist() == [250]


def test_shots_are_watched_from_their_start_to_their_end(corpus):
    corpus.split(Pieces(every=2.0), of="video")
    corpus.measure(Seen(), of="shot")
    assert corpus.table("shot", "seen")["seen"].to_pylist() == [50] * 5


def test_frames_are_measured_and_roll_up_to_shots_videos_and_posts(corpus):
    corpus.split("frames", of="video", every=1.0)
    corpus.split(Pieces(every=5.0), of="video")
    corpus.measure(Mean(), of="frame")
    frames = corpus.table("frame", "mean")
    assert frames["start"].to_pylist() == [float(t) for t in range(10)]
    means = frames["mean"].to_numpy()
    by_shot = corpus.rollup("shot", of="frame", by="mean", rules={"mean": "mean"})
    assert by_shot["n"].to_pylist() == [5, 5]
    assert by_shot["mean"].to_pylist() == pytest.approx([means[:5].mean(), means[5:].mean()])
    by_video = corpus.rollup("video", of="frame", by="mean", rules={"mean": "max"})
    assert by_video["mean"].to_pylist() == [means.max()]
    by_post = corpus.rollup("post", of="frame", by="mean", rules={"mean": "mean"})
    assert by_post["n"].to_pylist() == [10, 10]
    assert by_post["post"].to_pylist() == corpus.posts()["unit"].to_pylist()[:2]


def test_frames_of_a_shot_belong_to_its_video(corpus):
    corpus.split("frames", of="video", every=1.0)
    before = corpus.units("frame")
    corpus.split(Pieces(every=5.0), of="video")
    corpus.split("frames", of="shot", every=1.0)
    assert corpus.units("frame").equals(before)


def test_one_frame_of_each_shot(corpus):
    corpus.split("shots", of="video")
    corpus.split("frames", of="shot", middle=True)
    shots, frames = (
        corpus.table(*words).sort_by("start").to_pylist() for words in (("shot", "shots"), ("frame", "frames"))
    )
    assert len(frames) == len(shots) == 6
    assert all(shot["start"] <= frame["start"] < shot["end"] for shot, frame in zip(shots, frames, strict=True))
    corpus.measure(Mean(), of="frame")
    assert corpus.rollup("shot", of="frame", by="mean", rules={"mean": "mean"})["n"].to_pylist() == [1] * 6


def test_shots_of_several_splits_each_have_all_the_frames_that_begin_in_them(corpus):
    corpus.split("frames", of="video", every=1.0)
    corpus.measure(Mean(), of="frame")
    for every in (5.0, 2.5, 10.0):
        corpus.split(Pieces(every=every), of="video")
    shots = {row["unit"]: row["end"] - row["start"] for row in corpus.table("shot").to_pylist()}
    rolled = corpus.rollup("shot", of="frame", by="mean", rules={"mean": "mean"}).to_pylist()
    assert sorted((shots[row["shot"]], row["n"]) for row in rolled) == [
        (2.5, 2), (2.5, 2), (2.5, 3), (2.5, 3), (5.0, 5), (5.0, 5), (10.0, 10)
    ]  # fmt: skip


def test_a_rollup_counts_the_units_of_one_split_and_asks_which(corpus):
    corpus.split("frames", of="video", every=5.0)
    corpus.measure(Mean(), of="frame")
    rules = {"mean": "mean"}
    (alone,) = corpus.rollup("video", of="frame", by="mean", rules=rules).to_pylist()
    corpus.split("frames", of="video", every=2.0)
    corpus.split("frames", of="video", middle=True)
    corpus.measure(Mean(), of="frame")
    with pytest.raises(InputError, match="with made_by = one of: frames:5, frames:2, frames:middle"):
        corpus.rollup("video", of="frame", by="mean", rules=rules)
    assert corpus.rollup("video", of="frame", by="mean", rules=rules, made_by="frames:5").to_pylist() == [alone]
    counted = {
        name: corpus.rollup("post", of="frame", by="mean", rules=rules, made_by=name)["n"].to_pylist()
        for name in ("frames:2", "frames:middle")
    }
    assert counted == {"frames:2": [5, 5], "frames:middle": [1, 1]}
    with pytest.raises(InputError, match="'mean' of frame units was made by no split; there are: frames:5"):
        corpus.rollup("video", of="frame", by="mean", rules=rules, made_by="mean")


def test_a_rollup_of_what_a_split_says_counts_its_own_units(corpus):
    corpus.split(Pieces(every=2.0), of="video")
    corpus.split(Pieces(every=5.0), of="video")
    rolled = corpus.rollup("video", of="shot", by="pieces:5", rules={"number": "max"}).to_pylist()
    assert [(row["n"], row["number"], row["number_missing"]) for row in rolled] == [(2, 1, 0)]


def test_a_study_file_rolls_up_its_own_split_whatever_else_the_study_holds(corpus):
    corpus.split("frames", of="video", every=1.0)
    step = '[[step]]\nsplit = "frames"\nof = "video"\nevery = {}\n'
    rollup = '[[step]]\nrollup = "colour"\nof = "frame"\nto = "video"\nrules = {{ brightness_mean = "mean" }}\n{}\n'
    measure = '[[step]]\nmeasure = "colour"\nof = "frame"\n'
    (corpus.root / "studium.toml").write_text(step.format(5.0) + measure + rollup.format(""))
    corpus.run()
    assert corpus.table("video", "rollup")["n"].to_pylist() == [2]
    both = step.format(5.0) + step.format(2.0) + measure + rollup.format('made_by = "frames:2"')
    (corpus.root / "studium.toml").write_text(both)
    corpus.run()
    made = corpus.store.tables("video")[-1]
    assert made.read()["n"].to_pylist() == [5]
    assert not corpus.run().rows.total()


def test_what_the_study_has_no_more_is_not_counted(tmp_path, videos):
    (tmp_path / "videos").mkdir()
    for name in ("bikes.mp4", "carphone_pristine.mp4"):
        shutil.copy(videos / name, tmp_path / "videos")
    (tmp_path / "videos" / "broken.mp4").write_bytes(b"no video")
    corpus = Corpus(tmp_path)
    corpus.add(sources.folder(tmp_path / "videos"))
    corpus.split("frames", of="video", every=2.0)
    corpus.measure(Mean(), of="frame")
    assert corpus.failures().num_rows == 1
    for name in ("bikes.mp4", "broken.mp4"):
        (tmp_path / "videos" / name).unlink()
    corpus.add(sources.folder(tmp_path / "videos"))
    assert corpus.failures().num_rows == 0
    reading = Reading(corpus.root, corpus.store, corpus.study)
    logs = ledger(reading).tables
    assert sorted((log.kind, log.units, log.rows, log.failed) for log in logs) == [
        ("frame", 3, 3, 0), ("frame", 3, 3, 0), ("video", 1, 1, 0)
    ]  # fmt: skip
    numbers = [number for found in variables(reading, "frame") for number in found.numbers]
    assert [(number.n, number.missing) for number in numbers] == [(3, 0), (3, 0)]


def test_what_is_found_says_when_it_is_shown(corpus):
    corpus.split("frames", of="video", every=5.0)
    corpus.measure("embed", of="frame")
    first, second = corpus.table("frame").to_pylist()
    (found,) = corpus.search("frame", unit=second["unit"], k=1).to_pylist()
    assert found["score"] == pytest.approx(1)
    assert (found["path"], found["start"], found["end"]) == (second["path"], 5.0, None)
    assert first["start"] == 0.0


def test_a_copied_video_is_hashed_once_for_all_its_frames(corpus, tmp_path, videos, monkeypatch):
    (tmp_path / "copy").mkdir()
    shutil.copy(videos / "bikes.mp4", tmp_path / "copy")
    corpus = Corpus(tmp_path / "copied")
    corpus.add(sources.folder(tmp_path / "copy"))
    corpus.split("frames", of="video", every=1.0)
    os.utime(tmp_path / "copy" / "bikes.mp4", (1, 1))
    hashed = []
    monkeypatch.setattr(load, "identify", lambda path: hashed.append(path) or identify(path))
    units = [unit_of(row) for row in corpus.units("frame").to_pylist()]
    with load.Loader(corpus.root, above=Lineage(corpus.store, "frame").above(units)) as loader:
        assert len({loader.load(unit, "image").shape for unit in units}) == 1
    assert len(hashed) == 1
    (tmp_path / "copy" / "bikes.mp4").write_bytes(b"another one")
    with pytest.raises(UnreadableFileError, match="changed since it was added"):
        load.Loader(corpus.root, above=Lineage(corpus.store, "frame").above(units)).load(units[0], "image")


def test_units_of_a_video_that_its_source_names_no_more_are_left_out(corpus):
    corpus.split(Pieces(), of="video")
    (corpus.root / "posts.csv").write_text("id,text,media\na,x,\n")
    corpus.add(sources.posts(corpus.root / "posts.csv", id="id", media="media"))
    assert corpus.units("video").num_rows == corpus.units("shot").num_rows == 0


def test_a_video_that_has_gone_fails_and_is_tried_again(corpus, tmp_path, videos):
    copy = tmp_path / "copy.mp4"
    copy.write_bytes((videos / "carphone_pristine.mp4").read_bytes())
    corpus.add(sources.folder(copy.parent / "study"))
    (corpus.root / "posts.csv").write_text(f"id,text,media\na,x,{copy}\n")
    corpus.add(sources.posts(corpus.root / "posts.csv", id="id", media="media"))
    copy.unlink()
    corpus.split(Pieces(), of="video")
    failed = corpus.failures().to_pylist()
    assert [row["error"] for row in failed] == [UnreadableFileError.__name__]
    copy.write_bytes((videos / "carphone_pristine.mp4").read_bytes())
    corpus.split(Pieces(), of="video", retry=True)
    assert corpus.failures().num_rows == 0


def test_what_a_video_cannot_be_split_into_is_refused(corpus):
    with pytest.raises(InputError, match="takes 'video', which a unit of kind 'post' does not offer"):
        corpus.split(Pieces(), of="post")
    with pytest.raises(InputError, match="frame units, which are split from video, not from image"):
        corpus.split(Twice(), of="image")
    with pytest.raises(InputError, match="an instance has its parameters already"):
        corpus.split(Pieces(), of="video", every=2)


def test_two_spans_in_one_place_are_a_failure(corpus):
    corpus.split(Twice(), of="video")
    (failure,) = corpus.failures().to_pylist()
    assert "should return every span once" in failure["message"]
    assert corpus.units("frame").num_rows == 0


def test_a_damaged_video_keeps_its_rows_and_says_what_is_missing(tmp_path, videos):
    data = bytearray((videos / "bikes.mp4").read_bytes())
    middle = len(data) // 2
    data[middle : middle + 20_000] = bytes(20_000)
    (tmp_path / "media").mkdir()
    (tmp_path / "media" / "damaged.mp4").write_bytes(data)
    corpus = Corpus(tmp_path)
    corpus.add(sources.folder(tmp_path / "media"))
    corpus.measure(Seen(), of="video")
    assert 0 < corpus.table("video", "seen")["seen"][0].as_py() < 251
    (failure,) = corpus.failures().to_pylist()
    assert failure["error"] == "DamagedStreamError"
    assert " s" in failure["message"]
    assert not corpus.measure(Seen(), of="video").rows.total()


def test_digests_are_the_same_whatever_else_ran(corpus, tmp_path, videos):
    corpus.split(Pieces(), of="video")
    corpus._computed([Seen(), Pieces(every=3.0)], "video", retry=False)
    other = Corpus(tmp_path / "other")
    other.add(sources.folder(videos))
    other.measure(Seen(), of="video")
    mine = corpus.table("video", "seen")
    theirs = other.table("video", "seen")
    assert pc.index_in(mine["unit"], value_set=theirs["unit"]).null_count == 0
