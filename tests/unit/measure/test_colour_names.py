import numpy as np
import pytest
from matplotlib.colors import CSS4_COLORS, XKCD_COLORS, to_rgb

from studium.measure.colour_names import CHROMATIC, NAMES, PROTOTYPES, colour_name, named_shares
from studium.measure.lab import to_lab


def levels(colour):
    return tuple(round(255 * x) for x in to_rgb(colour))


def test_the_terms():
    assert NAMES[:3] == ("black", "white", "grey")
    assert NAMES[3:] == CHROMATIC
    assert len(CHROMATIC) == 8


@pytest.mark.parametrize("name", NAMES)
def test_a_survey_colour_bears_its_name(name):
    assert colour_name(*levels(f"xkcd:{name}")) == name


@pytest.mark.parametrize("name", [n for n in CSS4_COLORS if n in NAMES and n != "brown"])
def test_a_web_colour_bears_its_name(name):
    assert colour_name(*levels(name)) == name


def test_names_of_the_survey_that_were_held_out():
    """Names that end in a basic term, with another modifier than the prototypes', and hold no second term."""
    used = {"", "dark", "light", "bright", "pale", "deep", "very dark", "very light", "dull", "dirty", "medium", "off"}
    right = []
    for full, colour in XKCD_COLORS.items():
        *modifiers, term = full.removeprefix("xkcd:").split()
        mixed = any(m.rstrip("y").startswith(name[:3]) for m in modifiers for name in NAMES)
        if term in NAMES and " ".join(modifiers) not in used and not mixed:
            right.append(colour_name(*levels(colour)) == term)
    assert len(right) > 300
    assert np.mean(right) > 0.85


def test_shares(photos):
    half = np.zeros((4, 6, 3), np.uint8)
    half[:, 3:] = 255, 0, 0
    shares = named_shares(half)
    assert (shares["black"], shares["red"]) == (0.5, 0.5)
    assert sum(named_shares(photos["coffee"]).values()) == pytest.approx(1)


def test_shares_are_those_of_the_pixels(photos):
    small = photos["coffee"][::40, ::40]
    names = [colour_name(*pixel) for pixel in small.reshape(-1, 3).tolist()]
    assert named_shares(small) == pytest.approx({name: names.count(name) / len(names) for name in NAMES})


def test_cells_hardly_change_the_rule():
    """Against the nearest prototype of every colour itself."""
    colours = np.random.default_rng(0).integers(0, 256, (3000, 3), dtype=np.uint8)
    prototypes = [(name, list(bytes.fromhex(code))) for name, codes in PROTOTYPES.items() for code in codes.split()]
    there = to_lab(np.array([levels for _, levels in prototypes], np.uint8).T)
    nearest = ((to_lab(colours.T)[:, :, None] - there[:, None]) ** 2).sum(axis=0).argmin(axis=1)
    agree = [colour_name(*rgb) == prototypes[i][0] for rgb, i in zip(colours.tolist(), nearest, strict=True)]
    assert np.mean(agree) > 0.965
