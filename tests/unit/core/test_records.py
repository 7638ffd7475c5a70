import signal
import sqlite3
import subprocess
import sys
import textwrap
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

from studium.core.annotation import Annotation
from studium.core.migrations import tables
from studium.core.records import Records
from studium.core.records import database as module
from studium.core.records.records import _row
from studium.errors import BusyError, InputError, MissingExtraError, StoreError

NOON = datetime(2026, 11, 21, 12, 0, 0, 123456, tzinfo=UTC)
DOG = Annotation("u1", "scene", "animal", "ada", NOON, "d1g35t")


@pytest.fixture(params=["sqlite", "postgresql"])
def where(request, tmp_path):
    """A fresh database of each kind."""
    return tmp_path / "studium.db" if request.param == "sqlite" else request.getfixturevalue("postgresql").database()


def _python(code, *args):
    return subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(code), *map(str, args)], stdout=subprocess.PIPE, text=True
    )


def _config(connection):
    config = Config()
    config.set_main_option("script_location", "studium.core:migrations")
    config.attributes["connection"] = connection
    return config


def test_nothing_yet(where):
    with Records(where) as records:
        assert records.annotate([]) == 0
        assert records.annotations() == []
        assert records.audit() == []


@pytest.mark.parametrize(
    "value",
    ["animal", "", "Ünïcode 犬 🐕 \\ ' \" \n \u0001", 3.0, 0.1, -1e300, 5e-324, None, [], ["a", "b"], 2**53],
)
def test_a_value_comes_back_as_it_was(where, value):
    with Records(where) as records:
        assert records.annotate([replace(DOG, value=value, note="näher\nansehen", weight=12.5)]) == 1
    with Records(where) as records:
        [back] = records.annotations()
    assert back == replace(DOG, value=value, note="näher\nansehen", weight=12.5)
    assert type(back.value) is type(value)


def test_a_time_is_kept_to_the_microsecond_in_utc(where):
    newfoundland = NOON.astimezone(timezone(-timedelta(hours=3, minutes=30)))
    with Records(where) as records:
        records.annotate([replace(DOG, at=newfoundland)])
        [back] = records.annotations()
    assert back.at == NOON
    assert back.at.utcoffset() == timedelta(0)


def test_filters_and_order(where):
    rows = [
        replace(DOG, unit=unit, variable=variable, coder=coder)
        for unit in ("u2", "u1")
        for variable in ("scene", "mood")
        for coder in ("bo", "ada")
    ]
    with Records(where) as records:
        records.annotate(rows)
        assert records.annotations() == rows
        assert records.annotations(variable="mood") == [row for row in rows if row.variable == "mood"]
        assert records.annotations(coder="ada", unit="u1") == [rows[5], rows[7]]
        assert records.annotations(variable="' OR 1=1 --") == []


def test_recoding_counts_and_the_earlier_code_is_kept(where):
    later = replace(DOG, value="person", at=NOON + timedelta(minutes=1), variable_digest="n3w")
    other = replace(DOG, coder="bo")
    with Records(where) as records:
        records.annotate([later])
        records.annotate([DOG, other])  # an import may bring the earlier one last
        assert records.annotations() == [later, other]
        assert records.annotations(history=True) == [later, DOG, other]
        same_time = replace(later, value="food")
        records.annotate([same_time])
        assert records.annotations(coder="ada") == [same_time]


def test_one_bad_annotation_and_none_is_added(where):
    bad = [{"note": "a\0b"}, {"note": "\ud800"}, {"coder": "a\0"}, {"value": float("nan")}, {"value": {1, 2}},
           {"value": ["\ud800"]}]  # fmt: skip
    with Records(where) as records:
        for changes in bad:
            with pytest.raises(InputError, match="expected"):
                records.annotate([DOG, replace(DOG, unit="u2", **changes)])
        assert records.annotations() == []


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"coder": ""}, "coder is empty"),
        ({"unit": ""}, "unit is empty"),
        ({"variable_digest": ""}, "variable_digest is empty"),
        ({"at": datetime(2026, 1, 1)}, "time zone"),
        ({"weight": 0.1}, "1 / P"),
        ({"weight": float("inf")}, "1 / P"),
        ({"weight": float("nan")}, "1 / P"),
    ],
)
def test_annotations_that_say_too_little(changes, message):
    with pytest.raises(InputError, match=message):
        replace(DOG, **changes)


def test_the_audit_log(where):
    with Records(where) as records:
        records.log("ada", "export", {"rows": 3, "fields": ["bild", "größe"]})
        records.log("bo", "gate")
        assert [(e.who, e.what, e.detail) for e in records.audit()] == [
            ("ada", "export", {"rows": 3, "fields": ["bild", "größe"]}),
            ("bo", "gate", {}),
        ]
        [entry] = records.audit("export")
        assert abs(datetime.now(UTC) - entry.at) < timedelta(minutes=1)
        with pytest.raises(InputError):
            records.log("ada", "export", {"when": NOON})


# --- schema


def test_the_revisions_lead_to_the_tables(where):
    assert ScriptDirectory.from_config(_config(None)).get_current_head() == tables.HEAD
    with Records(where) as records, records.transaction() as connection:
        context = MigrationContext.configure(connection, opts={"version_table": tables.VERSION_TABLE})
        assert compare_metadata(context, tables.metadata) == []


OLD = ("unit", "variable", "variable_digest", "value", "coder", "at", "weight", "note")


@pytest.mark.parametrize("revision", ["0001", "0002", "0003"])
def test_an_older_schema_is_migrated_and_keeps_its_rows(where, revision):
    rows = [replace(DOG, unit=f"u{number}", value=[str(number)], note="ö" * (number % 2)) for number in range(20)]
    engine = module._engine(where)
    with engine.begin() as connection:
        command.upgrade(_config(connection), revision)
        assert sa.inspect(connection).has_table("audit") == (revision >= "0002")
        assert sa.inspect(connection).has_table("samples") == (revision >= "0003")
        old = sa.table("annotations", *(sa.column(c.name, c.type) for c in tables.annotations.c if c.name in OLD))
        connection.execute(old.insert(), [{name: row[name] for name in OLD} for row in map(_row, rows)])
    engine.dispose()
    with Records(where) as records:
        assert records.annotations() == rows
        records.log("ada", "upgrade")
        assert len(records.audit()) == 1
        assert records.annotate([replace(DOG, unit="new", key="k", withdrawn=True)]) == 1
        assert len(records.annotations(history=True)) == 21


def test_a_newer_schema_is_refused_and_left_alone(where):
    with Records(where) as records:
        records.annotate([DOG])
        with records.transaction() as connection:
            connection.exec_driver_sql(f"UPDATE {tables.VERSION_TABLE} SET version_num = '9999'")
    newer = rf"expected schema {tables.HEAD} or older, got 9999.*newer studium.*--upgrade"
    with pytest.raises(StoreError, match=newer):
        Records(where)
    engine = module._engine(where)
    with engine.connect() as connection:
        assert module._revision(connection) == "9999"
    engine.dispose()


def test_a_failing_migration_leaves_nothing_behind(where):
    engine = module._engine(where)
    with engine.begin() as connection:
        connection.exec_driver_sql("CREATE TABLE audit (mine INTEGER)")  # revision 0002 will stumble over it
    with pytest.raises(StoreError, match="audit"):
        Records(where)
    with engine.connect() as connection:
        assert sa.inspect(connection).get_table_names() == ["audit"]
    engine.dispose()


# --- files


def test_sqlite_is_set_up_for_several_writers(tmp_path):
    with Records(tmp_path / "100% of ?#'ö.db") as records, records.transaction(reading=True) as connection:
        pragmas = ("journal_mode", "foreign_keys", "synchronous", "busy_timeout")
        got = [connection.exec_driver_sql(f"PRAGMA {name}").scalar() for name in pragmas]
    assert got == ["wal", 1, 2, 30_000]
    assert (tmp_path / "100% of ?#'ö.db").exists()


def test_files_that_cannot_be_used(tmp_path):
    (tmp_path / "notes.db").write_text("this is no database, " * 100)
    with pytest.raises(StoreError, match="not a database"):
        Records(tmp_path / "notes.db")
    with pytest.raises(StoreError, match="unable to open"):
        Records(tmp_path / "no" / "folder" / "studium.db")
    with pytest.raises(InputError, match=r"got a mysql:// URL"):
        Records("mysql://user:secret@host/db")
    with pytest.raises(InputError, match="postgresql://user@host/name") as caught:
        Records("postgresql://user:secret@host:port/db")
    assert "secret" not in str(caught.value)


def test_a_writer_that_never_ends_is_reported(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "BUSY_SECONDS", 0.1)
    with (
        Records(tmp_path / "studium.db") as records,
        records.transaction(),
        Records(tmp_path / "studium.db") as second,
    ):
        assert second.annotations() == []  # readers do not wait
        with pytest.raises(BusyError, match="another process has been writing"):
            second.annotate([DOG])


def test_the_extra_is_named(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "sqlalchemy", None)
    with pytest.raises(MissingExtraError, match=r"sqlalchemy.*studium\[coding\]"):
        Records(tmp_path / "studium.db")


def test_the_extra_for_postgresql_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "psycopg", None)
    with pytest.raises(MissingExtraError, match=r"psycopg.*studium\[postgres\]"):
        Records("postgresql://localhost/none")


# --- processes

WRITER = """
    import sys
    from datetime import UTC, datetime
    from studium.core.annotation import Annotation
    from studium.core.records import Records
    where, coder, batches, size = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
    with Records(where) as records:
        for batch in range(batches):
            at = datetime.now(UTC)
            records.annotate(Annotation(f"{batch}-{i}", "scene", "animal", coder, at, "d") for i in range(size))
            print(batch + 1, flush=True)
"""


def test_processes_open_create_and_write_at_once(where):
    writers = [_python(WRITER, where, f"coder{number}", 30, 20) for number in range(4)]
    assert [(writer.communicate(timeout=60), writer.returncode)[1] for writer in writers] == [0, 0, 0, 0]
    with Records(where) as records:
        assert [len(records.annotations(coder=f"coder{number}")) for number in range(4)] == [600] * 4


def test_kill_9_loses_nothing_committed_and_leaves_no_half_batch(where):
    committed = 0
    for round_ in range(3):
        with _python(WRITER, where, f"coder{round_}", 1_000_000, 500) as writer:
            for _ in range(3 + round_):
                committed += bool(writer.stdout.readline())
            writer.send_signal(signal.SIGKILL)
            committed += len(writer.stdout.readlines())
        assert writer.returncode == -signal.SIGKILL
        with Records(where) as records:
            batches, rest = divmod(len(records.annotations()), 500)
        assert rest == 0
        assert committed <= batches <= committed + 1 + round_  # one batch a round may be committed and not yet told
    if isinstance(where, Path):
        with sqlite3.connect(where) as connection:
            assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        connection.close()


def test_the_base_install_can_import_the_module():
    code = """
        import sys
        import studium.core.records, studium.core.annotation
        print([name for name in ("sqlalchemy", "alembic", "pyarrow", "numpy") if name in sys.modules])
    """
    assert _python(code).communicate(timeout=60)[0].strip() == "[]"
