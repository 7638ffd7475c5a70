"""Holm's correction, by hand."""

import math

import pytest

from studium.core.multiple import holm
from studium.errors import InputError


def test_by_hand():
    assert holm([]) == []
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([0.9, 0.8]) == [1, 1]
    assert holm([0.02, 0.02]) == [0.04, 0.04]


def test_what_was_not_tested_does_not_count():
    assert holm([None]) == [None]
    assert holm([0.01, None, 0.04]) == [0.02, None, 0.04]
    first, second, third = holm([0.5, math.nan, 0.9])
    assert (first, third) == (1, 1)
    assert math.isnan(second)


@pytest.mark.parametrize("wrong", [1.1, -0.1, math.inf])
def test_what_is_no_p_value(wrong):
    with pytest.raises(InputError, match="p-values should be from 0 to 1"):
        holm([0.5, wrong])
