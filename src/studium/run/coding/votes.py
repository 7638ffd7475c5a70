"""What coders said of pairs, made one answer each: what was decided counts first, then the majority."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from studium.core.records import Records
from studium.core.variable import Variable

__all__ = ["Votes", "votes_of"]


@dataclass(frozen=True)
class Votes:
    """What was said of pairs.

    Attributes:
        same: for each pair whether its units belong together; None where that is open.
        codes: coder -> their value for each pair; None where they have none.
        adjudicated: pairs that were decided about.
        majority: pairs that coders disagree about, and most of them say the same.
        ties: pairs that coders disagree about, as many one way as the other: open.
        cannot_tell: pairs of which nobody could tell, or that were decided so: open.
        uncoded: pairs that nobody coded: open.
        coded_once: pairs that one coder coded alone.
    """

    same: Sequence[bool | None]
    codes: Mapping[str, Sequence[str | None]]
    adjudicated: int = 0
    majority: int = 0
    ties: int = 0
    cannot_tell: int = 0
    uncoded: int = 0
    coded_once: int = 0

    @property
    def known(self) -> int:
        """Pairs that have an answer."""
        return sum(one is not None for one in self.same)


def votes_of(records: Records, variable: Variable, pairs: Sequence[str], same: Sequence[str]) -> Votes:
    """What was said of pairs by the present definition of a variable.

    Args:
        records: of the study.
        variable: that was coded.
        pairs: their ids.
        same: its values that say that two units belong together.
    """
    place = {pair: at for at, pair in enumerate(pairs)}
    said: list[dict[str, str | None]] = [{} for _ in pairs]
    for one in records.annotations(variable.name):
        if one.unit in place and one.variable_digest == variable.digest:
            said[place[one.unit]][one.coder] = one.value if isinstance(one.value, str) else None
    decided = {
        one.unit: one.value
        for one in records.adjudications.all(variable.name)
        if one.variable_digest == variable.digest
    }
    found = [_answer(codes, decided.get(pair, _OPEN), same) for pair, codes in zip(pairs, said, strict=True)]
    counts = {name: sum(why == name for _, why in found) for name in _COUNTED}
    coders = sorted({coder for codes in said for coder in codes})
    table = {coder: [codes.get(coder) for codes in said] for coder in coders}
    once = sum(len(codes) == 1 for codes in said)
    return Votes([answer for answer, _ in found], table, **counts, coded_once=once)


_COUNTED = ("adjudicated", "majority", "ties", "cannot_tell", "uncoded")
_OPEN = object()


def _answer(codes: Mapping[str, str | None], decided: object, same: Sequence[str]) -> tuple[bool | None, str]:
    """Whether they are the same, and why that is so, or open."""
    if decided is not _OPEN:
        return (None, "cannot_tell") if decided is None else (decided in same, "adjudicated")
    told = [value in same for value in codes.values() if value is not None]
    if not told:
        return None, "cannot_tell" if codes else "uncoded"
    yes = sum(told)
    if yes in (0, len(told)):
        return bool(yes), "unanimous"
    if 2 * yes == len(told):
        return None, "ties"
    return 2 * yes > len(told), "majority"
