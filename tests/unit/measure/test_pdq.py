import itertools
import tracemalloc

import numpy as np
import pytest

from studium.measure.pdq import Pdq, pdq
from studium.media.transform import downscale


def synthetic():
    """A picture anyone can make, RGB uint8 256 x 320."""
    y, x = np.mgrid[0:256, 0:320]
    red = 127 + 60 * np.sin(x / 17.0) + 60 * np.cos(y / 23.0)
    green = (x * y / 320) % 256
    blue = 255 * ((x // 32 + y // 32) % 2)
    return np.clip(np.stack([red, green, blue], -1), 0, 255).astype(np.uint8)


# Equal to Meta's C++ implementation, with quality 100.
GOLDEN = {
    "synthetic": "29f7895fa15d015d815509f789f523ffd6005c22815dd4010155f68ba1ddf6bf",
    "astronaut": "2d6b1af3a956c529e79ca3d2526fa834d4196c81cedd04de0a26b855fc99b724",
    "coffee": "8c629e779a663698b9a33866c026726c21a679f61eb6e1f8c79ba7e23c8299e0",
    "chelsea": "5feb5321f01da156898e2bf629a5d3438412cdbd23f48942464526315db33ffd",
}


def bits_apart(first, second):
    return (int.from_bytes(first) ^ int.from_bytes(second)).bit_count()


@pytest.mark.parametrize("name", GOLDEN)
def test_golden(photos, name):
    picture = synthetic() if name == "synthetic" else photos[name]
    hashed, quality = pdq(picture)
    assert (hashed.hex(), quality) == (GOLDEN[name], 100)


@pytest.mark.parametrize("size", [(1, 1), (1, 300), (63, 65), (384, 512), (700, 5)])
@pytest.mark.parametrize("level", [0, 77, 255])
def test_one_colour_hashes_to_zeros_with_quality_zero(size, level):
    assert pdq(np.full((*size, 3), level, np.uint8)) == (bytes(32), 0)


def box_filter(plane, window, axis):
    """The filter the slow way: the mean of a window, clipped at the ends."""
    ahead = (window + 2) // 2
    n = plane.shape[axis]
    means = [
        plane.take(range(max(i + ahead - window, 0), min(i + ahead, n)), axis=axis).mean(axis=axis) for i in range(n)
    ]
    return np.stack(means, axis=axis)


def test_the_matrices_are_the_filters_and_samples(photos):
    picture = photos["chelsea"]
    plane = picture @ np.array([0.299, 0.587, 0.114])
    windows = [-(-n // 128) for n in plane.shape]
    for _ in range(2):
        plane = box_filter(box_filter(plane, windows[1], 1), windows[0], 0)
    rows, columns = (((np.arange(64) + 0.5) * n / 64).astype(int) for n in plane.shape)
    samples = plane[np.ix_(rows, columns)]
    basis = np.array([[np.cos(np.pi / 128 * i * (2 * j + 1)) for j in range(64)] for i in range(1, 17)])
    coefficients = basis @ samples @ basis.T
    bits = (coefficients > np.sort(coefficients, axis=None)[127])[::-1, ::-1]
    assert np.packbits(bits).tobytes().hex() == GOLDEN["chelsea"]


def test_half_of_the_bits_are_set(photos):
    assert {int.from_bytes(pdq(photo)[0]).bit_count() for photo in photos.values()} == {128}


def test_near_duplicates_are_within_the_threshold_and_others_are_not(photos):
    hashes = {name: pdq(photo)[0] for name, photo in photos.items()}
    for name, photo in photos.items():
        small, dark = pdq(downscale(photo, 256))[0], pdq((photo * 0.7).astype(np.uint8))[0]
        assert bits_apart(hashes[name], small) <= 31
        assert bits_apart(hashes[name], dark) <= 31
    assert min(bits_apart(a, b) for a, b in itertools.combinations(hashes.values(), 2)) > 80


def test_measure_downscales_first(photos):
    table = Pdq()(list(photos.values()))
    assert table["pdq"][0].hex() == GOLDEN["astronaut"]
    assert table["pdq"][1] == pdq(downscale(photos["coffee"], 512))[0]
    assert table["pdq_quality"].tolist() == [100, 100, 100, 100]
    assert Pdq(longest=600)([photos["coffee"]])["pdq"][0].hex() == GOLDEN["coffee"]
    assert 0 < bits_apart(table["pdq"][1], bytes.fromhex(GOLDEN["coffee"])) <= 20


def test_a_long_side_costs_little_memory():
    """The filter's matrix of a side of 40,000 px would take 13 GB."""
    tracemalloc.start()
    try:
        assert pdq(np.full((1, 40_000, 3), 9, np.uint8)) == (bytes(32), 0)
        assert tracemalloc.get_traced_memory()[1] < 60e6
    finally:
        tracemalloc.stop()
