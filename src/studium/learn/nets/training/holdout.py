"""A validation part for those who have none: one of five parts, groups whole, classes in like shares."""

from collections import Counter

import numpy as np

from studium.errors import InputError
from studium.learn.folds.deal import deal, hashed
from studium.learn.models.head import CONTINUOUS, MULTILABEL
from studium.learn.models.training import Training, Whole

__all__ = ["PARTS", "held_out"]

PARTS = 5
"""Into how many equal parts the groups are dealt."""


def held_out(given: Training, seed: int) -> tuple[Whole, Whole]:
    """Rows to train on, and to watch.

    Args:
        given: all examples.
        seed: of the draw.

    Raises:
        InputError: too few groups, or none of five parts can be left out without leaving a class out of the rest.
    """
    names = [str(group) for group in given.groups.tolist()]
    hands: dict[str, Counter[str]] = {}
    for name, strata in zip(names, _strata(given), strict=True):
        hands.setdefault(name, Counter()).update(strata)
    parts = min(PARTS, len(hands))
    dealt = deal(hands, parts, f"{seed} validation")
    of = np.array([dealt[name] for name in names])
    for part in sorted(range(parts), key=lambda at: hashed(f"{seed} validation", str(at))):
        if parts > 1 and (of == part).any() and _whole(given, of != part):
            return np.flatnonzero(of != part), np.flatnonzero(of == part)
    raise InputError(
        f"{given.head.variable}: a fifth of the groups (files, posts, accounts) is held out to stop by, and the others "
        f"must have every class; {len(hands)} groups cannot be dealt so. Code more groups of the rare classes, or call "
        "train with a validation part of your own"
    )


def _strata(given: Training) -> list[list[str]]:
    """What is to be spread evenly: of each unit its class, its classes, or the fifth its value is in."""
    if given.head.task == MULTILABEL:
        return [[str(at) for at in np.flatnonzero(row)] or ["none"] for row in given.truth]
    if given.head.task == CONTINUOUS:
        cuts = np.quantile(given.truth, np.arange(1, PARTS) / PARTS)
        return [[str(at)] for at in np.searchsorted(cuts, given.truth)]
    return [[str(at)] for at in given.truth.tolist()]


def _whole(given: Training, rows: np.ndarray[tuple[int], np.dtype[np.bool_]]) -> bool:
    """Whether these rows alone can be learned from."""
    if given.head.task == CONTINUOUS:
        return bool(np.ptp(given.truth[rows]) > 0)
    held = given.soft[rows]
    both = given.head.task != MULTILABEL or not held.all(axis=0).any()
    return bool(held.any(axis=0).all() and both)
