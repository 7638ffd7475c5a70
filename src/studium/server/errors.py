"""One shape for every error: ``{"error": {"status": 404, "type": "UnknownNameError", "message": "..."}}``."""

import logging
import os
import tempfile
from collections.abc import Mapping
from http import HTTPStatus
from pathlib import Path

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel
from starlette.exceptions import HTTPException

from studium.errors import (
    BusyError,
    InputError,
    MediaError,
    MissingExtraError,
    RefusedError,
    ServiceError,
    StudiumError,
    UnknownNameError,
    WeightsError,
)

__all__ = ["RESPONSES", "Failed", "Problem", "answer", "handle"]

log = logging.getLogger(__name__)

_STATUS: tuple[tuple[type[StudiumError], int], ...] = (
    (UnknownNameError, 404),
    (InputError, 400),
    (RefusedError, 403),
    (BusyError, 409),
    (MediaError, 422),
    (MissingExtraError, 501),
    (WeightsError, 503),
    (ServiceError, 503),
    (StudiumError, 500),
)
_TYPES = {
    400: "InputError",
    401: "NotSignedIn",
    403: "RefusedError",
    404: "UnknownNameError",
    405: "InputError",
    408: "InputError",
    413: "TooLargeError",
    421: "RefusedError",
    422: "InputError",
    429: "TooManyRequests",
}


class Problem(BaseModel):
    """What went wrong.

    Attributes:
        status: that of the answer.
        type: name of a class in `studium.errors`, or NotSignedIn, TooManyRequests, ServerError.
        message: what was expected, what came, and what to do.
    """

    status: int
    type: str
    message: str


class Failed(BaseModel):
    """The body of every answer that is an error."""

    error: Problem


RESPONSES: dict[int | str, dict[str, object]] = {
    status: {"model": Failed, "description": said}
    for status, said in {
        400: "Something does not fit",
        401: "Not signed in",
        403: "Not allowed",
        404: "There is none of this name",
        405: "Not this method",
        408: "The body did not come in time",
        409: "Somebody else is at it",
        413: "Too large",
        422: "Something does not fit the description",
        429: "Too many requests",
        501: "A package is not installed",
        503: "A model or a service cannot be had",
    }.items()
}
"""The errors of every route, for its description."""


def answer(status: int, message: str, kind: str = "", headers: Mapping[str, str] | None = None) -> JSONResponse:
    """An error as an answer."""
    said = message.encode("utf-8", "backslashreplace").decode()  # what came may hold lone surrogates
    body = {"error": {"status": status, "type": kind or _TYPES.get(status, "ServerError"), "message": said}}
    return JSONResponse(body, status, dict(headers or {}))


def handle(app: FastAPI) -> None:
    """Let the application answer every error in that shape."""
    app.add_exception_handler(StudiumError, _ours)
    app.add_exception_handler(HTTPException, _https)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(Exception, _unexpected)


def _ours(request: Request, error: Exception) -> JSONResponse:
    """An error that studium raises on purpose."""
    status = next(status for kind, status in _STATUS if isinstance(error, kind))
    if status == 500:  # of the server's disk or database: nothing that whoever asks could mend
        log.error("request %s: %s: %s", request.state.number, type(error).__name__, error)
        return _unexpected(request, error)
    return answer(status, _placeless(str(error), request.app.state.root), type(error).__name__)


def _placeless(said: str, root: Path) -> str:
    """What an error says, but not where on the machine the study lies."""
    for folder in (root.absolute(), root.resolve(), tempfile.gettempdir()):
        said = said.replace(f"{folder}{os.sep}", "").replace(str(folder), "the study")
    return said.replace(str(Path.home()), "~")


def _https(request: Request, error: Exception) -> JSONResponse:
    """An error of the framework."""
    assert isinstance(error, HTTPException)
    bare = error.detail == HTTPStatus(error.status_code).phrase
    said = f"{request.method} {request.url.path}: {error.detail.lower()}" if bare else str(error.detail)
    return answer(error.status_code, said, headers=error.headers)


def _invalid(_: Request, error: Exception) -> JSONResponse:
    """A request that does not fit the route's description."""
    assert isinstance(error, RequestValidationError)
    return answer(422, "; ".join(f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in error.errors()))


def _unexpected(request: Request, _: Exception) -> JSONResponse:
    """Anything else; the shell logs it, and the browser gets no traceback."""
    return answer(500, f"the server failed; its log tells why, under request {request.state.number}")
