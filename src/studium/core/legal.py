"""The legal basis for telling persons apart: a record that is complete and in force, or a refusal.

Templates of faces are biometric data, which the law forbids to process unless an exception holds: GDPR Art. 9 with
Art. 4(14) and recital 51; in Illinois BIPA (740 ILCS 14), in China PIPL Art. 28-29, in Hong Kong the PDPO. studium
cannot judge whether an exception holds. It refuses until somebody has written down which, and somebody else has
approved it; and it writes down every use.

A study has its record in ``[legal_basis]`` of ``studium.toml``. Without a study, in a notebook::

    with legal.under(legal.LegalBasis(purpose="...", article_6="...", ...)):
        FaceEmbedding()(faces)
"""

import hashlib
import json
import re
import unicodedata
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import asdict, dataclass, fields
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from studium.core import audit
from studium.core.audit import Use
from studium.errors import RefusedError

__all__ = ["FORM", "LegalBasis", "admit", "current", "require", "today", "under"]

_SAYS: Mapping[str, str] = {
    "purpose": "what persons are told apart for, and why nothing milder does",
    "article_6": "the lawful basis, such as 'GDPR Art. 6(1)(e), public task'",
    "article_9": "the exception to the ban on biometric data, such as 'GDPR Art. 9(2)(j) with section ... of ...'",
    "dpia": "number or place of the data protection impact assessment",
    "ethics_approval": "who approved it, and the number",
    "retention_days": "how many days templates may be kept, at least 1",
    "expires": "the last day on which it holds, a date such as 2027-06-30",
    "requested_by": "who asked for it, and their office",
    "approved_by": "who approved it: another person, who is accountable for it",
}
_EMPTY = re.compile(r"(todo|tbd|tba|fixme|unknown|pending|placeholder|none|null|n/?a|x+|\W*)\W*", re.IGNORECASE)

_TODO = '"TODO"'
_BLANK: Mapping[str, str] = {"retention_days": "0", "expires": "2000-01-01"}

FORM = "[legal_basis]\n" + "".join(f"{name} = {_BLANK.get(name, _TODO)}  # {said}\n" for name, said in _SAYS.items())
"""A record to fill in, for ``studium.toml``. As it is it opens nothing."""


@dataclass(frozen=True)
class LegalBasis:
    """Why persons may be told apart here, until when, and who answers for it.

    Attributes:
        purpose: what for, and why nothing milder does.
        article_6: lawful basis under GDPR Art. 6, or the rule of the law that applies instead.
        article_9: exception under GDPR Art. 9(2), with the law of the member state where it asks for one; or the
            consent or release that BIPA, PIPL or PDPO asks for.
        dpia: the data protection impact assessment.
        ethics_approval: of a review board.
        retention_days: templates are deleted when they are this old.
        expires: the last day on which the record holds (UTC); afterwards templates are deleted.
        requested_by: who asked for it.
        approved_by: who approved it; somebody else.
    """

    purpose: str = ""
    article_6: str = ""
    article_9: str = ""
    dpia: str = ""
    ethics_approval: str = ""
    retention_days: int = 0
    expires: date | None = None
    requested_by: str = ""
    approved_by: str = ""

    @property
    def digest(self) -> str:
        """16 hex digits that name what the record says."""
        said = json.dumps(asdict(self), sort_keys=True, default=str)
        return hashlib.sha256(said.encode("utf-8", "surrogatepass")).hexdigest()[:16]

    def faults(self, on: date | None = None) -> list[str]:
        """What is missing or over; empty if it holds.

        Args:
            on: the day asked about; None for today.
        """
        day = on or today()
        if wrong := [f.name for f in fields(self) if not _typed(f.name, getattr(self, f.name))]:
            return [f"{name} is of the wrong type ({_SAYS[name]})" for name in wrong]
        found = [f"{f.name} is missing ({_SAYS[f.name]})" for f in fields(self) if _missing(getattr(self, f.name))]
        if self.expires is not None and self.expires < day:
            found.append(f"it expired on {self.expires}")
        if not _missing(self.approved_by) and _person(self.approved_by) == _person(self.requested_by):
            found.append("approved_by must be another person than requested_by")
        return found


@dataclass(frozen=True)
class _Grant:
    """A legal basis, the log of its uses, and whether this use is in it already."""

    basis: LegalBasis
    log: Path
    logged: bool


_granted: ContextVar[_Grant | None] = ContextVar("studium_legal_basis", default=None)


@contextmanager
def under(basis: LegalBasis, log: Path | None = None, logged: bool = False) -> Iterator[None]:
    """Tell persons apart under a legal basis: in this block, and in this thread alone.

    Args:
        basis: complete and in force.
        log: where uses are written down; None for the user's own log, `studium.core.audit.home`.
        logged: whether this use has been written down already, as a study does for a whole run.

    Raises:
        RefusedError: the record is incomplete or has expired.
    """
    where = log or audit.home()
    if basis.faults():
        admit(basis, Use("begin under a legal basis", "", 0), where)
    token = _granted.set(_Grant(basis, where, logged))
    try:
        yield
    finally:
        _granted.reset(token)


def current() -> LegalBasis | None:
    """The legal basis that this block runs under."""
    grant = _granted.get()
    return grant.basis if grant else None


def require(use: Use) -> None:
    """What every part that tells persons apart asks first, before it loads anything.

    Raises:
        RefusedError: no legal basis is in force here; that is logged.
        StoreError: the log cannot be written to.
    """
    grant = _granted.get()
    if grant is None or not grant.logged or grant.basis.faults():
        admit(grant.basis if grant else None, use, grant.log if grant else audit.home())


def admit(basis: LegalBasis | None, use: Use, log: Path) -> LegalBasis:
    """Allow a use or refuse it, and write down which.

    Args:
        basis: the record; None if there is none.
        use: what is asked for.
        log: where it is written down.

    Returns:
        The legal basis.

    Raises:
        RefusedError: there is none, or it does not hold; the message lists what is missing or over.
        StoreError: the log cannot be written to.
    """
    faults = ["there is no record of it"] if basis is None else basis.faults()
    audit.append(log, use, not faults, "; ".join(faults), basis.digest if basis else "")
    if basis is None or faults:
        what = f"{use.what} of {use.of}" if use.of else use.what
        raise RefusedError(
            f"{what}: this tells persons apart and needs a legal basis: {'; '.join(faults)}. Print a record to fill in "
            "with  studium recognise basis, and put it into studium.toml; in a notebook without a study:  "
            "with studium.core.legal.under(LegalBasis(...))"
        )
    return basis


def today() -> date:
    """The day it is, in UTC: the one clock of legal bases."""
    return datetime.now(UTC).date()


def _typed(name: str, value: Any) -> bool:
    """Whether a value is of its field's type; bools are ints, and times are dates, only to Python."""
    kinds: tuple[type, ...] = {"retention_days": (int,), "expires": (date, type(None))}.get(name, (str,))
    return type(value) in kinds


def _missing(value: Any) -> bool:
    if isinstance(value, str):
        return bool(_EMPTY.fullmatch(value.strip())) or value.strip().casefold().startswith(("todo", "<"))
    return value is None or (isinstance(value, int) and value < 1)


def _person(name: str) -> str:
    """The letters and digits of a name: "A. Lee" and "a  lee" are one person."""
    return "".join(filter(str.isalnum, unicodedata.normalize("NFKC", name).casefold()))
