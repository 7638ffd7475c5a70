"""Finding and reading lines of text: the same as RapidOCR where that looks at full detail, and at any size."""

import sys

import cv2
import numpy as np
import pytest
from PIL import Image

from studium.core import weights
from studium.errors import InputError, MissingExtraError
from studium.measure import ocr_rapid
from studium.measure.ocr_rapid import MODEL, OVERLAP, WINDOW, _windows, characters, extent, find, read, straight


@pytest.mark.parametrize("length", [1, WINDOW, WINDOW + 1, 2 * WINDOW, 20_000, 123_457])
def test_windows_tile_the_picture_and_overlap(length):
    windows = _windows(length)
    assert [first for _, _, first, _ in windows] == [0, *(last for _, _, _, last in windows[:-1])]
    assert windows[-1][3] == length
    for start, end, first, last in windows:
        assert start <= first < last <= end
        assert end - start <= WINDOW
    if len(windows) > 1:  # each shows OVERLAP more, and no more than rounding needs
        assert sum(end - start for start, end, _, _ in windows) - length < (OVERLAP + 1) * len(windows)
        assert first in {0, *range(start + OVERLAP // 2 - 1, length)}


def test_what_is_no_picture_is_refused():
    with pytest.raises(InputError, match="RGB uint8"):
        find(np.zeros((10, 10)))


def test_a_line_at_the_far_end_of_a_long_picture_is_cut_out_as_from_a_short_one():
    wide = np.zeros((60, 40_000, 3), np.uint8)
    wide[:, -600:] = np.random.default_rng(0).integers(0, 256, (60, 600, 3), np.uint8)
    corners = np.array([[39_500.5, 9.2], [39_999, 12], [39_998, 45], [39_499, 42.5]], np.float32)
    near, shift = np.ascontiguousarray(wide[:, -600:]), np.array([39_400, 0], np.float32)
    line = straight(wide, corners)
    high, long = line.shape[:2]
    level = np.array([[0, 0], [long, 0], [long, high], [0, high]], np.float32)
    turn = cv2.getPerspectiveTransform(corners - shift, level)
    whole = cv2.warpPerspective(near, turn, (long, high), flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)
    assert np.abs(line.astype(int) - whole).mean() < 1


def test_a_missing_opencv_is_said_before_a_run_starts(monkeypatch):
    monkeypatch.setitem(sys.modules, "cv2", None)
    with pytest.raises(MissingExtraError, match=r"studium\[ocr\]"):
        ocr_rapid.networks.__wrapped__()


def test_nothing_is_read_where_nothing_is_written():
    assert find(np.full((200, 300, 3), 127, np.uint8)) == []
    assert read(np.full((48, 300, 3), 127, np.uint8)).text == ""


def test_the_alphabet_has_chinese_japanese_and_accents_but_no_cyrillic():
    letters = set(characters())
    assert set("aZ9 é ß ł 我 あ ア") <= letters
    assert not set("жЖ") & letters


def test_a_cut_line_has_the_size_of_its_corners():
    picture = np.zeros((100, 200, 3), np.uint8)
    picture[20:40, 50:150] = 255
    corners = np.array([[50, 20], [150, 20], [150, 40], [50, 40]], np.float32)
    assert extent(corners) == (100, 20)
    assert straight(picture, corners).shape == (20, 100, 3)
    assert straight(picture, corners)[2:-2, 2:-2].min() > 250
    assert straight(picture, np.roll(corners, -1, axis=0)).shape == (100, 20, 3)


@pytest.mark.parametrize("name", ["scenetext01.jpg", "scenetext03.jpg", "scenetext06.jpg"])
def test_it_finds_and_reads_what_rapidocr_does(opencv_doc, name):
    import rapidocr

    det, rec = (str(weights.path(MODEL, file)) for file in ("det.onnx", "rec.onnx"))
    quiet = {"Global.log_level": "critical", "Det.model_path": det, "Rec.model_path": rec, "Global.use_cls": False}
    path = opencv_doc / "text" / name
    theirs = rapidocr.RapidOCR(params=quiet)(str(path))
    picture = np.asarray(Image.open(path).convert("RGB"))
    ours = {read(straight(picture, corners)): corners for corners in find(picture)}
    for text, confidence, box in zip(theirs.txts, theirs.scores, theirs.boxes, strict=True):
        near = min(ours, key=lambda one: np.abs(ours[one] - box).max())
        assert np.abs(ours[near] - box).max() < 0.25 * extent(box)[1] + 3  # it scales to multiples of 32 px
        assert near.text.replace(" ", "").casefold() == text.replace(" ", "").casefold()
        assert near.confidence == pytest.approx(confidence, abs=0.1)
