"""Many figures on the same draws of a bootstrap, so that their differences and ratios are those of paired draws."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from studium.learn.evaluate.checks import Floats, Ints
from studium.learn.evaluate.intervals import UNDEFINED, Bootstrap, Interval
from studium.learn.evaluate.judges import Judge

__all__ = ["Drawn", "defined", "drawn", "spread"]

_CELLS = 2**20  # weights that are held at once


@dataclass(frozen=True, eq=False)
class Drawn:
    """Figures of the units, and of every draw of their groups.

    Attributes:
        values: (m,) figures of the units; NaN where one is not defined.
        draws: (draws, m) likewise; no rows if there are fewer groups than a bootstrap needs.
        groups: how many groups the units are of.
    """

    values: Floats
    draws: Floats
    groups: int

    def interval(self, at: int) -> Interval:
        """One figure with its interval."""
        return spread(float(self.values[at]), self.draws[:, at], self.groups)

    def change(self, first: int, second: int) -> Interval:
        """The second figure less the first."""
        value = float(self.values[second] - self.values[first])
        return spread(value, self.draws[:, second] - self.draws[:, first], self.groups)

    def relative(self, first: int, second: int) -> Interval:
        """The second figure less the first, as a share of the first; not defined where that is 0 or below."""
        value, draws = (
            np.where(of[..., first] > 0, of[..., second] / np.where(of[..., first] > 0, of[..., first], 1) - 1, np.nan)
            for of in (self.values, self.draws)
        )
        return spread(float(value), draws, self.groups)

    def p(self, first: int, second: int) -> float | None:
        """Two-sided, of no difference, as `studium.learn.evaluate.paired.Difference.p`; None without an interval."""
        if self.change(first, second).low is None:
            return None
        changes = self.draws[:, second] - self.draws[:, first]
        changes = changes[~np.isnan(changes)]
        fewer = min(int((changes <= 0).sum()), int((changes >= 0).sum()))
        return min(1.0, 2 * (fewer + 1) / (len(changes) + 1))


def drawn(judges: Sequence[Judge], weights: Floats, group: Ints, bootstrap: Bootstrap | None = None) -> Drawn:
    """Figures of the units and of all draws.

    Args:
        judges: m figures.
        weights: (n,) 0 or more.
        group: (n,) number of the group of each unit.
        bootstrap: its draws, seed and fewest groups; None for 1000 draws.
    """
    held: list[Floats] = []
    blocks: list[Floats] = []

    def settle() -> None:
        if held:
            table = np.stack(held)
            blocks.append(np.stack([judge(table) for judge in judges], axis=1))
            held.clear()

    def look(of: Floats) -> float:
        held.append(of)
        if len(held) * len(of) >= _CELLS:
            settle()
        return 0.0

    (bootstrap or Bootstrap()).of(look, weights, group)
    settle()
    found = np.concatenate(blocks)
    return Drawn(found[0], found[1:], len(np.unique(group[weights > 0])))


def defined(value: float) -> float | None:
    """None for NaN."""
    return None if np.isnan(value) else float(value)


def spread(value: float, draws: npt.NDArray[np.float64], groups: int) -> Interval:
    """A figure and the middle 95 % of its draws, if these tell anything; as `Bootstrap.interval`."""
    if np.isnan(value):
        return Interval(None, None, None, groups, "", "not defined, as these units lack values that it compares")
    if not len(draws):
        return Interval(value, None, None, groups, "", f"{groups} groups are too few for a bootstrap")
    defined = draws[~np.isnan(draws)]
    missing = 1 - len(defined) / len(draws)
    if missing > UNDEFINED:
        why = f"{missing:.0%} of the draws leave it undefined: too few groups have the values that it compares"
        return Interval(value, None, None, groups, "", why, missing)
    low, high = np.quantile(defined, [0.025, 0.975]).tolist()
    if low == high:
        why = "every draw gives the same figure, so that a bootstrap cannot tell how sure it is"
        return Interval(value, None, None, groups, "", why, missing)
    return Interval(value, low, high, groups, "bootstrap", "", missing)
