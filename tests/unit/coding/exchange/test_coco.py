"""COCO as others write it."""

import json

import pytest

from studium.coding.exchange.coco import Coco, write_coco
from studium.coding.exchange.written import Place
from studium.core.codebook import Codebook
from studium.core.exchange.given import Given
from studium.core.variable import Value, Variable
from studium.errors import InputError

SEEN = Variable("seen", "?", "image", "boxes", (Value("cat"), Value("cup")))
HELD = Variable("held", "?", "image", "boxes", (Value("cup"),))
BOOK = Codebook((SEEN, Variable("scene", "?", "image", "binary", (Value("a"), Value("b")))))
IMAGE = {"id": 1, "file_name": "a.jpg", "width": 640, "height": 480}
CAT = {"id": 1, "name": "cat", "supercategory": "animal"}


def written(tmp_path, annotations=(), images=(IMAGE,), categories=(CAT,), **more):
    path = tmp_path / "x.json"
    path.write_text(json.dumps({"images": images, "categories": categories, "annotations": annotations, **more}))
    return path


def box(*bbox, **more):
    return {"image_id": 1, "category_id": 1, "bbox": [*bbox]} | more


def test_nothing(tmp_path):
    assert Coco(BOOK, coder="ada").read(written(tmp_path, (), ())).rows == ()
    assert json.loads(write_coco([], BOOK, {}).text)["annotations"] == []
    assert write_coco([], BOOK, {"a": Place()}).n == 0


def test_every_image_was_looked_at(tmp_path):
    path = written(tmp_path, [box(0, 0, 1, 1), box(9, 0, 2, 480)], [IMAGE, {**IMAGE, "id": "b", "sha256": "s"}])
    found = Coco(BOOK, coder="ada").read(path)
    drawn = [{"value": "cat", "box": [0, 0, 1, 1]}, {"value": "cat", "box": [9, 0, 11, 480]}]
    assert found.rows == (Given("a.jpg", "seen", drawn, "ada"), Given("s", "seen", [], "ada"))
    assert found.told == {}


@pytest.mark.parametrize(
    ("bbox", "whole", "rounded"),
    [
        ((1, 2, 3, 4), [1, 2, 4, 6], 0),
        ((1.004, 2, 3, 4), [1, 2, 4, 6], 0),
        ((473.07, 395.93, 38.65, 28.67), [473, 396, 512, 425], 1),  # as in instances_val2017.json
        ((-0.5, 0, 641, 480.4), [0, 0, 640, 480], 1),
        ((5.2, 5.2, 0.1, 0.1), [5, 5, 6, 6], 1),  # a box has a pixel at least
        ((640, 480, 0.2, 0.2), [639, 479, 640, 480], 1),
    ],
)
def test_boxes_come_to_lie_on_pixels(tmp_path, bbox, whole, rounded):
    found = Coco(BOOK, coder="ada").read(written(tmp_path, [box(*bbox)]))
    assert found.rows[0].value == [{"value": "cat", "box": whole}]
    assert found.told.get("rounded", 0) == rounded


def test_what_is_no_box_is_told(tmp_path):
    path = written(tmp_path, [box(0, 0, 1, 1, iscrowd=1), box(0, 0, 2, 2, segmentation=[[1]], caption="a cat")])
    found = Coco(BOOK, coder="ada").read(path)
    assert [len(row.value) for row in found.rows] == [1]
    assert found.told == {"caption": 1, "crowds": 1, "segmentation": 1}


def test_categories_of_several_variables(tmp_path):
    book = Codebook((SEEN, HELD))
    both = [{**CAT, "supercategory": "seen"}, {"id": 2, "name": "Cup", "supercategory": "held"}]
    path = written(tmp_path, [box(0, 0, 1, 1), box(0, 0, 1, 1, category_id=2)], categories=both)
    assert [(row.variable, row.value[0]["value"]) for row in Coco(book, coder="ada").read(path).rows] == [
        ("seen", "cat"),
        ("held", "cup"),
    ]
    path = written(tmp_path, [box(0, 0, 1, 1)])
    with pytest.raises(InputError, match=r"which variable .* \(--variable\): seen, held"):
        Coco(book, coder="ada").read(path)
    assert Coco(book, "seen", "ada").read(path).rows[0].variable == "seen"
    with pytest.raises(InputError, match=r"variable 'held': expected a list of boxes .* of 'cup'"):
        Coco(book, "held", "ada").read(path)
    with pytest.raises(InputError, match="the codebook has none of image units"):
        Coco(Codebook(BOOK.variables[1:]), coder="ada").read(path)


OWN = {"image_id": 1, "variable": "seen", "coder": "a"}


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (
            {"annotations": [box(0, 0, 700, 1)]},
            r"annotation 1: the box \[0, 0, 700, 1\] leaves .* 640 x 480",
        ),
        ({"annotations": [box(-2, 0, 1, 1)]}, "leaves its image"),
        ({"annotations": [box(0, 0, -1, 1)]}, "leaves its image"),
        ({"annotations": [box(0, 0, 1)]}, r"expected bbox as \[x, y, width, height\]"),
        ({"annotations": [box(0, 0, "x", 1)]}, "expected a bbox in pixels, got 'x'"),
        ({"annotations": [{"image_id": 1}]}, "expected 'category_id' as in COCO"),
        ({"annotations": [box(0, 0, 1, 1, image_id=5)]}, "its image or category is not in the file"),
        ({"annotations": [box(0, 0, 1, 1, id=5), box(0, 0, 1, 1, id=5)]}, "the id 5 is given twice"),
        ({"annotations": [box(0, 0, 1, 1)], "images": [{"id": 1, "file_name": "a"}]}, "expected 'width'"),
        ({"images": [{"id": 1}]}, "expected a file_name of every image"),
        ({"categories": [{**CAT, "name": "dog"}], "annotations": [box(0, 0, 1, 1)]}, "expected a list of boxes"),
        (
            {"studium": {"codes": [{**OWN, "annotations": [4]}]}},
            "which is not",
        ),
        ({"studium": {"codes": [{**OWN, "image_id": 2, "annotations": []}]}}, "not have"),
    ],
)
def test_files_that_do_not_fit(tmp_path, change, says):
    with pytest.raises(InputError, match=says):
        Coco(BOOK, coder="ada").read(written(tmp_path, **change))


@pytest.mark.parametrize("text", ["", "{}", "[]", "nul", '{"images": []}'])
def test_what_is_no_coco(tmp_path, text):
    (tmp_path / "x.json").write_text(text)
    with pytest.raises(InputError, match=r"x\.json"):
        Coco(BOOK, coder="ada").read(tmp_path / "x.json")


def test_what_is_no_box_is_not_nothing(tmp_path):
    """An image of a crowd, or of outlines alone, is none where nothing was seen."""
    images = [IMAGE | {"id": number, "file_name": f"{number}.jpg"} for number in (1, 2, 3, 4)]
    outline = {"image_id": 2, "category_id": 1, "segmentation": [[0, 0, 9, 0, 9, 9]]}
    rows = [box(0, 0, 9, 9, iscrowd=1), outline, outline | {"bbox": []}, outline | {"image_id": 3}]
    rows += [box(0, 0, 9, 9) | {"image_id": 3}]
    found = Coco(BOOK, coder="ada").read(written(tmp_path, rows, images))
    assert [(row.unit, len(row.value)) for row in found.rows] == [("3.jpg", 1), ("4.jpg", 0)]
    assert found.told == {"crowds": 1, "only_others": 2, "segmentation": 3, "without_box": 3}
