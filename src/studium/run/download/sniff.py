"""What a downloaded file is, by its first bytes. Names and headers are not believed."""

from collections.abc import Mapping
from dataclasses import dataclass
from io import BytesIO

from studium.core.suffixes import SUFFIXES
from studium.media.formats import sniff as sniff_image

__all__ = ["HEAD", "Type", "described", "sniff"]

HEAD = 1024
"""Bytes that `sniff` wants to see, if there are as many."""

_IMAGES = {"AVIF": "avif", "BMP": "bmp", "GIF": "gif", "HEIF": "heic", "JPEG": "jpg", "PNG": "png", "TIFF": "tif"}
_PREFIXES: Mapping[bytes, str] = {
    b"FLV\x01": "flv",
    b"\x30\x26\xb2\x75\x8e\x66\xcf\x11": "wmv",
    b"\x00\x00\x01\xba": "mpg",
    b"\x00\x00\x01\xb3": "mpg",
    b"fLaC": "flac",
    b"ID3": "mp3",
}
_RIFF = {b"AVI ": "avi", b"WAVE": "wav", b"WEBP": "webp"}
_OGG = {b"\x80theora": "ogv", b"OpusHead": "opus"}
_BRANDS = {b"qt  ": "mov", b"M4A ": "m4a", b"M4B ": "m4a", b"M4V ": "m4v"}
_ATOMS = {b"moov", b"mdat", b"wide", b"free", b"skip", b"pnot"}  # of QuickTime files older than "ftyp"
_EITHER = frozenset({"mp4", "mov", "webm", "mkv", "wmv", "ogg", "mts"})  # containers of pictures, of sound, or of both
_BITMAP_HEADERS = {12, 40, 52, 56, 64, 108, 124}
_PACKET = 188  # bytes of an MPEG transport stream
_TEXTS = {
    b"<!doctype html": "a web page (HTML)",
    b"<html": "a web page (HTML)",
    b"<head": "a web page (HTML)",
    b"<?xml": "XML",
    b"<svg": "a drawing (SVG)",
    b"{": "JSON",
    b"[": "JSON",
    b"#extm3u": "a playlist (HLS)",
    b"%pdf": "a PDF",
    b"pk\x03\x04": "a ZIP archive",
}


@dataclass(frozen=True, slots=True)
class Type:
    """What a file is: its kind, and the suffix that such files have (lower case, with its dot)."""

    kind: str
    suffix: str

    def fits(self, kind: str | None) -> bool:
        """Whether it can be what a source says that it is; a source may say nothing."""
        both = {kind, self.kind} == {"video", "audio"} and self.suffix[1:] in _EITHER
        return kind is None or kind == self.kind or both


def sniff(head: bytes) -> Type | None:
    """The type of a file that begins with these bytes; None if it is no image, video or sound that is known."""
    name = _image(head) or _container(head) or _stream(head)
    if name is None:
        return None
    kind = next((kind for kind, known in SUFFIXES.items() if name in known), "video")
    return Type(kind, f".{name}")


def described(head: bytes) -> str:
    """What it seems to be if it is no medium, for messages."""
    start = head.lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    for prefix, name in _TEXTS.items():
        if start.startswith(prefix):
            return name
    return "an unknown format" if head else "nothing"


def _image(head: bytes) -> str | None:
    name = sniff_image(BytesIO(head))
    if name == "BMP" and int.from_bytes(head[14:18], "little") not in _BITMAP_HEADERS:
        return None  # a text that begins with BM
    return _IMAGES.get(name or "")


def _container(head: bytes) -> str | None:
    if head[:4] in {b"RIFF", b"RF64"}:
        return _RIFF.get(head[8:12])
    if head[:4] == b"FORM" and head[8:12] in {b"AIFF", b"AIFC"}:
        return "aiff"
    if head[4:8] == b"ftyp":
        return "3gp" if head[8:10] == b"3g" else _BRANDS.get(head[8:12], "mp4")
    if head[:4] == b"\x1aE\xdf\xa3":
        return "webm" if b"webm" in head[:64] else "mkv"
    if head[:4] == b"OggS":
        return next((name for mark, name in _OGG.items() if mark in head[:64]), "ogg")
    return "mov" if head[4:8] in _ATOMS else None


def _stream(head: bytes) -> str | None:
    for prefix, name in _PREFIXES.items():
        if head.startswith(prefix):
            return name
    if len(head) > 2 * _PACKET and head[0] == head[_PACKET] == head[2 * _PACKET] == 0x47:
        return "mts"
    if len(head) < 4 or head[0] != 0xFF:
        return None
    if head[1] & 0xF6 == 0xF0:
        return "aac"
    layer, rates = head[1] >> 1 & 3, head[2]  # MPEG audio of layer 2 or 3, with a bit rate and a sampling rate
    return "mp3" if head[1] & 0xE0 == 0xE0 and layer in {1, 2} and rates >> 4 != 15 and rates >> 2 & 3 != 3 else None
