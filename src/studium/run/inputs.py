"""What networks learn from: texts, pictures and materials of a study's units, made when they are asked for."""

from collections import OrderedDict
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any

from studium.core.protocols import DETAIL
from studium.core.store import Store, unit_of
from studium.core.unit import KINDS, Unit, check_kind
from studium.errors import InputError, MediaError
from studium.learn.models.examples import Some
from studium.learn.predict import shown
from studium.run.around import Surroundings
from studium.run.lineage import Lineage
from studium.run.load import DEFAULT, Decoding, Loader, outline_of, said, text_of

__all__ = ["Inputs", "inputs", "through"]

CACHE = 512_000_000
"""Bytes of decoded pictures that are held at most."""
_LEAST = 1_000  # bytes that any input counts as


def inputs(store: Store, of: str, units: Sequence[str], takes: str, decoding: Decoding = DEFAULT) -> "Inputs":
    """The inputs of units.

    Args:
        store: the study.
        of: kind of the units.
        units: their ids.
        takes: "text" (of posts and films with what is said in them), "image" or "material".
        decoding: what may be decoded.

    Raises:
        InputError: units that the study does not have, or a kind that does not offer this.
    """
    return Inputs(store, of, tuple(units), takes, decoding)


def through(store: Store, of: str, takes: str) -> str:
    """The modality that inputs of ``takes`` are made of: itself, or "material" where a unit does not offer that.

    A text of posts is made of their material where speech was transcribed, as what is said belongs to it.
    """
    check_kind(of)
    if takes not in {"text", "image", "material"}:
        raise InputError(f"a model of media takes text, image or material, got {takes!r}")
    spoken = takes == "text" and of == "post" and store.units("speech").num_rows
    return takes if takes in KINDS[of] and not spoken else "material"


class Inputs(Sequence[Any]):
    """Inputs of units, each made when it is asked for; the last ones are held."""

    def __init__(self, store: Store, of: str, units: tuple[str, ...], takes: str, decoding: Decoding) -> None:
        """See `inputs`."""
        self.of, self.units, self.takes = of, units, takes
        self.through = through(store, of, takes)
        self._store, self._decoding = store, decoding
        self._rows = {row["id"]: row for row in store.units(of).to_pylist()}
        if unknown := [unit for unit in units if unit not in self._rows]:
            raise InputError(f"the study does not have {len(unknown)} of the {of} units, such as {unknown[0]!r}")
        self._held: OrderedDict[int, Any] = OrderedDict()
        self._bytes = 0

    def __len__(self) -> int:
        return len(self.units)

    def __getitem__(self, at: Any) -> Any:
        """The input of a unit.

        Raises:
            MediaError: it cannot be made.
        """
        if isinstance(at, slice):
            import numpy as np

            return Some(self, np.arange(len(self))[at])
        number = range(len(self))[at]
        if number in self._held:
            self._held.move_to_end(number)
            return self._held[number]
        made = self._made(self._units[number])
        self._keep(number, made)
        return made

    def missing(self) -> dict[str, str]:
        """Unit -> why it has no input; all of them are tried."""
        found = {}
        for number, unit in enumerate(self.units):
            try:
                self[number]
            except MediaError as error:
                found[unit] = f"{type(error).__name__}: {error}"
        return found

    def outline(self) -> list[str]:
        """Names each input as it is now, without decoding anything."""
        if self.through == "text":
            return [text_of(unit) or "" for unit in self._units]
        return [outline_of(unit, self._around) if self.through == "material" else unit.id for unit in self._units]

    @cached_property
    def _units(self) -> list[Unit]:
        return [unit_of(self._rows[unit]) for unit in self.units]

    @cached_property
    def _around(self) -> Mapping[str, tuple[Unit, ...]]:
        return Surroundings(self._store).of(self._units) if self.through == "material" else {}

    @cached_property
    def _loader(self) -> Loader:
        above = Lineage(self._store, self.of).above(self._units)
        return Loader(self._store.root, self._decoding, above, self._around)

    def _made(self, unit: Unit) -> Any:
        if self.takes == "text" and self.through == "material":  # without its pictures
            from studium.media.material import Material

            material = Material(text_of(unit), transcripts=tuple(said(unit, self._around)), kind=unit.kind)
            return shown(material, "text")
        detail = None if self.through == "text" else DETAIL
        loaded = self._loader.load(unit, self.through, detail)
        return loaded if self.through == self.takes else shown(loaded, self.takes)

    def _keep(self, number: int, made: Any) -> None:
        self._held[number] = made
        self._bytes += _size(made)
        while self._bytes > CACHE and len(self._held) > 1:
            _, gone = self._held.popitem(last=False)
            self._bytes -= _size(gone)


def _size(made: Any) -> int:
    return max(_LEAST, int(getattr(made, "nbytes", 0)))
