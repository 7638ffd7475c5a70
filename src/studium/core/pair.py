"""Pairs of units, for questions about two of them: "the same content?"."""

from studium.errors import InputError

__all__ = ["pair_of", "units_of"]

_BETWEEN = "+"


def pair_of(one: str, other: str) -> str:
    """The id of a pair, whichever of its units is named first.

    >>> pair_of("b2", "a1")
    'a1+b2'

    Raises:
        InputError: it is one unit, twice.
    """
    if one == other or not one or not other:
        raise InputError(f"a pair is of two units, got {one!r} and {other!r}")
    return _BETWEEN.join(sorted((one, other)))


def units_of(pair: str) -> tuple[str, str]:
    """The ids of its two units, sorted.

    Raises:
        InputError: it is no id of a pair.
    """
    units = pair.split(_BETWEEN)
    if len(units) != 2 or not units[0] < units[1] or not units[0]:
        raise InputError(f"expected the id of a pair, two ids of units in their order with a + between, got {pair!r}")
    return units[0], units[1]
