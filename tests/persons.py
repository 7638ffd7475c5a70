"""Faces of public test pictures, and a legal basis to compare them under."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from PIL import Image

from studium import Column, Measure
from studium.core.legal import LegalBasis
from studium.media.image import decode
from studium.media.region import Region, region
from studium.unitize.faces import Faces

__all__ = ["BASIS", "RECORD", "Looks", "album", "face", "grant", "templates"]

BASIS = LegalBasis(
    purpose="Testing the software on its public test pictures",
    article_6="GDPR Art. 6(1)(f)",
    article_9="GDPR Art. 9(2)(e), manifestly made public",
    dpia="DPIA 2026-1",
    ethics_approval="IRB 7",
    retention_days=30,
    expires=date(2099, 1, 1),
    requested_by="The first person",
    approved_by="The second person",
)
RECORD = f"""\
[legal_basis]
purpose = "{BASIS.purpose}"
article_6 = "{BASIS.article_6}"
article_9 = "{BASIS.article_9}"
dpia = "{BASIS.dpia}"
ethics_approval = "{BASIS.ethics_approval}"
retention_days = 30
expires = 2099-01-01
requested_by = "{BASIS.requested_by}"
approved_by = "{BASIS.approved_by}"
"""


@dataclass(frozen=True)
class Looks(Measure):
    """A plugin whose vector is long enough to tell persons apart."""

    name: ClassVar[str] = "looks"
    version: ClassVar[str] = "1"
    takes: ClassVar[str] = "image"

    @property
    def columns(self) -> tuple[Column, ...]:
        return (Column("looks", "float32", "64 grey values", size=64),)

    def __call__(self, batch: Sequence[Any]) -> dict[str, Any]:
        return {"looks": np.array([one.mean(axis=2).ravel()[:64] for one in batch], np.float32).reshape(-1, 64)}


def grant(study: Path, **changes: str) -> None:
    """Write a study file with the record; ``changes`` are lines of TOML to put instead."""
    lines = [line for line in RECORD.splitlines() if line.split(" ")[0] not in changes]
    lines += [f"{name} = {value}" for name, value in changes.items() if value]
    (study / "studium.toml").write_text("\n".join(lines) + "\n", encoding="utf-8")


def face(picture: Path) -> Region:
    """The largest face in a picture."""
    pixels = decode(picture)
    span = next(iter(Faces()(pixels)))
    assert span.box is not None
    return region(pixels, span.box, span.points)


def templates(persons: int, faces: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Vectors like templates, and whose they are: same person about .38 apart, others about .8."""
    rng = np.random.default_rng(seed)
    centres = rng.normal(size=(persons, 128)) * 0.8 / 16
    whose = np.arange(persons * faces) % persons
    return (centres[whose] + rng.normal(size=(len(whose), 128)) * 0.38 / 16).astype(np.float32), whose


def album(target: Path, politicians: Path, *others: Path) -> Path:
    """A folder of pictures: one president three times, another once, and others."""
    target.mkdir(parents=True)
    for path in (*(politicians / f"{name}.jpg" for name in ("obama", "obama2", "obama3", "biden")), *others):
        picture = Image.open(path).convert("RGB")
        picture.thumbnail((500, 500))
        picture.save(target / path.name, quality=95)
    return target
