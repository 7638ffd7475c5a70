"""Lists of URLs: empty, one, many, hostile."""

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from studium import sources
from studium.core.protocols import Found, Link, Loss, Note
from studium.errors import SourceError

A, B = "https://example.org/a.jpg", "http://example.org/watch?v=1,2"


def found(path: Path, text: str | None = None, **options: str) -> list[Found]:
    if text is not None:
        path.write_text(text, encoding="utf-8")
    return list(sources.urls(path, **options))


def test_empty_lists(tmp_path: Path) -> None:
    assert found(tmp_path / "a.txt", "") == [Note("URLs", "0")]
    assert found(tmp_path / "a.csv", "url\n") == [Note("URLs", "0")]
    assert found(tmp_path / "a.jsonl", "\n") == [Note("URLs", "0")]


def test_one_url(tmp_path: Path) -> None:
    assert found(tmp_path / "a.txt", A) == [Link(A, "image"), Note("URLs", "1")]


def test_a_list_with_everything(tmp_path: Path) -> None:
    text = f"\ufeff# media\n{A}\r\n\n  {B}  \n{A}\nwww.example.org/c.jpg\nftp://example.org/d.jpg\n"
    items = found(tmp_path / "a.txt", text)
    assert items[:2] == [Link(A, "image"), Link(B, None)]
    assert [loss.where.rpartition(", ")[2] for loss in items if isinstance(loss, Loss)] == ["line 6", "line 7"]
    assert items[-2:] == [Note("URLs", "2"), Note("URLs that are named again", "1")]


def test_a_column_of_a_table(tmp_path: Path) -> None:
    text = f'link,class\n"{A}",x\n"{B}|{A}",\n,y\nno,z\n'
    items = found(tmp_path / "a.csv", text, column="link", label="class")
    assert [item for item in items if isinstance(item, Link)] == [Link(A, "image", label="x"), Link(B)]
    assert [loss.message for loss in items if isinstance(loss, Loss)] == [
        "the column 'link' is empty", "'no' is no URL; write it with http:// or https://",
    ]  # fmt: skip


def test_parquet(tmp_path: Path) -> None:
    pq.write_table(pa.table({"url": [A, None, B]}), tmp_path / "a.parquet")
    items = found(tmp_path / "a.parquet")
    assert [item.url for item in items if isinstance(item, Link)] == [A, B]
    assert sum(isinstance(item, Loss) for item in items) == 1


@pytest.mark.parametrize(
    ("name", "text", "options", "why"),
    [
        ("gone.txt", None, {}, "check the path"),
        ("gone.csv", None, {}, "there is no such file"),
        ("a.xlsx", "x", {}, r"cannot read \.xlsx"),
        ("a.csv", "link\nx\n", {}, "no column 'url'; it has link"),
        ("a.csv", "url\nx\n", {"label": "class"}, "no column 'class'"),
        ("a.txt", "x", {"encoding": "klingon"}, "cannot be read as text"),
    ],
)
def test_what_is_no_list(tmp_path: Path, name: str, text: str | None, options: dict[str, str], why: str) -> None:
    with pytest.raises(SourceError, match=why):
        found(tmp_path / name, text, **options)
