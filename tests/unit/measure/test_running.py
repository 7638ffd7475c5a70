import numpy as np
import pytest

from studium.measure.running import Framer, Moments

LENGTHS = [1, 0, 7, 399, 400, 401, 3, 160, 1000, 1, 1, 629]


def parts(values):
    """The values in blocks of awkward sizes."""
    return np.split(values, np.cumsum(LENGTHS)[:-1])


def test_nothing_has_no_frames_and_no_moments():
    framer, moments = Framer(400, 160), Moments()
    assert framer.cut(np.zeros(0)).shape == (0, 400)
    moments.add(np.zeros(0))
    moments.add(np.zeros((0, 3)))
    assert (moments.n, moments.mean, moments.sd) == (0, None, None)


@pytest.mark.parametrize(("length", "hop"), [(400, 160), (4, 1), (800, 800), (1, 1), (512, 160)])
def test_frames_do_not_depend_on_the_blocks(length, hop):
    values = np.arange(sum(LENGTHS), dtype=np.float32)
    framer = Framer(length, hop)
    cut = np.concatenate([framer.cut(part) for part in parts(values)])
    starts = np.arange(0, len(values) - length + 1, hop)
    np.testing.assert_array_equal(cut, starts[:, None] + np.arange(length))
    np.testing.assert_array_equal(framer.rest, values[starts[-1] + hop :])


def test_frames_keep_the_precision_of_the_samples():
    for dtype in (np.float32, np.float64):
        assert Framer(4, 1).cut(np.zeros(9, dtype)).dtype == dtype


def test_moments_do_not_depend_on_the_blocks():
    values = np.random.default_rng(0).normal(1e4, 0.1, (sum(LENGTHS), 3))
    moments = Moments()
    for part in parts(values):
        moments.add(part)
    assert moments.n == len(values)
    np.testing.assert_allclose(moments.mean, values.mean(axis=0), rtol=1e-12)
    np.testing.assert_allclose(moments.sd, values.std(axis=0), rtol=1e-9)


def test_moments_of_one_number():
    moments = Moments()
    moments.add(np.array([2.5]))
    assert (moments.mean, moments.sd) == (2.5, 0)
