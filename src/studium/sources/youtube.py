"""Exports of YouTube Data Tools: lists of videos and of channels, and comments."""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from studium.core.protocols import Found, Loss, Source
from studium.errors import SourceError
from studium.sources.platforms import MEDIA, Mapped, in_our_words
from studium.sources.posts import Posts
from studium.sources.tables import Row, open_table

__all__ = ["YouTube"]

_WATCH = "https://www.youtube.com/watch?v="
_NOT_FOUND = "[not found: "
_TEXT, _LANGUAGE = "_text", "_language"
_LANGUAGES = ("defaultLanguage", "defaultAudioLanguage", "defaultLAudioLanguage")  # the last as older exports spell it
_VIDEOS = {"id": "videoId", "text": _TEXT, "author": "channelTitle", "date": "publishedAt", "language": _LANGUAGE}
_CHANNELS = {"id": "id", "text": "description", "author": "title", "date": "publishedAt"}
_CHANNELS |= {"language": "defaultLanguage", "region": "country"}
_COMMENTS = {"id": "id", "text": "text", "author": "authorName", "date": "publishedAt"}


@dataclass(frozen=True)
class YouTube(Source):
    """The videos, channels or comments of a table of YouTube Data Tools; its header tells which.

    A video is a post: its text is title and description, its author the channel, its medium the page of the video,
    which ``download`` fetches with ``method = "yt-dlp"``. A channel's text is its description. Counts are called
    ``views``, ``likes``, ``comments``, ``replies`` and ``followers``; every other column keeps its name.

    Attributes:
        path: .csv or .tab.
        encoding: Python codec; "" to detect it.

    References:
        Rieder, B. (2015). YouTube Data Tools. https://ytdt.digitalmethods.net
    """

    name: ClassVar[str] = "youtube"

    path: str | Path
    encoding: str = ""

    def __iter__(self) -> Iterator[Found]:
        """Yield every post, a video followed by its link; a `Loss` for what the tool did not find; and notes.

        Raises:
            SourceError: no such file, or none of these tables.
        """
        inner = open_table(Path(self.path).absolute(), "videoId", self.encoding)
        columns = inner.columns()
        parts = _parts(columns)
        if not parts:
            raise SourceError(
                f"{self.path}: expected a list of videos (videoId, videoTitle), of channels (id, subscriberCount) or "
                f"comments (id, authorName, text) of YouTube Data Tools, got the columns {', '.join(columns)}"
            )
        ours = in_our_words(columns)

        def rewritten(rows: Iterable[Row | Loss]) -> Iterator[Row | Loss]:
            for row in rows:
                yield row if isinstance(row, Loss) else _row(row, ours)

        names = [*(ours[name] for name in columns), _TEXT, _LANGUAGE, MEDIA]
        table = Mapped(path=inner.path, encoding=inner.encoding, inner=inner, names=tuple(names), rewrite=rewritten)
        there = {part: column for part, column in parts.items() if column in names}
        yield from Posts(self.path, **there, media=MEDIA, namespace="youtube").read(table)


def _parts(columns: list[str]) -> Mapping[str, str]:
    """Which column plays which part in a table with these; {} if it is none of this tool."""
    if {"videoId", "videoTitle"} <= set(columns):
        return _VIDEOS
    if {"id", "subscriberCount"} <= set(columns):
        return _CHANNELS
    return _COMMENTS if {"id", "authorName", "text"} <= set(columns) else {}


def _row(row: Row, ours: Mapping[str, str]) -> Row | Loss:
    it = row.values
    said = str(it.get("videoTitle") or it.get("title") or it.get("text") or "")
    if said.startswith(_NOT_FOUND):
        return Loss(row.where, "UnreadableFileError", f"YouTube Data Tools did not find it: {said}")
    added = {_TEXT: None, _LANGUAGE: None, MEDIA: "[]"}
    if "videoTitle" in it:
        added[_TEXT] = "\n".join(part for part in (it["videoTitle"], it.get("videoDescription")) if part)
        added[_LANGUAGE] = next((it[name] for name in _LANGUAGES if it.get(name)), None)
        added[MEDIA] = json.dumps([_WATCH + it["videoId"]] if it["videoId"] else [])
    return Row(row.where, {**{ours[name]: value for name, value in it.items()}, **added})
