"""Exports of 4CAT, the capture and analysis toolkit of the Digital Methods Initiative."""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from studium.core.protocols import Found, Loss, Source
from studium.errors import SourceError
from studium.sources.platforms import DATE, MEDIA, Mapped, first, in_our_words, split_urls
from studium.sources.posts import Posts
from studium.sources.tables import Row, open_table
from studium.sources.zeeschuimer import Zeeschuimer

__all__ = ["FourCat"]

_MEDIA = ("video_url", "videos", "media_url", "images", "image_url", "audio_url")


@dataclass(frozen=True)
class FourCat(Source):
    """The posts of a 4CAT data set: its CSV, or the NDJSON of one that came from Zeeschuimer.

    ``body`` is the text, ``unix_timestamp`` (else ``timestamp``, which 4CAT writes in UTC or in the time of its server)
    the date. Counts are called ``likes``, ``comments``, ``shares``, ``views`` and ``followers``; every other column
    keeps its name.

    Attributes:
        path: .csv, or .ndjson.
        media: columns of media URLs, such as ("video_url", "thumbnail_url"), or one by its name; none named: those
            that there are of video_url, videos, media_url, images, image_url (not beside media_url: a still of it),
            audio_url.
        namespace: the platform, where ids of several platforms meet in one study.
        encoding: Python codec; "" to detect it.

    References:
        Peeters, S. and Hagen, S. (2022). The 4CAT Capture and Analysis Toolkit. doi:10.5117/CCR2022.2.007.HAGE
    """

    name: ClassVar[str] = "fourcat"

    path: str | Path
    media: str | tuple[str, ...] = ()
    namespace: str = ""
    encoding: str = ""

    def __post_init__(self) -> None:
        """Take one name, or a list as it comes from TOML, for a tuple."""
        names = (self.media,) if isinstance(self.media, str) else self.media
        object.__setattr__(self, "media", tuple(name for name in names if name))

    def __iter__(self) -> Iterator[Found]:
        """Yield every post followed by its media; a `Loss` for what cannot be used; and notes.

        Raises:
            SourceError: no such file or column, or an NDJSON that did not come from Zeeschuimer.
        """
        if Path(self.path).suffix.lower() in {".ndjson", ".jsonl"}:
            yield from Zeeschuimer(self.path, self.namespace, self.encoding)
            return
        inner = open_table(Path(self.path).absolute(), "id", self.encoding)
        columns = inner.columns()
        ours = in_our_words(columns)
        media = self.media or tuple(
            c for c in _MEDIA if c in columns and (c != "image_url" or "media_url" not in columns)
        )
        for name, part in {"id": "id", **dict.fromkeys(media, "media")}.items():
            if columns and name not in columns:
                raise SourceError(f"{self.path}: no column {name!r} for {part}; it has {', '.join(columns)}")

        def rewritten(rows: Iterable[Row | Loss]) -> Iterator[Row | Loss]:
            for row in rows:
                if isinstance(row, Loss):
                    yield row
                    continue
                urls = dict.fromkeys(url for name in media for url in split_urls(row.values.get(name)))
                date = row.values.get("unix_timestamp") or row.values.get("timestamp")
                values = {ours[name]: value for name, value in row.values.items()}
                yield Row(row.where, {**values, MEDIA: json.dumps(list(urls)), DATE: date})

        table = Mapped(
            path=inner.path,
            encoding=inner.encoding,
            inner=inner,
            names=(*(ours[name] for name in columns), MEDIA, DATE),
            rewrite=rewritten,
        )
        language = first(columns, "language", "language_guess", "lang") or None
        text = first(columns, "body")
        yield from Posts(
            self.path, text=text, media=MEDIA, language=language, date=DATE, namespace=self.namespace
        ).read(table)
