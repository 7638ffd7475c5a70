"""Types by content: real files, and what pretends to be one."""

from pathlib import Path

import pytest

from studium.core.suffixes import SUFFIXES, kind_of
from studium.run.download.sniff import HEAD, Type, described, sniff

OGG = b"OggS\0\x02" + bytes(22)
ISO = b"\0\0\0\x20ftyp"


def test_nothing_is_no_type() -> None:
    assert sniff(b"") is None
    assert described(b"") == "nothing"


def test_real_pictures(photos: Path, heic: Path) -> None:
    files = [path for folder in (photos, heic) for path in folder.iterdir() if kind_of(path) == "image"]
    assert len(files) > 5
    for path in files:
        found = sniff(path.read_bytes()[:HEAD])
        assert found is not None, path
        assert found.kind == "image"
        assert {found.suffix, path.suffix} <= {".jpg", ".jpeg"} or found.suffix == path.suffix, path


@pytest.mark.parametrize(
    ("head", "suffix"),
    [
        (ISO + b"isom", ".mp4"), (ISO + b"qt  ", ".mov"), (ISO + b"M4A ", ".m4a"), (ISO + b"3gp4", ".3gp"),
        (ISO + b"avif", ".avif"), (b"\0\0\0\x08wide", ".mov"),
        (b"\x1aE\xdf\xa3" + bytes(20) + b"webm", ".webm"), (b"\x1aE\xdf\xa3" + bytes(20) + b"matroska", ".mkv"),
        (b"RIFF\0\0\0\0AVI LIST", ".avi"), (b"RIFF\0\0\0\0WAVEfmt ", ".wav"), (b"RIFF\0\0\0\0WEBPVP8 ", ".webp"),
        (b"FLV\x01\x05", ".flv"), (b"\x30\x26\xb2\x75\x8e\x66\xcf\x11", ".wmv"), (b"\0\0\x01\xba\x44", ".mpg"),
        ((b"\x47" + bytes(187)) * 3, ".mts"), (b"fLaC\0", ".flac"), (b"ID3\x04", ".mp3"), (b"\xff\xfb\x90\x64", ".mp3"),
        (b"\xff\xf1\x50\x80", ".aac"), (OGG + b"\x01vorbis", ".ogg"), (OGG + b"OpusHead", ".opus"),
        (OGG + b"\x80theora", ".ogv"), (b"FORM\0\0\0\0AIFF", ".aiff"), (b"GIF89a", ".gif"),
        (b"BM" + bytes(12) + (40).to_bytes(4, "little"), ".bmp"),
    ],
)  # fmt: skip
def test_magic_bytes(head: bytes, suffix: str) -> None:
    found = sniff(head.ljust(100, b"\0"))
    assert found is not None
    assert found.suffix == suffix
    assert kind_of("a" + suffix) == found.kind


def test_every_suffix_is_one_that_a_folder_knows() -> None:
    for kind, known in SUFFIXES.items():
        for suffix in known:
            assert kind_of(f"a.{suffix}") == kind


@pytest.mark.parametrize(
    ("head", "what"),
    [
        (b"\xef\xbb\xbf\n <!DOCTYPE HTML>", "a web page (HTML)"), (b'{"a": 1}', "JSON"),
        (b"#EXTM3U\n", "a playlist (HLS)"),
        (b"<svg xmlns=", "a drawing (SVG)"), (b"%PDF-1.7", "a PDF"), (b"PK\x03\x04", "a ZIP archive"),
        (b"BMW drivers are", "an unknown format"), ("\ufeffUTF-16".encode("utf-16-le"), "an unknown format"),
        (b"GET / HTTP", "an unknown format"), (b"\xff\xff\xff\xff", "an unknown format"),
        (bytes(1024), "an unknown format"),
    ],
)  # fmt: skip
def test_what_is_no_medium(head: bytes, what: str) -> None:
    assert sniff(head) is None
    assert described(head) == what


def test_containers_that_hold_sound_or_pictures_fit_both() -> None:
    assert Type("video", ".mp4").fits("audio")
    assert Type("audio", ".ogg").fits("video")
    assert Type("image", ".png").fits(None)
    assert not Type("image", ".png").fits("video")
    assert not Type("audio", ".mp3").fits("video")
    assert not Type("video", ".avi").fits("audio")
