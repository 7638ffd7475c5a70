"""Amazon Rekognition: DetectLabels."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, ClassVar

from studium.errors import InputError, MissingExtraError
from studium.measure.autotag.service import AT_ONCE, TRIES, Autotagger, host_of

__all__ = ["Rekognition"]

EVERYTHING = {"MaxLabels": 1000, "MinConfidence": 0.0, "Features": ["GENERAL_LABELS"]}
_ELSEWHERE = (
    "AWS_ENDPOINT_URL_REKOGNITION", "AWS_ENDPOINT_URL", "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "AWS_PROFILE",
    "AWS_CONFIG_FILE", "AWS_USE_FIPS_ENDPOINT", "AWS_USE_DUALSTACK_ENDPOINT",
)  # fmt: skip
"""Variables by which boto3 is told to ask another machine."""

NOTHING = b"\0"  # no picture: the client refuses to send no byte at all


@dataclass(frozen=True)
class Rekognition(Autotagger):
    """Labels of Amazon Rekognition. **Pictures leave the machine**: allow it with ``--allow-remote``.

    Sent is a JPEG file of the decoded picture, its longer side at most ``longest`` px, without metadata. Asked for are
    general labels only, all of them, however unsure (the service's own default leaves out those below .55): no faces,
    no celebrities, no text. Labels of people ("Man", "Adult") are what a machine perceives. The labels change whenever
    the service's model does: ``rekognition_model_version`` and ``rekognition_asked_at`` belong into the paper.

    Credentials come from where boto3 looks: the environment (``AWS_ACCESS_KEY_ID`` ...), ``~/.aws``, a role. They
    need the permission ``rekognition:DetectLabels``. Every answer is kept, so no picture is paid for twice.

    Args:
        longest: pictures with a longer side are shrunk to it, in pixels, before they are sent.
        region: of the data centre that is sent the pictures.
        wave: name of a round of asking, such as "2026-11"; another name asks, and pays, again.
        cover_faces: whether faces are filled with black before anything is sent, as far as they are found.

    References:
        Schwemmer et al. (2020), doi:10.1177/2378023120967171 (what such labels say about people, and how they err).
    """

    longest: int = 1600
    region: str = "eu-central-1"
    wave: str = ""
    cover_faces: bool = False

    name: ClassVar[str] = "rekognition"
    version: ClassVar[str] = "1"
    smallest: ClassVar[int] = 80
    largest: ClassVar[int] = 5 * 1024 * 1024
    no_picture: ClassVar[frozenset[str]] = frozenset({"InvalidImageFormatException", "InvalidParameterException"})
    credentials: ClassVar[str] = (
        "boto3 looks for credentials in the environment (AWS_ACCESS_KEY_ID, AWS_PROFILE ...), ~/.aws and roles; they "
        "need the permission rekognition:DetectLabels"
    )

    @property
    def request(self) -> Mapping[str, Any]:
        """DetectLabels with its parameters."""
        return {"operation": "DetectLabels", "api": "2016-06-27", "region": self.region, **EVERYTHING}

    @property
    def host(self) -> str:
        """Of the data centre, unless boto3 was told to ask another: AWS_ENDPOINT_URL, ~/.aws/config ..."""
        return host_of(_endpoint(self.region, *map(os.environ.get, _ELSEWHERE)))

    def client(self) -> Any:
        """A boto3 client."""
        return _client(self.region)

    def send(self, client: Any, jpeg: bytes) -> tuple[Mapping[str, Any], str]:
        """One call of DetectLabels."""
        raw = client.detect_labels(Image={"Bytes": jpeg or NOTHING}, **EVERYTHING)
        answer = {key: value for key, value in raw.items() if key != "ResponseMetadata"}
        return answer, host_of(client.meta.endpoint_url)

    def refused(self) -> tuple[type[Exception], ...]:
        """What botocore raises."""
        from botocore.exceptions import BotoCoreError, ClientError

        return BotoCoreError, ClientError

    def code(self, error: Exception) -> str:
        """Of the service ("ThrottlingException"), or of the client ("EndpointConnectionError")."""
        response = getattr(error, "response", None) or {}
        return str(response.get("Error", {}).get("Code", type(error).__name__))

    def labels(self, raw: Mapping[str, Any]) -> list[tuple[str, float]]:
        """Names and confidences; the service gives per cent."""
        return [(label["Name"], label["Confidence"] / 100) for label in raw["Labels"]]

    def model_version(self, raw: Mapping[str, Any]) -> str:
        """Of the label detection model."""
        return str(raw.get("LabelModelVersion", ""))


@cache
def _client(region: str) -> Any:
    try:
        import boto3
        from botocore.config import Config
        from botocore.exceptions import BotoCoreError
    except ImportError as error:
        raise MissingExtraError("boto3", "autotag") from error
    retries = {"mode": "adaptive", "total_max_attempts": TRIES}  # it slows down for all when the service is busy
    settings = Config(retries=retries, connect_timeout=10, read_timeout=60, max_pool_connections=AT_ONCE)
    try:
        session = boto3.Session(region_name=region)
        if session.get_credentials() is None:
            raise InputError(f"rekognition found no credentials. {Rekognition.credentials}")
        return session.client("rekognition", config=settings)
    except BotoCoreError as error:
        raise InputError(f"rekognition cannot be used: {error}. {Rekognition.credentials}") from error


@cache
def _endpoint(region: str, *_: str | None) -> str:
    """The address that boto3 would ask, told by its settings; nobody is asked, and no credentials are looked for."""
    usual = f"https://rekognition.{region}.amazonaws.com"
    try:
        import boto3
        from botocore.exceptions import BotoCoreError
    except ImportError:
        return usual
    try:
        client = boto3.Session(region_name=region).client(
            "rekognition", aws_access_key_id="-", aws_secret_access_key="-"
        )
    except BotoCoreError:  # a profile that is not there: the run says so
        return usual
    return str(client.meta.endpoint_url)
