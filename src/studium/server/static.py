"""The browser app: built files, or a page that says how to build them."""

import mimetypes
from pathlib import Path

from fastapi import FastAPI
from fastapi.responses import HTMLResponse, Response
from starlette.routing import Match, Mount
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

__all__ = ["BUILT", "built", "serve_app"]

BUILT = Path(__file__).parent / "static"
_FOREVER = "public, max-age=31536000, immutable"  # the name of a file under assets/ changes with what is in it
_UNBUILT = """\
<!doctype html>
<html lang="en">
<meta charset="utf-8">
<title>studium</title>
<h1>The browser app is not built</h1>
<p>The server runs, and its <a href="api/health">API</a> can be used. For the app, install Node.js with npm, and</p>
<ul>
<li>in a checkout of studium run <code>make app</code>;</li>
<li>else install studium anew: <code>pip install --force-reinstall --no-binary studium studium</code>.</li>
</ul>
<p>Then start <code>studium serve</code> again.</p>
</html>
"""


class _Files(StaticFiles):
    async def get_response(self, path: str, scope: Scope) -> Response:
        """The file; those whose name tells what is in them are kept by the browser."""
        response = await super().get_response(path, scope)
        if Path(path).parts[:1] == ("assets",) and response.status_code in {200, 304}:
            response.headers["Cache-Control"] = _FOREVER
        return response


class _Outside(Mount):
    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        """Everything but the API: what is no route there is no file either."""
        return (Match.NONE, {}) if scope["path"].startswith("/api") else super().matches(scope)


def built(folder: Path = BUILT) -> bool:
    """Whether there is a browser app to serve."""
    return (folder / "index.html").exists()


def serve_app(app: FastAPI, folder: Path = BUILT) -> None:
    """Serve the browser app at ``/``, or a page that says how to build it."""
    if built(folder):
        mimetypes.add_type("text/javascript", ".js")  # some systems say otherwise, and then no browser runs it
        app.router.routes.append(_Outside("/", _Files(directory=folder, html=True), name="app"))
        return

    @app.get("/", include_in_schema=False)
    def unbuilt() -> HTMLResponse:
        return HTMLResponse(_UNBUILT)
