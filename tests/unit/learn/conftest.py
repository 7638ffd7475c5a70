"""Networks that several tests share: each is trained once."""

import corners
import pytest

from studium.learn.models.examples import Examples
from studium.learn.nets.image import FittedImage, ImageNetwork
from studium.learn.nets.net import Schedule


@pytest.fixture(scope="session")
def cornered() -> FittedImage:
    """EfficientNet-Lite0 that tells pictures of 64 x 80 px with a red square from those without."""
    pictures, classes = corners.corners(32)
    every = Examples(pictures, classes)
    network = ImageNetwork(side=96, schedule=Schedule(epochs=2, batch=8))
    return network.train(every.take(range(24)), every.take(range(24, 32)))
