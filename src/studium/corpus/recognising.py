"""Recognising: everything here needs ``[legal_basis]`` in the study file, and is logged."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from studium.core.store import Table
from studium.corpus.measuring import Measuring
from studium.errors import InputError
from studium.explore.persons import SAME
from studium.run import recognise
from studium.run.recognise import MEASURE

__all__ = ["Recognising"]


class Recognising(Measuring):
    """A study folder whose faces can be told apart, where the law allows that."""

    def verify(self, a: str | Path, b: str | Path, *, threshold: float = SAME) -> recognise.Verified:
        """Whether two faces show one person: each a picture with one face (its path), or a face of the study (its id).

        Args:
            a: path of a picture with one face, or the id of a face, in full or its first digits.
            b: likewise.
            threshold: distance of templates below which they count as one person.
        """
        below = recognise.threshold_of("verify", {"threshold": threshold})
        with self._admitted("verify", "picture", 2):
            one, other = (recognise.one_face(self.store, each, self._decoding) for each in (a, b))
        return recognise.Verified(float(np.linalg.norm(one - other)), below)

    def find(
        self, target: str | Path, among: str | Path | Iterable[str | Path] | None = None, *, k: int = 10
    ) -> pa.Table:
        """The ``k`` faces nearest to a face: ``unit``, ``path``, ``box``, ``distance``; then pictures without a face.

        Args:
            target: as for `verify`.
            among: paths of pictures, each with any number of faces; None for all faces of the study.
            k: how many faces, at least 1.
        """
        if not isinstance(k, int) or k < 1:
            raise InputError(f"k should be a whole number, at least 1, got {k!r}")
        pictures = None if among is None else [among] if isinstance(among, str | Path) else list(among)
        units = self.store.units("face").num_rows if pictures is None else len(pictures)
        with self._admitted("find", "face" if pictures is None else "picture", units):
            template = recognise.one_face(self.store, target, self._decoding)
            if pictures is None:
                known = recognise.stored(self.store, self._templates())
            else:
                known = recognise.seen(pictures, self._decoding)
            return recognise.find(template, known, k)

    def persons(self, of: str = "face", *, by: str = MEASURE, **params: Any) -> recognise.Persons:
        """Which faces show the same person; see `studium.explore.persons`. What lacks a template is measured first.

        Args:
            of: kind of the units.
            by: table of their templates.
            **params: ``threshold``, the distance of templates below which two faces speak for one person, 0.5.
        """
        threshold = recognise.threshold_of("persons", params)
        with self._admitted("persons", of, self.store.units(of).num_rows) as basis:
            source = self._templates(of, by)
            with self._recording(f"persons of {of} by {by}") as manifest:
                found = recognise.grouped(self.store, source, threshold, self.study.seed)
                manifest.touch(found.table)
                manifest.body["legal_basis"] = basis.digest
                return found

    def _templates(self, of: str = "face", by: str = MEASURE) -> Table:
        """The table of templates, made if there is none, with a row for every face that can have one."""
        if by == MEASURE:
            if not self.store.units(of).num_rows:
                raise InputError(
                    f'the study has no {of} units; split its pictures first: corpus.split("faces", of="image")'
                )
            self.measure(by, of=of)
        return self.store.find(of, by)
