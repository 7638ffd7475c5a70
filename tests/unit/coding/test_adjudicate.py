import pytest

from studium.coding.adjudicate import differ, iou, same
from studium.core.variable import Value, Variable
from studium.errors import InputError


def variable(kind, values="", of="image"):
    return Variable("it", "?", of, kind, tuple(map(Value, values.split())))


def box(*corners, value="face"):
    return {"value": value, "box": [*corners]}


SCENE, TAGS, SHARE = variable("categorical", "a b"), variable("multilabel", "a b c"), variable("continuous")
TEXT, BOXES = variable("text"), variable("boxes", "face logo")


def test_nobody_and_one_disagree_with_nobody():
    assert not differ(SCENE, {})
    assert not differ(SCENE, {"ada": "a"})


@pytest.mark.parametrize(
    ("about", "one", "other", "alike"),
    [
        (SCENE, "a", "a", True),
        (SCENE, "a", "b", False),
        (SCENE, "a", None, False),
        (SCENE, None, None, True),
        (TAGS, ["a", "b"], ["b", "a"], True),
        (TAGS, [], ["a"], False),
        (TAGS, [], [], True),
        (TAGS, [], None, False),
        (SHARE, 0.1 + 0.2, 0.3, False),
        (SHARE, 2.0, 2.0, True),
        (TEXT, "x", "X", False),
        (BOXES, [], [], True),
        (BOXES, [], [box(0, 0, 2, 2)], False),
        (BOXES, [box(0, 0, 10, 10)], [box(0, 0, 10, 5)], True),  # exactly .5
        (BOXES, [box(0, 0, 10, 10)], [box(0, 0, 10, 4)], False),
        (BOXES, [box(0, 0, 10, 10)], [box(0, 0, 10, 10, value="logo")], False),
        (BOXES, [box(0, 0, 9, 9)], [box(0, 0, 9, 9), box(0, 0, 9, 9, value="logo")], False),
    ],
)
def test_the_same_by_type(about, one, other, alike):
    assert same(about, one, other) is alike
    assert same(about, other, one) is alike
    assert differ(about, {"ada": one, "ben": other}) is not alike


def test_tolerance_and_overlap():
    assert not differ(SHARE, {"ada": 1.0, "ben": 1.4}, tolerance=0.5)
    assert differ(SHARE, {"ada": 1.0, "ben": 1.4, "cleo": 1.8}, tolerance=0.5)  # though neighbours are near
    assert differ(BOXES, {"ada": [box(0, 0, 10, 10)], "ben": [box(0, 0, 10, 6)]}, overlap=0.7)
    for wrong in ({"tolerance": -1}, {"overlap": 0}, {"overlap": 1.5}):
        with pytest.raises(InputError, match="tolerance of at least 0"):
            differ(SHARE, {"ada": 1.0, "ben": 2.0}, **wrong)


def test_boxes_are_matched_one_to_one_and_as_well_as_can_be():
    wide, left, narrow = box(0, 0, 10, 10), box(0, 0, 6, 10), box(2, 0, 10, 10)
    assert same(BOXES, [wide, left], [left, narrow])  # wide fits both, left only itself: greedy would fail one way
    assert same(BOXES, [left, wide], [left, narrow])
    assert not same(BOXES, [wide, wide], [wide, box(50, 50, 60, 60)])


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        ((0, 0, 2, 2), (1, 1, 3, 3), 1 / 7),
        ((0, 0, 2, 2), (2, 0, 4, 2), 0),
        ((0, 0, 2, 2), (5, 5, 6, 6), 0),
        ((0, 0, 2, 2), (0, 0, 2, 2), 1),
        ((0, 0, 4, 4), (1, 1, 3, 3), 0.25),
    ],
)
def test_intersection_over_union(one, other, expected):
    assert iou(one, other) == pytest.approx(expected)
    assert iou(other, one) == pytest.approx(expected)
