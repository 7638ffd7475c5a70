"""Asking a sample of the units, to learn what answers cost and how long they take. They are kept: none is wasted."""

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from studium.core import allowance
from studium.core.protocols import Measure
from studium.errors import MediaError
from studium.run.leaving import drawn, inputs
from studium.run.plan import Plan
from studium.run.totals import money, spoken_time, totalled

__all__ = ["Asked", "Trial", "tried"]

FEW = 30
"""Answers below which an interval by the normal distribution is too narrow, and that is said."""


@dataclass(frozen=True)
class Asked:
    """One unit that was asked about.

    Attributes:
        seconds: that it took.
        usd: that it cost; None if nobody knows the price.
        tokens_in: read by the model, if it says so.
        tokens_out: written by it.
        fault: why there is no row; empty if there is one.
    """

    seconds: float
    usd: float | None = None
    tokens_in: int | None = None
    tokens_out: int | None = None
    fault: str = ""


@dataclass(frozen=True)
class Trial:
    """What became of a sample.

    Attributes:
        name: of the measure.
        kind: of the units.
        units: how many lack a row.
        kept: how many of the sample were answered before; nothing can be learnt from them.
        asked: the others.
    """

    name: str
    kind: str
    units: int
    kept: int
    asked: tuple[Asked, ...]

    def __str__(self) -> str:
        return "\n  ".join(self._lines())

    def _lines(self) -> Iterator[str]:
        n, faults = len(self.asked), [one.fault for one in self.asked if one.fault]
        before = f"; {self.kept} more of the sample were answered before" if self.kept else ""
        yield f"{self.name}: asked about {n} of {self.units:,} {self.kind} units drawn at random{before}"
        if faults:
            yield f"{len(faults)} of them failed, the first one because: {faults[0]}"
        if not n:
            yield "so nothing new is known; draw a larger sample"
            return
        for what, values in (
            ("tokens read", [one.tokens_in for one in self.asked]),
            ("tokens written", [one.tokens_out for one in self.asked]),
        ):
            if known := [value for value in values if value is not None]:
                yield f"{sum(known):,} {what}, {sum(known) / len(known):,.0f} for each answer"
        yield self._usd()
        yield self._time()
        if n < FEW:
            yield f"{n} answers are few: the intervals (mean +- 1.96 standard errors) are rather too narrow"

    @property
    def _rest(self) -> int:
        """Units that may have to be asked about yet: as many are answered before among them as in the sample."""
        return round((self.units * len(self.asked)) / (len(self.asked) + self.kept))

    def _usd(self) -> str:
        known = [one.usd for one in self.asked if one.usd is not None]
        if len(known) < len(self.asked):
            return "what they cost is not known: write the price into [remote] prices of the study file"
        total = totalled(known, self._rest)
        return (
            f"they cost {money(sum(known))} USD; all {self._rest:,} units about {money(total.value)} USD "
            f"({money(total.low)} to {money(total.high)})"
        )

    def _time(self) -> str:
        seconds = [one.seconds for one in self.asked]
        total = totalled(seconds, self._rest)
        return (
            f"{sum(seconds) / len(seconds):,.2f} s for each; all of them one after the other in "
            f"{spoken_time(total.value)} ({spoken_time(total.low)} to {spoken_time(total.high)}); a run asks about "
            "several at a time"
        )


def tried(todo: Plan, measure: Measure, sample: int) -> Trial:
    """Really ask about a sample of the units that lack a row, one after the other, under the allowance of this block.

    Args:
        todo: the plan; nothing is written into its tables.
        measure: that is asked, one of the plan.
        sample: how many units, 1 or more.

    Raises:
        BudgetError: the budget is used up; the answers so far are kept.
        InputError: the service cannot be used; whatever `Measure.prepare` says.
    """
    units = drawn(todo, measure, sample)
    measure.prepare()
    asked: list[Asked] = []
    kept = 0
    for item in inputs(todo, measure, units):
        if _kept(measure, item):
            kept += 1
        else:
            asked.append(_ask(measure, item))
    lacking = sum(len(rows) for parts, rows in todo.pieces if measure in parts)
    return Trial(measure.name, todo.kind, lacking, kept, tuple(asked))


def _kept(measure: Measure, item: Any) -> bool:
    try:
        told = measure.outgoing(item)
    except MediaError:
        return False
    return told is not None and told.kept


def _ask(measure: Measure, item: Any) -> Asked:
    ledger, before, began = allowance.current(), allowance.current().spent, time.monotonic()
    try:
        row, fault = measure([item]), ""
    except MediaError as error:
        row, fault = {}, str(error)
    seconds = time.monotonic() - began
    noted = ledger.ledger is not None and ledger.ledger.exists()
    return Asked(
        seconds,
        ledger.spent - before if noted else None,
        _value(row.get(f"{measure.name}_tokens_in")),
        _value(row.get(f"{measure.name}_tokens_out")),
        fault,
    )


def _value(column: Sequence[Any] | None) -> int | None:
    return None if column is None or column[0] is None else int(column[0])
