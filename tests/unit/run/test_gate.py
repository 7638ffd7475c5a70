"""What becomes of templates, and which tables hold some."""

import dataclasses
import os
import shutil
import tempfile
import time
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import ClassVar

import pyarrow.parquet as pq
import pytest
from persons import BASIS, Looks, album, grant

from studium import Column, Corpus, sources
from studium.core import audit, legal
from studium.core.audit import Use
from studium.core.protocols import wide
from studium.core.store import Store
from studium.errors import BusyError, ConfigError, InputError, RefusedError, StoreError, UnknownNameError
from studium.run import gate
from studium.run.local import compute
from studium.run.plan import How, plan
from studium.run.work import work
from studium.unitize.faces import Faces


@pytest.fixture(scope="module")
def made(tmp_path_factory, politicians) -> Path:
    """A study with four faces, and templates of them."""
    root = tmp_path_factory.mktemp("gate") / "study"
    album(root / "images", politicians)
    corpus = Corpus(root)
    corpus.add(sources.folder(root / "images"))
    corpus.split("faces", of="image")
    grant(root)
    corpus.measure(Looks(), of="face")
    corpus.measure("properties", of="image")
    (root / "vectors").mkdir()
    (root / "vectors" / "looks.npy").write_bytes(b"templates")
    return root


@pytest.fixture
def root(made, tmp_path) -> Path:
    return Path(shutil.copytree(made, tmp_path / "study"))


def templates(root: Path) -> list[Path]:
    return sorted(root.glob("tables/*/looks-*"))


def last(root: Path) -> audit.Entry:
    return audit.read(root / audit.NAME)[-1]


def later(monkeypatch: pytest.MonkeyPatch, days: int) -> None:
    day = legal.today() + timedelta(days)
    monkeypatch.setattr(legal, "today", lambda: day)


def test_a_study_without_templates_is_left_alone(tmp_path, study):
    corpus = Corpus(tmp_path / "none")
    assert corpus.store.tables() == []
    assert not (tmp_path / "none").exists()
    (study / "studium.toml").write_text("not toml")
    assert Corpus(study).store.kinds() == []


def test_templates_stay_while_the_record_holds(root):
    assert Corpus(root).table("face", "looks").num_rows == 4
    assert len(templates(root)) == 1
    assert last(root).use == Use("read looks", "face", 4)
    assert last(root).allowed


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"expires": "2020-01-01"}, "it expired on 2020-01-01"),
        ({"dpia": '"TODO"'}, "dpia is missing"),
        ({"approved_by": ""}, "approved_by is missing"),
    ],
    ids=["expired", "placeholder", "incomplete"],
)
def test_templates_end_with_the_record(root, change, why):
    grant(root, **change)
    corpus = Corpus(root)
    assert templates(root) == []
    assert not (root / "vectors").exists()
    assert not (root / "tables/.deleted").exists()
    assert why in last(root).reason
    assert last(root).use.what.startswith("delete looks-")
    assert last(root).use.units == 4
    assert corpus.table("image", "properties").num_rows == 4
    with pytest.raises(RefusedError):
        corpus.measure(Looks(), of="face")


def test_templates_end_when_the_record_or_its_file_vanishes(root):
    (root / "studium.toml").unlink()
    Corpus(root)
    assert templates(root) == []
    assert last(root).reason == "the study file has no legal basis"


def test_a_corpus_that_stays_open_notices(root):
    corpus = Corpus(root)
    assert corpus.store.tables("face")
    grant(root, expires="2020-01-01")
    assert [table.recipe.name for table in corpus.store.tables("face")] == ["faces"]


def test_a_corpus_that_stays_open_notices_the_day(root, monkeypatch):
    corpus = Corpus(root)
    later(monkeypatch, 365 * 200)
    with pytest.raises(UnknownNameError):
        corpus.store.find("face", "looks")


def test_templates_end_when_they_are_old_enough(root, monkeypatch):
    later(monkeypatch, BASIS.retention_days - 1)
    Corpus(root)
    assert len(templates(root)) == 1
    later(monkeypatch, 1)
    Corpus(root)
    assert templates(root) == []
    assert last(root).reason == "kept for 30 days of 30"


def test_templates_from_elsewhere_are_found_without_a_mark(root):
    (folder,) = templates(root)
    (folder / "_basis.json").unlink()
    (root / "studium.toml").unlink()
    Corpus(root)
    assert templates(root) == []


def test_what_identifies_by_its_own_word_is_deleted_too(root):
    """Neither of faces nor a long vector: the mark that it was given is all that tells."""

    @dataclass(frozen=True)
    class Gait(Looks):
        name: ClassVar[str] = "gait"

        @property
        def columns(self) -> tuple[Column, ...]:
            return (Column("gait", "float32", "a number", size=8),)

        def identifies(self, of: str) -> bool:
            return True

        def __call__(self, batch):
            return {"gait": super().__call__(batch)["looks"][:, :8]}

    Corpus(root).measure(Gait(), of="image")
    assert list(root.glob("tables/image/gait-*/part-*"))
    (root / "studium.toml").unlink()
    Corpus(root)
    assert not list(root.glob("tables/image/gait-*"))


@pytest.mark.parametrize("name", ["_basis.json", "_recipe.json"])
@pytest.mark.parametrize("content", ["", "[]", '{"since": 7}'])
def test_a_damaged_table_says_so(root, name, content):
    (folder,) = templates(root)
    (folder / name).write_text(content)
    with pytest.raises(StoreError, match=f"{name} is damaged .*delete its folder"):
        Corpus(root)


def test_a_study_file_that_cannot_be_read_opens_nothing(root):
    (root / "studium.toml").write_text("[legal_basis")
    with pytest.raises(ConfigError):
        Corpus(root)
    assert len(templates(root)) == 1


def test_templates_cannot_be_read_while_another_run_keeps_them_from_being_deleted(root):
    (root / "studium.toml").unlink()
    with Store(root).lock(), pytest.raises(BusyError):
        Corpus(root)
    Corpus(root)
    assert templates(root) == []


def test_a_deletion_that_was_killed_is_finished(root):
    (folder,) = templates(root)
    grave = root / "tables/.deleted/face"
    grave.mkdir(parents=True)
    folder.rename(grave / folder.name)
    assert [table.recipe.name for table in Store(root).tables("face")] == ["faces"]
    Corpus(root)
    assert not (root / "tables/.deleted").exists()


def test_tables_and_caches_may_lie_on_another_disk(root):
    other = Path(tempfile.mkdtemp(dir="/dev/shm" if Path("/dev/shm").is_dir() else None))
    for name in ("tables", "vectors"):
        shutil.move(root / name, other / name)
        (root / name).symlink_to(other / name)
    (root / "studium.toml").unlink()
    Corpus(root)
    left = [path for path in other.rglob("*") if path.is_file()]
    shutil.rmtree(other)
    assert not any("looks" in str(path) for path in left)


def test_two_processes_may_both_find_that_templates_are_due(root, monkeypatch):
    """The faster one deletes them; the other has nothing left to do, and says nothing."""
    (root / "studium.toml").unlink()
    lock = Store.lock

    @contextmanager
    def slow(store):
        monkeypatch.setattr(Store, "lock", lock)
        gate.sweep(Store(root))
        with lock(store):
            yield

    monkeypatch.setattr(Store, "lock", slow)
    gate.sweep(Store(root))
    assert [entry.use.what for entry in audit.read(root / audit.NAME)][-2:-1] != [last(root).use.what]
    assert last(root).use.units == 4


def test_rows_dated_in_the_future_are_deleted(root):
    (folder,) = templates(root)
    (part,) = folder.glob("part-*.parquet")
    part.rename(part.with_name(f"part-{int(part.name.split('-')[1]) + 3 * 86_400 * 10**9:020d}-00000000.parquet"))
    Corpus(root)
    assert templates(root) == []
    assert "dated in the future" in last(root).reason


def test_a_mean_of_templates_is_as_old_as_they_are(root, monkeypatch):
    """Or a chain of rollups would keep them for ever."""
    begun = legal.today()
    with (root / "studium.toml").open("a") as file:
        file.write('[[step]]\nrollup = "looks"\nof = "face"\nto = "image"\nrules = { looks = "mean_vector" }\n')
    monkeypatch.setattr(gate, "_since", lambda folder: begun - timedelta(29))
    Corpus(root).run()
    monkeypatch.undo()
    assert list(root.glob("tables/image/rollup-*"))
    later(monkeypatch, 1)
    corpus = Corpus(root)
    assert not list(root.glob("tables/image/rollup-*"))
    assert corpus.table("face", "looks").num_rows == 4


def test_a_histogram_of_faces_needs_no_legal_basis(root):
    (root / "studium.toml").write_text(
        '[[step]]\nmeasure = "histogram"\nof = "face"\n'
        '[[step]]\nrollup = "histogram"\nof = "face"\nto = "image"\n'
        'rules = { intensity_histogram = "mean_vector" }\n'
    )
    Corpus(root).run()
    corpus = Corpus(root)
    assert corpus.table("face", "histogram").num_rows == 4
    assert corpus.table("image", "rollup").num_rows == 4
    assert last(root).use.what.startswith("delete looks")


@pytest.mark.parametrize(("dtype", "tells"), [("float16", True), ("int32", True), ("string", False)])
def test_what_a_template_is(dtype, tells):
    assert wide([Column("a", dtype, "numbers", size=64)]) is tells
    assert not wide([Column("a", dtype, "numbers", size=63)])
    assert not wide([Column("a", dtype, "numbers", "share", size=64)])


def test_templates_as_labels_are_templates(root):
    corpus = Corpus(root)
    corpus.exposure("face", by="looks", to="image", label="looks")
    assert last(root).use.what == "exposure looks"


def test_queries_reach_no_files(root):
    corpus = Corpus(root)
    for query in (
        f"select * from read_parquet('{root}/tables/face/loo*/part-*.parquet')",
        f"select * from read_blob('{root}/**')",
        f"copy (select * from face_looks) to '{root}/out.parquet'",
        "select * from store",
    ):
        with pytest.raises(InputError):
            corpus.sql(query)
    assert not (root / "out.parquet").exists()


def test_a_study_file_with_its_old_time_is_noticed(root):
    corpus, path = Corpus(root), root / "studium.toml"
    before = path.stat()
    path.write_text(path.read_text().replace("2099-01-01", "2019-01-01"))
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert [table.recipe.name for table in corpus.store.tables("face")] == ["faces"]


def test_means_of_templates_are_templates(root):
    corpus = Corpus(root)
    with (root / "studium.toml").open("a") as file:
        file.write('[[step]]\nrollup = "looks"\nof = "face"\nto = "image"\nrules = { looks = "mean_vector" }\n')
    corpus.run()
    (rolled,) = root.glob("tables/image/rollup-*")
    assert pq.read_table(next(rolled.glob("part-*"))).num_rows == 4
    corpus.table("image", "rollup")
    assert last(root).use.what == "read rollup"
    (root / "studium.toml").unlink()
    Corpus(root)
    assert not rolled.exists()


def test_what_is_derived_stays(root):
    corpus = Corpus(root)
    corpus.map("face", by="looks", method="pca")
    (root / "studium.toml").unlink()
    assert Corpus(root).table("face", "map").num_rows == 4


def test_the_engine_refuses_by_itself(root):
    (root / "studium.toml").unlink()
    Corpus(root)
    with pytest.raises(RefusedError, match="measure looks of face"):
        compute(Store(root), "face", [Looks()], retry=True)
    assert last(root).allowed is False


def test_a_unitizer_that_labels_its_faces_is_asked_too(root):
    @dataclass(frozen=True)
    class Labelled(Faces):
        name: ClassVar[str] = "labelled"

        @property
        def columns(self) -> tuple[Column, ...]:
            return (*super().columns, *Looks().columns)

    (root / "studium.toml").unlink()
    assert gate.asked([Faces(), Looks(), Labelled()], "image") == [Labelled()]
    with pytest.raises(RefusedError, match="measure labelled of image"):
        Corpus(root).split(Labelled(), of="image")


def test_a_record_that_expires_during_a_run_ends_the_run(root):
    (root / "studium.toml").unlink()
    Corpus(root)
    with legal.under(BASIS, logged=True):
        todo = plan(Store(root), "face", [Looks()], How(1))
    (chunk,) = todo.chunks()
    assert chunk.basis == BASIS
    expired = dataclasses.replace(BASIS, expires=legal.today() - timedelta(1))
    with pytest.raises(RefusedError, match="expired"):
        work(dataclasses.replace(chunk, basis=expired))
    assert Store(root).find("face", "looks").failures().num_rows == 0


@pytest.mark.parametrize(
    ("of", "name", "tells"),
    [
        ("face", "face_embedding", True),
        ("object", "face_embedding", True),
        ("face", "embed:conse", True),
        ("image", "embed", False),
        ("face", "zero_shot", True),
        ("image", "zero_shot", False),
        ("face", "pdq", False),
        ("face", "faces", False),
        ("face", "never_heard_of", False),
        ("face", "looks", True),
    ],
)
def test_tables_are_known_by_what_they_hold_or_would_hold(made, of, name, tells):
    assert gate.identifying(Store(made), of, name) is tells


@pytest.mark.parametrize(
    ("query", "tables"),
    [
        ("select 1", []),
        ("select * from image_properties", []),
        ("select * from FACE_LOOKS", [("face", "looks")]),
        ("select * from face_face_embedding", [("face", "face_embedding")]),
        ('select * from "face_embed"', [("face", "embed")]),
    ],
)
def test_queries_are_searched_for_them(made, query, tables):
    assert gate.spoken(Store(made), query) == tables


def test_asking_costs_little(root):
    corpus = Corpus(root)
    begun = time.process_time()
    for _ in range(1000):
        _ = corpus.store
    assert time.process_time() - begun < 1.0
