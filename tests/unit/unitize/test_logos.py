"""The unitizer `logos`: nothing first, one mark, many; real and generated pictures; references that do not serve."""

import shutil

import cv2
import fetch
import logo_pictures
import numpy as np
import pytest
from PIL import Image

from studium import Corpus, sources
from studium.core.recipe import recipe_of
from studium.errors import InputError
from studium.testing import check_unitizer, sample_inputs
from studium.unitize.logo_references import read_references
from studium.unitize.logos import Logos

DATA = fetch.opencv_doc() / "data"


def read(path):
    return np.asarray(Image.open(path).convert("RGB"))


def overlap(one, other):
    wide = max(0, min(one[2], other[2]) - max(one[0], other[0]))
    high = max(0, min(one[3], other[3]) - max(one[1], other[1]))
    areas = [(box[2] - box[0]) * (box[3] - box[1]) for box in (one, other)]
    return wide * high / (sum(areas) - wide * high)


def found(spans):
    return [(span.values["label"], span.box) for span in spans]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Marks of 40 brands."""
    return logo_pictures.write_references(tmp_path_factory.mktemp("references"), logo_pictures.brands("test", 40))


@pytest.fixture(scope="module")
def few(tmp_path_factory):
    """Those of the poster."""
    return logo_pictures.write_references(tmp_path_factory.mktemp("few"), logo_pictures.brands("test", 3))


@pytest.fixture(scope="module")
def logos(folder):
    return Logos(str(folder))


@pytest.fixture(scope="module")
def biscuits(tmp_path_factory):
    """A folder with a photograph of a box of biscuits."""
    folder = tmp_path_factory.mktemp("goods")
    (folder / "biscuits").mkdir()
    shutil.copy(DATA / "box.png", folder / "biscuits" / "box.png")
    return folder


@pytest.fixture(scope="module")
def poster():
    """Four marks, and where they are: one light on dark, one twice, one turned by a quarter."""
    first, second, third = logo_pictures.brands("test", 3)
    picture = cv2.resize(read(fetch.photos() / "coffee.png"), (900, 600)) // 2 + 60
    places = [(first, 40, 30, 0, 20), (first, 600, 380, 0, 250), (second, 330, 60, 0, 250), (third, 80, 350, 1, 10)]
    truth = []
    for name, x, y, quarters, level in places:
        mark = logo_pictures.mark(name)
        factor = 170 / max(mark.shape)
        mark = np.rot90(cv2.resize(mark, None, fx=factor, fy=factor, interpolation=cv2.INTER_AREA), quarters)
        high, wide = mark.shape
        share = mark[..., None] / 255
        ground = picture[y - 15 : y + high + 15, x - 15 : x + wide + 15]
        ground[:] = 255 - level
        part = picture[y : y + high, x : x + wide]
        part[:] = (part * (1 - share) + level * share).round()
        truth.append((name, (x, y, x + wide, y + high)))
    return picture, truth


def test_no_logos(logos):
    for picture in [*sample_inputs("image"), read(fetch.photos() / "chelsea.png")]:
        assert list(logos(picture)) == []


def test_a_box_of_biscuits_in_a_photograph(biscuits):
    """OpenCV's own example: a reference that is a photograph without any ground."""
    (span,) = Logos(str(biscuits))(read(DATA / "box_in_scene.png"))
    assert span.values["label"] == "biscuits"
    assert span.values["confidence"] > 0.95
    assert span.values["inliers"] > 20
    corners = np.array(span.points)
    assert corners.shape == (4, 2)
    assert span.box == (*np.floor(corners.min(axis=0)), *np.ceil(corners.max(axis=0)))
    assert corners == pytest.approx(np.array([(118, 161), (285, 176), (270, 299), (90, 272)]), abs=5)  # by eye


def test_several_marks_of_several_brands(logos, poster):
    picture, truth = poster
    spans = list(logos(picture))
    assert len(spans) == len(truth)
    for name, box in truth:
        assert max(overlap(box, other) for label, other in found(spans) if label == name) > 0.8
    sure = [span.values["confidence"] for span in spans]
    assert sure == sorted(sure, reverse=True)


def test_corners_go_round_the_mark_from_its_own_upper_left(logos, poster):
    picture, truth = poster
    name, (x0, y0, x1, y1) = truth[3]  # turned by a quarter to the left: its upper left is at the lower left
    (span,) = [span for span in logos(picture) if span.values["label"] == name]
    assert np.array(span.points) == pytest.approx(np.array([(x0, y1), (x0, y0), (x1, y0), (x1, y1)]), abs=6)


def test_pictures_larger_than_asked_for_are_shrunk_and_boxes_are_not(logos, folder, poster):
    picture, truth = poster
    small = Logos(str(folder), pixels=200_000)
    large = cv2.resize(picture, (2700, 1800))
    expected = [(name, tuple(3 * side for side in box)) for name, box in truth]
    spans = list(small(large))
    assert all(max(overlap(box, other) for label, other in found(spans) if label == name) > 0.75
               for name, box in expected[:2])  # fmt: skip


def test_a_panorama(logos, poster):
    """20,000 px wide, and done in the time of a small picture."""
    picture, _ = poster
    wide = np.tile(picture[:, ::-1], (1, 23, 1))[:, :20_000]
    for span in logos(wide):
        assert 0 <= span.box[0] < span.box[2] <= 20_000


def test_the_contract(logos, poster, biscuits):
    check_unitizer(logos, [poster[0], *sample_inputs("image")[:3]])
    check_unitizer(Logos(str(biscuits)), [read(DATA / "box_in_scene.png")])


@pytest.mark.slow
def test_generated_pictures(logos):
    """A sample of what `benchmarks/logos.py` measures: marks hidden, turned, blurred; photographs; other marks."""
    names, others = logo_pictures.brands("test", 40), logo_pictures.brands("other", 100)
    right = wrong = 0
    for number in range(16):
        scene = logo_pictures.scene("test", 500 + number, names[2 * number])
        hits = [label == scene.brand and overlap(box, scene.box) > 0.5 for label, box in found(logos(scene.picture))]
        right += any(hits)
        wrong += len(hits) - any(hits)
    for number in range(5):
        for brand in (None, others[number]):
            wrong += len(list(logos(logo_pictures.scene("test", 600 + number, brand).picture)))
    assert right >= 11
    assert wrong <= 1


# references


@pytest.mark.parametrize(
    "variant", ["black on transparent", "white on transparent", "white on blue, JPEG", "16-bit grey"]
)
def test_references_of_any_kind(tmp_path, poster, variant):
    picture, truth = poster
    name = truth[0][0]
    mark = cv2.resize(logo_pictures.mark(name), None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)
    mark = np.pad(mark, 30)
    (tmp_path / "acme").mkdir()
    if "transparent" in variant:
        level = np.full_like(mark, 0 if "black" in variant else 255)
        Image.fromarray(np.dstack([level, level, level, mark]), "RGBA").save(tmp_path / "acme" / "1.png")
    elif "JPEG" in variant:
        share = mark[..., None] / 255
        colours = ((20, 40, 160) * (1 - share) + 255 * share).round().astype(np.uint8)
        Image.fromarray(colours).save(tmp_path / "acme" / "1.jpg", quality=80)
    else:
        Image.fromarray(mark.astype(np.uint16) * 257).save(tmp_path / "acme" / "1.png")
    boxes = [box for label, box in found(Logos(str(tmp_path))(picture)) if label == "acme"]
    assert all(max(overlap(box, other) for other in boxes) > 0.8 for _, box in truth[:2])


def test_references_are_read_once_and_again_when_they_change(tmp_path, few, poster):
    picture, truth = poster
    copy = shutil.copytree(few, tmp_path / "copy")
    logos = Logos(str(copy))
    logos.prepare()
    assert logos._references() is logos._references()
    before = recipe_of(logos)
    assert before == recipe_of(Logos(str(few))), "where the references lie is no part of the recipe"
    (copy / truth[0][0]).rename(copy / "renamed")
    assert recipe_of(logos) != before
    assert {label for label, _ in found(logos(picture))} >= {"renamed"}


def test_a_folder_that_is_none(tmp_path):
    with pytest.raises(InputError, match=r"a folder of pictures for every brand; .*nowhere is none"):
        Logos(str(tmp_path / "nowhere")).prepare()
    with pytest.raises(InputError, match="logos needs references"):
        Logos("")


def test_a_folder_without_pictures(tmp_path):
    (tmp_path / "acme").mkdir()
    with pytest.raises(InputError, match="has no reference pictures: expected one or more in a folder per brand"):
        read_references(tmp_path)
    with pytest.raises(InputError, match="no folder with files"):
        Logos(str(tmp_path)).prepare()


@pytest.mark.parametrize("place", ["loose.png", "acme/old/1.png"])
def test_a_reference_that_is_of_no_brand(tmp_path, place):
    (tmp_path / place).parent.mkdir(parents=True, exist_ok=True)
    shutil.copy(DATA / "box.png", tmp_path / place)
    with pytest.raises(InputError, match=rf"{place} should lie in a folder named as its brand"):
        Logos(str(tmp_path)).prepare()


@pytest.mark.parametrize("content", [b"", b"this is no picture", b"\x89PNG\r\n\x1a\n broken"])
def test_a_reference_that_cannot_be_read(tmp_path, content):
    (tmp_path / "acme").mkdir()
    (tmp_path / "acme" / "mark.png").write_bytes(content)
    with pytest.raises(InputError, match=r"acme/mark\.png cannot be used"):
        Logos(str(tmp_path)).prepare()


@pytest.mark.parametrize("mode", ["RGB", "RGBA"])
def test_a_reference_of_one_colour(tmp_path, mode):
    (tmp_path / "acme").mkdir()
    Image.new(mode, (200, 100)).save(tmp_path / "acme" / "mark.png")
    with pytest.raises(InputError, match=r"acme/mark\.png should show a mark .* but it has 0 features"):
        read_references(tmp_path)


@pytest.mark.parametrize(("name", "value"), [("threshold", 0.0), ("threshold", 1.0), ("pixels", 100)])
def test_parameters_that_do_not_fit(name, value):
    with pytest.raises(InputError, match=f"logos: {name} should be .* got {value}"):
        Logos("somewhere", **{name: value})


def test_in_a_study(tmp_path, poster, few):
    """Marks become units of a picture, with how much of it they cover."""
    picture, truth = poster
    (tmp_path / "images").mkdir()
    Image.fromarray(picture).save(tmp_path / "images" / "poster.png")
    shutil.copytree(few, tmp_path / "study" / "marks")
    corpus = Corpus(tmp_path / "study")
    corpus.add(sources.folder(tmp_path / "images"))
    corpus.split("logos", of="image", references="marks")
    marks = corpus.table("object", "logos").to_pylist()
    assert sorted(mark["label"] for mark in marks) == sorted(name for name, _ in truth)
    (row,) = corpus.table("image", "logos").to_pylist()
    assert row["object_count"] == len(truth)
    assert 0.1 < row["object_area"] < 0.4
