"""Image networks with a new head: EfficientNet-Lite0, which needs no hub, and CNNs and transformers of the hub."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from studium.errors import InputError
from studium.learn.evaluate.checks import Floats
from studium.learn.models.examples import Examples
from studium.learn.models.head import CATEGORICAL, Head
from studium.learn.models.training import Training
from studium.learn.nets import image_hub, lite0
from studium.learn.nets.head_start import begin_as_probe
from studium.learn.nets.image_hub import HubBody
from studium.learn.nets.lite0 import Lite0Body
from studium.learn.nets.net import Body, FittedNet, Net
from studium.learn.nets.objective import finished, outputs_of
from studium.learn.nets.views import Views
from studium.media.transform import Picture
from studium.networks import efficientnet

__all__ = ["FittedImage", "ImageNetwork"]


@dataclass(frozen=True)
class FittedImage(FittedNet):
    """A trained `ImageNetwork`."""

    body: Lite0Body | HubBody

    kind: ClassVar[str] = "image_network"
    takes: ClassVar[str] = "image"

    def outputs(self, X: Sequence[Picture]) -> Floats:
        """As `Fitted.outputs`; EfficientNet-Lite0 by ONNX Runtime on the CPU, which needs no torch."""
        if isinstance(self.body, HubBody):
            return super().outputs(X)
        logits = [self.body.logits(X[row]) for row in range(len(X))]
        return finished(np.reshape(logits, (len(X), outputs_of(self.head))), self.head, self.scale)

    def preprocessing(self) -> dict[str, Any]:
        """What makes the input of a picture, and the views that it was trained on."""
        about: dict[str, Any] = {"views": asdict(self.body.views)}
        if isinstance(self.body, HubBody):
            return about | {"processor": type(self.body.processor).__name__}
        return about | {"input": self.body.input, "freeze": self.body.freeze}

    @classmethod
    def restored(cls, head: Head, preprocessing: dict[str, Any], folder: Path) -> Body:
        """As `FittedNet.restored`."""
        views = Views(**preprocessing["views"])
        if "input" not in preprocessing:
            return image_hub.restored(head, views, folder)
        return lite0.restored(preprocessing["input"], views, preprocessing["freeze"], folder)


@dataclass(frozen=True, kw_only=True)
class ImageNetwork(Net):
    """A published image network that learns to predict a variable from pictures.

    EfficientNet-Lite0 comes from the package index, learns a thousand pictures on a laptop's CPU in minutes, and
    predicts by ONNX Runtime, without torch. Its batch norms keep the statistics they were published with. Other models
    are checkpoints that transformers loads for image classification: ResNet, ConvNeXt, ViT, DINOv2, Swin, CLIP's
    pictures and kin, also those that were trained to classify something else.

    The last layer is always new. It begins as a linear probe of the training examples (LP-FT), so that the first steps
    do not spoil what the network knows, and needs no higher rate than the rest.

    Attributes:
        model: "efficientnet-lite0", another id of ``models.toml``, ``owner/name@commit``, or the path of a folder.
        side: of the pictures in pixels, of EfficientNet-Lite0; None for the published one, 224. The time goes with its
            square. As always the middle is seen: 7/8 of the shorter side.
        freeze: how many of the 9 stages of EfficientNet-Lite0 stay as they were published: 0 none, 3 those that see
            edges and colours, which saves about a fifth of the time; 8 all but the last.
        augment: whether each epoch sees another view of a picture: turned, cropped, mirrored, of other colours; see
            `studium.media.augment.augment`. Switch it off where left and right, or colours, are what is coded.
        degrees: largest rotation either way.
        jitter: of brightness, contrast and saturation, 0..1.
        smoothing: share of each answer that all classes get alike (label smoothing), of a categorical variable without
            coders' shares: so it does not learn to be certain of all, and the epoch with the smallest validation loss
            is one that errs little.

    References:
        Tan & Le (2019), doi:10.48550/arXiv.1905.11946; Kumar et al. (2022), doi:10.48550/arXiv.2202.10054 (LP-FT);
        Müller et al. (2019), doi:10.48550/arXiv.1906.02629 (label smoothing).
    """

    model: str = efficientnet.MODEL
    side: int | None = None
    freeze: int = 0
    augment: bool = True
    degrees: float = 10.0
    jitter: float = 0.2
    smoothing: float = 0.1

    kind: ClassVar[str] = "image_network"
    takes: ClassVar[str] = "image"
    fitted: ClassVar[type[FittedNet]] = FittedImage

    def __post_init__(self) -> None:
        """Refuse what the model does not have."""
        if self.model == efficientnet.MODEL:
            lite0.checked(self.side, self.freeze)
        elif self.side is not None or self.freeze:
            raise InputError(f"side and freeze are for {efficientnet.MODEL}; {self.model} has its own side: leave both")
        if not 0 <= self.smoothing < 1:
            raise InputError(f"smoothing should be from 0 to below 1, got {self.smoothing}")
        self._views  # noqa: B018  (refuses strengths that are none)

    def train(self, train: Examples, validation: Examples, folder: Path | None = None) -> FittedNet:
        """As `Net.train`."""
        given = Training.of(self.head, train.y, len(train), train.weights, train.groups)
        known = replace(self, head=given.head)
        return super(ImageNetwork, known).train(self._smoothed(train, given), validation, folder)

    def begin(self, head: Head) -> Body:
        """As `Net.begin`."""
        if self.model == efficientnet.MODEL:
            return lite0.begun(outputs_of(head), self.side, self._views, self.freeze)
        return image_hub.begun(self.model, head, self._views)

    def start(self, body: Body, head: Head, train: Examples) -> None:
        """As `Net.start`: the last layer begins as a linear probe."""
        begin_as_probe(body, head, train, self.balanced, self.schedule.seed)

    def _smoothed(self, train: Examples, given: Training) -> Examples:
        """Every class gets a share of each answer; where coders' shares are given, those say more."""
        if given.head.task != CATEGORICAL or np.ndim(train.y) != 1 or not self.smoothing:
            return train
        soft = (1 - self.smoothing) * given.soft + self.smoothing / len(given.head.classes)
        return replace(train, y=soft)

    @property
    def _views(self) -> Views:
        return Views(self.augment, self.degrees, self.jitter)
