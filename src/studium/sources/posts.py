"""A table of posts: CSV, JSON Lines or Parquet."""

import hashlib
import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path
from typing import ClassVar

from studium.core.protocols import Found, Link, Loss, Note, Place, Source
from studium.core.unit import Unit, post_id
from studium.errors import SourceError
from studium.sources.attached import attach, split_cell
from studium.sources.columns import ColumnType, Scalar, as_text
from studium.sources.dates import DateColumn
from studium.sources.tables import Row, Table, open_table

__all__ = ["Posts"]

_OPTIONAL = ("media", "author", "language", "region", "date")
_SCIENTIFIC = re.compile(r"[+-]?\d(\.\d+)?[eE]\+?\d+")
_LANGUAGE = re.compile(r"[A-Za-z]{2,3}([-_][A-Za-z0-9]{2,8})*")


@dataclass(frozen=True)
class Posts(Source):
    """Every post of a table, with the media that it names.

    A row is a post; rows with the same id are one post if they differ in nothing but their media (which add up).
    All columns without a part of their own are carried along under their own names, with their types.

    Attributes:
        path: .csv (also .tsv, .txt), .jsonl (also .ndjson) or .parquet.
        id: column of the post's id on its platform; always text, never a number.
        text: column of its text; "" if it has none.
        media: column of its media, names of files or URLs: one, several separated by ``|``, ``;`` or ``,``, or a JSON
            list. URLs are noted, and fetched when the study is told to download.
        author: column of its author. This and the next three: None for a column of that very name, if there is one.
        language: column of its language; codes such as "EN" or "pt_BR" become "en" and "pt-br".
        region: column of its region.
        date: column of its date; becomes ISO 8601, in UTC if the offset is known.
        namespace: the platform, where ids of several platforms meet in one study.
        root: folder that the media's paths are relative to; None for the folder of the table.
        encoding: Python codec of a text table; "" to detect it.
    """

    name: ClassVar[str] = "posts"

    path: str | Path
    id: str = "id"
    text: str = "text"
    media: str | None = None
    author: str | None = None
    language: str | None = None
    region: str | None = None
    date: str | None = None
    namespace: str = ""
    root: str | Path | None = None
    encoding: str = ""

    def __iter__(self) -> Iterator[Found]:
        """Yield every post followed by its media; a `Loss` for what cannot be used; and notes.

        Raises:
            SourceError: no such file or column, or a file that is no table of these kinds.
        """
        yield from self.read(open_table(Path(self.path).absolute(), self.id, self.encoding))

    def read(self, table: Table) -> Iterator[Found]:
        """The same of a table that was opened elsewhere."""
        if table.encoding not in {"", "utf-8", "utf-8-sig"}:
            yield Note("encoding", table.encoding)
        yield from _Reading(self, table).found()

    def roles(self, columns: list[str]) -> dict[str, str]:
        """Which column plays which part: ``{"id": "post_id", "text": "caption", ...}``.

        Raises:
            SourceError: the table lacks a column that was asked for.
        """
        wanted = {"id": self.id, "text": self.text} | {role: getattr(self, role) for role in _OPTIONAL}
        roles = {role: column for role, column in wanted.items() if column}
        for role, column in roles.items():
            if column not in columns:
                close = get_close_matches(column, columns, 1)
                hint = f"; did you mean {close[0]!r}?" if close else ""
                raise SourceError(f"{self.path}: no column {column!r} for {role}; it has {', '.join(columns)}{hint}")
        for role in _OPTIONAL:
            if wanted[role] is None and role in columns and role not in roles.values():
                roles[role] = role
        return roles


@dataclass
class _Known:
    """What is remembered of a post, to recognise its id when it comes again."""

    digest: bytes
    where: str
    media: list[str]


@dataclass
class _Reading:
    """One reading of a table: twice over its rows, first to learn the types, then to yield."""

    source: Posts
    table: Table
    roles: Mapping[str, str] = field(default_factory=dict)
    others: dict[str, tuple[str, ColumnType]] = field(default_factory=dict)
    dates: DateColumn = field(default_factory=DateColumn)
    known: dict[str, _Known] = field(default_factory=dict)
    counts: Counter[str] = field(default_factory=Counter)

    def found(self) -> Iterator[Found]:
        columns = self.table.columns()
        if columns:
            self._learn(columns)
            for row in self.table:
                yield from [row] if isinstance(row, Loss) else self._post(row)
        yield from self._notes()

    def _learn(self, columns: list[str]) -> None:
        self.roles = self.source.roles(columns)
        taken = {"unit", "id", "text", "author", "language", "region", "date"}
        for column in columns:
            if column not in self.roles.values():
                key = column
                while key in taken:
                    key += "_column"
                taken.add(key)
                self.others[column] = key, ColumnType(column, self.table.typed)
        for row in self.table:
            if isinstance(row, Row):
                for column, (_, kind) in self.others.items():
                    kind.see(row.values.get(column))
                self.dates.see(self._cell(row, "date"))
                self._see_id(self._cell(row, "id"))

    def _cell(self, row: Row, role: str) -> str:
        value = row.values.get(self.roles[role]) if role in self.roles else None
        text = "" if value is None else as_text(value)
        return text if role == "text" else text.strip()

    def _see_id(self, identifier: str) -> None:
        if identifier.isdecimal() and len(identifier) > 15 and not identifier.startswith("0"):
            self.counts["long ids"] += 1
            self.counts["rounded ids"] += not identifier[15:].strip("0")

    def _post(self, row: Row) -> Iterator[Unit | Place | Link | Loss]:
        value = row.values.get(self.roles["id"])
        identifier = self._cell(row, "id")
        if isinstance(value, float) and value.is_integer() and abs(value) < 2**53:  # whole, and no digit was lost
            identifier = str(int(value))
        elif trouble := _trouble(identifier, value):
            yield Loss(row.where, "SourceError", trouble)
            return
        meta = self._meta(row, identifier)
        digest = hashlib.sha256(json.dumps(meta).encode()).digest()[:16]
        known = self.known.get(identifier)
        if known and known.digest != digest:
            message = f"post {identifier!r} stands in {known.where} with other content; that one is kept"
            yield Loss(row.where, "SourceError", message)
            return
        unit = Unit(post_id(identifier, self.source.namespace), "post", meta=meta)
        if known is None:
            known = self.known[identifier] = _Known(digest, row.where.rpartition(", ")[2], [])
            yield unit
        root = Path(self.source.root).absolute() if self.source.root else self.table.path.parent
        names = split_cell(self._cell(row, "media"), root)
        new = names if not known.media else [name for name in names if name not in known.media]
        self.counts["rows that repeat a post"] += not new and known.where != row.where.rpartition(", ")[2]
        yield from attach(new, root, unit.id, f"{row.where}, post {identifier!r}", len(known.media))
        known.media += new

    def _meta(self, row: Row, identifier: str) -> dict[str, Scalar]:
        meta: dict[str, Scalar] = {"id": identifier, "text": self._cell(row, "text")}
        meta |= {role: self._cell(row, role) or None for role in ("author", "language", "region", "date")}
        if language := meta["language"]:
            meta["language"] = _normalised(str(language))
        if date := meta["date"]:
            meta["date"] = self.dates.read(str(date))
        return meta | {key: kind.read(row.values.get(column)) for column, (key, kind) in self.others.items()}

    def _notes(self) -> Iterator[Note]:
        yield Note("posts", str(len(self.known)))
        if count := self.counts["rows that repeat a post"]:
            yield Note("rows that repeat a post", str(count))
        if self.counts["long ids"] > 1 and self.counts["long ids"] == self.counts["rounded ids"]:
            value = f"all {self.counts['long ids']} ids of 16 and more digits end in zeros: spreadsheets round them"
            yield Note("ids look rounded", value)
        yield from self.dates.notes()
        for column, (key, kind) in self.others.items():
            if key != column:
                yield Note(f"column {column} is kept as", key)
            yield from kind.notes()


def _trouble(identifier: str, value: object) -> str:
    """Why this cannot be the id of a post; empty if it can."""
    if not identifier or value is None:
        return "the post has no id"
    if isinstance(value, bool) or identifier[0] in "[{":
        return f"expected a text or a whole number as id, got {identifier!r}"
    if _SCIENTIFIC.fullmatch(identifier) or isinstance(value, float):
        return f"the id {identifier!r} lost digits in a spreadsheet or as a float; export the ids as text"
    return ""


def _normalised(language: str) -> str:
    return language.replace("_", "-").lower() if _LANGUAGE.fullmatch(language) else language
