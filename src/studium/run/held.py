"""The units of a study, read once and held while its files stay as they are: for what answers people at once."""

from collections.abc import Hashable, Iterable

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from studium.core.cache import cached, stamp
from studium.core.store import Store
from studium.core.unit import check_kind
from studium.run.lineage import above

__all__ = ["rows", "stamped", "units"]


def stamped(store: Store, kind: str) -> Hashable:
    """Changes with the units of a kind."""
    check_kind(kind)
    kinds = dict.fromkeys([kind, *above(kind)])
    return stamp(*(store.root / "units" / one for one in kinds), store.root / "attachments")


def units(store: Store, kind: str, stamp: Hashable = None) -> pa.Table:
    """The units of a kind, in the order in which they were added; as `Store.units`, in one piece.

    Args:
        store: the study.
        kind: of the units.
        stamp: that `stamped` gave a moment ago; None to look anew.
    """
    made = stamp or stamped(store, kind)
    return cached((store.root, kind, "units"), made, lambda: store.units(kind).combine_chunks())


def rows(store: Store, kind: str, ids: Iterable[str], stamp: Hashable = None) -> list[int | None]:
    """For each id the place of the unit; None for those that the study does not have. ``stamp`` as of `units`."""
    made = stamp or stamped(store, kind)
    order, sorted_ids = cached((store.root, kind, "places"), made, lambda: _sorted(units(store, kind, made)))
    wanted = [one.encode("utf-8", "replace") for one in ids]
    at = np.searchsorted(sorted_ids, np.array(wanted, np.bytes_)).tolist()
    return [
        int(order[place]) if place < len(order) and sorted_ids[place] == one else None
        for place, one in zip(at, wanted, strict=True)
    ]


def _sorted(table: pa.Table) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.bytes_]]:
    """The places of the units in the order of their ids, and these: 64 hex digits each."""
    ids = np.array(table["id"].to_pylist(), "S64")
    order = np.argsort(ids)
    return order, ids[order]
