"""What would leave the machine: what a remote measure says of one input before anything is sent."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["Outgoing"]


@dataclass(frozen=True, eq=False)
class Outgoing:
    """What would be sent about one input.

    Attributes:
        host: the machine that it would be sent to.
        bytes: size of the request, encoded as it would be sent.
        texts: how many texts there are in it.
        pictures: RGB uint8, H x W x 3 each: the pixels that would be sent.
        kept: whether it was answered before, so that nothing is sent.
        usd: what the answer is expected to cost, US dollars; None if nobody knows.
        seconds: how long the answer is expected to take; None if nobody knows.
        source: where the price, and the time, come from, for the reader.
    """

    host: str
    bytes: int
    texts: int = 0
    pictures: "tuple[NDArray[np.uint8], ...]" = ()
    kept: bool = False
    usd: float | None = None
    seconds: float | None = None
    source: str = ""
