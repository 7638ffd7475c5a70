"""Small grey pictures of many frames at once are those of each alone."""

from typing import Any

import av
import numpy as np
import pytest
from numpy.typing import NDArray

from studium.media.frame import Frame
from studium.media.grey import greys
from studium.media.planes import Scaler
from studium.media.shape import Shape


def frames(width: int, height: int, count: int, form: str = "gray", shape: Shape | None = None) -> list[Frame]:
    rng = np.random.default_rng(0)
    high, kind = (1024, np.uint16) if "10" in form else (256, np.uint8)
    pixels = rng.integers(0, high, (count, height, width), kind)
    return [
        Frame(av.VideoFrame.from_ndarray(one, form), 0.0, 0.0, shape or Shape(width, height), Scaler())
        for one in pixels
    ]


def one_by_one(some: list[Frame], *size: int) -> NDArray[Any]:
    return np.stack([frame.grey(*size) for frame in some])


@pytest.mark.parametrize("form", ["gray", "gray10le"])
@pytest.mark.parametrize("size", [(1280, 720), (96, 54), (97, 55), (60, 40), (50, 23), (20, 10), (1, 1)])
def test_many_at_once(size: tuple[int, int], form: str) -> None:
    """Sizes with two samples each way for every pixel, with fewer, and with less than one."""
    some = frames(*size, 5, form)
    found = greys([frame.sampled(48, 27, 2) for frame in some])
    assert np.array_equal(found, one_by_one(some, 48, 27, 2))
    assert (found.shape, found.dtype, found.flags.writeable) == ((5, 27, 48), np.uint8, False)


def test_one_at_once() -> None:
    (frame,) = frames(160, 90, 1)
    assert np.array_equal(greys([frame.sampled(16, 9)]), [frame.grey(16, 9)])


def test_frames_of_every_kind_keep_their_order() -> None:
    """Of one file, as its size, depth and orientation may change on the way."""
    turned, flipped = Shape(90, 160, 90), Shape(160, 90, 0, mirrored=True)
    some = [
        *frames(160, 90, 2), *frames(320, 180, 1), *frames(160, 90, 3, "gray10le"), *frames(160, 90, 2, shape=turned),
        *frames(160, 90, 2, shape=flipped), *frames(160, 90, 1),
    ]  # fmt: skip
    found = greys([frame.sampled(16, 9) for frame in some])
    assert np.array_equal(found, one_by_one(some, 16, 9))
    assert not found.flags.writeable
    assert np.array_equal(found[0], found[8][:, ::-1])
    assert np.array_equal(found[0], found[10])


def test_the_range_of_a_stream_counts() -> None:
    limited = av.VideoFrame.from_ndarray(np.full((90, 160), 235, np.uint8), "gray")
    limited.color_range = 1
    full = av.VideoFrame.from_ndarray(np.full((90, 160), 235, np.uint8), "gray")
    full.color_range = 2
    some = [Frame(raw, 0.0, 0.0, Shape(160, 90), Scaler()) for raw in (limited, full, full)]
    assert greys([frame.sampled(1, 1) for frame in some]).reshape(-1).tolist() == [255, 235, 235]
