"""Small studies on real photographs, and a checker that reads pages as a strict reader would."""

import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from studium import Corpus
from studium.core.column import Column
from studium.core.recipe import Recipe
from studium.sources.folder import Folder

sys.path.insert(0, str(Path(__file__).parent))


@pytest.fixture
def images(study: Path, photos: Path) -> Corpus:
    """Four photographs in two class folders, one of them twice, and a file that is no picture; not yet measured."""
    shutil.copy(photos / "rocket.jpg", study / "images" / "thing" / "rocket again.jpg")
    (study / "images" / "thing" / "broken.jpg").write_bytes(b"\xff\xd8\xff\xe0 no picture")
    corpus = Corpus(study)
    corpus.add(Folder(str(study / "images")))
    return corpus


@pytest.fixture
def table() -> Callable[..., None]:
    """Write a table: ``table(corpus, name, {column: (dtype, values)}, result={...})`` for the first images."""

    def write(corpus, name, columns, *, result=None, params=None, models=None, size=None):
        described = tuple(
            Column(column, dtype, f"what {column} means", size=(size or {}).get(column))
            for column, (dtype, _) in columns.items()
        )
        recipe = Recipe(name, "1", params or {}, models or {}, "digest" if result is not None else "")
        made = corpus.store.create("image", recipe, described)
        units = sorted(corpus.units("image")["id"].to_pylist())[: len(next(iter(columns.values()))[1])]
        arrays = made.arrays({column: np.asarray(v) if d != "string" else v for column, (d, v) in columns.items()})
        if result is None:
            made.append(units, arrays)
        else:
            made.replace(units, arrays, result)

    return write
