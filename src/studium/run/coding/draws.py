"""Samples of a study's units to be coded: drawn by a design, and kept with all that figures of them need."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

import numpy as np

from studium.coding.sample import ALLOCATIONS, Drawn, chances, clusters, draw, purposive, simple, stratified
from studium.core.codebook import Codebook
from studium.core.records import Records
from studium.core.records.samples import Sample, Sampled
from studium.core.store import Store
from studium.core.unit import check_kind
from studium.errors import InputError, UnknownNameError
from studium.run import apart
from studium.run.coding.columns import Told, behind, told
from studium.run.coding.strata import MISSING, spread_of, strata_of
from studium.run.coding.taken import HOLDOUT, held_out, seed_of, taken
from studium.run.coding.unsure import Unsure
from studium.run.coding.usable import unusable

__all__ = ["DESIGNS", "Draw", "drawn"]

DESIGNS = ("simple", "stratified", "clusters", "uncertainty", "purposive", HOLDOUT)


@dataclass(frozen=True)
class Draw:
    """Which sample is drawn.

    Attributes:
        name: of the sample, new in the study.
        of: kind of the units; "" for that of the model of "uncertainty".
        n: units; of "clusters" whole clusters; of no meaning for "purposive".
        design: "simple"; "stratified" by a column; "clusters": whole ones drawn; "uncertainty" of a model; "purposive":
            ``units``; "holdout": a simple one whose units no other sample may draw.
        by: column of "stratified" and "clusters", see `studium.run.coding.columns.told`; of "uncertainty" the model.
        allocation: of "stratified": one of `ALLOCATIONS`.
        spread: of "neyman": a column that tells how units differ: a number, a category, or a model's probabilities.
        bins: parts of about the same size that numbers are cut into.
        units: of "purposive": their ids.
        floor: of "uncertainty": share of the sample that is drawn from all units alike.
        measure: of "uncertainty": "entropy" or "margin".
        labels: of "uncertainty": where there are codes besides those that the model learned from.
        fresh: leave out what other samples drew.
        once: draw near-duplicates once, as far as the study knows them.
        seed: of the draw; None for the study's.
    """

    name: str
    of: str = ""
    n: int = 100
    design: str = "simple"
    by: str = ""
    allocation: str = "proportional"
    spread: str = ""
    bins: int = 4
    units: Sequence[str] = ()
    floor: float = 0.3
    measure: str = "entropy"
    labels: Any = None
    fresh: bool = False
    once: bool = True
    seed: int | None = None

    def __post_init__(self) -> None:
        """Refuse what does not go together."""
        if not self.name.strip():
            raise InputError("a sample needs a name")
        if self.design not in DESIGNS:
            raise InputError(
                f"design should be one of {', '.join(DESIGNS)}, got {self.design!r} (pairs: studium pairs draw)"
            )
        if self.allocation not in ALLOCATIONS:
            raise InputError(f"allocation should be one of {', '.join(ALLOCATIONS)}, got {self.allocation!r}")
        if bool(self.by) != (self.design in ("stratified", "clusters", "uncertainty")):
            raise InputError(
                f"{self.design}: by is the column of stratified and clusters, and the model of uncertainty, and only "
                f"theirs; got {self.by!r}"
            )
        if bool(self.units) != (self.design == "purposive"):
            raise InputError(f"{self.design}: units are named for purposive, and only there; got {len(self.units)}")
        if bool(self.spread) != (self.design == "stratified" and self.allocation == "neyman"):
            raise InputError(f"spread is a column for stratified with neyman, and only there; got {self.spread!r}")


def drawn(
    store: Store, records: Records, codebook: Codebook, asked: Draw, *, seed: int = 0, who: str = "local"
) -> Sample:
    """Draw a sample and keep it.

    Units that some table could not decode are left out, unless they are named ("purposive"): nobody can look at them.

    Args:
        store: the study.
        records: where it is kept.
        codebook: of the variable that a model of "uncertainty" predicts; may be empty for other designs.
        asked: which sample.
        seed: the study's.
        who: draws.

    Returns:
        The sample. Its ``design`` tells ``design``, ``seed``, ``frame`` (units that it was drawn from), ``strata``
        (name -> ``units`` of the frame, ``drawn``), ``left_out`` (why -> how many units), ``behind`` (the tables or the
        model that it rests on, with keys and versions), ``estimates`` (whether figures of it can tell of other units),
        and what was asked for.

    Raises:
        InputError: n that is too large, a name that is taken, or units that are held out.
        UnknownNameError: no such column, model or unit.
    """
    if asked.name in records.samples.names():
        raise InputError(f"there is a sample {asked.name!r} already; choose another name")
    seed = seed if asked.seed is None else asked.seed
    made = _uncertain if asked.design == "uncertainty" else _from_frame
    units, told_ = made(_Study(store, records, codebook), asked, seed)
    order = np.random.default_rng([seed, 1]).permutation(len(units)).tolist()
    sample = Sample(asked.name, told_.pop("of"), told_, who, datetime.now(UTC), False, tuple(units[at] for at in order))
    records.samples.add(sample)
    return sample


@dataclass(frozen=True)
class _Study:
    store: Store
    records: Records
    codebook: Codebook


@dataclass
class _Frame:
    """The units that a sample is drawn from, and what was left out."""

    units: list[str]
    left_out: dict[str, int] = field(default_factory=dict)
    behind: list[dict[str, Any]] = field(default_factory=list)

    @property
    def gone(self) -> int:
        """How many units were left out."""
        return sum(self.left_out.values())

    def without(self, units: set[str], why: str) -> None:
        kept = [unit for unit in self.units if unit not in units]
        if len(kept) < len(self.units):
            self.left_out[why] = len(self.units) - len(kept)
        self.units = kept


def _from_frame(study: _Study, asked: Draw, seed: int) -> tuple[list[Sampled], dict[str, Any]]:
    check_kind(asked.of)
    frame = _Frame(sorted(study.store.units(asked.of)["id"].to_pylist()))
    if not frame.units:
        raise InputError(f"the study has no {asked.of} units to draw from; add some, or split what holds them")
    if asked.design == "purposive":
        return _chosen(study, asked, frame)
    _leave_out(study, asked, frame)
    found = _DRAWN[asked.design](study, asked, frame, seed_of(seed, frame.gone))
    units = _sampled(frame, found)
    about: dict[str, Any] = {"design": asked.design, "seed": seed, "frame": found.frame, "drawn": len(units)}
    about |= {name: getattr(asked, name) for name in ("by", "spread") if getattr(asked, name)}
    if asked.design == "stratified":
        about |= {"allocation": asked.allocation}
    if found.strata:
        about["strata"] = {name: {"units": one.units, "drawn": one.drawn} for name, one in found.strata.items()}
    about |= {"left_out": frame.left_out, "behind": frame.behind, "estimates": "all units of the frame"}
    return units, about | {"of": asked.of}


def _sampled(frame: _Frame, found: Drawn) -> list[Sampled]:
    strata = found.stratum or [None] * len(found.rows)
    return [
        Sampled(frame.units[row], chance, stratum)
        for row, chance, stratum in zip(found.rows.tolist(), found.chance.tolist(), strata, strict=True)
    ]


def _leave_out(study: _Study, asked: Draw, frame: _Frame) -> None:
    frame.without(held_out(study.records, asked.of), "held out")
    frame.without(unusable(study.store, asked.of), "could not be decoded, see the failures")
    if asked.fresh or asked.design == HOLDOUT:
        frame.without(taken(study.records, asked.of), "drawn by other samples")
    if not frame.units:
        raise InputError(f"no {asked.of} unit is left to draw: {frame.left_out}")


def _chosen(study: _Study, asked: Draw, frame: _Frame) -> tuple[list[Sampled], dict[str, Any]]:
    place = {unit: row for row, unit in enumerate(frame.units)}
    if unknown := [unit for unit in asked.units if unit not in place]:
        raise UnknownNameError(f"the study has no {asked.of} unit {unknown[0]!r} ({len(unknown)} such)")
    if kept := sorted(held_out(study.records, asked.of) & {*asked.units}):
        raise InputError(f"{len(kept)} of the units are held out, such as {kept[0]!r}; leave them out")
    found = purposive([place[unit] for unit in dict.fromkeys(asked.units)])
    told_ = {"design": "purposive", "seed": 0, "frame": found.frame, "drawn": found.frame, "left_out": {}, "behind": []}
    nothing = "these units alone: they were chosen, and no population can be told of"
    return [Sampled(frame.units[row], 1.0) for row in found.rows.tolist()], {
        **told_,
        "estimates": nothing,
        "of": asked.of,
    }


def _simple(study: _Study, asked: Draw, frame: _Frame, seed: int) -> Drawn:
    groups = _groups(study, asked, frame)
    if groups is None:
        return simple(len(frame.units), asked.n, seed)
    n = simple(len(frame.units), asked.n, seed).rows.size  # refuses more than there are
    return draw(np.full(len(frame.units), n / len(frame.units)), None, groups, seed)


def _stratified(study: _Study, asked: Draw, frame: _Frame, seed: int) -> Drawn:
    strata = _strata(study, asked, frame)
    column = _column(study, asked.of, asked.spread, frame) if asked.spread else None
    spread = spread_of(column, asked.spread, strata) if column else None
    return stratified(strata, asked.n, asked.allocation, spread, _groups(study, asked, frame), seed)


def _clusters(study: _Study, asked: Draw, frame: _Frame, seed: int) -> Drawn:
    """Whole clusters; units that are in none are each one of their own."""
    names = _strata(study, asked, frame)
    alone = [unit if name == MISSING else name for unit, name in zip(frame.units, names, strict=True)]
    return clusters(alone, asked.n, seed)


_DRAWN = {"simple": _simple, "holdout": _simple, "stratified": _stratified, "clusters": _clusters}


def _strata(study: _Study, asked: Draw, frame: _Frame) -> list[str]:
    return strata_of(_column(study, asked.of, asked.by, frame), asked.by, asked.bins)


def _column(study: _Study, of: str, name: str, frame: _Frame) -> Told:
    found = told(study.store, study.records, of, frame.units, name)
    if found.table is not None and (made := behind(found.table)) not in frame.behind:
        frame.behind.append(made)
    return found


def _groups(study: _Study, asked: Draw, frame: _Frame) -> list[str | None] | None:
    """Of near-duplicates the group; None if none are known, or they count as any other unit."""
    if not asked.once or apart.DUPLICATES not in apart.default(study.store, asked.of):
        return None
    found = apart.keys(study.store, asked.of, frame.units, [apart.DUPLICATES])[apart.DUPLICATES]
    return [None if one is None else str(one) for one in found]


def _uncertain(study: _Study, asked: Draw, seed: int) -> tuple[list[Sampled], dict[str, Any]]:
    """More of what a model is unsure of, among the units that nobody coded."""
    model = Unsure.read(study.store, asked.by, asked.of)
    asked = replace(asked, of=model.of)
    about = {"model": model.name, "key": model.key, "variable": model.variable}
    frame = _Frame(sorted(model.probabilities), behind=[about])
    frame.without(model.coded(study.codebook, asked.labels), "coded before")
    if not frame.units:
        raise InputError(f"all {frame.gone} {asked.of} units that {asked.by} predicted are coded already")
    _leave_out(study, asked, frame)
    chance = chances(
        model.uncertainty(study.codebook, frame.units, asked.measure), min(asked.n, len(frame.units)), asked.floor
    )
    groups = _groups(study, asked, frame)
    found = draw(chance, model.alike(frame.units), groups, seed_of(seed, frame.gone))
    units = _sampled(frame, found)
    told_: dict[str, Any] = {"design": "uncertainty", "seed": seed, "frame": len(frame.units), "drawn": len(units)}
    told_ |= {name: getattr(asked, name) for name in ("by", "floor", "measure", "of")}
    told_ |= {"left_out": frame.left_out, "behind": frame.behind}
    return units, told_ | {"estimates": "all units of the frame: those that nobody coded before"}
