"""Boxes of several coders, matched to each other, so that what they call them can be compared."""

from collections.abc import Mapping, Sequence
from itertools import combinations
from typing import Any

__all__ = ["NOTHING", "OVERLAP", "matched", "overlap"]

OVERLAP = 0.5
"""Intersection over union from which on two boxes are of the same thing."""
NOTHING = "no box"
"""Code of a coder who saw the unit, and drew no box around what another one did."""
Box = Mapping[str, Any]


def matched(answers: Sequence[Sequence[Sequence[Box] | None]]) -> tuple[list[list[str | None]], list[int]]:
    """What each coder calls each thing that at least one of them drew a box around.

    Boxes of different coders are of the same thing if they overlap by `OVERLAP` or more, whatever they are called;
    those that overlap most are matched first, and a coder has one box of a thing. Of a unit in which nobody found
    anything there is one item, on which all agree.

    Args:
        answers: one sequence for each coder, all of the same units: a list of boxes ``{"value": name, "box": [x0, y0,
            x1, y1]}``, perhaps empty; None where a coder did not code the unit, or could not tell.

    Returns:
        Codes as `studium.coding.agreement.agreement` takes them, and for each item the number of its unit.
    """
    codes: list[list[str | None]] = [[] for _ in answers]
    units: list[int] = []
    for number, unit in enumerate(zip(*answers, strict=True)):
        if all(boxes is None for boxes in unit):
            continue
        things = _things(unit) or [{}]
        for thing in things:
            for coder, boxes in enumerate(unit):
                codes[coder].append(
                    None if boxes is None else str(thing[coder]["value"]) if coder in thing else NOTHING
                )
        units += [number] * len(things)
    return codes, units


def overlap(a: Sequence[float], b: Sequence[float]) -> float:
    """Intersection over union of two boxes (x0, y0, x1, y1), 0 to 1."""
    wide, high = min(a[2], b[2]) - max(a[0], b[0]), min(a[3], b[3]) - max(a[1], b[1])
    both = max(0, wide) * max(0, high)
    return both / ((a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]) - both)


def _things(unit: Sequence[Sequence[Box] | None]) -> list[dict[int, Box]]:
    """Coder -> their box, of each thing."""
    things = [{coder: box} for coder, boxes in enumerate(unit) for box in boxes or ()]
    at = list(range(len(things)))  # each box, and the thing that it belongs to by now
    alone = [next(iter(thing.items())) for thing in things]
    near = [
        (overlap(alone[i][1]["box"], alone[j][1]["box"]), i, j)
        for i, j in combinations(range(len(alone)), 2)
        if alone[i][0] != alone[j][0]
    ]
    for _, i, j in sorted((one for one in near if one[0] >= OVERLAP), key=lambda one: (-one[0], one[1], one[2])):
        mine, other = at[i], at[j]
        if mine != other and not things[mine].keys() & things[other].keys():
            things[mine] |= things[other]
            things[other] = {}
            at = [mine if it == other else it for it in at]
    return [thing for thing in things if thing]
