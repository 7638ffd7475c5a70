"""What asking a service costs: list prices with their date and source."""

import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path

__all__ = ["Price", "prices"]


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

    def __str__(self) -> str:
        return (
            f"{self.usd} USD a picture: {self.service}, {self.what}, list price of {self.as_of}, {self.note}; check "
            f"{self.source}"
        )


@cache
def prices() -> dict[str, Price]:
    """List prices by name of the measure."""
    raw = tomllib.loads(Path(__file__).with_name("prices.toml").read_text(encoding="utf-8"))
    return {name: Price(**row) for name, row in raw.items()}
