"""What exports of collection tools have in common: another table's rows, brought into the columns of a posts table."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from studium.core.protocols import Loss
from studium.sources.columns import Scalar
from studium.sources.tables import Row, Table

__all__ = ["DATE", "MEDIA", "Mapped", "first", "in_our_words", "split_urls"]

MEDIA, DATE = "_media", "_date"
"""Columns that stand for those of several tools; they play a part, so they are not carried along."""

_WORDS: Mapping[str, tuple[str, ...]] = {
    "likes": ("likes", "num_likes", "like_count", "likeCount", "amount_likes", "favorite_count"),
    "comments": ("comments", "num_comments", "comment_count", "commentCount", "amount_comments", "reply_count"),
    "replies": ("replies", "replyCount", "totalReplyCount"),
    "shares": ("shares", "share_count", "amount_shares", "retweet_count", "reposts"),
    "views": ("views", "plays", "view_count", "viewCount", "amount_plays", "impression_count"),
    "followers": ("followers", "author_followers", "subscriberCount"),
}
"""Our word for a count, and what tools call it."""
_NEXT_URL = re.compile(r"[,\s|;]+(?=https?://)", re.IGNORECASE)


@dataclass(frozen=True, kw_only=True)
class Mapped(Table):
    """The rows of another table, rewritten.

    Attributes:
        inner: the other table.
        names: the columns that come out, in order.
        rewrite: its rows -> our rows; called for every reading from the start.
    """

    inner: Table
    names: tuple[str, ...]
    rewrite: Callable[[Iterable[Row | Loss]], Iterator[Row | Loss]]

    def __post_init__(self) -> None:
        """Values have types of their own if those of the other table have."""
        object.__setattr__(self, "typed", self.inner.typed)

    def __iter__(self) -> Iterator[Row | Loss]:
        """Every row, rewritten."""
        return self.rewrite(self.inner)

    def columns(self) -> list[str]:
        """Names of the columns that come out."""
        return list(self.names)


def first(columns: Sequence[str], *wanted: str) -> str:
    """The first of these columns that there is; "" if there is none."""
    return next((name for name in wanted if name in columns), "")


def in_our_words(columns: Iterable[str]) -> dict[str, str]:
    """What each column is called here: counts by our words, everything else as it is."""
    columns = list(columns)
    ours = {word: first(columns, *theirs) for word, theirs in _WORDS.items()}
    known = {theirs: word for word, theirs in ours.items() if theirs}
    return {column: known.get(column, column) for column in columns}


def split_urls(cell: Scalar) -> list[str]:
    """The URLs of a cell that a tool has joined with commas; a URL may hold commas of its own."""
    return [url for url in _NEXT_URL.split(str(cell or "").strip()) if url]
