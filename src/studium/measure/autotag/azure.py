"""Azure AI Vision: Image Analysis 4.0, tags."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, ClassVar

from studium.errors import InputError, MissingExtraError
from studium.measure.autotag.service import TRIES, Autotagger, host_of

__all__ = ["AzureVision"]


@dataclass(frozen=True)
class AzureVision(Autotagger):
    """Tags of Azure AI Vision. **Pictures leave the machine**: allow it with ``--allow-remote``.

    Sent is a JPEG file of the decoded picture, its longer side at most ``longest`` px, without metadata, to the
    endpoint of your own resource, in the region where you made it. Asked for are tags only: no captions, no people, no
    text. Tags of people ("man", "woman") are what a machine perceives. The tags change whenever the service's model
    does: ``azure_vision_model_version`` and ``azure_vision_asked_at`` belong into the paper.

    Endpoint and key are read from ``VISION_ENDPOINT`` and ``VISION_KEY``, as in Microsoft's own examples. Every answer
    is kept, so no picture is paid for twice.

    Args:
        longest: pictures with a longer side are shrunk to it, in pixels, before they are sent.
        model: "latest", or a version such as "2023-10-01" where results should stay the same.
        wave: name of a round of asking, such as "2026-11"; another name asks, and pays, again.
        cover_faces: whether faces are filled with black before anything is sent, as far as they are found.

    References:
        Schwemmer et al. (2020), doi:10.1177/2378023120967171 (what such labels say about people, and how they err).
    """

    longest: int = 1600
    model: str = "latest"
    wave: str = ""
    cover_faces: bool = False

    name: ClassVar[str] = "azure_vision"
    version: ClassVar[str] = "1"
    smallest: ClassVar[int] = 51  # more than 50
    largest: ClassVar[int] = 20_000_000
    no_picture: ClassVar[frozenset[str]] = frozenset({"InvalidRequest", "InvalidArgument", "BadRequest", "400"})
    credentials: ClassVar[str] = "Set VISION_ENDPOINT (https://....cognitiveservices.azure.com) and VISION_KEY"

    @property
    def request(self) -> Mapping[str, Any]:
        """Features of imageanalysis:analyze."""
        return {"operation": "imageanalysis:analyze", "api": "2023-10-01", "features": ["tags"], "model": self.model}

    @property
    def host(self) -> str:
        """That of VISION_ENDPOINT."""
        return host_of(os.environ.get("VISION_ENDPOINT", "")) or "the host of VISION_ENDPOINT, which is not set"

    def client(self) -> Any:
        """Azure's client."""
        return _client(os.environ.get("VISION_ENDPOINT", ""), os.environ.get("VISION_KEY", ""))

    def send(self, client: Any, jpeg: bytes) -> tuple[Mapping[str, Any], str]:
        """One call of imageanalysis:analyze."""
        raw = client.analyze(jpeg, ["tags"], model_version=self.model)
        return raw.as_dict(), host_of(os.environ["VISION_ENDPOINT"])

    def refused(self) -> tuple[type[Exception], ...]:
        """What azure-core raises."""
        from azure.core.exceptions import AzureError

        return (AzureError,)

    def code(self, error: Exception) -> str:
        """Of the service ("InvalidRequest"), the HTTP status, or of the client ("ServiceRequestError")."""
        said = getattr(getattr(error, "error", None), "code", None) or getattr(error, "status_code", None)
        return str(said or type(error).__name__)

    def labels(self, raw: Mapping[str, Any]) -> list[tuple[str, float]]:
        """Names and confidences."""
        return [(tag["name"], tag["confidence"]) for tag in raw["tagsResult"]["values"]]

    def model_version(self, raw: Mapping[str, Any]) -> str:
        """Of the model that answered."""
        return str(raw.get("modelVersion", ""))


@cache
def _client(endpoint: str, key: str) -> Any:
    try:
        from azure.ai.vision.imageanalysis import ImageAnalysisClient
        from azure.core.credentials import AzureKeyCredential
    except ImportError as error:
        raise MissingExtraError("azure-ai-vision-imageanalysis", "autotag") from error
    if not (endpoint and key):
        raise InputError(f"azure_vision found no endpoint or no key. {AzureVision.credentials}")
    credential = AzureKeyCredential(key)
    return ImageAnalysisClient(
        endpoint, credential, retry_total=TRIES - 1, retry_backoff_max=20, connection_timeout=10, read_timeout=60
    )
