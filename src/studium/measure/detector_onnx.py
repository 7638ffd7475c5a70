"""Object detectors in ONNX: opened, described, checked and run."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache, partial
from pathlib import Path
from typing import Any

import numpy as np

from studium.core.recipe import digest_of
from studium.errors import ConfigError, InputError, MissingExtraError, WeightsError
from studium.measure.detector_decode import SUPPRESSED, Candidates, Named, decode, recognise, taken
from studium.measure.detector_description import CONVENTIONS, EXAMPLE, Description, from_metadata, from_toml
from studium.measure.detector_input import beside, fit, planes
from studium.media.transform import Picture
from studium.networks.sessions import INTRA_OP_THREADS, loaded

__all__ = ["OnnxDetector", "described", "onnx_detector"]

_TYPES = {"tensor(float)": "float32", "tensor(float16)": "float16", "tensor(uint8)": "uint8"}
_ANY = (640, 640)  # a size to try a network with that takes any


@dataclass(frozen=True)
class OnnxDetector:
    """A network that finds objects.

    Attributes:
        session: ONNX Runtime's.
        description: with its family and, unless the network takes any size, its size.
        layout: axes of its input: "nchw", "nhwc", "chw" or "hwc".
        dtype: of its input.
    """

    session: Any
    description: Description
    layout: str
    dtype: str

    @property
    def names(self) -> tuple[str, ...]:
        """Of its classes."""
        return self.description.names

    @property
    def suppressed(self) -> bool:
        """Whether it says one object many times."""
        return self.description.family in SUPPRESSED

    def __call__(self, picture: Picture) -> Candidates:
        """What it proposes for an RGB picture; boxes in px of the picture.

        Raises:
            InputError: its outputs are not what its description says.
        """
        said = self.description
        fitted, where = fit(picture, said.size, said.resize, said.fill)
        found = decode(said.family, self.run(fitted), said, (fitted.shape[0], fitted.shape[1]))
        x0, y0, x1, y1 = where.back(np.array([[0.0, 0.0, *fitted.shape[1::-1]]]))[0].tolist()
        boxes = where.back(found.boxes)
        return taken(found._replace(boxes=boxes), ~beside(boxes, picture, (x0, y0, x1, y1)))

    def run(self, picture: Picture) -> Named:
        """Name and values of the outputs for a picture in the size of the input."""
        values = planes(picture, self.description, self.dtype)
        if "chw" in self.layout:
            values = np.ascontiguousarray(values.transpose(2, 0, 1))
        first, *others = self.session.get_inputs()
        feed = {first.name: values[None] if self.layout.startswith("n") else values}
        for other in others:  # the size that boxes are wanted in, as RT-DETR and D-FINE export it: width, height
            feed[other.name] = np.array([picture.shape[1::-1]], np.int64)
        try:
            outputs = self.session.run(None, feed)
        except Exception as error:
            raise InputError(f"the detector fails on {picture.shape[1]} x {picture.shape[0]} px: {error}") from error
        return [(one.name, np.asarray(values)) for one, values in zip(self.session.get_outputs(), outputs, strict=True)]


def onnx_detector(path: str) -> OnnxDetector:
    """The detector in a file, or in a folder with its description; opened once per process unless they change.

    Args:
        path: an ONNX file that tells the names of its classes in its metadata; or a folder with one ONNX file, a TOML
            file that describes it (see `Description`), and the file of its weights, if they lie in another.

    Raises:
        MissingExtraError: ONNX Runtime is not installed.
        WeightsError: it is not there, or does not load.
        ConfigError: the description does not fit.
        InputError: its inputs or outputs are not those of a detector.
    """
    try:
        digest = digest_of(Path(path))
    except InputError as error:
        raise WeightsError(f"weights should be an ONNX file or a folder with one: {error}") from error
    return loaded(partial(_opened, Path(path), digest))


@cache
def _opened(path: Path, digest: str) -> OnnxDetector:
    file, toml = _files(path)
    content = str(file) if path.is_dir() else file.read_bytes()  # bytes: what lies beside the file cannot matter
    return described(content, file.name, from_toml(toml) if toml else {})


def described(model: str | bytes, name: str, more: Mapping[str, Any]) -> OnnxDetector:
    """A detector as it says of itself, and as ``more`` says, which counts more.

    Args:
        model: path of an ONNX file, or its content.
        name: of the file, for messages.
        more: what its description says.

    Raises:
        WeightsError: it does not load.
        ConfigError: the description does not fit.
        InputError: its inputs or outputs are not those of a detector.
    """
    session = _session(model, name)
    layout, dtype, size = _input(session)
    said = {**from_metadata(session.get_modelmeta().custom_metadata_map), **more}
    if size and said.setdefault("size", size) != size:
        raise ConfigError(f"size should be that of the input of {name}, {size}, got {said['size']}; leave it out")
    if "names" not in said:
        raise ConfigError(
            f"{name} does not say the names of its classes: put it into a folder with a TOML file that "
            f"describes it, and give the folder; for example:\n{EXAMPLE}"
        )
    family = said.get("family", "")
    detector = OnnxDetector(session, Description(**{**CONVENTIONS.get(family, {}), **said}), layout, dtype)
    outputs, size = _tried(detector)
    if not family:
        known = recognise(outputs, len(detector.names), size)
        guess = Description(**{**CONVENTIONS[known["family"]], **known, **said})
        detector = replace(detector, description=guess)
    decode(detector.description.family, outputs, detector.description, size)
    return detector


def _files(path: Path) -> tuple[Path, Path | None]:
    """The ONNX file and its description."""
    if path.is_file():
        if path.with_suffix(".toml").is_file():
            raise InputError(f"{path.with_suffix('.toml')} describes it: give the folder, so that both count")
        return path, None
    found = {kind: sorted(path.glob(f"*.{kind}")) for kind in ("onnx", "toml")}
    if len(found["onnx"]) != 1 or len(found["toml"]) > 1:
        counts = ", ".join(f"{len(files)} .{kind}" for kind, files in found.items())
        raise WeightsError(f"{path} should hold one .onnx file and at most one .toml file, it holds {counts}")
    return found["onnx"][0], found["toml"][0] if found["toml"] else None


def _session(model: str | bytes, name: str) -> Any:
    """A session on the CPU."""
    try:
        import onnxruntime
    except ImportError as error:
        raise MissingExtraError("onnxruntime", "images") from error
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.inter_op_num_threads = INTRA_OP_THREADS, 1
    options.log_severity_level = 3
    try:
        return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    except Exception as error:
        raise WeightsError(
            f"{name} does not load as ONNX: {error}; if it keeps its weights in another file, give the folder"
        ) from error


def _input(session: Any) -> tuple[str, str, tuple[int, int] | None]:
    """Layout, type and size (None if it takes any) of the input."""
    first, *others = session.get_inputs()
    shape = [side if isinstance(side, int) and side > 0 else None for side in first.shape]
    if first.type not in _TYPES:
        raise InputError(
            f"the input {first.name} is a {first.type}; expected {', '.join(_TYPES)}: export the model with such an "
            "input (weights may be of 8 bits)"
        )
    layouts = {4: ("nchw", "nhwc"), 3: ("chw", "hwc")}.get(len(shape), ())
    fitting = [layout for layout in layouts if shape[layout.index("c")] == 3]
    if len(fitting) != 1 or (len(shape) == 4 and shape[0] not in {1, None}):
        raise InputError(
            f"the input {first.name} is {first.shape}; expected one picture of 3 channels: 1 x 3 x height x width, "
            "1 x height x width x 3, or either without the 1"
        )
    if any(other.type != "tensor(int64)" or len(other.shape) != 2 for other in others) or len(others) > 1:
        raise InputError(f"the model has inputs {[one.name for one in (first, *others)]}; expected a picture alone")
    height, width = shape[fitting[0].index("h")], shape[fitting[0].index("w")]
    return fitting[0], _TYPES[first.type], (height, width) if height and width else None


def _tried(detector: OnnxDetector) -> tuple[Named, tuple[int, int]]:
    """The outputs for a grey picture, and its size: shows what they are before a run begins."""
    if detector.description.size is None and detector.description.resize != "none":
        raise ConfigError('the model takes any size: describe one (size = [640, 640]), or say resize = "none"')
    size = detector.description.size or _ANY
    return detector.run(np.full((*size, 3), 114, np.uint8)), size
