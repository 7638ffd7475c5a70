"""Pictures as a network wants them, by the preprocessor_config.json beside it, with Pillow and numpy alone.

The numbers are those of transformers' own processors to the last bit but rounding, so that vectors compare with those
that others made.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from studium.media.transform import Picture, check_rgb

__all__ = ["PROCESSORS", "Preparation", "preparation"]

_CLIP = ((0.48145466, 0.4578275, 0.40821073), (0.26862954, 0.26130258, 0.27577711))
_HALF = ((0.5, 0.5, 0.5), (0.5, 0.5, 0.5))
_CROPPED = {"size": {"shortest_edge": 224}, "crop_size": {"height": 224, "width": 224}, "do_center_crop": True}
_CROPPED |= {"resample": 3, "mean_std": _CLIP}
_SQUARE = {"size": {"height": 224, "width": 224}}

PROCESSORS: dict[str, dict[str, Any]] = {
    "CLIP": _CROPPED,
    "ChineseCLIP": _CROPPED,
    "Bit": _CROPPED,
    "Siglip": {**_SQUARE, "resample": 3, "mean_std": _HALF},
    "ViT": {**_SQUARE, "resample": 2, "mean_std": _HALF},
    "ConvNext": {"size": {"shortest_edge": 384}, "crop_pct": 224 / 256, "resample": 3, "mean_std": _HALF},
}
"""What the processors of transformers do where a file leaves it out, by the beginning of their names."""

_WARPED = 384  # px from which on ConvNext's processor squeezes the whole picture instead of cutting it
_ASPECT = 16  # beyond it only the part that is kept is resized: a picture of 1 x 50,000 px costs no more than another

Pixels = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Preparation:
    """Resize, cut the middle out, scale.

    Attributes:
        edge: the shorter side becomes that many px and the aspect stays; None: the whole picture becomes ``size``.
        size: height and width of what the network sees, in px.
        resample: Pillow's number of the filter.
        factor: what every value is multiplied by first.
        mean: of each channel, subtracted then.
        std: of each channel, divided by at last.
    """

    edge: int | None
    size: tuple[int, int]
    resample: int
    factor: float
    mean: tuple[float, float, float]
    std: tuple[float, float, float]

    def __call__(self, picture: Picture) -> Pixels:
        """The values of a picture.

        Args:
            picture: RGB uint8 H x W x 3.

        Returns:
            3 x height x width.
        """
        seen = self._resized(check_rgb(picture))
        values = (seen.astype(np.float64) * self.factor).astype(np.float32)
        scaled = (values - np.array(self.mean, np.float32)) / np.array(self.std, np.float32)
        return np.ascontiguousarray(scaled.transpose(2, 0, 1))

    def _resized(self, picture: Picture) -> Picture:
        height, width = picture.shape[:2]
        image = Image.fromarray(picture)
        how = Image.Resampling(self.resample)
        if self.edge is None:
            return np.asarray(image.resize(self.size[::-1], how))
        short, long = sorted((height, width))
        far = int(self.edge * long / short)
        whole = (self.edge, far) if height <= width else (far, self.edge)
        top, left = ((whole[n] - self.size[n]) // 2 for n in (0, 1))
        if long <= _ASPECT * short:
            resized = np.asarray(image.resize(whole[::-1], how))
            return resized[top : top + self.size[0], left : left + self.size[1]]
        down, across = height / whole[0], width / whole[1]
        box = (left * across, top * down, (left + self.size[1]) * across, (top + self.size[0]) * down)
        return np.asarray(image.resize(self.size[::-1], how, box=box))


def preparation(settings: Mapping[str, Any]) -> Preparation | None:
    """What the content of a preprocessor_config.json asks for; None if it asks for what is not known here."""
    name = str(settings.get("image_processor_type") or settings.get("feature_extractor_type") or "")
    for end in ("Pil", "Fast", "ImageProcessor", "FeatureExtractor"):
        name = name.removesuffix(end)
    if name not in PROCESSORS:
        return None
    said = {**PROCESSORS[name], **{key: value for key, value in settings.items() if value is not None}}
    mean, std = said["mean_std"]
    scaled, normal = said.get("do_rescale", True), said.get("do_normalize", True)
    placed = _placed(said, square=name == "ViT")
    if placed is None or not said.get("do_resize", True):
        return None
    return Preparation(
        *placed,
        int(said["resample"]),
        float(said.get("rescale_factor", 1 / 255)) if scaled else 1.0,
        _three(said.get("image_mean", mean)) if normal else (0.0, 0.0, 0.0),
        _three(said.get("image_std", std)) if normal else (1.0, 1.0, 1.0),
    )


def _placed(said: Mapping[str, Any], square: bool) -> tuple[int | None, tuple[int, int]] | None:
    """The shorter side, and height and width of what is seen; None for what is not known here."""
    size = _sides(said["size"], square)
    edge = size.get("shortest_edge")
    if edge is None:
        plain = set(size) == {"height", "width"} and not said.get("do_center_crop")
        return (None, (int(size["height"]), int(size["width"]))) if plain else None
    if "longest_edge" in size:
        return None
    if "crop_pct" in said:
        return (None if edge >= _WARPED else int(edge / said["crop_pct"])), (int(edge), int(edge))
    if not said.get("do_center_crop"):
        return None
    crop = _sides(said["crop_size"], square=True)
    kept = (int(crop["height"]), int(crop["width"]))
    return (int(edge), kept) if max(kept) <= edge else None


def _sides(size: Any, square: bool) -> dict[str, Any]:
    """Older files say a number."""
    if isinstance(size, int):
        return {"height": size, "width": size} if square else {"shortest_edge": size}
    return {key: value for key, value in size.items() if value is not None}


def _three(value: Any) -> tuple[float, float, float]:
    first, second, third = value if isinstance(value, list | tuple) else [value] * 3
    return float(first), float(second), float(third)
