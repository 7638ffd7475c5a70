import numpy as np
import pytest
from PIL import Image

from studium.errors import EmptyFileError, UnknownFormatError
from studium.measure.properties import Properties


def test_no_files():
    assert {name: len(values) for name, values in Properties()([]).items()} == {c.name: 0 for c in Properties().columns}


def test_facts_of_one_file(tmp_path, photos):
    path = tmp_path / "a.png"
    Image.fromarray(photos["coffee"]).save(path)
    row = {name: values[0] for name, values in Properties()([path]).items()}
    assert (row["width"], row["height"], row["format"], row["mode"]) == (600, 400, "PNG", "RGB")
    assert (row["aspect"], row["frames"], row["orientation"], row["alpha"]) == (1.5, 1, 1, False)
    assert row["megapixels"] == pytest.approx(0.24)
    assert row["bytes"] == path.stat().st_size
    assert row["bytes_per_pixel"] == pytest.approx(path.stat().st_size / 240_000)


def test_many_kinds(tmp_path, photos):
    picture = Image.fromarray(photos["coffee"])
    exif = Image.Exif()
    exif[0x0112] = 6
    exif.get_ifd(0x8825)[1] = "N"
    picture.save(tmp_path / "turned.jpg", exif=exif)
    half = picture.convert("RGBA")
    half.putalpha(128)
    half.save(tmp_path / "alpha.webp")
    picture.convert("L").save(tmp_path / "grey.gif", save_all=True, append_images=[picture.convert("L").rotate(5)])
    picture.convert("CMYK").save(tmp_path / "print.tif")
    table = Properties()([tmp_path / name for name in ("turned.jpg", "alpha.webp", "grey.gif", "print.tif")])
    assert table["format"] == ["JPEG", "WEBP", "GIF", "TIFF"]
    assert table["mode"][3] == "CMYK"
    assert table["orientation"].tolist() == [6, 1, 1, 1]
    assert table["width"].tolist() == [400, 600, 600, 600]
    assert table["alpha"].tolist() == [False, True, False, False]
    assert table["frames"].tolist() == [1, 1, 2, 1]
    assert table["alpha"].dtype == np.bool_


def test_nothing_personal_is_a_column():
    names = {column.name for column in Properties().columns}
    assert names == {
        "width", "height", "aspect", "megapixels", "bytes", "bytes_per_pixel", "format", "mode", "frames",
        "orientation", "alpha",
    }  # fmt: skip


def test_what_is_no_image_is_refused(tmp_path):
    (tmp_path / "empty.jpg").touch()
    (tmp_path / "text.jpg").write_text("no picture")
    with pytest.raises(EmptyFileError):
        Properties()([tmp_path / "empty.jpg"])
    with pytest.raises(UnknownFormatError):
        Properties()([tmp_path / "text.jpg"])
