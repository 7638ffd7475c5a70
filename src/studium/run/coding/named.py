"""Which units the names in a file mean."""

from collections.abc import Mapping, Sequence
from pathlib import Path, PurePosixPath

from studium.core.codebook import Codebook
from studium.core.exchange.given import Given
from studium.core.pair import pair_of, units_of
from studium.core.store import Store
from studium.errors import InputError
from studium.run.tables import paths
from studium.run.taggers import identified

__all__ = ["named"]

Names = Mapping[tuple[str, str], str]


def named(store: Store, codebook: Codebook, path: Path, rows: Sequence[Given], key: str) -> Names:
    """(variable, name of a unit) -> its id.

    Args:
        store: the study.
        codebook: with the variables.
        path: of the file, for messages.
        rows: what it gives.
        key: what names units: "unit" (ids), "path", "id" (of posts in their source), or "file" (the digest of a file,
            its path, or the end of its path, if it is that of one file only).

    Raises:
        InputError: a name means no unit of the study, or several.
    """
    found: dict[tuple[str, str], str] = {}
    for variable in dict.fromkeys(row.variable for row in rows):
        asked = codebook[variable]
        names = list(dict.fromkeys(row.unit for row in rows if row.variable == variable))
        if asked.pairs:
            ids = _pairs(store, asked.of, path, names, key)
        elif key == "file":
            ids = _files(store, asked.of, path, names)
        else:
            ids = identified(path, names, key, store, asked.of)
        found |= {(variable, name): unit for name, unit in zip(names, ids, strict=True)}
    return found


def _pairs(store: Store, of: str, path: Path, names: Sequence[str], key: str) -> list[str]:
    if key != "unit":
        raise InputError(f"{path} names pairs by {key}; name them by unit: the ids of both, with a + between")
    ends = [units_of(name) for name in names]
    identified(path, list(dict.fromkeys(unit for both in ends for unit in both)), key, store, of)
    return [pair_of(*both) for both in ends]


def _files(store: Store, of: str, path: Path, names: Sequence[str]) -> list[str]:
    ids = store.units(of)["id"].to_pylist()
    known = set(ids)
    by_path: dict[str, set[str]] = {}
    for unit, place in zip(ids, paths(store, of).to_pylist(), strict=True):
        steps = PurePosixPath(place or "").parts
        for at in range(len(steps)):
            by_path.setdefault("/".join(steps[at:]), set()).add(unit)
    found: list[str] = []
    for name in names:
        meant = {name} if name in known else by_path.get(str(PurePosixPath(name)), set())
        if len(meant) != 1:
            what = "is the end of the paths of several" if meant else "is neither the sha256 nor the path of any"
            raise InputError(f"{path}: {name!r} {what} {of} units of the study; add them, or name them by sha256")
        found += meant
    return found
