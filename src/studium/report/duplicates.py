"""Groups of pictures that are nearly the same."""

from collections import Counter
from dataclasses import dataclass

from studium.core.store import Table
from studium.report.montage import Montage, montage
from studium.report.reading import Reading, call
from studium.report.text import count, number

__all__ = ["Duplicates", "Group", "duplicates", "scale"]

GROUPS, MEMBERS = 20, 6
"""Groups shown, and pictures shown of each."""


@dataclass(frozen=True)
class Group:
    """Pictures that are nearly the same, the exemplar first."""

    number: int
    size: int
    montage: Montage


@dataclass(frozen=True)
class Duplicates:
    """All groups of near-duplicates of a kind; the largest are shown."""

    kind: str
    by: str
    limit: str
    groups: int
    units: int
    pairs: str
    sizes: list[tuple[int, int]]
    shown: list[Group]
    data: str


def duplicates(reading: Reading, kind: str) -> list[Duplicates]:
    """Every finished search for near-duplicates of a kind."""
    return [_duplicates(reading, table) for table in reading.results(kind, "duplicates")]


def _duplicates(reading: Reading, table: Table) -> Duplicates:
    result = table.result()
    unit, limit = scale(reading, table)
    groups: dict[int, list[tuple[bool, float, str]]] = {}
    for row in table.read().to_pylist():
        groups.setdefault(row["group"], []).append((not row["exemplar"], row["distance"], row["unit"]))
    ordered = sorted(groups.items(), key=lambda item: (-len(item[1]), item[0]))
    shown = []
    for place, (_, members) in enumerate(ordered[:GROUPS], 1):
        members.sort()
        said = ["exemplar" if not other else f"{number(distance)} {unit}".strip() for other, distance, _ in members]
        shown.append(Group(place, len(members), montage(reading, table.kind, [m[2] for m in members], MEMBERS, said)))
    sizes = sorted(Counter(len(members) for members in groups.values()).items(), reverse=True)
    return Duplicates(
        kind=table.kind,
        by=result.get("by", ""),
        limit=limit,
        groups=len(groups),
        units=sum(len(members) for members in groups.values()),
        pairs=count(result["pairs"]) if "pairs" in result else "",
        sizes=sizes,
        shown=shown,
        data=call(table),
    )


def scale(reading: Reading, table: Table) -> tuple[str, str]:
    """What distances are counted in, and the limit in words: hashes differ in bits, vectors in their angle."""
    result = table.result()
    sources = [t for t in reading.tables if t.kind == table.kind and t.recipe.label == result.get("by")]
    hashed = any(column.dtype == "binary" for source in sources for column in source.columns)
    if "threshold" not in result:
        return "bits" if hashed else "", ""
    limit = number(result["threshold"])
    return ("bits", f"at most {limit} bits apart") if hashed else ("", f"with a cosine of at least {limit}")
