"""ONNX Runtime sessions, loaded once per process and shared by all threads."""

import contextlib
import ctypes
import io
import logging
import sys
import threading
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

from studium.errors import MissingExtraError, WeightsError

__all__ = ["CPU", "INTRA_OP_THREADS", "accelerated", "loaded", "session"]

INTRA_OP_THREADS = 1
"""Threads inside one forward pass. One, because runs and servers call from several threads at once."""

CPU = "CPUExecutionProvider"
_CUDA = ("CUDAExecutionProvider", {"use_tf32": "0", "cudnn_conv_algo_search": "HEURISTIC"})
"""Without TF32, which has 10 bits of 23: so a vector is the CPU's within 1e-3; and without a search at every size."""

_T = TypeVar("_T")
_lock = threading.RLock()
log = logging.getLogger(__name__)


def loaded(load: Callable[[], _T]) -> _T:
    """What the cached function ``load`` returns; one thread loads, the others wait."""
    with _lock:
        return load()


def session(path: Path, model: str, accelerate: bool = False) -> Any:
    """A session for the graph in ``path``.

    Args:
        path: of the graph.
        model: whose it is; the message says to pull it again.
        accelerate: whether to take an accelerator where there is one (`accelerated`); else it is on the CPU.

    Raises:
        MissingExtraError: ONNX Runtime is not installed.
        WeightsError: the file does not load.
    """
    onnxruntime = _runtime()
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = INTRA_OP_THREADS
    options.inter_op_num_threads = 1
    wanted = [_CUDA, CPU] if accelerate and accelerated() else [CPU]
    try:
        made = onnxruntime.InferenceSession(str(path), options, providers=wanted)
    except Exception as error:
        raise WeightsError(f"{path} does not load: {error}; delete it, run  studium models pull {model}") from error
    if len(wanted) > 1 and made.get_providers()[0] == CPU:
        log.warning("%s runs on the CPU: ONNX Runtime found a CUDA device, but not its libraries", path)
    return made


@cache
def accelerated() -> bool:
    """Whether ONNX Runtime is built for CUDA (onnxruntime-gpu) and the driver says that a device is there."""
    if _CUDA[0] not in _runtime().get_available_providers():
        return False
    try:
        driver = ctypes.CDLL("nvcuda.dll" if sys.platform == "win32" else "libcuda.so.1")
    except OSError:
        return False
    count = ctypes.c_int()
    if driver.cuInit(0) != 0 or driver.cuDeviceGetCount(ctypes.byref(count)) != 0 or not count.value:
        return False
    _load_libraries(_runtime())
    return True


def _load_libraries(onnxruntime: Any) -> None:
    """Load the libraries of CUDA that come as packages of Python, where ONNX Runtime alone does not look for them."""
    with contextlib.redirect_stdout(io.StringIO()) as said:  # it prints what is missing
        getattr(onnxruntime, "preload_dlls", bool)()  # from 1.21 on
    if said.getvalue():
        log.info("%s", said.getvalue().strip())


def _runtime() -> Any:
    try:
        import onnxruntime
    except ImportError as error:
        raise MissingExtraError("onnxruntime", "images") from error
    return onnxruntime
