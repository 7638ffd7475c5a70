"""Two models on the same units: is one better, or was it chance?"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from studium.errors import InputError, MissingExtraError
from studium.learn.evaluate.checks import Floats, labels, numbered, weights_of
from studium.learn.evaluate.intervals import Bootstrap, Interval, Names
from studium.learn.evaluate.metrics import Metric

__all__ = ["Difference", "McNemar", "difference", "discordant", "mcnemar"]


@dataclass(frozen=True)
class McNemar:
    """McNemar's tests of whether two models are right equally often.

    Attributes:
        first: units that only the first model has right.
        second: units that only the second has right.
        chi2: with one degree of freedom; None if there are no such units, as the other two of its kind.
        p: of chi2.
        chi2_corrected: for continuity.
        p_corrected: of chi2_corrected.
        p_exact: binomial, two-sided; 1 if there are no such units. It never rejects too often, and seldom enough.
        p_mid: mid-p of the exact one: close to its level, and the one to report; 1 if there are no such units.
    """

    first: int
    second: int
    chi2: float | None
    p: float | None
    chi2_corrected: float | None
    p_corrected: float | None
    p_exact: float
    p_mid: float


@dataclass(frozen=True)
class Difference:
    """How much better the second model is than the first.

    Attributes:
        first: the figure of the first model; None where it is not defined.
        second: that of the second.
        change: second - first with its interval.
        p: two-sided, of no difference, by the share of draws on the other side of 0; None where there is no interval.
            At least 2 / (draws + 1): take more draws before correcting it for many comparisons.
    """

    first: float | None
    second: float | None
    change: Interval
    p: float | None

    @property
    def shown(self) -> bool:
        """Whether these units show any difference: the interval does not hold 0."""
        return (
            self.change.low is not None
            and self.change.high is not None
            and not self.change.low <= 0 <= self.change.high
        )


def discordant(true: ArrayLike, first: ArrayLike, second: ArrayLike) -> tuple[int, int]:
    """Units that only the first, and that only the second model has right; hand them to `mcnemar`."""
    given = labels(true, "true")
    one, two = (labels(of, name, len(given)) == given for of, name in ((first, "first"), (second, "second")))
    return int((one & ~two).sum()), int((two & ~one).sum())


def mcnemar(first: int, second: int) -> McNemar:
    """Test whether two models are right equally often, on units that are independent of each other.

    Frames of one video, posts of one account are not, and units drawn unevenly do not count alike: take `difference`.

    >>> found = mcnemar(121, 59)
    >>> round(found.chi2, 4), round(found.chi2_corrected, 4)
    (21.3556, 20.6722)

    Args:
        first: units that only the first model has right; see `discordant`.
        second: units that only the second has right.

    References:
        McNemar (1947), doi:10.1007/BF02295996; Edwards (1948), doi:10.1007/BF02289261 (corrected); Fagerland, Lydersen
        & Laake (2013), doi:10.1186/1471-2288-13-91 (mid-p).
    """
    if first < 0 or second < 0 or first != int(first) or second != int(second):
        raise InputError(f"McNemar's test needs two counts of 0 or more, got {first} and {second}")
    n, few = int(first + second), int(min(first, second))
    if n == 0:
        return McNemar(0, 0, None, None, None, None, 1.0, 1.0)
    try:
        from scipy.stats import binom
    except ImportError as error:
        raise MissingExtraError("scipy", "images") from error
    below, at = float(binom.cdf(few, n, 0.5)), float(binom.pmf(few, n, 0.5))
    apart = abs(first - second)
    chi2, corrected = apart**2 / n, max(0, apart - 1) ** 2 / n
    mid = 2 * below - at if apart else 1 - at / 2
    return McNemar(
        int(first), int(second), chi2, _chi2_p(chi2), corrected, _chi2_p(corrected), min(1.0, 2 * below), mid
    )


def difference(
    metric: Metric,
    true: ArrayLike,
    predicted: tuple[ArrayLike, ArrayLike],
    weights: ArrayLike | None = None,
    groups: Names = None,
    bootstrap: Bootstrap | None = None,
) -> Difference:
    """Compare two models by any figure: both are judged on the same groups, drawn again and again.

    Args:
        metric: a function of (true, predicted, weights), such as `studium.learn.evaluate.metrics.macro_f1`.
        true: as the metric takes them.
        predicted: of the first and of the second model, as the metric takes them.
        weights: (n,) 0 or more; None for equal ones.
        groups: (n,) names of what like units come from, such as accounts; None if each unit is one of its own.
        bootstrap: its draws, seed and fewest groups; None for 1000 draws.
    """
    truth, (one, two) = np.asarray(true), (np.asarray(of) for of in predicted)
    heavy, group = weights_of(weights, len(truth)), numbered(groups, len(truth))

    def change(drawn: Floats) -> float | None:
        first, second = metric(truth, one, drawn), metric(truth, two, drawn)
        return None if first is None or second is None else second - first

    found, changes = (bootstrap or Bootstrap()).of(change, heavy, group)
    p = None if found.low is None else _two_sided(changes)
    return Difference(metric(truth, one, heavy), metric(truth, two, heavy), found, p)


def _chi2_p(chi2: float) -> float:
    return math.erfc(math.sqrt(chi2 / 2))


def _two_sided(changes: Floats) -> float:
    """Twice the share of draws on the rarer side of 0; the units themselves count as one draw more."""
    fewer = min(int((changes <= 0).sum()), int((changes >= 0).sum()))
    return min(1.0, 2 * (fewer + 1) / (len(changes) + 1))
