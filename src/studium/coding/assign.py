"""Who codes which units: some by every coder, or each by several, in an order of each coder's own."""

from collections.abc import Sequence
from math import ceil

import numpy as np

from studium.errors import InputError

__all__ = ["assign"]


def assign(
    units: Sequence[str], coders: Sequence[str], overlap: float = 1.0, per_unit: int | None = None, seed: int = 0
) -> dict[str, tuple[str, ...]]:
    """The units of each coder, in the order in which they code them.

    Either a share of the units, drawn at random, goes to every coder and the rest is split evenly; or each unit goes to
    ``per_unit`` coders: then loads differ by one unit at most, and no two coders meet much more often than others.
    Units that all share are spread evenly over everybody's order, so that agreement can be followed over time.

    >>> assign(["a", "b", "c", "d"], ["ada", "ben"], overlap=0.5, seed=1)
    {'ada': ('a', 'c', 'b'), 'ben': ('b', 'd', 'a')}

    Args:
        units: ids, each once.
        coders: their names.
        overlap: share of the units that every coder codes, 0 to 1; at least one unit if above 0.
        per_unit: coders of each unit, instead of an overlap.
        seed: of what is drawn.

    Raises:
        InputError: a unit or a coder that is there twice, no coder, or a number that cannot be.
    """
    _check(units, coders, overlap, per_unit)
    rng = np.random.default_rng(seed)
    shuffled = [units[at] for at in rng.permutation(len(units)).tolist()]
    if per_unit is None:
        several = ceil(overlap * len(units) - 1e-9)
        shared, rest = shuffled[:several], shuffled[several:]
        own = {coder: rest[at :: len(coders)] for at, coder in enumerate(coders)}
    else:
        shared, own = [], _balanced(shuffled, coders, per_unit, rng)
    return {coder: _woven(shared, own[coder], rng) for coder in coders}


def _check(units: Sequence[str], coders: Sequence[str], overlap: float, per_unit: int | None) -> None:
    if not coders or not all(name and name == name.strip() for name in coders) or len({*coders}) < len(coders):
        raise InputError(f"expected the names of coders, each once, got {', '.join(map(repr, coders)) or 'none'}")
    if len({*units}) < len(units):
        raise InputError("expected each unit once; a sample that holds one twice cannot be assigned")
    if not 0 <= overlap <= 1:
        raise InputError(f"overlap: expected a share of the units from 0 to 1, got {overlap}")
    if per_unit is not None and not 1 <= per_unit <= len(coders):
        raise InputError(f"per_unit: expected from 1 to {len(coders)} coders of each unit, got {per_unit}; name more")


def _balanced(units: Sequence[str], coders: Sequence[str], k: int, rng: np.random.Generator) -> dict[str, list[str]]:
    """Each unit to the k coders who have the fewest; of these, to those who met the least; then by lot."""
    n = len(coders)
    load, met = np.zeros(n, np.int64), np.zeros((n, n), np.int64)
    own: dict[str, list[str]] = {coder: [] for coder in coders}
    for unit in units:
        chosen: list[int] = []
        lot = rng.random(n)
        for _ in range(k):
            free = [at for at in range(n) if at not in chosen]
            chosen.append(min(free, key=lambda at: (load[at], met[at, chosen].sum(), lot[at])))
        for at in chosen:
            own[coders[at]].append(unit)
            met[at, chosen] += 1
        load[chosen] += 1
    return own


def _woven(shared: Sequence[str], own: Sequence[str], rng: np.random.Generator) -> tuple[str, ...]:
    """Both in an order drawn anew, each spread evenly over the whole."""
    placed: list[tuple[float, str]] = []
    for some in (shared, own):
        at = (np.arange(len(some)) + rng.random(len(some))) / max(len(some), 1)
        placed += zip(at.tolist(), [some[row] for row in rng.permutation(len(some)).tolist()], strict=True)
    return tuple(unit for _, unit in sorted(placed))
