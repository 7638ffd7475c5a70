"""A folder of media files, with class folders if there are any."""

import os
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from studium.core.protocols import Found, Loss, Note, Place, Source
from studium.core.suffixes import kind_of
from studium.errors import SourceError
from studium.sources.encoding import is_clean

__all__ = ["Folder"]

_JUNK = frozenset({"__macosx", "thumbs.db", "desktop.ini"})


@dataclass(frozen=True)
class Folder(Source):
    """Every image, video and audio file in a folder and the folders inside it, in the order of their path's bytes.

    The label of a file is the name of the folder that it lies in, unless that is ``path`` itself: below ``path``,
    ``train/class01/a.jpg`` has the label "class01". That it is training material stands in its path.
    A link to a folder is followed once. Hidden files and what is no medium are counted in notes.

    Attributes:
        path: the folder.
    """

    name: ClassVar[str] = "folder"

    path: str | Path

    def __iter__(self) -> Iterator[Found]:
        """Yield a `Place` for every media file, a `Loss` for what cannot be used, and the counts as `Note`.

        Raises:
            SourceError: ``path`` is not a folder, or must not be read.
        """
        root = Path(self.path).absolute()
        _check(root)
        skipped: Counter[str] = Counter()
        found = 0
        for item in _walk(root, skipped):
            if isinstance(item, Loss):
                yield item
            elif (kind := kind_of(item)) is None:
                skipped[item.suffix.lower() or "files without a suffix"] += 1
            elif not is_clean(str(item)):
                yield Loss(repr(os.fsencode(item)), "UnreadableFileError", "its name is not UTF-8; rename it")
            else:
                found += 1
                yield Place(item, kind, label=item.parent.name if item.parent != root else None)
        yield Note("media files", str(found))
        yield from (Note(f"skipped {what}", str(count)) for what, count in sorted(skipped.items()))


def _check(root: Path) -> None:
    if not root.is_dir():
        what = "this is a file" if root.exists() else "there is no such folder"
        raise SourceError(f"expected a folder of media, got {root}: {what}; check the path")
    try:
        os.scandir(root).close()
    except OSError as error:
        raise SourceError(f"{root}: the folder cannot be read ({error.strerror}); check its permissions") from error


@dataclass(frozen=True, slots=True)
class _Inside:
    """A folder still to be walked, and where it really lies."""

    path: Path
    real: str


@dataclass(frozen=True, slots=True)
class _Done:
    """All of a folder has been walked."""

    real: str


def _walk(root: Path, skipped: Counter[str]) -> Iterator[Path | Loss]:
    """Files below ``root``, sorted by the bytes of their paths, without going round in circles."""
    above: set[str] = set()
    linked: set[str] = set()
    stack: list[_Inside | _Done | Path | Loss] = [_Inside(root, os.path.realpath(root))]
    while stack:
        item = stack.pop()
        if isinstance(item, Path | Loss):
            yield item
        elif isinstance(item, _Done):
            above.discard(item.real)
        elif item.real in above:
            yield Loss(_show(item.path), "UnreadableFileError", "a link to a folder that it lies in; not followed")
        elif item.path != root and item.path.is_symlink() and item.real in linked:
            message = f"another link led to {item.real} already; followed once"
            yield Loss(_show(item.path), "UnreadableFileError", message)
        else:
            if item.path.is_symlink():
                linked.add(item.real)
            above.add(item.real)
            stack += [_Done(item.real), *reversed(_listed(item, skipped))]


def _listed(folder: _Inside, skipped: Counter[str]) -> list[_Inside | _Done | Path | Loss]:
    """What lies in a folder, in order."""
    try:
        with os.scandir(folder.path) as listing:
            entries = list(listing)
    except OSError as error:
        message = f"the folder cannot be read: {error.strerror}"
        return [Loss(_show(folder.path), "UnreadableFileError", message)]
    shown = [entry for entry in entries if not (entry.name.startswith(".") or entry.name.lower() in _JUNK)]
    if len(shown) < len(entries):
        skipped["hidden"] += len(entries) - len(shown)
    return [_classify(entry, folder) for entry in sorted(shown, key=_order)]


def _order(entry: os.DirEntry[str]) -> bytes:
    return os.fsencode(entry.name) + (b"/" if _is_folder(entry) else b"")


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:  # a link that leads to itself
        return False


def _classify(entry: os.DirEntry[str], folder: _Inside) -> _Inside | Path | Loss:
    path = Path(entry.path)
    if _is_folder(entry):
        return _Inside(path, os.path.realpath(path) if entry.is_symlink() else str(Path(folder.real, entry.name)))
    try:
        if entry.is_file():
            return path
        path.stat()
    except OSError as error:
        return Loss(_show(path), "UnreadableFileError", f"a link that leads nowhere: {error.strerror}")
    return Loss(_show(path), "UnreadableFileError", "neither a file nor a folder (a pipe, a socket, a device)")


def _show(path: Path) -> str:
    return str(path) if is_clean(str(path)) else repr(os.fsencode(path))
