"""What the units are: the distribution of every number, and the counts of every name."""

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
from markupsafe import Markup

from studium.core.column import Column
from studium.core.recipe import Recipe
from studium.core.store import Table
from studium.report import charts
from studium.report.reading import FEWEST, Reading, call
from studium.report.text import count, number

__all__ = ["Counts", "Distribution", "Share", "Variables", "labels", "names_of", "tally", "variables"]

MOST = 15
"""Names shown of one variable; the rest is counted."""

LONGEST = 80
"""Characters of a name; what is longer is a text, and texts are not shown."""


@dataclass(frozen=True)
class Distribution:
    """One number over all units."""

    column: Column
    n: int
    missing: int
    median: str
    reach: str
    chart: Markup | None


@dataclass(frozen=True)
class Share:
    """How many units have a value."""

    value: str
    n: int
    share: float


@dataclass(frozen=True)
class Counts:
    """One name over all units: the most frequent values, and what stands behind them."""

    title: str
    about: str
    n: int
    missing: int
    shares: list[Share]
    rest: int
    distinct: int


@dataclass(frozen=True)
class Variables:
    """One table: its numbers, its names, and what it holds that no chart shows."""

    label: str
    name: str
    kind: str
    settings: Mapping[str, Any]
    numbers: list[Distribution]
    names: list[Counts]
    others: list[str]
    note: str
    data: str


def variables(reading: Reading, kind: str) -> list[Variables]:
    """Every measured table of a kind that holds any row."""
    found = [_variables(reading, table) for table in reading.measures(kind)]
    return [v for v in found if v.numbers or v.names or v.others]


def labels(reading: Reading, kind: str) -> Counts | None:
    """The class folders in which media of a kind were found; None if there are none."""
    mine = reading.attachments.filter(pc.equal(reading.attachments["kind"], kind))
    pairs = set(zip(mine["media"].to_pylist(), mine["label"].to_pylist(), strict=True))
    named = {media for media, label in pairs if label is not None}
    if not named:
        return None
    missing = reading.counted(kind) - len(named)
    counted = Counter(label for _, label in pairs if label is not None)
    return tally("Class labels", "name of the folder a file was found in", counted, len(named), missing)


def tally(title: str, about: str, counted: Counter[str], n: int, missing: int) -> Counts:
    """The most frequent values first, ties by name; shares are of the ``n`` units that have any."""
    ordered = sorted(counted.items(), key=lambda item: (-item[1], item[0]))
    shares = [Share(value, k, k / n if n else 0.0) for value, k in ordered[:MOST]]
    rest = sum(k for _, k in ordered[MOST:])
    return Counts(title, about, n, missing, shares, rest, len(ordered))


def names_of(table: Table) -> dict[str, str]:
    """The first name that a table gives each unit: its top tag, its most likely value; {} if it has no names."""
    for column in table.columns:
        if column.dtype == "string" and not column.sensitive:
            rows = table.read(["unit", column.name])
            values = (v[0] if isinstance(v, list) else v for v in rows[column.name].to_pylist())
            return {u: v for u, v in zip(rows["unit"].to_pylist(), values, strict=True) if v is not None}
    return {}


def _variables(reading: Reading, table: Table) -> Variables:
    units, recipe = reading.counted(table.kind), table.recipe
    numbers: list[Distribution] = []
    names: list[Counts] = []
    others: list[str] = []
    for column in table.columns:
        if column.sensitive and reading.files(table, column.name) < FEWEST:
            others.append(f"{column.name} (sensitive, and of fewer than {FEWEST} files)")
            continue
        if column.dtype in {"string", "bool"}:
            values = reading.values(table, column.name)[column.name]
            if column.name == recipe.params.get("variable") and recipe.params.get("multilabel") is True:
                lists = [one if one is None else json.loads(one) for one in values.to_pylist()]
                names.append(_names(recipe, column, pa.chunked_array([pa.array(lists, pa.list_(pa.string()))]), units))
            elif column.dtype == "string" and not column.size and _is_text(values):
                others.append(f"{column.name} (texts)")
            else:
                names.append(_names(recipe, column, values, units))
            continue
        if column.dtype == "binary" or column.size:
            others.append(f"{column.name} ({_extent(column)})")
        elif (drawn := _distribution(column, reading.values(table, column.name)[column.name], units)) is None:
            others.append(f"{column.name} (a different number for every unit)")
        else:
            numbers.append(drawn)
    settings = {k: v for k, v in recipe.params.items() if isinstance(v, str | int | float)}
    return Variables(recipe.label, recipe.name, table.kind, settings, numbers, names, others, _note(table), call(table))


def _is_text(values: pa.ChunkedArray) -> bool:
    """Whether a column holds texts (what was said, JSON, a digest of every unit) rather than names to be counted."""
    given = values.drop_null()
    if not len(given):
        return False
    distinct = pc.count_distinct(given).as_py()
    structured = pc.any(pc.or_(pc.starts_with(given, "["), pc.starts_with(given, "{"))).as_py()
    longest = pc.max(pc.utf8_length(given)).as_py()
    return bool(structured or longest > LONGEST or (distinct > MOST and 2 * distinct > len(given)))


def _distribution(column: Column, given: pa.ChunkedArray, units: int) -> Distribution | None:
    """None if it numbers the units rather than says something about them."""
    values = _finite(given)
    whole = column.dtype.startswith("int")
    if whole and not column.unit and len(values) > 50 and len(np.unique(values)) == len(values):
        return None
    if not len(values):
        return Distribution(column, 0, units, "–", _reach(column), None)
    if values.min() == values.max():
        same = f"{number(float(values[0]))} (all the same)"
        return Distribution(column, len(values), units - len(values), same, _reach(column), None)
    median = number(float(np.median(values)))
    low, high = number(float(values.min())), number(float(values.max()))
    said = f"Histogram of {column.name}: {count(len(values))} values from {low} to {high}, median {median}"
    chart = charts.histogram(values, whole, said)
    return Distribution(column, len(values), units - len(values), median, _reach(column), chart)


def _finite(column: pa.ChunkedArray) -> npt.NDArray[np.float64]:
    values = column.cast(pa.float64()).drop_null().to_numpy()
    return np.asarray(values[np.isfinite(values)])


def _names(recipe: Recipe, column: Column, values: pa.ChunkedArray, units: int) -> Counts:
    """Values of one column; of a list of names (tags), every name counts."""
    lists = [v if isinstance(v, list) else [v] for v in values.to_pylist() if v is not None]
    given = [{_word(x) for x in v if x is not None} for v in lists]
    choices = [] if column.size else recipe.params.get("values", ())  # of zero-shot: also what nothing got
    given = [v for v in given if v or choices]  # to have none of the values is an answer
    counted = Counter({str(choice): 0 for choice in choices})
    counted.update(x for v in given for x in v)
    return tally(column.name, column.about, counted, len(given), units - len(given))


def _word(value: Any) -> str:
    return ("yes" if value else "no") if isinstance(value, bool) else str(value)


def _extent(column: Column) -> str:
    if column.dtype == "binary":
        return "a fingerprint"
    return f"a vector of {count(column.size or 0)} numbers"


def _reach(column: Column) -> str:
    """What values the definition allows: ``0 to 255 levels``."""
    if column.low is None and column.high is None:
        return column.unit
    if column.high is None:
        return f"at least {number(column.low)} {column.unit}".strip()
    if column.low is None:
        return f"at most {number(column.high)} {column.unit}".strip()
    return f"{number(column.low)} to {number(column.high)} {column.unit}".strip()


def _note(table: Table) -> str:
    """What a reader must know about what a model said."""
    if table.recipe.name == "zero_shot":
        return (
            "Zero-shot values were assigned by a model that was never shown an example of them. Until they are checked"
            " against hand-coded units they describe the model as much as the material, and shares may be far off."
        )
    if table.recipe.name == "calibrated":
        return _calibrated(table)
    if table.recipe.name == "similarity":
        return (
            "How near texts are to their pictures is the judgement of one model. A low cosine is no lie: memes, irony"
            " and symbols are far from their pictures too, and cosines of two models do not compare."
        )
    if table.recipe.name == "ask":
        return (
            "The values are answers of a model to the questions of the codebook. Until they are checked against units"
            " that were coded by hand, shares may be far off, and errors may differ between groups."
        )
    if table.recipe.name == "tags":
        return (
            "Tags are the best guesses of a model that knows a fixed list of things and must choose from it. They help"
            " to look around; they are no measurement of what the pictures show."
        )
    return ""


def _calibrated(table: Table) -> str:
    """On how many labels, and how good the codes are on labels that they were not fitted on."""
    result = table.result()
    right = next(row for row in result["assessment"] if row["figure"] == "accuracy")
    return (
        f"Zero-shot values, calibrated on {count(sum(result['fit']['labels'].values()))} labels. On labels that were"
        f" left out {right['after']:.0%} are right (95 % interval {right['low']:.0%} to {right['high']:.0%}). Shares"
        " are still shares of what a model said, and off by its errors."
    )
