"""A new last layer that begins as a linear probe: so the first steps do not spoil what the network knows.

References:
    Kumar et al. (2022), Fine-tuning can distort pretrained features and underperform out-of-distribution,
    doi:10.48550/arXiv.2202.10054 (LP-FT).
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from studium.learn.evaluate.checks import Floats
from studium.learn.models.examples import Examples
from studium.learn.models.head import Head
from studium.learn.models.training import Training
from studium.learn.nets import objective
from studium.learn.nets.batches import Encodes, encoded

if TYPE_CHECKING:
    from torch import Tensor, nn

__all__ = ["PENALTY", "VIEWS", "begin_as_probe", "features", "last_layer"]

VIEWS = 2
PENALTY = 0.3
"""Of half the squared weights, for features whose mean square is 1: strong, so that something is left to learn."""
_STEPS = 200  # of L-BFGS, at most: it only begins here


def begin_as_probe(body: Any, head: Head, examples: Examples, balanced: bool, seed: int) -> None:
    """Fill the last layer of a body with what is best for the features as they are.

    By the loss that the network is then trained with, plus an L2 penalty, on each example as it is and on `VIEWS` views
    of it: of the examples alone, where they are few, a thousand features tell classes apart by what another view does
    not have. Features are centred, and all scaled by one number: a column that hardly varies gets no large weight.

    Args:
        body: see `studium.learn.nets.net.Body`; changed in place.
        head: what it is to predict, with its classes.
        examples: those that it is to be trained on.
        balanced: whether classes count the same together.
        seed: of the views.
    """
    from torch import from_numpy

    given = Training.of(head, examples.y, len(examples), examples.weights, examples.groups)
    table = np.concatenate([features(body, examples.X, view) for view in [None, *((seed, at) for at in range(VIEWS))]])
    mean = table.mean(axis=0)
    scale = float(np.sqrt(((table - mean) ** 2).mean())) or 1.0
    target, weights = objective.target(given), objective.weigh(given, objective.even(given, balanced))
    wanted, heavy = (from_numpy(np.concatenate([one] * (1 + VIEWS))) for one in (target, weights))
    weight, bias = _solved(from_numpy((table - mean) / scale), wanted, heavy, head)
    last = last_layer(body.module)
    last.weight.data.copy_(weight / scale)
    last.bias.data.copy_(bias - weight @ from_numpy(mean) / scale)


def _solved(table: "Tensor", target: "Tensor", weights: "Tensor", head: Head) -> "tuple[Tensor, Tensor]":
    """Weights (m, d) and intercepts (m,) of the smallest penalised loss."""
    import torch

    weight = torch.zeros(target.shape[1], table.shape[1], dtype=torch.float64, requires_grad=True)
    bias = torch.zeros(target.shape[1], dtype=torch.float64, requires_grad=True)
    solver = torch.optim.LBFGS([weight, bias], max_iter=_STEPS, line_search_fn="strong_wolfe")

    def closure() -> float:
        solver.zero_grad()
        lost = objective.loss(table @ weight.T + bias, target, weights, head) + PENALTY / 2 * weight.square().sum()
        lost.backward()  # type: ignore[no-untyped-call]
        return float(lost.detach())

    solver.step(closure)  # type: ignore[no-untyped-call]
    return weight.detach(), bias.detach()


def features(body: Encodes, X: Sequence[Any], view: tuple[int, int] | None = None) -> Floats:
    """What the last layer is given of each example, (n, d), in evaluation mode.

    Args:
        body: see `studium.learn.nets.net.Body`.
        X: the examples.
        view: seeds of a view of each; None for the examples as they are.
    """
    import torch

    module: nn.Module = body.module  # type: ignore[attr-defined]
    was, device = module.training, "cuda" if torch.cuda.is_available() else "cpu"
    found: list[npt.NDArray[np.float64]] = []
    with _given(last_layer(module)) as given, torch.inference_mode():
        module.to(device).eval()
        for row in range(len(X)):
            rng = None if view is None else np.random.default_rng((*view, row))
            module(**{name: one.to(device) for name, one in body.collate([encoded(body, X, row, rng)]).items()})
            found.append(given.pop().double().cpu().numpy())
    module.to("cpu").train(was)
    return np.concatenate(found)


def last_layer(module: "nn.Module") -> "nn.Linear":
    """The last linear layer of a network."""
    from torch import nn

    return [part for part in module.modules() if isinstance(part, nn.Linear)][-1]


@contextmanager
def _given(last: "nn.Linear") -> Iterator[list[Any]]:
    """What a layer is given, each time it is run."""
    kept: list[Any] = []
    hook = last.register_forward_pre_hook(lambda _, inputs: kept.append(inputs[0]))
    try:
        yield kept
    finally:
        hook.remove()
