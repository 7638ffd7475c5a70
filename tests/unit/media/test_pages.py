"""Every picture of a file, and what is written: pixels and times, and nothing else."""

import io

import numpy as np
import pytest
from PIL import Image, PngImagePlugin

from studium.errors import EmptyFileError, InputError, TooLargeError, TruncatedFileError
from studium.media.image import decode
from studium.media.pages import pages
from studium.media.write import write_pages

COLOURS = [(200, 30, 30), (30, 200, 30), (30, 30, 200)]


def plain(colour, size=(40, 30)):
    return Image.new("RGB", size, colour)


def save(path, form, **options):
    images = [plain(colour) for colour in COLOURS]
    images[0].save(path, form, save_all=True, append_images=images[1:], **options)
    return path


def test_an_empty_file(tmp_path):
    (tmp_path / "empty.gif").write_bytes(b"")
    with pytest.raises(EmptyFileError):
        list(pages(tmp_path / "empty.gif"))


def test_one_picture_is_what_decode_gives(photos):
    (page,) = pages(photos / "chelsea.png")
    assert (page.pixels == decode(photos / "chelsea.png")).all()
    assert page.seconds == 0


@pytest.mark.parametrize(
    ("form", "options"),
    [("GIF", {"duration": [80, 120, 500]}), ("WEBP", {"duration": [80, 120, 500], "lossless": True}), ("TIFF", {}),
     ("PNG", {"duration": [80, 120, 500]})],
)  # fmt: skip
def test_all_of_several(tmp_path, form, options):
    found = list(pages(save(tmp_path / "several", form, **options)))
    assert [tuple(page.pixels[10, 10].tolist()) for page in found] == COLOURS
    assert [page.seconds for page in found] == ([0.08, 0.12, 0.5] if options else [0, 0, 0])


@pytest.mark.parametrize("turn", range(1, 9))
def test_pages_stand_upright(tmp_path, turn):
    picture = Image.fromarray(np.arange(2 * 3 * 3, dtype=np.uint8).reshape(2, 3, 3))
    stored = {  # how a camera stores it: the inverse of what EXIF says to do
        1: None, 2: Image.Transpose.FLIP_LEFT_RIGHT, 3: Image.Transpose.ROTATE_180,
        4: Image.Transpose.FLIP_TOP_BOTTOM, 5: Image.Transpose.TRANSPOSE, 6: Image.Transpose.ROTATE_90,
        7: Image.Transpose.TRANSVERSE, 8: Image.Transpose.ROTATE_270,
    }[turn]  # fmt: skip
    lying = picture if stored is None else picture.transpose(stored)
    lying.save(tmp_path / "two.tif", save_all=True, append_images=[lying], tiffinfo={274: turn})
    for page in pages(tmp_path / "two.tif"):
        assert (page.pixels == np.asarray(picture)).all()


def test_a_broken_animation_is_an_error(tmp_path):
    path = save(tmp_path / "cut.webp", "WEBP", lossless=True)
    path.write_bytes(path.read_bytes()[:-40])
    with pytest.raises(TruncatedFileError):
        list(pages(path))


def test_every_page_is_judged(tmp_path):
    plain((0, 0, 0)).save(tmp_path / "two.tif", save_all=True, append_images=[plain((0, 0, 0), (400, 300))])
    with pytest.raises(TooLargeError, match="picture 2"):
        list(pages(tmp_path / "two.tif", max_pixels=5000))


# writing


@pytest.mark.parametrize(("form", "count"), [("PNG", 1), ("TIFF", 1), ("TIFF", 3)])
def test_what_is_exact_comes_back_exactly(tmp_path, form, count):
    rng = np.random.default_rng(0)
    made = [rng.integers(0, 256, (30, 40 + i, 3), np.uint8) for i in range(count)]
    write_pages(tmp_path / "out", iter(made), form)
    back = [page.pixels for page in pages(tmp_path / "out")]
    assert all((one == other).all() for one, other in zip(made, back, strict=True))


def test_pages_are_written_one_by_one(tmp_path):
    sizes = []

    def made():
        for number in range(6):
            sizes.append((tmp_path / "out").stat().st_size if number > 2 else 0)
            yield np.random.default_rng(number).integers(0, 256, (100, 100, 3), np.uint8)

    write_pages(tmp_path / "out", made(), "TIFF")
    assert sizes[3] < sizes[4] < sizes[5]  # what is written is not kept in memory until the last


def test_a_photograph_stays_close(tmp_path, photos):
    photo = decode(photos / "chelsea.png")
    write_pages(tmp_path / "out", [photo], "JPEG")
    assert np.abs(decode(tmp_path / "out").astype(int) - photo).mean() < 2


@pytest.mark.parametrize("form", ["JPEG", "PNG", "TIFF"])
def test_nothing_but_pixels_is_written(tmp_path, photos, form):
    write_pages(tmp_path / "out", [decode(photos / "chelsea.png")], form)
    data = (tmp_path / "out").read_bytes()
    image = Image.open(io.BytesIO(data))
    if form == "JPEG":
        assert set(image.info) <= {"jfif", "jfif_version", "jfif_unit", "jfif_density"}
    elif form == "PNG":
        chunks, at = set(), 8
        while at < len(data):
            chunks.add(data[at + 4 : at + 8])
            at += 12 + int.from_bytes(data[at : at + 4], "big")
        assert chunks == {b"IHDR", b"IDAT", b"IEND"}
        assert isinstance(image, PngImagePlugin.PngImageFile)
    else:
        assert not {270, 271, 272, 305, 306, 315, 33432, 700, 34665, 34853} & set(image.tag_v2)


@pytest.mark.parametrize(("form", "count"), [("JPEG", 0), ("PNG", 0), ("JPEG", 2), ("PNG", 2), ("GIF", 1)])
def test_what_cannot_be_written_is_refused(tmp_path, form, count):
    with pytest.raises(InputError):
        write_pages(tmp_path / "out", [np.zeros((2, 2, 3), np.uint8)] * count, form)
