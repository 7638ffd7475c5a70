"""Google Cloud Vision: label detection."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, ClassVar

from studium.errors import InputError, MissingExtraError
from studium.measure.autotag.service import Autotagger, host_of

__all__ = ["GoogleVision"]

MOST = 1000  # labels; the service's own default is 10
PATIENCE = 60.0  # seconds for all tries together, and for one


@dataclass(frozen=True)
class GoogleVision(Autotagger):
    """Labels of Google Cloud Vision. **Pictures leave the machine**: allow it with ``--allow-remote``.

    Sent is a JPEG file of the decoded picture, its longer side at most ``longest`` px, without metadata, to
    vision.googleapis.com, which Google may answer from any of its regions. Asked for are labels only, all of them: no
    faces, no landmarks, no text, no look at the web. The service names no version of its model, so
    ``google_vision_model_version`` is the model that was asked for; ``google_vision_asked_at`` belongs into the paper.

    Credentials are Google's application default credentials (``gcloud auth application-default login``, or
    ``GOOGLE_APPLICATION_CREDENTIALS``). Every answer is kept, so no picture is paid for twice.

    Args:
        longest: pictures with a longer side are shrunk to it, in pixels, before they are sent.
        model: "builtin/stable", or "builtin/latest" where Google tries a new one.
        wave: name of a round of asking, such as "2026-11"; another name asks, and pays, again.
        cover_faces: whether faces are filled with black before anything is sent, as far as they are found.

    References:
        Schwemmer et al. (2020), doi:10.1177/2378023120967171 (what such labels say about people, and how they err).
    """

    longest: int = 1600
    model: str = "builtin/stable"
    wave: str = ""
    cover_faces: bool = False

    name: ClassVar[str] = "google_vision"
    version: ClassVar[str] = "1"
    smallest: ClassVar[int] = 1
    largest: ClassVar[int] = 7_000_000  # a request of 10 MB, in base64
    no_picture: ClassVar[frozenset[str]] = frozenset({"BadRequest", "InvalidArgument"})
    credentials: ClassVar[str] = (
        "Google looks for application default credentials: run  gcloud auth application-default login , or set "
        "GOOGLE_APPLICATION_CREDENTIALS; their project needs the Cloud Vision API and billing"
    )

    @property
    def request(self) -> Mapping[str, Any]:
        """Features of images:annotate."""
        return {"operation": "images:annotate", "api": "v1", "features": [self._feature]}

    @property
    def _feature(self) -> Mapping[str, Any]:
        return {"type": "LABEL_DETECTION", "max_results": MOST, "model": self.model}

    @property
    def host(self) -> str:
        """Google's, wherever that is."""
        return "vision.googleapis.com"

    def client(self) -> Any:
        """Google's client, over HTTP and JSON."""
        return _client()

    def send(self, client: Any, jpeg: bytes) -> tuple[Mapping[str, Any], str]:
        """One call of images:annotate; an error inside the answer is raised like one outside."""
        from google.api_core.exceptions import from_grpc_status
        from google.cloud.vision_v1 import AnnotateImageResponse

        feature = {"type_" if key == "type" else key: value for key, value in self._feature.items()}
        requests = [{"image": {"content": jpeg}, "features": [feature]}] if jpeg else []
        answer = client.batch_annotate_images(requests=requests, retry=_retry(), timeout=PATIENCE)
        host = host_of(client.transport.host)
        if not jpeg:
            return {}, host
        (one,) = answer.responses
        if one.error.code:
            raise from_grpc_status(one.error.code, one.error.message)
        return AnnotateImageResponse.to_dict(one, always_print_fields_with_no_presence=False), host

    def refused(self) -> tuple[type[Exception], ...]:
        """What Google's libraries raise."""
        from google.api_core.exceptions import GoogleAPIError
        from google.auth.exceptions import GoogleAuthError
        from requests.exceptions import RequestException

        return GoogleAPIError, GoogleAuthError, RequestException

    def code(self, error: Exception) -> str:
        """The name of the status: "TooManyRequests", "Forbidden" ..."""
        cause = getattr(error, "cause", None)  # of a RetryError: what it met last
        return type(cause if isinstance(cause, Exception) else error).__name__

    def labels(self, raw: Mapping[str, Any]) -> list[tuple[str, float]]:
        """Descriptions and scores."""
        return [(label["description"], label.get("score", 0.0)) for label in raw.get("label_annotations", [])]

    def model_version(self, raw: Mapping[str, Any]) -> str:
        """The service says none: the model that was asked for."""
        return self.model


def _retry() -> Any:
    from google.api_core import exceptions
    from google.api_core.retry import Retry, if_exception_type

    busy = (exceptions.TooManyRequests, exceptions.InternalServerError, exceptions.ServiceUnavailable)
    return Retry(predicate=if_exception_type(*busy), initial=0.5, maximum=20.0, timeout=PATIENCE)


@cache
def _client() -> Any:
    try:
        from google.auth.exceptions import GoogleAuthError
        from google.cloud import vision_v1
    except ImportError as error:
        raise MissingExtraError("google-cloud-vision", "autotag") from error
    try:
        return vision_v1.ImageAnnotatorClient(transport="rest")
    except GoogleAuthError as error:
        raise InputError(f"google_vision cannot be used: {error}. {GoogleVision.credentials}") from error
