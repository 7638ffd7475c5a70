import numpy as np
import pytest

from studium.core.column import Column
from studium.errors import InputError
from studium.measure.aesthetics import Aesthetics
from studium.measure.colour import Colour
from studium.measure.histogram import Histogram
from studium.measure.pdq import Pdq
from studium.measure.per_item import collect
from studium.measure.phash import Phash

MEASURES = [Aesthetics(), Colour(), Histogram(), Histogram(bins=32), Pdq(), Phash()]


def test_no_rows_give_empty_columns():
    columns = (Column("a", "float32", ""), Column("b", "binary", ""), Column("c", "float32", "", size=3))
    empty = collect(columns, [])
    assert (empty["a"].shape, empty["a"].dtype, empty["b"], empty["c"].shape) == ((0,), np.float32, [], (0, 3))


def test_a_row_must_hold_every_column():
    with pytest.raises(KeyError):
        collect((Column("a", "float32", ""), Column("b", "float32", "")), [{"a": 1}])


@pytest.mark.parametrize("measure", MEASURES, ids=repr)
def test_no_pictures(measure):
    assert {name: len(values) for name, values in measure([]).items()} == {c.name: 0 for c in measure.columns}


@pytest.mark.parametrize("measure", MEASURES, ids=repr)
def test_every_picture_gives_values_in_range_or_nan_and_no_warning(measure, hostile):
    table = measure(list(hostile.values()))
    assert list(table) == [column.name for column in measure.columns]
    for column in measure.columns:
        values = table[column.name]
        assert len(values) == len(hostile)
        if column.dtype == "binary":
            assert {len(value) for value in values} == {32 if column.name == "pdq" else 8}
            continue
        assert values.dtype == column.dtype
        assert values.shape == ((len(hostile), column.size) if column.size else (len(hostile),))
        known = values[~np.isnan(values)]
        assert np.isfinite(known).all()
        assert column.low is None or known.min() >= column.low, column.name
        assert column.high is None or known.max() <= column.high, column.name


@pytest.mark.parametrize("measure", MEASURES, ids=repr)
def test_a_value_depends_on_its_own_picture_alone(measure, hostile, astronaut):
    pictures = [*list(hostile.values())[::7], astronaut]
    together, reverse = measure(pictures), measure(pictures[::-1])
    for number, picture in enumerate(pictures):
        alone = measure([picture])
        for name, values in alone.items():
            np.testing.assert_array_equal(values[0], together[name][number])
            np.testing.assert_array_equal(values[0], reverse[name][len(pictures) - 1 - number])


@pytest.mark.parametrize("measure", MEASURES, ids=repr)
@pytest.mark.parametrize(
    "wrong", [np.zeros((4, 4), np.uint8), np.zeros((4, 4, 3)), np.zeros((0, 4, 3), np.uint8), "a.jpg"], ids=repr
)
def test_what_is_no_rgb_picture_is_refused(measure, wrong):
    with pytest.raises(InputError, match="RGB uint8 H x W x 3"):
        measure([wrong])


@pytest.mark.parametrize("measure", MEASURES, ids=repr)
def test_pictures_are_left_as_they_were(measure, astronaut):
    picture = astronaut.copy()
    picture.setflags(write=False)
    measure([picture])
    assert (picture == astronaut).all()
