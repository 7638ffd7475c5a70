"""Choosing among what a detector proposes: suppression as OpenCV's, whole pixels, and nothing that cannot be."""

import cv2
import numpy as np
import pytest

from studium.errors import InputError
from studium.measure.detector import Object, find_objects, suppress
from studium.measure.detector_decode import Candidates
from studium.measure.detector_input import beside, fit

PICTURE = np.zeros((80, 120, 3), np.uint8)
NAMES = ("dog", "cat")


class Says:
    """A detector that proposes what it is told to: (box, confidence, class)."""

    names = NAMES

    def __init__(self, *rows, suppressed=False):
        boxes, confidence, classes = zip(*rows, strict=True) if rows else ((), (), ())
        self.said = Candidates(
            np.array(boxes, float).reshape(-1, 4), np.array(confidence, float), np.array(classes, int)
        )
        self.suppressed = suppressed

    def __call__(self, picture):
        return self.said


class TestFound:
    def test_nothing(self):
        assert find_objects(PICTURE, Says()) == []

    def test_one(self):
        assert find_objects(PICTURE, Says(((10.4, 20.6, 30.5, 41.5), 0.75, 1))) == [
            Object((10, 21, 30, 42), "cat", 0.75)
        ]

    def test_the_most_confident_first_and_none_below_the_threshold(self):
        rows = [((n, n, n + 9, n + 9), confidence, 0) for n, confidence in enumerate((0.6, 0.49, 0.5, 0.9))]
        assert [one.confidence for one in find_objects(PICTURE, Says(*rows))] == [0.9, 0.6, 0.5]
        assert len(find_objects(PICTURE, Says(*rows), threshold=0.4)) == 4

    def test_of_one_box_only_the_most_confident(self):
        found = find_objects(PICTURE, Says(((1, 1, 9, 9), 0.6, 0), ((1.2, 0.8, 9.1, 9), 0.7, 1)))
        assert found == [Object((1, 1, 9, 9), "cat", 0.7)]

    def test_labels_are_chosen(self):
        detector = Says(((1, 1, 9, 9), 0.6, 0), ((1, 1, 9, 9), 0.7, 1))
        assert [one.label for one in find_objects(PICTURE, detector, labels=("dog",))] == ["dog"]

    def test_suppressed_only_where_the_detector_repeats_itself(self):
        rows = [((10, 10, 50, 50), 0.9, 0), ((11, 10, 51, 50), 0.8, 0), ((11, 10, 51, 50), 0.7, 1)]
        assert len(find_objects(PICTURE, Says(*rows))) == 2  # the last two are one box
        assert [o.label for o in find_objects(PICTURE, Says(*rows, suppressed=True))] == ["dog", "cat"]

    def test_what_sticks_out_is_cut_off(self):
        found = find_objects(PICTURE, Says(((-5, 10, 300 - 180, 80.4), 0.9, 0), ((100, -3, 125, 5), 0.8, 1)))
        assert [one.box for one in found] == [(0, 10, 120, 80), (100, 0, 120, 5)]

    @pytest.mark.parametrize("box", [(10, 10, 10.2, 10.2), (119.9, 79.9, 120, 80), (0, 0, 0.1, 60), (5, 5, 5, 5)])
    def test_a_box_is_at_least_one_pixel(self, box):
        ((x0, y0, x1, y1), *_) = find_objects(PICTURE, Says((box, 0.9, 0)))[0]
        assert 0 <= x0 < x1 <= 120
        assert 0 <= y0 < y1 <= 80

    def test_a_picture_of_one_pixel(self):
        assert find_objects(PICTURE[:1, :1], Says(((-0.4, 0, 1, 1), 0.9, 0)))[0].box == (0, 0, 1, 1)

    def test_a_strip_may_be_left_by_more_than_its_height(self):
        strip = np.zeros((4, 1000, 3), np.uint8)
        assert find_objects(strip, Says(((10, -6, 60, 10), 0.9, 0)))[0].box == (10, 0, 60, 4)


class TestCannotBe:
    @pytest.mark.parametrize(
        "box",
        [
            (130, 10, 140, 20), (10, 90, 20, 99), (-20, 5, -10, 9), (5, -20, 9, -1),  # outside
            (0, 0, 640, 40), (-500, 0, 60, 40),  # far out
            (40, 10, 20, 30), (10, 40, 30, 20),  # upside down
        ],
    )  # fmt: skip
    def test_a_box(self, box):
        with pytest.raises(InputError, match=r"says the box \(.*\) in a picture of 120 x 80 px: see family"):
            find_objects(PICTURE, Says(((1, 1, 9, 9), 0.9, 0), (box, 0.8, 0)))

    def test_a_box_that_nobody_is_sure_of_is_no_matter(self):
        assert find_objects(PICTURE, Says(((130, 10, 140, 20), 0.3, 7))) == []

    @pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
    def test_no_numbers(self, value):
        with pytest.raises(InputError, match="confidences that are not finite"):
            find_objects(PICTURE, Says(((1, 1, 9, 9), value, 0)))
        with pytest.raises(InputError, match="boxes that are not finite"):
            find_objects(PICTURE, Says(((1, 1, 9, value), 0.9, 0)))

    @pytest.mark.parametrize("confidence", [-3.2, 1.5])
    def test_logits_for_confidences(self, confidence):
        with pytest.raises(InputError, match="expected 0 to 1: see its family"):
            find_objects(PICTURE, Says(((1, 1, 9, 9), confidence, 0)))

    @pytest.mark.parametrize("number", [-1, 2])
    def test_a_class_without_a_name(self, number):
        with pytest.raises(InputError, match="has 2 names"):
            find_objects(PICTURE, Says(((1, 1, 9, 9), 0.9, number)))

    def test_a_grey_picture(self):
        with pytest.raises(InputError, match="RGB uint8"):
            find_objects(PICTURE[..., 0], Says())


class TestSuppression:
    def test_none(self):
        assert suppress(np.zeros((0, 4)), np.zeros(0), np.zeros(0, int), 0.5).tolist() == []

    @pytest.mark.parametrize("overlap", [0.0, 0.3, 0.5, 0.7, 1.0])
    def test_is_opencvs(self, overlap):
        rng = np.random.default_rng(3)
        for count in (1, 2, 30, 300):
            corners = rng.integers(0, 60, (count, 2))
            sides = rng.integers(1, 40, (count, 2))
            boxes = np.concatenate([corners, corners + sides], axis=1).astype(float)
            confidence = rng.permutation(count) / count + 0.001
            classes = rng.integers(0, 3, count)
            expected = cv2.dnn.NMSBoxesBatched(
                np.concatenate([corners, sides], axis=1).tolist(), confidence.tolist(), classes.tolist(), 0.0, overlap
            )
            assert sorted(suppress(boxes, confidence, classes, overlap)) == sorted(np.ravel(expected))

    def test_boxes_without_area(self):
        boxes = np.array([[5, 5, 5, 5], [5, 5, 5, 5], [0, 0, 9, 9]], float)
        assert suppress(boxes, np.array([0.9, 0.8, 0.7]), np.zeros(3, int), 0.5).tolist() == [0, 1, 2]


class TestInput:
    @pytest.mark.parametrize("resize", ["letterbox", "corner", "stretch"])
    @pytest.mark.parametrize("shape", [(1, 1), (1, 5000), (5000, 1), (64, 64), (33, 77), (640, 480), (99, 100)])
    def test_there_and_back(self, resize, shape):
        picture = np.zeros((*shape, 3), np.uint8)
        canvas, where = fit(picture, (64, 96), resize, 114)
        assert canvas.shape == (64, 96, 3)
        ys, xs = np.nonzero((canvas == 0).all(axis=2))
        filled = np.array([[xs.min(), ys.min(), xs.max() + 1, ys.max() + 1]], float)
        assert where.back(filled) == pytest.approx(np.array([[0, 0, shape[1], shape[0]]]))

    def test_golden(self):
        canvas, where = fit(np.full((10, 20, 3), 7, np.uint8), (60, 40), "letterbox", 114)
        assert canvas[:, 5, 0].tolist() == [114] * 20 + [7] * 20 + [114] * 20
        assert (where.wider, where.higher, where.left, where.top) == (2, 2, 0, 20)
        canvas, where = fit(np.full((10, 20, 3), 7, np.uint8), (60, 40), "corner", 0)
        assert canvas[:, 5, 0].tolist() == [7] * 20 + [0] * 40
        assert fit(canvas, None, "none", 114)[0] is canvas

    def test_what_lies_in_the_bars(self):
        boxes = np.array(
            [[10, -20, 20, -5], [10, -5, 20, 5], [10, 85, 20, 90], [10, 500, 20, 510], [np.nan] * 4], float
        )
        assert beside(boxes, PICTURE, (0, -20, 120, 100)).tolist() == [True, False, True, False, False]
        assert not beside(boxes, PICTURE, (0, 0, 120, 80)).any()
