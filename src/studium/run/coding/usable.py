"""Which units nobody can look at: their medium could not be decoded."""

from studium import errors
from studium.core.store import Store

__all__ = ["BROKEN", "unusable"]

BROKEN = frozenset(
    one.__name__
    for one in (
        *(errors.EmptyFileError, errors.UnreadableFileError, errors.UnknownFormatError),
        *(errors.TruncatedFileError, errors.TooLargeError, errors.DecoderCrashError),
    )
)
"""Failures of a medium as a whole; of a damaged stream the rest can be seen, and a film without sound too."""


def unusable(store: Store, of: str) -> set[str]:
    """The units of a kind that some table could not decode; a step that is run with ``--retry`` and can frees them."""
    failed = (table.failures() for table in store.tables(of))
    return {
        unit
        for rows in failed
        for unit, error in zip(rows["unit"].to_pylist(), rows["error"].to_pylist(), strict=True)
        if error in BROKEN
    }
