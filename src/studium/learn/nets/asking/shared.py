"""What language models and vision-language models share: a network with adapters is asked, and the prompt is kept."""

import logging
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from functools import cached_property, partial
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any, ClassVar, cast

import numpy as np

from studium.errors import InputError, MediaError
from studium.learn.evaluate.checks import Floats
from studium.learn.models.examples import Examples
from studium.learn.models.head import Head
from studium.learn.nets import published
from studium.learn.nets.asking.adapters import Base, Lora, adapted, base_of, merged, opened, restored, stored
from studium.learn.nets.asking.answers import Question, asked, first_tokens, questions
from studium.learn.nets.asking.prompts import PLACE, Reader, rendered, room
from studium.learn.nets.material import text_of, unseen
from studium.learn.nets.net import Encoded, FittedNet, Net, Schedule
from studium.learn.nets.words import Kept

if TYPE_CHECKING:
    from torch import Tensor, nn

log = logging.getLogger(__name__)

__all__ = ["READING", "Asked", "Asking", "Asks", "FittedAsking"]

READING = Lock()
"""Of tokenizers, which take one thread at a time."""
_ADAPTER, _WHOLE = "adapter", "network"


@dataclass(frozen=True)
class Asked:
    """What is asked, as it is kept with a model.

    Attributes:
        prompts: of each question, word by word: one of a model that reads texts alone, else for 0, 1, ... pictures.
        answers: of each question the words that stand for the classes.
        tokens: of a text, at most.
        reads: tokens of a whole prompt, at most; None if the model does not say.
        templated: whether the prompts are those of a chat template.
    """

    prompts: tuple[tuple[str, ...], ...]
    answers: tuple[tuple[str, ...], ...]
    tokens: int
    reads: int | None
    templated: bool

    @classmethod
    def of(cls, processor: Any, config: Any, asked: Sequence[Question], tokens: int, pictures: int | None) -> "Asked":
        """Of questions, in the words of a model's template.

        Args:
            processor: of the model, or its tokenizer.
            config: of the network.
            asked: one or several questions.
            tokens: of a text, at most.
            pictures: at most; None of a model that reads texts alone.
        """
        reader = Reader.of(processor, tokens)
        counts = [None] if pictures is None else range(pictures + 1)
        prompts = tuple(tuple(rendered(processor, reader, one.text, n) for n in counts) for one in asked)
        longest = getattr(config.get_text_config(), "max_position_embeddings", None)
        most = room(reader, longest, [each[0] for each in prompts], tokens)
        templated = bool(getattr(processor, "chat_template", None))
        return cls(prompts, tuple(one.answers for one in asked), most, longest, templated)

    def filled(self, prompt: str, shown: str) -> str:
        """A prompt with what is shown of a unit's text."""
        return prompt.replace(PLACE, shown)

    def check(self, count: int) -> None:
        """Refuse so many tokens, if the model does not read them.

        Raises:
            MediaError: it does not.
        """
        if self.reads and count > self.reads:
            raise MediaError(
                f"question, text and pictures are {count} tokens, and the model reads {self.reads}: give it fewer or "
                "smaller pictures (frames, longest, tiles) or less text (tokens), or take a model that reads more"
            )

    def told(self) -> dict[str, Any]:
        """As JSON."""
        return {
            "prompts": [list(one) for one in self.prompts], "answers": [list(one) for one in self.answers],
            "tokens": self.tokens, "reads": self.reads, "templated": self.templated,
        }  # fmt: skip

    @classmethod
    def read(cls, told: dict[str, Any]) -> "Asked":
        """From JSON."""
        prompts, answers = (tuple(tuple(map(str, one)) for one in told[name]) for name in ("prompts", "answers"))
        return cls(prompts, answers, int(told["tokens"]), told["reads"], bool(told["templated"]))


@dataclass
class Asking(ABC):
    """A network with adapters, and what it is asked; see `studium.learn.nets.net.Body`.

    Attributes:
        module: see `studium.learn.nets.asking.scorer.Scorer`.
        processor: of the network, or its tokenizer.
        asked: what it is asked.
        base: whose weights the adapters stand beside; None once they are merged.
    """

    module: "nn.Module"
    processor: Any
    asked: Asked
    base: Base | None

    task: ClassVar[str]
    reads: ClassVar[str]

    @abstractmethod
    def encode(self, item: Any, rng: np.random.Generator | None) -> Encoded:
        """The input of one unit; nothing of it is random."""

    @abstractmethod
    def collate(self, encoded: Sequence[Encoded]) -> "dict[str, Tensor]":
        """A batch."""

    def left_out(self, notes: Sequence[tuple[str, int]]) -> tuple[int, int]:
        """Of how many units the end of the words is not read, and some pictures or films are not looked at."""
        return sum(self.reader.cut(text) for text, _ in notes), sum(unseen > 0 for _, unseen in notes)

    def shows(self) -> dict[str, Any]:
        """What else it was made with, as JSON."""
        return {}

    @cached_property
    def reader(self) -> Reader:
        """Reads texts."""
        return Reader.of(self.processor, self.asked.tokens)

    def write(self, folder: Path) -> None:
        """Write the adapters alone, or the whole network if they are merged."""
        if self.base is None:
            published.write(folder / _WHOLE, self.module.network, self.processor)
        else:
            (folder / _ADAPTER).mkdir()
            stored(self.module.network, self.base, folder / _ADAPTER)

    def merged(self) -> "Asking":
        """One whose network has taken the adapters in."""
        if self.base is None:
            return self
        scorer: Any = self.module
        module = _scorer(merged(scorer.network), self.processor, self.asked, scorer.task)
        return replace(self, module=module, base=None)


@dataclass(frozen=True, kw_only=True)
class Asks(Net):
    """A network that is asked; see `studium.learn.nets.causal.LanguageModel`."""

    schedule: Schedule = field(default_factory=lambda: Schedule(rate=2e-4))
    question: str = ""
    definitions: tuple[str, ...] = ()
    answers: str = ""
    tokens: int = 800
    rank: int = 16
    alpha: float = 32.0
    dropout: float = 0.05

    bodies: ClassVar[type[Asking]]

    @property
    def lora(self) -> Lora:
        """The size of the adapters."""
        return Lora(self.rank, self.alpha, self.dropout)

    def __post_init__(self) -> None:
        """Refuse settings that make no sense."""
        if self.tokens < 1:
            raise InputError(f"tokens should be at least 1, got {self.tokens}")
        object.__setattr__(self, "definitions", tuple(self.definitions))
        _ = self.lora

    def train(self, train: Examples, validation: Examples, folder: Path | None = None) -> FittedNet:
        """As `Net.train`; says of how many units something was not read or looked at."""
        noted = partial(_note, getattr(self, "frames", None))
        learnt, watched = (replace(one, X=Kept.all(one.X, noted)) for one in (train, validation))
        fitted = super().train(learnt, watched, folder)
        body = cast("Asking", fitted.body)
        left = {"train": body.left_out(learnt.X.notes), "validation": body.left_out(watched.X.notes)}
        names = ("cut", "unseen") if self.takes == "material" else ("cut",)
        told = {name: {part: counts[at] for part, counts in left.items()} for at, name in enumerate(names)}
        settings = fitted.settings | {"tokens": body.asked.tokens}
        return replace(fitted, settings=settings, training=fitted.training | told)

    def asking(self, head: Head, pictures: int | None = None, vision: bool = False, **shows: Any) -> Asking:
        """The published network with new adapters, that is asked.

        Args:
            head: with its classes.
            pictures: that it is shown, at most; None of a model that reads texts alone.
            vision: whether layers that see are adapted too.
            shows: what else the body is made with.
        """
        kind = self.bodies
        own: dict[str, Any] = {"question": self.question, "definitions": self.definitions, "answers": self.answers}
        said = asked(head.definition, head.classes) if head.definition else own
        said |= {name: value for name, value in own.items() if value}
        about = questions(head, said["question"], said["definitions"], said["answers"])
        base = base_of(self.model)
        found = opened(self.model, kind.task, kind.reads)
        told = Asked.of(found.processor, found.config, about, self.tokens, pictures)
        network = adapted(found.network, self.lora, vision, self.schedule.seed)
        return kind(_scorer(network, found.processor, told, head.task), found.processor, told, base, **shows)


def _note(frames: int | None, item: Any) -> tuple[str, int]:
    """The words of a unit, and how many of its pictures and films are not looked at."""
    return (item, 0) if frames is None else (text_of(item), unseen(item, frames))


def _scorer(network: Any, processor: Any, asked: Asked, task: str) -> "nn.Module":
    """A module whose ``forward`` gives logits for the objective; in evaluation mode."""
    from studium.learn.nets.asking.scorer import Scorer

    tokens = first_tokens(getattr(processor, "tokenizer", processor), asked.answers[0])
    return Scorer(network, tokens, task, len(asked.prompts)).eval()


@dataclass(frozen=True)
class FittedAsking(FittedNet):
    """A trained network that is asked: adapters, which need the network that they were trained beside."""

    body: Asking
    bodies: ClassVar[type[Asking]]

    def outputs(self, X: Sequence[Any]) -> Floats:
        """As `FittedNet.outputs`, on an accelerator within about .01 of a CPU: published weights are bfloat16 there.

        A warning in the log says of how many units something was not read or looked at.
        """
        given = Kept.all(X, partial(_note, None if self.takes == "text" else len(self.body.asked.prompts[0]) - 1))
        found = super().outputs(given)
        cut, unseen = self.body.left_out(given.notes)
        if cut:
            log.warning("of %d of %d units only the first %d tokens were read", cut, len(X), self.body.asked.tokens)
        if unseen:
            log.warning("of %d of %d units not all pictures and films were looked at", unseen, len(X))
        return found

    def preprocessing(self) -> dict[str, Any]:
        """What it is asked, word by word, and of which network."""
        base = self.body.base
        about = None if base is None else asdict(base)
        return {"asked": self.body.asked.told(), "base": about, "shows": self.body.shows()}

    def merged(self, folder: str | Path) -> Path:
        """Save it with the network that it was trained beside, in one folder that needs nothing else.

        ``network`` in it is a checkpoint of transformers. It says the same but for rounding, see
        `studium.learn.nets.asking.adapters.merged`. Mind the licence of the network: it is handed on with it.

        Returns:
            The folder; `studium.learn.models.saved.load` reads it.

        Raises:
            InputError: the folder is there already.
        """
        place = Path(folder)
        replace(self, body=self.body.merged()).save(place)
        return place

    @classmethod
    def restored(cls, head: Head, preprocessing: dict[str, Any], folder: Path) -> Asking:
        """As `FittedNet.restored`.

        Raises:
            WeightsError: the network that it was trained beside is not on this machine, or is another one.
        """
        asked, kind = Asked.read(preprocessing["asked"]), cls.bodies
        base = Base(**preprocessing["base"]) if preprocessing["base"] else None
        if base is not None:
            base.check()
        found = opened(base.model if base else str((folder / _WHOLE).absolute()), kind.task, kind.reads)
        network = restored(found.network, folder / _ADAPTER) if base else found.network
        module = _scorer(network, found.processor, asked, head.task)
        return kind(module, found.processor, asked, base, **preprocessing["shows"])
