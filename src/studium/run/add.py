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
from studium.core.protocols import Found, Link, Loss, Note, Place, Source
from studium.core.recipe import Recipe, canonical
from studium.core.store import Store
from studium.core.unit import Unit
from studium.run.download.links import Arrival, Links, arrived, ours, states

__all__ = ["Added", "add", "identify"]

_Key = tuple[str, str | None, int]  # (path, post, position)
_WINDOW = 1024  # places hashed and written together; a kill loses at most these


@dataclass
class Added:
    """What a source brought.

    Attributes:
        found: how many posts, files and links (media named by URL) the source named, by kind.
        units: how many units of each kind are new.
        attachments: how many new places of media.
        links: how many new places of media named by URL; they wait until the study is told to download.
        withdrawn: places of media, or of URLs, that the source named before and names no more.
        updated: posts that were known and now say something else (the later version counts).
        losses: what could not be used, and why.
        notes: what a reader should know (encoding, skipped files ...).
    """

    found: Counter[str] = field(default_factory=Counter)
    units: Counter[str] = field(default_factory=Counter)
    attachments: int = 0
    links: int = 0
    withdrawn: int = 0
    updated: int = 0
    losses: list[Loss] = field(default_factory=list)
    notes: list[Note] = field(default_factory=list)


def add(store: Store, source: Source, progress: Callable[[int], None] | None = None) -> Added:
    """Add everything a source finds. Files known by path, size and time of change are not read again.

    What it names by URL is noted, and attached if it was downloaded before; nothing is fetched.
    """
    parts.sweep(store.root / "links")
    added, known = Added(), _Known(store, source)
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for window in _windows(source):
            _add_window(store, known, window, pool, added)
            if progress:
                progress(added.found.total())
    store.add_attachments(_withdrawn(known, added))
    added.withdrawn += known.links.withdraw(known.linked)
    _write_log(store, source, added, known)
    return added


def identify(path: Path) -> str:
    """Identity of a file: the sha256 of its bytes, read in pieces."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


class _Known:
    """What the study holds already, and what this source named before."""

    def __init__(self, store: Store, source: Source) -> None:
        self.root = store.root.resolve()
        self.roots = (self.root, Path(os.path.abspath(store.root)))  # noqa: PTH100  (as named: it may be a link)
        self.recipe = _source_recipe(source, self)
        self.posts: dict[str, dict[str, Any]] = {}
        self.media: set[tuple[str, str]] = set()  # (kind, id)
        for kind in store.kinds():
            units = store.units(kind)
            if kind == "post":
                said = zip(units["id"].to_pylist(), units["meta"].to_pylist(), strict=True)
                self.posts = {unit: json.loads(meta) for unit, meta in said}
            else:
                self.media |= {(kind, unit) for unit in units["id"].to_pylist()}
        self.files: dict[tuple[str, int, int], str] = {}  # (path, bytes, mtime) -> media
        self.places: dict[_Key, dict[str, Any]] = {}  # of this source
        for row in store.attachments().to_pylist():
            self.files[row["path"], row["bytes"], row["mtime_ns"]] = row["media"]
            if row["source"] == self.recipe.label:
                self.places[row["path"], row["post"], row["position"]] = row
        self.seen: set[_Key] = set()
        self.links = Links(store.root, self.recipe.label)
        self.linked: set[_Key] = set()  # (URL, post, position) that the source names today
        self.downloads = states(store.root)

    def arrived(self, url: str) -> Arrival | None:
        """What was downloaded from there."""
        state = self.downloads.get(url)
        return arrived(self.root, state) if state else None

    def relative(self, path: Path) -> str:
        """The path as stored: relative to the study folder if it lies in it."""
        absolute = Path(os.path.abspath(path))  # noqa: PTH100  (resolve() would follow the link that names the file)
        return str(next((absolute.relative_to(root) for root in self.roots if absolute.is_relative_to(root)), absolute))

    def our_own(self, path: Path) -> bool:
        """Whether a file is one that studium wrote into the study folder: a thumbnail, a download."""
        relative = self.relative(path)
        return relative.split(os.sep, 1)[0] in {"thumbs", "report"} or ours(relative)

    def told(self, loss: Loss) -> Loss:
        """A loss with its paths as seen from the study folder."""
        where, message = loss.where, loss.message
        for root in self.roots:
            where, message = (text.replace(f"{root}{os.sep}", "") for text in (where, message))
        return Loss(where, loss.error, message)


def _windows(source: Iterable[Found]) -> Iterator[list[Found]]:
    found = iter(source)
    while window := list(itertools.islice(found, _WINDOW)):
        yield window


def _add_window(store: Store, known: _Known, window: list[Found], pool: ThreadPoolExecutor, added: Added) -> None:
    units: list[Unit] = []
    attachments: list[dict[str, Any]] = []
    places = [item for item in window if isinstance(item, Place) and not known.our_own(item.path)]
    hashed = dict(zip(map(id, places), pool.map(lambda p: _hash(known, p), places), strict=True))
    for item in window:
        match item:
            case Unit():
                added.found[item.kind] += 1
                units += _new_post(known, item, added)
            case Place() if id(item) in hashed:
                added.found[item.kind] += 1
                row = hashed[id(item)]
                if isinstance(row, Loss):
                    added.losses.append(row)
                else:
                    units += _new_medium(known, row, added)
                    attachments += _new_place(known, row, added)
            case Link():
                added.found["link"] += 1
                if came := _linked(known, item):
                    units += _new_medium(known, came, added)
                    attachments += _new_place(known, came, added)
            case Loss():
                added.losses.append(known.told(item))
            case Note():
                added.notes.append(item)
    store.add_units(units)
    store.add_attachments(attachments)
    added.links += known.links.name(known.recipe.label, [item for item in window if isinstance(item, Link)])


def _hash(known: _Known, place: Place) -> dict[str, Any] | Loss:
    """The attachment row of a place, or why there is none."""
    where = str(place.path)
    try:
        where.encode()
        path = known.relative(place.path)
        known.seen.add((path, place.post, place.position))  # also if it cannot be read just now
        stat = place.path.stat()
        media = known.files.get((path, stat.st_size, stat.st_mtime_ns)) or identify(place.path)
    except UnicodeEncodeError:
        advice = "the file name is not valid UTF-8; rename the file and add again"
        return Loss(repr(where), "UnreadableFileError", advice)
    except OSError as error:
        advice = f"{error.strerror or error}; mend it and add the source again"
        return Loss(path, "UnreadableFileError", advice)
    row: dict[str, Any] = {"source": known.recipe.label, "post": place.post, "media": media, "kind": place.kind}
    row |= {"position": place.position, "path": path, "label": place.label}
    return row | {"bytes": stat.st_size, "mtime_ns": stat.st_mtime_ns}


def _linked(known: _Known, link: Link) -> dict[str, Any] | None:
    """The attachment row of a link whose file was downloaded; None if it is still to come."""
    known.linked.add((link.url, link.post, link.position))
    file = known.arrived(link.url)
    if file is None:
        return None
    row = file.attachment(known.recipe.label, link)
    known.seen.add((row["path"], link.post, link.position))
    return row


def _new_post(known: _Known, unit: Unit, added: Added) -> list[Unit]:
    """The post if it is new or says something new. What it does not say (any more) does not erase what is known."""
    before = known.posts.get(unit.id)
    meta = {**(before or {}), **{k: v for k, v in unit.meta.items() if v not in {None, ""} or k not in (before or {})}}
    if meta == before:
        return []
    added.units[unit.kind] += before is None
    added.updated += before is not None
    known.posts[unit.id] = meta
    return [Unit(unit.id, unit.kind, meta=meta)]


def _new_medium(known: _Known, row: dict[str, Any], added: Added) -> list[Unit]:
    if (row["kind"], row["media"]) in known.media:
        return []
    known.media.add((row["kind"], row["media"]))
    added.units[row["kind"]] += 1
    return [Unit(row["media"], row["kind"], path=row["path"], meta={k: row[k] for k in ("bytes", "mtime_ns")})]


def _new_place(known: _Known, row: dict[str, Any], added: Added) -> list[dict[str, Any]]:
    """The attachment if it is new, or if another medium, label or time of change is there now."""
    key = row["path"], row["post"], row["position"]
    before = known.places.get(key)
    if before == row:
        return []
    known.places[key] = row
    added.attachments += before is None or before["media"] != row["media"]
    return [row]


def _withdrawn(known: _Known, added: Added) -> list[dict[str, Any]]:
    """Rows that say which places the source no longer names, now that it was read to its end."""
    gone = [row for key, row in known.places.items() if key not in known.seen]
    added.withdrawn += len(gone)
    return [{**row, "media": None} for row in gone]


def _source_recipe(source: Source, known: _Known) -> Recipe:
    """Names a source by what it is and its places as seen from the study folder: the same from wherever it is added."""
    params = {f.name: getattr(source, f.name) for f in dataclasses.fields(source)}  # type: ignore[arg-type]
    places = {name: known.relative(Path(params[name])) for name in ("path", "root") if params.get(name)}
    return Recipe(source.name, "1", json.loads(canonical({**params, **places})))


def _write_log(store: Store, source: Source, added: Added, known: _Known) -> None:
    """``sources/<name>-<key>.json``: the source, what it found, what it lost and what to know."""
    recipe = known.recipe
    body = {
        "source": source.name,
        "params": recipe.params,
        "found": dict(added.found),
        "losses": [dataclasses.asdict(loss) for loss in added.losses],
        "notes": [dataclasses.asdict(note) for note in added.notes],
    }
    parts.replace_file(store.root / "sources" / f"{recipe.label}.json", json.dumps(body, indent=1, ensure_ascii=False))
