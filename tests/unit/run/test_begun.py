"""A split that was killed between the rows of the parts and that of the whole: a rerun leaves each row once."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import pytest

from studium import Column, Corpus, sources
from studium.core import parts
from studium.core.protocols import Unitizer
from studium.core.recipe import recipe_of
from studium.core.store import Store
from studium.core.table import Table
from studium.core.unit import Span
from studium.errors import StoreError
from studium.run.begun import begun
from studium.run.pending import Outcome, pending_for
from studium.run.plan import How, plan
from studium.run.work import work
from studium.unitize.frames import Frames


class Killed(BaseException):
    """The process ends here."""


@dataclass(frozen=True)
class Thirds(Unitizer):
    """Three shots a video, whatever it shows."""

    name: ClassVar[str] = "thirds"
    version: ClassVar[str] = "1"
    takes: ClassVar[str] = "file"
    makes: ClassVar[str] = "shot"

    columns: ClassVar[tuple[Column, ...]] = (Column("third", "int32", "which one", low=0),)

    def __call__(self, media: Any) -> Iterable[Span]:
        return [Span(float(i), float(i + 1), values={"third": i}) for i in range(3)]


def split(store: Store, kind: str, part: Unitizer) -> None:
    for chunk in plan(store, kind, [part], How(threads=1)).chunks():
        work(chunk)


def split_and_die(store: Store, kind: str, part: Unitizer, monkeypatch: pytest.MonkeyPatch) -> None:
    """A run that ends when the rows of the parts are written, and that of the whole is next."""
    with monkeypatch.context() as patch:
        patch.setattr(Table, "append", but_of(kind, Killed()))
        with pytest.raises(Killed):
            split(store, kind, part)


def but_of(kind: str, error: BaseException) -> Any:
    """Appends rows to tables, but of those of one kind of unit raises an error."""
    append = Table.append

    def appending(table: Table, *args: Any) -> None:
        if table.kind == kind:
            raise error
        append(table, *args)

    return appending


def study(folder: Path, videos: Path, *names: str) -> Store:
    media = folder / "media"
    media.mkdir(parents=True, exist_ok=True)
    for name in names:
        (media / name).symlink_to(videos / name)
    corpus = Corpus(folder)
    corpus.add(sources.folder(media))
    return corpus.store


def same(left: Store, right: Store, part: Unitizer, *kinds: str) -> bool:
    tables = [[store.table(kind, recipe_of(part)) for store in (left, right)] for kind in kinds]
    assert all(parts.rows(a.folder) == len(a.done()) == len(set(a.done().to_pylist())) > 0 for a, _ in tables)
    return all(a.digest() == b.digest() and a.read().sort_by("unit") == b.read().sort_by("unit") for a, b in tables)


def test_nothing_was_begun_where_nothing_was_split(tmp_path):
    store = Store(tmp_path)
    assert begun(store, "video", recipe_of(Thirds()), "shot", store.units("video")) == frozenset()


def test_rows_of_a_killed_split_are_there_once(tmp_path, videos, monkeypatch):
    killed, quiet = (study(tmp_path / name, videos, "bikes.mp4") for name in ("killed", "quiet"))
    split(killed, "video", Thirds())
    for name in ("killed", "quiet"):
        study(tmp_path / name, videos, "carphone_pristine.mp4")
    for _ in range(2):
        split_and_die(killed, "video", Thirds(), monkeypatch)
        table = killed.table("shot", recipe_of(Thirds()))
        assert parts.rows(table.folder) == 6
    (new,) = (row for row in killed.units("video").to_pylist() if row["path"].endswith("carphone_pristine.mp4"))
    shots = killed.units("shot").to_pylist()
    there = begun(killed, "video", recipe_of(Thirds()), "shot", killed.units("video").slice(1))
    assert there == {shot["id"] for shot in shots if shot["parent"] == new["id"]}
    for store in (killed, quiet):
        split(store, "video", Thirds())
    assert same(killed, quiet, Thirds(), "video", "shot")
    assert killed.units_digest("shot") == quiet.units_digest("shot")


def test_so_are_those_of_frames_of_shots_which_belong_to_the_video(tmp_path, videos, monkeypatch):
    killed, quiet = (study(tmp_path / name, videos, "bikes.mp4") for name in ("killed", "quiet"))
    middle = Frames(middle=True)
    for store in (killed, quiet):
        split(store, "video", Thirds())
    split_and_die(killed, "shot", middle, monkeypatch)
    for store in (killed, quiet):
        split(store, "shot", middle)
    assert same(killed, quiet, middle, "shot", "frame")


def test_what_one_split_made_of_videos_and_of_shots_is_not_taken_for_a_killed_one(tmp_path, videos):
    class Unread(Store):
        def units(self, kind: str) -> Any:
            raise AssertionError("a run that nobody killed should not look for what was begun")

    store, often = study(tmp_path, videos, "bikes.mp4"), Frames(every=1.0)
    split(store, "video", Thirds())
    split(store, "video", often)
    split(store, "shot", often)
    frames = store.table("frame", recipe_of(often))
    assert parts.rows(frames.folder) == 13  # of ten seconds, and of the first three once more
    for kind in ("video", "shot"):
        assert not begun(Unread(tmp_path), kind, recipe_of(often), "frame", store.units(kind))


def test_a_disk_that_is_full_after_the_rows_of_the_parts_writes_them_once(tmp_path, videos, monkeypatch):
    store = study(tmp_path, videos, "bikes.mp4")
    (chunk,) = plan(store, "video", [Thirds()], How(threads=1)).chunks()
    waiting, outcome = pending_for(store, chunk, Thirds()), Outcome()
    waiting.take(chunk.units, [Thirds()(None)], [None])
    with monkeypatch.context() as patch:
        patch.setattr(Table, "append", but_of("video", StoreError("no space left on device")))
        with pytest.raises(StoreError):
            waiting.flush(outcome)
    waiting.flush(outcome)
    assert parts.rows(store.table("shot", recipe_of(Thirds())).folder) == 3
    assert outcome.rows.total() == 1
