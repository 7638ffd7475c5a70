"""Model cards as pages: all that the Markdown says, and nothing that a browser would run or load."""

import re
import sys
from importlib import import_module

import numpy as np
import page_checks
import pytest

from studium.errors import InputError, MissingExtraError
from studium.learn.models.card import Figure, ModelCard
from studium.learn.models.linear import LinearProbe
from studium.learn.models.training import Head
from studium.report.cards import html

HOSTILE = '<script>alert(1)</script> & "quoted" | pipe [go](javascript:alert(1))'


@pytest.fixture(scope="module")
def model():
    """The card of a probe of two classes, one of them with an awkward name."""
    X = np.random.default_rng(0).normal(size=(40, 3))
    y = np.where(X[:, 0] > 0, "<b>yes</b>", "no|never")
    return LinearProbe(Head("protest"), inputs="embed-1a2b", C=1.0).fit(X, y).card


def words(text: str) -> list[str]:
    return re.findall(r"\w+", text)


def test_a_card_without_a_name_is_refused(model):
    with pytest.raises(InputError, match="name"):
        html(ModelCard("", model))


def test_an_empty_card_says_what_is_missing(model):
    page = page_checks.read(html(ModelCard("probe", model)))
    assert page.text.count("Not stated.") == ModelCard("probe", model).markdown().count("Not stated.")
    assert "Model card: probe" in page.text


def test_the_page_says_what_the_markdown_says(model):
    figures = [Figure("macro-F1", 0.8125, 0.7, 0.9, 40, 12), Figure("FPR", None, n=9, of="party: left", note="few")]
    card = ModelCard("probe", model, "**Teaching** only.", "Policing.", figures=figures, splits={"test": {"yes": 3}})
    page = html(card)
    assert page.count("<table>") == 4  # classes, splits, metrics, groups
    assert "<strong>Teaching</strong> only." in page
    assert "<td>0.812</td>" in page
    said = words(re.sub(r"[\\*`|#-]", " ", card.markdown()))
    assert words(page_checks.read(page).text)[3:] == said  # after the title of the page


def test_what_others_wrote_stays_text(model):
    card = ModelCard(HOSTILE, model, use=HOSTILE, data=f"# {HOSTILE}", figures=[Figure(HOSTILE, 0.5, of=HOSTILE)])
    page = html(card)
    read = page_checks.read(page)
    assert not {"script", "img", "b", "a"} & read.tags
    assert read.text.count("<script>alert(1)</script>") == 6  # title, heading, use, data, figure, its group
    assert "<b>yes</b>" in read.text
    assert "no|never" in read.text


def test_pictures_of_others_are_not_loaded(model):
    page = html(ModelCard("probe", model, use="![seen](https://example.org/pixel.png)"))
    assert "<img" not in page
    assert "img-src" not in page
    assert "default-src 'none'" in page


def test_who_lacks_the_extra_is_told_before_anything_is_trained(monkeypatch):
    for name in ("cards", "environment"):
        monkeypatch.delitem(sys.modules, f"studium.report.{name}", raising=False)
    monkeypatch.setitem(sys.modules, "jinja2", None)
    with pytest.raises(MissingExtraError, match=r"studium\[report\]"):
        import_module("studium.report.cards")
