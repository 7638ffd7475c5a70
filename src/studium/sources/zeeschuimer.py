"""Captures of Zeeschuimer, the browser extension of the Digital Methods Initiative: TikTok, Instagram, X, Threads."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar

from studium.core.protocols import Found, Loss, Note, Source
from studium.errors import SourceError
from studium.sources.captured import COLUMNS, PLATFORMS, Capture, read
from studium.sources.platforms import MEDIA, Mapped
from studium.sources.posts import Posts
from studium.sources.tables import Row, open_table

__all__ = ["Zeeschuimer"]


@dataclass(frozen=True)
class Zeeschuimer(Source):
    """The posts of one platform, as Zeeschuimer has captured them.

    A capture holds everything that the platform's page was sent; what is taken of it is listed in the manual. A post
    that was captured several times is taken as it was at first.

    Attributes:
        path: .ndjson, as Zeeschuimer saves it, or as 4CAT gives it back.
        namespace: what its ids belong to; "" for the platform: "tiktok", "instagram", "twitter" or "threads".
        encoding: Python codec; "" to detect it.

    References:
        Peeters, S. Zeeschuimer. https://github.com/digitalmethodsinitiative/zeeschuimer
    """

    name: ClassVar[str] = "zeeschuimer"

    path: str | Path
    namespace: str = ""
    encoding: str = ""

    def __iter__(self) -> Iterator[Found]:
        """Yield every post followed by its media; a `Loss` for what cannot be used; and notes.

        Raises:
            SourceError: no such file, or none of a platform that is known here.
        """
        inner = open_table(Path(self.path).absolute(), "id", self.encoding)
        captures = _Captures(_platform(inner, str(self.path)))
        table = Mapped(path=inner.path, encoding=inner.encoding, inner=inner, names=COLUMNS, rewrite=captures.rewritten)
        posts = Posts(self.path, media=MEDIA, namespace=self.namespace or captures.platform)
        yield from posts.read(table)
        if captures.platform:
            yield Note("platform", captures.platform)
        if captures.repeated:
            yield Note("captures of a post that was captured before", str(captures.repeated))


def _platform(rows: Iterable[Row | Loss], path: str) -> str:
    """The platform of the first row; "" if there is no row."""
    row = next((row for row in rows if isinstance(row, Row)), None)
    if row is None:
        return ""
    found = Capture.of(row.values).platform
    if found not in PLATFORMS:
        raise SourceError(
            f"{path}: expected captures of {', '.join(PLATFORMS)}, got {found or 'rows without source_platform'}; "
            "upload the file to 4CAT, download its CSV there and add that as a source of its own (fourcat)"
        )
    return found


@dataclass
class _Captures:
    """One reading after the other of the same captures."""

    platform: str
    repeated: int = field(default=0, init=False)

    def rewritten(self, rows: Iterable[Row | Loss]) -> Iterator[Row | Loss]:
        """Every post once."""
        seen: set[object] = set()
        self.repeated = 0
        for row in rows:
            if isinstance(row, Loss):
                yield row
                continue
            capture = Capture.of(row.values)
            if capture.platform != self.platform:
                yield Loss(
                    row.where, "SourceError", f"of {capture.platform}, not {self.platform}; give it its own file"
                )
                continue
            values = read(capture)
            if values["id"] is not None and values["id"] in seen:
                self.repeated += 1
                continue
            seen.add(values["id"])
            yield Row(row.where, values)
