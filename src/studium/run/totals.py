"""Sums over all units by those of a sample, and how they are said."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from studium.core.interval import Z

__all__ = ["Total", "counted", "lasting", "money", "priced", "sized", "spoken_time", "totalled"]


_SIZES = ((1e9, "GB"), (1e6, "MB"), (1e3, "kB"), (1, "bytes"))


@dataclass(frozen=True)
class Total:
    """A sum over all units, by those of a sample: the expected sum and its 95 % interval (mean +- 1.96 se)."""

    value: float
    low: float
    high: float

    @property
    def exact(self) -> bool:
        """Whether all units were looked at, or are alike."""
        return self.low == self.high


def totalled(values: Sequence[float], units: int) -> Total:
    """The sum over all units, by a random sample without replacement.

    >>> totalled([1.0, 3.0], 2)
    Total(value=4.0, low=4.0, high=4.0)

    Args:
        values: of the sample, at least one.
        units: how many there are in all.
    """
    n, total = len(values), float(np.mean(values)) * units
    if n >= units or max(values) == min(values):
        return Total(total, total, total)
    half = Z * float(np.std(values, ddof=1)) / math.sqrt(n) * math.sqrt(1 - n / units) * units
    return Total(total, max(sum(values), total - half), total + half)


def counted(total: Total, what: str) -> str:
    """So many of something: "4 requests", "about 300 texts (280 to 320)"."""
    if total.exact:
        return f"{total.value:,.0f} {what}{'s' * (total.value != 1)}"
    return f"about {total.value:,.0f} {what}s ({total.low:,.0f} to {total.high:,.0f})"


def sized(total: Total) -> str:
    """Bytes: "279,822 bytes", "about 1.2 GB (1.1 to 1.3)"."""
    if total.exact:
        return f"{total.value:,.0f} bytes"
    size, name = next((size, name) for size, name in _SIZES if total.value >= size or size == 1)
    value, low, high = (f"{each / size:,.{int(size > 1)}f}" for each in (total.value, total.low, total.high))
    return f"about {value} {name} ({low} to {high})"


def priced(total: Total) -> str:
    """US dollars, with their interval if they have one."""
    shown = f"about {money(total.value)} USD"
    return shown if total.exact else f"{shown} ({money(total.low)} to {money(total.high)})"


def money(usd: float) -> str:
    """A sum with cents, or with four digits if it is less than a dollar."""
    return f"{usd:,.2f}" if usd >= 1 else f"{usd:.4g}"


def lasting(total: Total) -> str:
    """A time, with its interval if it has one."""
    shown = f"about {spoken_time(total.value)}"
    return shown if total.exact else f"{shown} ({spoken_time(total.low)} to {spoken_time(total.high)})"


def spoken_time(seconds: float) -> str:
    """Seconds in the unit that one would say: "90 s", "12.0 min", "3.5 h", "2.1 days"."""
    for size, name in ((86400, "days"), (3600, "h"), (60, "min")):
        if seconds >= 2 * size:
            return f"{seconds / size:,.1f} {name}"
    return f"{seconds:,.0f} s"
