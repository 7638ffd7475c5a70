"""ONNX Runtime sessions, loaded once per process and shared by all threads."""

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from studium.errors import MissingExtraError, WeightsError

__all__ = ["INTRA_OP_THREADS", "loaded", "session"]

INTRA_OP_THREADS = 1
"""Threads inside one forward pass. One, because runs and servers call from several threads at once."""

_T = TypeVar("_T")
_lock = threading.RLock()


def loaded(load: Callable[[], _T]) -> _T:
    """What the cached function ``load`` returns; one thread loads, the others wait."""
    with _lock:
        return load()


def session(path: Path, model: str) -> Any:
    """A session on the CPU for the graph in ``path``.

    Raises:
        MissingExtraError: ONNX Runtime is not installed.
        WeightsError: the file does not load; ``model`` says what to pull again.
    """
    try:
        import onnxruntime
    except ImportError as error:
        raise MissingExtraError("onnxruntime", "images") from error
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = INTRA_OP_THREADS
    options.inter_op_num_threads = 1
    try:
        return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    except Exception as error:
        raise WeightsError(f"{path} does not load: {error}; delete it, run  studium models pull {model}") from error
