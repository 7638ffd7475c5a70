import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from studium.core.column import Column
from studium.core.recipe import Recipe
from studium.core.store import ATTACHMENTS, UNITS, Store, names_of, unit_of
from studium.core.table import FAILURES
from studium.core.unit import Span, Unit
from studium.errors import BusyError, InputError, UnknownNameError

COLUMNS = (
    Column("name", "string", "its name"),
    Column("share", "float32", "a share", low=0, high=1),
    Column("vector", "float16", "a vector", size=3),
)


@pytest.fixture
def store(tmp_path):
    return Store(tmp_path / "study")


def append(table, units, share):
    vectors = np.ones((len(units), 3), np.float16)
    table.append(units, table.arrays({"name": units, "share": share, "vector": vectors}))


def test_the_empty_study_has_every_column_and_no_rows(store):
    assert store.kinds() == []
    assert store.units("image").equals(UNITS.empty_table())
    assert store.attachments().equals(ATTACHMENTS.empty_table())
    assert store.tables() == []
    assert not store.root.exists(), "reading makes nothing"


def test_units_come_back_as_they_went_in(store):
    box = Unit("f" * 64, "face", "a" * 64, None, Span(1.5, None, (1, 2, 30, 40), "Zoë"), {"note": "ünïcode\n"})
    store.add_units([Unit("a" * 64, "image", path="x.jpg", meta={"bytes": 3}), box])
    assert store.kinds() == ["image", "face"]
    assert [unit_of(row) for row in store.units("face").to_pylist()] == [box]


def test_the_last_row_of_a_unit_counts_in_its_first_place(store):
    store.add_units([Unit("a", "post", meta={"likes": 1}), Unit("b", "post")])
    store.add_units([Unit("a", "post", meta={"likes": 2})])
    assert [(u.id, dict(u.meta)) for u in map(unit_of, store.units("post").to_pylist())] == [
        ("a", {"likes": 2}),
        ("b", {}),
    ]


def test_the_last_medium_at_a_place_counts(store):
    place = {
        "source": "folder-1",
        "post": None,
        "kind": "image",
        "position": 0,
        "path": "a.jpg",
        "label": None,
        "bytes": 1,
        "mtime_ns": 1,
    }
    store.add_attachments([{**place, "media": "1"}, {**place, "media": "1", "path": "b.jpg"}])
    store.add_attachments([{**place, "media": "2"}])
    assert sorted(store.attachments()["media"].to_pylist()) == ["1", "2"]
    store.add_attachments([{**place, "media": None}])
    assert store.attachments()["media"].to_pylist() == ["1"], "the source no longer names the place"


def test_a_table_keeps_what_is_appended(store):
    table = store.create("image", Recipe("colour", "1"), COLUMNS)
    assert table.read().num_rows == 0
    append(table, ["a"], [0.5])
    append(table, ["b", "c"], [0.25, None])
    assert table.read()["share"].to_pylist() == [0.5, 0.25, None]
    assert table.read()["vector"].to_pylist()[2] == [1, 1, 1]
    assert table.done().to_pylist() == ["a", "b", "c"]
    assert table.columns == COLUMNS
    assert store.table("image", Recipe("colour", "1")).read().equals(table.read())


@pytest.mark.parametrize(
    "values",
    [
        {"name": ["x"], "share": [0.1]},
        {"name": ["x"], "share": [0.1], "vector": np.ones((1, 3)), "more": [1]},
        {"name": [3], "share": [0.1], "vector": np.ones((1, 3))},
        {"name": ["x"], "share": ["much"], "vector": np.ones((1, 3))},
        {"name": ["x"], "share": [0.1], "vector": [[1.0, 2.0]]},
        {"name": ["x"], "share": [0.1], "vector": np.ones((1, 4))},
        {"name": ["x"], "share": [0.1], "vector": [None]},
    ],
)
def test_what_a_measure_did_not_declare_is_refused(store, values):
    table = store.create("image", Recipe("colour", "1"), COLUMNS)
    with pytest.raises(InputError, match="should"):
        table.arrays(values)


def test_failures_count_until_a_row_makes_them_good(store):
    table = store.create("image", Recipe("colour", "1"), COLUMNS)
    assert table.failures().equals(FAILURES.empty_table())
    table.fail([("a", "EmptyFileError", "no bytes"), ("b", "MemoryError", "")])
    table.fail([("a", "TruncatedFileError", "cut")])
    assert table.failures().to_pylist() == [
        {"unit": "a", "step": "colour", "error": "TruncatedFileError", "message": "cut"},
        {"unit": "b", "step": "colour", "error": "MemoryError", "message": ""},
    ]
    append(table, ["b"], [0.5])
    assert table.failures()["unit"].to_pylist() == ["a"]


def test_a_changed_recipe_lies_beside_the_old_one(store):
    old = store.create("image", Recipe("embed", "1", {"model": "a", "size": 2}), COLUMNS)
    append(old, ["x"], [1.0])
    new = store.create("image", Recipe("embed", "1", {"model": "b", "size": 2}), COLUMNS)
    assert new.folder != old.folder
    assert len(new.done()) == 0
    assert store.find("image", "embed").recipe == old.recipe, "one that was only begun shadows nothing"
    append(new, ["x"], [1.0])
    assert store.find("image", "embed:a").recipe == old.recipe
    assert store.find("image", f"embed:{new.recipe.key}").recipe == new.recipe
    with pytest.raises(
        InputError, match=r"several tables of image units are called 'embed'; say which: embed:a, embed:b"
    ):
        store.find("image", "embed")
    with pytest.raises(InputError, match="say which"):
        store.find("image", "embed:2")


def test_tables_are_told_by_what_was_asked_then_by_who_answered(store):
    def asked(model, frames, *names):
        params = {"frames": frames, "model": model, "variables": [{"name": name} for name in names]}
        return Recipe("ask", "1", params)

    assert names_of([asked("a", 4, "paid"), asked("a", 2, "paid", "mood")]) == ["ask:4", "ask:mood"]
    assert names_of([asked("a", 4, "paid"), asked("b", 2, "paid")]) == ["ask:a", "ask:b"]


def test_of_the_same_parameters_the_one_asked_for_last_counts(store):
    first = store.create("image", Recipe("cluster", "1", {"step": 5}, inputs="few"), COLUMNS)
    rows = first.arrays({"name": ["x"], "share": [1.0], "vector": np.ones((1, 3))})
    first.replace(["x"], rows, {"n": 1})
    second = store.create("image", Recipe("cluster", "1", {"step": 5}, inputs="many"), COLUMNS)
    assert store.find("image", "cluster").recipe == first.recipe, "a result that is not whole is none"
    second.replace(["x"], rows, {"n": 2})
    assert store.find("image", "cluster").recipe == second.recipe
    store.create("image", first.recipe, COLUMNS)
    assert store.find("image", "cluster").recipe == first.recipe
    assert store.find("image", "cluster").done().to_pylist() == ["x"], "asking again loses nothing"


def test_a_table_is_a_plain_data_set_for_others(store):
    import pyarrow.dataset as ds

    table = store.create("image", Recipe("colour", "1"), COLUMNS)
    append(table, ["a", "b"], [0.5, 0.25])
    table.fail([("c", "EmptyFileError", "no bytes")])
    (table.folder / ".part-1.tmp").write_bytes(b"half of a part")
    assert ds.dataset(table.folder).to_table()["unit"].to_pylist() == ["a", "b"]


def test_an_unknown_table_lists_what_there_is(store):
    store.create("image", Recipe("embed", "1"), COLUMNS)
    for name in ("colour", "embed:clip"):
        with pytest.raises(UnknownNameError, match=f"no table '{name}' of image units; there are: embed"):
            store.find("image", name)
    with pytest.raises(InputError, match="unknown kind"):
        store.units("picture")


def test_two_runs_do_not_share_a_study(store, tmp_path):
    with store.lock(), pytest.raises(BusyError, match="another run holds"), Store(store.root).lock():
        pass
    with store.lock():
        pass


def test_what_a_killed_run_left_is_swept_and_nothing_else(store):
    ours = store.root / "tables" / "image" / "pdq-1" / f".part-{1:020d}-0a1b2c3d.tmp"
    theirs = store.root / "tables" / "draft.tmp"
    for path in (ours, theirs):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"half")
    with store.lock():
        pass
    assert not ours.exists()
    assert theirs.exists(), "a file of the user's, whatever its name"


def test_a_killed_run_lets_go(store):
    script = (
        "import sys, time, pathlib\nfrom studium.core.store import Store\n"
        "with Store(pathlib.Path(sys.argv[1])).lock():\n    print('held', flush=True)\n    time.sleep(60)\n"
    )
    holder = subprocess.Popen([sys.executable, "-c", script, str(store.root)], stdout=subprocess.PIPE)
    assert holder.stdout.readline() == b"held\n"
    with pytest.raises(BusyError), store.lock():
        pass
    holder.kill()
    holder.wait()
    holder.stdout.close()
    with store.lock():
        pass


def test_other_tools_read_the_parts(store):
    import duckdb

    table = store.create("image", Recipe("colour", "1"), COLUMNS)
    append(table, ["a", "b"], [0.5, 0.25])
    pattern = Path(table.folder) / "part-*.parquet"
    with duckdb.connect() as connection:
        rows = connection.execute(f"select unit, share from '{pattern}' order by unit").fetchall()
    assert rows == [("a", 0.5), ("b", 0.25)]
    assert json.loads((table.folder / "_recipe.json").read_text())["key"] == table.recipe.key


def test_columns_know_their_types():
    assert Column("x", "float16", "a vector", size=4).arrow().type == pa.list_(pa.float16(), 4)
    with pytest.raises(InputError, match="unknown dtype 'float'; known: bool"):
        Column("x", "float", "no")
