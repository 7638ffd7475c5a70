"""Real photographs turned into the files that break image pipelines, and what `studium.media` must say to each."""

import ctypes
import os
import shutil
import struct
import zlib
from collections.abc import Callable
from pathlib import Path

import fetch
import numpy as np
import skimage.data
from PIL import Image, ImageDraw

__all__ = ["ORIENTED", "crash_plugin", "drop_root", "make", "write_bomb"]

ORIENTED = (1, 2, 3, 4, 5, 6, 7, 8)


def make(folder: Path) -> dict[str, str]:
    """Write the zoo into ``folder``.

    Returns:
        name of the file -> "ok", or the name of the error class that decoding it must raise. ``forbidden.jpg`` cannot
        be read by anybody but root: decode in a child started with ``preexec_fn=drop_root``. ``process.crash`` needs
        `crash_plugin` on PYTHONPATH, and aborts the process that decodes it.
    """
    folder.mkdir(parents=True, exist_ok=True)
    photo = Image.fromarray(skimage.data.chelsea())
    expected = _healthy(folder, photo) | _damaged(folder, photo) | _places(folder, photo)
    return dict(sorted(expected.items()))


def crash_plugin(folder: Path) -> Path:
    """Install a decoder for ``.crash`` files that aborts the process; returns the folder to put on PYTHONPATH."""
    info = folder / "studium_crash-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: studium-crash\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[studium.decoders]\ncrash = studium_crash:decode\n")
    (folder / "studium_crash.py").write_text("import os\n\n\ndef decode(path):\n    os.abort()\n")
    return folder


def drop_root() -> None:
    """For ``subprocess(preexec_fn=...)``: make file permissions count for root too (Linux); no-op for other users."""
    if os.geteuid() != 0:
        return
    dac_override, dac_read_search, pr_capbset_drop = 1, 2, 24
    libc = ctypes.CDLL(None, use_errno=True)
    for capability in (dac_override, dac_read_search):
        if libc.prctl(pr_capbset_drop, capability, 0, 0, 0) != 0:
            raise OSError(ctypes.get_errno(), "prctl(PR_CAPBSET_DROP)")


def write_bomb(path: Path, side: int = 30_000) -> None:
    """A white, valid PNG of side x side pixels, 900 megapixels in 2.7 MB, without ever holding them."""
    rows = 100  # compressed once; a full flush makes the block independent, so that it may be repeated
    block = (b"\0" + b"\xff" * (3 * side)) * rows
    pack = zlib.compressobj(9, zlib.DEFLATED, -15)
    packed = pack.compress(block) + pack.flush(zlib.Z_FULL_FLUSH)
    low, high, alone = 1, 0, zlib.adler32(block, 0)
    with path.open("wb") as file:
        file.write(b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)))
        file.write(_chunk(b"IDAT", b"\x78\xda"))
        for _ in range(side // rows):
            file.write(_chunk(b"IDAT", packed))
            high = (high + len(block) * low + (alone >> 16)) % 65521
            low = (low + (alone & 0xFFFF)) % 65521
        file.write(_chunk(b"IDAT", b"\x03\x00" + struct.pack(">HH", high, low)) + _chunk(b"IEND", b""))


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def _healthy(folder: Path, photo: Image.Image) -> dict[str, str]:
    grey = np.asarray(photo.convert("L"))
    frames = [photo.resize((225, 150)), photo.resize((225, 150)).rotate(90), photo.resize((225, 150)).rotate(180)]
    photo.convert("CMYK").save(folder / "cmyk.jpg", quality=90)
    photo.save(folder / "progressive.jpg", quality=90, progressive=True)
    photo.convert("L").save(folder / "grey.jpg")
    photo.convert("1").save(folder / "one_bit.png")
    Image.fromarray(grey.astype(np.uint16) * 257).save(folder / "sixteen_bit.png")
    Image.fromarray(grey.astype(np.uint16) * 257).save(folder / "sixteen_bit.tif")
    _with_hole(photo).save(folder / "alpha.png")
    photo.quantize(64).save(folder / "palette.png")
    frames[0].save(folder / "animated.gif", save_all=True, append_images=frames[1:], duration=80, loop=0)
    frames[0].save(folder / "animated.webp", save_all=True, append_images=frames[1:], duration=80)
    photo.save(folder / "photo.webp", quality=85)
    photo.save(folder / "photo.bmp")
    photo.save(folder / "photo.avif", quality=80)
    shutil.copy(fetch.heic() / "chelsea.heic", folder / "photo.heic")
    for turn in ORIENTED:
        exif = Image.Exif()
        exif[274] = turn
        photo.save(folder / f"turned_{turn}.jpg", quality=95, exif=exif)
    photo.save(folder / "broken_exif.jpg", exif=b"Exif\0\0MM\0*\0\0\0\x08\xff\xff" + b"\x01\x12" * 9)
    photo.save(folder / "a picture 😀\nof a cat.jpg", format="JPEG")
    photo.save(folder / "jpeg_named.png", format="JPEG")
    return {path.name: "ok" for path in folder.iterdir()}


def _with_hole(photo: Image.Image) -> Image.Image:
    holed = photo.convert("RGBA")
    mask = Image.new("L", photo.size, 255)
    ImageDraw.Draw(mask).ellipse((20, 20, 120, 120), fill=0)
    holed.putalpha(mask)
    return holed


def _damaged(folder: Path, photo: Image.Image) -> dict[str, str]:
    expected = {}
    cut: dict[str, Callable[[Path], None]] = {
        "truncated.jpg": lambda path: photo.save(path, quality=90),
        "truncated.png": photo.save,
        "truncated.webp": photo.save,
        "truncated.gif": photo.save,
        "truncated.tif": photo.save,
    }
    for name, save in cut.items():
        save(folder / name)
        data = (folder / name).read_bytes()
        (folder / name).write_bytes(data[: len(data) * 6 // 10])
        expected[name] = "TruncatedFileError"
    Image.fromarray(np.asarray(photo.convert("L")) / np.float32(255)).save(folder / "float.tif")
    write_bomb(folder / "bomb.png")
    (folder / "empty.jpg").write_bytes(b"")
    (folder / "text.jpg").write_text("<!doctype html><title>404</title> This picture is not available any more.")
    return expected | {
        "float.tif": "UnknownFormatError",
        "bomb.png": "TooLargeError",
        "empty.jpg": "EmptyFileError",
        "text.jpg": "UnknownFormatError",
    }


def _places(folder: Path, photo: Image.Image) -> dict[str, str]:
    photo.save(folder / "forbidden.jpg")
    (folder / "forbidden.jpg").chmod(0)
    (folder / "loop.jpg").symlink_to("loop.jpg")
    (folder / "dangling.jpg").symlink_to("nowhere.jpg")
    (folder / "folder.jpg").mkdir()
    (folder / "process.crash").write_bytes(b"decoding this aborts the process")
    return {
        "forbidden.jpg": "UnreadableFileError",
        "loop.jpg": "UnreadableFileError",
        "dangling.jpg": "UnreadableFileError",
        "folder.jpg": "UnreadableFileError",
        "process.crash": "DecoderCrashError",
    }
