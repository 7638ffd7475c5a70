"""The gate before everything that tells persons apart in a study, and the end of the templates made behind it.

Templates are deleted when the legal basis expires, when it is taken out of the study file or no longer complete, and
when they are as old as it allows: before anything else happens in the study. Models that learned from them, and
experiments on them, go with them. What else was derived from them (numbers of persons and clusters, places on a map,
near-duplicates) stays: it is data of the study, under the rules for those.
"""

import json
import logging
import re
import secrets
import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime
from pathlib import Path

from studium.core import audit, config, legal, parts, registry
from studium.core.audit import Use
from studium.core.legal import LegalBasis
from studium.core.protocols import Measure, Unitizer, wide
from studium.core.store import Store
from studium.core.table import Table, open_table
from studium.errors import InputError, StoreError

__all__ = [
    "admit",
    "admitted",
    "asked",
    "clear",
    "holds_templates",
    "identifying",
    "inherit",
    "mark",
    "mark_folder",
    "moment",
    "oldest",
    "spoken",
    "sweep",
]

log = logging.getLogger(__name__)

_MARK = "_basis.json"  # in the folder of a table whose rows need a legal basis
_MARKED = ("models", "experiments")  # where folders lie that were made from such rows
_DELETED = Path("tables", ".deleted")  # what is being deleted; tables lie deeper there than any reader looks


def admit(root: Path, use: Use) -> LegalBasis:
    """Allow a use in a study or refuse it, and write down which in its ``audit.jsonl``.

    Raises:
        RefusedError: the study file has no legal basis that is complete and in force.
    """
    return legal.admit(_basis(root), use, root / audit.NAME)


@contextmanager
def admitted(root: Path, use: Use) -> Iterator[LegalBasis]:
    """Do what tells persons apart, if `admit` allows it; the parts that do it need not write it down again."""
    basis = admit(root, use)
    with legal.under(basis, root / audit.NAME, logged=True):
        yield basis


def clear(store: Store, verb: str, of: str, names: Iterable[str]) -> None:
    """Ask for the legal basis before tables are read: of those that tell persons apart, or would.

    Args:
        store: the study.
        verb: what is done with them.
        of: kind of the units.
        names: of the tables.
    """
    for name in names:
        if identifying(store, of, name):
            admit(store.root, Use(f"{verb} {name}", of, store.units(of).num_rows))


def asked(parts: Iterable[Measure | Unitizer], of: str) -> list[Measure | Unitizer]:
    """Those of the parts that would tell units of a kind, or the faces that they make of them, apart as persons."""
    return [part for part in parts if (part.identifies(of) if isinstance(part, Measure) else _labels_faces(part))]


def identifying(store: Store, of: str, name: str) -> bool:
    """Whether a table of that name, as it is or as it would be made, tells persons apart."""
    wanted, _, key = name.partition(":")
    there = [table for table in store.tables(of) if table.recipe.name == wanted]
    there = [table for table in there if table.recipe.key == key] or there
    if there or wanted not in registry.names("measures"):
        return any(holds_templates(table) for table in there)
    try:
        return bool(registry.make("measures", wanted, {}).identifies(of))
    except InputError:  # it cannot be made without parameters, so it cannot be asked
        return of == "face"


def spoken(store: Store, query: str) -> list[tuple[str, str]]:
    """(kind, name) of the tables that an SQL query speaks of and that tell persons apart."""
    said, there = query.casefold(), {(table.kind, table.recipe.name) for table in store.tables()}
    found = {(of, name) for of, name in there if f"{of}_{name}".casefold() in said}
    found |= {("face", name) for name in registry.names("measures") if re.search(rf"\bface_{re.escape(name)}\b", said)}
    return [(of, name) for of, name in sorted(found) if identifying(store, of, name)]


def holds_templates(table: Table) -> bool:
    """Whether the rows of a table need a legal basis: marked so, or long vectors of faces wherever they come from."""
    faces = "face" in (table.kind, table.recipe.params.get("of"))
    return (table.folder / _MARK).exists() or (faces and wide(table.columns))


def mark(table: Table, since: date | None = None) -> None:
    """Say of a table, before it has rows, that these need a legal basis.

    Args:
        table: the table.
        since: the day from which on its rows are kept; None for that of its oldest row.
    """
    if not (table.folder / _MARK).exists():
        parts.replace_file(table.folder / _MARK, json.dumps({"since": since.isoformat()} if since else {}))


def inherit(made: Table, source: Table) -> None:
    """Say so of a table that was made from such rows, if it has vectors of its own; they are as old as the rows."""
    if holds_templates(source) and wide(made.columns):
        mark(made, _since(source.folder))


def oldest(sources: Iterable[Table]) -> date | None:
    """The day since when the oldest rows of those tables that need a legal basis are kept; None if none does."""
    return min((_since(source.folder) for source in sources if holds_templates(source)), default=None)


def mark_folder(folder: Path, sources: Iterable[Table]) -> None:
    """Say of a folder in ``models`` or ``experiments``, before it holds anything, that such rows went into it, if so.

    Args:
        folder: it is deleted when the time of these rows is over.
        sources: the tables that it is made from.
    """
    if since := oldest(sources):
        parts.replace_file(folder / _MARK, json.dumps({"since": since.isoformat()}))


def moment(root: Path) -> tuple[date, int, int, int]:
    """The day, and when the study file was written and how long it is: as long as these stay, so do templates."""
    try:
        stat = (root / "studium.toml").stat()
    except OSError:
        return legal.today(), 0, 0, 0
    return legal.today(), stat.st_mtime_ns, stat.st_ctime_ns, stat.st_size


def sweep(store: Store) -> None:
    """Delete the templates whose time is over. Costs the look into a few folders if there are none.

    Raises:
        BusyError: they must be deleted, and another run holds the study.
        ConfigError: there are templates, and the study file cannot be read.
    """
    deleted = store.root / _DELETED
    if not _due(store.root) and not deleted.exists():
        return
    with store.lock():
        for kept, why in _due(store.root):  # asked again: another process may have been faster
            _delete(store.root, kept, why)
        if deleted.exists():
            shutil.rmtree(deleted)


def _labels_faces(unitizer: Unitizer) -> bool:
    """Whether it writes templates of the faces it finds."""
    return unitizer.makes == "face" and wide(unitizer.columns)


def _basis(root: Path) -> LegalBasis | None:
    """The record in the study file, as it is now."""
    path = root / "studium.toml"
    return config.read(path).legal_basis if path.exists() else None


def _due(root: Path) -> list[tuple[Table | Path, str]]:
    """Tables of templates, and folders made from them, whose time is over, and why."""
    folders = sorted(path.parent for name in _MARKED for path in root.glob(f"{name}/*/{_MARK}"))
    kept: list[Table | Path] = [*_templates(root), *folders]
    basis = _basis(root) if kept else None
    return [(one, why) for one in kept if (why := _over(_folder(one), basis))]


def _folder(kept: Table | Path) -> Path:
    return kept if isinstance(kept, Path) else kept.folder


def _templates(root: Path) -> list[Table]:
    recipes = {*root.glob("tables/face/*/_recipe.json"), *root.glob("tables/*/rollup-*/_recipe.json")}
    recipes |= {path.with_name("_recipe.json") for path in root.glob(f"tables/*/*/{_MARK}")}
    tables = [open_table(path) for path in sorted(recipes) if path.exists()]
    return [table for table in tables if table.begun and holds_templates(table)]


def _over(folder: Path, basis: LegalBasis | None) -> str:
    """Why the time of the templates in a folder is over; empty if it is not."""
    if basis is None:
        return "the study file has no legal basis"
    if faults := basis.faults():
        return "; ".join(faults)
    days = (legal.today() - _since(folder)).days
    if days < -1:  # clocks of two machines may disagree about midnight
        return "its rows are dated in the future, so that nobody knows how old they are"
    return f"kept for {days} days of {basis.retention_days}" if days >= basis.retention_days else ""


def _since(folder: Path) -> date:
    """The day of its oldest part, whose name tells the time; or of the rows that it was made from."""
    times = [int(path.name.split("-")[1]) for path in folder.glob("part-*.parquet")]
    day = datetime.fromtimestamp(min(times) / 1e9, UTC).date() if times else legal.today()
    path = folder / _MARK
    try:
        since = json.loads(path.read_text()).get("since") if path.exists() else None
        return min(day, date.fromisoformat(since)) if since else day
    except (ValueError, AttributeError, TypeError) as error:
        raise StoreError(f"{path} is damaged ({error}); delete its folder, and run again") from error


def _delete(root: Path, kept: Table | Path, why: str) -> None:
    """Write it down, delete the caches of vectors, and take the table or folder out of the way at once."""
    basis, folder = _basis(root), _folder(kept)
    if isinstance(kept, Path):
        use = Use(f"delete {folder.relative_to(root).as_posix()}", folder.parent.name, 0)
    else:
        use = Use(f"delete {kept.recipe.label}", kept.kind, parts.rows(folder))
    audit.append(root / audit.NAME, use, allowed=True, reason=why, basis=basis.digest if basis else "")
    log.warning("%s (%s %s) is deleted: %s", use.what.removeprefix("delete "), use.units, use.of, why)
    if (root / "vectors").exists():
        shutil.rmtree((root / "vectors").resolve())
    grave = root / _DELETED / folder.parent.name
    grave.mkdir(parents=True, exist_ok=True)
    folder.rename(grave / f"{folder.name}-{secrets.token_hex(4)}")
