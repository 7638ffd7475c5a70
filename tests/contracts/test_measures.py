"""Every registered measure keeps the contract of `studium.testing`; and the contract notices those that do not."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import pytest

from studium import Column, Measure
from studium.core import registry
from studium.core.unit import KINDS
from studium.media.image import decode
from studium.testing import check_measure, sample_inputs

EXAMPLES: dict[str, dict[str, Any]] = {"zero_shot": {"values": ("animal", "food"), "variable": "scene"}}
"""Parameters of the measures that cannot be made without any."""


def registered() -> list[Measure]:
    made = [registry.make("measures", name, EXAMPLES.get(name, {})) for name in registry.names("measures")]
    return [*made, registry.make("measures", "embed", {"model": "conse"})]


@pytest.mark.parametrize("measure", registered(), ids=lambda m: m.name)
def test_every_registered_measure_keeps_the_contract(measure, study, photos):
    inputs = None
    if measure.takes == "file":
        inputs = sorted(study.rglob("*.??g"))
    elif measure.takes == "image":
        real = [decode(photos / name, detail=measure.detail) for name in ("chelsea.png", "china.jpg")]
        inputs = [*real, *sample_inputs("image")]
    check_measure(measure, inputs)


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
