"""Copies to hand on: in what comes out of the files, the detector that found the faces finds none any more."""

import csv
from pathlib import Path

import cv2
import hostile_video
import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image

from studium import Corpus, sources
from studium.anonymise import Cover, anonymise, draw
from studium.cli.anonymise import anonymise as command
from studium.measure.centerface import find_faces
from studium.media.image import decode
from studium.media.video import Video

THRESHOLD = 0.3


def write_faces(photos: Path, folder: Path, scale: int) -> None:
    """The 100 faces of LFW's subset, 25 x 25 px, or larger."""
    folder.mkdir()
    for number, grey in enumerate(np.load(photos / "lfw_subset.npy")[:100]):
        crop = cv2.resize(np.rint(grey * 255).astype(np.uint8), None, fx=scale, fy=scale, interpolation=cv2.INTER_CUBIC)
        Image.fromarray(crop).save(folder / f"{number}.{('png', 'jpg')[number % 2]}")


def copies(to: Path) -> list[Path]:
    return sorted(path for path in to.iterdir() if path.suffix in {".png", ".jpg", ".mp4"})


@pytest.mark.parametrize("mode", ["fill", "pixelate", "blur"])
@pytest.mark.parametrize("scale", [1, 4])
def test_100_portraits_show_no_face(photos, tmp_path, mode, scale):
    write_faces(photos, tmp_path / "in", scale)
    report = anonymise([tmp_path / "in"], tmp_path / "out", Cover(mode=mode))
    made = copies(tmp_path / "out")
    assert len(made) == 100
    assert report.remaining == []
    assert sum(entry.result["faces"] > 0 for entry in report.entries) >= (97 if scale == 1 else 100)
    assert [path for path in made if find_faces(decode(path), THRESHOLD)] == []


def test_the_talking_face_is_gone_from_every_frame(videos, tmp_path):
    original = videos / "carphone_pristine.mp4"
    anonymise([original], tmp_path / "out")
    (copy,) = copies(tmp_path / "out")
    before, after = list(Video(original).frames()), list(Video(copy).frames())
    assert [frame.time for frame in after] == pytest.approx([frame.time for frame in before], abs=1 / 360_000)
    assert sum(len(find_faces(frame.rgb(), THRESHOLD)) for frame in before[::10]) == 12
    assert [frame.time for frame in after if find_faces(frame.rgb(), THRESHOLD)] == []


@pytest.mark.slow
def test_200_faces_in_one_picture(photos, tmp_path):
    faces = np.rint(np.load(photos / "lfw_subset.npy")[:100] * 255).astype(np.uint8)
    large = [cv2.resize(face, (60, 60), interpolation=cv2.INTER_CUBIC) for face in [*faces, *faces[:, :, ::-1]]]
    crowd = np.full((10 * 80, 20 * 80), 128, np.uint8)
    for number, face in enumerate(large):
        top, left = number // 20 * 80 + 10, number % 20 * 80 + 10
        crowd[top : top + 60, left : left + 60] = face
    Image.fromarray(crowd).save(tmp_path / "crowd.png")
    (entry,) = anonymise([tmp_path / "crowd.png"], tmp_path / "out").entries
    assert entry.result["faces"] >= 195
    assert find_faces(decode(tmp_path / "out" / entry.copy), THRESHOLD) == []


@pytest.mark.slow
def test_a_panorama_of_20_000_pixels(photos, tmp_path):
    panorama = np.full((300, 20_000, 3), 110, np.uint8)
    portrait = decode(photos / "astronaut.png")[:220, 120:320]
    for left in (100, 9_900, 19_700):
        panorama[40:260, left : left + 200] = portrait
    Image.fromarray(panorama).save(tmp_path / "panorama.jpg", quality=95)
    (entry,) = anonymise([tmp_path / "panorama.jpg"], tmp_path / "out", Cover(smallest=60)).entries
    made = decode(tmp_path / "out" / entry.copy)
    assert made.shape == panorama.shape
    assert entry.result["faces"] == 3
    assert find_faces(made, THRESHOLD, 60) == []


@pytest.fixture
def study(tmp_path, politicians, photos) -> Path:
    (tmp_path / "media").mkdir()
    for source in (politicians / "obama_partial_face.jpg", photos / "chelsea.png"):
        (tmp_path / "media" / source.name).write_bytes(source.read_bytes())
    Corpus(tmp_path / "study").add(sources.folder(tmp_path / "media"))
    return tmp_path / "study"


def test_a_study_is_copied_from_the_command_line(study, tmp_path):
    to = tmp_path / "out"
    arguments = ["--study", str(study), "--of", "image", "--to", str(to), "--check", "5"]
    done = CliRunner().invoke(command, arguments, catch_exceptions=False)
    assert done.exit_code == 0
    assert "image\t2" in done.output
    assert "undetectable is not anonymous" in done.output
    assert len(copies(to)) == 2
    with (tmp_path / "out.check.csv").open(newline="") as file:
        assert {row["copy"] for row in csv.DictReader(file)} == {path.name for path in copies(to)}
    again = CliRunner().invoke(command, arguments[:-2], catch_exceptions=False)
    assert "2 of the copies were there already" in again.output


def test_an_empty_study_has_nothing_to_copy(tmp_path):
    (tmp_path / "media").mkdir()
    Corpus(tmp_path / "study").add(sources.folder(tmp_path / "media"))
    done = CliRunner().invoke(command, ["--study", str(tmp_path / "study"), "--to", str(tmp_path / "out")])
    assert done.exit_code == 0
    assert "image\t0" in done.output


@pytest.mark.parametrize("arguments", [["--to", "out"], ["--to", "out", "--of", "image", "."], ["."]])
def test_a_command_that_says_too_little_is_refused(arguments):
    assert CliRunner().invoke(command, arguments).exit_code == 2


def test_the_sample_of_a_film_has_the_times_of_its_frames(tmp_path):
    film = hostile_video.variable_rate(tmp_path / "film.mp4")
    times = [frame.time for frame in Video(film).frames()]
    anonymise([film], tmp_path / "out")
    with draw(tmp_path / "out", 6).open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 6
    assert [float(row["time"]) for row in rows] == pytest.approx([times[int(row["frame"])] for row in rows], abs=0.0006)
