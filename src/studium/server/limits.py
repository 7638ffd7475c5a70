"""What a server bears: requests of each session, and the time a body takes to come."""

import asyncio
import time
from collections import OrderedDict
from collections.abc import Callable

from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

__all__ = ["BODY", "BODY_SECONDS", "LARGE_BODY", "Buckets", "Deadline"]

BODY, LARGE_BODY = 1 << 20, 20 << 20
"""Bytes of a body; the larger where a route says so: ``max_body_size=LARGE_BODY``."""
BODY_SECONDS = 60.0
_KEPT = 10_000  # of whom something is remembered; the longest silent are forgotten first


class Buckets:
    """A bucket of tokens for each caller: each request takes one, and ``rate`` come back every second."""

    def __init__(self, rate: float, burst: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._rate, self._burst, self._clock = rate, burst, clock
        self._left: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def take(self, who: str) -> float:
        """Take a token; returns 0, or the seconds until there is one."""
        now = self._clock()
        left, then = self._left.pop(who, (float(self._burst), now))
        left = min(self._burst, left + (now - then) * self._rate)
        self._left[who] = (left - 1 if left >= 1 else left, now)
        if len(self._left) > _KEPT:
            self._left.popitem(last=False)
        return 0.0 if left >= 1 else (1 - left) / self._rate


class Deadline:
    """ASGI: a body has to come in time, however slowly it drips."""

    def __init__(self, app: ASGIApp, seconds: float = BODY_SECONDS) -> None:
        self._app, self._seconds = app, seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        until, whole = asyncio.get_running_loop().time() + self._seconds, False

        async def timely() -> Message:
            nonlocal whole
            if whole:  # who listens now wants to hear that the browser went away
                return await receive()
            try:
                async with asyncio.timeout_at(until):
                    message = await receive()
            except TimeoutError:
                raise HTTPException(408, f"the body did not come within {self._seconds:g} s; send it again") from None
            whole = not message.get("more_body", False)
            return message

        await self._app(scope, timely, send)
