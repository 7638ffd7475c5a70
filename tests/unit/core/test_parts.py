import os
import resource
import signal
import subprocess
import sys

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from studium.core import parts
from studium.errors import StoreError

SCHEMA = pa.schema({"unit": pa.string(), "value": pa.float64(), "vector": pa.list_(pa.float16(), 3)})


def table(n, start=0):
    vectors = pa.FixedSizeListArray.from_arrays(pa.array(np.arange(3 * n, dtype=np.float16) + start), 3)
    units = [f"u{i}" for i in range(start, start + n)]
    return pa.Table.from_arrays([pa.array(units), pa.array(np.arange(n) / 7 + start), vectors], schema=SCHEMA)


def test_no_folder_is_an_empty_table(tmp_path):
    assert parts.read(tmp_path / "none", SCHEMA).equals(SCHEMA.empty_table())
    assert parts.rows(tmp_path / "none") == 0
    assert parts.digest(tmp_path / "none") == "0" * 64


def test_an_empty_table_writes_nothing(tmp_path):
    parts.write(tmp_path / "t", SCHEMA.empty_table())
    assert not (tmp_path / "t").exists()


def test_parts_come_back_in_the_order_written(tmp_path):
    for start in (0, 10, 5):
        parts.write(tmp_path, table(3, start))
    back = parts.read(tmp_path, SCHEMA)
    assert back["unit"].to_pylist() == ["u0", "u1", "u2", "u10", "u11", "u12", "u5", "u6", "u7"]
    assert back.slice(3, 3).combine_chunks().equals(table(3, 10).combine_chunks())
    assert parts.read(tmp_path, SCHEMA, ["value"]).column_names == ["value"]
    assert parts.rows(tmp_path) == 9


def test_the_digest_names_the_rows_not_their_order_or_their_parts(tmp_path):
    whole = table(20)
    parts.write(tmp_path / "a", whole)
    for i in (7, 0, 14):
        parts.write(tmp_path / "b", whole.slice(i, 7))
    shuffled = whole.take(np.random.default_rng(0).permutation(20))
    parts.write(tmp_path / "c", shuffled)
    assert parts.digest(tmp_path / "a") == parts.digest(tmp_path / "b") == parts.digest(tmp_path / "c")
    changed = whole.set_column(1, "value", pa.array(np.arange(20) / 7 + np.eye(20)[3] * 1e-12))
    parts.write(tmp_path / "d", changed)
    assert parts.digest(tmp_path / "d") != parts.digest(tmp_path / "a")


@given(st.lists(st.tuples(st.text(), st.one_of(st.none(), st.floats(allow_nan=False))), max_size=8))
def test_any_text_and_number_keeps_its_digest(rows):
    schema = pa.schema({"unit": pa.string(), "value": pa.float64()})
    rows = [(a.encode("utf-8", "ignore").decode(), b) for a, b in rows]
    made = pa.Table.from_pylist([dict(zip(schema.names, row, strict=True)) for row in rows], schema=schema)
    again = pa.Table.from_pylist([dict(zip(schema.names, row, strict=True)) for row in rows[::-1]], schema=schema)
    assert parts.sum_of_rows(made) == parts.sum_of_rows(again)


def test_foreign_parts_have_no_digest(tmp_path):
    import pyarrow.parquet as pq

    pq.write_table(table(2), tmp_path / "part-1.parquet")
    with pytest.raises(StoreError, match="not written by studium"):
        parts.digest(tmp_path)


def test_a_full_disk_is_a_clear_error_and_leaves_nothing(tmp_path):
    """The limit on file size gives the write the same fate as a full disk: an OSError half-way."""
    script = (
        "import numpy as np, pyarrow as pa, pathlib, sys\n"
        "from studium.core import parts\n"
        "from studium.errors import StoreError\n"
        "noise = np.random.default_rng(0).bytes(1_000_000)\n"
        "try:\n"
        "    parts.write(pathlib.Path(sys.argv[1]), pa.table({'unit': [noise.hex()]}))\n"
        "except StoreError as error:\n"
        "    print(error)\n"
    )

    def limited():
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))

    command = [sys.executable, "-c", script, str(tmp_path / "t")]
    done = subprocess.run(command, preexec_fn=limited, capture_output=True, text=True, check=True)
    assert "free some space" in done.stdout
    assert list((tmp_path / "t").iterdir()) == []


def test_what_a_killed_writer_leaves_is_swept(tmp_path):
    (tmp_path / "tables").mkdir()
    ours = [f".part-{1:020d}-0a1b2c3d.tmp", ".20260101T000000-ff.json-0a1b2c3d.tmp", "._asked-0a1b2c3d.tmp"]
    theirs = ["model.tmp", "part-1.tmp", ".part-1.tmp", ".draft.json.tmp"]
    for name in ours + theirs:
        (tmp_path / "tables" / name).write_bytes(b"half")
    parts.sweep(tmp_path)
    assert sorted(path.name for path in (tmp_path / "tables").iterdir()) == sorted(theirs)


def test_a_text_file_is_replaced_whole(tmp_path):
    path = tmp_path / "runs" / "1.json"
    parts.replace_file(path, "one")
    parts.replace_file(path, "zwei – 二")
    assert path.read_text(encoding="utf-8") == "zwei – 二"
    assert os.listdir(path.parent) == ["1.json"]  # noqa: PTH208
