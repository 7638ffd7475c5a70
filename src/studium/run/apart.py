"""What must not be parted by a split of a study's units: frames of one film, posts of one account, near-duplicates."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from studium.core.store import Store, Table
from studium.core.unit import PARENTS
from studium.errors import InputError, UnknownNameError
from studium.learn.folds.groups import Keys
from studium.run.lineage import FILES, climbed
from studium.run.tables import living, posts

__all__ = ["ACCOUNT", "AUTHORS", "DUPLICATES", "FILE", "POST", "default", "keys", "told_of"]

FILE, POST, ACCOUNT, DUPLICATES = "file", "post", "account", "near_duplicates"
AUTHORS = (f"{ACCOUNT}: ", "author: ")
"""How errors of a group begin whose name is that of a person: for the eyes of those who work in the study only."""

Links = Mapping[str, Sequence[str]]
"""Unit -> what it hangs together with: files, posts, groups."""


def keys(store: Store, of: str, units: Sequence[str], names: Sequence[str] | None = None) -> Keys:
    """For each key its value for each unit; see `studium.learn.folds.groups`.

    A unit may have several values of a key: a picture lies in many posts, a post holds many pictures. Units that share
    one of them, directly or through others, get the same value.

    Args:
        store: the study.
        of: kind of the units.
        units: their ids.
        names: "file": that the units lie in, or that hangs on the post; "post"; "account": the author of the post;
            "near_duplicates": the groups of the tables of duplicates; or any column of posts. None for `default`.

    Raises:
        UnknownNameError: no such column, or no table of duplicates.
    """
    study = _Study(store, of)
    named = dict.fromkeys(study.known() if names is None else names)
    return {name: _one(units, study.links(name)) for name in named}


def default(store: Store, of: str) -> tuple[str, ...]:
    """Names of the keys that the study has for units of a kind, but for columns of posts other than the author."""
    return _Study(store, of).known()


def told_of(store: Store, of: str, units: Sequence[str], column: str) -> list[str | None]:
    """What the posts of each unit say in a column; None where they say nothing, or do not agree.

    Raises:
        UnknownNameError: no such column.
    """
    links = _Study(store, of).links(column)
    return [links[unit][0] if len(set(links[unit])) == 1 else None for unit in units]


@dataclass(frozen=True)
class _Study:
    """What hangs together with units of a kind."""

    store: Store
    of: str

    def known(self) -> tuple[str, ...]:
        names = [FILE] * (self.of in PARENTS or (self.of == "post" and bool(self.media)))
        names += [POST] * (self.of != "post" and any(self.posts_of.values()))
        names += [ACCOUNT] * bool(self._account() and any(self.links(ACCOUNT).values()))
        return (*names, *[DUPLICATES] * bool(self.duplicates))

    def links(self, name: str) -> Links:
        if name == FILE:
            return self.files
        if name == POST:
            return self.posts_of
        if name == DUPLICATES:
            return self._groups()
        column = self._account() if name == ACCOUNT else name
        if column not in self.said.column_names[1:]:
            there = ", ".join([FILE, POST, ACCOUNT, DUPLICATES, *self.said.column_names[1:]])
            raise UnknownNameError(f"nothing called {name!r} keeps units apart; there are: {there}")
        of_post = dict(_pairs(self.said, "unit", column))
        return {
            unit: [str(of_post[post]) for post in found if of_post.get(post) not in (None, "")]
            for unit, found in self.posts_of.items()
        }

    @cached_property
    def units(self) -> list[str]:
        return list(self.store.units(self.of)["id"].to_pylist())

    @cached_property
    def said(self) -> Any:
        """The posts, with everything that their sources said."""
        return posts(self.store)

    @cached_property
    def media(self) -> dict[str, list[str]]:
        """Post -> its media."""
        return _gathered(row[::-1] for row in self._attached)

    @cached_property
    def files(self) -> Links:
        if self.of == "post":
            return {unit: self.media.get(unit, []) for unit in self.units}
        if self.of in PARENTS:
            climb = zip(self.units, climbed(self.store, self.of, FILES).to_pylist(), strict=True)
            return {unit: [file] if file else [] for unit, file in climb}
        return {unit: [unit] for unit in self.units}

    @cached_property
    def posts_of(self) -> Links:
        if self.of == "post":
            return {unit: [unit] for unit in self.units}
        found = _gathered(self._attached)
        return {unit: [post for file in files for post in found.get(file, ())] for unit, files in self.files.items()}

    @cached_property
    def duplicates(self) -> list[Table]:
        """The latest table of near-duplicates of the units, and of the media that they are or hold."""
        found: dict[str, Table] = {}
        for table in self.store.tables():
            if table.recipe.name == "duplicates" and table.begun and table.kind in {self.of, *FILES}:
                found[table.kind] = table
        return list(found.values())

    @cached_property
    def _attached(self) -> list[tuple[str, str]]:
        """(media, post)."""
        rows = self.store.attachments()
        return [(media, post) for media, post in _pairs(rows, "media", "post") if post is not None]

    def _account(self) -> str:
        return next((name for name in ("author", ACCOUNT) if name in self.said.column_names), "")

    def _groups(self) -> Links:
        if not self.duplicates:
            raise UnknownNameError(
                f"the study has no groups of near-duplicates of {self.of} units, or of what they hold; find them with  "
                "studium duplicates  or leave near_duplicates out"
            )
        group: dict[str, str] = {}
        for table in self.duplicates:
            rows = living(self.store, table, ["unit", "group"])
            group |= {unit: f"{table.kind} {number}" for unit, number in _pairs(rows, "unit", "group")}
        return {
            unit: [group[one] for one in dict.fromkeys((unit, *files)) if one in group]
            for unit, files in self.files.items()
        }


def _one(units: Sequence[str], links: Links) -> list[str | None]:
    """One value for each unit: of those that hang together the first in the order of the alphabet, None without any."""
    top: dict[str, str] = {}

    def find(value: str) -> str:
        while top.setdefault(value, value) != value:
            top[value] = top[top[value]]
            value = top[value]
        return value

    if unknown := [unit for unit in units if unit not in links]:
        raise InputError(f"the study does not have {len(unknown)} of the units, such as {unknown[0]!r}")
    for unit in units:
        for value in links[unit]:
            low, high = sorted((find(links[unit][0]), find(value)))
            top[high] = low
    return [find(links[unit][0]) if links[unit] else None for unit in units]


def _gathered(pairs: Iterable[tuple[str, str]]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for key, value in pairs:
        if value not in found.setdefault(key, []):
            found[key].append(value)
    return found


def _pairs(table: Any, one: str, other: str) -> Iterable[tuple[Any, Any]]:
    return zip(table[one].to_pylist(), table[other].to_pylist(), strict=True)
