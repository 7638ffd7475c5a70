"""From scores to outputs, and from outputs to what is said: the same bits on every machine and in every batch."""

from typing import Any

import numpy as np
import numpy.typing as npt

from studium.learn.evaluate.checks import Floats
from studium.learn.models.head import CATEGORICAL, CONTINUOUS, MULTILABEL, ORDINAL, Head
from studium.learn.models.ordinal import exceedances, middle

__all__ = ["columns", "decided", "finished", "sigmoid", "softmax", "total"]


def decided(outputs: Floats, head: Head) -> npt.NDArray[Any]:
    """What is said of each unit, if nobody tuned thresholds (`studium.learn.models.tuned`).

    Args:
        outputs: as `Fitted.outputs` gives them.
        head: what they are of.

    Returns:
        (n,) classes: the most probable one, the first of several; of an ordinal target the one in which the middle of
        the probability lies, which errs by the fewest steps. Multilabel: (n, k) whether p is at least .5. Continuous:
        (n,) values.
    """
    if head.task == CONTINUOUS:
        return outputs[:, 0]
    if head.task == MULTILABEL:
        return np.asarray(outputs >= 0.5)
    number = middle(outputs) if head.task == ORDINAL else outputs.argmax(axis=1)
    return np.asarray(np.array(head.classes)[number])


def columns(head: Head) -> int:
    """How many scores a model has: one if one is enough."""
    if head.task == ORDINAL:
        return len(head.classes) - 1
    if head.task == MULTILABEL or (head.task == CATEGORICAL and len(head.classes) > 2):
        return len(head.classes)
    return 1


def finished(scores: Floats, head: Head) -> Floats:
    """Scores (log-odds; values of a continuous target) of `columns`, as outputs."""
    if head.task == CONTINUOUS:
        return scores
    if head.task in {MULTILABEL, ORDINAL}:
        p = sigmoid(scores)
        return exceedances(p) if head.task == ORDINAL else p
    return softmax(np.hstack([np.zeros_like(scores), scores]) if scores.shape[1] == 1 else scores)


def total(terms: Floats) -> Floats:
    """The sum along the last axis, always in the same order: the same bits on every machine and in every batch."""
    while terms.shape[-1] > 1:
        half = (terms.shape[-1] + 1) // 2
        upper = terms[..., half:]
        terms = terms[..., :half].copy()
        terms[..., : upper.shape[-1]] += upper
    return terms[..., 0] if terms.shape[-1] else np.zeros(terms.shape[:-1])


def sigmoid(scores: Floats) -> Floats:
    """1 / (1 + exp(-score))."""
    small = np.exp(-np.abs(scores))
    return np.where(scores >= 0, 1.0, small) / (1.0 + small)


def softmax(scores: Floats) -> Floats:
    """Of (n, k) scores: rows that sum to 1."""
    raised = np.exp(scores - scores.max(axis=1, keepdims=True, initial=-np.inf))
    return np.asarray(raised / total(raised)[:, None])
