"""Which parts of a picture a prediction hangs on: by covering them (occlusion), and by gradients (Grad-CAM).

A map says what this model used, not what is true, and not that a person would look there too. Occlusion asks the model
itself and is exact about the question it asks; Grad-CAM is one pass, and coarse.

References:
    Zeiler & Fergus (2014), doi:10.1007/978-3-319-10590-1_53 (occlusion); Selvaraju et al. (2020),
    doi:10.1007/s11263-019-01228-7 (Grad-CAM).
"""

import math
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from studium.errors import InputError
from studium.learn.models.estimator import Fitted
from studium.learn.models.head import CONTINUOUS, Label
from studium.learn.nets.net import Encoded, FittedNet
from studium.media.transform import Picture, check_rgb

__all__ = ["grad_cam", "occlusion", "overlay"]

Map = npt.NDArray[np.float32]

_PARTS = 8  # patches along the shorter side, if nobody says


def occlusion(
    model: Fitted, picture: Picture, label: Label | None = None, patch: int | None = None, stride: int | None = None
) -> Map:
    """How much less probable a class becomes where the picture is covered.

    A square of the picture's mean colour is moved over it; a pixel's number is the mean of the changes by all squares
    that cover it. Squares at the edges are as large as the others.

    Args:
        model: any that takes pictures.
        picture: RGB uint8 H x W x 3.
        label: class; None for the most probable one. Of a continuous variable: None, and the change of the value.
        patch: side of the square in pixels; None for an eighth of the shorter side.
        stride: pixels that it is moved by, at most ``patch``; None for half of ``patch``.

    Returns:
        float32 H x W: p(class) - p(class, covered), -1..1. Above 0 where the picture speaks for the class.

    Raises:
        InputError: the model takes no pictures, has no such class, or a size does not fit.
    """
    height, width = check_rgb(picture).shape[:2]
    side = patch if patch is not None else max(1, math.ceil(min(height, width) / _PARTS))
    step = stride if stride is not None else max(1, side // 2)
    if not 1 <= step <= side <= min(height, width):
        raise InputError(
            f"expected 1 <= stride <= patch <= {min(height, width)} px, the shorter side; got {step} and {side}"
        )
    whole = _outputs(model, picture)
    at = _number(model, whole, label)
    mean = np.rint(picture.mean(axis=(0, 1))).astype(np.uint8)
    total, count = np.zeros((height, width)), np.zeros((height, width))
    for top in _starts(height, side, step):
        for left in _starts(width, side, step):
            covered = picture.copy()
            here = np.s_[top : top + side, left : left + side]
            covered[here] = mean
            total[here] += whole[at] - _outputs(model, covered)[at]
            count[here] += 1
    return np.asarray(total / count, np.float32)


def grad_cam(model: FittedNet, picture: Picture, label: Label | None = None) -> Map:
    """Where the last feature map of a convolutional network speaks for a class.

    Args:
        model: EfficientNet-Lite0, or a convolutional network of the hub.
        picture: RGB uint8 H x W x 3.
        label: class; None for the most probable one. Of a continuous variable: None, and what raises the value.

    Returns:
        float32 H x W, 0 or more, in units of the network's logit; 0 where the network does not look, as at the ends of
        a long picture that it cuts off. As coarse as the feature map (EfficientNet-Lite0: 1/32 of the side).

    Raises:
        InputError: another kind of model: a transformer has no feature map whose mean is what it classifies.
        MissingExtraError: torch is not installed.
    """
    height, width = check_rgb(picture).shape[:2]
    if not isinstance(model, FittedNet) or model.takes != "image":
        raise InputError(f"Grad-CAM is for image networks, not for a model of kind {model.kind!r}; take occlusion")
    at = _number(model, _outputs(model, picture), label)
    seen = _channels(model, at, model.body.encode(picture, None))
    return _placed(seen, _looks(model, (height, width)), (height, width))


def overlay(picture: Picture, saliency: Map, strength: float = 0.6) -> Picture:
    """A picture under its map: red where it speaks for the class, blue where against.

    Args:
        picture: RGB uint8 H x W x 3.
        saliency: H x W, as the functions here give it; its largest absolute number gets the full colour.
        strength: opacity of the full colour, 0..1.

    Returns:
        RGB uint8 H x W x 3; what is 0 in the map is grey.
    """
    if check_rgb(picture).shape[:2] != np.shape(saliency) or not 0 <= strength <= 1:
        raise InputError(
            f"expected a map {picture.shape[0]} x {picture.shape[1]} and a strength 0..1; got "
            f"{np.shape(saliency)} and {strength}"
        )
    top = float(np.abs(saliency).max())
    share = np.abs(saliency)[:, :, None] / (top or 1.0) * strength
    colour = np.where(np.asarray(saliency)[:, :, None] > 0, (255, 0, 0), (0, 0, 255))
    base = np.asarray(Image.fromarray(picture).convert("L"), np.float64)[:, :, None]
    return np.rint((1 - share) * base + share * colour).astype(np.uint8)


def _outputs(model: Fitted, picture: Picture) -> npt.NDArray[np.float64]:
    if model.takes != "image":
        raise InputError(
            f"saliency is for models that take pictures, and this one takes {model.takes!r}; fine-tune an ImageNetwork"
        )
    return np.asarray(model.outputs([picture])[0])


def _number(model: Fitted, found: npt.NDArray[np.float64], label: Label | None) -> int:
    """Which output is meant."""
    if label is None:
        return int(found.argmax())
    if model.head.task == CONTINUOUS or label not in model.head.classes:
        raise InputError(f"{model.head.variable} has the classes {list(model.head.classes)}, got {label!r}")
    return model.head.classes.index(label)


def _starts(length: int, side: int, step: int) -> list[int]:
    """Where squares begin, the last one at the end."""
    return sorted({*range(0, length - side + 1, step), length - side})


def _channels(model: FittedNet, at: int, given: Encoded) -> npt.NDArray[np.float64]:
    """The channels of the last feature map, weighed by the mean gradients of a class, and cut at 0."""
    import torch

    module = model.body.module.to("cpu").eval()
    if any("attention" in type(part).__name__.lower() for part in module.modules()):
        raise InputError("Grad-CAM is for convolutional networks, and this one is a transformer; take occlusion")
    maps: list[Any] = []
    hooks = [part.register_forward_hook(lambda _, __, out: _keep(maps, out)) for part in module.modules()]
    try:
        with torch.enable_grad():
            batch = model.body.collate([given])
            logits = module(**{name: one.requires_grad_(one.is_floating_point()) for name, one in batch.items()})[0]
            if not maps:
                raise InputError("Grad-CAM needs a network with feature maps, and this one has none; take occlusion")
            (gradient,) = torch.autograd.grad(_score(logits, model, at), maps[-1])
    finally:
        for hook in hooks:
            hook.remove()
    weights = gradient.mean(dim=(2, 3), keepdim=True)
    found = (weights * maps[-1]).sum(dim=1).relu()[0]
    return np.asarray(found.detach().double().numpy())


def _keep(maps: list[Any], out: Any) -> None:
    """Feature maps, (1, channels, h, w), of more than one place."""
    if getattr(out, "ndim", 0) == 4 and out.shape[2] * out.shape[3] > 1 and out.requires_grad:
        maps.append(out)


def _score(logits: Any, model: FittedNet, at: int) -> Any:
    """The logit of a class; of ordered ones, which have steps: of being above the one before, and not above itself."""
    if len(logits) == max(1, len(model.head.classes)):
        return logits[at]
    return sum(logits[max(0, at - 1) : at]) - sum(logits[at : at + 1])


def _looks(model: FittedNet, shape: tuple[int, int]) -> tuple[float, float, float, float]:
    """The part of a picture of this shape that the network is given: left, top, right, bottom, in pixels.

    Found by giving it pictures that become lighter to the right, and to the bottom.
    """
    height, width = shape
    ramps = np.linspace(0, 255, width)[None, :].repeat(height, 0), np.linspace(0, 255, height)[:, None].repeat(width, 1)
    black, white, right, down = (
        _light(model, np.broadcast_to(one, shape)) for one in (np.zeros(shape), np.full(shape, 255.0), *ramps)
    )
    x, y = (right - black) / (white - black), (down - black) / (white - black)
    (left, end), (top, bottom) = _ends(x.mean(axis=0), width), _ends(y.mean(axis=1), height)
    return left, top, end, bottom


def _light(model: FittedNet, grey: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """The first channel of what the network is given of a grey picture."""
    picture = np.repeat(np.rint(grey).astype(np.uint8)[:, :, None], 3, axis=2)
    (values,) = model.body.encode(picture, None).values()
    return np.asarray(values[0], np.float64)


def _ends(shares: npt.NDArray[np.float64], length: int) -> tuple[float, float]:
    """Where the outer edges of the first and of the last of equally wide columns lie, by their lightness."""
    n = len(shares)
    if length < 2 or n < 2:
        return 0.0, float(length)
    slope, start = np.polyfit(np.arange(n) + 0.5, shares * (length - 1) + 0.5, 1)
    return float(np.clip(start, 0, length)), float(np.clip(start + slope * n, 0, length))


def _placed(seen: npt.NDArray[np.float64], box: tuple[float, float, float, float], shape: tuple[int, int]) -> Map:
    """A map of a part of a picture as one of the whole: bilinear, 0 outside."""
    left, top, right, bottom = (round(one) for one in box)
    part = Image.fromarray(seen.astype(np.float32)).resize(
        (max(1, right - left), max(1, bottom - top)), Image.Resampling.BILINEAR
    )
    found = np.zeros(shape, np.float32)
    found[top : max(bottom, top + 1), left : max(right, left + 1)] = np.asarray(part)
    return found
