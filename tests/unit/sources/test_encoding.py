"""Encodings: right, or refused; never silently wrong."""

import codecs
from pathlib import Path

import pytest

from studium.errors import SourceError
from studium.sources.encoding import detect, is_clean

GERMAN = 'id,text\n1,"Grüße aus Köln – „schön“ für 5 €"\n'
PLAIN = "id,text\n1,Grüße aus Köln\n"


@pytest.mark.parametrize(
    ("data", "codec"),
    [
        (b"", "utf-8"),
        (b"id,text\n", "utf-8"),
        (GERMAN.encode(), "utf-8"),
        (GERMAN.encode("utf-8-sig"), "utf-8-sig"),
        (GERMAN.encode("utf-16"), "utf-16"),
        (codecs.BOM_UTF16_BE + GERMAN.encode("utf-16-be"), "utf-16"),
        (GERMAN.encode("utf-16-le"), "utf-16-le"),
        (GERMAN.encode("utf-16-be"), "utf-16-be"),
        (GERMAN.encode("utf-32"), "utf-32"),
        (GERMAN.encode("cp1252"), "cp1252"),
        (PLAIN.encode("latin-1"), "latin-1"),
        ("id,text\n1,写真😀\n".encode(), "utf-8"),
        ("id,text\n1,写真\n".encode("utf-16-le"), "utf-16-le"),
    ],
)
def test_the_codec_is_found_and_reads_the_text_back(tmp_path: Path, data: bytes, codec: str) -> None:
    path = tmp_path / "posts.csv"
    path.write_bytes(data)
    assert detect(path) == codec
    assert "Ã" not in data.decode(codec)
    assert "\0" not in data.decode(codec)


@pytest.mark.parametrize(
    ("text", "codec"),
    [
        ("1,Привет мир", "cp1251"),
        ("1,Καλημέρα κόσμε", "cp1253"),
        ("1,こんにちは世界", "shift_jis"),
        ("1,你好，世界", "gb18030"),
    ],
)
def test_other_scripts_are_refused_rather_than_garbled(tmp_path: Path, text: str, codec: str) -> None:
    path = tmp_path / "posts.csv"
    path.write_bytes(f"id,text\n{text}\n".encode(codec))
    with pytest.raises(SourceError, match='encoding="cp1251"'):
        detect(path)


def test_one_damaged_byte_does_not_turn_utf8_into_something_else(tmp_path: Path) -> None:
    path = tmp_path / "posts.csv"
    path.write_bytes(GERMAN.encode() + b"2,caf\xe9\n")
    assert detect(path) == "utf-8"


def test_a_character_across_a_chunk_boundary_is_whole(tmp_path: Path) -> None:
    path = tmp_path / "posts.csv"
    path.write_bytes(b"x" * ((1 << 20) - 1) + "é€😀".encode())
    assert detect(path) == "utf-8"


@pytest.mark.parametrize(("text", "clean"), [("", True), ("a😀", True), ("\ud83d", False), ("caf\udce9", False)])
def test_damaged_text_is_recognised(text: str, clean: bool) -> None:
    assert is_clean(text) is clean
