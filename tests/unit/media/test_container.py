"""Opening files: the right error for each that is no video or sound, and one clock for all streams."""

import os
import sys
from fractions import Fraction
from pathlib import Path

import hostile
import hostile_video
import pytest

from studium.errors import (
    EmptyFileError,
    MissingExtraError,
    NoStreamError,
    TruncatedFileError,
    UnknownFormatError,
    UnreadableFileError,
)
from studium.media.container import ends_before, open_container, packets_from, packets_of, start_of, stream_of

Films = tuple[Path, dict[str, str]]


def test_an_empty_file(films: Films) -> None:
    with pytest.raises(EmptyFileError, match=r"empty.mp4: the file is empty"), open_container(films[0] / "empty.mp4"):
        pass


@pytest.mark.parametrize("name", ["text.mp4", "playlist.mp4"])
def test_no_media(films: Films, name: str) -> None:
    with pytest.raises(UnknownFormatError, match="no video or sound"):
        open_container(films[0] / name)


def test_text_and_pictures_are_refused_by_their_content(tmp_path: Path) -> None:
    hostile.make(tmp_path / "zoo")
    for name in ("alpha.png", "cmyk.jpg"):
        with pytest.raises(UnknownFormatError, match="no video or sound"):
            open_container((tmp_path / "zoo" / name).rename(tmp_path / f"{name}.mp4"))
    (tmp_path / "notes.txt").write_text("words " * 100)
    with pytest.raises(UnknownFormatError, match="tty"):
        open_container(tmp_path / "notes.txt")


@pytest.mark.parametrize(
    "form", ["ffconcat version 1.0\nfile {}\n", "#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:9,\n{}\n"]
)
def test_a_list_of_other_files_is_not_followed(films: Films, tmp_path: Path, form: str) -> None:
    path = tmp_path / "list.mp4"
    path.write_text(form.format(films[0] / "plain.mp4"))
    with pytest.raises(UnknownFormatError):
        open_container(path)


def test_a_header_that_was_cut_off(films: Films) -> None:
    with pytest.raises(TruncatedFileError, match="header is broken or incomplete"):
        open_container(films[0] / "header_lost.mp4")


def test_what_cannot_be_read(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.mp4")
    for path, reason in [
        (tmp_path / "none.mp4", "No such file"),
        (tmp_path, "not a regular file"),
        (tmp_path / "pipe.mp4", "not a regular file"),
        (Path("http://127.0.0.1/a.mp4"), "No such file"),
        (Path("a\0.mp4"), "null"),
    ]:
        with pytest.raises(UnreadableFileError, match=reason):
            open_container(path)


def test_without_the_extra(monkeypatch: pytest.MonkeyPatch, films: Films) -> None:
    monkeypatch.setitem(sys.modules, "av", None)
    with pytest.raises(MissingExtraError, match=r"studium\[video\]"):
        open_container(films[0] / "plain.mp4")


def test_streams(films: Films, tmp_path: Path) -> None:
    with (
        open_container(films[0] / "silent.mp4") as container,
        pytest.raises(NoStreamError, match=r"silent.mp4.* has no sound"),
    ):
        stream_of(container, "audio")
    with open_container(films[0] / "sound.m4a") as container, pytest.raises(NoStreamError, match="has no pictures"):
        stream_of(container, "video")
    with open_container(films[0] / "plain.mkv") as container:
        assert stream_of(container, "video").codec_context.name == "h264"
        assert stream_of(container, "audio").codec_context.name == "aac"


@pytest.mark.parametrize(("name", "first"), [
    ("plain.mp4", Fraction(0)), ("late_pictures.mp4", Fraction(0)), ("late_sound.mkv", Fraction(0)),
    ("open_groups.ts", Fraction(8, 100)), ("endless.webm", Fraction(0)),
])  # fmt: skip
def test_the_first_instant(films: Films, name: str, first: Fraction) -> None:
    with open_container(films[0] / name) as container:
        assert start_of(container) == first


def test_packets_from_a_keyframe(films: Films) -> None:
    with open_container(films[0] / "open_groups.mkv") as container:
        stream = stream_of(container, "video")
        stamps = sorted(packet.pts for packet in packets_of(container, stream))
        for target in stamps[20:]:
            packets = packets_from(container, stream, target)
            assert packets is not None
            first = next(packets)
            assert first.is_keyframe
            assert target - 480 < first.pts <= target


def test_a_file_that_was_cut_off_is_shorter_than_it_says(films: Films) -> None:
    for name, cut in (("cut.mp4", True), ("plain.mp4", False), ("offset.ts", False), ("endless.webm", False)):
        with open_container(films[0] / name) as container:
            stream = stream_of(container, "video")
            end = max(packet.pts + packet.duration for packet in packets_of(container, stream))
            assert ends_before(container, stream, end) is cut, name


def test_every_case_of_the_zoo_has_its_error(films: Films) -> None:
    errors = {expected for expected in films[1].values() if expected != "ok"}
    assert errors == {
        "DamagedStreamError", "EmptyFileError", "NoStreamError", "TruncatedFileError", "UnknownFormatError"
    }  # fmt: skip
    assert set(films[1]) == set(hostile_video.FILES)
