"""What networks learn of each task: targets, the loss that is made smaller, and probabilities of what they put out.

A categorical target is learned by cross-entropy with the shares of the classes, an ordinal one as k - 1 steps "above
class j" and a multilabel one as k classes, each by binary cross-entropy, and a continuous one by squared error, after
it was standardised by the weighted mean and spread of the training examples.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

from studium.learn.evaluate.checks import Floats
from studium.learn.models.head import CATEGORICAL, CONTINUOUS, MULTILABEL, ORDINAL, Head
from studium.learn.models.ordinal import above, exceedances, middle
from studium.learn.models.scores import sigmoid, softmax
from studium.learn.models.training import Training

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["Scale", "agreement", "even", "finished", "loss", "losses", "outputs_of", "probabilities", "target", "weigh"]


@dataclass(frozen=True)
class Scale:
    """What a continuous target is standardised by.

    Attributes:
        centre: its weighted mean.
        spread: its weighted standard deviation, above 0.
    """

    centre: float = 0.0
    spread: float = 1.0

    @classmethod
    def of(cls, training: Training) -> "Scale":
        """Of the training examples; of what is not continuous 0 and 1."""
        if training.head.task != CONTINUOUS:
            return cls()
        share = training.weights / training.weights.sum()
        centre = float(share @ training.truth)
        return cls(centre, float(np.sqrt(share @ (training.truth - centre) ** 2)))


def outputs_of(head: Head) -> int:
    """How many numbers a network puts out for a unit: k, of ordered classes k - 1, of a value one."""
    if head.task == CONTINUOUS:
        return 1
    return len(head.classes) - (head.task == ORDINAL)


def target(training: Training, scale: Scale | None = None) -> Floats:
    """What the outputs should become, (n, m): shares of the classes, of each "yes", or the standardised value.

    Args:
        training: n units with labels.
        scale: of a continuous target; None for its own.
    """
    if training.head.task == CONTINUOUS:
        by = scale or Scale.of(training)
        return np.asarray((training.truth[:, None] - by.centre) / by.spread)
    return above(training.soft) if training.head.task == ORDINAL else training.soft


def even(training: Training, balanced: bool) -> Floats:
    """By what the weight of an answer is multiplied so that all answers count the same together.

    Args:
        training: the examples that are trained on.
        balanced: whether they shall; else all factors are 1, as they are of a continuous target.

    Returns:
        (k,) for the classes of a categorical target, (1,) for a value, (2, m) for no and yes of each output else.
    """
    wanted = target(training)
    held = wanted if training.head.task in {CATEGORICAL, CONTINUOUS} else np.stack([1 - wanted, wanted], axis=1)
    if not balanced or training.head.task == CONTINUOUS:
        return np.ones(held.shape[1:])
    mass = np.tensordot(training.weights, held, axes=1)
    return np.asarray(training.weights.sum() / len(mass) / mass)


def weigh(training: Training, factors: Floats) -> Floats:
    """The weight of each answer for each unit, (n, k), (n, 1) or (n, 2, m), by the factors of `even`."""
    return np.asarray(training.weights.reshape(-1, *[1] * factors.ndim) * factors)


def losses(logits: "Tensor", target: "Tensor", weights: "Tensor", head: Head) -> "tuple[Tensor, Tensor]":
    """Weighted loss and weight of each unit.

    Args:
        logits: (n, m) what the network puts out.
        target: (n, m) as `target` makes it.
        weights: as `weigh` makes them.
        head: what is predicted.

    Returns:
        (n,) losses, times their weights, in nats (continuous: squared standard deviations), and (n,) those weights. The
        mean over all examples is the sum of the first divided by that of the second.
    """
    from torch.nn.functional import log_softmax, softplus

    found = logits.float()
    if head.task == CATEGORICAL:
        share = weights * target
        return -(share * log_softmax(found, dim=1)).sum(dim=1), share.sum(dim=1)
    if head.task == CONTINUOUS:
        return (weights * (found - target) ** 2).sum(dim=1), weights.sum(dim=1)
    no, yes = weights[:, 0] * (1 - target), weights[:, 1] * target
    return (no * softplus(found) + yes * softplus(-found)).mean(dim=1), (no + yes).mean(dim=1)


def loss(logits: "Tensor", target: "Tensor", weights: "Tensor", head: Head) -> "Tensor":
    """The weighted mean of `losses`."""
    lost, weight = losses(logits, target, weights, head)
    return lost.sum() / weight.sum()


def probabilities(logits: ArrayLike, head: Head) -> Floats:
    """What a network puts out, (n, m), as (n, k) probabilities; of a continuous target still standardised, (n, 1)."""
    found = np.asarray(logits, np.float64)
    if head.task == CATEGORICAL:
        return softmax(found)
    if head.task == CONTINUOUS:
        return found
    return sigmoid(found) if head.task == MULTILABEL else exceedances(sigmoid(found))


def finished(logits: ArrayLike, head: Head, scale: Scale) -> Floats:
    """What a network puts out, as `studium.learn.models.estimator.Fitted.outputs` gives it."""
    found = probabilities(logits, head)
    return np.asarray(scale.centre + scale.spread * found) if head.task == CONTINUOUS else found


def agreement(outputs: Floats, given: Training) -> dict[str, float]:
    """Weighted ``accuracy`` (of several labels: of each), or ``mae`` in the unit of the values.

    Args:
        outputs: as `studium.learn.models.estimator.Fitted.outputs` gives them.
        given: what coders said.
    """
    share = given.weights / given.weights.sum()
    if given.head.task == CONTINUOUS:
        return {"mae": float(share @ np.abs(outputs[:, 0] - given.truth))}
    if given.head.task == MULTILABEL:
        return {"accuracy": float(share @ ((outputs >= 0.5) == given.truth).mean(axis=1))}
    said = middle(outputs) if given.head.task == ORDINAL else outputs.argmax(axis=1)
    return {"accuracy": float(share @ (said == given.truth))}
