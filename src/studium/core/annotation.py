"""An annotation: what one coder said about one unit, and with which version of the variable's definition."""

import math
from dataclasses import dataclass
from datetime import UTC, datetime

from studium.core.variable import Answer
from studium.errors import InputError

__all__ = ["Annotation"]


@dataclass(frozen=True, slots=True)
class Annotation:
    """One coded value.

    Attributes:
        unit: id of the unit.
        variable: name in the codebook.
        value: as `Variable.validate` returns it; None is "cannot tell".
        coder: who coded; a pseudonym will do.
        at: when, with a time zone; kept in UTC.
        variable_digest: `Variable.digest` of the definition that the coder read.
        weight: 1 / P(the unit was drawn), so at least 1.
        note: what the coder remarked, or None.
        sample: name of the sample that the unit was coded in, or None.
        seconds: how long the coder took, without pauses, or None.
        withdrawn: whether this takes back what the coder said before: the unit then counts as not coded.
        key: names this one annotation, so that sending it twice adds it once; or None.
    """

    unit: str
    variable: str
    value: Answer
    coder: str
    at: datetime
    variable_digest: str
    weight: float = 1.0
    note: str | None = None
    sample: str | None = None
    seconds: float | None = None
    withdrawn: bool = False
    key: str | None = None

    def __post_init__(self) -> None:
        """Refuse what could not be attributed, dated or weighted."""
        for key in ("unit", "variable", "coder", "variable_digest"):
            if not getattr(self, key):
                raise InputError(f"annotation of unit {self.unit!r}: {key} is empty; say it")
        if self.at.tzinfo is None:
            raise InputError(f"annotation of unit {self.unit!r}: expected a time with a time zone, got {self.at!r}")
        object.__setattr__(self, "at", self.at.astimezone(UTC))
        if not (math.isfinite(self.weight) and self.weight >= 1 - 1e-9):
            raise InputError(
                f"annotation of unit {self.unit!r}: expected weight = 1 / P(drawn), at least 1, got {self.weight}; "
                "hand over 1 / P, not P"
            )
        if self.seconds is not None and not (math.isfinite(self.seconds) and self.seconds >= 0):
            raise InputError(f"annotation of unit {self.unit!r}: expected seconds of at least 0, got {self.seconds}")
