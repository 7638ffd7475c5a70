"""A folder of originals becomes a folder of copies, once, whole, without names."""

import csv
import json
import os
import shutil
from pathlib import Path

import av
import numpy as np
import pytest
from hostile_video import cut, delayed, numbered, plain, turned, variable_rate, video
from PIL import Image

from studium.anonymise import Cover, anonymise
from studium.anonymise.journal import COLUMNS
from studium.anonymise.media import Film
from studium.errors import BusyError, InputError, StoreError
from studium.measure.centerface import find_faces
from studium.measure.cover import ROUNDS, Seen
from studium.media.image import decode
from studium.media.video import Video


@pytest.fixture(scope="session")
def face(photos):
    """A face with something around it: 200 x 200 of the astronaut."""
    return Image.fromarray(decode(photos / "astronaut.png")[0:220, 120:320]).resize((200, 220))


def log(to):
    with (to / "log.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def only(to):
    (path,) = (path for path in to.iterdir() if path.name != "log.csv")
    return path


def test_nothing_to_copy(tmp_path):
    report = anonymise([], tmp_path / "out")
    assert (report.entries, report.there, report.left_out) == ((), 0, {})
    assert (tmp_path / "out" / "log.csv").read_text().strip() == ",".join(COLUMNS)


def test_names_metadata_and_the_face_stay_behind(tmp_path, face):
    exif = Image.Exif()
    exif[271], exif[0x8825] = "a camera", {1: "N", 2: (52.0, 31.0, 0.0)}
    folder = tmp_path / "Ada Lovelace"
    folder.mkdir()
    face.save(folder / "ada at home.jpg", exif=exif, comment=b"Ada", quality=95, xmp=b"<x:xmpmeta>Ada</x:xmpmeta>")
    (folder / "notes.txt").write_text("Ada")
    (folder / "voice.mp3").write_bytes(b"ID3")
    report = anonymise([folder], tmp_path / "out")
    copy = only(tmp_path / "out")
    assert find_faces(decode(copy), 0.3) == []
    assert report.left_out == {"audio": 1, ".txt": 1}
    for path in (tmp_path / "out").iterdir():
        assert b"ada" not in path.read_bytes().lower()
        assert b"ada" not in path.name.encode().lower()
    with Image.open(copy) as image:
        assert set(image.info) <= {"jfif", "jfif_version", "jfif_unit", "jfif_density"}
        assert not image.getexif()
    (row,) = log(tmp_path / "out")
    assert (row["copy"], row["faces"], row["left"], row["error"]) == (copy.name, "1", "0", "")
    assert "not anonymous" in row["caution"]


def test_the_record_beside_the_folder_leads_back(tmp_path, face):
    face.save(tmp_path / "ada.png")
    anonymise([tmp_path / "ada.png"], tmp_path / "out")
    head, entry = map(json.loads, (tmp_path / "out.originals.jsonl").read_text().splitlines())
    assert "do not hand" in head["note"]
    assert entry["source"] == str(tmp_path / "ada.png")
    assert entry["copy"] == only(tmp_path / "out").name


def test_a_second_call_does_only_what_is_missing(tmp_path, face):
    (tmp_path / "in").mkdir()
    face.save(tmp_path / "in" / "one.png")
    shutil.copy(tmp_path / "in" / "one.png", tmp_path / "in" / "same.png")
    first = anonymise([tmp_path / "in"], tmp_path / "out")
    copy = only(tmp_path / "out")
    assert len(first.entries) == 2
    assert {entry.copy for entry in first.entries} == {copy.name}  # the same bytes are one copy
    before = copy.stat().st_mtime_ns
    face.transpose(Image.Transpose.FLIP_LEFT_RIGHT).save(tmp_path / "in" / "two.png")
    second = anonymise([tmp_path / "in"], tmp_path / "out")
    assert (second.there, len(second.entries)) == (2, 3)
    assert copy.stat().st_mtime_ns == before
    copy.unlink()
    anonymise([tmp_path / "in"], tmp_path / "out")  # a copy that is gone is made again, under its name
    assert copy.exists()
    assert len(log(tmp_path / "out")) == 2


def test_what_was_interrupted_goes_on(tmp_path, face):
    (tmp_path / "in").mkdir()
    for angle in range(4):
        face.rotate(angle).save(tmp_path / "in" / f"{angle}.png")

    class Stop(KeyboardInterrupt):
        pass

    def watch(title):
        def told(done, total):
            assert total == 4
            if done == 2:
                raise Stop

        return told

    with pytest.raises(Stop):
        anonymise([tmp_path / "in"], tmp_path / "out", watch=watch)
    with (tmp_path / "out.originals.jsonl").open("a") as file:
        file.write('{"source": "cut off as it was wri')
    (tmp_path / "out" / ".0123456789abcdef-01234567.tmp.png").write_bytes(b"half")
    (tmp_path / "out" / ".log.csv-01234567.tmp").write_bytes(b"half")
    report = anonymise([tmp_path / "in"], tmp_path / "out")
    assert report.there == 2
    assert len(report.entries) == 4
    assert not list((tmp_path / "out").glob(".*"))
    assert anonymise([tmp_path / "in"], tmp_path / "out").there == 4


@pytest.mark.parametrize("wrong", ["other file", "other settings", "inside", "record lost", "missing"])
def test_nothing_is_overwritten_or_mixed(tmp_path, face, wrong):
    source, to, cover = tmp_path / "in", tmp_path / "out", Cover()
    source.mkdir()
    face.save(source / "one.png")
    if wrong == "other file":
        to.mkdir()
        (to / "thesis.docx").write_text("years of work")
    elif wrong == "other settings":
        anonymise([source], to)
        cover = Cover(mode="blur")
    elif wrong == "inside":
        to = source / "out"
    elif wrong == "record lost":
        anonymise([source], to)
        (tmp_path / "out.originals.jsonl").unlink()
    else:
        source = tmp_path / "nowhere"
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    with pytest.raises(InputError, match="folder"):
        anonymise([source], to, cover)
    assert {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()} == before


def test_an_original_that_has_changed_has_a_copy_and_a_row_more(tmp_path, face):
    for angle in (0, 5):
        face.rotate(angle).save(tmp_path / "one.png")
        anonymise([tmp_path / "one.png"], tmp_path / "out")
    assert {row["copy"] for row in log(tmp_path / "out")} == {path.name for path in (tmp_path / "out").glob("*.png")}
    assert len(log(tmp_path / "out")) == 2


def test_copies_are_never_copied(tmp_path, face):
    (tmp_path / "in").mkdir()
    (tmp_path / "out").mkdir()
    face.save(tmp_path / "in" / "one.png")
    (tmp_path / "in" / "link").symlink_to(tmp_path / "out")
    for there in (0, 1):
        report = anonymise([tmp_path / "in"], tmp_path / "out")
        assert (len(report.entries), report.there, report.left_out["copies"]) == (1, there, there)
    assert anonymise([only(tmp_path / "out")], tmp_path / "out").entries == ()


def test_two_calls_do_not_write_into_one_folder(tmp_path, face):
    face.save(tmp_path / "one.png")

    def watch(title):
        with pytest.raises(BusyError, match="another call"):
            anonymise([tmp_path / "one.png"], tmp_path / "out")
        return lambda done, total: None

    assert anonymise([tmp_path / "one.png"], tmp_path / "out", watch=watch).failures == []
    with pytest.raises(InputError, match="other settings"):
        anonymise([tmp_path / "one.png"], tmp_path / "out", Cover("blur"))
    assert anonymise([tmp_path / "one.png"], tmp_path / "out").there == 1


def test_the_folder_that_one_is_in(tmp_path, face, monkeypatch):
    face.save(tmp_path / "one.png")
    (tmp_path / "out").mkdir()
    monkeypatch.chdir(tmp_path / "out")
    anonymise([tmp_path / "one.png"], ".")
    assert (tmp_path / "out.originals.jsonl").exists()
    assert len(list((tmp_path / "out").iterdir())) == 2


def test_a_folder_that_cannot_be_written_is_an_error_of_ours(tmp_path, face):
    face.save(tmp_path / "one.png")
    with pytest.raises(StoreError, match="cannot be written"):
        anonymise([tmp_path / "one.png"], tmp_path / "one.png" / "out")


def test_when_copies_were_made_tells_nothing_of_their_order(tmp_path, face):
    for number in range(2):
        face.rotate(number).save(tmp_path / f"{number}.png")
    anonymise([tmp_path / "0.png", tmp_path / "1.png"], tmp_path / "out")
    assert len({path.stat().st_mtime for path in (tmp_path / "out").glob("*.png")}) == 1


def test_what_no_encoder_takes_stops_nothing_else(tmp_path, face):
    wide = Image.new("RGB", (20_000, 20))
    wide.save(tmp_path / "wide.gif", save_all=True, append_images=[Image.new("RGB", wide.size, "red")], duration=100)
    face.save(tmp_path / "zoe.png")
    report = anonymise([tmp_path / "wide.gif", tmp_path / "zoe.png"], tmp_path / "out")
    assert [entry.error for entry in report.entries] == ["TooLargeError", ""]


class Breaking(Cover):
    """A detector that breaks on one picture, as libraries do."""

    def find(self, picture, threshold=None):
        if picture.shape == (9, 7, 3):
            raise ZeroDivisionError("seven by nine")
        return super().find(picture, threshold)


def test_whatever_breaks_on_one_picture_stops_nothing_else(tmp_path, face):
    Image.new("RGB", (7, 9)).save(tmp_path / "broken.png")
    face.save(tmp_path / "good.png")
    report = anonymise([tmp_path / "broken.png", tmp_path / "good.png"], tmp_path / "out", Breaking())
    assert [(entry.error, entry.message) for entry in report.failures] == [("ZeroDivisionError", "seven by nine")]
    assert len(list((tmp_path / "out").iterdir())) == 2


class BreakingLate(Cover):
    """A detector that breaks on what was written."""

    def remaining(self, picture):
        raise ZeroDivisionError


def test_of_a_copy_that_was_not_looked_at_nothing_is_left(tmp_path, face):
    face.save(tmp_path / "one.png")
    anonymise([tmp_path / "one.png"], tmp_path / "out", BreakingLate())
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["log.csv"]


def test_a_film_whose_pictures_begin_after_its_sound_begins_with_them(tmp_path):
    original = delayed(tmp_path / "film.mkv", pictures=0.4)
    (entry,) = anonymise([original], tmp_path / "out").entries
    before, after = (list(Video(path).frames()) for path in (original, only(tmp_path / "out")))
    assert before[0].time > 0.3
    assert entry.result["remarks"]["begins"].startswith(f"{before[0].time:.6f} s")
    assert [one.time for one in after] == pytest.approx([one.time - before[0].time for one in before], abs=1 / 360_000)
    with av.open(str(only(tmp_path / "out"))) as container:
        assert next(container.decode(video=0)).pts == 0  # for players whose clock is the stream's as well


def test_pictures_of_a_film_that_change_their_size_are_seen_as_they_are_written(tmp_path):
    parts = [
        video(
            tmp_path / f"{width}.ts",
            [numbered(i, width, width * 3 // 4) for i in range(10)],
            stamps=[begin + 40 * i for i in range(10)],
            options={"bf": 0},
        )
        for width, begin in ((128, 40), (256, 440))
    ]
    (tmp_path / "film.mts").write_bytes(b"".join(part.read_bytes() for part in parts))
    film = Film(tmp_path / "film.mts")
    shown = [one.pixels for one in film.read()]
    assert len(shown) > 10
    assert {pixels.shape for pixels in shown} == {(96, 128, 3)}
    assert "change their size" in film.remarks["sizes"]


def test_what_cannot_be_read_has_a_reason_and_no_copy(tmp_path, face):
    (tmp_path / "in").mkdir()
    face.save(tmp_path / "in" / "good.jpg")
    data = (tmp_path / "in" / "good.jpg").read_bytes()
    bad = {
        "empty.jpg": b"",
        "cut.jpg": data[: len(data) // 2],
        "text.png": b"hello",
        "empty.mp4": b"",
        "text.mp4": b"hi",
    }
    for name, content in bad.items():
        (tmp_path / "in" / name).write_bytes(content)
    report = anonymise([tmp_path / "in", tmp_path / "gone.jpg"], tmp_path / "out")
    said = {Path(entry.source).name: entry.error for entry in report.failures}
    assert said == {
        "empty.jpg": "EmptyFileError", "cut.jpg": "TruncatedFileError", "text.png": "UnknownFormatError",
        "empty.mp4": "EmptyFileError", "text.mp4": "UnknownFormatError", "gone.jpg": "UnreadableFileError",
    }  # fmt: skip
    assert decode(only(tmp_path / "out")).shape == (220, 200, 3)
    rows = log(tmp_path / "out")
    assert len(rows) == 7
    assert not any(
        "empty" in value or "in/" in value for row in rows for value in row.values() if value != row["caution"]
    )


def test_pictures_of_every_kind(tmp_path, face, heic):
    (tmp_path / "in").mkdir()

    def made(name, image, **options):
        image.save(tmp_path / "in" / name, **options)

    exif = Image.Exif()
    exif[274] = 6
    made("grey.jpg", face.convert("L"))
    made("palette.png", face.quantize(64))
    made("cmyk.jpg", face.convert("CMYK"))
    made("deep.png", Image.fromarray(np.asarray(face.convert("L")).astype(np.uint16) * 257))
    made("turned.jpg", face.transpose(Image.Transpose.ROTATE_90), exif=exif)
    made("alpha.png", face.convert("RGBA"))
    made("photo.webp", face)
    made("pages.tif", face, save_all=True, append_images=[face.rotate(2), face.rotate(4)])
    made(
        "moving.gif", face, save_all=True, append_images=[face.rotate(a) for a in (2, 4, 6)], duration=[80, 0, 120, 90]
    )
    shutil.copy(heic / "chelsea_turned.heic", tmp_path / "in")
    report = anonymise([tmp_path / "in"], tmp_path / "out")
    assert report.failures == report.remaining == []
    copies = {Path(entry.source).name: tmp_path / "out" / entry.copy for entry in report.entries}
    results = {Path(entry.source).name: entry.result for entry in report.entries}
    assert {name: copy.suffix for name, copy in copies.items()} == {
        "grey.jpg": ".jpg", "palette.png": ".png", "cmyk.jpg": ".jpg", "deep.png": ".png", "turned.jpg": ".jpg",
        "alpha.png": ".png", "photo.webp": ".jpg", "pages.tif": ".tif", "moving.gif": ".mp4",
        "chelsea_turned.heic": ".jpg",
    }  # fmt: skip
    faces = {name: result["faces"] for name, result in results.items()}
    assert faces == {
        name: 0 if "chelsea" in name else 3 if "pages" in name else 4 if "moving" in name else 1 for name in faces
    }
    assert decode(copies["turned.jpg"]).shape == (220, 200, 3)
    assert results["deep.png"]["remarks"] == {"depth": "8 bits, were 16"}
    frames = list(Video(copies["moving.gif"]).frames())
    assert [frame.time for frame in frames] == pytest.approx([0, 0.08, 0.18, 0.3])
    assert all(find_faces(frame.rgb(), 0.3) == [] for frame in frames)


def test_a_film_without_faces_keeps_its_pictures_and_times_and_nothing_else(tmp_path):
    (tmp_path / "in").mkdir()
    original = variable_rate(tmp_path / "in" / "variable.mp4")
    anonymise([original], tmp_path / "out")
    before, after = (list(Video(path).frames()) for path in (original, only(tmp_path / "out")))
    assert [frame.time for frame in after] == pytest.approx([frame.time for frame in before], abs=1 / 360_000)
    assert np.abs(after[3].rgb().astype(int) - before[3].rgb()).mean() < 3


@pytest.mark.parametrize(("make", "shape"), [(plain, (96, 128)), (lambda path: turned(path, 90), (128, 96))])
def test_sound_is_gone_and_a_phones_video_stands_upright(tmp_path, make, shape):
    anonymise([make(tmp_path / "film.mp4")], tmp_path / "out")
    copy = only(tmp_path / "out")
    with av.open(str(copy)) as container:
        assert [stream.type for stream in container.streams] == ["video"]
    info = Video(copy).info
    assert (info.rotation, info.sound) == (0, False)
    assert next(Video(copy).frames()).rgb().shape[:2] == shape


def test_of_a_damaged_film_what_decodes_is_kept_and_what_does_not_is_said(tmp_path):
    original = cut(tmp_path / "cut.mp4")
    report = anonymise([original], tmp_path / "out")
    (entry,) = report.entries
    assert "to the end" in entry.result["remarks"]["damage"]
    assert "to the end" in log(tmp_path / "out")[0]["remarks"]
    assert str(tmp_path) not in (tmp_path / "out" / "log.csv").read_text()
    assert 0 < entry.result["frames"] < 60


def test_text_is_covered_on_request(tmp_path, opencv_doc):
    shutil.copy(opencv_doc / "text" / "scenetext01.jpg", tmp_path / "sign.jpg")
    report = anonymise([tmp_path / "sign.jpg"], tmp_path / "out", Cover(lines=True))
    (entry,) = report.entries
    assert entry.result["lines"] >= 2
    assert entry.result["left"] == 0


def test_what_is_still_found_in_the_copy_is_covered_in_the_next(tmp_path, photos):
    """The pixelated head of the astronaut still looks like one, so the copy is written twice."""
    report = anonymise([photos / "astronaut.png"], tmp_path / "out", Cover(mode="pixelate"))
    (entry,) = report.entries
    assert (entry.result["rounds"], entry.result["again"], entry.result["left"]) == (2, 1, 0)
    assert find_faces(decode(only(tmp_path / "out")), 0.3) == []


class Stubborn(Cover):
    """Sees something in every copy, whatever is done."""

    def remaining(self, picture):
        return [Seen("face", (0.0, 0.0, 9.0, 9.0), 0.4)]


def test_what_never_goes_away_ends_and_is_said(tmp_path, face, caplog):
    face.save(tmp_path / "one.png")
    report = anonymise([tmp_path / "one.png"], tmp_path / "out", Stubborn())
    assert [entry.result["left"] for entry in report.remaining] == [1]
    (row,) = log(tmp_path / "out")
    assert (row["left"], row["frames_left"], row["rounds"]) == ("1", "1", str(ROUNDS))
    assert "still found" in caplog.text


@pytest.mark.skipif(os.name != "posix", reason="modes")
def test_originals_are_never_touched(tmp_path, face):
    face.save(tmp_path / "one.png")
    (tmp_path / "one.png").chmod(0o444)
    before = (tmp_path / "one.png").read_bytes()
    anonymise([tmp_path / "one.png"], tmp_path / "out")
    assert (tmp_path / "one.png").read_bytes() == before
