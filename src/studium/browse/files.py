"""The file of a unit: where it lies, what it is by its bytes, and which part of it is asked for.

Only files that a unit of the study names are ever opened, and only where they lie, links followed, in the study folder
or in a folder that one of its sources names.
"""

import json
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from studium.browse.view import View
from studium.core.cache import cached
from studium.core.suffixes import kind_of
from studium.core.unit import Unit
from studium.errors import MediaError, NoStreamError, RefusedError, UnreadableFileError
from studium.run.download.sniff import HEAD, sniff
from studium.run.load import locate

__all__ = ["UNKNOWN", "File", "byte_range", "disposition", "file_of", "pieces", "roots", "unseen"]

UNKNOWN = "application/octet-stream"

_TYPES = {
    **{name: f"image/{name}" for name in ("avif", "bmp", "gif", "heic", "png", "webp")},
    "jpg": "image/jpeg",
    "tif": "image/tiff",
    "mp4": "video/mp4",
    "m4v": "video/mp4",
    "mov": "video/quicktime",
    "webm": "video/webm",
    "mpg": "video/mpeg",
    "mkv": "video/x-matroska",
    "avi": "video/x-msvideo",
    "flv": "video/x-flv",
    "wmv": "video/x-ms-wmv",
    "mts": "video/mp2t",
    "3gp": "video/3gpp",
    "ogv": "video/ogg",
    "ogg": "audio/ogg",
    "opus": "audio/ogg",
    "aac": "audio/aac",
    "aiff": "audio/aiff",
    "flac": "audio/flac",
    "m4a": "audio/mp4",
    "mp3": "audio/mpeg",
    "wav": "audio/wav",
}
_EITHER = frozenset({"audio/mp4", "audio/ogg", "video/mp4", "video/webm"})  # containers of pictures or of sound
_RANGE = re.compile(r"bytes=(\d{0,18})-(\d{0,18})", re.ASCII)
_PIECE = 1 << 18


@dataclass(frozen=True)
class File:
    """A file that may be handed out.

    Attributes:
        path: where it lies.
        id: SHA-256 of its content.
        name: under which it should be saved: its own, with a suffix that tells what it is.
        type: of its bytes, such as "image/jpeg"; `UNKNOWN` if they are no medium that is known.
        size: bytes.
        mtime_ns: when it was last written.
    """

    path: Path
    id: str
    name: str
    type: str
    size: int
    mtime_ns: int


def file_of(view: View, kind: str, row: int) -> File:
    """The file that a unit is or lies in.

    Raises:
        MediaError: the unit has no file; or it has gone, cannot be read, or changed since it was added.
        RefusedError: it lies outside of the study and of its sources.
    """
    unit = view.unit(kind, row)
    above = view.above(unit)
    while unit.path is None and unit.parent is not None:
        unit = above[unit.parent]
    if unit.path is None:
        raise MediaError(f"the {unit.kind} has no file")
    path = view.root / unit.path
    _check(view, path, unit)
    path = locate(unit, view.root)
    try:
        stat = path.stat()
        with path.open("rb") as file:
            found = sniff(file.read(HEAD))
    except OSError as error:
        raise UnreadableFileError(f"{unit.path}: {error.strerror or error}") from error
    kind_, suffix = (found.kind, found.suffix) if found else (None, ".bin")
    name = path.name if found and kind_of(path) == kind_ else f"{path.name}{suffix}"
    return File(path, unit.id, name, _type(suffix[1:], unit), stat.st_size, stat.st_mtime_ns)


def unseen(file: File) -> bool:
    """Whether nothing can be seen in a file: sound without pictures, whatever it is called."""
    from studium.media.video import Video

    if file.type not in _EITHER:
        return file.type.startswith("audio/")
    try:
        told = Video(file.path).info
    except NoStreamError:
        told = None
    return told is None


def roots(view: View) -> tuple[str, ...]:
    """The folders that files may lie in: the study, and what its sources name; links followed."""
    logs = sorted((view.root / "sources").glob("*.json"))
    made = tuple((path.name, path.stat().st_mtime_ns) for path in logs)

    def read() -> tuple[str, ...]:
        said = [json.loads(path.read_text(encoding="utf-8"))["params"] for path in logs]
        named = [view.root / one[name] for one in said for name in ("path", "root") if isinstance(one.get(name), str)]
        folders = [path if path.is_dir() else path.parent for path in named]
        return tuple(os.path.realpath(folder) for folder in (view.root, *folders))

    return cached((view.root, "roots"), made, read)


def byte_range(header: str | None, size: int) -> tuple[int, int] | None:
    """The bytes that a header ``Range`` asks for: the first, and the one after the last. None is for all of them.

    What asks for several ranges, or cannot be read, asks for all (RFC 9110, 14.2). A range without any byte in the file
    begins at or after its end.
    """
    match = _RANGE.fullmatch(header.strip()) if header else None
    if match is None or not (match[1] or match[2]):
        return None
    if not match[1]:
        return (max(0, size - int(match[2])), size) if int(match[2]) else (size, size)
    first, last = int(match[1]), int(match[2]) if match[2] else size - 1
    return None if last < first and match[2] else (first, min(last + 1, size))


def pieces(file: File, start: int, stop: int) -> Iterator[bytes]:
    """The bytes of a file from one place to another, piece by piece.

    Raises:
        UnreadableFileError: it changed in the meantime.
    """
    with file.path.open("rb") as opened:
        now = os.fstat(opened.fileno())
        if (now.st_size, now.st_mtime_ns) != (file.size, file.mtime_ns):
            raise UnreadableFileError(f"{file.name} changed while it was asked for")
        opened.seek(start)
        while start < stop and (piece := opened.read(min(_PIECE, stop - start))):
            start += len(piece)
            yield piece


def disposition(file: File) -> str:
    """The header ``Content-Disposition``: shown, or saved where a browser might run it; with its name (RFC 6266)."""
    name = "".join("_" if not one.isprintable() or one in '/\\:*?"<>|' else one for one in file.name).strip(". ")
    plain = re.sub(r"[^\w.()-]", "_", name, flags=re.ASCII) or "file"
    how = "attachment" if file.type in {UNKNOWN, "image/heic", "image/tiff"} else "inline"
    return f"{how}; filename=\"{plain}\"; filename*=UTF-8''{quote(name or 'file', safe='')}"


def _check(view: View, path: Path, unit: Unit) -> None:
    real = os.path.realpath(path)
    if not any(real.startswith(os.path.join(root, "")) for root in roots(view)):  # noqa: PTH118  (the text of a folder)
        raise RefusedError(
            f"{unit.path} lies outside of the study folder and of the folders of its sources (or is a link that leads "
            "there), so it is not shown; copy it into one of them"
        )


def _type(suffix: str, unit: Unit) -> str:
    found = _TYPES.get(suffix, UNKNOWN)
    return f"{unit.kind}/{found.partition('/')[2]}" if found in _EITHER and unit.kind in {"audio", "video"} else found
