"""Answers of coders, a row each, as the coefficients of agreement take them."""

import math
from collections.abc import Mapping, Sequence
from itertools import combinations
from typing import Any

import numpy as np
import numpy.typing as npt

from studium.coding.agreement import Agreement, Codes, agreement, crossed
from studium.coding.agreement.boxes import NOTHING, matched
from studium.core.variable import Answer, Variable

__all__ = ["LEVEL", "Answers", "between", "codes_of", "confusion", "numbers", "part"]

LEVEL: Mapping[str, str] = {
    "binary": "nominal",
    "categorical": "nominal",
    "ordinal": "ordinal",
    "continuous": "interval",
    "multilabel": "sets",
    "boxes": "nominal",
    "text": "exact",
}
"""Type of a variable -> the level at which its values are compared; boxes are matched first."""
Answers = Sequence[Sequence[Answer]]
"""A row for each coder, of the same units; None where one has no code."""


def between(asked: Variable, table: Answers, seed: int) -> Agreement:
    """How far coders agree about a variable, by all that fits its type."""
    codes, categories, units = codes_of(asked, table)
    return agreement(codes, LEVEL[asked.type], categories, seed, units)


def codes_of(asked: Variable, table: Answers) -> tuple[Codes, Sequence[str] | None, list[int] | None]:
    """Codes of coders, all categories if they are known, and the unit of each code if a unit has several."""
    if asked.type == "boxes":
        rows: Any = table
        codes, units = matched(rows)
        return codes, (*asked.names, NOTHING), units
    if asked.type == "multilabel":
        return [[None if one is None else frozenset(_listed(one)) for one in row] for row in table], None, None
    known = asked.names if asked.type in {"binary", "categorical", "ordinal"} else None
    plain: Any = table
    return plain, known, None


def _listed(answer: Answer) -> list[str]:
    return [str(name) for name in answer] if isinstance(answer, list) else [str(answer)]


def part(table: Answers, name: str, seed: int) -> Agreement:
    """A value of a multilabel variable as a question with the answers yes and no."""
    codes = [[None if one is None else name in _listed(one) for one in row] for row in table]
    return agreement(codes, "nominal", (True, False), seed)


def confusion(asked: Variable, table: Answers) -> tuple[tuple[str, ...], tuple[tuple[int, ...], ...]]:
    """The categories, and how often each was chosen beside each; () of numbers, sets and texts, and of one coder.

    Of two coders rows are the first's and columns the second's; of more, every two are counted, both ways.
    """
    codes, categories, _ = codes_of(asked, table)
    if categories is None or len(codes) < 2:
        return (), ()
    if len(codes) == 2:
        counts = crossed(codes[0], codes[1], categories)
    else:
        each = [crossed(a, b, categories) for a, b in combinations(codes, 2)]
        counts = np.sum([one + one.T for one in each], axis=0)
    return tuple(categories), tuple(tuple(row) for row in counts.tolist())


def numbers(asked: Variable, table: Answers) -> dict[str, npt.NDArray[np.float64]]:
    """Value -> (coders, units) 1 where it was chosen; "" -> numbers, of ordinal values their place from 1."""

    def made(of: Any) -> Any:
        return np.array([[math.nan if one is None else float(of(one)) for one in row] for row in table], np.float64)

    if asked.type == "continuous":
        return {"": made(lambda one: one)}
    if asked.type == "ordinal":
        return {"": made(lambda one: asked.names.index(one) + 1)}
    if asked.type in {"text", "boxes"}:
        return {}
    names = asked.names[:1] if asked.type == "binary" else asked.names
    return {name: made(lambda one, name=name: name in _listed(one)) for name in names}
