"""Adding a source: files are named by their bytes, posts by their ids, and what cannot be used is written down."""

import dataclasses
import hashlib
import itertools
import json
import os
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from studium.core import parts
from studium.core.protocols import Found, Loss, Note, Place, Source
from studium.core.recipe import Recipe, canonical
from studium.core.store import Store
from studium.core.unit import Unit

__all__ = ["Added", "add", "identify"]

_WINDOW = 1024  # places hashed and written together; a kill loses at most these


@dataclass
class Added:
    """What a source brought.

    Attributes:
        found: how many posts and files the source named, by kind.
        units: how many units of each kind are new.
        attachments: how many new places of media.
        updated: posts that were known and now say something else (the later version counts).
        losses: what could not be used, and why.
        notes: what a reader should know (encoding, skipped files ...).
    """

    found: Counter[str] = field(default_factory=Counter)
    units: Counter[str] = field(default_factory=Counter)
    attachments: int = 0
    updated: int = 0
    losses: list[Loss] = field(default_factory=list)
    notes: list[Note] = field(default_factory=list)


def add(store: Store, source: Source, progress: Callable[[int], None] | None = None) -> Added:
    """Add everything a source finds. Files known by path, size and time of change are not read again."""
    added, known = Added(), _Known(store)
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for window in _windows(source):
            _add_window(store, known, window, pool, added)
            if progress:
                progress(added.found.total())
    _write_log(store, source, added, known)
    return added


def identify(path: Path) -> str:
    """Identity of a file: the sha256 of its bytes, read in pieces."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


class _Known:
    """What the study holds already."""

    def __init__(self, store: Store) -> None:
        self.root = store.root.resolve()
        self.roots = (self.root, Path(os.path.abspath(store.root)))  # noqa: PTH100  (as named: it may be a link)
        self.units: dict[str, tuple[str | None, str]] = {}  # id -> (path, meta)
        for kind in store.kinds():
            table = store.units(kind).select(["id", "path", "meta"])
            rows = zip(*(table[c].to_pylist() for c in ("id", "path", "meta")), strict=True)
            self.units.update({unit: (path, meta) for unit, path, meta in rows})
        self.files: dict[tuple[str, int, int], str] = {}  # (path, bytes, mtime) -> media
        self.places: set[tuple[str, str | None, int, str, str | None]] = set()
        for row in store.attachments().to_pylist():
            self.files[row["path"], row["bytes"], row["mtime_ns"]] = row["media"]
            self.places.add((row["path"], row["post"], row["position"], row["media"], row["label"]))

    def relative(self, path: Path) -> str:
        """The path as stored: relative to the study folder if it lies in it."""
        absolute = Path(os.path.abspath(path))  # noqa: PTH100  (resolve() would follow the link that names the file)
        return str(next((absolute.relative_to(root) for root in self.roots if absolute.is_relative_to(root)), absolute))


def _windows(source: Iterable[Found]) -> Iterator[list[Found]]:
    found = iter(source)
    while window := list(itertools.islice(found, _WINDOW)):
        yield window


def _add_window(store: Store, known: _Known, window: list[Found], pool: ThreadPoolExecutor, added: Added) -> None:
    units: list[Unit] = []
    attachments: list[dict[str, Any]] = []
    places = [item for item in window if isinstance(item, Place)]
    hashed = dict(zip(map(id, places), pool.map(lambda p: _hash(known, p), places), strict=True))
    for item in window:
        match item:
            case Unit():
                added.found[item.kind] += 1
                units += _new_post(known, item, added)
            case Place():
                added.found[item.kind] += 1
                row = hashed[id(item)]
                if isinstance(row, Loss):
                    added.losses.append(row)
                else:
                    units += _new_medium(known, row, added)
                    attachments += _new_place(known, row, added)
            case Loss():
                added.losses.append(item)
            case Note():
                added.notes.append(item)
    store.add_units(units)
    store.add_attachments(attachments)


def _hash(known: _Known, place: Place) -> dict[str, Any] | Loss:
    """The attachment row of a place, or why there is none."""
    where = str(place.path)
    try:
        where.encode()
        stat = place.path.stat()
        path = known.relative(place.path)
        media = known.files.get((path, stat.st_size, stat.st_mtime_ns)) or identify(place.path)
    except UnicodeEncodeError:
        return Loss(
            repr(where), "UnreadableFileError", "the file name is not valid UTF-8; rename the file and add again"
        )
    except OSError as error:
        return Loss(where, "UnreadableFileError", f"{error.strerror or error}; mend it and add the source again")
    row = {"post": place.post, "media": media, "kind": place.kind, "position": place.position, "path": path}
    return row | {"label": place.label, "bytes": stat.st_size, "mtime_ns": stat.st_mtime_ns}


def _new_post(known: _Known, unit: Unit, added: Added) -> list[Unit]:
    meta = json.dumps(dict(unit.meta), ensure_ascii=False)
    before = known.units.get(unit.id)
    if before and (before[1] == meta or json.loads(before[1]) == dict(unit.meta)):
        return []
    added.units[unit.kind] += before is None
    added.updated += before is not None
    known.units[unit.id] = (None, meta)
    return [unit]


def _new_medium(known: _Known, row: dict[str, Any], added: Added) -> list[Unit]:
    """The unit of a medium if it is new, or if the file it was read from has gone or changed."""
    before = known.units.get(row["media"])
    if before and (before[0] == row["path"] or (known.root / str(before[0])).exists()):
        return []
    added.units[row["kind"]] += before is None
    unit = Unit(row["media"], row["kind"], path=row["path"], meta={k: row[k] for k in ("bytes", "mtime_ns")})
    known.units[unit.id] = (unit.path, "")
    return [unit]


def _new_place(known: _Known, row: dict[str, Any], added: Added) -> list[dict[str, Any]]:
    place = (row["path"], row["post"], row["position"], row["media"], row["label"])
    if place in known.places:
        return []
    known.places.add(place)
    added.attachments += 1
    return [row]


def _write_log(store: Store, source: Source, added: Added, known: _Known) -> None:
    """``sources/<name>-<key>.json``: the source, what it found, what it lost and what to know.

    Its places are written as seen from the study folder, so that the same source is the same from wherever it is added.
    """
    params = {f.name: getattr(source, f.name) for f in dataclasses.fields(source)}  # type: ignore[arg-type]
    places = {name: known.relative(Path(params[name])) for name in ("path", "root") if params.get(name)}
    recipe = Recipe(source.name, "1", json.loads(canonical({**params, **places})))
    body = {
        "source": source.name,
        "params": recipe.params,
        "found": dict(added.found),
        "losses": [dataclasses.asdict(loss) for loss in added.losses],
        "notes": [dataclasses.asdict(note) for note in added.notes],
    }
    parts.replace_file(store.root / "sources" / f"{recipe.label}.json", json.dumps(body, indent=1, ensure_ascii=False))
