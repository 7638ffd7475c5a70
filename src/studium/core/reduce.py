"""Many values to one: functions on arrays that `studium.core.rollup` applies to tables.

They take ``values`` (n rows, none missing), ``group`` (int, n: the row's group, 0 to ``groups`` - 1) and ``groups``.
A group without rows gives NaN (`count_over` gives 0, `any_over` False, `mode` -1).
"""

from typing import TYPE_CHECKING, Any

from studium.errors import InputError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]
    Bools = NDArray[np.bool_]

__all__ = ["any_over", "count_over", "maximum", "mean", "mean_logit", "mean_vector", "minimum", "mode", "noisy_or",
           "share_over", "sizes", "top_mean", "total"]  # fmt: skip


def sizes(group: "Ints", groups: int) -> "Ints":
    """Number of rows of each group."""
    import numpy as np

    return np.bincount(group, minlength=groups)


def total(values: "Floats", group: "Ints", groups: int) -> "Floats":
    """Sum of each group."""
    import numpy as np

    sums = np.bincount(group, weights=values, minlength=groups)
    return np.where(sizes(group, groups) > 0, sums, np.nan)


def mean(values: "Floats", group: "Ints", groups: int) -> "Floats":
    """Mean of each group."""
    import numpy as np

    return total(values, group, groups) / np.maximum(sizes(group, groups), 1)


def maximum(values: "Floats", group: "Ints", groups: int) -> "Floats":
    """Largest value of each group."""
    import numpy as np

    largest = np.full(groups, -np.inf)
    np.maximum.at(largest, group, values)
    return np.where(sizes(group, groups) > 0, largest, np.nan)


def minimum(values: "Floats", group: "Ints", groups: int) -> "Floats":
    """Smallest value of each group."""
    return -maximum(-values, group, groups)


def count_over(values: "Floats", group: "Ints", groups: int, threshold: float) -> "Ints":
    """Rows above the threshold (not at it) in each group: the "sum of predictions" of binary frame labels."""
    return sizes(group[values > threshold], groups)


def share_over(values: "Floats", group: "Ints", groups: int, threshold: float) -> "Floats":
    """Share of rows above the threshold in each group, 0 to 1."""
    return mean((values > threshold).astype(float), group, groups)


def any_over(values: "Floats", group: "Ints", groups: int, threshold: float) -> "Bools":
    """Whether any row of each group is above the threshold; its false alarms grow with the size of the group."""
    return count_over(values, group, groups, threshold) > 0


def top_mean(values: "Floats", group: "Ints", groups: int, k: int) -> "Floats":
    """Mean of the ``k`` largest values of each group, or of all if it has fewer."""
    import numpy as np

    order = np.lexsort((-values, group))
    ends = np.cumsum(n := sizes(group, groups))
    first = np.repeat(ends - n, n)
    top = order[np.arange(len(order)) - first < k]
    return mean(values[top], group[top], groups)


def noisy_or(values: "Floats", group: "Ints", groups: int) -> "Floats":
    """1 - product of (1 - p): the probability of at least one, if rows were independent; ``values`` in [0, 1]."""
    import numpy as np

    _check(values, (values >= 0) & (values <= 1), "probabilities in [0, 1]")
    with np.errstate(divide="ignore"):  # p = 1 gives log 0 = -inf, and that a result of exactly 1
        return -np.expm1(total(np.log1p(-values), group, groups)) + 0.0


def mean_logit(values: "Floats", group: "Ints", groups: int) -> "Floats":
    """Probability whose logit is the mean of the rows' logits; ``values`` strictly between 0 and 1."""
    import numpy as np

    _check(values, (values > 0) & (values < 1), "probabilities strictly between 0 and 1")
    logits = mean(np.log(values) - np.log1p(-values), group, groups)
    with np.errstate(over="ignore"):  # below 1e-308 the odds overflow and the result is 0
        return 1 / (1 + np.exp(-logits))


def mode(values: "Ints", group: "Ints", groups: int, scores: "Floats | None" = None) -> "Ints":
    """Most frequent label of each group.

    Args:
        values: labels as integers from 0, numbered in the order of their names.
        group: the row's group.
        groups: number of groups.
        scores: the probability of each row's label; decides ties by their sum.

    Returns:
        A label for each group; ties that are left go to the smallest. A group without rows gives -1.
    """
    import numpy as np

    labels = int(values.max(initial=-1)) + 1
    pairs, inverse, counts = np.unique(group * labels + values, return_inverse=True, return_counts=True)
    sums = np.zeros(len(pairs)) if scores is None else np.bincount(inverse, weights=scores, minlength=len(pairs))
    owner, label = np.divmod(pairs, max(labels, 1))
    best = np.lexsort((label, -sums, -counts, owner))
    winners, first = np.unique(owner[best], return_index=True)
    result = np.full(groups, -1, dtype=np.int64)
    result[winners] = label[best][first]
    return result


def mean_vector(values: "NDArray[Any]", group: "Ints", groups: int) -> "Floats":
    """Mean vector of each group: n x d (any float type) to groups x d, summed in float64 and not normalised."""
    import numpy as np

    order = np.argsort(group, kind="stable")
    means = np.full((groups, values.shape[1]), np.nan)
    start = 0
    for row, size in enumerate(sizes(group, groups)):  # np.add.reduceat needs 7 to 30 times the CPU
        if size:
            means[row] = values[order[start : start + size]].mean(axis=0, dtype=np.float64)
        start += size
    return means


def _check(values: "Floats", fits: "Bools", needed: str) -> None:
    if not fits.all():
        raise InputError(f"expected {needed}, got {values[~fits][0]} in {(~fits).sum()} of {len(values)} rows")
