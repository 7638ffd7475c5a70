import numpy as np
import pytest

from studium.measure.phash import Phash, phash

# imagehash 4.3.2: str(imagehash.phash(Image.fromarray(picture)))
GOLDEN = {
    "astronaut": "c2924c5532bddfc8",
    "coffee": "bb8320376c0f3637",
    "chelsea": "b15fe6465121175e",
    "rocket": "c0371bec1be51267",
}


@pytest.mark.parametrize("name", GOLDEN)
def test_photographs_hash_as_with_imagehash(photos, name):
    assert phash(photos[name]).hex() == GOLDEN[name]


@pytest.mark.parametrize(
    ("picture", "expected"),
    [
        (np.zeros((1, 1, 3), np.uint8), "0000000000000000"),
        (np.full((50, 60, 3), 77, np.uint8), "8000000000000000"),
        (np.arange(256, dtype=np.uint8)[None, :, None].repeat(100, 0).repeat(3, 2), "aa00000000000000"),
    ],
    ids=["black", "grey", "ramp"],
)
def test_exact_ties_hash_as_with_imagehash(picture, expected):
    assert phash(picture).hex() == expected


def bits_apart(first, second):
    return (int.from_bytes(first) ^ int.from_bytes(second)).bit_count()


def test_near_duplicates_are_near(photos):
    coffee = photos["coffee"]
    assert bits_apart(phash(coffee), phash(coffee[::2, ::2])) <= 4
    assert bits_apart(phash(coffee), phash(coffee // 2)) <= 4
    assert bits_apart(phash(coffee), phash(photos["chelsea"])) > 16


def test_measure(photos):
    assert [value.hex() for value in Phash()(list(photos.values()))["phash"]] == [GOLDEN[name] for name in photos]
