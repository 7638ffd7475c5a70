"""The engine: plans, chunks, failing measures, crashing ones, measures that live in a script."""

import os
import subprocess
import sys
import textwrap
from pathlib import Path

import hostile
import pytest

from studium import Corpus, sources
from studium.core.recipe import recipe_of
from studium.core.store import Store
from studium.errors import BusyError, MissingExtraError, StudiumError, UnreadableFileError
from studium.measure.pdq import Pdq
from studium.measure.phash import Phash
from studium.run.load import Loader, locate
from studium.run.local import _rebuilt, compute
from studium.run.plan import How, plan


@pytest.fixture
def corpus(study):
    opened = Corpus(study)
    opened.add(sources.folder(study / "images"))
    return opened


PLUGIN = '''
"""Measures that misbehave, in a module that a worker can import."""
import os
from dataclasses import dataclass
from typing import ClassVar

from studium import Column, Measure
from studium.errors import WeightsError


@dataclass(frozen=True)
class Base(Measure):
    version: ClassVar[str] = "1"
    takes: ClassVar[str] = "image"

    @property
    def columns(self):
        return (Column(self.name, "float32", "a number"),)

    def one(self, image):
        return float(image.mean())

    def __call__(self, batch):
        return {self.name: [self.one(image) for image in batch]}


@dataclass(frozen=True)
class Picky(Base):
    name: ClassVar[str] = "picky"

    def one(self, image):
        if image.shape[0] < 400:
            raise ValueError("too small for me")
        return super().one(image)


@dataclass(frozen=True)
class Deadly(Base):
    name: ClassVar[str] = "deadly"

    def one(self, image):
        if image.shape[0] < 400:
            os.abort()
        return super().one(image)


@dataclass(frozen=True)
class Unprepared(Base):
    name: ClassVar[str] = "unprepared"

    def prepare(self):
        raise WeightsError("no weights here: run  studium models pull x")


@dataclass(frozen=True)
class Chatty(Base):
    name: ClassVar[str] = "chatty"

    def one(self, image):
        os.write(1, b"hello from a C library\\n")
        print("and from Python")
        return super().one(image)


@dataclass(frozen=True)
class Wrong(Base):
    name: ClassVar[str] = "wrong"

    def __call__(self, batch):
        return {"something_else": [0.0] * len(batch)}
'''


@pytest.fixture
def plugin(tmp_path, monkeypatch):
    (tmp_path / "plugins").mkdir()
    (tmp_path / "plugins" / "misbehaving.py").write_text(PLUGIN)
    monkeypatch.syspath_prepend(str(tmp_path / "plugins"))
    monkeypatch.delitem(sys.modules, "misbehaving", raising=False)
    import misbehaving

    return misbehaving


def test_the_plan_of_an_empty_study_is_empty(tmp_path):
    todo = plan(Store(tmp_path), "image", [Pdq()], How(2))
    assert (list(todo.chunks()), todo.units.num_rows, todo.missing) == ([], 0, 0)
    assert Corpus(tmp_path).measure("pdq", of="image").rows.total() == 0


def test_units_that_lack_the_same_share_a_chunk(corpus):
    ids = corpus.units("image")["id"].to_pylist()
    compute(corpus.store, "image", [Pdq()])
    todo = plan(corpus.store, "image", [Pdq(), Phash()], How(1))
    assert [chunk.parts for chunk in todo.chunks()] == [(Phash(),)]
    assert [unit.id for chunk in todo.chunks() for unit in chunk.units] == ids
    only = plan(corpus.store, "image", [Phash()], How(1), {ids[2]})
    assert [unit.id for chunk in only.chunks() for unit in chunk.units] == [ids[2]]


def test_chunks_are_small_enough_for_every_thread(tmp_path):
    from studium.core.unit import Unit

    store = Store(tmp_path)
    store.add_units([Unit(f"{i:064}", "image", path=f"{i}.jpg") for i in range(1000)])
    sizes = [len(chunk.units) for chunk in plan(store, "image", [Pdq()], How(2)).chunks()]
    assert sum(sizes) == 1000
    assert max(sizes) == 125
    assert max(len(c.units) for c in plan(store, "image", [Pdq()], How(500)).chunks()) == 8


def test_a_measure_that_refuses_one_picture_keeps_the_others(corpus, plugin):
    outcome = corpus.measure(plugin.Picky(), "pdq", of="image")
    failed = corpus.failures().to_pylist()
    assert {(row["step"], row["error"], row["message"]) for row in failed} == {
        ("picky", "ValueError", "too small for me")
    }
    assert sum(outcome.rows.values()) == 8 - len(failed)
    assert corpus.table("image", "picky")["picky"].null_count == len(failed)
    assert corpus.table("image", "pdq")["pdq"].null_count == 0


def test_a_measure_that_kills_the_process_loses_only_the_guilty(corpus, plugin):
    outcome = corpus.measure("pdq", plugin.Deadly(), of="image")
    failed = corpus.failures().to_pylist()
    assert failed
    assert {row["error"] for row in failed} == {"DecoderCrashError"}
    assert "SIGABRT" in failed[0]["message"]
    label = recipe_of(plugin.Deadly()).label
    assert outcome.rows[label] + outcome.failures[label] == 4
    guilty = {row["unit"] for row in failed}
    whole = {row["unit"] for row in corpus.table("image", "deadly").to_pylist() if row["deadly"] is not None}
    assert whole | guilty == set(corpus.units("image")["id"].to_pylist())
    assert corpus.measure("pdq", plugin.Deadly(), of="image").rows.total() == 0, "quarantined, not tried again"


def test_a_crash_is_blamed_on_the_measure_that_crashed(corpus, plugin):
    corpus.measure("pdq", plugin.Deadly(), of="image")
    assert set(corpus.failures()["step"].to_pylist()) == {"deadly"}
    assert corpus.table("image", "pdq")["pdq"].null_count == 0


def test_a_measure_that_no_file_survives_stops_the_run(tmp_path, plugin, photos):
    from PIL import Image

    (tmp_path / "small").mkdir()
    photo = Image.open(photos / "coffee.png")
    for i in range(12):
        photo.crop((i, 0, i + 50, 50)).save(tmp_path / "small" / f"{i}.png")
    corpus = Corpus(tmp_path / "study")
    corpus.add(sources.folder(tmp_path / "small"))
    with pytest.raises(StudiumError, match="not the fault of the files"):
        corpus.measure(plugin.Deadly(), of="image")


def test_a_measure_that_cannot_be_prepared_stops_the_run(corpus, plugin):
    with pytest.raises(StudiumError, match="studium models pull x") as caught:
        corpus.measure(plugin.Unprepared(), of="image")
    assert type(caught.value).__name__ == "WeightsError"
    assert corpus.failures().num_rows == 0, "it is nobody's fault"


def test_what_libraries_print_does_not_disturb_the_run(corpus, plugin, capfd):
    assert corpus.measure(plugin.Chatty(), of="image").rows.total() == 4
    assert "hello from a C library" in capfd.readouterr().err


def test_undeclared_columns_are_failures_that_say_so(corpus, plugin):
    corpus.measure(plugin.Wrong(), of="image")
    assert "should return the columns ['wrong']" in corpus.failures()["message"][0].as_py()


def test_failures_are_tried_again_only_on_request(corpus, study):
    path = study / "images" / "thing" / "coffee.png"
    data = path.read_bytes()
    path.unlink()
    corpus.measure("pdq", of="image")
    path.write_bytes(data)
    assert corpus.measure("pdq", of="image").rows.total() == 0
    assert corpus.measure("pdq", of="image", retry=True).rows.total() == 1
    assert corpus.failures().num_rows == 0


def test_a_measure_written_in_a_script_runs_in_the_script(study):
    script = study / "mine.py"
    script.write_text(
        textwrap.dedent("""
        import sys
        from dataclasses import dataclass
        from typing import ClassVar
        from studium import Column, Corpus, Measure, sources

        @dataclass(frozen=True)
        class Mean(Measure):
            name: ClassVar[str] = "mean"
            version: ClassVar[str] = "1"
            takes: ClassVar[str] = "image"
            columns = (Column("mean", "float32", "mean of all values"),)

            def __call__(self, batch):
                return {"mean": [image.mean() for image in batch]}

        corpus = Corpus(sys.argv[1])
        corpus.add(sources.folder(sys.argv[1] + "/images"))
        print(corpus.measure(Mean(), of="image").rows.total(), corpus.measure(Mean(), of="image").rows.total())
        """)
    )
    done = subprocess.run([sys.executable, script, study], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["4", "0"]


def test_two_runs_at_once_are_refused(corpus):
    with corpus.store.lock(), pytest.raises(BusyError):
        Corpus(corpus.root).measure("pdq", of="image")


def test_every_modality_is_loaded(corpus, tmp_path):
    from studium.core.store import unit_of
    from studium.core.unit import Unit
    from studium.errors import InputError, MediaError

    unit = unit_of(corpus.units("image").to_pylist()[0])
    assert Loader(corpus.root).load(unit, "file") == corpus.root / unit.path
    assert Loader(corpus.root).load(unit, "image").shape[2] == 3
    assert Loader(tmp_path).load(Unit("a", "post", meta={"text": "hi"}), "text") == "hi"
    with pytest.raises(MediaError, match="has no text"):
        Loader(tmp_path).load(Unit("a", "post", meta={"text": None}), "text")
    with pytest.raises(InputError, match="offers file, image, material, not 'text'"):
        Loader(tmp_path).load(unit, "text")
    with pytest.raises(UnreadableFileError, match="has no file"):
        locate(Unit("a", "image"), tmp_path)


def test_a_touched_file_is_still_itself(corpus):
    from studium.core.store import unit_of

    unit = unit_of(corpus.units("image").to_pylist()[0])
    os.utime(corpus.root / unit.path, (1, 1))
    assert locate(unit, corpus.root) == corpus.root / unit.path


def test_errors_of_the_worker_come_back_as_themselves():
    assert type(_rebuilt("WeightsError", "x")).__name__ == "WeightsError"
    assert str(_rebuilt("KeyError", "'x'")) == "KeyError: 'x'"
    text = str(MissingExtraError("onnxruntime", "images"))
    assert str(_rebuilt("MissingExtraError", text)) == text
    assert isinstance(_rebuilt("MissingExtraError", text), ImportError)


def test_a_study_that_must_not_be_written_to_is_said_to_be_so(study):
    command = [Path(sys.executable).with_name("studium"), "add", "folder", study / "images", "--study", study]
    study.chmod(0o555)
    study.parent.chmod(0o755)
    done = subprocess.run(command, preexec_fn=hostile.drop_root, capture_output=True, text=True, check=False)
    study.chmod(0o755)
    assert done.returncode == 1
    assert "StoreError" in done.stderr
    assert "a study must be writable for this" in done.stderr


def test_file_names_that_are_not_text_are_losses(tmp_path):
    folder = os.fsencode(tmp_path / "in")
    os.mkdir(folder)  # noqa: PTH102  (a name that pathlib would print, too, but bytes say what is meant)
    Path(os.fsdecode(folder + b"/\xff.jpg")).write_bytes(b"x")
    corpus = Corpus(tmp_path / "study")
    added = corpus.add(sources.folder(tmp_path / "in"))
    assert corpus.units("image").num_rows == 0
    assert [loss.error for loss in added.losses] == ["UnreadableFileError"]
    assert corpus.losses().num_rows == 1
