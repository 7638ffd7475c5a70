"""Sentiment by VADER: its own examples, human raters, and what is no English."""

import csv

import fetch
import numpy as np
import pytest

from studium.errors import InputError
from studium.measure.sentiment import Sentiment
from studium.testing import check_measure


def test_contract():
    check_measure(Sentiment())


def test_no_text_and_no_word_are_neutral():
    assert {name: len(column) for name, column in Sentiment()([]).items()} == dict.fromkeys(
        ("sentiment", "sentiment_positive", "sentiment_neutral", "sentiment_negative"), 0
    )
    assert [column[0] for column in Sentiment()([""]).values()] == [0, 0, 0, 0]


@pytest.mark.parametrize(
    ("text", "valence", "positive", "negative"),
    [  # the examples of its authors
        ("VADER is smart, handsome, and funny.", 0.8316, 0.746, 0.0),
        ("VADER is VERY SMART, handsome, and FUNNY!!!", 0.9342, 0.767, 0.0),
        ("VADER is not smart, handsome, nor funny.", -0.7424, 0.0, 0.646),
        ("The book was only kind of good.", 0.3832, 0.303, 0.0),
        ("Today SUX!", -0.5461, 0.0, 0.779),
        ("Make sure you :) or :D today!", 0.8633, 0.706, 0.0),
    ],
)
def test_examples_of_the_authors(text, valence, positive, negative):
    row = Sentiment().row(text)
    assert row["sentiment"] == pytest.approx(valence, abs=1e-4)
    assert row["sentiment_positive"] == pytest.approx(positive, abs=1e-3)
    assert row["sentiment_negative"] == pytest.approx(negative, abs=1e-3)


def test_it_agrees_with_twenty_raters_of_tweets():
    lines = (fetch.rated() / "tweets_GroundTruth.txt").read_text(encoding="utf-8").splitlines()
    rows = [row for row in csv.reader(lines, delimiter="\t", quoting=csv.QUOTE_NONE) if len(row) == 3]
    assert len(rows) == 4200
    found = Sentiment()([text for _, _, text in rows])["sentiment"]
    assert np.corrcoef(found, [float(mean) for _, mean, _ in rows])[0, 1] == pytest.approx(0.87, abs=0.015)


def test_another_language_is_neutral_and_no_text_an_error():
    assert Sentiment().row("Это очень плохо и грустно")["sentiment"] == 0
    with pytest.raises(InputError, match="expected a text, got int"):
        Sentiment()([1])
