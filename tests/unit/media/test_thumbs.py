"""Thumbnails: small, the same every time, whole or not there."""

import io
from pathlib import Path

import numpy as np
import pytest
import skimage.data
from PIL import Image

from studium.errors import InputError
from studium.media import thumbs

UNIT = "ab" + "0" * 62


def test_none_yet(tmp_path: Path) -> None:
    assert thumbs.read(tmp_path, UNIT) is None


def test_one(tmp_path: Path) -> None:
    path = thumbs.cached(tmp_path, UNIT, skimage.data.chelsea())
    assert path == tmp_path / "thumbs" / "ab" / f"{UNIT}.webp"
    assert thumbs.read(tmp_path, UNIT) == path.read_bytes() == thumbs.thumbnail(skimage.data.chelsea())
    assert [p.name for p in path.parent.iterdir()] == [path.name]


def test_what_is_there_is_not_written_again(tmp_path: Path) -> None:
    path = thumbs.cached(tmp_path, UNIT, skimage.data.chelsea())
    assert thumbs.cached(tmp_path, UNIT, skimage.data.coffee()) == path
    assert path.read_bytes() == thumbs.thumbnail(skimage.data.chelsea())


def test_a_failure_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises((TypeError, KeyError)):
        thumbs.cached(tmp_path, UNIT, np.zeros((2, 2, 7), np.float64))  # type: ignore[arg-type]
    assert list((tmp_path / "thumbs" / "ab").iterdir()) == []


@pytest.mark.parametrize(("size", "expected"), [(192, (192, 128)), (64, (64, 43)), (1000, (451, 300))])
def test_it_is_a_small_picture_of_the_same(size: int, expected: tuple[int, int]) -> None:
    photo = skimage.data.chelsea()
    image = Image.open(io.BytesIO(thumbs.thumbnail(photo, size)))
    assert (image.format, image.size) == ("WEBP", expected)
    assert not {"exif", "icc_profile", "xmp"} & image.info.keys()
    small = np.asarray(Image.fromarray(photo).resize(expected), float)
    assert np.abs(np.asarray(image, float) - small).mean() < 8


@pytest.mark.parametrize("unit", ["", "../../etc/passwd", "AB" + "0" * 62, UNIT + "0", UNIT + "\n"])
def test_only_ids_become_paths(tmp_path: Path, unit: str) -> None:
    with pytest.raises(InputError, match="64 hex digits"):
        thumbs.read(tmp_path, unit)
