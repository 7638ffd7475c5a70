"""Disagreements of coders, and what is decided about them. What the coders said stays as it is."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from studium.coding.adjudicate import OVERLAP, differ
from studium.core.annotation import Annotation
from studium.core.codebook import Codebook
from studium.core.records import Adjudication, Records
from studium.core.records.database import checked
from studium.core.variable import Answer
from studium.errors import InputError, RefusedError
from studium.run.coding.blind import parts, still_open

__all__ = ["Decision", "Disagreement", "Where", "adjudicate", "decisions", "disagreements"]


@dataclass(frozen=True)
class Where:
    """Which disagreements are meant.

    Attributes:
        variable: that coders disagree about.
        task: only of this one; "" for all that was coded.
        undecided: only those that nobody decided yet.
        tolerance: by how much numbers may differ.
        overlap: from which intersection over union two boxes show the same.
    """

    variable: str
    task: str = ""
    undecided: bool = False
    tolerance: float = 0.0
    overlap: float = OVERLAP


@dataclass(frozen=True, slots=True)
class Disagreement:
    """A unit that coders answered differently.

    Attributes:
        unit: its id, or that of a pair.
        variable: that it is about.
        codes: coder -> answer, by the present definition.
        notes: coder -> what they remarked, if they did.
        decision: what counts, or None as long as nobody decided.
    """

    unit: str
    variable: str
    codes: Mapping[str, Answer]
    notes: Mapping[str, str]
    decision: Adjudication | None


@dataclass(frozen=True, slots=True)
class Decision:
    """What is to count.

    Attributes:
        unit: its id, or that of a pair.
        variable: name in the codebook.
        value: the answer; None is "cannot tell".
        note: why, or None.
        size: width and height of the picture in pixels, in which boxes must lie, or None.
    """

    unit: str
    variable: str
    value: object
    note: str | None = None
    size: tuple[int, int] | None = None


def disagreements(records: Records, codebook: Codebook, where: Where, who: str | None = None) -> list[Disagreement]:
    """The units that coders answered differently, in the order in which they were first coded; decided ones too.

    Args:
        records: of the study.
        codebook: with the variable.
        where: which are meant.
        who: asks; units that they have yet to code themselves are left out.

    Raises:
        UnknownNameError: no such variable or task.
    """
    variable = codebook[where.variable]
    codes = _codes(records, codebook, where.variable, where.task)
    blind = parts(still_open(records, codebook, who)) if who is not None else frozenset()
    decided = decisions(records, codebook, where.variable)
    found = []
    for unit, said in codes.items():
        answers = {one.coder: one.value for one in said}
        if blind & parts([unit]) or (where.undecided and unit in decided):
            continue
        if differ(variable, answers, where.tolerance, where.overlap):
            notes = {one.coder: one.note for one in said if one.note}
            found.append(Disagreement(unit, where.variable, answers, notes, decided.get(unit)))
    return found


def adjudicate(records: Records, codebook: Codebook, decision: Decision, who: str) -> Adjudication:
    """Decide what counts of a unit; with what its coders say as it stands.

    Raises:
        InputError: an answer that cannot be, or nobody has coded the unit.
        RefusedError: who decides has yet to code the unit.
    """
    variable = codebook[decision.variable]
    value = variable.validate(decision.value, decision.size)
    said = [
        one
        for one in records.annotations(decision.variable, unit=checked(decision.unit))
        if one.variable_digest == variable.digest
    ]
    if not said:
        raise InputError(
            f"nobody has coded {decision.variable!r} of the unit {decision.unit!r}: nothing to decide; name a unit by "
            "its whole id"
        )
    if parts([decision.unit]) & parts(still_open(records, codebook, who)):
        raise RefusedError(f"{who} has yet to code the unit {decision.unit!r}; code it first, then decide")
    codes = {one.coder: one.value for one in said}
    past = records.adjudications.all(decision.variable, history=True)
    before = [one.at + timedelta(microseconds=1) for one in past if one.unit == decision.unit]
    at = max([datetime.now(UTC), *before])  # the last counts, also if this clock is behind that of another machine
    made = Adjudication(
        *(decision.unit, decision.variable, value, codes, who, at, variable.digest),
        decision.note or None,
    )
    records.adjudications.add(made)
    return made


def decisions(records: Records, codebook: Codebook, variable: str) -> dict[str, Adjudication]:
    """Unit -> what was decided last, by the present definition of the variable."""
    digest = codebook[variable].digest
    return {one.unit: one for one in records.adjudications.all(variable) if one.variable_digest == digest}


def _codes(records: Records, codebook: Codebook, variable: str, task: str) -> dict[str, list[Annotation]]:
    """Unit -> its codes by the present definition, in the order they were added."""
    digest = codebook[variable].digest
    given = records.tasks.get(checked(task)) if task else None
    theirs = {coder: {*units} for coder, units in given.units.items()} if given else {}
    found: dict[str, list[Annotation]] = {}
    for one in records.annotations(variable, sample=given.sample if given else None):
        ours = given is None or one.unit in theirs.get(one.coder, ())
        if one.variable_digest == digest and ours:
            found.setdefault(one.unit, []).append(one)
    return found
