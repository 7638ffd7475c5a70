"""A real HTTP server on this machine that misbehaves as servers do, and keeps a log of who asked for what."""

import contextlib
import email.utils
import hashlib
import socket
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

__all__ = ["Asked", "Server", "serve"]


@dataclass(frozen=True)
class Asked:
    """One request: its path, headers, and when it came (seconds, monotonic)."""

    path: str
    headers: dict[str, str]
    at: float


@dataclass
class Server:
    """What is served is said with `file` and `answer`; what was asked stands in ``log``."""

    port: int = 0
    log: list[Asked] = field(default_factory=list)
    sent: Counter[str] = field(default_factory=Counter)  # bytes of bodies by path
    most: int = 0  # requests under way at a time
    _answers: dict[str, Callable[[Any], None]] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _busy: int = 0

    def url(self, path: str, host: str = "127.0.0.1") -> str:
        return f"http://{host}:{self.port}{path}"

    def counts(self) -> Counter[str]:
        """How often each path was asked for."""
        return Counter(asked.path for asked in self.log)

    def asked(self, path: str) -> list[Asked]:
        return [asked for asked in self.log if asked.path == path]

    def answer(self, path: str, *answers: Callable[[Any], None]) -> str:
        """Answer one after the other, the last one for ever; returns the URL."""
        left = list(answers)

        def one(handler: Any) -> None:
            with self._lock:
                now = left.pop(0) if len(left) > 1 else left[0]
            now(handler)

        self._answers[path] = one
        return self.url(path)

    def file(self, path: str, body: bytes, **how: Any) -> str:
        """Serve a file well; see `whole` for what can be said."""
        return self.answer(path, whole(body, **how))


def whole(body: bytes, says: str = "application/octet-stream", ranges: bool = True, tag: str | None = None) -> Any:
    """A file, or the part of it that was asked for."""
    tag = f'"{hashlib.md5(body).hexdigest()}"' if tag is None else tag

    def answer(it: Any) -> None:
        begin = 0
        wanted = it.headers.get("Range", "")
        if ranges and wanted.startswith("bytes=") and it.headers.get("If-Range", tag) == tag:
            begin = int(wanted.removeprefix("bytes=").rstrip("-"))
        if begin >= len(body) and begin:
            return it.head(416, {"Content-Range": f"bytes */{len(body)}", "Content-Length": "0"})
        headers = {"Content-Type": says, "Content-Length": str(len(body) - begin)}
        headers |= {"ETag": tag} if tag else {}
        if begin:
            headers["Content-Range"] = f"bytes {begin}-{len(body) - 1}/{len(body)}"
        it.head(206 if begin else 200, headers)
        return it.body(body[begin:])

    return answer


def status(code: int, body: bytes = b"<html>no</html>", **headers: str) -> Any:
    """A status with headers (``Retry_After="1"``)."""

    def answer(it: Any) -> None:
        said = {name.replace("_", "-"): value for name, value in headers.items()}
        it.head(code, {"Content-Type": "text/html", "Content-Length": str(len(body)), **said})
        it.body(body)

    return answer


def redirect(to: str, code: int = 302) -> Any:
    return status(code, b"", Location=to)


def breaks_off(body: bytes, after: int, tag: str | None = None) -> Any:
    """All of it is announced; the connection is dropped (reset) after so many bytes of what was asked for."""
    tag = f'"{hashlib.md5(body).hexdigest()}"' if tag is None else tag

    def answer(it: Any) -> None:
        begin = 0
        if it.headers.get("Range") and it.headers.get("If-Range") == tag:
            begin = int(it.headers["Range"].removeprefix("bytes=").rstrip("-"))
        headers = {"Content-Length": str(len(body) - begin), "ETag": tag}
        if begin:
            headers["Content-Range"] = f"bytes {begin}-{len(body) - 1}/{len(body)}"
        it.head(206 if begin else 200, headers)
        it.body(body[begin : begin + after])
        it.drop()

    return answer


def stalls(body: bytes, after: int, seconds: float) -> Any:
    """It falls silent after so many bytes."""
    tag = f'"{hashlib.md5(body).hexdigest()}"'

    def answer(it: Any) -> None:
        it.head(200, {"Content-Length": str(len(body)), "ETag": tag})
        it.body(body[:after])
        it.server.ending.wait(seconds)
        it.drop()

    return answer


def announces(length: int, body: bytes, says: str = "application/octet-stream") -> Any:
    """It says another length than it sends."""

    def answer(it: Any) -> None:
        it.head(200, {"Content-Length": str(length), "Content-Type": says})
        it.body(body)
        it.drop(gently=True)

    return answer


def http_date(seconds: float) -> str:
    """A date so many seconds from now, as headers write it."""
    return email.utils.formatdate(time.time() + seconds, usegmt=True)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: Any

    def do_HEAD(self) -> None:
        self.do_GET()

    def do_GET(self) -> None:
        ours: Server = self.server.ours
        with ours._lock:
            ours.log.append(Asked(self.path, dict(self.headers), time.monotonic()))
            ours._busy += 1
            ours.most = max(ours.most, ours._busy)
        try:
            ours._answers.get(self.path, status(404))(self)
        except (BrokenPipeError, ConnectionResetError):
            self.close_connection = True
        finally:
            with ours._lock:
                ours._busy -= 1

    def head(self, code: int, headers: dict[str, str]) -> None:
        self.send_response(code)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()

    def body(self, data: bytes) -> None:
        if self.command == "HEAD":
            return
        for at in range(0, len(data), 1 << 16):
            self.wfile.write(data[at : at + (1 << 16)])
            with self.server.ours._lock:
                self.server.ours.sent[self.path] += len(data[at : at + (1 << 16)])

    def drop(self, gently: bool = False) -> None:
        """Close the connection, with a reset if not gently."""
        self.wfile.flush()
        if not gently:
            time.sleep(0.05)  # let what was sent arrive before the reset
            linger = (1).to_bytes(4, "little") + (0).to_bytes(4, "little")
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        self.close_connection = True

    def log_message(self, *_: object) -> None:
        """Say nothing."""


class _Http(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def handle_error(self, *_: object) -> None:
        """Clients that go away are no news."""


@contextlib.contextmanager
def serve() -> Iterator[Server]:
    """A server on a free port, until the end of the block."""
    ours = Server()
    with _Http(("127.0.0.1", 0), _Handler) as http:
        http.ours, http.ending = ours, threading.Event()  # type: ignore[attr-defined]
        ours.port = http.server_address[1]
        thread = threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        thread.start()
        try:
            yield ours
        finally:
            http.ending.set()  # type: ignore[attr-defined]
            http.shutdown()
            thread.join()
