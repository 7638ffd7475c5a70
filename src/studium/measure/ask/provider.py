"""The seam between what is asked and whoever answers: a model on this machine, or a server."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from studium.core.outgoing import Outgoing
from studium.core.variable import Variable

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["Prompt", "Provider", "Reply", "Shown", "Turn"]


@dataclass(frozen=True)
class Prompt:
    """What is asked about every unit alike.

    Attributes:
        variables: of the codebook.
        system: who answers, and by which rules.
        question: the variables in words: questions, values, definitions, and the form of the answer.
        schema: JSON schema of the answer: an object with one property for each variable, by its name.
    """

    variables: tuple[Variable, ...]
    system: str
    question: str
    schema: Mapping[str, Any]


@dataclass(frozen=True, eq=False)
class Shown:
    """What is shown of one unit, ready to be sent.

    Attributes:
        texts: (what it is, text) in the order in which they are read: ("text of the post", ...), ("transcript", ...).
        pictures: RGB uint8, H x W x 3 each, shrunk as they are sent; frames of films are among them.
    """

    texts: tuple[tuple[str, str], ...] = ()
    pictures: "tuple[NDArray[np.uint8], ...]" = ()


@dataclass(frozen=True)
class Turn:
    """An answer that did not fit, and what is said to it."""

    raw: str
    fault: str


@dataclass(frozen=True)
class Reply:
    """What was answered, as it came.

    Attributes:
        raw: the text of the answer, untouched.
        model: who answered, with version or revision, in the provider's words.
        finish: why it ended: "stop", "length" (it was cut off), "refusal", or the provider's word.
        asked_at: when the answer came, ISO 8601 in UTC, whole seconds.
        host: the machine that was asked; None for this one.
        sha256_sent: 64 hex digits, of the bytes that were sent (or would have been).
        bytes_sent: their number; 0 if nothing left the process.
        tokens_in: of prompt, texts and pictures, as the provider counts them; None if it does not say.
        tokens_out: of the answer.
    """

    raw: str
    model: str
    finish: str
    asked_at: str
    host: str | None = None
    sha256_sent: str = ""
    bytes_sent: int = 0
    tokens_in: int | None = None
    tokens_out: int | None = None


class Provider(ABC):
    """Whoever answers. Subclasses are frozen dataclasses; one is made for each measure."""

    @property
    def models(self) -> tuple[str, ...]:
        """Ids of the models whose weights it loads on this machine."""
        return ()

    @property
    def remote(self) -> bool:
        """Whether what is shown leaves the machine."""
        return False

    def prepare(self, prompt: Prompt) -> None:  # noqa: B027  (some have nothing to prepare)
        """Load, or make sure that the server is there and knows who asks; an error here ends a run before it starts.

        Raises:
            InputError: it cannot answer such a question, or cannot be reached; the message says what to do.
        """

    def outgoing(self, prompt: Prompt, shown: Shown) -> Outgoing | None:
        """What would be sent about one unit, encoded as `reply` would send it; None if nothing leaves the machine.

        Nothing may be sent to find it out. Said, for a sample of the units, before a run sends anything.
        """
        return None

    @abstractmethod
    def reply(self, prompt: Prompt, shown: Shown, after: Turn | None = None) -> Reply:
        """Ask about one unit; called from several threads.

        Args:
            prompt: what is asked.
            shown: what is shown.
            after: a first answer that did not fit, and why: asked to mend it.

        Raises:
            MediaError: there was no answer; the message has the provider's code.
            ServiceError: it would cost more than the run may, or the service answers no further.
        """
