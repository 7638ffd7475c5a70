"""Tables of posts: empty, one, many, hostile."""

import csv
import json
from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from studium import Corpus, sources
from studium.core.protocols import Found, Link, Loss, Note, Place
from studium.core.unit import Unit, post_id
from studium.errors import SourceError


def found(path: Path, **options: Any) -> list[Found]:
    return list(sources.posts(path, **options))


def metas(items: Sequence[Found]) -> list[dict[str, Any]]:
    return [dict(item.meta) for item in items if isinstance(item, Unit)]


def losses(items: Sequence[Found]) -> list[Loss]:
    return [item for item in items if isinstance(item, Loss)]


def notes(items: Sequence[Found]) -> dict[str, str]:
    return {item.about: item.value for item in items if isinstance(item, Note)}


def write(folder: Path, text: str, name: str = "posts.csv", encoding: str = "utf-8") -> Path:
    path = folder / name
    path.write_bytes(text.encode(encoding))
    return path


# --- what cannot be a table, and empty ones


@pytest.mark.parametrize("name", ["posts.csv", "posts.jsonl", "posts.parquet"])
def test_a_missing_table_says_what_to_do(tmp_path: Path, name: str) -> None:
    with pytest.raises(SourceError, match="there is no such file; check the path"):
        found(tmp_path / name)


def test_files_that_are_no_tables_are_refused(tmp_path: Path) -> None:
    for name, what in {
        "posts.xlsx": r"cannot read \.xlsx",
        "posts.parquet": "not a Parquet file",
        "posts.csv": "is empty",
    }.items():
        with pytest.raises(SourceError, match=what):
            found(write(tmp_path, "" if name == "posts.csv" else "no", name))
    with pytest.raises(SourceError, match="it is a folder"):
        found(tmp_path)


def test_tables_without_rows_are_empty(tmp_path: Path) -> None:
    assert found(write(tmp_path, "id,text\n")) == [Note("posts", "0")]
    assert found(write(tmp_path, "\n", "posts.jsonl")) == [Note("posts", "0")]
    pq.write_table(
        pa.table({"id": pa.array([], pa.string()), "text": pa.array([], pa.string())}), tmp_path / "p.parquet"
    )
    assert found(tmp_path / "p.parquet") == [Note("posts", "0")]


def test_a_missing_column_is_named_with_what_there_is(tmp_path: Path) -> None:
    path = write(tmp_path, "post_id,caption\n1,a\n")
    with pytest.raises(
        SourceError, match=r"no column 'postid' for id; it has post_id, caption; did you mean 'post_id'\?"
    ):
        found(path, id="postid", text="caption")
    with pytest.raises(SourceError, match="no column 'text' for text"):
        found(path, id="post_id")
    assert metas(found(path, id="post_id", text=""))[0]["text"] == ""


def test_two_columns_of_one_name_are_refused(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="two columns are called 'likes'"):
        found(write(tmp_path, "id,text,likes,likes\n1,a,2,3\n"))


# --- one


def test_one_post_with_everything(tmp_path: Path) -> None:
    path = write(
        tmp_path,
        "id,text,author,language,region,date,likes,score,pinned,zip,note\n"
        '00123,"two\nlines, ""quoted""",Ann,pt_BR,BR,2018-10-10T22:19:24+02:00,7,0.5,true,01234,\n',
    )
    items = found(path, namespace="platform")
    unit, note = items
    assert isinstance(unit, Unit)
    assert (unit.id, unit.kind) == (post_id("00123", "platform"), "post")
    assert unit.meta == {
        "id": "00123", "text": 'two\nlines, "quoted"', "author": "Ann", "language": "pt-br", "region": "BR",
        "date": "2018-10-10T20:19:24+00:00", "likes": 7, "score": 0.5, "pinned": True, "zip": "01234", "note": None,
    }  # fmt: skip
    assert note == Note("posts", "1")
    assert found(path, namespace="platform") == items


def test_csv_json_and_parquet_say_the_same(tmp_path: Path) -> None:
    rows = [
        {"id": "1", "text": "Grüße 😀", "date": "2020-01-01", "likes": 3, "score": 0.25, "name": "a"},
        {"id": "2", "text": "", "date": None, "likes": None, "score": None, "name": "1e5x"},
    ]
    with (tmp_path / "p.csv").open("w", newline="", encoding="utf-8") as file:
        table = csv.DictWriter(file, rows[0].keys())
        table.writeheader()
        table.writerows(rows)
    write(tmp_path, "\n".join(json.dumps(row) for row in rows), "p.jsonl")
    pq.write_table(pa.Table.from_pylist(rows), tmp_path / "p.parquet")
    expected = metas(found(tmp_path / "p.csv"))
    assert expected[0]["likes"] == 3
    assert metas(found(tmp_path / "p.jsonl")) == expected
    assert metas(found(tmp_path / "p.parquet")) == expected


# --- CSV


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "cp1252"])
def test_every_delimiter_in_every_encoding(tmp_path: Path, delimiter: str, encoding: str) -> None:
    text = "\r\n".join(delimiter.join(row) for row in (["id", "text"], ["1", "“Grüße”: a, b"], ["2", ""]))
    text = text.replace("“Grüße”: a, b", '"“Grüße”: a, b"')
    items = found(write(tmp_path, text, encoding=encoding))
    assert [meta["text"] for meta in metas(items)] == ["“Grüße”: a, b", ""]
    assert ("encoding" in notes(items)) is (encoding in {"utf-16", "utf-16-le", "cp1252"})


def test_an_encoding_can_be_given_and_a_wrong_one_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path, "id,text\n1,Привет\n", encoding="cp1251")
    assert metas(found(path, encoding="cp1251"))[0]["text"] == "Привет"
    with pytest.raises(SourceError, match="neither UTF-8 nor"):
        found(path)
    with pytest.raises(SourceError, match="not ascii, or damaged"):
        found(path, encoding="ascii")
    with pytest.raises(SourceError, match="unknown encoding 'cp9999'"):
        found(path, encoding="cp9999")


def test_bad_rows_are_losses_with_their_line_and_the_others_are_kept(tmp_path: Path) -> None:
    path = tmp_path / "posts.csv"
    path.write_bytes(
        b"id,text,likes\n1,ok,1\n2,short\n3,too,many,3\n4,fine,4,,\n\n"
        + b"5,caf\xe9,5\n6,\xc3\xa9\xc3\xa9,6\n" + b'7,"a"b,7\n8,ok,8\n,no id,9\n'
    )  # fmt: skip
    items = found(path)
    assert [meta["id"] for meta in metas(items)] == ["1", "4", "6", "8"]
    assert [loss.where.rpartition(", ")[2] for loss in losses(items)] == [f"line {n}" for n in (3, 4, 7, 9, 11)]
    assert {loss.error for loss in losses(items)} == {"SourceError"}
    assert [meta["likes"] for meta in metas(items)] == [1, 4, 6, 8]


def test_a_quote_that_never_closes_says_how_much_is_lost(tmp_path: Path) -> None:
    items = found(write(tmp_path, 'id,text\n1,a\n2,"open\n3,b\n4,c\n'))
    assert [meta["id"] for meta in metas(items)] == ["1"]
    (loss,) = losses(items)
    assert "line 3" in loss.where
    assert "to line 5, all of it lost" in loss.message


def test_a_very_long_text_is_whole(tmp_path: Path) -> None:
    (meta,) = metas(found(write(tmp_path, f"id,text\n1,{'x' * 300_000}\n")))
    assert len(meta["text"]) == 300_000


def test_columns_called_like_ours_are_kept_beside_them(tmp_path: Path) -> None:
    items = found(write(tmp_path, ",post_id,id,text\n0,77,1,a\n"), id="post_id")
    assert metas(items)[0] == dict.fromkeys(("author", "language", "region", "date")) | {
        "id": "77", "text": "a", "id_column": 1, "column_1": 0,
    }  # fmt: skip
    assert notes(items)["column id is kept as"] == "id_column"


def test_a_column_called_unit_does_not_replace_the_ids_of_units(tmp_path: Path) -> None:
    items = found(write(tmp_path, "id,text,unit,unit_column\n1,a,kg,x\n"))
    (meta,) = metas(items)
    assert (meta["unit_column"], meta["unit_column_column"]) == ("kg", "x")
    assert "unit" not in meta
    assert notes(items)["column unit is kept as"] == "unit_column"
    corpus = Corpus(tmp_path / "study")
    corpus.add(sources.posts(tmp_path / "posts.csv"))
    posts = corpus.posts()
    assert posts["unit"].to_pylist() == corpus.units("post")["id"].to_pylist() == [post_id("1")]
    assert posts["unit_column"].to_pylist() == ["kg"]


cells = st.text(st.characters(codec="utf-8", exclude_characters="\0"))


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(cells, cells)), st.sampled_from(",;\t|"))
def test_what_csv_writes_is_what_is_read(tmp_path: Path, rows: list[tuple[str, str]], delimiter: str) -> None:
    with (tmp_path / "p.csv").open("w", newline="", encoding="utf-8") as file:
        table = csv.writer(file, delimiter=delimiter)
        table.writerows([("id", "text", "note"), *((i, *row) for i, row in enumerate(rows))])
    got = metas(found(tmp_path / "p.csv"))
    assert [meta["text"] for meta in got] == [text for text, _ in rows]
    assert [str(meta["note"] or "") for meta in got if isinstance(meta["note"], str)] == [
        note for meta, (_, note) in zip(got, rows, strict=True) if isinstance(meta["note"], str)
    ]


# --- JSON Lines and Parquet


def test_json_lines_nest_break_and_mix(tmp_path: Path) -> None:
    lines = [
        '{"id": 9007199254740993, "text": "a", "user": {"name": "Ann"}, "tags": ["x"], "n": 1}',
        "", '{"id": 2, "text": ', "[1]", '{"id": 3, "text": "a", "text": "b"}', '{"id": 4, "text": "\\ud83d"}',
        '{"id": 5, "text": "b", "n": "many"}', '{"id": 6, "text": NaN}',
    ]  # fmt: skip
    items = found(write(tmp_path, "\n".join(lines), "posts.ndjson"), author="user.name")
    assert [(meta["id"], meta["author"], meta["tags"], meta["n"]) for meta in metas(items)] == [
        ("9007199254740993", "Ann", '["x"]', "1"),
        ("5", None, None, "many"),
    ]
    assert [loss.where.rpartition(", ")[2] for loss in losses(items)] == [f"line {n}" for n in (3, 4, 5, 6, 8)]
    assert notes(items)["column n: mixes types, kept as text"] == "int, str"


def test_parquet_types_are_kept_exactly(tmp_path: Path) -> None:
    table = pa.table(
        {
            "id": pa.array([2**62 + 1, 2], pa.int64()),
            "text": pa.array(["a", None]).dictionary_encode(),
            "date": pa.array([1_539_202_764_123_456_789, None], pa.timestamp("ns", "Europe/Berlin")),
            "price": pa.array([Decimal("0.10"), None], pa.decimal128(10, 2)),
            "day": pa.array([datetime(2020, 1, 2, tzinfo=UTC).date(), None]),
            "big": pa.array([2**64 - 1, 1], pa.uint64()),
            "nan": pa.array([float("nan"), 0.5]),
            "user": [{"name": "Ann"}, None],
            "tags": [["x", "y"], []],
        }
    )
    pq.write_table(table, tmp_path / "p.parquet")
    first, second = metas(found(tmp_path / "p.parquet"))
    assert first == {
        "id": str(2**62 + 1), "text": "a", "author": None, "language": None, "region": None,
        "date": "2018-10-10T20:19:24.123456789+00:00", "price": "0.10", "day": "2020-01-02", "big": str(2**64 - 1),
        "nan": None, "user.name": "Ann", "tags": '["x", "y"]',
    }  # fmt: skip
    assert (second["text"], second["date"], second["nan"], second["big"]) == ("", None, 0.5, "1")


def test_a_truncated_parquet_file_is_refused(tmp_path: Path) -> None:
    pq.write_table(pa.table({"id": ["1"], "text": ["a"]}), tmp_path / "p.parquet")
    data = (tmp_path / "p.parquet").read_bytes()
    (tmp_path / "p.parquet").write_bytes(data[: len(data) // 2])
    with pytest.raises(SourceError, match="export it again"):
        found(tmp_path / "p.parquet")


# --- ids


def test_ids_are_text_and_damaged_ones_are_losses(tmp_path: Path) -> None:
    ids = ["1050118621198921728", "007", " 8 ", "1.05012E+18", "1e17", "", "abc"]
    items = found(write(tmp_path, "id,text\n" + "".join(f"{i},a\n" for i in ids)))
    assert [meta["id"] for meta in metas(items)] == ["1050118621198921728", "007", "8", "abc"]
    assert ["lost digits" in loss.message for loss in losses(items)] == [True, True, False]


def test_float_ids_are_used_only_while_they_are_exact(tmp_path: Path) -> None:
    pq.write_table(pa.table({"id": [12.0, 1.05e18, 0.5, None], "text": list("abcd")}), tmp_path / "p.parquet")
    items = found(tmp_path / "p.parquet")
    assert [meta["id"] for meta in metas(items)] == ["12"]
    assert len(losses(items)) == 3


def test_ids_that_a_spreadsheet_rounded_are_noted(tmp_path: Path) -> None:
    items = found(write(tmp_path, "id,text\n1050118621198920000,a\n1050118621198930000,b\n"))
    assert "spreadsheets round" in notes(items)["ids look rounded"]


def test_the_same_id_again_collapses_or_is_a_loss(tmp_path: Path) -> None:
    items = found(write(tmp_path, "id,text\n1,a\n1,a\n1,b\n2,c\n"))
    assert [meta["text"] for meta in metas(items)] == ["a", "c"]
    (loss,) = losses(items)
    assert (loss.where.rpartition(", ")[2], "stands in line 2 with other content" in loss.message) == ("line 4", True)
    assert notes(items)["rows that repeat a post"] == "1"


# --- media


def attached(items: Sequence[Found]) -> list[tuple[str, int]]:
    return [(item.path.name, item.position) for item in items if isinstance(item, Place)]


@pytest.mark.parametrize(
    ("cell", "names"),
    [
        ("", []),
        ("chelsea.png", ["chelsea.png"]),
        ("chelsea.png;coffee.png", ["chelsea.png", "coffee.png"]),
        ("chelsea.png|coffee.png", ["chelsea.png", "coffee.png"]),
        ("chelsea.png, coffee.png,", ["chelsea.png", "coffee.png"]),
        ('["coffee.png", "chelsea.png"]', ["coffee.png", "chelsea.png"]),
        ("a, b; c.jpg", ["a, b; c.jpg"]),
        (".\\chelsea.png", ["chelsea.png"]),
        ("cafe\u0301.jpg", ["caf\u00e9.jpg"]),
    ],
)
def test_media_cells(tmp_path: Path, photos: Path, cell: str, names: list[str]) -> None:
    for name in ("chelsea.png", "coffee.png"):
        (tmp_path / name).symlink_to(photos / name)
    for name in ("a, b; c.jpg", "caf\u00e9.jpg"):
        (tmp_path / name).write_bytes(b"x")
    path = write(tmp_path, "id,text,file\n1,a," + '"' + cell.replace('"', '""') + '"\n')
    items = found(path, media="file")
    assert attached(items) == list(zip(names, range(len(names)), strict=True))
    assert {item.post for item in items if isinstance(item, Place)} <= {post_id("1")}
    assert not losses(items)


def test_media_that_cannot_be_used_are_losses_and_keep_their_place(tmp_path: Path, photos: Path) -> None:
    (tmp_path / "folder.jpg").mkdir()
    (tmp_path / "text.txt").write_text("x")
    (tmp_path / "coffee.png").symlink_to(photos / "coffee.png")
    media = ["ftp://example.org/a.jpg", "gone.jpg", "folder.jpg", "text.txt", "x" * 5000, "nul\0.jpg", "coffee.png"]
    items = found(write(tmp_path, json.dumps({"id": 1, "text": "a", "media": media}), "p.jsonl"))
    assert attached(items) == [("coffee.png", 6)]
    assert [loss.error for loss in losses(items)] == ["UnreadableFileError"] * 3 + ["UnknownFormatError"] + [
        "UnreadableFileError"
    ] * 2
    assert "is no URL of the web" in losses(items)[0].message
    assert all("post '1'" in loss.where for loss in losses(items))


URL = "https://example.org/a,b.jpg?x=1,2"


@pytest.mark.parametrize(
    ("cell", "urls"),
    [
        (URL, [(URL, "image")]),
        (f"{URL}|https://example.org/v", [(URL, "image"), ("https://example.org/v", None)]),
        ("https://example.org/a.mp4,http://example.org/b.mp3#t=1", [
            ("https://example.org/a.mp4", "video"), ("http://example.org/b.mp3#t=1", "audio")]),
        (f"{URL}, https://example.org/v,", [(URL, "image"), ("https://example.org/v", None)]),
        (f"https://example.org/v, {URL}", [("https://example.org/v", None), (URL, "image")]),
        (f'["{URL}"]', [(URL, "image")]),
        ("chelsea.png;https://example.org/b.jpg", [("https://example.org/b.jpg", "image")]),
    ],
)  # fmt: skip
def test_urls_in_a_cell_are_links(tmp_path: Path, photos: Path, cell: str, urls: list[tuple[str, str | None]]) -> None:
    items = found(
        write(tmp_path, "id,text,file\n1,a," + '"' + cell.replace('"', '""') + '"\n'), media="file", root=photos
    )
    assert [(item.url, item.kind) for item in items if isinstance(item, Link)] == urls
    assert {item.post for item in items if isinstance(item, Link)} == {post_id("1")}
    media = [item for item in items if isinstance(item, Link | Place)]
    assert [item.position for item in media] == list(range(len(media)))
    assert not losses(items)


@pytest.mark.parametrize(
    "url", ["http://", "http:///a.jpg", "http://[::1/a.jpg", "http://a:b/c.jpg", "http://a/b c.jpg"]
)
def test_urls_that_nobody_could_ask_for_are_losses(tmp_path: Path, url: str) -> None:
    items = found(write(tmp_path, json.dumps({"id": 1, "text": "a", "media": [url]}), "p.jsonl"))
    assert [loss.error for loss in losses(items)] == ["UnreadableFileError"]


def test_rows_that_differ_only_in_their_media_are_one_post(tmp_path: Path, photos: Path) -> None:
    path = write(tmp_path, "id,text,file\n1,a,chelsea.png\n1,a,coffee.png\n1,a,coffee.png\n2,b,coffee.png\n")
    items = found(path, media="file", root=photos)
    assert len(metas(items)) == 2
    assert attached(items) == [("chelsea.png", 0), ("coffee.png", 1), ("coffee.png", 0)]
    assert notes(items)["rows that repeat a post"] == "1"


# --- dates and languages


def test_dates_are_decided_over_the_column(tmp_path: Path) -> None:
    items = found(write(tmp_path, "id,text,date\n1,a,03/04/2020\n2,b,13/04/2020\n3,c,\n4,d,soon\n"))
    assert [meta["date"] for meta in metas(items)] == ["2020-04-03", "2020-04-13", None, "soon"]
    assert notes(items)["dates read as"] == "day/month/year"
    assert notes(items)["dates not understood"] == "1 kept as written, such as 'soon'"


def test_hours_and_seconds_are_not_mixed_up(tmp_path: Path) -> None:
    items = found(write(tmp_path, "id,text,date\n1,a,2024050110\n2,b,2024050111\n"))
    assert [meta["date"] for meta in metas(items)] == ["2024050110", "2024050111"]
    assert "dates: seconds since 1970 or YYYYMMDDHH cannot be told" in notes(items)


def test_languages_are_normalised_and_unknown_ones_kept(tmp_path: Path) -> None:
    items = found(write(tmp_path, "id,text,language\n1,a,EN\n2,b,zh-Hant_TW\n3,c,English\n4,d,\n"))
    assert [meta["language"] for meta in metas(items)] == ["en", "zh-hant-tw", "English", None]
