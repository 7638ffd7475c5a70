"""What a draw gives, and the ways to draw that all others are made of."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from studium.errors import InputError

__all__ = ["Drawn", "Floats", "Ints", "Stratum", "between", "purposive", "simple", "systematic"]

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Stratum:
    """A part of the frame: how many units it has, and how many of them were drawn."""

    units: int
    drawn: int


@dataclass(frozen=True, eq=False)
class Drawn:
    """A sample.

    Attributes:
        rows: (m,) numbers of the units, sorted.
        chance: (m,) the probability with which each was drawn, above 0 and at most 1.
        frame: how many units it was drawn from.
        seed: of the draw.
        stratum: (m,) names of the strata that they were drawn in; empty if there are none.
        strata: every stratum of the frame, by name; of whole clusters that were drawn, the clusters.
    """

    rows: Ints
    chance: Floats
    frame: int
    seed: int
    stratum: tuple[str, ...] = ()
    strata: Mapping[str, Stratum] = field(default_factory=dict)

    @property
    def weights(self) -> Floats:
        """(m,) 1 / chance: how many units of the frame each stands for."""
        return np.asarray(1 / self.chance)


def simple(n_frame: int, n: int, seed: int = 0) -> Drawn:
    """Draw n of ``n_frame`` units, any n of them with the same probability.

    Raises:
        InputError: more units than there are, or none.
    """
    between(n, n_frame)
    rows = np.sort(np.random.default_rng(seed).permutation(n_frame)[:n])
    return Drawn(rows, np.full(n, n / n_frame), n_frame, seed)


def purposive(rows: Sequence[int]) -> Drawn:
    """Units that somebody chose: each stands for itself, and nothing can be said of any others.

    Raises:
        InputError: none, or one of them twice.
    """
    chosen = np.unique(np.asarray(rows, np.int64))
    if not len(rows) or len(chosen) < len(rows):
        raise InputError(f"expected the units that were chosen, each once, got {len(rows)} of {len(chosen)} units")
    return Drawn(chosen, np.ones(len(chosen)), len(chosen), 0)


def systematic(chance: Floats, start: float) -> Ints:
    """Which are taken, if their probabilities are laid end to end, and one step is 1 (Madow 1949)."""
    ends = np.cumsum(chance)
    passed = np.floor(ends - start + 1e-9)
    return np.flatnonzero(np.diff(passed, prepend=np.floor(-start + 1e-9)) > 0)


def between(n: int, most: int, what: str = "units") -> None:
    """Refuse a number that cannot be drawn."""
    if not 1 <= n <= most:
        raise InputError(f"expected from 1 to {most} {what} to draw, got {n}; draw fewer, or from more")
