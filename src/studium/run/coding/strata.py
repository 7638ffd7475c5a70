"""Strata made of a column: its categories, or numbers in parts of about the same size; and how units differ in them."""

import math
from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np

from studium.coding.sample import binned
from studium.errors import InputError
from studium.run.coding.columns import Told

__all__ = ["MISSING", "spread_of", "strata_of"]

MISSING = "(none)"
"""The stratum of units that have no value in the column."""
_FEW = 12  # different whole numbers, up to which they are categories
_GROUPS = frozenset({"cluster", "duplicates", "persons"})  # tables whose numbers are names


def strata_of(column: Told, name: str, bins: int) -> list[str]:
    """The stratum of each unit; those without a value are one of their own.

    Args:
        column: texts, yes and no, clusters; or numbers: measured ones, and whole ones of which there are many, are cut.
        name: of the column.
        bins: parts that numbers are cut into.

    Raises:
        InputError: a column without values, or of lists.
    """
    values = [None if _missing(one) else one for one in column.values]
    known = [one for one in values if one is not None]
    if not known:
        raise InputError(f"no unit of the frame has a value in {name!r}; compute it, or name another")
    if any(isinstance(one, list | bytes) for one in known):
        raise InputError(f"{name!r} holds lists or bytes; strata are made of numbers, texts, or yes and no")
    if _measured(column, known):
        values = list(binned(values, bins))
    return [MISSING if one is None else str(one) for one in values]


def spread_of(column: Told, name: str, strata: Sequence[str]) -> dict[str, float]:
    """How much units differ within each stratum, as a standard deviation.

    Of numbers it is theirs; of categories, and of a model's probabilities of classes, that of one who has the class or
    not, all classes together. A stratum of which fewer than two units are known is taken to be as all of them.

    Raises:
        InputError: a column without values, or of bytes.
    """
    within: dict[str, list[Any]] = {stratum: [] for stratum in strata}
    for stratum, value in zip(strata, column.values, strict=True):
        if not _missing(value):
            within[stratum].append(value)
    known = [value for values in within.values() for value in values]
    if not known or isinstance(known[0], bytes):
        raise InputError(f"{name!r} does not tell how units differ; name a number, a category, or probabilities")
    whole = _deviation(known)
    return {stratum: _deviation(values) if len(values) > 1 else whole for stratum, values in within.items()}


def _measured(column: Told, known: Sequence[Any]) -> bool:
    """Whether its values are amounts, and no names."""
    if all(isinstance(one, float) for one in known):
        return True
    whole = all(isinstance(one, int) and not isinstance(one, bool) for one in known)
    grouped = column.table is not None and column.table.recipe.name in _GROUPS
    return whole and not grouped and len(set(known)) > _FEW


def _deviation(values: Sequence[Any]) -> float:
    if isinstance(values[0], list):
        shares = np.mean(np.asarray(values, np.float64), axis=0)
    elif isinstance(values[0], str | bool):
        shares = np.array(list(Counter(values).values())) / len(values)
    else:
        return float(np.std(np.asarray(values, np.float64), ddof=1)) if len(values) > 1 else 0.0
    return math.sqrt(float((shares * (1 - shares)).sum()))


def _missing(value: object) -> bool:
    return value is None or value == "" or (isinstance(value, float) and math.isnan(value))
