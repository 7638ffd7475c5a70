"""Coding, unit by unit: what is next, what is shown, and what was said, kept at once.

Where a coder is in a task follows from the database alone: whatever is killed, nothing is lost, and what is sent twice
is there once.
"""

import hashlib
import json
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from studium.core.annotation import Annotation
from studium.core.codebook import Codebook
from studium.core.pair import units_of
from studium.core.records import Records, Task
from studium.core.store import Store
from studium.core.variable import Answer, Variable
from studium.errors import InputError, RefusedError, UnknownNameError
from studium.run.coding.blind import GIVEN, HIDDEN, hidden, still_open
from studium.run.coding.coded import NOTHING, Said, asked_of, chance, coded, said, skipped, variables
from studium.run.coding.queue import Place, place_in
from studium.run.coding.shown import Shown, shown

__all__ = ["GIVEN", "HIDDEN", "Coded", "Item", "Place", "hidden", "item", "next_position", "save", "still_open"]


@dataclass(frozen=True, slots=True)
class Item:
    """A unit to code.

    Attributes:
        position: in the coder's order, from 0.
        total: units of theirs.
        done: of these, coded.
        unit: what is shown; None if it is a pair.
        pair: what is shown, if it is a pair.
        variables: what is asked, in order.
        answers: the coder's own, so far.
        note: the coder's own, or None.
        coded: whether everything that is asked is answered.
        skipped: variables that are not asked, given the answers so far.
    """

    position: int
    total: int
    done: int
    unit: Shown | None
    pair: tuple[Shown, Shown] | None
    variables: Sequence[str]
    answers: Mapping[str, Answer]
    note: str | None
    coded: bool
    skipped: Sequence[str]


@dataclass(frozen=True)
class Coded:
    """What a coder says of a unit, at one time.

    Attributes:
        unit: its id; of a pair that of `studium.core.pair.pair_of`.
        answers: variable -> answer; None is "cannot tell".
        withdrawn: variables whose answers are taken back.
        seconds: that it took, without pauses, or None.
        note: a remark, or None.
        key: names this one time, so that sending it again changes nothing; or None.
        size: width and height of the picture in pixels, in which boxes must lie, or None.
        definitions: variable -> `Variable.digest` of what the coder read, where that is known; the present one must be
            the same.
    """

    unit: str
    answers: Mapping[str, object] = field(default_factory=dict)
    withdrawn: Sequence[str] = ()
    seconds: float | None = None
    note: str | None = None
    key: str | None = None
    size: tuple[int, int] | None = None
    definitions: Mapping[str, str] = field(default_factory=dict)


def next_position(records: Records, codebook: Codebook, task: str, coder: str, after: int = -1) -> Place:
    """The next unit that a coder has not coded: the first one after a position, or else the first of all.

    Raises:
        UnknownNameError: no such task.
        RefusedError: the coder has no units in it.
    """
    return _place(records, codebook, _task(records, task, coder), coder, after)


def item(store: Store, records: Records, codebook: Codebook, task: str, coder: str, position: int) -> Item:
    """A unit as its coder sees it: with their own answers, and nothing that others or machines say.

    Raises:
        UnknownNameError: no such task, or position.
        RefusedError: the coder has no units in it.
    """
    given = _task(records, task, coder)
    far = _place(records, codebook, given, coder)
    unit, questions = records.tasks.unit(task, coder, position), variables(codebook, given.variables)
    if unit is None:
        raise UnknownNameError(f"no position {position} in the task {task!r} of {coder}: it has 0 to {far.total - 1}")
    own = said(records, codebook, given, coder, [unit]).get((coder, unit), NOTHING)
    pairs = questions[0].pairs
    seen = shown(store, questions[0].of, units_of(unit) if pairs else [unit])
    return Item(
        position=position,
        total=far.total,
        done=far.done,
        unit=None if pairs else seen[0],
        pair=(seen[0], seen[1]) if pairs else None,
        variables=[*given.variables],
        answers=own.answers,
        note=own.note,
        coded=coded(questions, own.answers),
        skipped=skipped(questions, own.answers),
    )


def save(records: Records, codebook: Codebook, task: str, coder: str, told: Coded) -> int:
    """Keep what a coder says of a unit: all of it, or nothing.

    An answer to a question that is not asked, given the others, is refused; one that was given earlier and is asked no
    more is withdrawn. Each has the weight 1 / P(the unit was drawn).

    Returns:
        How many annotations were added; 0 if this was kept before.

    Raises:
        UnknownNameError: no such task.
        RefusedError: the unit is not the coder's to code.
        InputError: a variable that is not of the task, an answer that cannot be, a definition that is not what the
            coder read, or a key that was used for another.
    """
    given = _task(records, task, coder)
    if not records.tasks.gives(task, coder, told.unit):
        if not records.tasks.units(task, coder):
            raise _not_theirs(task, coder)
        raise RefusedError(f"the unit {told.unit!r} is not among those that {coder} codes in the task {task!r}")
    questions = variables(codebook, given.variables)
    answers = _validated(told, questions)
    weight = max(1.0, 1 / chance(records, given.sample, told.unit))
    with records.alone(coder, told.unit):  # what is asked follows from the answers that stand, until these do
        past = records.annotations(coder=coder, unit=told.unit, history=True)
        name = _named(task, coder, told)
        if before := [one for one in past if one.key and one.key.startswith(name)]:
            return _again(told, answers, before)
        now = said(records, codebook, given, coder, [told.unit]).get((coder, told.unit))
        gone = _withdrawn(questions, now, told, answers)
        at = max([datetime.now(UTC), *(one.at + timedelta(microseconds=1) for one in past)])
        rows = [
            Annotation(
                *(told.unit, one.name, answers.get(one.name), coder, at, one.digest, weight, told.note or None),
                *(given.sample, told.seconds, one.name in gone, f"{name}{one.name}"),
            )
            for one in questions
            if one.name in answers or one.name in gone
        ]
        return records.annotate(rows)


def _task(records: Records, name: str, coder: str) -> Task:
    """A task without its units, which may be many; whose name is unknown hears of the coder's own tasks alone."""
    for task in (known := records.tasks.all()):
        if task.name == name:
            return task
    there = ", ".join(one.name for one in known if records.tasks.units(one.name, coder)) or "none"
    raise UnknownNameError(f"no task {name!r}; there are: {there}")


def _place(records: Records, codebook: Codebook, task: Task, coder: str, after: int = -1) -> Place:
    found = place_in(records, codebook, task, coder, after)
    if not found.total:
        raise _not_theirs(task.name, coder)
    return found


def _not_theirs(task: str, coder: str) -> RefusedError:
    return RefusedError(f"{coder} has no units in the task {task!r}; it is for other coders")


def _validated(told: Coded, questions: Sequence[Variable]) -> dict[str, Answer]:
    """The answers in their stored form; refuses what is not about the task."""
    known = {one.name: one for one in questions}
    if wrong := [name for name in (*told.answers, *told.withdrawn) if name not in known]:
        raise InputError(f"{wrong[0]!r} is not asked in this task; it asks {', '.join(known)}")
    if both := [name for name in told.withdrawn if name in told.answers]:
        raise InputError(f"{both[0]!r} is answered and withdrawn at once; do one of them")
    if not told.answers and not told.withdrawn:
        raise InputError(f"unit {told.unit!r}: expected answers, or variables to withdraw, got neither")
    read = {name: digest for name, digest in told.definitions.items() if name in told.answers}
    if changed := [name for name, digest in read.items() if known[name].digest != digest]:
        raise InputError(
            f"the codebook's definition of {changed[0]!r} changed while you coded; reload the page, read it, and code "
            f"the unit {told.unit[:8]} again"
        )
    return {name: known[name].validate(value, told.size) for name, value in told.answers.items()}


def _withdrawn(
    questions: Sequence[Variable], now: Said | None, told: Coded, answers: Mapping[str, Answer]
) -> list[str]:
    """What the coder had said and takes back: as they say so, or because it is asked no more."""
    before = now.answers if now else {}
    after = {name: value for name, value in before.items() if name not in told.withdrawn} | {**answers}
    asked = asked_of(questions, after)
    if wrong := [name for name in answers if name not in asked]:
        raise InputError(
            f"{wrong[0]!r} is not asked, given the other answers, and was answered {answers[wrong[0]]!r}; leave it out"
        )
    return [name for name in before if name in told.withdrawn or name not in asked]


def _named(task: str, coder: str, told: Coded) -> str:
    """What the keys of this one time begin with: nobody else's, and of no other unit."""
    key = told.key or uuid.uuid4().hex
    text = json.dumps([task, coder, told.unit, key])
    return f"{hashlib.sha256(text.encode()).hexdigest()[:32]}/"


def _again(told: Coded, answers: Mapping[str, Answer], before: Sequence[Annotation]) -> int:
    kept = {one.variable: one.value for one in before if not one.withdrawn}
    if kept != answers:
        raise InputError(
            f"unit {told.unit!r}: the key {told.key!r} was used for other answers; send a new key with every change"
        )
    return 0
