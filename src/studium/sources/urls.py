"""A list of media by their URLs: a text file with one a line, or a column of a table."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from studium.core.protocols import Found, Link, Loss, Note, Source
from studium.errors import SourceError
from studium.sources.attached import is_url, link_to, split_cell
from studium.sources.columns import as_text
from studium.sources.encoding import detect
from studium.sources.tables import open_table

__all__ = ["Urls"]

_LISTS = frozenset({".txt", ".urls", ".lst", ""})


@dataclass(frozen=True)
class Urls(Source):
    """Every URL of a list. They are noted, and fetched when the study is told to download.

    Attributes:
        path: a text file (.txt, .urls, .lst) with one URL a line, blank lines and those that begin with ``#`` left out;
            or a table (.csv, .tsv, .jsonl, .parquet).
        column: of the table: its URLs, one or several in a cell, as in the media column of posts.
        label: column with the class of each, or "".
        encoding: Python codec of a text file; "" to detect it.
    """

    name: ClassVar[str] = "urls"

    path: str | Path
    column: str = "url"
    label: str = ""
    encoding: str = ""

    def __iter__(self) -> Iterator[Found]:
        """Yield a `Link` for every URL, once; a `Loss` for what is none; and notes.

        Raises:
            SourceError: no such file or column, or a file that is neither a list nor a table.
        """
        seen: set[str] = set()
        repeated = 0
        for item in self._listed() if Path(self.path).suffix.lower() in _LISTS else self._tabled():
            if isinstance(item, Link):
                if item.url in seen:
                    repeated += 1
                    continue
                seen.add(item.url)
            yield item
        yield Note("URLs", str(len(seen)))
        if repeated:
            yield Note("URLs that are named again", str(repeated))

    def _listed(self) -> Iterator[Link | Loss]:
        path = Path(self.path).absolute()
        try:
            text = path.read_text(self.encoding or detect(path))
        except OSError as error:
            raise SourceError(f"expected a list of URLs, got {path}: {error.strerror}; check the path") from error
        except (UnicodeError, LookupError) as error:
            raise SourceError(f"{path}: cannot be read as text ({error}); save it as UTF-8") from error
        for number, line in enumerate(text.splitlines(), 1):
            if (url := line.strip()) and not url.startswith("#"):
                yield link_to(url, f"{path}, line {number}")

    def _tabled(self) -> Iterator[Link | Loss]:
        path = Path(self.path).absolute()
        table = open_table(path, self.column, self.encoding)
        columns = table.columns()
        if missing := [name for name in (self.column, self.label) if name and columns and name not in columns]:
            raise SourceError(f"{self.path}: no column {missing[0]!r}; it has {', '.join(columns)}")
        for row in table:
            if isinstance(row, Loss):
                yield row
                continue
            label = as_text(row.values[self.label]) if row.values.get(self.label) is not None else None
            cell = row.values.get(self.column)
            urls = [] if cell is None else split_cell(as_text(cell), path.parent)
            if not urls:
                yield Loss(row.where, "SourceError", f"the column {self.column!r} is empty")
            for url in urls:
                link = link_to(url, row.where) if is_url(url) else None
                if link is None:
                    yield Loss(row.where, "SourceError", f"{url!r} is no URL; write it with http:// or https://")
                else:
                    yield Link(link.url, link.kind, label=label or None) if isinstance(link, Link) else link
