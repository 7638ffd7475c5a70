"""The contracts of measures and unitizers, as one call for tests: of studium's own parts and of anybody's.

>>> from studium.testing import check_measure, check_unitizer               # doctest: +SKIP
>>> check_measure(MyMeasure())                                              # doctest: +SKIP
>>> check_unitizer(MyUnitizer(), [Video("a.mp4")])                          # doctest: +SKIP
"""

import contextvars
import dataclasses
import pickle
import re
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from studium.core.protocols import Measure, Unitizer
from studium.core.recipe import recipe_of
from studium.core.store import Table
from studium.core.unit import PARENTS, Span
from studium.media.material import Material
from studium.media.region import region

__all__ = ["check_measure", "check_unitizer", "sample_inputs"]

Part = Measure | Unitizer


def sample_inputs(takes: str) -> list[Any]:
    """Inputs of a modality, ordinary and odd: for "image", "region", "text" and "material"; others have none."""
    rng = np.random.default_rng(0)
    if takes == "image":
        shapes = [(64, 96), (1, 1), (1, 50), (50, 1), (2, 2), (300, 200)]
        noise = [rng.integers(0, 256, (*shape, 3), np.uint8) for shape in shapes]
        flat = [np.full((40, 40, 3), value, np.uint8) for value in (0, 127, 255)]
        ramp = np.broadcast_to(np.arange(256, dtype=np.uint8)[None, :, None], (128, 256, 3)).copy()
        return [*noise, *flat, ramp]
    if takes == "region":
        pictures = [rng.integers(0, 256, (high, wide, 3), np.uint8) for high, wide in ((64, 96), (2, 2), (300, 200))]
        boxes = [(20, 10, 70, 60), (0, 0, 1, 1), (0, 0, 200, 300)]
        return [region(picture, box) for picture, box in zip(pictures, boxes, strict=True)]
    if takes == "text":
        return ["A dog runs on the beach.", "", " ", "é" * 3, "🙂\n\t", "word " * 2000, "<b>no</b> 'quotes' \"\" ; --"]
    if takes == "material":
        texts = ["A dog runs on the beach. #dog", "é🙂\n\t", "word " * 200, '```\n{"a": 1}\n``` "quoted"']
        pictures = [rng.integers(0, 256, (*shape, 3), np.uint8) for shape in ((64, 96), (1, 1), (90, 40))]
        full = Material(texts[0], tuple(pictures), (), (("film", "a dog barks"),), {"likes": 3})
        return [full, *(Material(text) for text in texts), *(Material(pictures=(picture,)) for picture in pictures)]
    return []


def check_measure(measure: Measure, inputs: Sequence[Any] | None = None) -> None:
    """Hold a measure to its contract.

    It is a frozen, picklable dataclass with a recipe; its columns are described; it takes the empty batch; a value
    depends on its own input alone, is the same every time and in every thread, has the declared type and lies in the
    declared range; and it leaves its inputs as they were.

    Args:
        measure: an instance.
        inputs: what to call it with; None for `sample_inputs` of the modality it takes.

    Raises:
        AssertionError: what it breaks.
    """
    given = sample_inputs(measure.takes) if inputs is None else list(inputs)
    assert given, f"no sample inputs of modality {measure.takes!r}; hand some over"
    _check_description(measure)
    measure.prepare()
    before = pickle.dumps(given)
    together = _rows(measure, given)
    assert pickle.dumps(given) == before, f"{measure.name} changed its inputs"
    assert _rows(measure, []).num_rows == 0, f"{measure.name} should return empty columns for the empty batch"
    alone = pa.concat_tables([_rows(measure, [one]) for one in given])
    _same(measure, together, alone, "a value depends on what else is in the batch")
    _same(measure, together, _rows(pickle.loads(pickle.dumps(measure)), given), "a second call gives other values")
    with ThreadPoolExecutor(2) as pool:
        ways = [contextvars.copy_context() for _ in range(2)]  # a legal basis, if there is one, holds there too
        for threaded in pool.map(lambda way: way.run(_rows, measure, given), ways):
            _same(measure, together, threaded, "calls from two threads disturb each other")
    _check_ranges(measure, together)


def check_unitizer(unitizer: Unitizer, inputs: Sequence[Any]) -> None:
    """Hold a unitizer to its contract.

    It is a frozen, picklable dataclass with a recipe; its columns are described; its spans are in order and each in a
    place of its own, with a value for every column in the declared type and range; and they are the same every time,
    in every thread.

    Args:
        unitizer: an instance.
        inputs: what to call it with.

    Raises:
        AssertionError: what it breaks.
    """
    _check_description(unitizer)
    assert unitizer.makes in PARENTS, f"{unitizer.name} makes {unitizer.makes!r}; expected one of {', '.join(PARENTS)}"
    unitizer.prepare()
    found = [list(unitizer(one)) for one in inputs]
    for spans in found:
        places = [(span.microseconds(), span.box) for span in spans]
        assert len(set(places)) == len(places), f"{unitizer.name}: two spans lie in the same place"
        starts = [span.start or 0.0 for span in spans]
        assert starts == sorted(starts), f"{unitizer.name}: the spans are not in order"
        _check_ranges(unitizer, _values(unitizer, spans))
    again = pickle.loads(pickle.dumps(unitizer))
    with ThreadPoolExecutor(2) as pool:
        for spans, threaded in zip(found, pool.map(lambda one: list(again(one)), inputs), strict=True):
            assert _said(spans) == _said(threaded), f"{unitizer.name}: a second call gives other spans"


def _values(unitizer: Unitizer, spans: Sequence[Span]) -> pa.Table:
    names = [column.name for column in unitizer.columns]
    for span in spans:
        assert set(span.values) == set(names), f"{unitizer.name}: a span has values for {sorted(span.values)}"
    return _as_declared(unitizer, {name: [span.values[name] for span in spans] for name in names})


def _said(spans: Sequence[Span]) -> str:
    return repr([(span, dict(span.values)) for span in spans])


def _check_description(part: Part) -> None:
    kind = type(part)
    frozen = dataclasses.is_dataclass(part) and kind.__dataclass_params__.frozen
    assert frozen, f"{kind.__name__} must be a frozen dataclass"
    assert re.fullmatch(r"[a-z][a-z0-9_]*", part.name), f"name {part.name!r} should be lower snake case"
    assert part.version, f"{part.name} needs a version"
    names = [column.name for column in part.columns]
    assert names or isinstance(part, Unitizer), f"{part.name} has no columns"
    assert len(set(names)) == len(names), f"{part.name} has two columns of one name: {names}"
    for column in part.columns:
        assert re.fullmatch(r"[a-z][a-z0-9_]*", column.name), f"column {column.name!r} should be lower snake case"
        assert column.about, f"column {column.name!r} should say what it is about"
    assert recipe_of(part) == recipe_of(pickle.loads(pickle.dumps(part)))
    hash(part)


def _rows(measure: Measure, inputs: list[Any]) -> pa.Table:
    rows = _as_declared(measure, measure(inputs))
    for name in rows.column_names:
        count = len(rows[name])
        assert count == len(inputs), f"{measure.name}.{name}: {len(inputs)} values expected, got {count}"
    return rows


def _as_declared(part: Part, values: Mapping[str, Any]) -> pa.Table:
    table = Table(Path(), "image", recipe_of(part))
    vars(table)["columns"] = part.columns
    return pa.table(table.arrays(values), names=table.schema.names[1:])


def _same(measure: Measure, one: pa.Table, other: pa.Table, otherwise: str) -> None:
    for name in one.column_names:
        assert repr(one[name].to_pylist()) == repr(other[name].to_pylist()), f"{measure.name}.{name}: {otherwise}"


def _check_ranges(part: Part, rows: pa.Table) -> None:
    for column in part.columns:
        if column.low is None and column.high is None:
            continue
        values = rows[column.name].combine_chunks()
        flat = values.flatten() if column.size else values
        low, high = pc.min_max(flat.cast(pa.float64()).drop_null()).as_py().values()
        wide = f"{part.name}.{column.name}: values from {low} to {high} leave {column.low} to {column.high}"
        assert column.low is None or low is None or not low < column.low, wide
        assert column.high is None or high is None or not high > column.high, wide
