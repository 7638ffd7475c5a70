"""What a request has to do with: the study, its records, and who asks.

Dependencies that wait for nothing are ``async``: the framework sends all others to a thread, which costs more.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

from fastapi import Depends, Request

from studium.core.records.accounts import ROLES
from studium.errors import RefusedError

if TYPE_CHECKING:
    from studium.core.records import Records
    from studium.corpus import Corpus

__all__ = ["Adjudicating", "Administering", "Coding", "Viewer", "corpus", "records"]


@dataclass(frozen=True, slots=True)
class Viewer:
    """Who asks.

    Attributes:
        name: as which they code.
        role: one of `studium.core.records.accounts.ROLES`; who serves a study on their own machine is its admin.
    """

    name: str
    role: str

    def may(self, role: str) -> bool:
        """Whether they have this role, or one that includes it."""
        return ROLES.index(self.role) >= ROLES.index(role)


def corpus(request: Request) -> "Corpus":
    """The study that is served, as its files say now."""
    found: Corpus = request.app.state.watched.corpus
    return found


def records(request: Request) -> "Records":
    """Its database, open."""
    found: Records = request.app.state.records
    return found


async def _viewer(request: Request) -> Viewer:
    """Who is signed in; `studium.server.auth` has seen to it that somebody is."""
    found: Viewer = request.state.viewer
    return found


async def _adjudicator(viewer: Annotated[Viewer, Depends(_viewer)]) -> Viewer:
    return _allowed(viewer, "adjudicator")


async def _admin(viewer: Annotated[Viewer, Depends(_viewer)]) -> Viewer:
    return _allowed(viewer, "admin")


def _allowed(viewer: Viewer, role: str) -> Viewer:
    if not viewer.may(role):
        raise RefusedError(f"this is for the role {role}; {viewer.name} has the role {viewer.role}: ask an admin")
    return viewer


Coding = Annotated[Viewer, Depends(_viewer)]
Adjudicating = Annotated[Viewer, Depends(_adjudicator)]
Administering = Annotated[Viewer, Depends(_admin)]
"""Of a parameter: whoever is signed in, an adjudicator or admin, an admin."""
