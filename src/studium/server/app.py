"""The application: every route under ``/api``, behind the door, in the shell; and the browser app."""

import importlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from fastapi import FastAPI
from starlette.types import ASGIApp

from studium.core.records.attempts import Attempts
from studium.server.auth import OPEN, Door
from studium.server.context import Viewer
from studium.server.errors import RESPONSES, handle
from studium.server.headers import Shell
from studium.server.limits import BODY, Deadline
from studium.server.routes import MODULES
from studium.server.sessions import AccountSessions, LocalSessions
from studium.server.settings import Settings
from studium.server.static import serve_app
from studium.server.watched import Watched

if TYPE_CHECKING:
    from studium.core.records import Records
    from studium.corpus import Corpus

__all__ = ["Settings", "create_app", "records_of"]


class _Application(FastAPI):
    def build_middleware_stack(self) -> ASGIApp:
        """What the framework answers by itself gets the shell's headers too."""
        return Shell(super().build_middleware_stack())

    def openapi(self) -> dict[str, Any]:
        """The description of the API, with how to be let in."""
        if self.openapi_schema is None:
            said = super().openapi()
            said["components"]["securitySchemes"] = {
                "cookie": {"type": "apiKey", "in": "cookie", "name": self.state.settings.cookie},
                "bearer": {"type": "http", "scheme": "bearer"},
            }
            said["security"] = [{"bearer": []}, {"cookie": []}]
            for method, path in OPEN:
                said["paths"][path][method.lower()]["security"] = []
        return super().openapi()


def records_of(corpus: "Corpus", settings: Settings) -> "Records":
    """The database of a study that is served, open."""
    from studium.core.records import Records
    from studium.run.coding.opened import where

    return Records(settings.database or where(corpus.root, corpus.study))


def create_app(corpus: "Corpus", settings: Settings) -> FastAPI:
    """The application of one study; its database is open until the application ends.

    Args:
        corpus: the study.
        settings: who may use it, and how.
    """
    records = records_of(corpus, settings)
    owner = Viewer(settings.coder, "admin")
    sessions = LocalSessions(settings.token, owner) if settings.token else AccountSessions(records)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        yield
        records.close()

    app = _Application(
        title="studium",
        description="One study: its units, what was measured, and what people say of them.",
        version=version("studium"),
        openapi_url="/api/openapi.json",
        docs_url=None,
        redoc_url=None,
        lifespan=lifespan,
        max_body_size=BODY,
        responses=RESPONSES,
        generate_unique_id_function=lambda route: "_".join([*map(str, route.tags), route.name]),
    )
    app.state.root, app.state.watched, app.state.records = corpus.root, Watched(corpus), records
    app.state.settings, app.state.sessions = settings, sessions
    app.state.by_name = Attempts(records, "name", free=5, longest=60)
    app.state.by_address = Attempts(records, "address", free=30, longest=900)
    app.add_middleware(Deadline)
    app.add_middleware(Door, settings=settings, sessions=sessions)
    handle(app)
    for module in MODULES:
        app.include_router(importlib.import_module(f"studium.server.routes.{module}").router, prefix="/api")
    serve_app(app)
    return app
