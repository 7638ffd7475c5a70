"""How a network is trained."""

from dataclasses import dataclass

import numpy as np

from studium.errors import InputError

__all__ = ["PRECISIONS", "Schedule"]

PRECISIONS = ("auto", "float32", "bfloat16", "float16")


@dataclass(frozen=True)
class Schedule:
    """How a network is trained. The defaults suit fine-tuning on hundreds to thousands of labels.

    Attributes:
        epochs: passes over the examples, at most; 0 leaves the network as it was published.
        batch: examples for each step, at most: all batches are of nearly the same size.
        rate: highest learning rate (AdamW), reached after ``warmup`` and lowered to 0 along a cosine.
        decay: weight decay.
        warmup: share of all steps.
        patience: epochs without a lower validation loss after which training ends; the best epoch counts. 0: never;
            ``fit`` then holds nothing out to watch, learns from all examples, and the last epoch counts.
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

    def __post_init__(self) -> None:
        """Refuse what is no schedule."""
        for name, least in {"epochs": 0, "batch": 1, "patience": 0, "accumulate": 1, "seed": 0}.items():
            given = getattr(self, name)
            if not (isinstance(given, int) and least <= given < 2**32):
                raise InputError(f"{name} should be a whole number of at least {least}, got {given}")
        if not (0 < self.rate < np.inf and 0 <= self.decay < np.inf and 0 <= self.warmup < 1):
            raise InputError(
                "rate should be above 0, decay at least 0, and warmup from 0 to below 1; got "
                f"{self.rate}, {self.decay} and {self.warmup}"
            )
        if self.precision not in PRECISIONS:
            raise InputError(f"precision should be one of {', '.join(PRECISIONS)}; got {self.precision!r}")
