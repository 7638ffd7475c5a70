"""Pixels of frames: upright, square, in the right colours, whatever the stream stores."""

from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import cv2
import hostile_video
import numpy as np
import pytest
from hostile_video import number_of, numbered
from numpy.typing import NDArray

from studium.errors import InputError
from studium.media.frame import Frame
from studium.media.grey import sampled
from studium.media.planes import Scaler, luma_of
from studium.media.shape import Shape
from studium.media.video import Video

Films = tuple[Path, dict[str, str]]
COLOURS = np.array(
    [[255, 255, 255], [0, 0, 0], [255, 0, 0], [0, 255, 0], [0, 0, 255], [255, 255, 0], [128, 128, 128], [200, 100, 50]]
)
WEIGHTS = {1: (0.2126, 0.0722), 6: (0.299, 0.114), 9: (0.2627, 0.0593)}
"""Of red and blue in the luminance: BT.709, BT.601, BT.2020, by their number in ITU-T H.273."""
LIMITED, FULL, UNTAGGED = 1, 2, 2


def first(path: Path) -> Frame:
    return next(Video(path).frames())


def luminance(rgb: NDArray[Any], matrix: int) -> NDArray[np.float64]:
    red, blue = WEIGHTS[matrix]
    return rgb @ np.array([red, 1 - red - blue, blue])


def stored(rgb: NDArray[Any], matrix: int, colour_range: int, bits: int) -> list[NDArray[np.float64]]:
    """Y, Cb and Cr as ITU-R BT.601, BT.709 and BT.2020 define them."""
    red, blue = WEIGHTS[matrix]
    y = luminance(rgb, matrix)
    colour = [(rgb[:, 2] - y) / (2 - 2 * blue), (rgb[:, 0] - y) / (2 - 2 * red)]
    if colour_range == FULL:
        top = (1 << bits) - 1
        return [
            np.clip(np.rint(v), 0, top) for v in (y / 255 * top, *(c / 255 * top + (1 << bits - 1) for c in colour))
        ]
    scale = 1 << bits - 8
    return [np.rint((16 + 219 * y / 255) * scale), *(np.rint((128 + 224 * c / 255) * scale) for c in colour)]


def patches(path: Path, form: str, matrix: int, colour_range: int, tags: tuple[int, int], height: int = 64) -> Path:
    """One frame of eight patches of colour, written into the planes as the standard says, coded without loss."""
    kind, bits = (np.uint16, 10) if "10" in form else (np.uint8, 8)
    frame = av.VideoFrame(256, height, form)
    for plane, values in zip(frame.planes, stored(COLOURS, matrix, colour_range, bits), strict=True):
        rows = np.frombuffer(plane, np.uint8).view(kind).reshape(plane.height, -1)
        rows[:, : plane.width] = np.repeat(values, plane.width // 8).astype(kind)
    frame.colorspace, frame.color_range = tags
    options = {"qp": 0} if "j" in form else {}
    codec = "libx264" if "j" in form else "ffv1"
    return hostile_video.video(
        path, [frame], codec, pix_fmt=form, options=options, colorspace=tags[0], color_range=tags[1]
    )


@pytest.mark.parametrize("form", ["yuv420p", "yuv422p", "yuv444p", "yuv420p10le", "yuv422p10le", "yuv444p10le"])
@pytest.mark.parametrize("matrix", [1, 6, 9])
@pytest.mark.parametrize("colour_range", [LIMITED, FULL])
def test_known_colours(tmp_path: Path, form: str, matrix: int, colour_range: int) -> None:
    check_colours(patches(tmp_path / "a.mkv", form, matrix, colour_range, (matrix, colour_range)), matrix)


def check_colours(path: Path, matrix: int) -> None:
    frame = first(path)
    rgb = frame.rgb()
    assert np.abs(rgb[rgb.shape[0] // 2, 16::32].astype(int) - COLOURS).max() <= 1
    small = frame.rgb(32)
    assert np.abs(small[16, small.shape[1] // 16 :: small.shape[1] // 8][:8].astype(int) - COLOURS).max() <= 1
    assert np.abs(frame.grey(8, 1)[0] - luminance(COLOURS, matrix)).max() <= 1.5


def test_known_colours_of_jpeg_range(tmp_path: Path) -> None:
    check_colours(patches(tmp_path / "a.mkv", "yuvj420p", 6, FULL, (6, FULL)), 6)


@pytest.mark.parametrize(("height", "matrix"), [(576, 6), (718, 6), (720, 1), (1080, 1)])
def test_untagged_colours_are_those_of_their_definition(tmp_path: Path, height: int, matrix: int) -> None:
    frame = first(patches(tmp_path / "a.mkv", "yuv420p", matrix, LIMITED, (UNTAGGED, 0), height))
    assert np.abs(frame.rgb()[height // 2, 16::32].astype(int) - COLOURS).max() <= 1


def test_rgb_alpha_palette_and_grey(tmp_path: Path) -> None:
    rgba = np.zeros((64, 64, 4), np.uint8)
    rgba[:, :32], rgba[:, 32:48], rgba[:, 48:] = (255, 0, 0, 255), (0, 0, 255, 0), (0, 0, 255, 128)
    frame = first(
        hostile_video.video(tmp_path / "a.mov", [av.VideoFrame.from_ndarray(rgba, "rgba")], "png", pix_fmt="rgba")
    )
    assert frame.rgb()[9, [9, 40, 60]].tolist() == [[255, 0, 0], [255, 255, 255], [127, 127, 255]]
    assert frame.grey(4, 1).tolist() == [[76, 76, 255, 142]]
    plain = av.VideoFrame.from_ndarray(np.ascontiguousarray(rgba[..., :3]), "rgb24")
    frame = first(hostile_video.video(tmp_path / "b.mkv", [plain], "ffv1", pix_fmt="bgr0"))
    assert frame.rgb()[9, [9, 60]].tolist() == [[255, 0, 0], [0, 0, 255]]
    indices, colours = np.repeat([[0, 1]], 32, axis=1).repeat(64, axis=0).astype(np.uint8), np.zeros((256, 4), np.uint8)
    colours[:2] = [(255, 255, 0, 0), (255, 0, 0, 255)]  # alpha first
    palette = av.VideoFrame.from_ndarray((indices, colours), "pal8")
    frame = first(hostile_video.video(tmp_path / "c.mov", [palette], "png", pix_fmt="pal8"))
    assert frame.rgb()[9, [9, 40]].tolist() == [[255, 0, 0], [0, 0, 255]]
    ramp = np.tile(np.arange(64, dtype=np.uint8) * 4, (64, 1))
    grey = first(
        hostile_video.video(tmp_path / "d.mkv", [av.VideoFrame.from_ndarray(ramp, "gray")], "ffv1", pix_fmt="gray")
    )
    assert np.array_equal(grey.grey(64, 64), ramp)
    assert np.array_equal(grey.rgb(), np.dstack([ramp] * 3))


@pytest.mark.parametrize("mirrored", [False, True])
@pytest.mark.parametrize("degrees", [0, 90, 180, 270])
def test_upright(tmp_path: Path, degrees: int, mirrored: bool) -> None:
    video = Video(hostile_video.turned(tmp_path / "a.mp4", degrees, mirrored))
    frame = list(video.frames())[6]
    upright = np.rot90(numbered(6)[:, ::-1] if mirrored else numbered(6), -degrees // 90)
    assert (frame.shape.rotation, frame.shape.mirrored, video.info.rotation) == (degrees, mirrored, degrees)
    assert (frame.shape.height, frame.shape.width) == upright.shape[:2]
    assert np.abs(frame.rgb().astype(int) - upright).mean() < 2
    quarter = upright.reshape(upright.shape[0] // 4, 4, upright.shape[1] // 4, 4, 3).mean(axis=(1, 3))
    assert np.abs(frame.rgb(24).astype(int) - quarter).mean() < 2
    assert np.abs(frame.grey(*frame.rgb(24).shape[1::-1]) - luminance(quarter, 6)).mean() < 2


def test_square_pixels(films: Films) -> None:
    frame = first(films[0] / "anamorphic.mp4")
    assert (frame.shape.width, frame.shape.height) == (171, 96)
    assert frame.rgb().shape == (96, 171, 3)
    assert frame.rgb(48).shape == (48, 86, 3)
    assert number_of(list(Video(films[0] / "anamorphic.mp4").frames())[3].rgb()) == 3


@pytest.mark.parametrize("ratio", [Fraction(1, 999), Fraction(999)])
def test_nonsense_about_pixels_is_not_believed(tmp_path: Path, ratio: Fraction) -> None:
    path = hostile_video.video(tmp_path / "a.mkv", [numbered(1)], "ffv1", sample_aspect_ratio=ratio)
    assert first(path).rgb().shape == (96, 128, 3)


def test_odd_sizes(tmp_path: Path) -> None:
    path = hostile_video.video(tmp_path / "a.mkv", [numbered(i, 65, 49) for i in range(3)], "ffv1")
    for number, frame in enumerate(Video(path).frames()):
        assert frame.rgb().shape == (49, 65, 3)
        assert number_of(frame.rgb()) == number == number_of(np.dstack([frame.grey(31, 23)] * 3))
        assert frame.rgb(7).shape == (7, 9, 3)
    tiny = first(
        hostile_video.video(tmp_path / "b.mkv", [np.full((1, 1, 3), 200, np.uint8)], "ffv1", pix_fmt="yuv444p")
    )
    assert tiny.grey(32, 32).shape == (32, 32)
    assert np.abs(tiny.grey(32, 32).astype(int) - 200).max() <= 1


def test_interlaced_frames_show_one_instant(films: Films) -> None:
    frames = list(Video(films[0] / "interlaced.mp4").frames())
    assert [frame.time for frame in frames] == [i / 25 for i in range(20)]
    for number, frame in enumerate(frames):
        bright = frame.rgb()[..., 0] > 128
        assert bright.any(axis=0).sum() == 16
        assert (bright == bright[0]).all()
        assert bright[0].argmax() == number * 32 % 128
        assert np.array_equal(frame.grey(8, 6)[3] > 128, bright[0, ::16])


def test_detail(films: Films) -> None:
    frame = first(films[0] / "plain.mp4")
    assert frame.rgb(24).shape == (24, 32, 3)
    assert frame.rgb(1).shape == (1, 1, 3)
    assert frame.rgb(96) is frame.rgb() is frame.rgb(5000)


def test_each_form_is_made_once_and_cannot_be_changed(films: Films) -> None:
    frame = first(films[0] / "turned.mp4")
    for form in (frame.grey(8, 8), frame.rgb(20), frame.rgb()):
        assert form.dtype == np.uint8
        assert form.flags.c_contiguous
        with pytest.raises(ValueError, match="read-only"):
            form[0] = 0
    assert frame.grey(8, 8) is frame.grey(8, 8)


def test_impossible_sizes(films: Films) -> None:
    frame = first(films[0] / "plain.mp4")
    for width, height in ((0, 4), (4, 0), (-1, 4)):
        with pytest.raises(InputError, match="at least 1 x 1 px"):
            frame.grey(width, height)
    with pytest.raises(InputError, match="at least 1 px, or None"):
        frame.rgb(0)


def test_a_stream_may_change_its_size(tmp_path: Path) -> None:
    paths = [
        hostile_video.video(tmp_path / f"{width}.ts", [numbered(i, width, 64) for i in range(9)], options={"bf": 0})
        for width in (64, 96)
    ]
    with av.open(str(tmp_path / "both.ts"), "w") as output:
        stream = None
        for later, path in enumerate(paths):
            with av.open(str(path)) as source:
                stream = stream or output.add_stream_from_template(source.streams.video[0])
                for packet in source.demux(video=0):
                    if packet.size:
                        packet.stream = stream
                        packet.pts, packet.dts = packet.pts + later * 90_000, packet.dts + later * 90_000
                        output.mux(packet)
    shapes = [(frame.rgb().shape[1], number_of(frame.rgb())) for frame in Video(tmp_path / "both.ts").frames()]
    assert shapes == [(64, i) for i in range(9)] + [(96, i) for i in range(9)]


@pytest.mark.parametrize("samples", [1, 2, 4])
@pytest.mark.parametrize("size", [(1280, 720), (1001, 563), (97, 1), (1, 41), (50, 200)])
def test_grey_averages_samples_that_lie_evenly_in_the_picture(size: tuple[int, int], samples: int) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, size[::-1], np.uint8)
    frame = Frame(av.VideoFrame.from_ndarray(pixels, "gray"), 0.0, 0.0, Shape(*size), Scaler())
    deep = Frame(av.VideoFrame.from_ndarray(pixels.astype(np.uint16) * 4, "gray10le"), 0.0, 0.0, Shape(*size), Scaler())
    for wide, high in ((48, 27), (32, 32), (1, 1)):
        across, down = min(samples * wide, size[0]), min(samples * high, size[1])
        far = size[0] >= 8 * across and size[1] >= 8 * down
        take = nearest if far else between
        taken = take(take(pixels, across).T, down).T
        expected = cv2.resize(np.ascontiguousarray(taken), (wide, high), None, 0, 0, cv2.INTER_AREA)
        assert np.abs(frame.grey(wide, high, samples) - expected).max() <= 1.5  # twice rounded
        assert np.abs(deep.grey(wide, high, samples) - expected * (1020 / 1023)).max() <= 1


@pytest.mark.parametrize("form", ["yuv420p", "gray", "gray10le"])
def test_samples_far_from_each_other_are_stored_pixels(form: str) -> None:
    """Of pictures whose lines are stored with room after them, and of those of which every other line counts."""
    high, kind = (1024, np.uint16) if "10" in form else (256, np.uint8)
    pixels = np.random.default_rng(0).integers(0, high, (406, 402), kind)
    raw = av.VideoFrame(402, 406, form)
    raw.color_range = 2
    lines = np.frombuffer(raw.planes[0], kind).reshape(406, -1)
    assert lines.shape[1] > 402
    lines[:, :402] = pixels
    luma = luma_of(raw)
    assert luma
    assert np.array_equal(luma.plane, pixels)
    for some, seen in ((luma, pixels), (luma.top_field, pixels[::2])):
        found = sampled(some, (20, 10), 2, Shape(402, 406)).values
        assert np.array_equal(found, nearest(nearest(seen, 40).T, 20).T)


def nearest(pixels: NDArray[Any], count: int) -> NDArray[Any]:
    """Values in the middle of ``count`` equal parts of every row."""
    return pixels[:, np.floor((np.arange(count) + 0.5) * pixels.shape[1] / count).astype(int)]


def between(pixels: NDArray[Any], count: int) -> NDArray[Any]:
    """Values at the middles of ``count`` equal parts of every row, on the line between the two pixels beside each."""
    wide = pixels.shape[1]
    middles = (np.arange(count) + 0.5) * wide / count - 0.5
    return np.stack([np.interp(middles, np.arange(wide), row) for row in pixels])


def test_fewer_samples_are_another_form() -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (90, 160), np.uint8)
    frame = Frame(av.VideoFrame.from_ndarray(pixels, "gray"), 0.0, 0.0, Shape(160, 90), Scaler())
    assert not np.array_equal(frame.grey(16, 9), frame.grey(16, 9, 2))
    with pytest.raises(InputError, match="1 sample"):
        frame.grey(16, 9, 0)
