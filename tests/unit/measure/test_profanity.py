"""Swear words: whole words of the right list, in scripts with and without spaces, and null where nothing is known."""

import json

import pytest

from studium.core.recipe import recipe_of
from studium.errors import InputError, MissingExtraError, UnknownNameError
from studium.measure.profanity import LANGUAGES, Profanity, _entries
from studium.testing import check_measure


def found(text, *languages):
    """The swear words of a text."""
    return json.loads(Profanity(languages).row(text)["profanity_words"])


@pytest.mark.parametrize("languages", [(), ("en", "es")])
def test_contract(languages):
    check_measure(Profanity(languages))


def test_no_text_and_no_word():
    assert all(len(column) == 0 for column in Profanity()([]).values())
    empty = {"profanity_share": None, "profanity_words": "[]", "profanity_lists": '["en"]'}
    for text in ("", " ", "...", "🙂"):
        assert Profanity(("en",)).row(text) == {"profanity_count": 0, **empty}


def test_counts_by_hand():
    row = Profanity(("en",)).row("Shit! That’s BULLSHIT, shit.")
    assert row["profanity_count"] == 3
    assert json.loads(row["profanity_words"]) == ["shit", "bullshit", "shit"]
    assert row["profanity_share"] == pytest.approx(16 / 21)


@pytest.mark.parametrize(("text", "language", "words"), [
    ("Scunthorpe, Essex: a class on cocktails, assessed", "en", []), ("ｆｕｃｋ 𝐬𝐡𝐢𝐭", "en", ["fuck", "shit"]),
    ("fuck_this, #fuck, @fuck", "en", ["fuck"] * 3), ("see https://a.org/fuck www.fuck.org", "en", []),
    ("motherfucker mother fucker", "en", ["motherfucker", "mother fucker"]), ("f*ck sh1t", "en", ["sh1t"]),
    ("off you fuck", "en", ["fuck"]), ("Jerk-off jerk \n off", "en", ["jerk-off", "jerk \n off"]),
    ("So eine SCHEISSE, Scheiße", "de", ["scheisse"] * 2), ("Arschlöcher", "de", []),
    ("блядь, оскорблять", "ru", ["блядь"]), ("他妈的！牛奶很好", "zh", ["他妈的"]), ("奶", "zh", ["奶"]),
    ("このビッチ達", "ja", ["ビッチ"]), ("씨발아 뭐", "ko", ["씨발"]), ("아씨발", "ko", []), ("ไอ้สัดว์", "th", ["สัด"]),
    ("كس أمك", "ar", ["كس"]), ("عكس", "ar", []), ("كُسّ كـس", "ar", ["كس", "كس"]),
    ("SİKTİR AMCIK", "tr", ["siktir", "amcik"]), ("sh\u00adit, f\u200buck", "en", ["shit", "fuck"]),
    ("グローバル", "ja", []), ("超グロい", "ja", ["グロ"]), ("กู้ ห่าง", "th", ["ห่า"]),
])  # fmt: skip
def test_words_are_whole_where_words_are_parted(text, language, words):
    assert found(text, language) == words


def test_a_word_of_two_lists_counts_once():
    assert found("fuck", "en") == found("fuck", "da") == found("fuck", "en", "da") == ["fuck"]


def test_the_list_is_that_of_the_language():
    texts = [
        "You are a stupid bitch and I hate you so much",
        "Er ist ein sehr dicker Mann und hat sich einen Anzug gekauft",
        "Dette er en jævlig dag for oss alle sammen i Norge",
        "ok",
    ]
    rows = [Profanity().row(text) for text in texts]
    assert [row["profanity_lists"] for row in rows] == ['["en"]', '["de"]', '["no"]', "[]"]
    assert [row["profanity_count"] for row in rows] == [1, 0, 1, None]
    assert rows[3]["profanity_share"] is rows[3]["profanity_words"] is None
    welsh = "Mae hi'n braf iawn heddiw ac rydym ni'n mynd i lan y môr gyda'r plant"
    assert Profanity().row(welsh)["profanity_count"] is None
    hindi = "यह बहुत अच्छा दिन है और हम सब खुश हैं"  # the list knows Latin letters only: 0 would be no finding
    assert Profanity().row(hindi)["profanity_count"] is None


def test_every_list_is_read():
    for code in LANGUAGES:
        entries = _entries(code)
        assert len(entries) > 10
        assert all(Profanity((code,)).row(entry)["profanity_count"] for entry in entries), code


def test_long_texts():
    assert Profanity(("en",)).row("a class of shit " * 10_000)["profanity_count"] == 10_000


def test_models_and_recipe():
    assert Profanity(("en",)).models == ("swear-words-english",)
    assert Profanity(("de", "en", "es")).models == ("swear-words", "swear-words-english")
    assert set(recipe_of(Profanity()).models) == {"swear-words", "swear-words-english", "py3langid"}
    assert recipe_of(Profanity(("en",))).key != recipe_of(Profanity(("es",))).key


def test_what_is_refused(monkeypatch):
    with pytest.raises(UnknownNameError, match="no list of swear words for tlh, xx; there are: ar, cs"):
        Profanity(("xx", "en", "tlh"))
    with pytest.raises(InputError, match=r'\["en"\], got a text'):
        Profanity("en")
    for text in (None, 1, b"bytes"):
        with pytest.raises(InputError, match="expected a text"):
            Profanity(("en",))([text])
    assert found("lone \ud800 shit", "en") == ["shit"]
    monkeypatch.setitem(__import__("sys").modules, "py3langid.langid", None)
    from studium.measure.language import identifier

    identifier.cache_clear()
    with pytest.raises(MissingExtraError, match=r"studium\[text\]"):
        Profanity().prepare()
