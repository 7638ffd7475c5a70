"""IDX files, the format of MNIST and of the sets that follow it."""

import gzip
from pathlib import Path

import fetch
import numpy as np
import numpy.typing as npt

__all__ = ["FASHION", "fashion", "read"]

FASHION = ("t-shirt", "trouser", "pullover", "dress", "coat", "sandal", "shirt", "sneaker", "bag", "ankle boot")
"""The classes of Fashion-MNIST, by number."""
_UNSIGNED = 8  # the code of uint8, the only type of these sets


def read(path: Path) -> npt.NDArray[np.uint8]:
    """The array of an IDX file of bytes, gzipped."""
    data = gzip.decompress(path.read_bytes())
    zero, kind, axes = int.from_bytes(data[:2]), data[2], data[3]
    head = 4 + 4 * axes
    shape = [int.from_bytes(data[at : at + 4]) for at in range(4, head, 4)]
    assert (zero, kind) == (0, _UNSIGNED), f"{path} is no IDX file of bytes"
    return np.frombuffer(data, np.uint8, offset=head).reshape(shape)  # refuses what is cut short


def fashion(part: str, n: int, seed: int = 0) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.str_]]:
    """A sample of Fashion-MNIST with as many pictures of each class: (n, 28, 28) grey, and names of classes.

    Args:
        part: "train" or "t10k".
        n: how many, at most; a multiple of ten.
        seed: of the draw.
    """
    folder = fetch.fashion()
    images, labels = read(folder / f"{part}-images-idx3-ubyte.gz"), read(folder / f"{part}-labels-idx1-ubyte.gz")
    order = np.random.default_rng(seed).permutation(len(labels))
    drawn = np.sort(np.concatenate([order[labels[order] == one][: n // 10] for one in range(10)]))
    return images[drawn], np.array(FASHION)[labels[drawn]]
