"""What must be known of an object detector to use it: data, never code; from a TOML file or from the ONNX file."""

import ast
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from studium.errors import ConfigError

__all__ = ["COCO", "CONVENTIONS", "EXAMPLE", "Description", "from_metadata", "from_toml"]

CONVENTIONS: Mapping[str, Mapping[str, Any]] = {
    "yolov5": {"resize": "letterbox"},
    "yolov8": {"resize": "letterbox"},
    "yolox": {"resize": "corner", "channels": "bgr", "scale": 1.0},
    "end-to-end": {"resize": "letterbox"},
    "detr": {"resize": "stretch", "mean": (0.485, 0.456, 0.406), "std": (0.229, 0.224, 0.225)},
    "rt-detr": {"resize": "stretch"},
    "boxes": {"resize": "stretch"},
}
"""Families of outputs, and how their pictures are prepared unless a description says otherwise."""

EXAMPLE = 'family = "yolov8"\nnames = ["person", "bicycle"]\nsize = [640, 640]'

COCO = tuple(
    " ".join(  # of words, for names break over lines
        """
        person, bicycle, car, motorcycle, airplane, bus, train, truck, boat, traffic light, fire hydrant, stop
        sign, parking meter, bench, bird, cat, dog, horse, sheep, cow, elephant, bear, zebra, giraffe, backpack,
        umbrella, handbag, tie, suitcase, frisbee, skis, snowboard, sports ball, kite, baseball bat, baseball
        glove, skateboard, surfboard, tennis racket, bottle, wine glass, cup, fork, knife, spoon, bowl, banana,
        apple, sandwich, orange, broccoli, carrot, hot dog, pizza, donut, cake, chair, couch, potted plant, bed,
        dining table, toilet, tv, laptop, mouse, remote, keyboard, cell phone, microwave, oven, toaster, sink,
        refrigerator, book, clock, vase, scissors, teddy bear, hair drier, toothbrush
        """.split()
    ).split(", ")
)
"""The 80 classes of COCO, in the order of most detectors that were trained on it."""

_CHOICES = {
    "family": ("", *CONVENTIONS),
    "resize": ("letterbox", "corner", "stretch", "none"),
    "channels": ("rgb", "bgr"),
    "corners": ("xyxy", "yxyx"),
    "unit": ("pixel", "share"),
}


@dataclass(frozen=True, slots=True)
class Description:
    """How a detector takes pictures and what its outputs mean.

    Attributes:
        names: of its classes, in the order of their numbers.
        family: of its outputs, one of `CONVENTIONS`; empty to recognise it by their shapes.
        size: height and width of its input, px; None if its file says so, or takes any size.
        resize: "letterbox" (aspect ratio kept, bars on both sides), "corner" (bars at the right and the bottom only),
            "stretch" (ratio not kept), "none" (as it is).
        fill: grey level of the bars, 0 to 255.
        channels: "rgb" or "bgr".
        scale: what pixels are divided by first; 255 gives 0 to 1. An input of type uint8 takes them as they are.
        mean: of each channel, subtracted after that.
        std: of each channel, divided by after that.
        corners: order of the corners of a box, for the families "boxes" and "end-to-end".
        unit: of these corners, "pixel" of the input or "share" of its sides.
        first: number of the first class; 1 where 0 is the background.
    """

    names: tuple[str, ...]
    family: str = ""
    size: tuple[int, int] | None = None
    resize: str = "letterbox"
    fill: int = 114
    channels: str = "rgb"
    scale: float = 255.0
    mean: tuple[float, float, float] = (0.0, 0.0, 0.0)
    std: tuple[float, float, float] = (1.0, 1.0, 1.0)
    corners: str = "xyxy"
    unit: str = "pixel"
    first: int = 0

    def __post_init__(self) -> None:
        """Refuse what cannot be meant."""
        for key, allowed in _CHOICES.items():
            if getattr(self, key) not in allowed:
                said = ", ".join(repr(one) for one in allowed if one)
                raise ConfigError(f"{key} should be one of {said}, got {getattr(self, key)!r}")
        if not self.names or not all(isinstance(name, str) and name.strip() for name in self.names):
            raise ConfigError(f"names should be the names of the classes, texts that are not empty, got {self.names!r}")
        if self.size is not None and not (len(self.size) == 2 and all(_whole(side, 1) for side in self.size)):
            raise ConfigError(f"size should be [height, width] in px, got {self.size!r}")
        if self.size is not None and self.resize == "none":
            raise ConfigError(f'resize = "none" takes pictures as they are, but the input has a size: {self.size}')
        if not (_whole(self.fill, 0) and self.fill <= 255 and _whole(self.first, 0)):
            raise ConfigError(f"fill should be 0 to 255 and first 0 or more, got {self.fill!r} and {self.first!r}")
        if not (_numbers((self.scale,), 1) and _numbers(self.mean, 3) and _numbers(self.std, 3)):
            raise ConfigError("scale should be a number, mean and std three each, of the red, green and blue channel")
        if not (self.scale > 0 and all(one > 0 for one in self.std)):
            raise ConfigError(f"scale and std should be more than 0, got {self.scale!r} and {self.std!r}")


def from_toml(path: Path) -> dict[str, Any]:
    """What a description says; keys that it leaves out are those of its family, see `CONVENTIONS`.

    ``names = "coco"`` stands for `COCO`.

    Raises:
        ConfigError: it cannot be read, or says something that is not known.
    """
    try:
        said = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ConfigError(f"{path} does not describe a detector: {error}; for example:\n{EXAMPLE}") from error
    known = [field.name for field in fields(Description)]
    if unknown := sorted(set(said) - set(known)):
        raise ConfigError(f"{path}: unknown key {', '.join(unknown)}; known: {', '.join(known)}")
    if said.get("names") == "coco":
        said["names"] = COCO
    size = said.get("size")
    if _whole(size, 1):
        said["size"] = (size, size)
    return {key: tuple(value) if isinstance(value, list) else value for key, value in said.items()}


def from_metadata(metadata: Mapping[str, str]) -> dict[str, Any]:
    """What an ONNX file says of itself, as ultralytics writes it: names of the classes, size of the input.

    Raises:
        ConfigError: it does something else than to detect, or what it says cannot be read.
    """
    if (task := metadata.get("task", "detect")) != "detect":
        raise ConfigError(f"the model is made for {task!r}; expected one for 'detect'")
    said: dict[str, Any] = {}
    try:
        if "names" in metadata:
            names = ast.literal_eval(metadata["names"])
            numbered = dict(enumerate(names)) if isinstance(names, list | tuple) else dict(names)
            said["names"] = tuple(str(numbered[number]) for number in range(len(numbered)))
        if "imgsz" in metadata:
            size = ast.literal_eval(metadata["imgsz"])
            said["size"] = (size, size) if isinstance(size, int) else tuple(size)
    except (ValueError, SyntaxError, TypeError, KeyError) as error:
        raise ConfigError(f"the metadata of the model cannot be read: {dict(metadata)}; describe it in TOML") from error
    return said


def _whole(value: object, low: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= low


def _numbers(values: object, count: int) -> bool:
    return isinstance(values, tuple) and len(values) == count and all(type(one) in {int, float} for one in values)
