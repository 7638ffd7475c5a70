"""Pages of video platforms, resolved by yt-dlp: the medium behind the page, and what the platform says of it."""

import json
import logging
import shutil
import threading
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlsplit

from studium.errors import MissingExtraError
from studium.run.download.manners import Answer, Manners
from studium.run.download.partial import Partial
from studium.run.download.web import Stopped, at_private, meaning, private, taken

__all__ = ["FACTS", "YtDlp"]

log = logging.getLogger(__name__)

FACTS = ("title", "uploader", "upload_date", "view_count", "availability", "duration", "extractor", "id", "webpage_url")
"""What is kept of a platform's metadata, under yt-dlp's names; dates are YYYYMMDD."""

_FORBIDDEN = (
    "private",
    "sign in",
    "log in",
    "login",
    "not available in your country",
    "members-only",
    "confirm your age",
)
_GONE = ("unavailable", "removed", "deleted", "terminated", "no longer", "does not exist", "not exist", "not found")


class YtDlp:
    """Asks through yt-dlp, one video at a time per thread."""

    def __init__(self, root: Path, manners: Manners, stop: threading.Event) -> None:
        """Be ready.

        Raises:
            MissingExtraError: yt-dlp is not installed.
        """
        try:
            import yt_dlp  # noqa: F401  (only whether it is there)
        except ModuleNotFoundError as error:
            raise MissingExtraError("yt-dlp", "platforms") from error
        self._manners, self._stop = manners, stop

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        """Nothing is held open."""

    def get(self, url: str, kind: str | None, part: Partial) -> Answer:
        """As `studium.run.download.web.Web.get`; where redirects lead is yt-dlp's business, and not guarded."""
        from yt_dlp import YoutubeDL
        from yt_dlp.utils import DownloadCancelled, YoutubeDLError

        host = urlsplit(url).hostname or ""
        if not self._manners.allow_private and (address := private(host)):
            return Answer("refused", at_private(address))
        folder = part.path.with_suffix(".d")
        try:
            with YoutubeDL(self._options(folder)) as client:
                info = client.extract_info(url, download=True) or {}
        except DownloadCancelled as error:
            raise Stopped from error
        except YoutubeDLError as error:
            return _failed(error)
        except OSError:
            raise
        except Exception as error:  # noqa: BLE001  (yt-dlp stumbles over what a site has changed: this URL's affair)
            return Answer("failed", f"yt-dlp broke down, newer versions may not: {type(error).__name__}: {error}")
        if info.get("_type") == "playlist":
            return Answer("refused", f"a list of media, not one: {info.get('title') or url}; name each by its own URL")
        return self._taken(info, kind, part, folder)

    def _taken(self, info: dict[str, Any], kind: str | None, part: Partial, folder: Path) -> Answer:
        said: dict[str, Any] = {
            "final_url": info.get("webpage_url"),
            "facts": json.dumps({k: info.get(k) for k in FACTS}),
        }
        files = [Path(file["filepath"]) for file in info.get("requested_downloads") or ()]
        files = [file for file in files if file.exists()]
        if not files:
            return Answer("refused", f"yt-dlp took no file; max_bytes is {self._manners.max_bytes}", **said)
        part.begin("")
        files[0].replace(part.path)
        shutil.rmtree(folder)
        return taken(part, kind, self._manners, said)

    def _options(self, folder: Path) -> dict[str, Any]:
        manners = self._manners
        return {
            "outtmpl": {"default": f"{str(folder).replace('%', '%%')}/medium.%(ext)s"},
            "http_headers": {"User-Agent": manners.agent},
            "socket_timeout": manners.timeout,
            "max_filesize": manners.max_bytes,
            "progress_hooks": [self._heard],
            "noplaylist": True,
            "extract_flat": "in_playlist",
            "retries": 0,
            "extractor_retries": 0,
            "cachedir": False,
            "quiet": True,
            "noprogress": True,
            "logger": _Logger(),
        }

    def _heard(self, _: object) -> None:
        from yt_dlp.utils import DownloadCancelled

        if self._stop.is_set():
            raise DownloadCancelled("the run was told to stop")


class _Logger:
    """yt-dlp's words, in our log: what matters comes back as an error."""

    def debug(self, message: str) -> None:
        log.debug("%s", message)

    info = warning = error = debug


def _failed(error: BaseException) -> Answer:
    """What an error of yt-dlp says of the URL."""
    from yt_dlp.networking.exceptions import HTTPError, TransportError
    from yt_dlp.utils import GeoRestrictedError, UnsupportedError

    causes = list(_causes(error))
    word = str(error).removeprefix("ERROR: ")
    for cause in causes:
        if isinstance(cause, HTTPError):
            status, again = meaning(cause.status)
            return Answer(status, word, again, busy=cause.status in {429, 503}, http_status=cause.status)
    if any(isinstance(cause, UnsupportedError) for cause in causes):
        return Answer("refused", word)
    said = word.casefold()
    if any(isinstance(cause, GeoRestrictedError) for cause in causes) or any(sign in said for sign in _FORBIDDEN):
        return Answer("forbidden", word)
    if any(sign in said for sign in _GONE):
        return Answer("gone", word)
    return Answer("failed", word, again=any(isinstance(cause, TransportError) for cause in causes))


def _causes(error: BaseException) -> Iterator[BaseException]:
    """An error and what caused it, as yt-dlp nests them."""
    seen: set[int] = set()
    stack: list[BaseException | None] = [error]
    while stack:
        it = stack.pop()
        if it is None or id(it) in seen:
            continue
        seen.add(id(it))
        yield it
        inner = getattr(it, "exc_info", None) or (None, None)
        stack += [it.__cause__, it.__context__, getattr(it, "cause", None), inner[1]]
