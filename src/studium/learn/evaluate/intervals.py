"""How sure a figure is: 95 % intervals that count groups, such as videos and accounts, not their many like units."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from numpy.typing import ArrayLike

from studium.core.interval import wilson
from studium.errors import InputError
from studium.learn.evaluate.checks import Floats, Ints, effective, labels, mean, numbered, weights_of
from studium.learn.evaluate.metrics import Metric, confusion

__all__ = ["FEWEST", "Bootstrap", "ErrorRates", "Interval", "Names", "class_intervals", "error_rates", "share"]

FEWEST = 20
"""Groups below which a bootstrap, and cases below which an error rate, tells nothing that one can count on."""
UNDEFINED = 0.05  # of the draws may leave a figure undefined
Names = Sequence[Any] | npt.NDArray[Any] | None


@dataclass(frozen=True)
class Interval:
    """A figure and its 95 % interval.

    Attributes:
        value: None where it is not defined.
        low: None where there is no interval.
        high: likewise.
        groups: cases it rests on: groups, each counted once; as many as there are units, if each is one of its own.
        method: "wilson" or "bootstrap"; "" where there is no interval.
        reason: why there is no value or no interval; else "".
        undefined: share of the draws of a bootstrap that left it undefined.
    """

    value: float | None
    low: float | None
    high: float | None
    groups: int
    method: str
    reason: str = ""
    undefined: float = 0.0


@dataclass(frozen=True)
class Bootstrap:
    """Percentile intervals of any figure: groups are drawn again, with all their units.

    Not for `studium.learn.evaluate.probabilities.ece` and ``mce``: they are too high by chance, more so in every draw.

    Attributes:
        draws: 100 or more.
        seed: of the draws; 0 or more.
        fewest: groups below which there is no interval.

    References:
        Efron & Tibshirani (1993), An Introduction to the Bootstrap; Field & Welsh (2007),
        doi:10.1111/j.1467-9868.2007.00593.x (of clusters).
    """

    draws: int = 1000
    seed: int = 0
    fewest: int = FEWEST

    def __post_init__(self) -> None:
        """Check the settings."""
        if self.draws < 100 or self.seed < 0 or self.fewest < 2:
            raise InputError(
                f"a bootstrap needs draws of 100 or more, a seed of 0 or more and fewest of 2 or more groups; "
                f"got {self.draws}, {self.seed} and {self.fewest}"
            )

    def interval(
        self,
        metric: Metric,
        true: ArrayLike,
        predicted: ArrayLike,
        weights: ArrayLike | None = None,
        groups: Names = None,
    ) -> Interval:
        """The interval of a figure such as `studium.learn.evaluate.metrics.macro_f1`.

        Args:
            metric: a function of (true, predicted, weights).
            true: as the metric takes them.
            predicted: as the metric takes them.
            weights: (n,) 0 or more; None for equal ones.
            groups: (n,) names; None if each unit is one of its own.
        """
        truth, guess = np.asarray(true), np.asarray(predicted)
        heavy, group = _counted(weights, groups, len(truth))
        return self.of(lambda drawn: metric(truth, guess, drawn), heavy, group)[0]

    def of(self, figure: Callable[[Floats], float | None], weights: Floats, group: Ints) -> tuple[Interval, Floats]:
        """The interval of a figure that is a function of the weights alone, and the figures of the draws.

        Args:
            figure: a function of (n,) weights.
            weights: (n,) 0 or more.
            group: (n,) number of the group of each unit.
        """
        none = np.array([])
        count, value = len(np.unique(group[weights > 0])), figure(weights)
        if value is None:
            why = "not defined, as these units lack values that it compares"
            return Interval(None, None, None, count, "", why), none
        if count < self.fewest:
            why = f"{count} groups are too few for a bootstrap, which needs {self.fewest}"
            return Interval(value, None, None, count, "", why), none
        found = [figure(drawn) for drawn in self._drawn(weights, group)]
        defined = np.array([one for one in found if one is not None])
        missing = 1 - len(defined) / len(found)
        if missing > UNDEFINED:
            why = f"{missing:.0%} of the draws leave it undefined: too few groups have the values that it compares"
            return Interval(value, None, None, count, "", why, missing), defined
        low, high = np.quantile(defined, [0.025, 0.975]).tolist()
        if low == high:
            why = "every draw gives the same figure, so that a bootstrap cannot tell how sure it is"
            return Interval(value, None, None, count, "", why, missing), defined
        return Interval(value, low, high, count, "bootstrap", "", missing), defined

    def _drawn(self, weights: Floats, group: Ints) -> Iterator[Floats]:
        """The weights of each draw: a group drawn twice counts twice, one not drawn 0."""
        rng = np.random.default_rng(self.seed)
        kept, number = np.unique(group[weights > 0], return_inverse=True)
        for _ in range(self.draws):
            drawn = np.zeros_like(weights)
            times = np.bincount(rng.integers(0, len(kept), len(kept)), minlength=len(kept))
            drawn[weights > 0] = weights[weights > 0] * times[number]
            yield drawn


@dataclass(frozen=True)
class ErrorRates:
    """The errors made about one group of people, accounts, languages.

    Attributes:
        name: of the group.
        n: its units.
        negatives: of these, that truly are of value 0.
        positives: and of value 1.
        false_positive_rate: share of the negatives that were predicted 1.
        false_negative_rate: share of the positives that were predicted 0.
    """

    name: Any
    n: int
    negatives: int
    positives: int
    false_positive_rate: Interval
    false_negative_rate: Interval


def share(hits: ArrayLike, weights: ArrayLike | None = None, groups: Names = None, fewest: int = 1) -> Interval:
    """A share and Wilson's interval, of as many cases as the groups are worth (Kish): on the safe side.

    Precision is the share of hits among those predicted, recall among those that are true.

    >>> found = share([True] * 45 + [False] * 5)
    >>> round(found.low, 4), round(found.high, 4)
    (0.7864, 0.9565)

    Args:
        hits: (n,) booleans.
        weights: (n,) 0 or more; None for equal ones.
        groups: (n,) names; None if each unit is one of its own.
        fewest: cases below which neither share nor interval is given.
    """
    hit = labels(hits, "hits", k=2)
    heavy, group = _counted(weights, groups, len(hit))
    cases = effective(heavy, group)
    value = mean(hit.astype(np.float64), heavy)
    if value is None or cases < fewest:
        many = f"{cases} cases are too few, it needs {fewest}" if cases else "there are no cases"
        return Interval(None, None, None, cases, "", many)
    low, high = wilson(value, cases).tolist()
    return Interval(value, low, high, cases, "wilson")


def class_intervals(
    true: ArrayLike,
    predicted: ArrayLike,
    weights: ArrayLike | None = None,
    groups: Names = None,
    k: int | None = None,
) -> tuple[tuple[Interval, Interval], ...]:
    """Precision and recall of each of k values with their `share` intervals; see `metrics.per_class`.

    Args:
        true: (n,) numbers of values, from 0.
        predicted: likewise.
        weights: (n,) 0 or more; None for equal ones.
        groups: (n,) names of what like units come from; None if each unit is one of its own.
        k: values; None: up to the highest that occurs.
    """
    size = len(confusion(true, predicted, weights, k))
    given, guess = labels(true, "true"), labels(predicted, "predicted")
    heavy, group = _counted(weights, groups, len(given))
    found = []
    for value in range(size):
        yes, said = given == value, guess == value
        found.append((share(yes[said], heavy[said], group[said]), share(said[yes], heavy[yes], group[yes])))
    return tuple(found)


def error_rates(
    true: ArrayLike,
    predicted: ArrayLike,
    by: Sequence[Any] | npt.NDArray[Any],
    weights: ArrayLike | None = None,
    groups: Names = None,
    fewest: int = FEWEST,
) -> tuple[ErrorRates, ...]:
    """False-positive and false-negative rates of each group that ``by`` names, in order of appearance.

    Args:
        true: (n,) 0 or 1.
        predicted: (n,) 0 or 1.
        by: (n,) names whose errors are compared, such as languages or regions; None is a name, too.
        weights: (n,) 0 or more; None for equal ones.
        groups: (n,) names of what like units come from, such as accounts; None if each unit is one of its own.
        fewest: negatives (positives) below which there is no rate.
    """
    given = labels(true, "true", k=2)
    guess, number = labels(predicted, "predicted", len(given), 2), numbered(by, len(given))
    heavy, group = _counted(weights, groups, len(given))
    names = list(dict.fromkeys(by.tolist() if isinstance(by, np.ndarray) else by))

    def rate(rows: npt.NDArray[np.bool_]) -> Interval:
        return share(guess[rows] != given[rows], heavy[rows], group[rows], fewest)

    found = []
    for at, name in enumerate(names):
        no, yes = ((number == at) & (given == value) for value in (0, 1))
        found.append(ErrorRates(name, int((no | yes).sum()), int(no.sum()), int(yes.sum()), rate(no), rate(yes)))
    return tuple(found)


def _counted(weights: ArrayLike | None, groups: Names, n: int) -> tuple[Floats, Ints]:
    return weights_of(weights, n), numbered(groups, n)
