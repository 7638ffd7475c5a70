"""Objects in pictures: boxes, labels and confidences, by a detector from the hub or by one of your own."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar

from studium.core import weights
from studium.core.column import Column
from studium.core.protocols import Unitizer
from studium.core.unit import Span
from studium.errors import InputError
from studium.measure.detector import Detector, find_objects
from studium.measure.detector_hub import hub_detector
from studium.measure.detector_nanodet import MODEL, nanodet
from studium.measure.detector_onnx import onnx_detector
from studium.media.transform import Picture
from studium.networks.sessions import loaded

__all__ = ["DEFAULT", "Objects"]

DEFAULT = MODEL
"""The model if none is named."""


@dataclass(frozen=True)
class Objects(Unitizer):
    """What is in a picture, and where: a box, a label and a confidence for each object, the most confident first.

    The labels are those of the detector: for NanoDet, D-FINE, RT-DETR and DETR the 80 classes of COCO (person, car,
    dog, cup ...), everyday things in photographs from Flickr; a flag, a banner or a weapon is none of them. OWLv2 (the
    model ``owlv2-base``) looks for whatever ``labels`` describe in words. Counts are counts of what the detector found:
    it misses small, covered and crowded things, so compare a sample with your own counts before you use them.

    Of objects with the very same box only the most confident is kept, for a box names a unit. A box that sticks out of
    the picture is cut off at its edge.

    Args:
        model: an id of `models`, ``owner/name@commit`` of a hub repository, or the path of a folder, with a checkpoint
            of transformers for object detection in safetensors; left out, nanodet-g, which is small and runs
            anywhere (for results take dfine-s), unless ``weights`` are given.
        weights: path of a detector of your own in ONNX (YOLO, DETR, SSD, Faster R-CNN ...), or of a folder with one
            and its description; its content counts, not where it lies.
        labels: what to look for; left out, every class of the detector.
        threshold: least confidence, more than 0, at most 1.
        overlap: of two boxes of a label whose intersection over union is more than that, the less confident goes; for
            detectors that say one object many times (YOLO, OWLv2).

    References:
        Peng et al. (2024), D-FINE, doi:10.48550/arXiv.2410.13842; Zhao et al. (2024), RT-DETR,
        doi:10.48550/arXiv.2304.08069; Minderer et al. (2023), OWLv2, doi:10.48550/arXiv.2306.09683; Lin et al. (2014),
        COCO, doi:10.1007/978-3-319-10602-1_48.
    """

    model: str = ""
    weights: str = ""
    labels: tuple[str, ...] = ()
    threshold: float = 0.5
    overlap: float = 0.5

    name: ClassVar[str] = "objects"
    version: ClassVar[str] = "1"
    takes: ClassVar[str] = "image"
    makes: ClassVar[str] = "object"
    paths: ClassVar[tuple[str, ...]] = ("weights",)

    def __post_init__(self) -> None:
        """Refuse unknown models and impossible numbers at the door; a list of labels becomes a tuple."""
        if not isinstance(self.labels, list | tuple) or not all(isinstance(o, str) and o.strip() for o in self.labels):
            raise InputError(f"objects: labels should be a list of texts that are not empty, got {self.labels!r}")
        object.__setattr__(self, "labels", tuple(self.labels))
        if self.model and self.weights:
            raise InputError(f"objects takes model = or weights =, got both: {self.model!r} and {self.weights!r}")
        if self.model not in {"", MODEL} and weights.get(self.model).bundle is None:
            raise InputError(f"objects: {self.model} is no checkpoint of transformers; leave it out for {DEFAULT}")
        if not 0 < self.threshold <= 1 or not 0 <= self.overlap <= 1:
            raise InputError(
                f"objects: threshold should be more than 0 and at most 1, got {self.threshold!r}, and overlap 0 to 1, "
                f"got {self.overlap!r}; leave them out for 0.5"
            )

    @property
    def columns(self) -> tuple[Column, ...]:
        """What it is, and how sure the detector is."""
        return (
            Column("label", "string", "what it is, in the words of the detector"),
            Column("confidence", "float32", "of the detector; not a calibrated probability", "share", 0, 1),
        )

    @property
    def models(self) -> tuple[str, ...]:
        """The checkpoint; none if the weights are one's own."""
        return () if self.weights else (self.model or DEFAULT,)

    def prepare(self) -> None:
        """Load the detector, and refuse what it cannot do.

        Raises:
            InputError: it does not know a label, or is none.
        """
        self._detector()

    def __call__(self, media: Picture) -> Iterable[Span]:
        """The objects in an RGB picture.

        Raises:
            InputError: the detector says what cannot be, such as a box outside the picture.
        """
        found = find_objects(media, self._detector(), self.threshold, self.overlap, self.labels)
        return [Span(box=one.box, values={"label": one.label, "confidence": one.confidence}) for one in found]

    def _detector(self) -> Detector:
        own, model = self.weights, self.model or DEFAULT
        detector: Detector
        if own:
            detector = onnx_detector(own)
        else:
            detector = loaded(nanodet) if model == MODEL else hub_detector(model, self.labels)
        if unknown := [label for label in self.labels if label not in detector.names]:
            raise InputError(
                f"objects: the detector does not know {', '.join(unknown)}; it knows: {', '.join(detector.names)}. "
                "A model that looks for words is owlv2-base"
            )
        return detector
