from collections.abc import Mapping
from dataclasses import dataclass, field

import pytest

from studium.core.parameters import make
from studium.errors import InputError


@dataclass(frozen=True)
class Part:
    count: int
    share: float = 0.5
    name: str = "x"
    deep: bool = False
    most: int | None = None
    values: tuple[str, ...] = ()


def test_right_parameters_make_the_part():
    assert make("part", Part, {"count": 1}) == Part(1)
    assert make("part", Part, {"count": 1, "share": 2}) == Part(1, 2)
    assert make("part", Part, {"count": 1, "values": ["a", "b"], "most": None}) == Part(1, values=("a", "b"))


@pytest.mark.parametrize(
    ("params", "says"),
    [
        ({}, "part needs the parameter count"),
        ({"count": 1, "depth": 2}, "part has no parameter depth; it has: count, share, name, deep, most, values"),
        ({"count": "1"}, "part: count should be int, got str '1'"),
        ({"count": 1.5}, "count should be int, got float 1.5"),
        ({"count": True}, "count should be int, got bool True"),
        ({"count": 1, "share": "half"}, "share should be float, got str 'half'"),
        ({"count": 1, "name": 3}, "name should be str, got int 3"),
        ({"count": 1, "deep": 1}, "deep should be bool, got int 1"),
        ({"count": 1, "most": "all"}, "most should be int or none, got str 'all'"),
    ],
)
def test_wrong_ones_are_refused(params, says):
    with pytest.raises(InputError, match=says):
        make("part", Part, params)


def test_what_is_in_a_mapping_or_a_tuple_is_left_to_the_part():
    @dataclass(frozen=True)
    class Held:
        words: Mapping[str, str] = field(default_factory=dict)
        pair: tuple[float, float] = (0.0, 1.0)

    made = make("held", Held, {"words": {"use": "x"}, "pair": [0.5, 2]})
    assert (made.words, made.pair) == ({"use": "x"}, (0.5, 2))
