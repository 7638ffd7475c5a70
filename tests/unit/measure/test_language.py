"""Languages: named where a text tells them, null where it is too short; and scripts."""

import re

import numpy as np
import pytest

from studium.core import weights
from studium.errors import InputError
from studium.measure.language import MODEL, Language, identifier, language_of, script_of
from studium.testing import check_measure

SENTENCES = {
    "The freedom of the press is one of the great bulwarks of liberty": "en",
    "Übergrößenträger für Zürich und Köln": "de",
    "Où sont passées les élections ?": "fr",
    "¿Dónde está la manifestación?": "es",
    "Żółć gęślą jaźń, powiedział Łukasz": "pl",
    "Сегодня в Москве прошёл большой митинг": "ru",
    "Η δημοκρατία στην Ελλάδα": "el",
    "حرية الصحافة للجميع في كل مكان": "ar",
    "東京で大規模なデモがありました": "ja",
    "서울에서 큰 시위가 있었다": "ko",
}


@pytest.mark.parametrize("text", ["", " \n", "12:30", "!!!", "🙂"])
def test_a_text_without_letters_has_no_language_and_no_script(text):
    assert language_of(text) == (None, 0.0)
    assert script_of(text) is None


@pytest.mark.parametrize(("text", "code"), SENTENCES.items())
def test_sentences_are_told(text, code):
    found = language_of(text)
    assert found.code == code
    assert 0.6 <= found.probability <= 1


@pytest.mark.parametrize("text", ["A sock.", "STOP", "Post", "A teapot."])
def test_a_few_letters_tell_no_language(text):
    found = language_of(text)
    assert found.code is None
    assert 0 < found.probability < 0.6


@pytest.mark.parametrize(
    ("text", "script"),
    [("Zürich 8000", "Latn"), ("МИР", "Cyrl"), ("Λόγος", "Grek"), ("北京大学", "Hani"), ("東京でデモ", "Jpan"),
     ("서울", "Hang"), ("سلام", "Arab"), ("שלום", "Hebr"), ("शांति", "Deva"), ("Мир peace", "Latn"), ("ᚠᚢ", None),
     ("𝐜𝐥𝐢𝐦𝐚𝐭𝐞", "Latn"), ("ＣＬＩＭＡＴＥ", "Latn"), ("ﾃﾞﾓ", "Jpan"), ("1º", "Latn"), ("ދިވެހި", "Thaa")],
)  # fmt: skip
def test_scripts(text, script):
    assert script_of(text) == script


def test_letters_that_are_only_styled_are_the_letters_they_stand_for():
    text = "The freedom of the press is one of the great bulwarks of liberty"
    bold = "".join(chr(0x1D41A + ord(c) - ord("a")) if c.islower() else c for c in text)
    assert language_of(bold) == language_of(text)


def test_it_keeps_the_contract():
    check_measure(Language())


def test_what_is_no_text_is_refused():
    with pytest.raises(InputError, match="expected a text, got bytes"):
        Language()([b"text"])


def test_the_classifier_is_the_one_of_the_package():
    from py3langid.langid import MODEL_FILE, LanguageIdentifier

    assert weights.path(MODEL, "model.npz.xz").is_file()
    theirs = LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)
    for text in SENTENCES:
        assert theirs.classify(text) == identifier().classify(text)


def test_nearly_all_that_it_names_in_real_captions_is_right(stamps):
    named, right = 0, []
    for file in sorted(stamps.rglob("*.txt"))[::12]:
        for line in file.read_text("utf-8", errors="replace").splitlines():
            said = re.fullmatch(r"(de|el|es|fr|hu|it|ja|ko|nl|pl|ru|tr)\.utf8=(.+)", line)
            if said and (found := language_of(said[2])).code:
                named += 1
                right.append(found.code == said[1])
    assert named > 250
    assert np.mean(right) > 0.97
