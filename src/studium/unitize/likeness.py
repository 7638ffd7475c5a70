"""How alike two small grey pictures are: level by level, or block by block wherever the blocks have moved."""

import math
from functools import cache

import numpy as np
import numpy.typing as npt

__all__ = ["SAMPLES", "SIZE", "differences", "likeness", "unmoved"]

Grey = npt.NDArray[np.uint8]
Floats = npt.NDArray[np.float64]
Windows = npt.NDArray[np.float32]

SIZE = (48, 27)
"""Width and height of the pictures that are compared."""

SAMPLES = 2
"""How many samples each way go into one of their pixels."""

_ROWS, _COLUMNS = 9, 8  # of a block
_LINE = np.dtype(f"V{4 * _COLUMNS}")  # of a block, as float32
_REACH = 3  # how far a block is looked for, in pixels: a sixteenth of the width
_FLAT = 4.0  # levels: blocks that vary less say little
_STEP = 12.0  # levels: flat pictures that differ by more are two


def differences(frames: Grey) -> Floats:
    """Mean absolute difference between each frame and the one before: the textbook's |x_t - x_(t-1)|.

    Args:
        frames: (n, height, width), grey levels 0 to 255.

    Returns:
        (n - 1,), 0 to 255; empty for less than two frames.
    """
    before, after = frames[:-1], frames[1:]
    changes = np.maximum(before, after)
    changes -= np.minimum(before, after)
    means: Floats = changes.sum(axis=(1, 2), dtype=np.uint32) / math.prod(frames.shape[1:])
    return means


def likeness(before: Grey, after: Grey) -> float:
    """How much of what was seen before is seen after, whatever its brightness and wherever it has moved a little.

    Every block of the pictures before is looked for around its place in the pictures after; its best normalised
    correlation in any two of them counts, weighted by its contrast. What passes by, flashes or shakes leaves it high.

    Args:
        before: (m, 27, 48), grey levels.
        after: (n, 27, 48), grey levels.

    Returns:
        -1 to 1; two photographs have about .4, two frames of one shot .9. Of pictures without any contrast, 1 if
        their levels are much the same, else 0.
    """
    blocks, windows = _blocks(before), _windows(after)
    size = blocks.shape[2]
    blocks -= blocks.mean(axis=2, keepdims=True)
    ours = np.square(blocks).sum(axis=2)
    theirs = np.einsum("bpk,bpk->bp", windows, windows) - np.square(_sums(windows), dtype=np.float64) / size
    spread = np.sqrt(ours + size * _FLAT)[:, :, None] * np.sqrt(theirs + size * _FLAT)[:, None, :]
    correlation = (blocks @ windows.transpose(0, 2, 1) / spread).reshape(len(blocks), -1)
    every, best = np.arange(len(blocks)), correlation.argmax(axis=1)
    frame, place = np.divmod(best, windows.shape[1])
    contrast = np.sqrt(np.maximum(ours[every, frame], theirs[every, place]) / size)
    weight = contrast / (contrast + _FLAT)
    if weight.sum() < 0.5:
        return float(abs(float(np.mean(before)) - float(np.mean(after))) < _STEP)
    return float((correlation[every, best] * weight).sum() / weight.sum())


def unmoved(frames: Grey) -> float:
    """The share of the change from frame to frame that motion of blocks does not explain.

    Args:
        frames: (n, 27, 48), grey levels, n of 2 or more.

    Returns:
        0 to 1: about .3 for a camera that pans or zooms, .8 for a dissolve, 0 if nothing changes.
    """
    moved, still = 0.0, 0.5
    for at in range(len(frames) - 1):
        apart = _windows(frames[at + 1 : at + 2])
        apart -= _blocks(frames[at : at + 1])
        apart = _sums(np.abs(apart, out=apart)) / apart.shape[2]
        moved += float(apart.min(axis=1).mean())
        still += float(apart[:, apart.shape[1] // 2].mean())
    return moved / still


def _blocks(frames: Grey) -> Windows:
    """(blocks, frames, pixels of a block)."""
    count, height, width = frames.shape
    parts = _centred(frames).reshape(count, height // _ROWS, _ROWS, width // _COLUMNS, _COLUMNS)
    return parts.transpose(1, 3, 0, 2, 4).reshape(-1, count, _ROWS * _COLUMNS)


def _windows(frames: Grey) -> Windows:
    """(blocks, frames x places, pixels of a block): what is seen of frames at every place around that of a block."""
    count, height, width = frames.shape
    wide = _centred(frames.reshape(count, -1).take(_wider(height, width), axis=1))
    places = 2 * _REACH + 1
    frame, row, column = wide.strides
    shape = height // _ROWS, width // _COLUMNS, count, places, places, _ROWS
    strides = row * _ROWS, column * _COLUMNS, frame, row, column, row
    lines = np.ndarray(shape, _LINE, wide, 0, strides)  # a line of a block is moved as one
    return lines.reshape(-1, count * places * places, _ROWS).view(np.float32)


@cache
def _wider(height: int, width: int) -> npt.NDArray[np.intp]:
    """(height + 2 x reach, width + 2 x reach): places in a picture, those of its edges again on every side."""
    down, right = (np.arange(-_REACH, size + _REACH).clip(0, size - 1) for size in (height, width))
    places: npt.NDArray[np.intp] = down[:, None] * width + right
    return places


def _sums(windows: Windows) -> Windows:
    """(blocks, frames x places): of whole numbers, so exact in any order, and a product is quicker than a sum."""
    sums: Windows = windows @ np.ones(windows.shape[2], np.float32)
    return sums


def _centred(levels: Grey) -> Windows:
    """As numbers around 0, whose squares add up without loss."""
    return levels.astype(np.float32) - 128
