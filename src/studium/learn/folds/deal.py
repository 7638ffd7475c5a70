"""Dealing groups of units into bins with like shares of every stratum: in whole numbers, so equal on every machine."""

import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence

__all__ = ["Hand", "deal", "hands", "hashed", "unevenness"]

Hand = Mapping[str, int]
"""How many units of each stratum a group (or a bin) holds."""

_SCALE = 1 << 48


def hands(groups: Sequence[str], strata: Sequence[str]) -> dict[str, Hand]:
    """What each group holds."""
    found: dict[str, Counter[str]] = {}
    for group, stratum in zip(groups, strata, strict=True):
        found.setdefault(group, Counter())[stratum] += 1
    return dict(found)


def deal(given: Mapping[str, Hand], bins: int, salt: str) -> dict[str, int]:
    """The bin of each group: the largest first, each to the bin that holds least of what it holds.

    A stratum counts by 1 / its size squared, so that rare ones are spread first. Groups within a factor of about 1.4 in
    size are in drawn order, so that another ``salt`` gives another deal; so is the choice among bins that hold alike.
    """
    weights = _weights(given)
    drawn = {group: hashed(salt, group) for group in given}
    order = sorted(given, key=lambda group: (-_alike(given[group], given[group], weights).bit_length(), drawn[group]))
    held: list[Counter[str]] = [Counter() for _ in range(bins)]
    sizes = [0] * bins
    found = {}
    for group in order:
        hand = given[group]

        def load(at: int, hand: Hand = hand, turn: int = drawn[group]) -> tuple[int, int, int]:
            return _alike(hand, held[at], weights), sizes[at], (at + turn) % bins

        best = min(range(bins), key=load)
        held[best].update(hand)
        sizes[best] += sum(hand.values())
        found[group] = best
    return found


def unevenness(given: Mapping[str, Hand], dealt: Mapping[str, int], bins: int) -> list[int]:
    """Of each bin, how far its shares of the strata are from 1 / bins, squared and summed; 0 is even."""
    weights, held = _weights(given), [Counter[str]() for _ in range(bins)]
    for group, at in dealt.items():
        held[at].update(given[group])
    total = sum(held, Counter[str]())
    return [sum(weights[it] * (bins * one[it] - n) ** 2 for it, n in total.items()) for one in held]


def _weights(given: Mapping[str, Hand]) -> dict[str, int]:
    total: Counter[str] = Counter()
    for hand in given.values():
        total.update(hand)
    most = max(total.values(), default=1)
    return {stratum: _SCALE * most**2 // n**2 for stratum, n in total.items()}


def _alike(a: Hand, b: Hand, weights: Mapping[str, int]) -> int:
    return sum(n * b.get(stratum, 0) * weights[stratum] for stratum, n in a.items())


def hashed(salt: str, group: str) -> int:
    """A drawn number of 64 bits: always the same for this salt and group."""
    return int.from_bytes(hashlib.sha256(f"{salt}\0{group}".encode("utf-8", "surrogatepass")).digest()[:8], "big")
