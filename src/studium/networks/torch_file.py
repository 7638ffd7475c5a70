"""Reading a PyTorch checkpoint without PyTorch, and without letting its pickle run anything.

The format is the one ``torch.save`` wrote before 1.6: five pickles (magic number, protocol, system, the state dict, the
keys of the storages in order), then each storage as its number of elements (int64) and its values, little-endian.
"""

import pickle
from collections import OrderedDict
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import numpy.typing as npt

from studium.errors import WeightsError

__all__ = ["read_checkpoint"]

MAGIC, PROTOCOL = 0x1950A86A20F9469CFC6C, 1001


@dataclass(frozen=True, slots=True)
class _Storage:
    key: str
    dtype: str
    count: int


@dataclass(frozen=True, slots=True)
class _Tensor:
    storage: _Storage
    offset: int
    shape: tuple[int, ...]
    stride: tuple[int, ...]

    def cut(self, values: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """The tensor's values out of those of its storage."""
        last = self.offset + sum((n - 1) * step for n, step in zip(self.shape, self.stride, strict=True))
        if min(self.offset, *self.shape, *self.stride, 0) < 0 or last >= len(values):
            raise ValueError(f"a tensor of shape {self.shape} does not lie in its storage")
        steps = [step * values.itemsize for step in self.stride]
        return np.lib.stride_tricks.as_strided(values[self.offset :], self.shape, steps).copy()


def read_checkpoint(path: Path) -> dict[str, npt.NDArray[Any]]:
    """Read the state dict of a checkpoint.

    Args:
        path: a file that ``torch.save`` wrote in its legacy format, holding float32 and int64 tensors only.

    Returns:
        Arrays by name.

    Raises:
        WeightsError: the pickle asks for anything but tensors, or the file is not such a checkpoint.
    """
    try:
        with path.open("rb") as stream:
            magic, protocol = _Unpickler(stream).load(), _Unpickler(stream).load()
            if (magic, protocol) != (MAGIC, PROTOCOL):
                raise ValueError("no legacy PyTorch checkpoint")
            _Unpickler(stream).load()
            state = _Unpickler(stream)
            tensors = state.load()
            storages = {key: _values(stream, state.storages[key]) for key in _Unpickler(stream).load()}
        return {name: tensor.cut(storages[tensor.storage.key]) for name, tensor in tensors.items()}
    except (pickle.UnpicklingError, ValueError, KeyError, TypeError, AttributeError, EOFError, IndexError) as error:
        raise WeightsError(f"{path.name} cannot be read as tensors: {error}") from error


class _Unpickler(pickle.Unpickler):
    """Knows four names, none of which runs anything, and refuses every other."""

    def __init__(self, stream: BinaryIO) -> None:
        super().__init__(stream)
        self.storages: dict[str, _Storage] = {}

    def find_class(self, module: str, name: str) -> Any:
        known = {
            ("collections", "OrderedDict"): OrderedDict,
            ("torch._utils", "_rebuild_tensor_v2"): _rebuild,
            ("torch", "FloatStorage"): "<f4",
            ("torch", "LongStorage"): "<i8",
        }
        if (module, name) not in known:
            raise pickle.UnpicklingError(f"it asks for {module}.{name}, which tensors do not need; refused")
        return known[module, name]

    def persistent_load(self, pid: Any) -> _Storage:
        """A storage is referred to as ("storage", type, key, device, elements, view)."""
        kind, dtype, key, _, count, view = pid
        if kind != "storage" or view is not None:
            raise pickle.UnpicklingError(f"unknown reference {pid!r}")
        return self.storages.setdefault(key, _Storage(key, dtype, count))


def _rebuild(storage: _Storage, offset: int, shape: tuple[int, ...], stride: tuple[int, ...], *_: Any) -> _Tensor:
    return _Tensor(storage, offset, tuple(shape), tuple(stride))


def _values(stream: BinaryIO, storage: _Storage) -> npt.NDArray[Any]:
    count = int.from_bytes(stream.read(8), "little")
    if count != storage.count:
        raise ValueError(f"storage {storage.key} should have {storage.count} elements, the file says {count}")
    raw = stream.read(count * np.dtype(storage.dtype).itemsize)
    return np.frombuffer(raw, dtype=storage.dtype, count=count)
