"""What will leave the machine: listed before anything is sent, from a random sample of the units."""

import itertools
import logging
import random
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from studium.core.allowance import Allowance
from studium.core.outgoing import Outgoing
from studium.core.protocols import Measure
from studium.core.store import Store, unit_of
from studium.core.unit import Unit
from studium.errors import MediaError, MissingExtraError, WeightsError
from studium.measure.faceless import GLANCE, faces_in
from studium.media.transform import downscale
from studium.run.load import DEFAULT, Decoding, Loader
from studium.run.plan import How, Part, Plan, plan
from studium.run.totals import Total, counted, lasting, priced, sized, spoken_time, totalled

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["SAMPLE", "Leaving", "announce", "drawn", "inputs", "leaving", "quote"]

log = logging.getLogger(__name__)

SAMPLE = 50
"""Units of which it is worked out what would be sent, and pictures in which faces are looked for, at most."""


@dataclass(frozen=True)
class Leaving:
    """What one remote part would send.

    Attributes:
        name: of the part.
        kind: of the units.
        units: how many lack a row.
        looked: how many of them were drawn at random and looked at; all of them up to `SAMPLE`.
        told: what would be sent of each that something would be sent of, or was before; without the pixels.
        pictures: how many pictures there are in each of ``told``.
        faces: in how many of how many pictures faces were found; or why they were not looked for.
        covered: whether the part covers faces; None if it does not offer that.
        allowance: what the run may spend.
        batch: the share of the price that a batch costs, if it is one that is submitted; else None.
    """

    name: str
    kind: str
    units: int
    looked: int
    told: tuple[Outgoing, ...]
    pictures: tuple[int, ...]
    faces: tuple[int, int] | str
    covered: bool | None
    allowance: Allowance
    batch: float | None = None

    @property
    def requests(self) -> Total:
        """Answers to be asked for: one for each unit, so never more than there are units."""
        found = self._sum([1.0 for _ in self._new])
        return replace(found, high=min(found.high, self.units - (self.looked - len(self._new))))

    @property
    def usd(self) -> Total | None:
        """What they are expected to cost; None if nobody knows."""
        share = 1.0 if self.batch is None else self.batch
        return self._known([None if one.usd is None else one.usd * share for one in self._new])

    @property
    def seconds(self) -> Total | None:
        """How long they are expected to take, one after the other; None if nobody knows."""
        return self._known([one.seconds for one in self._new])

    @property
    def _new(self) -> list[Outgoing]:
        return [one for one in self.told if not one.kept]

    def _sum(self, values: Sequence[float]) -> Total:
        return totalled([*values, *[0.0] * (self.looked - len(values))], self.units)

    def _known(self, values: Sequence[float | None]) -> Total | None:
        known = [value for value in values if value is not None]
        return self._sum(known) if len(known) == len(values) else None

    def __str__(self) -> str:
        return "\n  ".join(self._lines())

    def _lines(self) -> Iterator[str]:
        hosts = sorted({one.host for one in self.told})
        where = ", ".join(hosts) or "another machine"
        lacking = f"{self.units:,} {self.kind} unit{'s' * (self.units != 1)} lack{'s' * (self.units == 1)} a row"
        yield f"{self.name} sends data to {where}: {lacking}"
        if not self.told:
            yield "what it would send cannot be told beforehand"
        else:
            yield f"{self._load()} ({self._basis()})"
            if self._new:
                yield from self._told_faces()
                yield self._cost()
                yield self._time()
        yield self._budget()

    def _load(self) -> str:
        shown = [n for one, n in zip(self.told, self.pictures, strict=True) if not one.kept]
        sums = [self._sum(values) for values in ([one.texts for one in self._new], shown)]
        texts, pictures = (counted(total, what) for total, what in zip(sums, ("text", "picture"), strict=True))
        size = self._sum([one.bytes for one in self._new])
        return f"{counted(self.requests, 'request')} with {pictures} and {texts}, {sized(size)}"

    def _basis(self) -> str:
        kept, none = len(self.told) - len(self._new), self.looked - len(self.told)
        said = [f"by a random sample of {self.looked} units" if self.looked < self.units else "all were looked at"]
        if kept:
            said.append(f"{kept} of them were answered before: nothing is sent, and nothing paid")
        if none:
            said.append(f"{none} of them cannot be sent")
        return "; ".join(said)

    def _told_faces(self) -> Iterator[str]:
        if isinstance(self.faces, str):
            yield f"faces were not looked for: {self.faces}"
        elif self.faces[1]:
            found = f"{self.faces[0]} of {self.faces[1]} pictures, seen at {GLANCE} px, where small ones are missed"
            if self.covered:
                yield f"faces are covered as far as they are found (cover_faces); they still seem to be in {found}"
            else:
                offered = "; cover_faces=true covers those that are found before anything is sent"
                yield f"faces seem to be in {found}{'' if self.covered is None else offered}"

    def _cost(self) -> str:
        source = next((one.source for one in self._new if one.source), "")
        if self.usd is None:
            known = f" ({source})" if source else ""
            return f"what it costs is not known{known}; the study file can say it: [remote.prices]"
        cheaper = "" if self.batch is None else f", {self.batch:.0%} of the price, by batch"
        return f"{priced(self.usd)}{cheaper}{f' ({source})' if source else ''}"

    def _time(self) -> str:
        said = []
        if self.batch is not None:
            return "by batch: answered when the server has time, mostly within a day"
        if self.seconds is not None:
            said.append(f"{lasting(self.seconds)} if asked one after the other, by the answers so far")
        if pace := self.allowance.requests_per_minute:
            said.append(f"at least {spoken_time(self.requests.value / pace * 60)} at {pace:g} requests a minute")
        return "; ".join(said) or "how long it takes is not known; ask about some: studium remote estimate --sample 10"

    def _budget(self) -> str:
        budget = self.allowance.budget
        if budget is None:
            return "no budget is set (--budget USD)"
        over = self.usd is not None and self.usd.value > budget
        return f"the budget of the run is {budget:g} USD" + (", and will not do for all of them" if over else "")


def announce(todo: Plan, batch: float | None = None) -> list[Leaving]:
    """Say what will leave before anything is sent; as a warning, so that it is seen wherever one works.

    Args:
        todo: the plan.
        batch: the share of the price that it costs, if it is submitted as a batch.
    """
    told = [replace(each, batch=batch) for each in leaving(todo)]
    for each in told:
        log.warning("%s", each)
    return told


def quote(
    store: Store, kind: str, asked: Sequence[Part], decoding: Decoding = DEFAULT, threads: int = 1
) -> list[Leaving]:
    """What parts would send of whatever lacks them. Nothing is sent, and nothing is written."""
    return leaving(plan(store, kind, asked, How(threads, decoding), make=False))


def leaving(todo: Plan) -> list[Leaving]:
    """What every remote part of a plan would send. Nothing is sent to find it out."""
    parts = dict.fromkeys(part for lacking, _ in todo.pieces for part in lacking if part.remote)
    return [_leaving(todo, part) for part in parts]


def drawn(todo: Plan, part: Part, most: int) -> list[Unit]:
    """Units that lack a part, drawn at random, the same ones every time; in their order, all of them if they are few.

    Args:
        todo: the plan.
        part: the part.
        most: how many.
    """
    rows = np.concatenate([rows for lacking, rows in todo.pieces if part in lacking])
    chosen = sorted(random.Random(0).sample(range(len(rows)), min(most, len(rows))))
    return [unit_of(row) for row in todo.units.take(rows[chosen]).to_pylist()]


def inputs(todo: Plan, part: Part, units: Sequence[Unit]) -> Iterator[Any]:
    """What a part would be called with, one by one; what cannot be loaded is not sent either, and left out."""
    around = todo.surroundings.of(units) if part.takes == "material" else {}
    with Loader(todo.root, todo.how.decoding, todo.lineage.above(units), around) as loader:
        for unit in units:
            try:
                yield loader.load(unit, part.takes, part.detail)
            except MediaError:
                continue


def _leaving(todo: Plan, part: Part) -> Leaving:
    units = sum(len(rows) for lacking, rows in todo.pieces if part in lacking)
    sample = drawn(todo, part, SAMPLE)
    told, counts, shown = [], [], _Glances()
    for one in _outgoing(todo, part, sample):
        counts.append(len(one.pictures))
        if not one.kept:
            shown.add(one.pictures)
        told.append(replace(one, pictures=()))
    params: Mapping[str, Any] = vars(part)
    return Leaving(
        name=part.name,
        kind=todo.kind,
        units=units,
        looked=len(sample),
        told=tuple(told),
        pictures=tuple(counts),
        faces=shown.faces(),
        covered=params.get("cover_faces"),
        allowance=todo.how.allowance,
    )


def _outgoing(todo: Plan, part: Part, units: Sequence[Unit]) -> Iterator[Outgoing]:
    """What would be sent of each unit, if anything; worked out on several cores, for faces may have to be covered."""
    if not isinstance(part, Measure):
        return

    def told(item: Any) -> Outgoing | None:
        try:
            return part.outgoing(item)
        except MediaError:  # it will be a failure, and nothing is sent
            return None

    items = inputs(todo, part, units)
    with ThreadPoolExecutor(todo.how.threads) as pool:
        while some := list(itertools.islice(items, todo.how.threads)):
            asked = [pool.submit(copy_context().run, told, item) for item in some]
            yield from (one for future in asked if (one := future.result()) is not None)


class _Glances:
    """Up to `SAMPLE` of the pictures that go by, each as likely as any other, small."""

    def __init__(self) -> None:
        self.kept: list[NDArray[np.uint8]] = []
        self._seen, self._chance = 0, random.Random(0)

    def add(self, pictures: Sequence[Any]) -> None:
        for picture in pictures:
            self._seen += 1
            place = self._chance.randrange(self._seen)
            if len(self.kept) < SAMPLE:
                self.kept.append(downscale(picture, GLANCE))
            elif place < SAMPLE:
                self.kept[place] = downscale(picture, GLANCE)

    def faces(self) -> tuple[int, int] | str:
        """In how many of how many there are faces; or why nobody looked."""
        try:
            return sum(bool(faces_in(picture)) for picture in self.kept), len(self.kept)
        except (MissingExtraError, WeightsError) as error:
            return str(error)
