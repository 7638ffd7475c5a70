"""A study as large as one wants, written as a run would: units, posts, tables, vectors, clusters, a map, thumbs.

``python tests/large.py FOLDER [N]`` makes one of N pictures (100,000). The pictures are real, 300 of them, and come
again and again under ids of their own; what was measured on them is drawn at random, so only speed is true of it.
"""

import os
import sys
import time
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

import fetch
import numpy as np
from PIL import Image

from studium.core.column import Column
from studium.core.recipe import Recipe, recipe_of
from studium.core.store import Store, Table
from studium.core.unit import Unit
from studium.media.thumbs import keep, thumbnail

__all__ = ["KINDS_OF_SCENE", "make"]

KINDS_OF_SCENE = ("street", "protest", "portrait", "landscape", "text", "food", "sport", "other")
PER_POST, PART, FILES, CLUSTERS = 5, 10_000, 300, 120


def make(root: Path, n: int = 100_000, *, sides: Sequence[int] = (256,), seed: int = 0) -> Store:
    """Write a study of ``n`` pictures in n / 5 posts, with thumbs of these sides."""
    store, rng = Store(root), np.random.default_rng(seed)
    files = _files(root)
    ids = [sha256(f"picture {seed} {i}".encode()).hexdigest() for i in range(n)]
    posts = [sha256(f"post {seed} {i}".encode()).hexdigest() for i in range(-(-n // PER_POST))]
    _posts(store, posts, rng)
    _pictures(store, ids, posts, files)
    (root / "studium.toml").write_text('[study]\ntitle = "Large"\nquestion = "How fast is it?"\n')
    cluster = rng.zipf(1.4, n) % (CLUSTERS + 1) - 1
    _measured(store, ids, rng)
    embed = _vectors(store, ids, cluster, rng)
    _results(store, ids, cluster, rng, embed)
    for side in sides:
        _thumbs(root, ids, files, side)
    return store


def _files(root: Path) -> list[Path]:
    """Cut-outs of photographs, 320 x 240, as JPEG."""
    folder, rng = root / "images", np.random.default_rng(1)
    folder.mkdir(parents=True, exist_ok=True)
    names = ("astronaut.png", "chelsea.png", "coffee.png", "rocket.jpg", "china.jpg", "flower.jpg")
    whole = [Image.open(fetch.photos() / name).convert("RGB") for name in names]
    made = []
    for number in range(FILES):
        picture = whole[number % len(whole)]
        x, y = (
            int(rng.integers(0, max(1, side - least))) for side, least in zip(picture.size, (320, 240), strict=True)
        )
        made.append(folder / f"{names[number % len(names)].split('.', maxsplit=1)[0]}-{number:03d}.jpg")
        picture.crop((x, y, x + 320, y + 240)).save(made[-1], quality=85)
    return made


def _posts(store: Store, posts: Sequence[str], rng: np.random.Generator) -> None:
    words = "people march in the rain while a band plays on the steps of the old town hall and nobody listens".split()
    first = datetime(2020, 1, 1, tzinfo=UTC)
    for start in range(0, len(posts), PART):
        some = posts[start : start + PART]
        text = rng.choice(words, (len(some), 12))
        store.add_units(
            Unit(
                unit,
                "post",
                meta={
                    "id": str(start + i),
                    "text": " ".join(text[i]),
                    "author": f"author {int(rng.zipf(1.6)) % 400}",
                    "date": (first + timedelta(minutes=int(rng.integers(0, 2_000_000)))).isoformat(),
                    "likes": int(rng.lognormal(3, 1.5)),
                    "platform": str(rng.choice(["twitter", "instagram", "tiktok"])),
                },
            )
            for i, unit in enumerate(some)
        )


def _pictures(store: Store, ids: Sequence[str], posts: Sequence[str], files: Sequence[Path]) -> None:
    stats = [path.stat() for path in files]
    paths = [path.relative_to(store.root).as_posix() for path in files]
    for start in range(0, len(ids), PART):
        units, rows = [], []
        for i in range(start, min(start + PART, len(ids))):
            at = i % len(files)
            where = {"bytes": stats[at].st_size, "mtime_ns": stats[at].st_mtime_ns}
            units.append(Unit(ids[i], "image", path=paths[at], meta=where))
            post = {"post": posts[i // PER_POST], "position": i % PER_POST}
            rows.append({"source": "posts-large", "media": ids[i], "kind": "image", "path": paths[at], **post, **where})
        store.add_units(units)
        store.add_attachments([{**row, "label": row["path"].split("/")[-1].split("-")[0]} for row in rows])


def _measured(store: Store, ids: Sequence[str], rng: np.random.Generator) -> None:
    n = len(ids)
    size = [Column("width", "int32", "width", "px", 1), Column("height", "int32", "height", "px", 1)]
    _written(store, Recipe("properties", "1"), size, ids, {"width": np.full(n, 320), "height": np.full(n, 240)})
    shares = [Column(f"share_{i}", "float32", f"share of colour {i}", "share", 0, 1) for i in range(16)]
    _written(store, Recipe("colour", "1"), shares, ids, {one.name: rng.beta(2, 5, n).astype("f4") for one in shares})
    prob = rng.dirichlet(np.full(len(KINDS_OF_SCENE), 0.4), n).astype("f4")
    scene = [
        Column("scene", "string", "closest"),
        Column("scene_prob", "float32", "probabilities", "share", 0, 1, len(KINDS_OF_SCENE)),
        Column("people", "bool", "whether people are seen"),
        Column("faces", "int32", "how many", low=0),
    ]
    values = {"scene": [KINDS_OF_SCENE[i] for i in prob.argmax(1)], "scene_prob": prob, "people": rng.random(n) < 0.4}
    _written(
        store, Recipe("zero_shot", "1", {"variable": "scene"}), scene, ids, {**values, "faces": rng.poisson(1.2, n)}
    )
    failed = [(unit, "DamagedStreamError", f"{unit[:8]}.jpg: ends early") for unit in ids[:: max(1, n // 500)]]
    store.tables("image")[-1].fail(failed)


def _vectors(store: Store, ids: Sequence[str], cluster: Any, rng: np.random.Generator) -> Table:
    """Vectors that lie about the centres of their clusters, of the model whose texts can be looked for."""
    from studium.measure.embed import Embed

    part = Embed(model="conse")
    (column,) = part.columns
    centres = rng.normal(size=(CLUSTERS + 1, column.size)).astype("f4")
    table = store.create("image", recipe_of(part), [column])
    for start in range(0, len(ids), PART):
        at = slice(start, start + PART)
        vectors = centres[cluster[at]] + rng.normal(size=(len(ids[at]), column.size)).astype("f4")
        table.append(ids[at], table.arrays({column.name: vectors.astype(column.dtype)}))
    return table


def _results(store: Store, ids: Sequence[str], cluster: Any, rng: np.random.Generator, source: Table) -> None:
    n, by = len(ids), source.recipe.label
    order = np.lexsort((rng.random(n), cluster))
    rank = np.empty(n, np.int64)
    rank[order] = np.arange(n) - np.searchsorted(cluster[order], cluster[order])
    columns = (
        Column("cluster", "int32", "number of the cluster; -1 is unassigned", low=-1),
        Column("silhouette", "float32", "how much nearer its own cluster than the next", low=-1, high=1),
        Column("rank", "int32", "0 is nearest to the centre of its cluster; -1 is unassigned", low=-1),
    )
    values = {"cluster": cluster, "silhouette": rng.uniform(-0.1, 0.6, n), "rank": np.where(cluster < 0, -1, rank)}
    table = store.create("image", Recipe("cluster", "1", {"by": by, "seed": 0}, inputs="large"), columns)
    table.replace(ids, table.arrays(values), {"by": by, "units": n, "unassigned": float((cluster < 0).mean())})
    angle = cluster * 2.4
    spread = rng.normal(0, 0.02, (2, n))
    radius = np.sqrt((cluster + 1) / (CLUSTERS + 1)) / 2.2
    at = {"x": 0.5 + radius * np.cos(angle) + spread[0], "y": 0.5 + radius * np.sin(angle) + spread[1]}
    columns = tuple(Column(axis, "float32", "position", low=0, high=1) for axis in at)
    table = store.create("image", Recipe("map", "1", {"by": by, "method": "tsne", "seed": 0}, inputs="large"), columns)
    table.replace(ids, table.arrays({axis: v.clip(0, 1) for axis, v in at.items()}), {"by": by, "method": "tsne"})


def _written(store: Store, recipe: Recipe, columns: Any, ids: Sequence[str], values: dict[str, Any]) -> None:
    table = store.create("image", recipe, columns)
    for start, stop in _cuts(len(ids)):
        table.append(ids[start:stop], table.arrays({name: one[start:stop] for name, one in values.items()}))


def _cuts(n: int) -> Iterator[tuple[int, int]]:
    return ((start, min(start + PART, n)) for start in range(0, n, PART))


def _thumbs(root: Path, ids: Sequence[str], files: Sequence[Path], side: int) -> None:
    """One thumb of each file; the others are links to it."""
    made = [thumbnail(np.asarray(Image.open(path)), side) for path in files]
    first: dict[int, Path] = {}
    for i, unit in enumerate(ids):
        at = i % len(files)
        if at not in first:
            first[at] = keep(root, unit, lambda at=at: made[at], f"{side}.webp")
            continue
        path = root / "thumbs" / unit[:2] / f"{unit}.{side}.webp"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.unlink(missing_ok=True)
        os.link(first[at], path)


if __name__ == "__main__":
    began = time.monotonic()
    make(Path(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 100_000)
    print(f"{sys.argv[1]}: made in {time.monotonic() - began:.0f} s")
