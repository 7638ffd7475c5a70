"""One answer as a file gives it, and what a file holds that is none."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from studium.core.variable import Answer, Variable
from studium.errors import InputError

__all__ = ["Given", "Read", "moment", "number", "valid"]


@dataclass(frozen=True, slots=True)
class Given:
    """What a coder said of a unit, as far as a file tells.

    Attributes:
        unit: its id, or whatever names it in the file.
        variable: name in the codebook.
        value: as `Variable.validate` returns it; None is "cannot tell".
        coder: who said so.
        weight: 1 / P(the unit was drawn).
        at: when; None if the file does not tell.
        note: what the coder remarked, or None.
        sample: name of the sample, or None.
        seconds: how long the coder took, or None.
        definition: digest of the definition that the coder read; None if the file does not tell.
        key: names this one annotation, or None.
        size: width and height of the picture that boxes were drawn in, or None.
    """

    unit: str
    variable: str
    value: Answer
    coder: str
    weight: float = 1.0
    at: datetime | None = None
    note: str | None = None
    sample: str | None = None
    seconds: float | None = None
    definition: str | None = None
    key: str | None = None
    size: tuple[float, float] | None = field(default=None, compare=False)


@dataclass(frozen=True)
class Read:
    """What a file gives.

    Attributes:
        rows: the answers, in the order of the file.
        told: what it holds that is no answer, or could not be taken as it is, and how often.
    """

    rows: Sequence[Given]
    told: Mapping[str, int] = field(default_factory=Counter)


def valid(variable: Variable, value: object, where: str) -> Answer:
    """A value in its stored form; an error says where in the file it stands."""
    try:
        return variable.validate(value)
    except InputError as error:
        raise InputError(f"{where}: {error}") from None


def number(said: Any, what: str, where: str) -> float:
    """A number of a file.

    Raises:
        InputError: it is none.
    """
    try:
        return float(said)
    except (TypeError, ValueError):
        raise InputError(f"{where}: expected {what}, got {said!r}") from None


def moment(said: str | None, where: str) -> datetime | None:
    """A time in ISO 8601; without a zone it is UTC, as Label Studio writes it. None and "" are no time.

    Raises:
        InputError: it is none.
    """
    if not said:
        return None
    try:
        found = datetime.fromisoformat(said)
    except (TypeError, ValueError):
        raise InputError(f"{where}: expected a time such as 2026-11-21T12:00:00Z, got {said!r}") from None
    return found.replace(tzinfo=UTC) if found.tzinfo is None else found
