"""Some of many pictures, side by side."""

from collections.abc import Sequence
from dataclasses import dataclass

from studium.report.pictures import Picture
from studium.report.reading import Reading

__all__ = ["SAMPLE", "Montage", "montage", "sample"]

SAMPLE = 48
"""Pictures of a random sample."""


@dataclass(frozen=True)
class Montage:
    """Some of many pictures."""

    pictures: list[Picture]
    of: int


def montage(reading: Reading, kind: str, ids: Sequence[str], most: int, captions: Sequence[str] = ()) -> Montage:
    """The first ``most`` of some units; nothing to see of units that are not shown one by one."""
    if kind not in reading.pictured:
        return Montage([], len(ids))
    said = dict(zip(ids, captions, strict=True)) if captions else {}
    rows = reading.rows(kind, ids[:most])
    return Montage([reading.pictures.of(row, said.get(row["id"], "")) for row in rows], len(ids))


def sample(reading: Reading, kind: str) -> Montage:
    """A random sample of a kind, drawn with the study's seed."""
    drawn = montage(reading, kind, reading.sample(kind, SAMPLE), SAMPLE)
    return Montage(drawn.pictures, reading.counted(kind))
