"""Tasks: which coders code which units of a sample, and how far they are."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from statistics import median

from studium.coding.assign import assign
from studium.core.codebook import Codebook
from studium.core.records import Records, Sample, Task
from studium.core.records.database import checked
from studium.core.variable import Variable
from studium.errors import InputError
from studium.run.coding.coded import NOTHING, Said, coded, said, variables

__all__ = ["Progress", "Work", "give", "progress"]


@dataclass(frozen=True)
class Work:
    """What is to be coded, and by whom.

    Attributes:
        name: of the task.
        sample: name of the sample.
        variables: in the order in which they are asked; one that is asked only if another was answered so stands after
            that one.
        coders: their names; pseudonyms will do.
        overlap: share of the units that every coder codes; the rest is split evenly. See `studium.coding.assign`.
        per_unit: coders of each unit, instead of an overlap.
        seed: of what is drawn; None for the study's.
    """

    name: str
    sample: str
    variables: Sequence[str]
    coders: Sequence[str]
    overlap: float = 1.0
    per_unit: int | None = None
    seed: int | None = None


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a coder is.

    Attributes:
        coder: who.
        total: their units.
        done: those that are coded.
        seconds: that a unit took, the median; None if nobody measured it.
        last: when they last coded one, or None.
    """

    coder: str
    total: int
    done: int
    seconds: float | None
    last: datetime | None


def give(records: Records, codebook: Codebook, work: Work, who: str, seed: int = 0) -> Task:
    """Give the units of a sample to coders, and keep that.

    Args:
        records: of the study.
        codebook: with the variables.
        work: what is to be coded, and by whom.
        who: gives it.
        seed: where ``work`` has none.

    Raises:
        UnknownNameError: no such sample or variable.
        InputError: variables that are not about the units of the sample; a task of this name; see `assign` too.
    """
    if not work.name.strip() or "/" in work.name:
        raise InputError(f"expected a name for the task, without a slash, got {work.name!r}")
    sample = records.samples.get(checked(work.sample))
    _check(sample, variables(codebook, work.variables))
    seed = seed if work.seed is None else work.seed
    units = assign([one.unit for one in sample.units], work.coders, work.overlap, work.per_unit, seed)
    how = ("overlap", work.overlap) if work.per_unit is None else ("per_unit", work.per_unit)
    design = {how[0]: how[1], "coders": [*work.coders], "seed": seed}
    asked = list(work.variables)
    task = Task(work.name, work.sample, asked, design, who, datetime.now(UTC), units)
    records.tasks.add(task)
    return task


def progress(records: Records, codebook: Codebook, name: str, coder: str | None = None) -> list[Progress]:
    """How far each coder of a task is, by name; or one of them.

    Raises:
        UnknownNameError: no such task, or the codebook has its variables no more.
    """
    task = records.tasks.get(checked(name))
    questions, found = variables(codebook, task.variables), said(records, codebook, task, coder)
    return [
        _progress(name, units, questions, found) for name, units in sorted(task.units.items()) if coder in {None, name}
    ]


def _progress(
    coder: str, units: Sequence[str], questions: Sequence[Variable], found: Mapping[tuple[str, str], Said]
) -> Progress:
    theirs = [found.get((coder, unit), NOTHING) for unit in units]
    done = [one for one in theirs if coded(questions, one.answers)]
    took = [one.seconds for one in done if one.seconds is not None]
    times = [one.at for one in theirs if one.at is not None]
    return Progress(coder, len(units), len(done), median(took) if took else None, max(times) if times else None)


def _check(sample: Sample, asked: Sequence[Variable]) -> None:
    """Refuse variables that cannot be coded on the units of a sample, in this order."""
    names = [one.name for one in asked]
    if not names or len({*names}) < len(names):
        raise InputError(f"expected variables to code, each once, got {', '.join(names) or 'none'}")
    for at, one in enumerate(asked):
        if (one.of, one.pairs) != (sample.of, sample.pairs):
            wanted, got = _units_of(one.of, one.pairs), _units_of(sample.of, sample.pairs)
            raise InputError(f"{one.name!r} is asked about {wanted}, and {sample.name!r} is a sample of {got}")
        if missing := [name for name, _ in one.only_if if name not in names[:at]]:
            raise InputError(
                f"{one.name!r} is asked only if {missing[0]!r} was answered so; name {missing[0]!r} before it"
            )


def _units_of(kind: str, pairs: bool) -> str:
    return f"pairs of {kind} units" if pairs else f"{kind} units"
