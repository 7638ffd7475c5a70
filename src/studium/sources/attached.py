"""The media column of a posts table: one cell -> the files and URLs that it names."""

import json
import re
import unicodedata
from collections.abc import Iterator
from pathlib import Path, PureWindowsPath
from urllib.parse import urlsplit

from studium.core.protocols import Link, Loss, Place
from studium.core.suffixes import kind_of
from studium.sources.columns import Scalar

__all__ = ["attach", "is_url", "link_to", "split_cell"]

_SEPARATORS = "|;\n,"
_NEXT_URL = r",(?=\s*(?:[A-Za-z]+://|$))"


def split_cell(cell: Scalar, root: Path) -> list[str]:
    """The media that one cell names, in order.

    A JSON list is taken as it is. Anything else is one medium if a file of that name exists; if not, it is split at
    ``|``, ``;``, a line break or ``,`` (the first that fits) if every part then is a URL or has the suffix of a medium.
    A URL may hold a comma: it ends there only if another URL follows.
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
        ends = _NEXT_URL if separator == "," and is_url(text) else re.escape(separator)
        parts = [part.strip() for part in re.split(ends, text) if part.strip()]
        if parts and parts != [text] and all(is_url(part) or kind_of(part) for part in parts):
            return parts
    return [text]


def attach(names: list[str], root: Path, post: str, where: str, start: int = 0) -> Iterator[Place | Link | Loss]:
    """The media of a post, as they lie below ``root`` (or as absolute paths), or on the web.

    Args:
        names: what the table calls them.
        root: folder that their paths are relative to.
        post: id of the post unit.
        where: for losses: the row.
        start: position of the first one.

    Yields:
        A `Place` for every file, a `Link` for every URL; a `Loss` for a missing file and what is no medium.
    """
    for position, name in enumerate(names, start):
        if is_url(name):
            yield link_to(name, where, post, position)
        elif (path := _find(name, root)) is None:
            what = "is not a file" if _exists(root / name) else "does not exist"
            yield Loss(where, "UnreadableFileError", f"{name!r} {what} (looked in {root})")
        elif (kind := kind_of(path)) is None:
            yield Loss(where, "UnknownFormatError", f"{name!r} has no suffix of an image, video or audio file")
        else:
            yield Place(path, kind, post, position)


def is_url(name: str) -> bool:
    """Whether this is written as a URL, of any scheme."""
    scheme, separator, _ = name.partition("://")
    return bool(separator) and scheme.isalpha()


def link_to(url: str, where: str, post: str | None = None, position: int = 0) -> Link | Loss:
    """The link that a URL makes, of the kind that its path ends in; a `Loss` if nobody could ask for it."""
    try:
        parts = urlsplit(url)
        usable = parts.scheme.lower() in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:  # brackets that hold no address, a port that is no number
        usable = False
    if not usable or any(c.isspace() or not c.isprintable() for c in url):
        return Loss(where, "UnreadableFileError", f"{url!r} is no URL of the web (http, https); mend it")
    return Link(url, kind_of(parts.path), post, position)


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
