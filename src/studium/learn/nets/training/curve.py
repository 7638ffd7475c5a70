"""The learning curve: what is known of each epoch, from the log of a training; and when there is no use in going on."""

from collections.abc import Mapping, Sequence
from typing import Any

__all__ = ["Curve", "best", "curve", "over"]

Curve = list[dict[str, Any]]

_PREFIX = "eval_"
_KEPT = ("train_loss", "validation_loss", "validation_accuracy", "validation_mae")


def curve(logged: Sequence[Mapping[str, Any]]) -> Curve:
    """Epoch, step, train_loss, and where something is watched validation_loss and _accuracy or _mae, of each epoch.

    The first is the mean over the epoch, of a network that learns meanwhile, with dropout and augmentation; the others
    are of the network at its end.
    """
    found: Curve = []
    for one in logged:
        if _PREFIX + "train_loss" in one:
            kept = {name: one[_PREFIX + name] for name in _KEPT if _PREFIX + name in one}
            found.append({"epoch": len(found) + 1, "step": one["step"], **kept})
    return found


def best(told: Curve) -> dict[str, Any]:
    """The epoch with the lowest validation loss, the first of several; the last if none was watched."""
    return min(told, key=lambda one: one.get("validation_loss", -one["epoch"]))


def over(told: Curve, patience: int) -> bool:
    """Whether the best epoch is ``patience`` epochs ago; never if that is 0."""
    return bool(told) and 0 < patience <= told[-1]["epoch"] - best(told)["epoch"]
