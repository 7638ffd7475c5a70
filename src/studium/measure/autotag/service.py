"""What the autotaggers of other companies share: what is sent, how it is asked, and the columns that come back."""

import hashlib
import io
import json
import os
from abc import abstractmethod
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from contextvars import copy_context
from dataclasses import dataclass
from functools import cache
from typing import Any, ClassVar
from urllib.parse import urlsplit

from studium.core import allowance
from studium.core.column import Column
from studium.core.outgoing import Outgoing
from studium.errors import InputError, MediaError, TooLargeError
from studium.measure import faceless
from studium.measure.answers import Answer, Question, ask_once, check_room, is_kept
from studium.measure.at_size import AtSize
from studium.measure.autotag.price import prices
from studium.measure.per_item import collect
from studium.media.transform import Picture
from studium.networks.sessions import loaded

__all__ = ["AT_ONCE", "TRIES", "Autotagger", "Sent", "encoded", "host_of"]

AT_ONCE = 8
"""Requests under way at a time in one process, whatever the number of threads that measure."""

TRIES = 5
"""How often a client of a service tries when it is busy, at most, waiting longer each time."""

QUALITY = 90
BIAS = "doi:10.1177/2378023120967171"  # Schwemmer et al. (2020)


@dataclass(frozen=True)
class Sent:
    """A picture as it leaves the machine: a JPEG file without metadata, and its size in px."""

    jpeg: bytes
    width: int
    height: int


def encoded(picture: Picture) -> Sent:
    """Encode RGB pixels as a JPEG file (quality 90): no name, no place, no date, nothing but what is to be seen."""
    from PIL import Image

    file = io.BytesIO()
    Image.fromarray(picture).save(file, "JPEG", quality=QUALITY)
    return Sent(file.getvalue(), picture.shape[1], picture.shape[0])


def host_of(address: str) -> str:
    """The machine of an address, with its port if it is not the usual one; never a user, password or path.

    >>> host_of("https://somebody:secret@vision.example.org:443/analyze?key=secret")
    'vision.example.org'
    """
    there = urlsplit(address if "://" in address else f"//{address}").netloc
    return there.rpartition("@")[2].removesuffix(":443")


class Autotagger(AtSize):
    """A service that names what is in a picture. Subclasses are frozen dataclasses with the fields below.

    Attributes:
        wave: name of a round of asking, such as "2026-11"; another name asks again, to see what changed.
        cover_faces: whether faces that are found are filled with black before anything is sent.
        smallest: shortest side that the service takes, px.
        largest: longest file that it takes, bytes.
        no_picture: codes with which it refuses a request without a picture, once it knows who asks.
        credentials: where it looks for them, for the reader of an error.
    """

    wave: str
    cover_faces: bool

    takes: ClassVar[str] = "image"
    smallest: ClassVar[int]
    largest: ClassVar[int]
    no_picture: ClassVar[frozenset[str]]
    credentials: ClassVar[str]

    def __post_init__(self) -> None:
        """Refuse what cannot be meant."""
        super().__post_init__()
        if not isinstance(self.cover_faces, bool):
            raise InputError(f"{self.name}: cover_faces should be true or false, got {self.cover_faces!r}")

    @property
    def models(self) -> tuple[str, ...]:
        """Of the network that finds faces, if they are covered."""
        return faceless.MODELS if self.cover_faces else ()

    @property
    def remote(self) -> bool:
        """Pictures leave the machine."""
        return True

    @property
    @abstractmethod
    def request(self) -> Mapping[str, Any]:
        """What is asked about every picture: API version, features, model. Part of the place of the answer."""

    @property
    @abstractmethod
    def host(self) -> str:
        """The machine that would be sent the pictures, as far as can be told without asking anybody."""

    @abstractmethod
    def client(self) -> Any:
        """The service's own client, made once per process.

        Raises:
            InputError: there are no credentials; the message says where they are looked for.
        """

    @abstractmethod
    def send(self, client: Any, jpeg: bytes) -> tuple[Mapping[str, Any], str]:
        """One call: the raw answer and the host. ``b""`` asks without a picture. Errors are the client's own."""

    @abstractmethod
    def refused(self) -> tuple[type[Exception], ...]:
        """Errors of the client: whatever the service, or the way to it, may answer instead of labels."""

    @abstractmethod
    def code(self, error: Exception) -> str:
        """The service's own code for an error."""

    @abstractmethod
    def labels(self, raw: Mapping[str, Any]) -> list[tuple[str, float]]:
        """(label, confidence from 0 to 1) of everything that the service said, in its order."""

    @abstractmethod
    def model_version(self, raw: Mapping[str, Any]) -> str:
        """The version of the service's model, as far as it says one."""

    @property
    def columns(self) -> tuple[Column, ...]:
        """The labels as JSON, and how they came about."""
        it = self.name
        said = 'JSON: [{"label": ..., "confidence": 0 to 1}, ...], the surest first'
        return (
            Column(f"{it}_labels", "string", f"labels, as {said}", source=BIAS, sensitive=True),
            Column(f"{it}_count", "int32", "number of labels", low=0),
            Column(f"{it}_top", "string", "the surest label; null if there is none", sensitive=True),
            Column(f"{it}_model_version", "string", "version of the model, as the service calls it"),
            Column(f"{it}_asked_at", "string", "when the service was asked, ISO 8601 in UTC"),
            Column(f"{it}_host", "string", "the host that was sent the picture"),
            Column(f"{it}_sha256_sent", "string", "sha256 of the JPEG file that was sent; names the whole answer"),
            Column(f"{it}_bytes_sent", "int64", "size of the JPEG file that was sent", "bytes", low=0),
            Column(f"{it}_width_sent", "int32", "width of the picture that was sent", "px", low=1),
            Column(f"{it}_height_sent", "int32", "height of the picture that was sent", "px", low=1),
        )

    @property
    def question(self) -> Question:
        """What is asked, and which answers would do."""
        return Question(self.name, self.request, self.wave)

    def identifies(self, of: str) -> bool:
        """Of faces: a face that is cut out and sent to a company is face analysis, and needs a legal basis."""
        return of == "face"

    def prepare(self) -> None:
        """Make sure that answers can be kept, and that the service knows who asks.

        That is found out by a request without a picture, which it refuses unpaid: once per process, and again after
        it refused anything, for an account may lapse during a run.

        Raises:
            InputError: there are no credentials, they are not accepted, or the service cannot be reached.
            StoreError: answers cannot be kept.
        """
        if self.cover_faces:
            faceless.ready()
        if not _offline():
            check_room(self.question.folder)
            loaded(lambda: _admitted(self))

    def outgoing(self, item: Picture) -> Outgoing | None:
        """The JPEG file, at the list price; None for a picture that the service does not take."""
        shown = self._shown(item)
        sent = encoded(shown)
        try:
            self._check(sent)
        except MediaError:
            return None
        kept, price = is_kept(self.question, sent.jpeg), prices()[self.name]
        usd = 0.0 if kept else price.usd
        return Outgoing(self.host, len(sent.jpeg), pictures=(shown,), kept=kept, usd=usd, source=str(price))

    def row(self, item: Picture) -> Mapping[str, Any]:
        """Tag one RGB picture.

        Raises:
            MediaError: the service takes no such picture, or answered with an error; the message has its code.
            BudgetError: it would cost more than the run may.
        """
        sent = encoded(self._shown(item))
        self._check(sent)
        answer = ask_once(self.question, sent.jpeg, lambda: self._ask(sent.jpeg))
        return self._row(sent, answer)

    def __call__(self, batch: Sequence[Picture]) -> Mapping[str, Any]:
        """Tag RGB pictures, several at a time."""
        crew = loaded(_crew)  # which waits under the allowance of the run
        asked = [crew.submit(copy_context().run, self.row, item) for item in batch]
        wait(asked)  # also if one of them fails: the others are paid for
        return collect(self.columns, [one.result() for one in asked])

    def _shown(self, picture: Picture) -> Picture:
        """The pixels that are sent. Faces are looked for in these: what is too small to be found there hardly shows."""
        shrunk = self.shrunk(picture)
        return faceless.faceless(shrunk) if self.cover_faces else shrunk

    def _check(self, sent: Sent) -> None:
        """Refuse what the service would refuse, before anything is sent."""
        if min(sent.width, sent.height) < self.smallest:
            shrunk = f"; if it was shrunk, choose a larger longest than {self.longest}"
            raise MediaError(
                f"{self.name} takes pictures of at least {self.smallest} px on every side, got {sent.width} x "
                f"{sent.height} px; nothing was sent{shrunk if max(sent.width, sent.height) == self.longest else ''}"
            )
        if len(sent.jpeg) > self.largest:
            raise TooLargeError(
                f"{self.name} takes files of at most {self.largest:,} bytes, got {len(sent.jpeg):,}; nothing was sent; "
                f"choose a smaller longest than {self.longest}"
            )

    def _ask(self, jpeg: bytes) -> tuple[Mapping[str, Any], str]:
        if _offline():
            raise MediaError(f"{self.name} was never asked about this picture, and STUDIUM_OFFLINE is set; unset it")
        client, may, usd = loaded(self.client), allowance.current(), prices()[self.name].usd
        may.admit(usd)
        may.pace(self.host)
        try:
            return self.send(client, jpeg)
        except self.refused() as error:
            if _answered(error):
                may.settle(usd, 0)
            _admitted.cache_clear()  # the picture, or the account? the next `prepare` asks, and ends a run in vain
            raise MediaError(f"{self.name} answered {self._said(error)}; {len(jpeg):,} bytes were sent") from error

    def _said(self, error: Exception) -> str:
        """Code and message of an error: one line, for the next may hold parts of the signed request."""
        code = self.code(error)
        first = next(iter(str(error).splitlines()), "")
        return first if code in first else f"{code}: {first}"

    def _row(self, sent: Sent, answer: Answer) -> dict[str, Any]:
        found = sorted(self.labels(answer.raw), key=lambda pair: (-pair[1], pair[0]))
        values = {
            "labels": json.dumps([{"label": label, "confidence": sure} for label, sure in found], ensure_ascii=False),
            "count": len(found),
            "top": found[0][0] if found else None,
            "model_version": self.model_version(answer.raw),
            "asked_at": answer.asked_at,
            "host": answer.host,
            "sha256_sent": hashlib.sha256(sent.jpeg).hexdigest(),
            "bytes_sent": len(sent.jpeg),
            "width_sent": sent.width,
            "height_sent": sent.height,
        }
        return {f"{self.name}_{key}": value for key, value in values.items()}


def _answered(error: Exception) -> bool:
    """Whether it is the service that said so, which costs nothing; if no answer came, nobody knows."""
    return any(getattr(error, said, None) is not None for said in ("response", "code"))


@cache
def _admitted(tagger: Autotagger) -> bool:
    """Ask without a picture, and remember: the service must refuse that, and nothing else."""
    client = tagger.client()
    try:
        tagger.send(client, b"")
    except tagger.refused() as error:
        if tagger.code(error) not in tagger.no_picture:
            raise InputError(
                f"{tagger.name} cannot be used: {tagger._said(error)}. {tagger.credentials}. No picture was sent"
            ) from error
    return True


@cache
def _crew() -> ThreadPoolExecutor:
    """Those who wait for answers."""
    return ThreadPoolExecutor(AT_ONCE, thread_name_prefix="autotag")


def _offline() -> bool:
    """Whether only answers that are kept may be used."""
    return os.environ.get("STUDIUM_OFFLINE", "").lower() not in {"", "0", "false", "no"}
