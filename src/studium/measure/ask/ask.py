"""The questions of the codebook, put to a vision-language model about whatever a coder would be shown."""

import threading
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from dataclasses import dataclass
from functools import cache
from typing import Any, ClassVar
from weakref import WeakKeyDictionary

from studium.core import weights
from studium.core.column import Column
from studium.core.outgoing import Outgoing
from studium.core.protocols import DETAIL, Measure
from studium.core.variable import Variable
from studium.errors import InputError, MediaError, ServiceError
from studium.measure.ask.answer import answered
from studium.measure.ask.columns import coded, columns_of, traced, variable_of
from studium.measure.ask.prompt import prompt_of
from studium.measure.ask.provider import Prompt, Provider, Shown
from studium.measure.ask.shown import show
from studium.measure.parameters import check_whole
from studium.measure.per_item import collect
from studium.media.material import Material
from studium.networks.sessions import loaded

__all__ = ["Ask"]

AT_ONCE = 8
"""Requests to servers under way at a time in one process, whatever the number of threads that measure."""


@dataclass(frozen=True)
class Ask(Measure):
    """Code units by asking a vision-language model, on this machine or on a server, the questions of the codebook.

    The question, values, definitions and examples of every variable become one prompt and the JSON schema of the
    answer. Of a post the model is shown the text, all pictures, frames of the films and what is said in them, in one
    message; of other units what there is of these. An answer that does not fit the codebook is sent back once, with
    what is wrong with it; if the second one does not fit either, the unit fails, and the failure holds both.

    A model answers whatever it is asked, also where it cannot know, and is swayed by the wording, by what it saw in
    training, and by who is shown. Compare its answers with those of human coders on a random sample before they go
    into a table.

    Args:
        variables: of the codebook, all of one kind of unit. In a study ``variable`` or ``variables`` names them.
        model: an id of ``models.toml``, ``owner/name@commit`` of the hub, or the path of a folder in the hub's format;
            with ``url``, what the server calls its model.
        url: address of a server that speaks OpenAI's protocol, such as ``http://localhost:11434/v1``; empty for a model
            on this machine.
        frames: how many frames of each film are shown, from the middles of as many equal parts; 1 or more.
        longest: pictures with a longer side are shrunk to it, in px; 1 or more.
        facts: which columns of the posts' source are shown as well: ``["hashtags"]``.
        tokens: longest answer, in tokens of the model; 1 or more.
        wave: name of a round of asking, such as "2026-11"; another name asks a server again, to see what changed.
        cover_faces: whether faces are covered before anything is shown.

    References:
        Gilardi et al. (2023), doi:10.1073/pnas.2305016120 (a model in a coder's place); Törnberg (2024),
        doi:10.48550/arXiv.2402.05129 (good practice).
    """

    variables: tuple[Variable, ...]
    model: str = ""
    url: str = ""
    frames: int = 4
    longest: int = 768
    facts: tuple[str, ...] = ()
    tokens: int = 512
    wave: str = ""
    cover_faces: bool = False

    name: ClassVar[str] = "ask"
    version: ClassVar[str] = "1"
    takes: ClassVar[str] = "material"

    def __post_init__(self) -> None:
        """Refuse what cannot be asked; one variable or fact may stand alone, and lists become tuples."""
        given: Any = self.variables
        variables = given if isinstance(given, list | tuple) else (given,)
        object.__setattr__(self, "variables", tuple(map(variable_of, variables)))
        facts: Any = self.facts
        object.__setattr__(self, "facts", tuple(facts) if isinstance(facts, list | tuple) else (facts,))
        if not all(isinstance(fact, str) and fact for fact in self.facts):
            raise InputError(f"ask: facts should be names of columns of the posts' source, got {facts!r}")
        prompt_of(self.variables)
        if self.facts and (of := self.variables[0].of) != "post":
            raise InputError(
                f"ask: the source says facts of posts alone, and these are variables of {of} units; "
                f"leave facts out, or ask about posts"
            )
        for parameter in ("frames", "longest", "tokens"):
            check_whole(self, parameter, 1)
        if not (self.model or self.url):
            raise InputError("ask needs a model on this machine (model=...), or the address of a server (url=...)")
        _ = self.provider if self.url else weights.get(self.model)
        names = [column.name for column in self.columns]
        if twice := sorted({name for name in names if names.count(name) > 1}):
            raise InputError(f"ask: several columns would be called {', '.join(twice)}; rename a variable or a value")

    @property
    def prompt(self) -> Prompt:
        """What is asked about every unit; `studium.measure.ask.prompt.text_of` makes one text of it."""
        return prompt_of(self.variables)

    @property
    def provider(self) -> Provider:
        """Whoever answers."""
        if self.url:
            from studium.measure.ask.endpoint import Endpoint

            return Endpoint(self.url, self.model, self.tokens, self.wave)
        from studium.measure.ask.chat import provider_on_this_machine

        return provider_on_this_machine(self.model, self.tokens)

    @property
    def columns(self) -> tuple[Column, ...]:
        """The answer to every variable, and how it came about."""
        return columns_of(self.variables)

    @property
    def models(self) -> tuple[str, ...]:
        """Those it loads: the model, if it runs on this machine, and the one that finds faces."""
        return (self.model,) * (not self.url) + self._face_models()

    @property
    def remote(self) -> bool:
        """Whether the server is another machine."""
        return bool(self.url) and self.provider.remote

    @property
    def detail(self) -> int:
        """What decoding must keep: ``longest`` px even of the shorter side, so that no picture is shrunk below it."""
        return max(DETAIL, self.longest)

    @property
    def at_once(self) -> int:
        """How many units a run hands over: those that a server is asked about at a time, or one."""
        return AT_ONCE if self.url else 1

    def identifies(self, of: str) -> bool:
        """Of faces, whatever the question: origin, religion or orientation read off a face are data of GDPR Art. 9."""
        return of == "face"

    def outgoing(self, item: Material) -> Outgoing | None:
        """What would be sent about one unit; None if nothing leaves the machine, or there is nothing to show."""
        try:
            return self.provider.outgoing(self.prompt, self.shown(item))
        except MediaError:
            return None

    def prepare(self) -> None:
        """Load the model, or make sure that the server answers and knows who asks.

        Raises:
            InputError: it cannot be asked this; the message says what to do.
        """
        if self.cover_faces:
            from studium.measure.faceless import ready

            ready()
        self.provider.prepare(self.prompt)

    def shown(self, item: Material) -> Shown:
        """What the model is shown of one unit.

        Raises:
            InputError: it is of another kind than the variables.
            MediaError: there is nothing to show, or it cannot be decoded.
        """
        of = self.variables[0].of
        if item.kind not in {None, of}:
            raise InputError(
                f"ask: {self.variables[0].name} is coded on {of} units, this is a {item.kind}; measure --of {of}, or "
                "change the codebook"
            )
        return show(item, self.frames, self.longest, self.facts, self.cover_faces)

    def row(self, item: Material) -> dict[str, Any]:
        """Ask about one unit.

        Raises:
            MediaError: there was no answer that fits; the message has what was answered.
            ServiceError: it would cost more than the run may.
        """
        found = answered(self.provider, self.prompt, self.shown(item))
        return coded(found, self.variables) | traced(found.replies, self.prompt)

    def __call__(self, batch: Sequence[Material]) -> Mapping[str, Any]:
        """Ask about units: a server about several at a time, a model on this machine about one after the other.

        Raises:
            MediaError: there was no answer that fits about one of them. What was answered about the others is not
                asked again when they are measured one by one.
            ServiceError: it would cost more than the run may.
        """
        outcomes = self._kept(batch) or self._asked(batch)
        failed = [one for one in outcomes if isinstance(one, Exception)]
        if spent := [one for one in failed if isinstance(one, ServiceError)]:
            raise spent[0]
        if failed:
            _keep(self, batch, outcomes)
            raise failed[0]
        return collect(self.columns, outcomes)

    def _asked(self, batch: Sequence[Material]) -> list[Any]:
        """The row of each unit, or why it has none."""
        if not self.url:
            return [self.row(item) for item in batch]
        crew = loaded(_crew)
        asked = [crew.submit(copy_context().run, self.row, item) for item in batch]
        return [one.exception() or one.result() for one in asked]

    def _kept(self, batch: Sequence[Material]) -> list[Any]:
        """What became of a unit, if it is alone, when it was asked about among others of which one failed."""
        with _lock:
            kept = _outcomes.get(batch[0], {}) if len(batch) == 1 else {}
            return [kept.pop(self)] if self in kept else []

    def _face_models(self) -> tuple[str, ...]:
        if not self.cover_faces:
            return ()
        from studium.measure.faceless import MODELS

        return MODELS


@cache
def _crew() -> ThreadPoolExecutor:
    """Those who wait for answers."""
    return ThreadPoolExecutor(AT_ONCE, thread_name_prefix="ask")


_lock = threading.Lock()
_outcomes: WeakKeyDictionary[Material, dict[Ask, Any]] = WeakKeyDictionary()
"""What became of the units of batches that failed: a run measures them again one by one, and nobody pays twice."""


def _keep(measure: Ask, batch: Sequence[Material], outcomes: Sequence[Any]) -> None:
    if len(batch) > 1:
        with _lock:
            for item, outcome in zip(batch, outcomes, strict=True):
                _outcomes.setdefault(item, {})[measure] = outcome
