"""Where coders disagree: whether two answers to a question are the same, by its type."""

from collections.abc import Collection, Mapping
from itertools import combinations
from typing import Any

from studium.core.variable import Answer, Variable
from studium.errors import InputError

__all__ = ["OVERLAP", "differ", "iou", "same"]

OVERLAP = 0.5
"""Intersection over union from which two boxes show the same thing."""


def differ(variable: Variable, codes: Mapping[str, Answer], tolerance: float = 0.0, overlap: float = OVERLAP) -> bool:
    """Whether any two coders gave answers that are not the `same`.

    Args:
        variable: its definition.
        codes: coder -> answer, as `Variable.validate` returns it.
        tolerance: by how much numbers may differ.
        overlap: see `OVERLAP`.
    """
    if tolerance < 0 or not 0 < overlap <= 1:
        raise InputError(
            f"expected a tolerance of at least 0 and an overlap above 0 and at most 1, got {tolerance} and {overlap}"
        )
    return any(not same(variable, *two, tolerance, overlap) for two in combinations(codes.values(), 2))


def same(variable: Variable, one: Answer, other: Answer, tolerance: float = 0.0, overlap: float = OVERLAP) -> bool:
    """Whether two answers say the same.

    Several values are compared as sets; boxes one to one, each with one of the same name that it overlaps enough.
    "Cannot tell" is the same as nothing else.
    """
    if one is None or other is None:
        return one is other
    values: tuple[Any, Any] = (one, other)
    if variable.type == "multilabel":
        return {*values[0]} == {*values[1]}
    if variable.type == "continuous":
        return bool(abs(values[0] - values[1]) <= tolerance)
    if variable.type == "boxes":
        return _matched(*values, overlap)
    return one == other


def iou(one: Collection[float], other: Collection[float]) -> float:
    """Intersection over union of two boxes (x0, y0, x1, y1), 0 to 1."""
    a, b = (*one,), (*other,)
    wide, high = min(a[2], b[2]) - max(a[0], b[0]), min(a[3], b[3]) - max(a[1], b[1])
    common = max(wide, 0) * max(high, 0)
    both = (a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]) - common
    return common / both if both > 0 else 0.0


def _matched(ones: list[dict[str, Any]], others: list[dict[str, Any]], overlap: float) -> bool:
    """Whether all boxes can be matched one to one (augmenting paths)."""
    fits = [
        [at for at, b in enumerate(others) if a["value"] == b["value"] and iou(a["box"], b["box"]) >= overlap]
        for a in ones
    ]
    taken: dict[int, int] = {}

    def placed(row: int, seen: set[int]) -> bool:
        for at in fits[row]:
            if at not in seen:
                seen.add(at)
                if at not in taken or placed(taken[at], seen):
                    taken[at] = row
                    return True
        return False

    return len(ones) == len(others) and all(placed(row, set()) for row in range(len(ones)))
