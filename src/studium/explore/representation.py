"""Who is shown: shares of groups with intervals that know that faces come in pictures.

Faces in one picture, and frames of one video, are alike, so a thousand faces of three videos say less than a thousand
of as many: what is drawn again is the picture or the video with all its faces (cluster bootstrap).

References:
    Field & Welsh (2007), Bootstrapping clustered data, doi:10.1111/j.1467-9868.2007.00593.x.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from studium.core.interval import wilson
from studium.errors import InputError

__all__ = ["Shares", "age_bands", "age_probabilities", "band_names", "shares"]

DRAWS = 2000
"""Times that the sources are drawn again."""

_CELLS = 4_000_000  # numbers drawn at once

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Shares:
    """Of k groups: their share and a 95 % interval, NaN where nothing can be said.

    Attributes:
        share: 0 to 1.
        low: lower end of the interval.
        high: upper end.
        method: "wilson" or "bootstrap", or "" where there is no interval.
    """

    share: Floats
    low: Floats
    high: Floats
    method: tuple[str, ...]


def shares(
    members: npt.ArrayLike,
    clusters: npt.ArrayLike,
    weights: npt.ArrayLike | None = None,
    seed: int = 0,
    draws: int = DRAWS,
) -> Shares:
    """The share of each group among n items, with a 95 % interval.

    Where every item is a cluster of its own and counts alike, the interval is Wilson's; else it is that of the cluster
    bootstrap (percentiles), which is too narrow for fewer than some 20 clusters. Where no item or every item belongs to
    a group, drawing again tells nothing: then it is Wilson's with as many cases as there are clusters, on the safe
    side. Of other shares, one cluster alone gives no interval.

    Args:
        members: n x k, 0 to 1: how much each item belongs to each group.
        clusters: n, any labels: what the items come from, such as ids of pictures.
        weights: n, how much each item counts, 0 or more (an area); None for all alike.
        seed: of the bootstrap; any whole number.
        draws: of the bootstrap, 1 or more.

    Raises:
        InputError: the three do not fit each other.
    """
    belongs, label, weight = _checked(members, clusters, weights)
    whole = float(weight.sum())
    share = (weight @ belongs) / whole if whole else np.full(belongs.shape[1], np.nan)
    _, number = np.unique(label, return_inverse=True)
    count = int(number.max(initial=-1)) + 1
    simple = weights is None and count == len(label) and bool(np.isin(belongs, (0, 1)).all())
    if not whole:
        return Shares(share, share, share, ("",) * len(share))
    sums = np.zeros((count, belongs.shape[1] + 1))
    np.add.at(sums, number, np.column_stack([belongs * weight[:, None], weight]))
    low, high = (wilson(share, count) if simple else _bootstrap(sums[sums[:, -1] > 0], seed, draws)).T
    edge = np.isclose(share, 0, atol=1e-12) | np.isclose(share, 1, atol=1e-12)
    if not simple:
        low[edge], high[edge] = wilson(share[edge].round(), int((sums[:, -1] > 0).sum())).T
    method = np.where(edge | simple, "wilson", np.where(np.isnan(low), "", "bootstrap"))
    return Shares(share, low, high, tuple(method.tolist()))


def band_names(edges: Sequence[int]) -> tuple[str, ...]:
    """``("0-17", "18-29", "30+")`` of the edges 18 and 30.

    Raises:
        InputError: the edges do not rise, or are no ages.
    """
    whole = all(type(edge) is int for edge in edges)
    if not edges or not whole or not all(a < b for a, b in zip((0, *edges), edges, strict=False)):
        raise InputError(f"edges of age bands should be rising whole years above 0, such as 18, 30, got {tuple(edges)}")
    starts = (0, *edges)
    return (*(f"{a}-{b - 1}" for a, b in zip(starts, edges, strict=False)), f"{starts[-1]}+")


def age_bands(years: npt.ArrayLike, edges: Sequence[int]) -> npt.NDArray[np.int64]:
    """The number of the band of each age: 0 below the first edge; an age at an edge belongs to the band it begins."""
    return np.searchsorted(np.asarray(edges, np.float64), np.asarray(years, np.float64), side="right")


def age_probabilities(years: npt.ArrayLike, spread: npt.ArrayLike, edges: Sequence[int]) -> Floats:
    """The probability of each band for ages that are known with a spread (normal distribution): n x bands.

    Args:
        years: expected ages, n.
        spread: their standard deviations, n; 0 or more.
        edges: of the bands, in years.
    """
    mean, width = (np.asarray(side, np.float64)[:, None] for side in (years, spread))
    with np.errstate(divide="ignore", invalid="ignore"):
        z = (np.asarray(edges, np.float64) - mean) / (width * math.sqrt(2))
    z = np.where(np.isnan(z), -np.inf, z)  # an age at an edge, without spread, is in the band that it begins
    below = (1 + np.vectorize(math.erf, otypes=[np.float64])(z)) / 2 if z.size else z
    ends = np.zeros((len(mean), 1)), np.ones((len(mean), 1))
    return np.diff(np.hstack([ends[0], below, ends[1]]), axis=1)


def _checked(
    members: npt.ArrayLike, clusters: npt.ArrayLike, weights: npt.ArrayLike | None
) -> tuple[Floats, npt.NDArray[np.generic], Floats]:
    belongs, label = np.asarray(members, np.float64), np.asarray(clusters)
    weight = np.ones(len(label)) if weights is None else np.asarray(weights, np.float64)
    if belongs.ndim != 2 or label.shape != (len(belongs),) or weight.shape != label.shape:
        raise InputError(
            f"expected n x k members, n clusters and n weights, got {belongs.shape}, {label.shape} and {weight.shape}"
        )
    if not ((belongs >= 0) & (belongs <= 1)).all() or not ((weight >= 0) & (weight < np.inf)).all():
        raise InputError("members should lie between 0 and 1, and weights be numbers of 0 or more")
    return belongs, label, weight


def _bootstrap(sums: Floats, seed: int, draws: int) -> Floats:
    """Percentile intervals (k x 2) of ratios of sums over clusters: each of k columns to the last one.

    Clusters with the same sums are drawn together, by how many of them there are: the same distribution, and little to
    draw where pictures show one, two or three faces.
    """
    if draws < 1:
        raise InputError(f"draws should be at least 1, got {draws}")
    if len(sums) < 2:
        return np.full((sums.shape[1] - 1, 2), np.nan)
    patterns, times = np.unique(sums, axis=0, return_counts=True)
    rng, found = np.random.default_rng(seed % 2**32), []
    at_once = max(1, _CELLS // len(patterns))
    for begin in range(0, draws, at_once):
        size = min(at_once, draws - begin)
        drawn = rng.multinomial(len(sums), times / len(sums), size=size) @ patterns
        found.append(drawn[:, :-1] / drawn[:, -1:])
    return np.quantile(np.concatenate(found), [0.025, 0.975], axis=0).T
