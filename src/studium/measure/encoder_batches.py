"""Inputs through a network in batches that fit its memory."""

from collections.abc import Callable, Sequence
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from studium.errors import WeightsError

__all__ = ["AT_ONCE", "in_batches", "out_of_memory", "stacked"]

AT_ONCE = 256
"""How many inputs an accelerator is given at once; where its memory does not hold them, half as many, and so on."""

_SIGNS = ("out of memory", "failed to allocate", "cuda_error_out_of_memory", "cublas_status_alloc_failed")

_I = TypeVar("_I")
_O = TypeVar("_O")


def in_batches(run: Callable[[Sequence[_I]], _O], inputs: Sequence[_I], size: int) -> list[_O]:
    """What ``run`` says of the inputs, ``size`` at once, in order; half as many from where memory does not hold them.

    On a CPU ``size`` is 1: nothing is faster there, and a value depends on its own input alone, bit by bit.
    """
    found: list[_O] = []
    begin = 0
    while begin < len(inputs):
        try:
            found.append(run(inputs[begin : begin + size]))
        except Exception as error:
            if size == 1 or not out_of_memory(error):
                raise
            size = max(1, min(size, len(inputs) - begin) // 2)
        else:
            begin += size
    return found


def out_of_memory(error: BaseException) -> bool:
    """Whether a network says that an accelerator's memory is full: torch by a class, ONNX Runtime by a sentence."""
    said = str(error).lower()
    return type(error).__name__ == "OutOfMemoryError" or any(sign in said for sign in _SIGNS)


def stacked(found: Sequence[npt.NDArray[np.float32]], model: str, dims: int) -> npt.NDArray[np.float32]:
    """The vectors of all batches, n x ``dims``.

    Raises:
        WeightsError: they have another length than the model's configuration says, or hold what is no number.
    """
    if wrong := {one.shape[1] for one in found} - {dims}:
        raise WeightsError(f"{model} gives {wrong.pop()} numbers, its config.json says {dims}: they do not fit")
    vectors = np.concatenate(found) if found else np.zeros((0, dims), np.float32)
    if not np.isfinite(vectors).all():
        raise WeightsError(f"{model} gives infinite numbers or none: in float16 they may overflow, take float32")
    return vectors
