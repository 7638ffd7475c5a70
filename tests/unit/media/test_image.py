"""Decoding against Pillow's own answers, golden values, and everything that must fail loudly."""

import io
import random
import subprocess
import sys
import threading
import warnings
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import hostile
import numpy as np
import pytest
import skimage.data
from numpy.typing import NDArray
from PIL import Image, ImageCms, ImageFile, ImageOps
from profiles import display_p3

from studium import errors
from studium.errors import InputError, MediaError, TooLargeError, TruncatedFileError, UnknownFormatError
from studium.media.colour import to_rgb
from studium.media.image import decode

PHOTO = Image.fromarray(skimage.data.chelsea())


def saved(image: Image.Image, form: str, **options: object) -> bytes:
    data = io.BytesIO()
    image.save(data, form, **options)
    return data.getvalue()


def by_pillow(data: bytes) -> NDArray[np.uint8]:
    return np.asarray(ImageOps.exif_transpose(Image.open(io.BytesIO(data))).convert("RGB"))


@pytest.fixture(scope="module")
def zoo(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, str]]:
    folder = tmp_path_factory.mktemp("zoo")
    return folder, hostile.make(folder)


def test_nothing_is_an_error() -> None:
    with pytest.raises(errors.EmptyFileError, match="0 bytes: the file is empty"):
        decode(b"")


def test_one_pixel() -> None:
    rgb = decode(saved(Image.new("RGB", (1, 1), (1, 2, 3)), "PNG"))
    assert rgb.tolist() == [[[1, 2, 3]]]
    assert rgb.dtype == np.uint8
    assert rgb.flags.c_contiguous
    assert not rgb.flags.writeable


def test_every_file_of_the_zoo_decodes_or_says_why(zoo: tuple[Path, dict[str, str]]) -> None:
    folder, expected = zoo
    got = {}
    for name in expected.keys() - {"forbidden.jpg", "process.crash"}:
        try:
            assert decode(folder / name).shape[2] == 3
            got[name] = "ok"
        except MediaError as error:
            got[name] = type(error).__name__ if str(folder / name) in str(error) else str(error)
    assert got == {name: expected[name] for name in got}
    assert len(got) > 30


@pytest.mark.parametrize(("form", "options"), [
    ("PNG", {}), ("BMP", {}), ("TIFF", {}), ("TIFF", {"compression": "tiff_lzw"}), ("TIFF", {"compression": "jpeg"}),
    ("WEBP", {"lossless": True}), ("WEBP", {}), ("AVIF", {}), ("JPEG", {}), ("JPEG", {"progressive": True}),
    ("GIF", {}),
])  # fmt: skip
@pytest.mark.parametrize("mode", ["RGB", "L"])
def test_formats_decode_as_pillow_does(form: str, options: dict[str, object], mode: str) -> None:
    data = saved(PHOTO.convert(mode), form, **options)
    np.testing.assert_array_equal(decode(data), by_pillow(data))


@pytest.mark.parametrize("mode", ["1", "P", "CMYK"])
def test_modes_decode_as_pillow_does(mode: str) -> None:
    data = saved(PHOTO.convert(mode), "TIFF")
    np.testing.assert_array_equal(decode(data), by_pillow(data))


@pytest.mark.parametrize("mode", ["HSV", "YCbCr", "LA", "RGBA", "RGBX", "RGBa", "La", "PA"])
def test_modes_that_only_other_readers_make(mode: str) -> None:
    image = PHOTO.convert("L") if mode in {"LA", "La"} else PHOTO
    through = {"RGBa": "RGBA", "La": "LA", "PA": "RGBA"}.get(mode)
    converted = (image.convert(through) if through else image).convert(mode)
    expected = np.asarray(converted.convert(through or "RGB").convert("RGB"))
    np.testing.assert_array_equal(np.asarray(to_rgb(converted)), expected)


def test_cmyk_jpeg_of_photoshop_is_not_negative() -> None:
    data = saved(PHOTO.convert("CMYK"), "JPEG", quality=95)
    assert b"Adobe" in data
    assert np.abs(decode(data).astype(int) - np.asarray(PHOTO)).mean() < 3


def test_lab_tiff_is_close_to_its_photo() -> None:
    srgb, lab = ImageCms.createProfile("sRGB"), ImageCms.createProfile("LAB")
    data = saved(ImageCms.profileToProfile(PHOTO, srgb, lab, outputMode="LAB"), "TIFF")
    assert np.abs(decode(data).astype(int) - np.asarray(PHOTO)).mean() < 2


@pytest.mark.parametrize("big_endian", [False, True])
@pytest.mark.parametrize("form", ["PNG", "TIFF"])
def test_16_bit_grey_keeps_its_tones(form: str, big_endian: bool) -> None:
    values = np.array([[0, 128, 129, 257, 32768, 65406, 65407, 65535]], np.uint16)
    image = Image.fromarray(values)
    if big_endian:
        image = Image.frombytes("I;16B", image.size, values.astype(">u2").tobytes())
    expected = np.round(values / 257).astype(np.uint8)
    np.testing.assert_array_equal(decode(saved(image, form))[..., 1], expected)


def test_16_bit_tiff_with_white_as_zero() -> None:
    image = Image.fromarray(np.array([[0, 257, 65535]], np.uint16))
    assert decode(saved(image, "TIFF", tiffinfo={262: 0}))[0, :, 0].tolist() == [255, 254, 0]


@pytest.mark.parametrize("values", [np.ones((2, 2), np.float32), np.ones((2, 2), np.int32)])
def test_pixels_without_a_defined_white_are_refused(values: NDArray[np.generic]) -> None:
    with pytest.raises(UnknownFormatError, match="black and white are not defined"):
        decode(saved(Image.fromarray(values), "TIFF"))


def test_transparency_lies_on_white() -> None:
    rgba = Image.fromarray(np.array([[[200, 0, 0, 255], [200, 0, 0, 128], [200, 0, 0, 0]]], np.uint8))
    red = decode(saved(rgba, "PNG"))
    assert red.tolist() == [[[200, 0, 0], [227, 127, 127], [255, 255, 255]]]
    np.testing.assert_array_equal(decode(saved(rgba, "WEBP", lossless=True)), red)
    grey = Image.fromarray(np.array([[[10, 255], [10, 0]]], np.uint8))
    assert decode(saved(grey, "PNG"))[0, :, 0].tolist() == [10, 255]


@pytest.mark.parametrize(("mode", "clear"), [("P", 1), ("L", 1), ("RGB", (1, 1, 1)), ("I;16", 1)])
def test_a_transparent_colour_lies_on_white(mode: str, clear: object) -> None:
    image = Image.new(mode, (2, 1))
    if mode == "P":
        image.putpalette([0, 0, 0, 90, 90, 90])
    image.putpixel((1, 0), clear)
    assert decode(saved(image, "PNG", transparency=clear)).tolist() == [[[0, 0, 0], [255, 255, 255]]]


@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP", "TIFF", "AVIF"])
@pytest.mark.parametrize("turn", hostile.ORIENTED)
def test_pictures_come_upright(form: str, turn: int) -> None:
    exif = Image.Exif()
    exif[274] = turn
    data = saved(PHOTO.resize((60, 40)), form, exif=exif)
    np.testing.assert_array_equal(decode(data), by_pillow(data))
    assert decode(data).shape == ((60, 40, 3) if turn > 4 else (40, 60, 3))


def test_heic_upright_and_close_to_its_photo(heic: Path) -> None:
    small = np.asarray(PHOTO.resize((226, 150))).astype(int)
    assert np.abs(decode(heic / "chelsea.heic") - small).mean() < 6
    assert np.abs(np.rot90(decode(heic / "chelsea_turned.heic")) - small).mean() < 6


def test_first_frame_of_an_animation() -> None:
    second = PHOTO.rotate(180)
    for form, options in (("GIF", {}), ("WEBP", {"lossless": True}), ("PNG", {}), ("TIFF", {})):
        data = saved(PHOTO, form, save_all=True, append_images=[second], **options)
        np.testing.assert_array_equal(decode(data), by_pillow(data))


def test_a_profile_that_is_srgb_changes_nothing() -> None:
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    np.testing.assert_array_equal(decode(saved(PHOTO, "PNG", icc_profile=srgb)), np.asarray(PHOTO))


def test_display_p3_becomes_srgb() -> None:
    """To P3 by the matrix of CSS Color 4, section 17, and back by the profile (with gamma 2.2 for the sRGB curve)."""
    srgb = np.array([[200, 100, 50], [90, 180, 60], [128, 128, 128], [255, 255, 255]], np.uint8)
    linear = np.where(srgb > 10, ((srgb / 255 + 0.055) / 1.055) ** 2.4, srgb / 255 / 12.92)
    to_p3 = np.array([[0.8224621, 0.177538, 0], [0.0331941, 0.9668058, 0], [0.0170827, 0.0723974, 0.9105199]])
    p3 = np.round(255 * (linear @ to_p3.T) ** (1 / 2.2)).astype(np.uint8)
    data = saved(Image.fromarray(p3[None]), "PNG", icc_profile=display_p3())
    assert np.abs(decode(data)[0].astype(int) - srgb).max() <= 2
    assert np.abs(p3.astype(int) - srgb).max() > 9


@pytest.mark.parametrize("profile", [b"nonsense", display_p3()])
def test_a_profile_that_does_not_fit_is_left_out(profile: bytes) -> None:
    grey = PHOTO.convert("L")
    np.testing.assert_array_equal(decode(saved(grey, "PNG", icc_profile=profile))[..., 0], np.asarray(grey))


@pytest.mark.parametrize(("size", "detail", "expected"), [
    ((1024, 768), None, (768, 1024)), ((1024, 768), 512, (768, 1024)), ((1024, 768), 385, (768, 1024)),
    ((1024, 768), 384, (384, 512)), ((4000, 3000), 512, (750, 1000)), ((900, 4000), 448, (2000, 450)[::-1]),
    ((1023, 767), 384, (767, 1023)),  # 1/2 would overhang by a thousandth of the side and move the centre
    ((3023, 4031), 540, (1008, 756)),  # 1/4 overhangs by a third of that
    ((3025, 4032), 540, (2016, 1513)),  # 1/4 overhangs by three pixels, 1/2 by one
    ((24, 16), 1, (2, 3)), ((20, 10), 512, (10, 20)),
])  # fmt: skip
def test_detail_is_what_the_shorter_side_keeps(
    size: tuple[int, int], detail: int | None, expected: tuple[int, int]
) -> None:
    data = saved(PHOTO.resize(size), "JPEG")
    shape = decode(data, detail=detail).shape[:2]
    assert shape in {expected, expected[::-1]}
    assert (shape[0] > shape[1]) == (size[1] > size[0])


def test_detail_leaves_other_formats_alone() -> None:
    np.testing.assert_array_equal(decode(saved(PHOTO, "PNG"), detail=8), np.asarray(PHOTO))


@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP", "GIF", "TIFF", "BMP", "AVIF"])
@pytest.mark.parametrize("part", [0.02, 0.3, 0.6, 0.9])
def test_a_cut_file_is_never_taken_for_a_whole_one(form: str, part: float) -> None:
    data = saved(PHOTO, form)
    with pytest.raises(MediaError):
        decode(data[: int(len(data) * part)])


@pytest.mark.parametrize("part", [0.3, 0.6, 0.9])
def test_a_cut_heic_is_never_taken_for_a_whole_one(heic: Path, part: float) -> None:
    data = (heic / "chelsea.heic").read_bytes()
    with pytest.raises(TruncatedFileError):
        decode(data[: int(len(data) * part)])


@pytest.mark.parametrize(("form", "options"), [
    ("JPEG", {}), ("JPEG", {"progressive": True}), ("PNG", {}), ("GIF", {"interlace": False}), ("BMP", {}),
    ("TIFF", {"compression": "tiff_lzw"}),
])  # fmt: skip
def test_truncated_takes_what_there_is(form: str, options: dict[str, object]) -> None:
    whole = saved(PHOTO, form, **options)
    cut = whole[: len(whole) * 6 // 10]
    if form == "TIFF":  # its directory stands at the end: break the pixels instead
        cut = whole[:80_000] + bytes(60_000) + whole[140_000:]
    with pytest.raises(TruncatedFileError):
        decode(cut)
    rgb, full = decode(cut, truncated=True), decode(whole)
    assert rgb.shape == full.shape
    top = slice(250, 300) if form == "BMP" else slice(0, 40)
    assert np.abs(rgb[top].astype(int) - full[top]).mean() < (20 if options.get("progressive") else 0.1)
    np.testing.assert_array_equal(decode(whole, truncated=True), full)


def test_someone_elses_global_switch_cannot_pass_cut_files_as_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ImageFile, "LOAD_TRUNCATED_IMAGES", True)
    with pytest.raises(InputError, match="LOAD_TRUNCATED_IMAGES"):
        decode(saved(PHOTO, "JPEG"))


def test_too_large_is_judged_from_the_header(tmp_path: Path) -> None:
    hostile.write_bomb(tmp_path / "bomb.png", 30_000)
    code = (
        "import resource, sys; from studium.media.image import decode; from studium.errors import TooLargeError\n"
        "def peak(): return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024\n"
        "before = peak()\n"
        "try: decode(sys.argv[1])\n"
        "except TooLargeError as error: print(error); print(peak() - before)"
    )
    child = subprocess.run([sys.executable, "-W", "error", "-c", code, tmp_path / "bomb.png"],
                           capture_output=True, text=True, check=True)  # fmt: skip
    message, grown = child.stdout.splitlines()
    assert "30,000 x 30,000 pixels are more than max_pixels = 120,000,000" in message
    assert float(grown) < 20  # MB; the pixels would take 3,600


@pytest.mark.parametrize("form", ["PNG", "JPEG", "WEBP", "GIF", "TIFF", "BMP", "AVIF"])
def test_a_limit_moved_on_purpose_counts(form: str, monkeypatch: pytest.MonkeyPatch) -> None:
    data = saved(PHOTO, form)
    with pytest.raises(TooLargeError, match="451 x 300"):
        decode(data, max_pixels=451 * 300 - 1)
    if form not in {"GIF", "WEBP"}:
        monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 100)
    assert decode(data, max_pixels=451 * 300).shape == (300, 451, 3)


@pytest.mark.parametrize("form", ["GIF", "WEBP"])
def test_pillows_own_limit_is_an_error_of_ours(form: str, monkeypatch: pytest.MonkeyPatch) -> None:
    data = saved(PHOTO, form)
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 100)
    with pytest.raises(TooLargeError, match="MAX_IMAGE_PIXELS"):
        decode(data)


@pytest.mark.parametrize("arguments", [{"detail": 0}, {"max_pixels": 0}])
def test_impossible_arguments(arguments: dict[str, int]) -> None:
    with pytest.raises(InputError):
        decode(saved(PHOTO, "PNG"), **arguments)


@pytest.mark.parametrize("path", ["nowhere.jpg", "a\0b.jpg", "/dev/zero", "/dev/null"])
def test_what_is_no_file(path: str) -> None:
    with pytest.raises(errors.UnreadableFileError):
        decode(path)


@pytest.mark.skipif(sys.platform != "linux", reason="root can be held to permissions only on Linux")
def test_forbidden(zoo: tuple[Path, dict[str, str]]) -> None:
    code = "import sys; from studium.media.image import decode; decode(sys.argv[1])"
    child = subprocess.run([sys.executable, "-c", code, zoo[0] / "forbidden.jpg"], preexec_fn=hostile.drop_root,
                           capture_output=True, text=True, check=False)  # fmt: skip
    assert "UnreadableFileError" in child.stderr
    assert "Permission denied" in child.stderr


def test_broken_bytes_raise_only_media_errors_and_no_warnings(heic: Path) -> None:
    chance, small, exif = random.Random(0), PHOTO.resize((90, 60)), Image.Exif()
    exif[274], exif[271] = 6, "a maker of cameras"
    files = [saved(small, form, exif=exif) for form in ("JPEG", "PNG", "WEBP", "TIFF")]
    files += [saved(small, form, save_all=True, append_images=[small.rotate(90)]) for form in ("GIF", "WEBP", "PNG")]
    files += [saved(small, "BMP"), saved(small, "AVIF"), saved(small, "TIFF", compression="tiff_adobe_deflate")]
    files += [(heic / "chelsea.heic").read_bytes(), saved(small.convert("CMYK"), "JPEG", progressive=True)]
    broken = 0
    with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        for whole in files:
            for _ in range(60):
                data = bytearray(whole[: chance.randrange(1, len(whole))] if chance.random() < 0.3 else whole)
                for _ in range(chance.randrange(5)):
                    data[chance.randrange(min(len(data), chance.choice((600, len(data)))))] = chance.randrange(256)
                try:
                    assert decode(bytes(data), detail=32, truncated=chance.random() < 0.3).ndim == 3
                except MediaError:
                    broken += 1
    assert [str(w.message) for w in warned] == []
    assert 100 < broken < len(files) * 60 - 100


def test_threads_get_what_one_gets(zoo: tuple[Path, dict[str, str]]) -> None:
    paths = [zoo[0] / name for name, outcome in zoo[1].items() if outcome == "ok"] * 3
    alone = [decode(path) for path in paths]
    with ThreadPoolExecutor(8) as pool:
        for one, other in zip(alone, pool.map(decode, paths), strict=True):
            np.testing.assert_array_equal(one, other)
        profiled = saved(PHOTO, "PNG", icc_profile=display_p3())
        for other in pool.map(decode, [profiled] * 40):
            np.testing.assert_array_equal(decode(profiled), other)


def test_other_threads_run_while_a_picture_is_decoded() -> None:
    data, done, ticks = saved(PHOTO.resize((6000, 4000)), "JPEG"), threading.Event(), 0

    def work() -> None:
        decode(data)
        done.set()

    thread = threading.Thread(target=work)
    thread.start()
    while not done.wait(0.002):
        ticks += 1
    thread.join()
    assert ticks > 5
