"""Where a text stands in a column: looked up among all of them, sorted once, instead of compared with each."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

__all__ = ["Index", "indexed"]


@dataclass(frozen=True)
class Index:
    """The rows of a column in the order of their texts, and these; nulls are left out."""

    order: npt.NDArray[np.int64]
    texts: npt.NDArray[np.bytes_]

    def rows(self, texts: Iterable[str]) -> npt.NDArray[np.int64]:
        """The rows that hold one of the texts, in their order."""
        wanted = np.array([one.encode("utf-8", "replace") for one in texts], np.bytes_)
        begin, end = (np.searchsorted(self.texts, wanted, side=side) for side in ("left", "right"))
        found = [self.order[a:b] for a, b in zip(begin, end, strict=True)]
        return np.sort(np.concatenate([np.zeros(0, np.int64), *found]))


def indexed(column: pa.Array | pa.ChunkedArray) -> Index:
    """The index of a column of ids."""
    there = np.flatnonzero(np.asarray(column.is_valid()))
    texts = np.array(pc.drop_null(column).to_pylist(), np.bytes_)
    order = np.argsort(texts, kind="stable")
    return Index(there[order], texts[order])
