"""The contract that every measure keeps, and numbers one can work out by hand."""

import numpy as np
import pytest
from graphic import Graphic

from studium.errors import InputError
from studium.testing import check_measure


def test_keeps_the_contract():
    """Types, ranges, the empty batch, and the same values every time."""
    check_measure(Graphic())


def test_an_impossible_jump_is_refused():
    """An error before the run, not a column of zeros after it."""
    with pytest.raises(InputError, match="from 1 to 765"):
        Graphic(jump=0)


def test_a_black_square_on_white():
    """Of 16 pixels 12 are white, and 7 have another colour to their right or below them."""
    picture = np.full((4, 4, 3), 255, np.uint8)
    picture[1:3, 1:3] = 0
    found = Graphic()([picture])
    assert found["prevalent_colour"] == pytest.approx([12 / 16])
    assert found["colour_jumps"] == pytest.approx([7 / 16])
