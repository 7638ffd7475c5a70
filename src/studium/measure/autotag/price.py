"""What asking a service costs: list prices with their date and source, and the estimate before a run."""

import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path

__all__ = ["Price", "estimate", "prices"]


@dataclass(frozen=True)
class Price:
    """One row of ``prices.toml``.

    Attributes:
        service: what the service is called.
        what: which of its operations is priced.
        usd: list price of one picture, US dollars.
        as_of: year and month of the price.
        source: where it stands.
        note: what else decides it (regions, free quotas).
    """

    service: str
    what: str
    usd: float
    as_of: str
    source: str
    note: str


@cache
def prices() -> dict[str, Price]:
    """List prices by name of the measure."""
    raw = tomllib.loads(Path(__file__).with_name("prices.toml").read_text(encoding="utf-8"))
    return {name: Price(**row) for name, row in raw.items()}


def estimate(name: str, pictures: int, kept: int | None) -> str:
    """What a run will cost, in one line.

    >>> estimate("rekognition", 12_000, 2_000)
    'rekognition: 10,000 pictures x 0.001 USD = about 10.00 USD (Amazon Rekognition, DetectLabels (Image, group 2); \
list price of 2025-06, us-east-1; other regions differ; check https://aws.amazon.com/rekognition/pricing/); 2,000 more \
were answered before and cost nothing'

    Args:
        name: of the measure.
        pictures: how many lack a row.
        kept: how many of them were answered before; None if some were, and nobody counted.
    """
    price = prices()[name]
    asked = pictures - (kept or 0)
    usd = asked * price.usd
    sum_ = f"{usd:,.2f}" if usd >= 1 else f"{usd:.4g}"
    said = (
        f"{name}: {asked:,} picture{'s' * (asked != 1)} x {price.usd} USD = {'at most' if kept is None else 'about'} "
    )
    said += (
        f"{sum_} USD ({price.service}, {price.what}; list price of {price.as_of}, {price.note}; check {price.source})"
    )
    if kept is None:
        return f"{said}; those that were answered before cost nothing"
    return said + (f"; {kept:,} more were answered before and cost nothing" if kept else "")
