"""Searching a table of vectors by a text, a picture or a unit."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from studium.core.store import Store, Table, unit_of
from studium.core.unit import KINDS, PARENTS
from studium.errors import InputError
from studium.run.load import text_of
from studium.run.similarity import said
from studium.run.tables import matrix, paths

__all__ = ["query_vector", "search"]


def search(store: Store, of: str, by: str, given: Mapping[str, str | Path], k: int) -> pa.Table:
    """The ``k`` units nearest to what is given: {"text": ...}, {"image": path} or {"unit": id}.

    Columns ``unit``, ``text`` (of units that are text), ``path`` (of all but posts), ``start`` and ``end`` (of what was
    split from others, in seconds) and ``score`` (cosine), best first. Texts that are blank, or changed since they were
    measured, are not found.
    """
    from studium.explore import search as nearest

    source = store.find(of, by)
    units, X = said(store, source) if source.recipe.name == "embed_text" else matrix(store, source)
    query = query_vector(source, given, units, X)
    hits = nearest.top(query, X, k)
    table = store.units(of)
    found = pa.array([units[i] for i in hits.row], pa.string())
    where = pc.index_in(found, value_set=table["id"])
    rows = table.take(where)
    shown: dict[str, pa.ChunkedArray | pa.Array] = {}
    if "text" in KINDS[of]:
        shown["text"] = pa.array([text_of(unit_of(row)) for row in rows.to_pylist()], pa.string())
    if of != "post":
        shown["path"] = paths(store, of).take(where)
    if of in PARENTS:
        shown |= {name: rows[name] for name in ("start", "end")}
    return pa.table({"unit": found, **shown, "score": hits.score})


def query_vector(
    source: Table, given: Mapping[str, str | Path], units: list[str], X: npt.NDArray[np.float32]
) -> npt.NDArray[np.float32]:
    """The vector of what is given, in the space of the table."""
    from studium.measure import encoders

    params = source.recipe.params
    model, precision = str(params.get("model", "")), str(params.get("precision", "float32"))
    if not model and "unit" not in given:
        raise InputError(f"{source.recipe.label} was made by no embedding model; only a unit can be looked for in it")
    takes_text = source.recipe.name == "embed_text"
    match dict(given):
        case {"unit": unit}:
            fitting = [i for i, one in enumerate(units) if one.startswith(str(unit))]
            if len(fitting) != 1:
                raise InputError(
                    f"{len(fitting)} units in {source.recipe.label} have an id that begins with {unit!r}; expected one"
                )
            found: npt.NDArray[np.float32] = X[fitting[0]]
        case {"text": text} if takes_text or encoders.is_joint(model):
            twin = model if takes_text else encoders.text_twin(model)
            found = encoders.encode_text(str(twin), [str(text)], precision)[0]
        case {"text": _}:
            raise InputError(
                f"{source.recipe.label} holds vectors of {model}, which knows no words; measure a joint model first, "
                'embed(model="conse"), and search by="embed:conse" (studium measure embed --set model=conse, then '
                "--by embed:conse)"
            )
        case {"image": path}:
            from studium.media.image import decode

            space = encoders.image_twin(model) if takes_text else model
            if space is None:
                raise InputError(f"no image model shares the space of {model}; pictures cannot search these texts")
            found = encoders.encode_images(space, [decode(path, detail=encoders.detail(space))], precision)[0]
    return found
