"""Statistics of a sound that goes by: overlapping frames out of blocks, and moments of values that are not kept."""

import numpy as np
import numpy.typing as npt

__all__ = ["Framer", "Moments"]

Numbers = npt.NDArray[np.floating]


class Framer:
    """Cuts what comes in blocks into frames; where a block ends makes no difference to them."""

    def __init__(self, length: int, hop: int) -> None:
        """Frames of ``length`` samples, one every ``hop`` <= ``length`` samples, from the first sample on."""
        self.length, self.hop = length, hop
        self.rest: Numbers = np.zeros(0, np.float32)
        """What is left over: less than a frame, and the overlap with the last one."""

    def cut(self, samples: Numbers) -> Numbers:
        """Take a block, (n,); returns the frames that it completes, (frames, length), a view not to write to."""
        whole = np.concatenate([self.rest, samples])
        count = max(0, (len(whole) - self.length) // self.hop + 1)
        self.rest = whole[count * self.hop :].copy()
        if not count:
            return np.zeros((0, self.length), whole.dtype)
        return np.lib.stride_tricks.sliding_window_view(whole, self.length)[: count * self.hop : self.hop]


class Moments:
    """Running mean and standard deviation (of the population), of each element if values are vectors.

    References:
        Chan, Golub & LeVeque (1983), doi:10.1080/00031305.1983.10483115.
    """

    def __init__(self) -> None:
        """Begin with no values."""
        self.n = 0
        self._mean: npt.NDArray[np.float64] = np.zeros(())
        self._squares: npt.NDArray[np.float64] = np.zeros(())

    def add(self, values: Numbers) -> None:
        """Take values, (n,), or vectors, (n, size); any number of them."""
        n = len(values)
        if not n:
            return
        mean = values.mean(axis=0, dtype=np.float64)
        squares = np.square(values - mean).sum(axis=0)
        total, apart = self.n + n, mean - self._mean
        self._squares = self._squares + squares + np.square(apart) * (self.n * n / total)
        self._mean = self._mean + apart * (n / total)
        self.n = total

    @property
    def mean(self) -> npt.NDArray[np.float64] | None:
        """Mean of all values so far; None without any."""
        return self._mean if self.n else None

    @property
    def sd(self) -> npt.NDArray[np.float64] | None:
        """Standard deviation of all values so far; None without any."""
        return np.sqrt(self._squares / self.n) if self.n else None
