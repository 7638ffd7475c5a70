"""Attempts to sign in, in the database: they count for all processes of a server, and outlive it."""

import hashlib
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from studium.core.records.database import Database

__all__ = ["Attempts"]

_FORGET = 10  # of the longest wait: who fails no more for so long starts anew


class Attempts:
    """Attempts of one sort: after the first few that fail, each failure doubles the wait for the next.

    Of who they were only a digest is kept, and that until they are forgotten.
    """

    def __init__(
        self, database: "Database", sort: str, free: int, longest: float, clock: Callable[[], float] = time.time
    ) -> None:
        """Begin.

        Args:
            database: where they are kept.
            sort: what is counted, such as "name"; each sort by itself.
            free: failures without a wait.
            longest: wait, s; who fails no more for ten times as long starts anew.
            clock: s since 1970.
        """
        self._database, self._sort = database, sort
        self._free, self._longest, self._clock = free, longest, clock

    def begin(self, who: str) -> float:
        """Begin an attempt, which counts as failed until it is known to be good.

        Returns:
            0; or, and then it is none, the seconds to wait.
        """
        import sqlalchemy as sa

        from studium.core.migrations.tables import attempts as it
        from studium.core.records.database import put

        digest = self._digest(who)
        with self._database.alone("attempts"), self._database.transaction() as connection:
            now = self._clock()
            connection.execute(sa.delete(it).where(it.c.until <= now))
            row = connection.execute(sa.select(it).where(it.c.digest == digest)).one_or_none()
            failures, last = (row.failures, row.last) if row else (0, now)
            wait = min(last - now, 0.0) + self._wait(failures)  # a clock that was set back makes nobody wait longer
            if wait > 0:
                return float(wait)
            begun: dict[str, Any] = {"digest": digest, "failures": failures + 1, "last": now}
            put(connection, it, begun | {"until": now + _FORGET * self._longest})
        return 0.0

    def good(self, who: str) -> None:
        """It was good: forget what failed."""
        import sqlalchemy as sa

        from studium.core.migrations.tables import attempts as it

        with self._database.transaction() as connection:
            connection.execute(sa.delete(it).where(it.c.digest == self._digest(who)))

    def _wait(self, failures: int) -> float:
        return min(self._longest, 2.0 ** min(failures - self._free, 30)) if failures >= self._free else 0.0

    def _digest(self, who: str) -> str:
        return hashlib.sha256(f"{self._sort}:{who}".encode("utf-8", "surrogatepass")).hexdigest()
