"""A study of real pictures, made in a moment: handwritten digits in folders by class, with vectors and clusters."""

from pathlib import Path

import numpy as np
from PIL import Image

from studium import Corpus, sources
from studium.core.column import Column
from studium.core.recipe import Recipe

CODEBOOK = """\
[same]
question = "Do both show the same digit?"
of = "image"
type = "binary"
pairs = true
values = [{ name = "yes" }, { name = "no" }]

[digit]
question = "Which digit is it?"
of = "image"
type = "categorical"
values = [{ name = "0" }, { name = "1" }, { name = "other" }]
"""


def study(root: Path, n: int = 400) -> Corpus:
    """``image`` units with the tables ``pixels`` (64 numbers), ``ink`` (their mean) and two of clusters."""
    from sklearn.datasets import load_digits

    X, y = load_digits(return_X_y=True)
    for row in range(n):
        path = root / "media" / str(y[row]) / f"{row:04}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray((X[row].reshape(8, 8) * 15.9).astype(np.uint8)).save(path)
    (root / "codebook.toml").write_text(CODEBOOK)
    corpus = Corpus(root)
    corpus.add(sources.folder(root / "media"))
    units = corpus.units("image")
    vectors = np.array([X[int(Path(path).stem)] for path in units["path"].to_pylist()], np.float32) / 16
    _keep(corpus, "pixels", Column("pixels", "float32", "grey of each pixel", size=64), vectors)
    _keep(corpus, "ink", Column("ink", "float64", "mean of the pixels"), vectors.mean(axis=1).astype(np.float64))
    for threshold in (0.04, 0.15):
        corpus.cluster("image", by="pixels", threshold=threshold, step=8)
    return corpus


def classes(corpus: Corpus) -> dict[str, str]:
    """Unit -> the digit that it shows."""
    rows = corpus.attachments()
    return dict(zip(rows["media"].to_pylist(), rows["label"].to_pylist(), strict=True))


def clusterings(corpus: Corpus) -> list[str]:
    """Both tables of clusters, ``image/cluster-KEY``."""
    return [f"image/{one.recipe.label}" for one in corpus.store.tables("image") if one.recipe.name == "cluster"]


def _keep(corpus: Corpus, name: str, column: Column, values: np.ndarray) -> None:
    table = corpus.store.create("image", Recipe(name, "1"), [column])
    table.append(corpus.units("image")["id"].to_pylist(), table.arrays({name: values}))
