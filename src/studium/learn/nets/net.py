"""What all networks share: they begin from published weights, and are trained on examples while others are watched."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

import numpy as np
import numpy.typing as npt
from numpy.typing import ArrayLike

from studium.learn.evaluate.checks import Floats
from studium.learn.models.estimator import Fitted
from studium.learn.models.examples import Examples
from studium.learn.models.training import Head

if TYPE_CHECKING:
    from torch import Tensor, nn

__all__ = ["Body", "FittedNet", "Net", "Schedule"]

Encoded = dict[str, npt.NDArray[Any]]


@dataclass(frozen=True)
class Schedule:
    """How a network is trained. The defaults suit fine-tuning on hundreds to thousands of labels.

    Attributes:
        epochs: passes over the examples, at most; 0 leaves the network as it was published.
        batch: examples for each step.
        rate: highest learning rate (AdamW), reached after ``warmup`` and lowered to 0 along a cosine.
        decay: weight decay.
        warmup: share of all steps.
        patience: epochs without a lower validation loss after which training ends; the best epoch counts. 0: never.
        precision: "float32", or "bfloat16" or "float16" (mixed; on an accelerator only), or "auto": bfloat16 where an
            accelerator has it.
        accumulate: batches for each step, where memory holds no larger ones.
        seed: of the order, the augmentation, dropout and new weights.
    """

    epochs: int = 10
    batch: int = 16
    rate: float = 1e-4
    decay: float = 0.01
    warmup: float = 0.1
    patience: int = 3
    precision: str = "auto"
    accumulate: int = 1
    seed: int = 0


class Body(Protocol):
    """A network with its new head, and what makes its input."""

    module: "nn.Module"
    """forward(**batch) returns logits, (n, `studium.learn.nets.objective.outputs_of(head)`); only what is to be
    trained requires gradients."""

    def encode(self, item: Any, rng: np.random.Generator | None) -> Encoded:
        """The input of one example; with ``rng`` it is for training, and may be changed at random."""

    def collate(self, encoded: Sequence[Encoded]) -> "dict[str, Tensor]":
        """A batch."""

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

    def fit(
        self,
        X: Sequence[Any],
        y: ArrayLike,
        weights: ArrayLike | None = None,
        groups: Sequence[Any] | None = None,
    ) -> "FittedNet":
        """Train on 4 of 5 groups, and stop by the fifth; see `studium.learn.models.estimator.Estimator.fit`."""
        raise NotImplementedError

    def train(self, train: Examples, validation: Examples, folder: Path | None = None) -> "FittedNet":
        """Train, watching how well others are predicted.

        Args:
            train: what it learns from.
            validation: what it is stopped by, and its curve is drawn with.
            folder: where it keeps checkpoints: the same call goes on from there after an interruption, to identical
                weights, and removes them at the end. None: it keeps none.
        """
        raise NotImplementedError

    @abstractmethod
    def begin(self, head: Head) -> Body:
        """The published network with a new head, drawn by ``schedule.seed``.

        Raises:
            MissingExtraError: torch, transformers or peft is not installed.
            WeightsError: the weights are not on this machine, or do not load.
        """


@dataclass(frozen=True)
class FittedNet(Fitted):
    """A trained `Net`: a body, in evaluation mode."""

    body: Body

    def outputs(self, X: Sequence[Any]) -> Floats:
        """As `Fitted.outputs`; one by one on a CPU, in batches on an accelerator."""
        raise NotImplementedError
