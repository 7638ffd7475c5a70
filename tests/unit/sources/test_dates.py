"""Dates: known answers, and a refusal where nobody can know."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from studium.core.protocols import Note
from studium.sources.dates import DateColumn, to_iso


@pytest.mark.parametrize(
    ("text", "iso"),
    [
        ("2018", "2018"),
        ("2018-10", "2018-10"),
        ("2018-10-10", "2018-10-10"),
        ("20181010", "2018-10-10"),
        ("2018/10/9", "2018-10-09"),
        ("2018-10-10T20:19:24Z", "2018-10-10T20:19:24+00:00"),
        ("2018-10-10 20:19:24 UTC", "2018-10-10T20:19:24+00:00"),
        ("2018-10-10 22:19:24 +0200", "2018-10-10T20:19:24+00:00"),
        ("2018-10-10T22:19:24.123456789+02:00", "2018-10-10T20:19:24.123456789+00:00"),
        ("2018-10-10 20:19:24", "2018-10-10T20:19:24"),
        ("2018-10-10 20:19:24.000", "2018-10-10T20:19:24"),
        ("20181010201924", "2018-10-10T20:19:24"),
        ("1539202764", "2018-10-10T20:19:24+00:00"),
        ("1539202764.0", "2018-10-10T20:19:24+00:00"),
        ("1539202764.25", "2018-10-10T20:19:24.250000+00:00"),
        ("1539202764123", "2018-10-10T20:19:24.123000+00:00"),
        ("1539202764123456", "2018-10-10T20:19:24.123456+00:00"),
        ("Wed Oct 10 20:19:24 +0000 2018", "2018-10-10T20:19:24+00:00"),
        ("Wed, 10 Oct 2018 22:19:24 +0200", "2018-10-10T20:19:24+00:00"),
        ("10 Oct 2018 20:19 GMT", "2018-10-10T20:19:00+00:00"),
    ],
)
def test_forms_that_platforms_use(text: str, iso: str) -> None:
    assert to_iso(text) == iso


@pytest.mark.parametrize(
    "text", ["", "yesterday", "03/04/2020", "10/10/18", "2020-02-30", "45000.5", "3 h", "0001-01-01T00:00:00+23:59"]
)
def test_what_cannot_be_known_is_not_guessed(text: str) -> None:
    assert to_iso(text) is None


def read(*texts: str) -> tuple[list[str], list[Note]]:
    column = DateColumn()
    for text in texts:
        column.see(text)
    return [column.read(text) for text in texts], list(column.notes())


def test_an_empty_column_says_nothing() -> None:
    assert read() == ([], [])


def test_one_day_over_twelve_decides_the_column() -> None:
    dates, notes = read("03/04/2020", "31/12/2020 5:04 PM", "1.2.2020")
    assert dates == ["2020-04-03", "2020-12-31T17:04:00", "2020-02-01"]
    assert notes == [Note("dates read as", "day/month/year")]
    assert read("03/04/2020", "12/31/2020 12:04 AM")[0] == ["2020-03-04", "2020-12-31T00:04:00"]


@pytest.mark.parametrize("texts", [("03/04/2020", "05/06/2020"), ("31/12/2020", "12/31/2020")])
def test_an_ambiguous_or_contradictory_column_stays_as_written(texts: tuple[str, ...]) -> None:
    dates, notes = read(*texts)
    assert dates == list(texts)
    assert [note.about for note in notes] == ["dates: day/month or month/day cannot be told"]


@pytest.mark.parametrize(
    "texts",
    [
        ("2024050110",),
        ("2024050110.0", "2024123124"),
        ("2024050110", "2024053210"),  # one slip of the pen does not make the others seconds
        ("2024050110", "1539202764"),
    ],
)
def test_ten_digits_that_may_be_hours_stay_as_written(texts: tuple[str, ...]) -> None:
    dates, notes = read(*texts)
    assert dates == list(texts)
    value = f"{len(texts)} kept as written; write them as YYYY-MM-DDTHH:MM"
    assert notes == [Note("dates: seconds since 1970 or YYYYMMDDHH cannot be told", value)]


def test_a_column_of_seconds_is_read_even_if_one_looks_like_an_hour() -> None:
    dates, notes = read("1950000000", "1950000001", "1951123110", "")
    assert dates[:3] == ["2031-10-17T10:40:00+00:00", "2031-10-17T10:40:01+00:00", "2031-10-30T10:38:30+00:00"]
    assert not any("YYYYMMDDHH" in note.about for note in notes)
    assert read("1712011200")[0] == ["2024-04-01T22:40:00+00:00"], "no post was sent in 1712"


def test_what_no_hour_can_be_is_read_beside_hours() -> None:
    dates, _ = read("2024050110", "2024-05-01T10:00:00Z", "1539202764123", "20240501")
    assert dates == ["2024050110", "2024-05-01T10:00:00+00:00", "2018-10-10T20:19:24.123000+00:00", "2024-05-01"]


def test_impossible_dates_stay_and_are_counted() -> None:
    dates, notes = read("31/12/2020", "31/02/2020", "soon")
    assert dates == ["2020-12-31", "31/02/2020", "soon"]
    assert notes[1] == Note("dates not understood", "2 kept as written, such as '31/02/2020'")


@given(st.datetimes(datetime(2002, 1, 1), datetime(2200, 1, 1), timezones=st.timezones()))
def test_any_moment_survives_as_iso_and_as_epoch(moment: datetime) -> None:
    iso = to_iso(moment.isoformat())
    assert iso is not None
    assert datetime.fromisoformat(iso) == datetime.fromisoformat(moment.isoformat())
    seconds = int(moment.timestamp())
    assert to_iso(str(seconds)) == datetime.fromtimestamp(seconds, UTC).isoformat()
