"""Units that are read once, and found by their ids."""

from pathlib import Path

from studium.core.store import Store
from studium.core.unit import Unit
from studium.run import held

IDS = [letter * 64 for letter in "b0a"]


def test_no_units(tmp_path: Path) -> None:
    assert held.units(Store(tmp_path), "post").num_rows == 0
    assert held.rows(Store(tmp_path), "post", IDS) == [None] * 3
    assert held.rows(Store(tmp_path), "post", []) == []


def test_places_are_those_of_the_table_as_it_is_now(tmp_path: Path) -> None:
    store = Store(tmp_path)
    store.add_units(Unit(one, "post") for one in IDS[:2])
    assert held.rows(store, "post", [IDS[1], IDS[2], IDS[0]]) == [1, None, 0]
    assert held.units(store, "post") is held.units(Store(tmp_path), "post")  # not read again
    store.add_units([Unit(IDS[2], "post")])
    assert held.rows(store, "post", IDS) == [0, 1, 2]
    assert held.units(store, "post")["id"].to_pylist() == IDS


def test_what_is_no_id_is_not_there(tmp_path: Path) -> None:
    store = Store(tmp_path)
    store.add_units(Unit(one, "post") for one in IDS)
    hostile = ["", "a", "a" * 63, "a" * 65, "a" * 64 + "\0", "\0", "é" * 64, "\ud800", "c" * 64]
    assert held.rows(store, "post", hostile) == [None] * len(hostile)
    assert held.rows(store, "post", [hostile[4], IDS[2]]) == [None, 2]
