"""How far a text that was read or heard is from the one that was written."""

from collections.abc import Sequence

__all__ = ["edits"]


def edits(one: Sequence[str], other: Sequence[str]) -> int:
    """Levenshtein distance: substitutions, deletions and insertions of letters (of texts) or words (of lists)."""
    row = list(range(len(other) + 1))
    for number, item in enumerate(one, 1):
        above, row[0] = row[0], number
        for at, meant in enumerate(other, 1):
            above, row[at] = row[at], min(row[at] + 1, row[at - 1] + 1, above + (item != meant))
    return row[-1]
