"""What all networks share: they begin from published weights, and are trained on examples while others are watched.

On a CPU the same call with the same number of threads gives the same weights bit by bit, interrupted or not. On an
accelerator sums are added in an order that is not fixed, so that two trainings of one seed differ as those of two
nearby seeds do; all that is drawn (order, augmentation, new weights) is the same there too.
"""

import copy
import json
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Protocol, Self

import numpy as np
from numpy.typing import ArrayLike

from studium.errors import InputError, MissingExtraError
from studium.learn.evaluate.checks import Floats
from studium.learn.models.estimator import Arrays, Fitted
from studium.learn.models.examples import Examples, Some
from studium.learn.models.head import CONTINUOUS, MULTILABEL, Head
from studium.learn.models.saved import shaped
from studium.learn.models.training import Training
from studium.learn.nets.batches import Encoded, encoded
from studium.learn.nets.objective import Scale, finished, outputs_of
from studium.learn.nets.training.holdout import held_out
from studium.learn.nets.training.schedule import Schedule
from studium.learn.nets.training.surroundings import seeded
from studium.learn.nets.training.work import Trained, Work, trained

if TYPE_CHECKING:
    from torch import Tensor, nn

__all__ = ["Body", "Encoded", "FittedNet", "Net", "Schedule"]


class Body(Protocol):
    """A network with its new head, and what makes its input."""

    @property
    def module(self) -> "nn.Module":
        """The network; training makes a copy of the body, but for frozen weights.

        Its ``forward(**batch)`` returns logits, (n, ``objective.outputs_of(head)``); only what is to be trained
        requires gradients.
        """

    def encode(self, item: Any, rng: np.random.Generator | None) -> Encoded:
        """The input of one example; with ``rng`` it is for training, and may be changed at random."""

    def collate(self, encoded: Sequence[Encoded]) -> "dict[str, Tensor]":
        """A batch; no tensor of it is called ``labels``."""

    def write(self, folder: Path) -> None:
        """Write weights as safetensors, and what makes the input, into a folder."""


@dataclass(frozen=True, kw_only=True)
class Net(ABC):
    """An estimator that is a network; see `studium.learn.models.estimator.Estimator`.

    Attributes:
        head: what it predicts.
        model: whose weights it begins from: an id of ``models.toml``, ``owner/name@commit``, or a folder.
        schedule: how it is trained.
        balanced: whether classes count the same together, whatever their shares.
        inputs: what X is, in words.
    """

    head: Head = field(default_factory=Head)
    model: str = ""
    schedule: Schedule = field(default_factory=Schedule)
    balanced: bool = True
    inputs: str = ""

    kind: ClassVar[str]
    takes: ClassVar[str]
    fitted: ClassVar[type["FittedNet"]]
    """What it becomes."""

    def fit(
        self,
        X: Sequence[Any],
        y: ArrayLike,
        weights: ArrayLike | None = None,
        groups: Sequence[Any] | None = None,
    ) -> "FittedNet":
        """Train on 4 of 5 groups, and stop by the fifth; on all if nothing is to stop it (``patience`` 0).

        See `studium.learn.models.estimator.Estimator.fit`.
        """
        whole = Examples(Some(X, np.arange(len(X))), y, weights, groups)
        given = Training.of(self.head, y, len(X), weights, groups)
        everything, none = np.arange(len(X)), np.arange(0)
        train, validation = held_out(given, self.schedule.seed) if self.schedule.patience else (everything, none)
        return replace(self, head=given.head).train(whole.take(train), whole.take(validation))

    def train(self, train: Examples, validation: Examples, folder: Path | None = None) -> "FittedNet":
        """Train, watching how well others are predicted.

        All examples are read once before it begins, so that one that cannot be used is known at once.

        Args:
            train: what it learns from.
            validation: what it is stopped by, and its curve is drawn with; it need not have every class. It may be
                empty if ``patience`` is 0: then the last epoch counts.
            folder: where it keeps checkpoints: the same call goes on from there after an interruption, to identical
                weights. They stay at the end, so that nothing is lost until the network is saved; remove the folder
                then. None: it keeps none.

        Raises:
            InputError: what does not fit, training diverges, or the folder holds checkpoints of another training.
            BusyError: another process trains in the folder.
            MissingExtraError: torch, transformers or accelerate is not installed.
            WeightsError: the weights are not on this machine, or do not load.
        """
        given = Training.of(self.head, train.y, len(train), train.weights, train.groups)
        none = not self.schedule.patience and not len(validation)
        watched = _nothing(given) if none else _watched(given.head, validation)
        try:
            import torch  # noqa: F401  (before anything is seeded)
        except ImportError as error:
            raise MissingExtraError("torch", "finetune") from error
        with seeded(self.schedule.seed):
            body = _own(self.begin(given.head))
            self.start(body, given.head, train)
            about = {"kind": self.kind, "head": asdict(given.head), "settings": self._settings()}
            work = Work(body, self.schedule, self.balanced, (train, validation), (given, watched), about)
            found = trained(work, folder)
        return self.fitted(
            given.head,
            self.inputs,
            self._settings() | {"schedule": found.schedule},
            _told(work, found),
            body,
            found.scale,
        )

    @abstractmethod
    def begin(self, head: Head) -> Body:
        """The published network with a new head, drawn by torch's random numbers, which begin at ``schedule.seed``.

        Raises:
            MissingExtraError: torch, transformers or peft is not installed.
            WeightsError: the weights are not on this machine, or do not load.
        """

    def start(self, body: Body, head: Head, train: Examples) -> None:  # noqa: B027  (most start as they are begun)
        """Bring a body nearer to what it is to learn, before the first step; changed in place."""

    def _settings(self) -> dict[str, Any]:
        """All fields but what is told elsewhere, as JSON gives them back."""
        fields = {name: value for name, value in asdict(self).items() if name not in {"head", "inputs"}}
        found: dict[str, Any] = json.loads(json.dumps(fields))
        return found


@dataclass(frozen=True)
class FittedNet(Fitted):
    """A trained `Net`.

    Attributes:
        body: the network, in evaluation mode.
        scale: what the outputs for a continuous target are multiplied by, and added to.
    """

    body: Body
    scale: Scale = field(default_factory=Scale)

    def outputs(self, X: Sequence[Any]) -> Floats:
        """As `Fitted.outputs`; one by one on a CPU, in batches on an accelerator, where they are within 1e-3 of it."""
        import torch

        device = "cuda" if torch.cuda.is_available() else "cpu"
        size = _BATCH if device == "cuda" else 1
        module = self.body.module.to(device).eval()
        found = [np.empty((0, outputs_of(self.head)))]
        with torch.inference_mode():
            for at in range(0, len(X), size):
                rows = range(at, min(at + size, len(X)))
                batch = self.body.collate([encoded(self.body, X, row) for row in rows])
                logits = module(**{name: one.to(device) for name, one in batch.items()})
                found.append(logits.double().cpu().numpy())
        return finished(np.concatenate(found), self.head, self.scale)

    def arrays(self) -> Arrays:
        """Scale of a continuous target; what was learned is in the weights."""
        return {"scale": np.array([self.scale.centre, self.scale.spread])}

    def write(self, folder: Path) -> None:
        """Weights, and what makes the input."""
        self.body.write(folder)

    @classmethod
    def of(cls, common: dict[str, Any], preprocessing: dict[str, Any], arrays: Arrays, folder: Path) -> Self:
        """As `Fitted.of`."""
        shaped(arrays, scale=("f", (2,)))
        centre, spread = arrays["scale"].tolist()
        body = cls.restored(common["head"], preprocessing, folder)
        return cls(**common, body=body, scale=Scale(centre, spread))

    @classmethod
    @abstractmethod
    def restored(cls, head: Head, preprocessing: dict[str, Any], folder: Path) -> Body:
        """The body that `Body.write` wrote into a folder, in evaluation mode.

        Raises:
            MissingExtraError: what it needs is not installed.
            InputError: files that do not fit.
        """


_BATCH = 16  # on an accelerator


def _own(body: Body) -> Body:
    """A copy to train, so that what it was made of stays as it was; weights that are frozen anyway are not copied."""
    frozen = {id(one): one for one in body.module.parameters() if not one.requires_grad}
    return copy.deepcopy(body, dict[int, Any](frozen))


def _nothing(given: Training) -> Training:
    """No labels, of the kind of these."""
    return Training(given.head, given.truth[:0], given.soft[:0], given.weights[:0], given.groups[:0])


def _watched(head: Head, validation: Examples) -> Training:
    """The labels of the examples that are watched, which may lack classes: one of each is added for the checks."""
    n = len(validation)
    if not n:
        raise InputError(
            "a network is stopped by a validation part, and this one is empty; give some, call fit, or take patience=0"
        )
    y = validation.y if isinstance(validation.y, list | tuple) else np.asarray(validation.y).tolist()
    if len(y) != n:
        raise InputError(f"the validation part has {n} units and {len(y)} labels; give one for each")
    _check_watched(head, y, validation.weights)
    k = len(head.classes)
    more: list[Any] = list(head.classes)
    if head.task == CONTINUOUS:
        more = [0.0, 1.0]
    elif head.task == MULTILABEL:
        more = [[0] * k, [1] * k]
    elif isinstance(y[0], list | tuple | np.ndarray):
        more = np.eye(k).tolist()
    weights = None if validation.weights is None else [*np.asarray(validation.weights).tolist(), *[1.0] * len(more)]
    given = Training.of(head, [*y, *more], n + len(more), weights, None)
    mine = given.weights[:n]
    return Training(head, given.truth[:n], given.soft[:n], mine / mine.mean(), np.arange(n))


def _check_watched(head: Head, y: Sequence[Any], weights: ArrayLike | None) -> None:
    """Refuse what `Training.of` would refuse with the number of units that it is given for the checks."""
    heavy = np.ones(len(y)) if weights is None else np.asarray(weights, np.float64)
    if heavy.shape != (len(y),) or not (np.isfinite(heavy) & (heavy > 0)).all():
        raise InputError(f"weights of the validation part should be {len(y)} finite numbers above 0; leave out others")
    if head.task == CONTINUOUS and not np.isfinite(np.asarray(y, np.float64)).all():
        raise InputError(f"{head.variable}: values of the validation part should be finite numbers; leave out others")


def _told(work: Work, found: Trained) -> dict[str, Any]:
    """Facts of both parts, and the curve."""
    told = work.given[0].facts(found.digests[0])
    watched = {"validation": work.given[1].facts(found.digests[1])} if len(work.parts[1]) else {}
    return told | watched | {"curve": found.curve}
