"""The media column of a posts table: one cell -> the files that it names."""

import json
import unicodedata
from collections.abc import Iterator
from pathlib import Path, PureWindowsPath

from studium.core.protocols import Loss, Place
from studium.core.suffixes import kind_of
from studium.sources.columns import Scalar

__all__ = ["attach", "split_cell"]

_SEPARATORS = "|;\n,"


def split_cell(cell: Scalar, root: Path) -> list[str]:
    """The media that one cell names, in order.

    A JSON list is taken as it is. Anything else is one medium if a file of that name exists; if not, it is split at
    ``|``, ``;``, a line break or ``,`` (the first that fits) if every part then is a URL or has the suffix of a medium.
    """
    text = str(cell or "").strip()
    if text.startswith("["):
        try:
            listed = json.loads(text)
        except ValueError:
            listed = None
        if isinstance(listed, list) and all(isinstance(item, str) for item in listed):
            return [item.strip() for item in listed if item.strip()]
    if not text or _find(text, root):
        return [text] if text else []
    for separator in _SEPARATORS:
        parts = [part.strip() for part in text.split(separator) if part.strip()]
        if separator in text and parts and all(_is_url(part) or kind_of(part) for part in parts):
            return parts
    return [text]


def attach(names: list[str], root: Path, post: str, where: str, start: int = 0) -> Iterator[Place | Loss]:
    """The media of a post, as they lie below ``root`` (or as absolute paths).

    Args:
        names: what the table calls them.
        root: folder that their paths are relative to.
        post: id of the post unit.
        where: for losses: the row.
        start: position of the first one.

    Yields:
        A `Place` for every file; a `Loss` for a URL, a missing file and what is no medium.
    """
    for position, name in enumerate(names, start):
        if _is_url(name):
            message = f"{name!r} is a URL; download it and put the name of the file into the table"
            yield Loss(where, "UnreadableFileError", message)
        elif (path := _find(name, root)) is None:
            what = "is not a file" if _exists(root / name) else "does not exist"
            yield Loss(where, "UnreadableFileError", f"{name!r} {what} (looked in {root})")
        elif (kind := kind_of(path)) is None:
            yield Loss(where, "UnknownFormatError", f"{name!r} has no suffix of an image, video or audio file")
        else:
            yield Place(path, kind, post, position)


def _is_url(name: str) -> bool:
    scheme, separator, _ = name.partition("://")
    return bool(separator) and scheme.isalpha()


def _find(name: str, root: Path) -> Path | None:
    """The file called ``name``: as written, with Windows' backslashes, or with its accents composed otherwise."""
    forms = [name, PureWindowsPath(name).as_posix()]
    forms += [unicodedata.normalize(form, written) for written in forms for form in ("NFC", "NFD")]
    for form in dict.fromkeys(forms):
        path = (root / form).absolute()
        try:
            if path.is_file():
                return path
        except (OSError, ValueError):  # too long, or with a NUL: no file is called that
            continue
    return None


def _exists(path: Path) -> bool:
    try:
        return path.exists()
    except (OSError, ValueError):
        return False
