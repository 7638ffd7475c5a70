"""Whether posts show what they say: how near each text is to its own pictures, and which find each other."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from studium.core import parts
from studium.core.column import Column
from studium.core.recipe import Recipe
from studium.core.store import Store, Table
from studium.errors import InputError
from studium.explore import crossmodal
from studium.run.lineage import FILES, climbed
from studium.run.similarity import check_space, said
from studium.run.tables import matrix

__all__ = ["Matched", "matched"]

_CUTS = (1, 5, 10)
_RETRIEVAL = (
    *("direction", "asked", "among"),
    *(f"R@{cut}" for cut in _CUTS),
    "median_rank",
    *(f"chance@{cut}" for cut in _CUTS),
)

Vectors = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Matched:
    """Posts and their own pictures, on disk: how alike text and pictures are, and where one finds the other.

    Attributes:
        table: where it lies.
        computed: whether it was computed just now.
    """

    table: Table
    computed: bool

    def retrieval(self) -> list[dict[str, Any]]:
        """A row for each direction: how many were asked, among how many, R@1, R@5, R@10, median rank, and chance."""
        return [{name: row[name] for name in _RETRIEVAL} for row in self.table.result()["retrieval"]]


def matched(store: Store, source: Table, texts: Table) -> Matched:
    """How near the caption of each post is to its own pictures, and who finds whom; kept, once per rows and posts.

    Posts without text, without pictures, or whose pictures were not measured have no row. A picture in several posts
    is a picture of each. Ties count against finding one's own: where ten posts say the same, it is at rank ten.

    Args:
        store: the study.
        source: vectors of pictures (or of frames: then a post has all frames of its videos) by a joint model.
        texts: ``embed_text`` of posts by the same model.
    """
    check_space(source, texts)
    posts_of, texted = _posts_of(store, source.kind), said(store, texts)
    digests = [source.digest(), texts.digest(), store.units_digest("post"), store.units_digest(source.kind)]
    digests.append(f"{parts.sum_of_rows(store.attachments().select(['post', 'media'])):064x}")
    params = {"by": source.recipe.label, "of": source.kind, "text_by": texts.recipe.label}
    recipe = Recipe("similarity", "1", params, inputs="".join(digests))
    table = store.table("post", recipe)
    if table.result():
        return Matched(store.create("post", recipe, _COLUMNS), computed=False)
    units, values, told = _matched(matrix(store, source), texted, posts_of)
    table = store.create("post", recipe, _COLUMNS)
    table.replace(units, table.arrays(values), {**params, "units": len(units), "retrieval": told})
    return Matched(table, computed=True)


_COLUMNS = (
    Column("similarity_mean", "float64", "mean cosine of its text and its pictures", "", -1, 1),
    Column("similarity_max", "float64", "highest cosine of its text and its pictures", "", -1, 1),
    Column("similarity_pictures", "int32", "its pictures with a vector", low=1),
    Column("picture_rank", "int32", "where its text finds the first of its pictures, among all of posts", low=1),
)


def _matched(
    pictures: tuple[list[str], Vectors], texts: tuple[list[str], Vectors], posts_of: Mapping[str, Sequence[str]]
) -> tuple[list[str], dict[str, Any], list[dict[str, Any]]]:
    """Units, columns, and the two rows of retrieval."""
    (units, X), (posts, Y) = pictures, texts
    place = {post: number for number, post in enumerate(posts)}
    found = {(row, place[post]) for row, unit in enumerate(units) for post in posts_of.get(unit, ()) if post in place}
    if not found:
        raise InputError(
            "no post with a text has a picture with a vector; measure the pictures, and embed_text of the posts, first"
        )
    pairs = np.array(sorted(found), np.int64)
    shown, pairs[:, 0] = np.unique(pairs[:, 0], return_inverse=True)
    named, pairs[:, 1] = np.unique(pairs[:, 1], return_inverse=True)
    X, Y = X[shown], Y[named]
    cosine, count, best = crossmodal.paired(X, Y, pairs), np.bincount(pairs[:, 1]), np.full(len(named), -1.0)
    np.maximum.at(best, pairs[:, 1], cosine)
    values = {
        "similarity_mean": np.bincount(pairs[:, 1], cosine) / count,
        "similarity_max": best,
        "similarity_pictures": count.astype(np.int32),
        "picture_rank": crossmodal.ranks_of_own(Y, X, pairs[:, ::-1]).astype(np.int32),
    }
    told = [
        _row("text to picture", crossmodal.retrieval(Y, X, pairs[:, ::-1], _CUTS)),
        _row("picture to text", crossmodal.retrieval(X, Y, pairs, _CUTS)),
    ]
    return [posts[number] for number in named], values, told


def _row(direction: str, found: crossmodal.Retrieval) -> dict[str, Any]:
    recall = {f"R@{cut}": share for cut, share in found.recall.items()}
    chance = {f"chance@{cut}": share for cut, share in found.chance.items()}
    head = {"direction": direction, "asked": found.n, "among": found.among}
    return {**head, **recall, "median_rank": found.median, **chance}


def _posts_of(store: Store, kind: str) -> dict[str, list[str]]:
    """For each unit: the posts that it, or the file that it lies in, is attached to."""
    attached = store.attachments()
    posts: dict[str, dict[str, None]] = {}
    for media, post in zip(attached["media"].to_pylist(), attached["post"].to_pylist(), strict=True):
        if post is not None:
            posts.setdefault(media, {})[post] = None  # twice in a post is once here
    units = store.units(kind)["id"].to_pylist()
    files = units if kind in FILES else climbed(store, kind, FILES).to_pylist()
    return {unit: list(posts.get(file, ())) for unit, file in zip(units, files, strict=True)}
