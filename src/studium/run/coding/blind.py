"""Blind coding: what somebody who codes may not see while they do.

Who has units yet to code sees what a coder sees, whatever their role. It is all or nothing, and not by unit: a map, a
cluster or the frames of a video tell of their neighbours, too.
"""

from collections.abc import Iterable, Iterator

from studium.core.codebook import Codebook
from studium.core.pair import units_of
from studium.core.records import Records, Task
from studium.core.records.accounts import ROLES
from studium.run.coding.coded import finished

__all__ = ["GIVEN", "HIDDEN", "hidden", "parts", "still_open", "to_code"]

GIVEN = frozenset({"units", "posts", "attachments"})
"""Tables that hold what sources gave. All others hold what machines made of it: measures, clusters, predictions."""
HIDDEN = frozenset(
    {
        *("agreement", "clusters", "disagreements", "adjudications", "facets", "failures", "maps", "pairs", "search"),
        *("samples", "coders/traits"),
    }
)
"""What of the API is for adjudicators and admins: it tells what others, or machines, make of the units."""


def hidden(role: str, what: str) -> bool:
    """Whether a table, or a part of the API, is hidden from a role.

    A coder sees units, their media, and what sources gave of them; nothing that machines or other coders said.
    Facets and search by columns of `GIVEN` tell nothing else, and may be let through.

    >>> hidden("coder", "zero_shot"), hidden("coder", "posts"), hidden("admin", "zero_shot")
    (True, False, False)

    Args:
        role: of who asks; see `studium.core.records.accounts.ROLES`.
        what: the name of a table, such as "posts" or "zero_shot-81e549e3", or one of `HIDDEN`.
    """
    return ROLES.index(role) < ROLES.index("adjudicator") and what not in GIVEN


def still_open(records: Records, codebook: Codebook, coder: str, variable: str | None = None) -> frozenset[str]:
    """The units that somebody has yet to code: whatever others said of them is not for them, whatever their role.

    Args:
        records: of the study.
        codebook: with the variables.
        coder: who.
        variable: only in tasks with this one.
    """
    tasks = _open(records, codebook, coder)
    return frozenset().union(*(units for task, units in tasks if variable is None or variable in task.variables))


def to_code(records: Records, codebook: Codebook, coder: str) -> dict[str, int]:
    """Task -> how many units somebody has yet to code in it; only where there are any. Until then they code blind."""
    return {task.name: len(units) for task, units in _open(records, codebook, coder) if units}


def parts(units: Iterable[str]) -> frozenset[str]:
    """The units, with each pair as the two that it is made of."""
    return frozenset(part for one in units for part in (units_of(one) if "+" in one else (one,)))


def _open(records: Records, codebook: Codebook, coder: str) -> Iterator[tuple[Task, set[str]]]:
    """Each task of a coder, and what they have yet to code in it."""
    known = {one.name for one in codebook.variables}
    for task in records.tasks.of(coder):
        if known.issuperset(task.variables):  # what the codebook does not ask any more, nobody can code
            yield task, {*records.tasks.units(task.name, coder)} - finished(records, codebook, task, coder)
