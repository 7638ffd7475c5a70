"""All pictures of a study with texts, in one space: a matrix in memory, or as a file."""

import csv
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import numpy.typing as npt

from studium.core import parts
from studium.core.store import Store, Table, unit_of
from studium.core.table import text_digest
from studium.errors import InputError, StoreError
from studium.explore import crossmodal
from studium.explore.search import Hits, top
from studium.run.load import text_of
from studium.run.tables import matrix, paths

__all__ = ["Similarity", "check_space", "said", "similarity"]

VECTOR = "text_embedding"

Vectors = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Similarity:
    """All pictures with all texts. The matrix is made when it is asked for, or written block by block.

    Attributes:
        units: ids of the pictures: its rows.
        paths: of their files.
        texts: the texts, or the ids of the units that are texts: its columns.
        pictures: (n, d) float32.
        vectors: (m, d) float32, of the texts.
        temperature: the model's own, 1 / its scale.
    """

    units: list[str]
    paths: list[str | None]
    texts: list[str]
    pictures: Vectors
    vectors: Vectors
    temperature: float

    @cached_property
    def cosine(self) -> Vectors:
        """The whole matrix in memory, n x m float32."""
        found = np.empty((len(self.units), len(self.texts)), np.float32)
        for start, cosine in self._blocks():
            found[start : start + len(cosine)] = cosine
        return found

    def probabilities(self, temperature: float | None = None, axis: int = 1) -> npt.NDArray[np.float64]:
        """softmax(cosine / temperature), n x m.

        Args:
            temperature: greater than 0; None for the model's own.
            axis: 1 for the texts of each picture, whose sum is 1; 0 for the pictures of each text.
        """
        return crossmodal.softmax(self.cosine, self.temperature if temperature is None else temperature, axis)

    def pictures_of(self, text: int, k: int = 10) -> Hits:
        """The k pictures nearest to a text, by its number: rows of `units`, and cosines."""
        return top(self.vectors[text], self.pictures, k)

    def texts_of(self, picture: int, k: int = 10) -> Hits:
        """The k texts nearest to a picture, by its number: numbers of `texts`, and cosines."""
        return top(self.pictures[picture], self.vectors, k)

    def write(self, path: Path) -> Path:
        """Write the matrix, block by block, so that it may be larger than memory; a file that is there is replaced.

        Args:
            path: ``.csv``: columns ``unit``, ``path``, then one for each text; or ``.npy``: n x m float32, and beside
                it ``.units.txt`` and ``.texts.txt`` with what its rows and columns are, a line each.

        Raises:
            InputError: another suffix.
            StoreError: it cannot be written.
        """
        if path.suffix not in {".csv", ".npy"}:
            raise InputError(f"a matrix is written as .csv or .npy, got {path.name!r}")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            (self._write_csv if path.suffix == ".csv" else self._write_npy)(path)
        except OSError as error:
            raise StoreError(f"{path} cannot be written: {error.strerror or error}; choose another place") from error
        return path

    def _blocks(self) -> Iterator[crossmodal.Block]:
        return crossmodal.blocks(self.pictures, self.vectors)

    def _write_csv(self, path: Path) -> None:
        with _replacing(path) as draft, draft.open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow(["unit", "path", *self.texts])
            for start, cosine in self._blocks():
                part = slice(start, start + len(cosine))
                rows = zip(self.units[part], self.paths[part], cosine.astype(np.float32), strict=True)
                writer.writerows([unit, where, *map(str, row)] for unit, where, row in rows)

    def _write_npy(self, path: Path) -> None:
        with _replacing(path) as draft, draft.open("wb") as file:
            head = {"descr": "<f4", "fortran_order": False, "shape": (len(self.units), len(self.texts))}
            np.lib.format.write_array_header_1_0(file, head)
            for block in self._blocks():
                file.write(block.cosine.astype("<f4").tobytes())
        for name, lines in (("units", self.units), ("texts", self.texts)):
            text = "".join(f"{line.replace(chr(13), ' ').replace(chr(10), ' ')}\n" for line in lines)
            parts.replace_file(path.with_suffix(f".{name}.txt"), text)


def similarity(store: Store, source: Table, texts: Sequence[str] | Table) -> Similarity:
    """All pictures of a table with texts, or with the vectors of a table of texts.

    Args:
        store: the study.
        source: vectors of pictures by a joint model.
        texts: at least one; or a table of ``embed_text`` by the same model.

    Raises:
        InputError: the model knows no words, or the two tables are not of one space.
    """
    from studium.measure import encoders

    model, precision = joint(source)
    if isinstance(texts, Table):
        check_space(source, texts)
        names, vectors = said(store, texts)
        if not names:
            raise InputError(f"{texts.recipe.label} has no vector of a text that is not blank; measure the texts first")
    else:
        names = list(texts)
        if not names or not all(isinstance(text, str) and text.strip() for text in names):
            raise InputError(f"similarity needs texts that are not empty, at least one; got {texts!r}")
        vectors = encoders.encode_text(str(encoders.text_twin(model)), names, precision)
    units, pictures = matrix(store, source)
    known = dict(zip(store.units(source.kind)["id"].to_pylist(), paths(store, source.kind).to_pylist(), strict=True))
    return Similarity(units, [known[u] for u in units], names, pictures, vectors, 1 / encoders.logit_scale(model))


def said(store: Store, texts: Table) -> tuple[list[str], Vectors]:
    """Ids and vectors of the units whose text is not blank, and is still the one that was measured."""
    units, vectors = matrix(store, texts, VECTOR)
    now = {row["id"]: text_of(unit_of(row)) or "" for row in store.units(texts.kind).to_pylist()}
    measured = set(texts.texts_done().to_pylist())
    counts = [bool(now[unit].strip()) and unit + text_digest(now[unit]) in measured for unit in units]
    return [unit for unit, counted in zip(units, counts, strict=True) if counted], vectors[np.array(counts, bool)]


def joint(source: Table) -> tuple[str, str]:
    """The joint model of a table of pictures, and the precision it ran in."""
    from studium.measure import encoders

    model, precision = str(source.recipe.params.get("model", "")), source.recipe.params.get("precision", "float32")
    if source.recipe.name != "embed" or not encoders.is_joint(model):
        raise InputError(
            f"{source.recipe.label} holds no vectors that compare with texts; measure the pictures with a joint model "
            'first, such as embed(model="conse"), and name that table, such as by="embed:conse"'
        )
    return model, str(precision)


def check_space(source: Table, texts: Table) -> None:
    """Refuse a table of texts that is not of the space of the pictures."""
    from studium.measure import encoders

    model, precision = joint(source)
    twin, params = encoders.text_twin(model), texts.recipe.params
    got = (texts.recipe.name, params.get("model"), params.get("precision", "float32"))
    if got != ("embed_text", twin, precision):
        raise InputError(
            f"{texts.recipe.label} is not of the space of {source.recipe.label}: measure the texts with "
            f'embed_text(model="{twin}") first, and name that table'
        )


@contextmanager
def _replacing(path: Path) -> Iterator[Path]:
    """A draft beside the file, which takes its place when it is whole."""
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        yield draft
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)
