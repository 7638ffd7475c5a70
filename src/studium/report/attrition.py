"""The attrition ledger on the page: how far media came, why others did not, by month and by channel.

Channels have numbers here, not names: a report is handed around. ``corpus.attrition()`` has the names.
"""

from collections import Counter
from dataclasses import dataclass

import pyarrow as pa

from studium.run.attrition import OUTCOMES

__all__ = ["Attrition", "Loss", "Way", "attrition"]

CHANNELS = 15
"""Channels shown: those that lost most."""

_STAGES = {
    "named": frozenset(OUTCOMES),
    "obtained": frozenset({"unreadable", "unmeasured", "measured"}),
    "readable": frozenset({"unmeasured", "measured"}),
    "measured": frozenset({"measured"}),
}
_AHEAD = frozenset({"waiting", "unmeasured", "measured"})  # not lost, or not yet


@dataclass(frozen=True)
class Way:
    """How many media of one group reached each stage."""

    group: str
    named: int
    obtained: int
    readable: int
    measured: int

    @property
    def lost(self) -> int:
        """How many were named and are not in every table."""
        return self.named - self.measured


@dataclass(frozen=True)
class Loss:
    """One reason: where on the way it stands, what it means, and how many it took."""

    outcome: str
    about: str
    reason: str
    n: int


@dataclass(frozen=True)
class Attrition:
    """The whole of it; ``channels`` are the worst of ``of_channels``, of which ``silent`` have no medium left."""

    all: Way
    losses: list[Loss]
    months: list[Way]
    channels: list[Way]
    of_channels: int
    silent: int


def attrition(ledger: pa.Table) -> Attrition | None:
    """What a ledger says (schema `studium.run.attrition.LEDGER`); None if it names no medium."""
    rows = ledger.to_pylist()
    if not rows:
        return None
    reached: dict[str, dict[str | None, Counter[str]]] = {"author": {}, "month": {}}
    whole: Counter[str] = Counter()
    why: Counter[tuple[str, str]] = Counter()
    for row in rows:
        whole[row["outcome"]] += row["n"]
        for by, groups in reached.items():
            groups.setdefault(row[by], Counter())[row["outcome"]] += row["n"]
        if row["outcome"] != "measured":
            why[row["outcome"], row["reason"] or ""] += row["n"]
    order = list(OUTCOMES)
    ordered = sorted(why.items(), key=lambda item: (order.index(item[0][0]), -item[1], item[0][1]))
    losses = [Loss(outcome, OUTCOMES[outcome], reason, n) for (outcome, reason), n in ordered]
    months = [_way(month or "no date", counted) for month, counted in sorted(reached["month"].items(), key=_dated)]
    authors = [(name, _way("", counted)) for name, counted in reached["author"].items() if name is not None]
    authors.sort(key=lambda item: (-item[1].lost, -item[1].named, item[0]))
    channels = [Way(str(i), w.named, w.obtained, w.readable, w.measured) for i, (_, w) in enumerate(authors, 1)]
    silent = sum(_none_left(reached["author"][name]) for name, _ in authors)
    return Attrition(_way("all", whole), losses, months, channels[:CHANNELS], len(channels), silent)


def _way(group: str, counted: Counter[str]) -> Way:
    return Way(group, *(sum(counted[outcome] for outcome in stage) for stage in _STAGES.values()))


def _none_left(counted: Counter[str]) -> bool:
    return not any(counted[outcome] for outcome in _AHEAD)


def _dated(item: tuple[str | None, Counter[str]]) -> tuple[bool, str]:
    return item[0] is None, item[0] or ""
