"""What answers of a server cost: its price, and what is expected of the next answer by those that came."""

import re
import threading
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from studium.core import allowance

__all__ = ["Expected", "Price", "price_of"]

_PICTURE, _CHARACTER = 1000, 0.4  # tokens, as long as no answer has said how many there are

_DATED = re.compile(r"-\d{4}-\d\d-\d\d$")


@dataclass(frozen=True)
class Price:
    """US dollars for a million tokens.

    Attributes:
        read: of what is sent; what servers take off for what they read before is not counted.
        wrote: of the answer.
        source: whose figures these are.
    """

    read: float
    wrote: float
    source: str

    def of(self, tokens_in: float, tokens_out: float) -> float:
        """US dollars for an answer."""
        return (tokens_in * self.read + tokens_out * self.wrote) / 1e6


def price_of(model: str, host: str) -> Price | None:
    """The price that the user gives for a model, else the list price of OpenAI; None if nobody knows."""
    if given := allowance.current().prices.get(model):
        return Price(*given, source="the price of the study file")
    row = _list().get(_DATED.sub("", model)) if host == "api.openai.com" else None
    return Price(**row) if row else None


@cache
def _list() -> dict[str, Mapping[str, Any]]:
    path = Path(__file__).with_name("endpoint_prices.toml")
    raw = tomllib.loads(path.read_text(encoding="utf-8"))
    source = f"list price of {raw['as_of']}; check {raw['source']}"
    return {model: {**row, "source": source} for model, row in raw["models"].items()}


@dataclass
class Expected:
    """Means of the answers that came so far; one for each server and model.

    Attributes:
        answers: how many came.
        tokens_in: of all.
        tokens_out: of all.
        seconds: of all.
    """

    answers: int = 0
    tokens_in: int = 0
    tokens_out: int = 0
    seconds: float = 0.0

    def add(self, tokens_in: int, tokens_out: int, seconds: float) -> None:
        """One more answer."""
        with _lock:
            self.answers += 1
            self.tokens_in += tokens_in
            self.tokens_out += tokens_out
            self.seconds += seconds

    def usd(self, price: Price, characters: int, pictures: int, most: int) -> float:
        """What the next answer is expected to cost; before there is one, what it costs at the longest."""
        if self.answers:
            return price.of(self.tokens_in / self.answers, self.tokens_out / self.answers)
        return price.of(_CHARACTER * characters + _PICTURE * pictures, most)


_lock = threading.Lock()
