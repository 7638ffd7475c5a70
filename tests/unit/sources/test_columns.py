"""Types of columns: decided over all rows, and never at the price of a digit."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from studium.core.protocols import Note
from studium.errors import SourceError
from studium.sources.columns import ColumnType, Scalar, exact_float, flatten


def read(*values: Scalar, typed: bool = False) -> list[Scalar]:
    column = ColumnType("likes", typed)
    for value in values:
        column.see(value)
    return [column.read(value) for value in values]


@pytest.mark.parametrize(
    ("cells", "values"),
    [
        ([], []),
        (["", ""], [None, None]),
        (["1", "-2", ""], [1, -2, None]),
        (["1", "2.5", "1e3"], [1.0, 2.5, 1000.0]),
        (["true", "FALSE", ""], [True, False, None]),
        (["1", "true"], ["1", "true"]),
        (["007", "8"], ["007", "8"]),
        (["+49123", "5"], ["+49123", "5"]),
        (["0.10", "00.5"], ["0.10", "00.5"]),
        (["9223372036854775807"], [2**63 - 1]),
        (["9223372036854775808"], ["9223372036854775808"]),
        (["9007199254740993", "0.5"], ["9007199254740993", "0.5"]),
        (["0.1000000000000000055511151231257827"], ["0.1000000000000000055511151231257827"]),
        (["1e400"], ["1e400"]),
        (["3,14"], ["3,14"]),
        (["NA", "5"], [None, 5]),
        (["NA", "DE"], ["NA", "DE"]),
        (["NA", "NA"], ["NA", "NA"]),
        (["٣"], ["٣"]),
    ],
)
def test_cells_of_a_csv_column(cells: list[str], values: list[Scalar]) -> None:
    got = read(*cells)
    assert got == values
    assert list(map(type, got)) == list(map(type, values))


def test_typed_columns_keep_their_types_unless_they_mix() -> None:
    assert read("1", "2", typed=True) == ["1", "2"]
    assert read(1, 2.5, None, typed=True) == [1.0, 2.5, None]
    assert read(2**53 + 1, 2.5, typed=True) == ["9007199254740993", "2.5"]
    assert read(1, "a", True, typed=True) == ["1", "a", "true"]


def test_what_was_done_is_noted() -> None:
    column = ColumnType("likes", typed=False)
    for cell in ("NA", "5", "NA"):
        column.see(cell)
    assert list(column.notes()) == [Note("column likes: read as missing", "'NA' (2)")]


@given(st.lists(st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text()))
def test_numbers_and_texts_come_back_as_they_were(values: list[Scalar]) -> None:
    cells = [str(value) for value in values]
    for cell, got in zip(cells, read(*cells), strict=True):
        if isinstance(got, float) and not isinstance(got, bool):
            assert exact_float(cell) == got
        elif got is None:
            assert cell in {"", "NA", "N/A", "NaN", "nan", "NULL", "null", "None"}
        elif isinstance(got, bool):
            assert cell.lower() == str(got).lower()
        else:
            assert str(got) == cell


def test_nested_objects_get_dotted_names() -> None:
    record = {"user": {"name": "a", "n": 2**70}, "tags": ["x", 1], "nan": float("nan"), "none": None, "gone": {}}
    assert flatten(record) == {"user.name": "a", "user.n": str(2**70), "tags": '["x", 1]', "nan": None, "none": None}
    assert json.loads(str(flatten(record)["tags"])) == ["x", 1]
    with pytest.raises(SourceError, match=r"'a\.b'"):
        flatten({"a.b": 1, "a": {"b": 2}})
