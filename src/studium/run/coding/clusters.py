"""What people made of the clusters of a table: the names that count, and which clusters were merged into which."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from studium.core.records.clusters import ClusterEdit

__all__ = ["Named", "named"]


@dataclass(frozen=True)
class Named:
    """Names and merges.

    Attributes:
        into: for each cluster that was merged, the one that it is part of now.
        name: of the clusters that have one.
    """

    into: Mapping[int, int] = field(default_factory=dict)
    name: Mapping[int, str] = field(default_factory=dict)

    def cluster(self, number: int) -> int:
        """The cluster that units of a cluster count as."""
        return self.into.get(number, number)

    def of(self, number: int) -> str:
        """What units of a cluster are called: the name of the cluster that they count as, or its number."""
        whole = self.cluster(number)
        return self.name.get(whole, str(whole))

    def merged(self, number: int) -> list[int]:
        """The clusters that were merged into one, in order."""
        return sorted(part for part, whole in self.into.items() if whole == number)


def named(edits: Iterable[ClusterEdit]) -> Named:
    """What the edits of a table come to.

    >>> from datetime import UTC, datetime
    >>> edit = lambda cluster, name, into: ClusterEdit("image/cluster-1", cluster, name, into, "ann", datetime.now(UTC))
    >>> told = named([edit(2, "birds", None), edit(5, None, 2), edit(7, None, 5)])
    >>> told.of(7), told.merged(2), told.of(3)
    ('birds', [5, 7], '3')

    Args:
        edits: the oldest first. For each cluster the last name and the last merge count. Who merges a cluster into one
            that is part of it makes it part of that one: the later edit says which of them goes on.
    """
    into: dict[int, int] = {}
    names: dict[int, str] = {}
    for edit in edits:
        if edit.name is not None:
            names[edit.cluster] = edit.name
        if edit.into is not None:
            into.pop(edit.cluster, None)
            if edit.into != edit.cluster:
                if _end(into, edit.into) == edit.cluster:
                    into.pop(edit.into)
                into[edit.cluster] = edit.into
    return Named({part: _end(into, part) for part in into}, {cluster: name for cluster, name in names.items() if name})


def _end(into: Mapping[int, int], cluster: int) -> int:
    """Where a chain of merges ends."""
    while cluster in into:
        cluster = into[cluster]
    return cluster
