"""Every registered part keeps the contract of `studium.testing`; and the contract notices those that do not."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest

from studium import Column, Measure
from studium.core import registry
from studium.core.unit import KINDS
from studium.core.variable import Value, Variable
from studium.measure.centerface import find_faces
from studium.media.audio import Sound
from studium.media.image import decode
from studium.media.region import region
from studium.media.video import Video
from studium.testing import check_measure, check_unitizer, sample_inputs

SETTING = Variable("setting", "Where is it?", "post", "categorical", (Value("inside"), Value("outside")))
EXAMPLES: dict[str, dict[str, Any]] = {
    "ask": {"variables": (SETTING,), "model": "smolvlm-256m"},
    "classify_text": {
        "model": "toxic-bert", "variable": "stance", "labels": ("against", "for"),
        "problem_type": "single_label_classification",
    },
    "zero_shot": {"values": ("animal", "food"), "variable": "scene"},
}  # fmt: skip
"""Parameters of the measures that cannot be made without any."""

ELSEWHERE = {
    "actions", "ask", "azure_vision", "caption", "classify_text", "face_embedding", "google_vision", "rekognition",
    "sentiment_multilingual", "sound_events", "toxicity",
}  # fmt: skip
"""Measures that need a checkpoint, a service or a legal basis; their own tests hold them to the contract."""

UNITIZERS: tuple[tuple[str, dict[str, Any]], ...] = (
    ("frames", {"every": 0.5}),
    ("frames", {"keyframes": True}),
    ("frames", {"middle": True}),
    ("shots", {}),
    ("shots", {"method": "difference"}),
    ("speech", {}),
    ("faces", {}),
    ("lines", {}),
    ("objects", {}),
)
OF_REFERENCES = {"logos"}
"""Unitizers that need reference pictures; held to the contract by their own tests."""


def stretches(takes: str, videos: Path) -> list[Any]:
    """Real videos, or the sound of one, whole and in part."""
    if takes == "audio":
        return [Sound(videos / "bigbuckbunny.mp4"), Sound(videos / "bigbuckbunny.mp4", 2.0, 3.5)]
    return [Video(videos / "carphone_pristine.mp4"), Video(videos / "bikes.mp4", 2.0, 3.5)]


def regions(photos: Path) -> list[Any]:
    """A real face, large and small, with its landmarks and without."""
    picture = decode(photos / "astronaut.png")
    face = find_faces(picture)[0]
    x0, y0, x1, y1 = (round(edge) for edge in face.box)
    small = np.ascontiguousarray(picture[::2, ::2])
    halved = tuple((x / 2, y / 2) for x, y in face.points)
    return [
        region(picture, (x0, y0, x1, y1), face.points), region(picture, (x0, y0, x1, y1)),
        region(small, (x0 // 2, y0 // 2, x1 // 2, y1 // 2), halved),
    ]  # fmt: skip


def registered() -> list[Measure]:
    return [registry.make("measures", name, EXAMPLES.get(name, {})) for name in registry.names("measures")]


def held_here() -> list[Measure]:
    here = [measure for measure in registered() if measure.name not in ELSEWHERE]
    return [*here, registry.make("measures", "embed", {"model": "conse"})]


@pytest.mark.parametrize("measure", held_here(), ids=lambda m: m.name)
def test_every_registered_measure_keeps_the_contract(measure, study, photos, videos):
    inputs = None
    if measure.takes in {"video", "audio"}:
        inputs = stretches(measure.takes, videos)
    elif measure.takes == "file":
        inputs = sorted(study.rglob("*.??g"))
    elif measure.takes == "image":
        real = [decode(photos / name, detail=measure.detail) for name in ("chelsea.png", "china.jpg")]
        inputs = [*real, *sample_inputs("image")]
    elif measure.takes == "region":
        inputs = regions(photos)
    check_measure(measure, inputs)


@pytest.mark.parametrize(("name", "params"), UNITIZERS, ids=str)
def test_every_registered_unitizer_keeps_the_contract(name, params, photos, videos):
    unitizer = registry.make("unitizers", name, params)
    real = [decode(photos / name, detail=240) for name in ("astronaut.png", "page.png")]
    pictures = [*real, *sample_inputs("image")]
    check_unitizer(unitizer, pictures if unitizer.takes == "image" else stretches(unitizer.takes, videos))


def test_every_registered_unitizer_is_in_the_list():
    assert {name for name, _ in UNITIZERS} | OF_REFERENCES == set(registry.names("unitizers"))


def test_every_measure_fits_some_kind():
    for measure in registered():
        assert any(measure.takes in offers for offers in KINDS.values()), measure.name


def test_no_two_measures_share_a_column():
    owners: dict[str, str] = {}
    for measure in registered():
        for column in measure.columns:
            assert owners.setdefault(column.name, measure.name) == measure.name, column.name


@dataclass(frozen=True)
class Brightness(Measure):
    """A measure that keeps the contract, and the base of some that do not."""

    name: ClassVar[str] = "brightness"
    version: ClassVar[str] = "1"
    takes: ClassVar[str] = "image"

    @property
    def columns(self) -> tuple[Column, ...]:
        return (Column("brightness", "float32", "mean of all values", low=0, high=255),)

    def __call__(self, batch: Sequence[Any]) -> dict[str, Any]:
        return {"brightness": [float(image.mean()) for image in batch]}


class Relative(Brightness):
    def __call__(self, batch):
        means = np.array([image.mean() for image in batch])
        return {"brightness": means - means.mean() if len(means) else means}


class Random(Brightness):
    def __call__(self, batch):
        return {"brightness": np.random.default_rng().random(len(batch))}


class TooBright(Brightness):
    def __call__(self, batch):
        return {"brightness": [float(image.sum()) for image in batch]}


class TooFew(Brightness):
    def __call__(self, batch):
        return {"brightness": [0.0] * (len(batch) - 1)}


class Careless(Brightness):
    def __call__(self, batch):
        for image in batch:
            image[0] = 0
        return super().__call__(batch)


class Undescribed(Brightness):
    @property
    def columns(self):
        return (Column("Brightness!", "float32", ""),)


@dataclass
class Mutable(Brightness.__mro__[1]):
    name = "mutable"
    version = "1"
    takes = "image"
    columns = Brightness().columns

    def __call__(self, batch):
        return Brightness()(batch)


def test_an_honest_measure_passes():
    check_measure(Brightness())


@pytest.mark.parametrize(
    ("broken", "says"),
    [
        (Relative(), "depends on what else is in the batch"),
        (Random(), "depends on what else is in the batch|second call"),
        (TooBright(), "leave 0 to 255"),
        (TooFew(), "values expected"),
        (Careless(), "changed its inputs"),
        (Undescribed(), "lower snake case"),
        (Mutable(), "frozen dataclass"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_a_broken_measure_is_noticed(broken, says):
    with pytest.raises(AssertionError, match=says):
        check_measure(broken)


def test_inputs_must_come_from_somewhere():
    @dataclass(frozen=True)
    class Listening(Brightness):
        takes: ClassVar[str] = "audio"

    with pytest.raises(AssertionError, match="no sample inputs of modality 'audio'"):
        check_measure(Listening())
