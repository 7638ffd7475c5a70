"""The unitizer `faces`: its contract, and faces as units of photographs and of frames."""

import shutil

import fetch
import numpy as np
import pytest
from PIL import Image

from studium import Corpus, sources
from studium.core.recipe import recipe_of
from studium.errors import InputError, RefusedError
from studium.measure.centerface import find_faces
from studium.media.region import covered
from studium.testing import check_unitizer, sample_inputs
from studium.unitize.faces import Faces


def read(path):
    return np.asarray(Image.open(path).convert("RGB"))


@pytest.fixture(scope="module")
def astronaut():
    return read(fetch.photos() / "astronaut.png")


@pytest.fixture(scope="module")
def sheet():
    """Faces of 25 to 100 px, two at the edge."""
    grey = np.load(fetch.photos() / "lfw_subset.npy")[:8]
    faces = [Image.fromarray((face * 255).round().astype(np.uint8)).convert("RGB") for face in grey]
    picture = Image.new("RGB", (420, 220), (90, 100, 110))
    places = [(0, 0, 50), (60, 10, 50), (120, 10, 100), (240, 10, 75), (320, 0, 100), (10, 120, 75), (150, 120, 100),
              (300, 120, 60)]  # fmt: skip
    for face, (x, y, side) in zip(faces, places, strict=True):
        picture.paste(face.resize((side, side)), (x, y))
    return np.asarray(picture)


def test_no_faces(photos):
    assert list(Faces()(np.zeros((50, 40, 3), np.uint8))) == []
    assert list(Faces()(read(photos / "coffee.png"))) == []


def test_one_face(astronaut):
    (span,) = Faces()(astronaut)
    (face,) = find_faces(astronaut)
    assert all(isinstance(side, int) for side in span.box)
    assert 0 <= face.box[0] - span.box[0] < 1
    assert 0 <= span.box[3] - face.box[3] < 1
    assert span.points == face.points
    assert span.values["confidence"] == face.confidence
    assert span.values["face_share"] == covered([span.box], 512, 512)
    assert 0.03 < span.values["face_share"] < 0.05


def test_the_largest_face_comes_first(sheet):
    spans = list(Faces()(sheet))
    shares = [span.values["face_share"] for span in spans]
    assert len(spans) == 8
    assert shares == sorted(shares, reverse=True)
    assert all(0 <= box[0] < box[2] <= 420 and 0 <= box[1] < box[3] <= 220 for box in (span.box for span in spans))


def test_contract(astronaut, sheet):
    check_unitizer(Faces(), [astronaut, sheet, np.ascontiguousarray(np.rot90(astronaut)), *sample_inputs("image")])
    check_unitizer(Faces(threshold=0.3, smallest=32), [sheet])


def test_the_recipe_knows_the_parameters_and_the_weights():
    recipes = {recipe_of(part).key for part in (Faces(), Faces(threshold=0.6), Faces(smallest=40))}
    assert len(recipes) == 3
    assert Faces().models == ("centerface",)


@pytest.mark.parametrize("parameters", [{"threshold": 0.0}, {"threshold": 1.5}, {"smallest": 0}, {"smallest": -20}])
def test_parameters_that_make_no_sense_are_refused(parameters):
    with pytest.raises(InputError, match="should be"):
        Faces(**parameters)


@pytest.fixture
def corpus(tmp_path, photos, politicians, videos, opencv_doc):
    (tmp_path / "media").mkdir()
    with Image.open(photos / "astronaut.png") as upright:
        exif = Image.Exif()
        exif[274] = 6  # lies on its side; the viewer turns it right by 90 degrees
        upright.rotate(90, expand=True).save(tmp_path / "media" / "turned.jpg", exif=exif, quality=95)
        upright.convert("L").save(tmp_path / "media" / "grey.png")
    for path in (photos / "coffee.png", opencv_doc / "data" / "basketball1.png", videos / "carphone_pristine.mp4"):
        shutil.copy(path, tmp_path / "media")
    study = Corpus(tmp_path)
    study.add(sources.folder(tmp_path / "media"))
    return study


def test_faces_of_photographs_and_frames_end_to_end(corpus):
    corpus.split("frames", of="video", every=1.0)
    for kind in ("image", "frame"):
        assert not corpus.split("faces", of=kind).failures.total()
    images = {row["path"].rsplit("/", 1)[-1]: row for row in corpus.table("image", "faces").to_pylist()}
    assert {name: row["face_count"] for name, row in images.items()} == {
        "basketball1.png": 2, "coffee.png": 0, "grey.png": 1, "turned.jpg": 1
    }  # fmt: skip
    assert images["coffee.png"]["face_area"] == 0
    assert images["turned.jpg"]["face_area"] == pytest.approx(images["grey.png"]["face_area"], rel=0.1)
    frames = corpus.table("frame", "faces").to_pylist()
    assert [row["face_count"] for row in frames] == [1] * 5
    assert all(0.1 < row["face_area"] < 0.2 for row in frames)
    faces = corpus.table("face", "faces")
    assert faces.num_rows == 9
    assert faces.column_names == ["unit", "path", "parent", "box", "confidence", "face_share"]
    alone = [row for row in faces.to_pylist() if row["path"].endswith("grey.png")]
    assert alone[0]["face_share"] == images["grey.png"]["face_area"]
    with pytest.raises(RefusedError, match="legal"):
        corpus.measure("embed", of="face")
