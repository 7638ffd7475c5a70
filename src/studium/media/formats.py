"""What the first bytes of a file say: its format, its canvas, its frames. Nothing here decodes a pixel."""

import struct
from collections.abc import Iterator
from itertools import count
from typing import BinaryIO

from studium.errors import TruncatedFileError

__all__ = ["FORMATS", "gif_frames", "orientation", "png_exif", "sniff", "tiff_directories", "webp_size"]

FORMATS = ("AVIF", "BMP", "GIF", "HEIF", "JPEG", "PNG", "TIFF", "WEBP")

_PREFIXES = {
    b"\xff\xd8\xff": "JPEG",
    b"\x89PNG\r\n\x1a\n": "PNG",
    b"GIF87a": "GIF",
    b"GIF89a": "GIF",
    b"BM": "BMP",
    b"II*\0": "TIFF",
    b"MM\0*": "TIFF",
    b"II+\0": "TIFF",
    b"MM\0+": "TIFF",
}
_HEIF_BRANDS = {b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs", b"mif1", b"msf1"}
_VALUE_BYTES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4, 16: 8}
_SINGLE = {254, 256, 257, 259, 262, 266, 274, 277, 278, 284, 296, 317, 322, 323}
"""TIFF tags that decoding reads and that hold exactly one value (TIFF 6.0)."""


def sniff(fp: BinaryIO) -> str | None:
    """The format of an open file by its first bytes, one of `FORMATS`; None if it is none of them."""
    fp.seek(0)
    head = fp.read(64)
    fp.seek(0)
    for prefix, name in _PREFIXES.items():
        if head.startswith(prefix):
            return name
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return "WEBP"
    if head[4:8] != b"ftyp":
        return None
    box = head[8 : int.from_bytes(head[:4], "big")]
    brands = {box[i : i + 4] for i in (0, *range(8, len(box), 4))}
    if brands & {b"avif", b"avis"}:
        return "AVIF"
    return "HEIF" if brands & _HEIF_BRANDS else None


def webp_size(fp: BinaryIO) -> tuple[int, int] | None:
    """Width and height of a WebP canvas, read before a decoder allocates it; None if the header is broken."""
    fp.seek(0)
    head = fp.read(30).ljust(30, b"\0")
    fp.seek(0)
    if head[12:16] == b"VP8X":
        return int.from_bytes(head[24:27], "little") + 1, int.from_bytes(head[27:30], "little") + 1
    if head[12:16] == b"VP8L":
        bits = int.from_bytes(head[21:25], "little")
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    width, height = struct.unpack("<HH", head[26:30])
    return (width & 0x3FFF, height & 0x3FFF) if head[12:16] == b"VP8 " else None


def gif_frames(fp: BinaryIO) -> Iterator[tuple[int, int]]:
    """Width and height that each frame of a GIF needs, its offset included; ends where the file ends or breaks."""
    fp.seek(6)
    screen = fp.read(7).ljust(7, b"\0")
    width, height, flags = struct.unpack("<HHB", screen[:5])
    _skip_palette(fp, flags)
    while (mark := fp.read(1)) in {b"!", b","}:
        if mark == b"!":
            fp.read(1)
        else:
            descriptor = fp.read(9)
            if len(descriptor) < 9:
                return
            left, top, wide, high, flags = struct.unpack("<HHHHB", descriptor)
            yield max(width, left + wide), max(height, top + high)
            _skip_palette(fp, flags)
            fp.read(1)
        while size := fp.read(1):
            if size == b"\0":
                break
            fp.seek(size[0], 1)


def _skip_palette(fp: BinaryIO, flags: int) -> None:
    if flags & 0x80:
        fp.seek(3 << (flags & 7) + 1, 1)


def png_exif(fp: BinaryIO) -> bytes:
    """The EXIF block of a PNG wherever it stands, also behind the pixels; empty if there is none."""
    fp.seek(8)
    while len(head := fp.read(8)) == 8:
        length = int.from_bytes(head[:4], "big")
        if head[4:] == b"eXIf":
            return fp.read(length)
        fp.seek(length + 4, 1)
    return b""


def orientation(exif: bytes) -> int:
    """The orientation (1-8) that an EXIF block states; 1 if it states none, or none that can be read."""
    block = exif.removeprefix(b"Exif\0\0")
    order = {b"II": "<", b"MM": ">"}.get(block[:2])
    if order is None or len(block) < 8:
        return 1
    (start,) = struct.unpack_from(order + "L", block, 4)
    for at in range(start + 2, len(block) - 11, 12):
        tag, kind, _, value = struct.unpack_from(order + "HHLH", block, at)
        if tag == 274:
            return value if kind == 3 and 1 <= value <= 8 else 1
        if tag > 274:
            return 1
    return 1


def tiff_directories(fp: BinaryIO) -> Iterator[int]:
    """Walk a TIFF's pages, checking that every tag lies inside the file; yields the offset of each directory.

    Raises:
        TruncatedFileError: a directory or the value of a tag lies outside the file, or is impossible.
    """
    end = fp.seek(0, 2)
    fp.seek(0)
    head = fp.read(16)
    order, big = ("<" if head[:2] == b"II" else ">"), head[2:4] in {b"+\0", b"\0+"}
    start, pointer = (8, order + "Q") if big else (4, order + "L")
    seen: set[int] = set()
    for page in count(1):
        at = _unpack(pointer, head[start:], f"the pointer to page {page}")
        if at == 0 or at in seen:
            return
        seen.add(at)
        yield at
        head, start = _check_directory(fp, at, end, order, big), 0


def _check_directory(fp: BinaryIO, at: int, end: int, order: str, big: bool) -> bytes:
    """Check one directory; returns the bytes of its pointer to the next."""
    width, inline = (20, 8) if big else (12, 4)
    fp.seek(min(at, end))
    entries = _unpack(order + ("Q" if big else "H"), fp.read(8 if big else 2), "the number of tags")
    table = fp.read(min(entries * width, end))
    if len(table) < entries * width:
        raise TruncatedFileError(f"its directory of {entries} tags at byte {at} lies outside the file ({end} bytes)")
    follows = fp.read(inline)
    total = 0
    for i in range(0, len(table), width):
        tag, kind, values = struct.unpack_from(order + ("HHQ" if big else "HHL"), table, i)
        size = values * _VALUE_BYTES.get(kind, 0)
        if size > inline:
            offset = _unpack(order + ("Q" if big else "L"), table[i + width - inline : i + width], "a tag")
            total += size
            if offset + size > end or total > end:
                raise TruncatedFileError(f"the {size} bytes of its tag {tag} lie outside the file ({end} bytes)")
        if tag in _SINGLE and values != 1:
            raise TruncatedFileError(f"its tag {tag} has {values} values, expected 1")
    return follows


def _unpack(form: str, data: bytes, what: str) -> int:
    size = struct.calcsize(form)
    if len(data) < size:
        raise TruncatedFileError(f"the file ends inside {what}")
    value: int = struct.unpack(form, data[:size])[0]
    return value
