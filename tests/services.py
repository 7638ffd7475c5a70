"""The three services that tag pictures, as one real HTTP server on this machine: their paths, answers and errors.

The vendors' own clients talk to it. Answers have the shapes of ``tests/recorded``.
"""

import base64
import contextlib
import json
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

__all__ = ["SECRETS", "Request", "Services", "google_client", "recorded", "serving"]

RECORDED = Path(__file__).with_name("recorded")
SECRETS = {"rekognition": "AKIDEXAMPLEEXAMPLE", "azure_vision": "azure-key-0123456789", "aws": "aws-secret-0123456789"}


def recorded(service: str) -> dict[str, Any]:
    """The answers of a service, by name."""
    found: dict[str, Any] = json.loads((RECORDED / f"{service}.json").read_text(encoding="utf-8"))
    return found


@dataclass(frozen=True)
class Request:
    """One request: to which service, its headers, the picture, and all that was asked besides."""

    service: str
    headers: dict[str, str]
    jpeg: bytes
    asked: dict[str, Any]


@dataclass
class Services:
    """``log`` holds every request with a picture, ``probes`` those without."""

    port: int = 0
    log: list[Request] = field(default_factory=list)
    probes: list[Request] = field(default_factory=list)
    errors: dict[str, list[str]] = field(default_factory=dict)  # service -> names of errors to answer next
    choose: Callable[[Request], Any] = lambda request: recorded(request.service)["labels"]
    lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def fail(self, service: str, *names: str) -> None:
        """Answer the next requests of a service, also those without a picture, with these errors."""
        self.errors[service] = list(names)

    def reply(self, request: Request) -> tuple[int, Any, dict[str, str]]:
        with self.lock:
            (self.log if request.jpeg else self.probes).append(request)
            waiting = self.errors.get(request.service) or []
            name = waiting.pop(0) if waiting else "" if request.jpeg else "no_picture"
        if not _known(request):
            name = "unknown_key"
        if name:
            error = recorded(request.service)[name]
            return error["status"], error["body"], {"Retry-After": "0"} if name == "throttled" else {}
        return 200, self.choose(request), {}


def _known(request: Request) -> bool:
    """Whether the request carries the credentials of the tests; Google's client runs without any."""
    if request.service == "rekognition":
        return SECRETS["rekognition"] in request.headers.get("Authorization", "")
    if request.service == "azure_vision":
        return request.headers.get("Ocp-Apim-Subscription-Key") == SECRETS["azure_vision"]
    return True


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: Any

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        status, answer, headers = self.server.ours.reply(self._request(body))
        data = json.dumps(answer).encode()
        self.send_response(status)
        for name, value in {"Content-Type": "application/json", "Content-Length": str(len(data)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(data)

    def _request(self, body: bytes) -> Request:
        headers = dict(self.headers)
        if "imageanalysis:analyze" in self.path:
            return Request("azure_vision", headers, body, {"query": self.path.partition("?")[2]})
        asked = json.loads(body)
        if self.path.startswith("/v1/images:annotate"):
            one = (asked.get("requests") or [{}])[0]
            jpeg = base64.b64decode(one.get("image", {}).get("content", ""))
            return Request("google_vision", headers, jpeg, {"features": one.get("features")})
        assert headers.get("X-Amz-Target") == "RekognitionService.DetectLabels", self.path
        jpeg = base64.b64decode(asked.pop("Image")["Bytes"])
        return Request("rekognition", headers, b"" if jpeg == b"\0" else jpeg, asked)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


class _Http(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128


def _lend_weights(cache: Path) -> None:
    """Models as they lie on this machine; answers alone begin from nothing."""
    from studium.core import weights

    cache.mkdir(parents=True, exist_ok=True)
    for name in ("models", "derived"):
        there = weights.cache_dir() / name
        there.mkdir(parents=True, exist_ok=True)
        (cache / name).symlink_to(there)


@contextlib.contextmanager
def serving(patch: pytest.MonkeyPatch, cache: Path) -> Iterator[Services]:
    """The services on a free port, the environment that leads the clients there, and an empty cache."""
    from studium.measure.autotag import azure, rekognition, service

    ours = Services()
    _lend_weights(cache)
    with _Http(("127.0.0.1", 0), _Handler) as http:
        http.ours = ours  # type: ignore[attr-defined]
        ours.port = http.server_address[1]
        thread = threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        thread.start()
        for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy", "AWS_PROFILE"):
            patch.delenv(name, raising=False)
        for name, value in {
            "STUDIUM_CACHE": str(cache),
            "STUDIUM_OFFLINE": "",
            "NO_PROXY": "127.0.0.1",
            "AWS_ENDPOINT_URL_REKOGNITION": ours.url,
            "AWS_ACCESS_KEY_ID": SECRETS["rekognition"],
            "AWS_SECRET_ACCESS_KEY": SECRETS["aws"],
            "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_CONFIG_FILE": "/nowhere",
            "AWS_SHARED_CREDENTIALS_FILE": "/nowhere",
            "VISION_ENDPOINT": ours.url,
            "VISION_KEY": SECRETS["azure_vision"],
        }.items():
            patch.setenv(name, value)
        forget = (service._admitted, rekognition._client, azure._client)
        for cached in forget:
            cached.cache_clear()
        try:
            yield ours
        finally:
            for cached in forget:
                cached.cache_clear()
            http.shutdown()
            thread.join()


def google_client(services: Services) -> Any:
    """Google's own client, which has no environment variable for the way to another host."""
    from google.auth.credentials import AnonymousCredentials
    from google.cloud import vision_v1
    from google.cloud.vision_v1.services.image_annotator.transports import ImageAnnotatorRestTransport

    transport = ImageAnnotatorRestTransport(
        host=f"127.0.0.1:{services.port}", url_scheme="http", credentials=AnonymousCredentials()
    )
    return vision_v1.ImageAnnotatorClient(transport=transport)
