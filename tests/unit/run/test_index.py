"""Where a text stands in a column."""

import pyarrow as pa

from studium.run.index import indexed


def test_nothing_is_found_in_nothing() -> None:
    for column in (pa.array([], pa.string()), pa.array([None], pa.string())):
        assert indexed(column).rows(["a", ""]).tolist() == []
        assert indexed(column).rows([]).tolist() == []


def test_every_row_of_a_text_is_found_in_its_order() -> None:
    column = pa.chunked_array([["b", None, "a"], ["b", "bb"]])
    assert indexed(column).rows(["b"]).tolist() == [0, 3]
    assert indexed(column).rows(["bb", "a", "c", "\udc80"]).tolist() == [2, 4]
