"""Units that samples of a study drew already."""

import numpy as np

from studium.core.records import Records

__all__ = ["HOLDOUT", "held_out", "seed_of", "taken"]

HOLDOUT = "holdout"
"""The design of samples whose units no other sample draws."""


def taken(records: Records, of: str, design: str = "") -> set[str]:
    """The units of a kind that the samples of a study drew; those of pairs do not count.

    Args:
        records: of the study.
        of: kind of the units.
        design: only by samples of this design.
    """
    found = [one for one in records.samples.all() if one.of == of and not one.pairs]
    named = [one.name for one in found if not design or one.design.get("design") == design]
    return {one.unit for name in named for one in records.samples.get(name).units}


def held_out(records: Records, of: str) -> set[str]:
    """The units that are kept for judging models."""
    return taken(records, of, HOLDOUT)


def seed_of(seed: int, gone: int) -> int:
    """The seed of a draw from what others left: another one for each number of units that are gone.

    The same random numbers again would not draw at random from the rest: they made the rest.

    >>> seed_of(7, 0), seed_of(7, 50) != seed_of(7, 51)
    (7, True)
    """
    return int(np.random.default_rng([seed, gone]).integers(2**63)) if gone else seed
