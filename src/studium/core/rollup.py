"""Roll up: many rows to one row, along ``parent`` or along attachments. Missing values are counted, never hidden.

The rules are written in the study file as "mean", "share>0.5", "top3_mean" ...: see `RULES`.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from studium.core import reduce
from studium.errors import InputError, UnknownNameError

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa
    from numpy.typing import NDArray

    Read = tuple[NDArray[Any], NDArray[np.bool_], Callable[[NDArray[Any], NDArray[np.bool_]], pa.Array]]

__all__ = ["RULES", "Rule", "attach", "rollup", "rule"]


@dataclass(frozen=True, slots=True)
class Rule:
    """How the rows of a column become one; made by `rule`.

    Attributes:
        text: as in the study file.
        takes: "number", "label" or "vector".
        reduce: function of (values, group, groups); of a label rule also of ``scores``.
        score: for "mode by COLUMN", that column.
    """

    text: str
    takes: str
    reduce: Callable[..., Any]
    score: str | None = None


_PLAIN: Mapping[str, tuple[str, Callable[..., Any]]] = {
    "mean": ("number", reduce.mean),
    "sum": ("number", reduce.total),
    "max": ("number", reduce.maximum),
    "min": ("number", reduce.minimum),
    "noisy_or": ("number", reduce.noisy_or),
    "mean_logit": ("number", reduce.mean_logit),
    "mode": ("label", reduce.mode),
    "mean_vector": ("vector", reduce.mean_vector),
}
_OVER: Mapping[str, Callable[..., Any]] = {
    "count": reduce.count_over,
    "share": reduce.share_over,
    "any": reduce.any_over,
}

RULES = (*_PLAIN, "mode by COLUMN", "topK_mean", "count>T", "share>T", "any>T")
"""Every form a rule can take: K is a whole number from 1, T a number, COLUMN holds the probability of the label."""


def rule(text: str) -> Rule:
    """The rule of that name, one of the forms in `RULES`: ``rule("share>0.5")``.

    Raises:
        InputError: no rule has that form.
    """
    plain = text.strip()
    if plain in _PLAIN:
        return Rule(plain, *_PLAIN[plain])
    if match := re.fullmatch(r"mode\s+by\s+(\w+)", plain):
        return Rule(f"mode by {match[1]}", "label", reduce.mode, match[1])
    if match := re.fullmatch(r"top([1-9][0-9]*)_mean", plain):
        return Rule(plain, "number", partial(reduce.top_mean, k=int(match[1])))
    if match := re.fullmatch(r"(count|share|any)\s*>\s*([+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?)", plain):
        return Rule(f"{match[1]}>{match[2]}", "number", partial(_OVER[match[1]], threshold=float(match[2])))
    raise InputError(f"expected a rollup rule ({', '.join(RULES)}; K a whole number, T a number), got {text!r}")


def rollup(table: "pa.Table", by: str, rules: "Mapping[str, Rule]") -> "pa.Table":
    """One row for each value of a column.

    Args:
        table: the rows; null and NaN are missing.
        by: column that says where a row belongs ("parent"; "post" after `attach`); no nulls.
        rules: column -> how its rows become one.

    Returns:
        ``by`` in order of first appearance, ``n`` (rows of the group), and for each column of ``rules`` the column
        (null where every row was missing) and ``<column>_missing``, how many rows were left out.

    Raises:
        UnknownNameError: a column is not in the table.
        InputError: a column does not fit its rule, or ``by`` holds nulls.
    """
    import pyarrow as pa

    for name in (by, *rules, *(r.score for r in rules.values() if r.score)):
        if name not in table.column_names:
            raise UnknownNameError(f"no column {name!r} to roll up; known: {', '.join(table.column_names)}")
    keys, group = _groups(table[by], by)
    result = {by: keys, "n": pa.array(reduce.sizes(group, len(keys)))}
    for name, how in rules.items():
        new = dict(zip((name, f"{name}_missing"), _reduced(table, name, how, group, len(keys)), strict=True))
        if taken := [key for key in new if key in result]:
            raise InputError(f"the rollup would have two columns {taken[0]!r}; rename the column {name!r} first")
        result |= new
    return pa.table(result)


def attach(table: "pa.Table", attachments: "pa.Table", key: str = "unit") -> "pa.Table":
    """One row for each attachment, to roll up from media to posts.

    A medium in several posts is repeated; one without a row is a row of nulls, so that it counts as missing.

    Args:
        table: one row per medium.
        attachments: with the columns ``post`` and ``media``; only the kinds that ``table`` is about.
        key: column of ``table`` that holds the id of the medium.

    Returns:
        The columns of ``table``, with ``post`` instead of ``key``.
    """
    import pyarrow.compute as pc

    for name, where in ((key, table), ("post", attachments), ("media", attachments)):
        if name not in where.column_names:
            raise UnknownNameError(f"no column {name!r} to attach by; known: {', '.join(where.column_names)}")
    media = _decoded(table[key]).combine_chunks()
    if pc.count_distinct(media, mode="all").as_py() != len(table):
        raise InputError(f"expected one row per medium, got several for one {key!r}; roll up to media first")
    if "post" in table.column_names:
        raise InputError("expected a table of media, got one that has a column 'post' already; rename it first")
    rows = table.drop_columns(key).take(pc.index_in(_decoded(attachments["media"]), value_set=media))
    return rows.add_column(0, "post", attachments["post"])


def _groups(column: "pa.ChunkedArray", by: str) -> "tuple[pa.Array, NDArray[np.int64]]":
    """The distinct values in order of first appearance, and for each row the number of its value."""
    import numpy as np
    import pyarrow as pa

    column = _decoded(column)
    if column.null_count:
        raise InputError(f"expected a group for every row, got {column.null_count} rows without {by!r}; filter them")
    encoded = column.dictionary_encode()
    if not len(column):
        return pa.array([], column.type), np.empty(0, np.int64)
    indices = [chunk.indices.to_numpy() for chunk in encoded.chunks]
    return encoded.unify_dictionaries().chunk(0).dictionary, np.concatenate(indices).astype(np.int64)


def _reduced(
    table: "pa.Table", name: str, how: Rule, group: "NDArray[np.int64]", groups: int
) -> "tuple[pa.Array, pa.Array]":
    """The column with one value a group, and the number of rows that were missing."""
    import pyarrow as pa

    try:
        values, valid, column = _READERS[how.takes](table[name])
        scores = {"scores": _scores(table[how.score], valid)} if how.score else {}
        reduced = how.reduce(values, group[valid], groups, **scores)
    except InputError as error:
        raise InputError(f"column {name!r}, rule {how.text!r}: {error}") from None
    empty = reduce.sizes(group[valid], groups) == 0
    return column(reduced, empty), pa.array(reduce.sizes(group[~valid], groups))


def _decoded(column: "pa.ChunkedArray") -> "pa.ChunkedArray":
    import pyarrow as pa

    return column.cast(column.type.value_type) if pa.types.is_dictionary(column.type) else column


def _numbers(column: "pa.ChunkedArray") -> "Read":
    import numpy as np
    import pyarrow as pa

    kind = column.type
    if not (pa.types.is_floating(kind) or pa.types.is_integer(kind) or pa.types.is_boolean(kind)):
        raise InputError(f"expected numbers, got {kind}; use mode for labels and mean_vector for vectors")
    try:
        numbers = (column.cast(pa.uint8()) if pa.types.is_boolean(kind) else column).cast(pa.float64())
    except pa.ArrowInvalid as error:
        raise InputError(f"expected integers that a double can hold (up to 2**53): {error}; recode them") from None
    values = numbers.to_numpy()
    valid = ~np.isnan(values)
    return values[valid], valid, lambda reduced, empty: pa.array(reduced, mask=empty)


def _labels(column: "pa.ChunkedArray") -> "Read":
    """Labels as integers in the order of their names."""
    import numpy as np
    import pyarrow as pa
    import pyarrow.compute as pc

    column = _decoded(column)
    kind = column.type
    if not (pa.types.is_integer(kind) or pa.types.is_boolean(kind) or kind in {pa.string(), pa.large_string()}):
        raise InputError(f"expected labels (text, integers or true/false), got {kind}; use mean for numbers")
    names = column.unique().drop_null()
    names = names.take(pc.sort_indices(names.cast(pa.uint8()) if pa.types.is_boolean(kind) else names))
    codes = pc.index_in(column, value_set=names).to_numpy()  # NaN where null
    valid = ~np.isnan(codes)
    return codes[valid].astype(np.int64), valid, lambda best, empty: names.take(pa.array(best, mask=empty))


def _vectors(column: "pa.ChunkedArray") -> "Read":
    """Vectors as rows; one with a missing element is missing."""
    import numpy as np
    import pyarrow as pa
    import pyarrow.compute as pc

    kind = column.type
    if not (pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind)) or not (
        pa.types.is_floating(kind.value_type)
    ):
        raise InputError(f"expected vectors of floats, got {kind}; use mean for numbers and mode for labels")
    lengths = pc.list_value_length(column).drop_null().unique().to_pylist()
    if len(lengths) > 1:
        raise InputError(f"expected vectors of one length, got lengths {lengths}; keep one kind of vector in a column")
    size = kind.list_size if pa.types.is_fixed_size_list(kind) else (lengths or [0])[0]
    valid = column.is_valid().to_numpy()
    chunks = [chunk.flatten().to_numpy(zero_copy_only=False).reshape(-1, size) for chunk in column.chunks if size]
    values = np.concatenate(chunks) if chunks else np.empty((valid.sum(), size))
    whole = ~np.isnan(values).any(axis=1)
    valid[valid] = whole
    element = pa.float64() if kind.value_type == pa.float64() else pa.float32()

    def column_of(means: "NDArray[Any]", empty: "NDArray[np.bool_]") -> "pa.Array":
        flat = pa.array(means.ravel(), element)
        return pa.FixedSizeListArray.from_arrays(flat, size, mask=pa.array(empty))

    return values[whole], valid, column_of


def _scores(column: "pa.ChunkedArray", valid: "NDArray[np.bool_]") -> "NDArray[np.float64]":
    scores, known, _ = _numbers(column)
    if missing := int((valid & ~known).sum()):
        raise InputError(
            f"expected a score for every label, got {missing} labels without; filter them, or use plain mode"
        )
    return scores[valid[known]]


_READERS: "Mapping[str, Callable[[pa.ChunkedArray], Read]]" = {
    "number": _numbers,
    "label": _labels,
    "vector": _vectors,
}
"""What a rule takes -> values that are there, which rows these are, and how the results become a column."""
