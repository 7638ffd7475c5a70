"""Tesseract: what it reads, what is said when it or a language is missing, and what names it in recipes."""

import os

import numpy as np
import pytest
from lettering import font_for
from PIL import Image, ImageDraw

from studium.errors import InputError, MediaError
from studium.measure import ocr_tesseract
from studium.measure.ocr_tesseract import identity, read


@pytest.fixture
def installed(tesseract, monkeypatch):
    monkeypatch.setenv("PATH", str(tesseract), prepend=os.pathsep)


def line(text: str, ink: str = "black", paper: str = "white") -> np.ndarray:
    image = Image.new("RGB", (800, 60), paper)
    ImageDraw.Draw(image).text((10, 8), text, ink, font_for("Latn", 36))
    return np.asarray(image)


def test_no_line_starts_no_program(monkeypatch):
    monkeypatch.setenv("PATH", "")
    assert read([], ["eng"]) == []


@pytest.mark.usefixtures("installed")
def test_lines_are_read_each_on_its_own():
    texts = ["Свобода слова важна для всех", "Η δημοκρατία στην Ελλάδα"]
    found = read([line(texts[0]), np.full((40, 300, 3), 255, np.uint8), line(texts[1])], ["rus", "ell"])
    assert [found[0].text, found[2].text] == texts
    assert all(0.5 < one.confidence <= 1 for one in (found[0], found[2]))
    assert found[1].confidence < 0.5  # tesseract sees a letter in the blank line, but hardly


@pytest.mark.usefixtures("installed")
@pytest.mark.parametrize(("ink", "paper"), [("yellow", "navy"), ("white", "black"), ("red", "white"), ("red", "black")])
def test_coloured_letters_are_read(ink, paper):
    (found,) = read([line("Сегодня митинг", ink, paper)], ["rus"])
    assert found.text == "Сегодня митинг"


@pytest.mark.usefixtures("installed")
def test_a_line_too_long_for_tesseract_and_one_too_small_leave_the_others_alone():
    short, text = line("Сегодня митинг"), "Свобода слова важна для всех"
    ticker = np.concatenate([line(text)] * 39, axis=1)  # 31,200 x 60 px, 33,280 if 64 px high
    found = read(iter([short, ticker, np.zeros((48, 1, 3), np.uint8), short]), ["rus"])
    assert [found[0].text, found[3].text] == ["Сегодня митинг"] * 2
    assert found[1].text.count(text) > 30
    assert found[2].text == ""


@pytest.mark.usefixtures("installed")
def test_a_failing_program_fails_the_medium():
    with pytest.raises(MediaError, match="tesseract could not read the lines"):
        read([line("text")], ["tlh"])


@pytest.mark.usefixtures("installed")
def test_the_identity_names_version_and_content():
    assert identity(["rus"]) != identity(["ell"])
    version, language = identity(["rus"]).rsplit(" ", 1)
    assert version.startswith("tesseract 5")
    assert language.startswith("rus:")
    assert len(language) == 20


@pytest.mark.usefixtures("installed")
def test_a_missing_language_says_how_to_get_it():
    with pytest.raises(InputError, match=r"no language chi_sim.*apt-get install tesseract-ocr-chi-sim.*brew"):
        identity(["rus", "chi_sim"])


def test_a_missing_program_says_how_to_get_it(monkeypatch):
    monkeypatch.setenv("PATH", "")
    with pytest.raises(InputError, match=r"apt-get install tesseract-ocr .*brew .*winget"):
        identity(["rus"])


def test_spaces_between_chinese_characters_and_marks_of_direction_go():
    table = "5\t1\t1\t1\t1\t1\t0\t0\t9\t9\t90.0\t我\n5\t1\t1\t1\t1\t2\t0\t0\t9\t9\t80\t们\n" + (
        "5\t2\t1\t1\t1\t1\t0\t0\t9\t9\t-1\t\u200eسلام\u200e\n4\t2\t1\t1\t1\t1\t0\t0\t9\t9\t-1\t\n"
    )
    found = ocr_tesseract._lines(table, 3)
    assert [one.text for one in found] == ["我们", "سلام", ""]
    assert [one.confidence for one in found] == [pytest.approx(0.85), 0, 0]
