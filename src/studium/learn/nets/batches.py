"""Batches of examples, in an order and with changes that are drawn by seed, epoch and row alone."""

import hashlib
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import numpy.typing as npt

from studium.errors import InputError, MediaError
from studium.learn.models.examples import Some
from studium.learn.models.training import fingerprint

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["Batches", "Encoded", "Encodes", "encoded", "seen"]

Encoded = dict[str, npt.NDArray[Any]]


class Encodes(Protocol):
    """What makes the input of a network; see `studium.learn.nets.net.Body`."""

    def encode(self, item: Any, rng: np.random.Generator | None) -> Encoded:
        """The input of one example."""

    def collate(self, encoded: Sequence[Encoded]) -> "dict[str, Tensor]":
        """A batch."""


@dataclass
class Batches:
    """The examples of one pass after the other, for a data loader that asks for one batch at a time.

    Batches differ in size by one at most: a last one of a single example would have no spread to normalise by.

    Attributes:
        X: the items.
        body: what makes the input.
        size: of a batch, at most.
        first: number of the first example among those whose labels are known; 0 for the training examples.
        seed: of order and augmentation; None to leave both out.
        epoch: from 0; the loader sets it.
    """

    X: Sequence[Any]
    body: Encodes
    size: int
    first: int = 0
    seed: int | None = None
    epoch: int = 0

    def set_epoch(self, epoch: int) -> None:
        """Said by the loader before each pass."""
        self.epoch = epoch

    def __len__(self) -> int:
        return math.ceil(len(self.X) / self.size)

    def __getitem__(self, number: int) -> "dict[str, Tensor]":
        import torch

        rows = np.arange(len(self.X))
        if self.seed is not None:
            rows = np.random.default_rng((self.seed, self.epoch)).permutation(len(rows))
        mine = np.array_split(rows, len(self))[number]
        batch = self.body.collate([encoded(self.body, self.X, int(row), self._rng(row)) for row in mine])
        return {**batch, "labels": torch.from_numpy(mine + self.first)}

    def _rng(self, row: np.int64) -> np.random.Generator | None:
        return None if self.seed is None else np.random.default_rng((self.seed, self.epoch, int(row)))


def encoded(body: Encodes, X: Sequence[Any], row: int, rng: np.random.Generator | None = None) -> Encoded:
    """The input of one example.

    Raises:
        InputError: it cannot be decoded, or is nothing that the network takes; names its row.
    """
    try:
        return body.encode(X[row], rng)
    except (InputError, MediaError, OSError, TypeError, ValueError) as error:
        named = row
        while isinstance(X, Some):
            named, X = int(X.rows[named]), X.of
        raise InputError(f"row {named} cannot be used: {error}; leave it out of the examples") from error


def seen(body: Encodes, X: Sequence[Any]) -> str:
    """64 hex digits of the unchanged input of all examples; so each is known to be usable before training begins."""
    digest = hashlib.sha256()
    for part in _parts(encoded(body, X, row) for row in range(len(X))):
        digest.update(part.encode())
    return digest.hexdigest()


def _parts(given: Iterator[Mapping[str, npt.NDArray[Any]]]) -> Iterator[str]:
    for one in given:
        for name in sorted(one):
            yield f"{name}:{fingerprint(np.asarray(one[name]))}"
