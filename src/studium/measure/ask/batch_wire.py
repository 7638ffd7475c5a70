"""The way to OpenAI's Files and Batches. Nothing is tried again here: whoever asked does so, and loses nothing."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, TYPE_CHECKING, Any
from urllib.parse import urlsplit

from studium.errors import InputError, MissingExtraError, StudiumError
from studium.measure.ask.endpoint_said import Said
from studium.measure.ask.endpoint_wire import here, key_of

if TYPE_CHECKING:
    import httpx

__all__ = ["Server", "UnsureError"]

_PATIENCE = 300.0  # seconds without a byte
_STATUS = "studium batch status  says how it stands"
_PAGE = 100  # batches in one answer of the list


class UnsureError(StudiumError):
    """A request was sent, and no answer came: nobody knows whether it was heeded."""


class Server:
    """A server, for as long as the block lasts."""

    def __init__(self, url: str) -> None:
        """By its base address, as for `Endpoint`."""
        self.host = urlsplit(url).hostname or ""
        self._key = key_of(self.host)
        try:
            import httpx
        except ImportError as error:
            raise MissingExtraError("httpx", "ask") from error
        headers = {"User-Agent": "studium"} | ({"Authorization": f"Bearer {self._key}"} if self._key else {})
        timeout = httpx.Timeout(_PATIENCE, connect=10.0)
        self._client = httpx.Client(
            base_url=f"{url.rstrip('/')}/", headers=headers, timeout=timeout, trust_env=not here(self.host)
        )

    def __enter__(self) -> "Server":
        return self

    def __exit__(self, *_: object) -> None:
        self._client.close()

    def upload(self, name: str, file: IO[bytes]) -> str:
        """Upload a file of requests; returns its id."""
        files = {"file": (name, file, "application/jsonl")}
        return str(self._json("id", "POST", "files", files=files, data={"purpose": "batch"})["id"])

    def make(self, file: str, key: str) -> str:
        """Make a batch of an uploaded file; returns its id."""
        body = {
            "input_file_id": file,
            "endpoint": "/v1/chat/completions",
            "completion_window": "24h",
            "metadata": {"studium": key},
        }
        return str(self._json("id", "POST", "batches", json=body)["id"])

    def batch(self, batch: str) -> dict[str, Any]:
        """How a batch stands."""
        return self._json("status", "GET", f"batches/{batch}")

    def batches(self) -> Iterator[dict[str, Any]]:
        """All batches of the account, the newest first."""
        after: dict[str, str] = {}
        while True:
            page = self._json("data", "GET", "batches", params={"limit": str(_PAGE), **after})
            yield from page["data"]
            if not (page.get("has_more") and page["data"]):
                return
            after = {"after": page["data"][-1]["id"]}

    def rows(self, file: str) -> Iterator[dict[str, Any]]:
        """The lines of a file."""
        with self._answered("GET", f"files/{file}/content") as response:
            for line in response.iter_lines():
                if line.strip():
                    row = json.loads(line)
                    if not isinstance(row, dict):
                        raise ValueError(f"{row!r} is no row of an answer")
                    yield row

    def delete(self, file: str | None) -> None:
        """Delete a file, which holds texts and pictures; if that fails the server deletes it in its own time."""
        import httpx

        if file:
            try:
                self._client.delete(f"files/{file}")
            except httpx.HTTPError:
                return

    def _json(self, wanted: str, method: str, path: str, **how: Any) -> dict[str, Any]:
        """An answer that says ``wanted``."""
        with self._answered(method, path, **how) as response:
            found = Said(200, {}, response.read().decode("utf-8", "replace")).body
        if wanted not in found:
            raise (UnsureError if method == "POST" else InputError)(
                f"{self.host} answered {method} {path} with something that has no {wanted}; does it do batches?"
            )
        return found

    @contextmanager
    def _answered(self, method: str, path: str, **how: Any) -> "Iterator[httpx.Response]":
        """A response with status 200.

        Raises:
            InputError: the server cannot be reached, or refuses.
            UnsureError: the connection broke off, or somebody on the way says that the server did.
        """
        import httpx

        try:
            with self._client.stream(method, path, **how) as response:
                if response.status_code != httpx.codes.OK:
                    said = Said(response.status_code, {}, response.read().decode("utf-8", "replace"))
                    words = said.words.replace(self._key, "***") if self._key else said.words
                    told = f"{method} {path}: {response.status_code} {words}"
                    if response.is_server_error or response.status_code == httpx.codes.REQUEST_TIMEOUT:
                        raise UnsureError(f"{self.host} failed at {told}; nothing is lost: {_STATUS}")
                    raise InputError(f"{self.host} refused {told}")
                yield response
        except (httpx.ConnectError, httpx.ConnectTimeout) as error:
            raise InputError(f"{self.host} cannot be reached: {error}. Nothing was sent") from error
        except (httpx.HTTPError, ValueError) as error:
            if isinstance(error, InputError):
                raise
            raise UnsureError(
                f"{self.host} was asked to {method} {path}, and its answer broke off ({error!r}); nothing is lost: "
                f"{_STATUS}"
            ) from error
