"""How fast a server may be asked: what it says of its limits is heeded by every thread of the process."""

import math
import re
import threading
import time
from collections.abc import Mapping
from email.utils import parsedate_to_datetime

__all__ = ["heed", "left", "pause", "quiet"]

_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_DURATION = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h|d)?")

_lock = threading.Lock()
_until: dict[str, float] = {}
"""When a host may be asked again, by the monotonic clock."""
_served: dict[str, float] = {}
"""When a host answered last."""


def pause(headers: Mapping[str, str]) -> float | None:
    """For how many seconds a server that is busy wants to be left alone; None if it does not say.

    >>> pause({"retry-after-ms": "1500", "retry-after": "2"})
    1.5
    >>> pause({"x-ratelimit-remaining-tokens": "0", "x-ratelimit-reset-tokens": "1m2.5s"})
    62.5
    """
    if (said := _seconds(headers.get("retry-after-ms", ""))) is not None:
        return said / 1000
    after = headers.get("retry-after", "")
    if (said := _seconds(after)) is not None:
        return said
    if after:
        try:
            return max(0.0, parsedate_to_datetime(after).timestamp() - _clock(headers))
        except (ValueError, TypeError):
            return None
    return _reset(headers)


def _clock(headers: Mapping[str, str]) -> float:
    """What the server takes for now, seconds since 1970; ours if it does not say."""
    try:
        return parsedate_to_datetime(headers["date"]).timestamp()
    except (KeyError, ValueError, TypeError):
        return time.time()


def heed(host: str, headers: Mapping[str, str], status: int) -> None:
    """Leave a host alone as long as it wants: when it is busy, or when it says that nothing is left for now."""
    seconds = pause(headers) if status == 429 else _reset(headers)
    with _lock:
        if status == 200:
            _served[host] = time.monotonic()
        if seconds:
            _until[host] = max(_until.get(host, 0.0), time.monotonic() + seconds)


def left(host: str) -> float:
    """For how many seconds a host is still to be left alone."""
    return max(0.0, _until.get(host, 0.0) - time.monotonic())


def quiet(host: str) -> float:
    """For how many seconds a host has answered nobody; infinite if it never did."""
    return time.monotonic() - _served.get(host, -math.inf)


def _reset(headers: Mapping[str, str]) -> float | None:
    """When what has run out is there again."""
    found = [
        _seconds(headers.get(f"x-ratelimit-reset-{what}", ""))
        for what in ("requests", "tokens")
        if headers.get(f"x-ratelimit-remaining-{what}", "").strip() == "0"
    ]
    return max((seconds for seconds in found if seconds is not None), default=None)


def _seconds(text: str) -> float | None:
    """Of "20", "0.5", "20ms" or "1m2.5s"."""
    text = text.strip()
    pieces = _DURATION.findall(text)
    if not pieces or "".join(number + unit for number, unit in pieces) != text:
        return None
    return sum(float(number) * _UNITS[unit or "s"] for number, unit in pieces)
