"""From the media that sources name to the rows of tables: how many are lost on the way, where, and why."""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any

import pyarrow as pa

from studium.core.store import Store, Table
from studium.run.download.links import STATUSES, Links, arrived, ours, states
from studium.run.tables import losses, posts

__all__ = ["LEDGER", "OUTCOMES", "Named", "attrition", "count", "named"]

OUTCOMES: Mapping[str, str] = {
    "lost": "the source could not use the row or the file",
    **{status: about for status, about in STATUSES.items() if status != "done"},
    "unreadable": "the file is here, and nothing could be measured on it",
    "unmeasured": "the file is here, and a table lacks it",
    "measured": "every table of its kind has a row",
}
"""How far a medium can have come, in order; the last is the end of the way."""

LEDGER = pa.schema(
    {
        "author": pa.string(),
        "month": pa.string(),
        "kind": pa.string(),
        "outcome": pa.string(),
        "reason": pa.string(),
        "n": pa.int64(),
    }
)
_RESULTS = frozenset({"cluster", "duplicates", "map", "persons", "rollup"})
_MONTH = re.compile(r"\d{4}-\d{2}")
_POST = re.compile(r", post ('.*'|\".*\")$", re.DOTALL)  # its id, as repr() writes it


@dataclass(frozen=True, slots=True)
class Named:
    """One medium that a source names for one post, or one row that it could not use.

    Attributes:
        author: of the post, or None.
        month: of the post, as "2024-05", or None.
        kind: of the medium, or None if that is not known.
        outcome: one of `OUTCOMES`.
        reason: of a loss, in a few words; None for none.
    """

    author: str | None
    month: str | None
    kind: str | None
    outcome: str
    reason: str | None = None


def attrition(store: Store) -> pa.Table:
    """How many media came how far, by author and month of their posts; schema `LEDGER`."""
    return count(named(store))


def count(media: Iterable[Named]) -> pa.Table:
    """The ledger of these media: one row for all that have everything in common, by month, author and outcome."""
    order = list(OUTCOMES)

    def place(item: Named) -> tuple[tuple[bool, str], ...]:
        words = (item.month, item.author, item.kind, f"{order.index(item.outcome)}", item.reason)
        return tuple((word is None, word or "") for word in words)

    counted = Counter(media)
    rows = [{**asdict(item), "n": counted[item]} for item in sorted(counted, key=place)]
    return pa.Table.from_pylist(rows, schema=LEDGER)


def named(store: Store) -> Iterator[Named]:
    """Every medium that a source names today, and how far it came."""
    who = _Posts(store)
    ways: dict[str, _Ways] = {}
    known = states(store.root)
    for link in Links(store.root).rows.values():
        state = known.get(link["url"])
        author, month = who.of(link["post"])
        file = arrived(store.root, state) if state else None
        if file:
            yield Named(author, month, file.unit.kind, *_way(ways, store, file.unit.kind, file.unit.id))
        elif state and state["status"] == "done":
            yield Named(author, month, state["kind"], "lost", "removed from media/")
        else:
            yield Named(author, month, link["kind"], *_web(state))
    for row in store.attachments().to_pylist():
        if not ours(row["path"]):  # what was downloaded is counted by its link
            yield Named(*who.of(row["post"]), row["kind"], *_way(ways, store, row["kind"], row["media"]))
    for loss in losses(store).to_pylist():
        match = _POST.search(loss["where"])
        yield Named(*who.called(match[1] if match else None), None, "lost", loss["error"])


class _Posts:
    """Author and month of every post."""

    def __init__(self, store: Store) -> None:
        self._of: dict[str, tuple[str | None, str | None]] = {}
        self._called: dict[str, str | None] = {}  # by repr() of the id; None: several platforms have such a post
        if "post" in store.kinds():
            table = posts(store)
            there = [name for name in ("unit", "id", "author", "date") if name in table.column_names]
            for row in table.select(there).to_pylist():
                month = _MONTH.match(str(row.get("date") or ""))
                author = row.get("author")
                self._of[row["unit"]] = (None if author is None else str(author), month[0] if month else None)
                name = repr(str(row.get("id")))
                self._called[name] = None if name in self._called else row["unit"]

    def of(self, unit: str | None) -> tuple[str | None, str | None]:
        return self._of.get(unit or "", (None, None))

    def called(self, name: str | None) -> tuple[str | None, str | None]:
        """Of the post with this id on its platform, as `repr` writes it."""
        return self.of(self._called.get(name or ""))


class _Ways:
    """How far the media of one kind came in their tables."""

    def __init__(self, tables: Iterable[Table]) -> None:
        self._tables = {table.recipe.label: frozenset(table.done().to_pylist()) for table in tables}
        self._failed: dict[str, str] = {}
        for table in tables:
            for row in table.failures().to_pylist():
                self._failed.setdefault(row["unit"], row["error"])

    def of(self, unit: str) -> tuple[str, str | None]:
        lacking = [label for label, done in self._tables.items() if unit not in done]
        if self._tables and not lacking:
            return "measured", None
        if unit in self._failed and len(lacking) == len(self._tables):
            return "unreadable", self._failed[unit]
        return "unmeasured", self._failed.get(unit) or (f"not tried by {lacking[0]}" if lacking else "no table yet")


def _way(ways: dict[str, _Ways], store: Store, kind: str, unit: str) -> tuple[str, str | None]:
    if kind not in ways:
        tables = [t for t in store.tables(kind) if t.recipe.name not in _RESULTS and t.begun]
        ways[kind] = _Ways(tables)
    return ways[kind].of(unit)


def _web(state: Mapping[str, Any] | None) -> tuple[str, str | None]:
    """What became of a URL that has no file, without what differs from one URL to the next."""
    if state is None:
        return "waiting", None
    return state["status"], re.split(r"[:;] ", state["error"] or "")[0] or None
