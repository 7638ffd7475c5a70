"""Dates as people and platforms write them -> ISO 8601, decided over a whole column, never guessed."""

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta

from studium.core.protocols import Note

__all__ = ["DateColumn", "to_iso"]

_MONTHS = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split()
_MONTH = f"({'|'.join(_MONTHS)})"
_CLOCK = r"(\d{1,2}:\d\d(?::\d\d)?)(?: ?([AaPp][Mm]))?"
_REDUCED = re.compile(r"\d{4}(-(0[1-9]|1[0-2]))?", re.ASCII)
_EPOCH = re.compile(r"(\d{9,10}(?:\.\d{1,6})?|\d{13}|\d{16})(?:\.0+)?", re.ASCII)
_TEN_DIGITS = re.compile(r"(\d{4})(\d\d)(\d\d)(\d\d)(?:\.0+)?", re.ASCII)
_YEARS = range(1900, 2101)  # as the year of YYYYMMDDHH; as seconds since 1970 these begin in 2030
_STAMP = re.compile(r"(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)", re.ASCII)
_TWITTER = re.compile(rf"[A-Z][a-z]{{2}} {_MONTH} +(\d{{1,2}}) (\d\d:\d\d:\d\d) ([+-]\d{{4}}) (\d{{4}})", re.ASCII)
_ZONED = r"(\d\d:\d\d(?::\d\d)?) ([+-]\d{4}|GMT|UTC)"
_RFC_2822 = re.compile(rf"(?:[A-Z][a-z]{{2}}, )?(\d{{1,2}}) {_MONTH} (\d{{4}}) {_ZONED}", re.ASCII)
_YEAR_FIRST = re.compile(rf"(\d{{4}})[/.](\d{{1,2}})[/.](\d{{1,2}})(?:[ T,]+{_CLOCK})?", re.ASCII)
_YEAR_LAST = re.compile(rf"(\d{{1,2}})([/.-])(\d{{1,2}})\2(\d{{4}})(?:[ T,]+{_CLOCK})?", re.ASCII)
_FRACTION = re.compile(r"(:\d\d)[.,](\d+)", re.ASCII)
_ZONE = re.compile(r" ?(UTC|GMT|Z)$| (?=[+-]\d\d:?\d\d$)", re.ASCII)


@dataclass
class DateColumn:
    """Reads the dates of one column. `see` every value first, then `read` them.

    ``03/04/2020`` is read only if other dates of the column show which number is the day. Numbers of ten digits are
    seconds since 1970, unless half of the column's or more could as well be hours (``2024050110``): then none is read.
    """

    first: int = 0
    second: int = 0
    seen: int = 0
    ten_digits: int = 0
    hours: int = 0
    odd: Counter[str] = field(default_factory=Counter)

    def see(self, text: str) -> None:
        """Take note of one value."""
        if match := _YEAR_LAST.fullmatch(text):
            self.seen += 1
            self.first, self.second = max(self.first, int(match[1])), max(self.second, int(match[3]))
        if match := _TEN_DIGITS.fullmatch(text):
            self.ten_digits += 1
            self.hours += _is_hour(*map(int, match.groups()))

    @property
    def day_first(self) -> bool | None:
        """Whether the day stands before the month; None if nothing tells, or if the column contradicts itself."""
        if (self.first > 12) == (self.second > 12):
            return None
        return self.first > 12

    @property
    def in_seconds(self) -> bool:
        """Whether numbers of ten digits are seconds since 1970; False if they may be hours, as YYYYMMDDHH."""
        return not self.hours or 2 * self.hours < self.ten_digits

    def read(self, text: str) -> str:
        """The date as ISO 8601, in UTC if its offset is known; as it was written if it is not understood."""
        if not self.in_seconds and _TEN_DIGITS.fullmatch(text):
            return text
        iso = to_iso(text, day_first=self.day_first)
        if iso is None and not (self.day_first is None and _YEAR_LAST.fullmatch(text)):
            self.odd[text] += 1
        return iso or text

    def notes(self) -> Iterator[Note]:
        """What a reader should know about the dates, once all of them are read."""
        if self.seen and self.day_first is None:
            value = f"{self.seen} kept as written; write them as YYYY-MM-DD"
            yield Note("dates: day/month or month/day cannot be told", value)
        elif self.seen:
            yield Note("dates read as", "day/month/year" if self.day_first else "month/day/year")
        if not self.in_seconds:
            value = f"{self.ten_digits} kept as written; write them as YYYY-MM-DDTHH:MM"
            yield Note("dates: seconds since 1970 or YYYYMMDDHH cannot be told", value)
        if self.odd:
            value = f"{self.odd.total()} kept as written, such as {next(iter(self.odd))!r}"
            yield Note("dates not understood", value)


def to_iso(text: str, *, day_first: bool | None = None) -> str | None:
    """One date as ISO 8601.

    Args:
        text: ISO 8601 (a year or month alone too), seconds, milliseconds or microseconds since 1970, RFC 2822, the form
            of Twitter's API, or numbers with a year of four digits.
        day_first: what ``03/04/2020`` means; None if it is unknown.

    Returns:
        A date, a time without offset as it was, or a time in UTC ("2018-10-10T20:19:24+00:00"); fractions of a second
        as they were written. None if it is not understood.
    """
    if _REDUCED.fullmatch(text):
        return text
    if match := _EPOCH.fullmatch(text):
        return _since_1970(match[1])
    try:
        return _from_iso(_rewrite(text, day_first))
    except (ValueError, OverflowError):
        return None


def _is_hour(year: int, month: int, day: int, hour: int) -> bool:
    """Whether YYYYMMDDHH names an hour, 24 included."""
    try:
        return date(year, month, day).year in _YEARS and hour <= 24
    except ValueError:
        return False


def _since_1970(digits: str) -> str:
    whole, _, fraction = digits.partition(".")
    scale = {13: 10**3, 16: 10**6}.get(len(whole), 1)
    seconds, rest = divmod(int(whole), scale)
    micro = rest * (10**6 // scale) + int(fraction.ljust(6, "0") if fraction else 0)
    return (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=seconds, microseconds=micro)).isoformat()


def _rewrite(text: str, day_first: bool | None) -> str:
    """Any form that is understood, written in the order of ISO 8601."""
    if match := _TWITTER.fullmatch(text):
        month, day, clock, zone, year = match.groups()
        return f"{_day(year, _MONTHS.index(month) + 1, day)}T{clock}{zone}"
    if match := _RFC_2822.fullmatch(text):
        day, month, year, clock, zone = match.groups()
        return f"{_day(year, _MONTHS.index(month) + 1, day)}T{clock}{zone.replace('GMT', 'Z').replace('UTC', 'Z')}"
    if match := _STAMP.fullmatch(text):
        return "{}-{}-{}T{}:{}:{}".format(*match.groups())
    if match := _YEAR_FIRST.fullmatch(text):
        year, month, day, clock, half = match.groups()
        return _day(year, month, day) + _time(clock, half)
    if (match := _YEAR_LAST.fullmatch(text)) and day_first is not None:
        one, _, two, year, clock, half = match.groups()
        return (_day(year, two, one) if day_first else _day(year, one, two)) + _time(clock, half)
    return text


def _day(year: str, month: str | int, day: str) -> str:
    return f"{year}-{int(month):02}-{int(day):02}"


def _time(clock: str | None, half: str | None) -> str:
    if clock is None:
        return ""
    hour, _, rest = clock.partition(":")
    if half and not 1 <= int(hour) <= 12:
        raise ValueError(f"{clock} {half} is no time")
    return f"T{int(hour) % 12 + 12 * (half.lower() == 'pm') if half else int(hour):02}:{rest}"


def _from_iso(text: str) -> str:
    if re.fullmatch(r"[\dW-]{8,10}", text):
        return date.fromisoformat(text).isoformat()
    fraction = _FRACTION.search(text)
    plain = _FRACTION.sub(r"\1", text, count=1)
    moment = datetime.fromisoformat(_ZONE.sub(lambda match: "+00:00" if match[1] else "", plain))
    shown = (moment.astimezone(UTC) if moment.tzinfo else moment).isoformat()
    if fraction and fraction[2].strip("0"):  # digits beyond microseconds are kept: offsets never touch them
        shown = f"{shown[:19]}.{fraction[2]}{shown[19:]}"
    return shown
