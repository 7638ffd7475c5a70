"""Requests as a server hands them to an application: clients tidy them before they send."""

import asyncio
from collections.abc import Coroutine
from concurrent.futures import ThreadPoolExecutor
from typing import Any

__all__ = ["run", "scope"]


def run(what: Coroutine[Any, Any, Any]) -> Any:
    """`asyncio.run` in a thread of its own: in this one the loop of a browser may run, after tests that have one."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(asyncio.run, what).result()


def scope(method: str, path: str, headers: dict[str, str]) -> dict[str, Any]:
    """A request as a server hands it to the application."""
    sent = [(name.encode(), value.encode()) for name, value in {"host": "127.0.0.1:8765", **headers}.items()]
    whence = {"scheme": "http", "client": ("127.0.0.1", 1), "server": ("127.0.0.1", 8765), "root_path": ""}
    asked = {"method": method, "path": path, "raw_path": path.encode(), "query_string": b"", "headers": sent}
    return {"type": "http", "http_version": "1.1", "asgi": {"version": "3.0"}, **whence, **asked}
