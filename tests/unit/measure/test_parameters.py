import numpy as np
import pytest

from studium.errors import InputError
from studium.measure.aesthetics import Aesthetics
from studium.measure.colour import Colour
from studium.measure.histogram import Histogram
from studium.measure.pdq import Pdq
from studium.measure.tags import Tags

AT_SIZE = [Aesthetics, Colour, Histogram, Pdq]
WRONG = [0, -3, 1.5, 512.0, True, None, "abc", (512,), float("nan"), np.int64(512)]


@pytest.mark.parametrize("longest", WRONG, ids=repr)
@pytest.mark.parametrize("part", AT_SIZE)
def test_impossible_sizes_are_refused_at_the_door(part, longest):
    says = f"{part.name}: longest should be a whole number of at least 1, got .+; leave it out for 512"
    with pytest.raises(InputError, match=says):
        part(longest=longest)


@pytest.mark.parametrize("wrong", [*WRONG, 257], ids=repr)
def test_impossible_bins_are_refused_at_the_door(wrong):
    with pytest.raises(InputError, match=r"histogram: bins should be a whole number from 1 to 256, got .+ 64"):
        Histogram(bins=wrong)


def test_the_ends_of_the_range_are_in_it(astronaut):
    assert Tags(top=1).top == 1
    assert Tags(top=1000).top == 1000
    assert Histogram(bins=1)([astronaut])["intensity_histogram"].tolist() == [[1.0]]
    assert Histogram(bins=256, longest=1)([astronaut])["intensity_histogram"].shape == (1, 256)


@pytest.mark.parametrize("part", AT_SIZE)
def test_decoding_keeps_what_the_size_asks_for(part):
    assert [part(longest=n).detail for n in (1, 512, 540, 541, 4000)] == [540, 540, 540, 541, 4000]


def test_a_large_photograph_is_measured_at_the_size_asked_for(tmp_path, photos):
    """A JPEG is decoded at a fraction of its size where a measure does not need more."""
    from PIL import Image

    from studium.media.image import decode

    path = tmp_path / "large.jpg"
    Image.fromarray(photos["coffee"]).resize((3600, 2400)).save(path)
    whole, measure = decode(path), Colour(longest=2000)
    seen = decode(path, detail=measure.detail)
    assert max(seen.shape) >= 2000 > max(decode(path, detail=Colour().detail).shape)
    np.testing.assert_array_equal(measure([seen])["red_sd"], measure([whole])["red_sd"])
