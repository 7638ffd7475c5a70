import pytest

from studium.core.pair import pair_of, units_of
from studium.errors import InputError


def test_a_pair_has_one_name_whichever_comes_first():
    assert pair_of("b2", "a1") == pair_of("a1", "b2") == "a1+b2"
    assert units_of("a1+b2") == ("a1", "b2")


@pytest.mark.parametrize("units", [("a", "a"), ("", "a"), ("a", "")])
def test_one_unit_is_no_pair(units):
    with pytest.raises(InputError, match="a pair is of two units"):
        pair_of(*units)


@pytest.mark.parametrize("text", ["", "a", "b+a", "a+a", "+a", "a+", "a+b+c"])
def test_what_is_no_pair_is_refused(text):
    with pytest.raises(InputError, match="expected the id of a pair"):
        units_of(text)
