"""Numbers, words, references and charts."""

import math

import numpy as np
import page_checks
import pytest

from studium.report import charts, references
from studium.report.prose import _listed, _marks
from studium.report.references import References
from studium.report.text import bidi, count, name, noun, number, percent, size, visible, written


@pytest.mark.parametrize(
    ("x", "said"),
    [
        (0, "0"), (-0.0, "0"), (1, "1"), (360.0, "360"), (359.9, "360"), (100, "100"), (0.1, "0.1"), (12.345, "12.3"),
        (-3.456, "−3.46"), (999.7, "1000"), (1234.5, "1 234"), (1e6, "1 000 000"), (0.00012, "0.00012"),
        (1.5e-7, "1.5 × 10^−7"), (2e15, "2 × 10^15"), (-1e300, "−1 × 10^300"), (math.nan, "–"), (None, "–"),
        (math.inf, "∞"), (-math.inf, "−∞"),
    ],
)  # fmt: skip
def test_number(x, said):
    assert number(x).replace("\u202f", " ") == said


@pytest.mark.parametrize(
    ("part", "whole", "said"),
    [
        (0, 0, "–"), (0, 5, "0 %"), (5, 5, "100 %"), (1, 3, "33 %"), (1, 10_000, "< 0.1 %"),
        (9_999, 10_000, "> 99.9 %"),
        (995, 1000, "99.5 %"), (5, 100, "5.0 %"), (999, 10_000, "10 %"),
    ],
)  # fmt: skip
def test_percent(part, whole, said):
    assert percent(part, whole).replace("\u202f", " ") == said


def test_words():
    assert count(1234567).replace("\u202f", " ") == "1 234 567"
    assert [noun(1, "image"), noun(0, "post"), noun(1, "medium"), noun(2, "medium")] == [
        "1 image",
        "0 posts",
        "1 medium",
        "2 media",
    ]
    assert size(999) == "999 bytes"
    assert size(1_500_000) == "1.5 MB"
    assert name(None) == ""
    assert name("a/b\nc.jpg") == "b\nc.jpg"
    assert visible("a\nb\x00\x1b\x7f") == "a␊b␀␛␡"
    assert written("a\r\nb\n\tc\x00") == "a\nb\n\tc␀"
    assert written("") == ""
    assert bidi("<b>\n") == "<bdi>&lt;b&gt;␊</bdi>"
    assert _listed([]) == ""
    assert _listed(["a"]) == "a"
    assert _listed(["a", "b", "c"]) == "a, b and c"
    assert _marks([]) == ""
    assert _marks([3, 1, 2, 7, 5, 6, 9, 3]) == " [1–3, 5–7, 9]"
    assert _marks([1, 2]) == " [1, 2]"


def test_references():
    found = References()
    assert found.cite("", "x") == []
    assert found.cite("doi:10.5117/CCR2022.1.009.PENG; saliency: doi:10.1109/CVPR.2007.383267", "a: b") == [1, 2]
    assert found.cite("https://doi.org/10.5117/ccr2022.1.009.peng", "c") == [1], "DOIs are the same in any case"
    assert found.cite("Zauner 2010", "d") == [3]
    assert found.cite("10.9999/unknown(1)2.", "e") == [4]
    peng, _, zauner, unknown = found.all
    assert peng.text.startswith("Peng, Y. (2022).")
    assert peng.used_by == ["a: b", "c"]
    assert (zauner.text, zauner.url) == ("Zauner 2010", "")
    assert (unknown.text, unknown.url) == ("", "https://doi.org/10.9999/unknown(1)2")


def test_every_doi_with_brackets_survives():
    assert References().cite("(see doi:10.1016/0377-0427(87)90125-7)", "x") == [1]
    assert "10.1016/0377-0427(87)90125-7" in references._bibliography()


def test_bins():
    assert charts.bins(np.array([1.0]), False).tolist() == [1]
    assert charts.bins(np.array([2.0, 2.0]), True).tolist() == [2]
    assert charts.bins(np.array([0.0, 1, 1, 3]), True).tolist() == [1, 2, 0, 1]
    assert charts.bins(np.array([0.0, 0.5, 1.0]), False, 2).tolist() == [1, 2]
    many = np.arange(1000.0)
    assert charts.bins(many, True).sum() == 1000
    assert len(charts.bins(many, True)) == 24


@pytest.mark.parametrize(
    "values", [[0.0], [1.0, 2.0], [-1e308, 1e308], [0.0, 5e-324], [1e16, 1e16 + 2], [-5.0, 0.0, 5.0]]
)
@pytest.mark.parametrize("whole", [True, False])
def test_histograms_of_anything_finite(values, whole):
    drawn = charts.histogram(np.array(values), whole, 'a <b> & "c"')
    page_checks.read(f"<h1>x</h1>{drawn}")
    assert "nan" not in drawn
    assert "inf" not in drawn


@pytest.mark.parametrize(
    ("low", "high", "found"),
    [(0, 10, [0, 2.5, 5, 7.5, 10]), (0, 0, [0, 0.25, 0.5, 0.75, 1]), (3, 3, None), (-0.01, 0.07, None), (0, 1, None)],
)
def test_ticks_hold_the_data(low, high, found):
    at = charts.ticks(low, high)
    assert at[0] <= low
    assert at[-1] >= high
    assert len(at) <= 8
    assert np.allclose(np.diff(at), at[1] - at[0])
    if found and high:
        assert at == found


def test_bars_and_curves():
    drawn = charts.bars(["2024-01", "2024-02", "2024-03"], [1, 0, 3], "x")
    assert drawn.count("<rect") == 2
    assert charts.curves([(5, 0.1)], 5, "x").count("<circle") == 1
    page_checks.read(f"<h1>x</h1>{drawn}{charts.curves([(5, 0.1), (10, 0.2)], 10, 'x')}")


def test_the_plane_keeps_its_shape():
    points = np.array([[0.0, 0.0], [2.0, 1.0]])
    low, per_pixel, height = charts.frame(points, 720)
    (x0, y0), (x1, y1) = charts.place(points, low, per_pixel, height)
    assert y0 > y1, "up is up"
    assert math.isclose((x1 - x0) / (y0 - y1), 2), "both axes have the same scale"
    assert 0 < x0 < x1 < 720
    assert 0 < y1 < y0 < height


def test_a_tall_plane_is_no_higher_than_wide():
    low, per_pixel, height = charts.frame(np.array([[0.0, 0.0], [1.0, 100.0]]), 720)
    assert height <= 720
    (x0, _), (x1, _) = charts.place(np.array([[0.0, 0.0], [1.0, 100.0]]), low, per_pixel, height)
    assert 0 <= x0 < x1 <= 720
