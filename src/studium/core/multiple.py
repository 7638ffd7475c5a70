"""Several tests made together."""

import math
from collections.abc import Sequence
from typing import TypeVar

from studium.errors import InputError

__all__ = ["holm"]

P = TypeVar("P", float, float | None)


def holm(p: Sequence[P]) -> list[P]:
    """Holm's adjusted p-values of several tests, in their order: below .05 is one wrong rejection in 20 families.

    None or NaN, a test that could not be made, stays so and does not count.

    >>> holm([0.01, 0.04, None, 0.03])
    [0.03, 0.06, None, 0.06]

    Raises:
        InputError: a p-value that is none.

    References:
        Holm (1979), https://www.jstor.org/stable/4615733.
    """
    made = sorted((value, at) for at, value in enumerate(p) if value is not None and not math.isnan(value))
    if not all(0 <= value <= 1 for value, _ in made):
        raise InputError(f"p-values should be from 0 to 1, or None or NaN of no test; got {list(p)}")
    adjusted, highest = list(p), 0.0
    for rank, (value, at) in enumerate(made):
        highest = max(highest, min(1.0, value * (len(made) - rank)))
        adjusted[at] = highest
    return adjusted
