"""What a run may spend on services: its budget, its pace, and the ledger of what was spent.

A run is begun under an allowance, and every chunk of work carries it to the thread that does it. Parts that pay look it
up with `current`, and ask before they send anything.
"""

import os
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from pathlib import Path

from studium.errors import BudgetError, StoreError

__all__ = ["FREE", "Allowance", "current", "under"]

_lock = threading.Lock()
_CRUMB = 1e-9  # US dollars; sums of decimals are not exact
_LINE = 96  # bytes; more than a line of a ledger

_next: dict[str, float] = {}
"""When the next request to a host may be sent, by the monotonic clock of this process."""


@dataclass(frozen=True)
class Allowance:
    """What a run may spend.

    Attributes:
        budget: US dollars for the whole run; None for no limit.
        requests_per_minute: to one host; None for no limit but the host's own.
        prices: model -> US dollars for a million tokens (read, written), where the user knows better than we.
        ledger: file with a line for every sum that was set aside or put right, and the sum of all so far; shared by
            the processes of a run. None outside of runs.
        retry: whether what may have been paid for, and whose answer was lost, is asked again.
    """

    budget: float | None = None
    requests_per_minute: float | None = None
    prices: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    ledger: Path | None = None
    retry: bool = True

    @property
    def spent(self) -> float:
        """US dollars so far."""
        if self.ledger is None or not self.ledger.exists():
            return 0.0
        with self.ledger.open("rb") as file:
            file.seek(max(0, os.fstat(file.fileno()).st_size - _LINE))
            whole = file.read().rpartition(b"\n")[0].split()
        return float(whole[-1]) if whole else 0.0

    def admit(self, usd: float) -> None:
        """Set a sum aside before a request is sent, or refuse.

        What is set aside by other threads and processes of the run counts, so a run goes beyond its budget by no more
        than what the requests that were under way cost more than expected.

        Args:
            usd: what the request is expected to cost; `settle` puts it right.

        Raises:
            BudgetError: it would go beyond the budget.
            StoreError: the ledger cannot be written.
        """
        with self._alone():
            if self.budget is not None and (spent := self.spent) + usd > self.budget + _CRUMB:
                raise BudgetError(
                    f"the budget of {self.budget:g} USD is used up: {spent:.4f} USD were spent or set aside, and the "
                    f"next request is expected to cost {usd:.4f} USD. Run again with a larger budget; what was "
                    "answered is kept, and is not paid for again"
                )
            self._write(usd)

    def settle(self, expected: float, actual: float) -> None:
        """Put the ledger right when a request has come back: it cost ``actual``, or nothing (0)."""
        with self._alone():
            self._write(actual - expected)

    def pace(self, host: str) -> None:
        """Wait until the next request may be sent to a host: evenly spaced, over all threads of this process."""
        if self.requests_per_minute is None:
            return
        with _lock:
            now = time.monotonic()
            at = max(now, _next.get(host, now))
            _next[host] = at + 60 / self.requests_per_minute
        time.sleep(at - now)

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """One thread of one process at a time, if there is a ledger at all."""
        if self.ledger is None:
            yield
            return
        from filelock import FileLock

        try:
            self.ledger.parent.mkdir(parents=True, exist_ok=True)
            with _lock, FileLock(self.ledger.with_suffix(".lock")):
                yield
        except OSError as error:
            raise StoreError(f"cannot write {self.ledger}: {error.strerror or error}; make room there") from error

    def _write(self, usd: float) -> None:
        if self.ledger is not None and usd:
            line = f"{usd:+.12f} {self.spent + usd:.12f}\n"
            descriptor = os.open(self.ledger, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
            try:
                os.write(descriptor, line.encode())  # of a line that is cut off `spent` knows nothing
            finally:
                os.close(descriptor)


FREE = Allowance()
"""Without a limit."""

_allowed: ContextVar[Allowance] = ContextVar("studium_allowance", default=FREE)


@contextmanager
def under(allowance: Allowance) -> Iterator[None]:
    """Spend by this allowance: in this block, and in this thread alone."""
    token = _allowed.set(allowance)
    try:
        yield
    finally:
        _allowed.reset(token)


def current() -> Allowance:
    """The allowance that this block runs under."""
    return _allowed.get()
