"""What texts are made of, in many scripts, and how hard they are to read."""

import json

import pytest

from studium.errors import InputError
from studium.measure.wording import Wording
from studium.testing import check_measure


def row(text):
    found = dict(Wording().row(text))
    return found | {name: json.loads(found[name]) for name in ("hashtags", "mentions")}


def test_contract():
    check_measure(Wording())


def test_nothing():
    assert all(len(column) == 0 for column in Wording()([]).values())
    for text in ("", " ", "\n"):
        found = row(text)
        assert (found["words"], found["sentences"], found["lix"], found["capitals"]) == (0, 0, None, None)


def test_a_post():
    found = row(
        "Look @jane.doe and @NATO: #ClimateStrike NOW!!! https://a.org/x#frag?y! me@x.org #2024 #x1 👨‍👩‍👧👍🏽🇩🇪"
    )
    assert found["hashtags"] == ["climatestrike", "x1"]
    assert found["mentions"] == ["jane.doe", "nato"]
    counts = ("hashtag_count", "mention_count", "link_count", "emoji_count", "exclamation_marks", "question_marks")
    assert [found[name] for name in counts] == [2, 2, 1, 3, 3, 0]


@pytest.mark.parametrize(("text", "tags"), [
    ("#हिन्दी_दिवस मुबारक", ["हिन्दी_दिवस"]), ("#سلام‌علیکم", ["سلام‌علیکم"]),
    ("#東京2020 ＃猫", ["東京2020", "猫"]), ("#Ünïcode#two", ["ünïcode"]),
    ("a#b &#39; /#c ##d #_ #1", ["d"]),
])  # fmt: skip
def test_hashtags_of_every_script_are_whole(text, tags):
    assert row(text)["hashtags"] == tags


@pytest.mark.parametrize(("text", "words", "sentences"), [
    ("It's a well-known fact. Isn't it?", 6, 2), ("नमस्ते दुनिया। कैसे हो?", 4, 2), ("今日は。元気ですか？", 2, 2),
    ("Version 3.5 costs 1,200.50 e.g. here", 7, 2),
    ("One\ntwo\n\nthree", 3, 3), ("... !!! ???", 0, 0), ("Привет мир", 2, 1),
])  # fmt: skip
def test_words_and_sentences(text, words, sentences):
    found = row(text)
    assert (found["words"], found["sentences"]) == (words, sentences)


def test_lix_by_hand():
    """Ten words in two sentences, three of more than six letters: 10 / 2 + 100 * 3 / 10."""
    assert row("The government announced it. We all saw it yesterday, no.")["lix"] == pytest.approx(35)
    assert row("A")["lix"] == 1


def test_capitals_and_combining_marks():
    assert row("ABcd 12")["capitals"] == 0.5
    assert row("猫 12")["capitals"] is None
    assert row("cafe\u0301") == row("café")


def test_hostile():
    assert row("#" * 100_000)["hashtags"] == []
    assert row("a" * 100_000)["words"] == 1
    assert row("www." * 20_000 + " #tag")["hashtags"] == ["tag"]
    with pytest.raises(InputError, match="expected a text, got NoneType"):
        Wording()([None])
