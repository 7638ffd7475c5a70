"""Posts: how many, in which languages, when, and which media travel through several of them.

No text and no author of a post is reproduced: a report is handed around.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

import pyarrow as pa
import pyarrow.compute as pc
from markupsafe import Markup

from studium.report import charts
from studium.report.montage import Montage, montage
from studium.report.reading import Reading
from studium.report.text import count, noun
from studium.report.variables import Counts, tally
from studium.run.tables import posts as read_posts

__all__ = ["Posts", "Traveller", "posts"]

TRAVELLERS = 16
"""Media shown that stand in several posts."""

DAY = "%Y-%m-%d"


@dataclass(frozen=True)
class Traveller:
    """A medium without a picture (a video, a sound) that stands in several posts."""

    name: str
    posts: int


@dataclass(frozen=True)
class Posts:
    """What there is to say about posts without quoting them."""

    n: int
    authors: int | None
    with_media: int
    counts: list[Counts]
    dates: Markup | None
    dated: str
    travelling: int
    shown: Montage
    others: list[Traveller]


def posts(reading: Reading) -> Posts | None:
    """The posts of a study; None if it has none."""
    if "post" not in reading.kinds:
        return None
    table = read_posts(reading.store)
    n = table.num_rows
    counts = [_counts(table, "language", "language of the post, as its source says")] if _has(table, "language") else []
    if _has(table, "region"):
        counts.append(_counts(table, "region", "region of the post, as its source says"))
    chart, dated = _dates(table) if _has(table, "date") else (None, "")
    attached = reading.attachments.filter(pc.is_valid(reading.attachments["post"]))
    with_media = len(set(attached["post"].to_pylist()) & set(table["unit"].to_pylist()))
    authors = len(set(table["author"].drop_null().to_pylist())) if _has(table, "author") else None
    return Posts(n, authors, with_media, counts, chart, dated, *_travelling(reading, attached))


def _has(table: pa.Table, name: str) -> bool:
    return name in table.column_names and table[name].null_count < table.num_rows


def _counts(table: pa.Table, name: str, about: str) -> Counts:
    values = [str(v) for v in table[name].drop_null().to_pylist()]
    return tally(name.capitalize(), about, Counter(values), len(values), table.num_rows - len(values))


def _dates(table: pa.Table) -> tuple[Markup | None, str]:
    """Posts over time, by day, month or year, whichever suits the time they span; and in words."""
    days = [_day(value) for value in table["date"].to_pylist()]
    known = sorted(day for day in days if day is not None)
    without = len(days) - len(known)
    lacking = f"; {noun(without, 'post')} without a date" if without else ""
    if not known:
        return None, lacking.removeprefix("; ")
    step, shape = _step(known[0], known[-1])
    counted = Counter(day.strftime(shape) for day in known)
    periods = list(dict.fromkeys(day.strftime(shape) for day in _days(known[0], known[-1])))
    said = f"Posts by {step}, {known[0]:%Y-%m-%d} to {known[-1]:%Y-%m-%d}"
    return charts.bars(periods, [counted[p] for p in periods], said), f"{said}{lacking}."


def _day(value: object) -> date | None:
    """The day of an ISO 8601 date; None if it is none, or none of the calendar's."""
    try:
        return date.fromisoformat(str(value)[:10])
    except ValueError:
        return None


def _step(first: date, last: date) -> tuple[str, str]:
    span = (last - first).days
    if span <= 92:
        return "day", DAY
    return ("month", "%Y-%m") if span <= 366 * 8 else ("year", "%Y")


def _days(first: date, last: date) -> Sequence[date]:
    return [first + timedelta(days=i) for i in range((last - first).days + 1)]


def _travelling(reading: Reading, attached: pa.Table) -> tuple[int, Montage, list[Traveller]]:
    """Media that stand in several posts, the most used first: how many, their pictures, and those without."""
    pairs = set(zip(attached["media"].to_pylist(), attached["post"].to_pylist(), strict=True))
    uses = Counter(media for media, _ in pairs)
    ordered = [m for m, k in sorted(uses.items(), key=lambda item: (-item[1], item[0])) if k > 1]
    kinds = dict(zip(attached["media"].to_pylist(), attached["kind"].to_pylist(), strict=True))
    paths = dict(zip(attached["media"].to_pylist(), attached["path"].to_pylist(), strict=True))
    images = [m for m in ordered if kinds[m] == "image"]
    shown = montage(reading, "image", images, TRAVELLERS, [f"in {count(uses[m])} posts" for m in images])
    others = [Traveller(paths[m], uses[m]) for m in ordered if kinds[m] != "image"][:TRAVELLERS]
    return len(ordered), shown, others
