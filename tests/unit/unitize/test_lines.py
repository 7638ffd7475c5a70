"""Lines of text: read on real signs and on captions with known text, in the order of reading, or withheld."""

import os
import pickle
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from edits import edits
from lettering import SENTENCES, captioned, font_for
from PIL import Image, ImageDraw

from studium import Corpus, sources
from studium.core.recipe import recipe_of
from studium.core.unit import Span
from studium.errors import InputError
from studium.testing import check_unitizer, sample_inputs
from studium.unitize.lines import Lines, _ordered

SIGNS = {
    "scenetext01.jpg": ["NOTICE", "DOUBLE", "PARKING", "PROHIBITED", "AT ALL TIMES", "Post"],
    "scenetext03.jpg": ["the", "copy", "centre"],
    "scenetext05.jpg": ["NOPARKING", "NOPARKING"],
}


def opened(path: Path) -> np.ndarray:
    return np.asarray(Image.open(path).convert("RGB"))


def page(size: tuple[int, int], *texts: tuple[int, int, str, int], script: str = "Latn") -> np.ndarray:
    """A white page with (x, y, text, size of the font) on it."""
    image = Image.new("RGB", size, "white")
    draw = ImageDraw.Draw(image)
    for x, y, text, high in texts:
        draw.text((x, y), text, "black", font_for(script, high))
    return np.asarray(image)


def texts(picture: np.ndarray) -> list[str | None]:
    return [span.text for span in Lines()(picture)]


def alike(got: str | None, wanted: str) -> bool:
    """Whether all but a tenth of the characters are the same, spaces aside."""
    ours, theirs = (got or "").replace(" ", "").casefold(), wanted.replace(" ", "").casefold()
    return edits(ours, theirs) <= len(theirs) // 10


@pytest.mark.parametrize(
    "picture",
    [
        np.full((300, 400, 3), 255, np.uint8),
        np.zeros((1, 1, 3), np.uint8),
        np.random.default_rng(0).integers(0, 256, (1, 3000, 3), np.uint8),
        np.random.default_rng(0).integers(0, 256, (300, 200, 3), np.uint8),
    ],
    ids=["white", "1 x 1", "1 x 3000", "noise"],
)
def test_where_there_is_no_text_there_is_no_line(picture):
    assert list(Lines()(picture)) == []


def test_white_on_white_is_no_line():
    image = Image.new("RGB", (800, 300), "white")
    ImageDraw.Draw(image).text((100, 100), "invisible", "white", font_for("Latn", 40))
    assert texts(np.asarray(image)) == []


@pytest.mark.parametrize(("name", "wanted"), SIGNS.items())
def test_signs_in_photographs_are_read_in_order(opencv_doc, name, wanted):
    assert texts(opened(opencv_doc / "text" / name)) == wanted


def test_a_span_says_where_and_how_the_line_lies(opencv_doc):
    notice, *_, post = Lines()(opened(opencv_doc / "text/scenetext01.jpg"))
    assert notice.box == pytest.approx((266, 25, 435, 83), abs=4)
    assert np.array(notice.points) == pytest.approx(np.array([(267, 26), (435, 26), (435, 82), (267, 82)]), abs=4)
    assert notice.values["height"] == pytest.approx(56, abs=4)
    assert notice.values["angle"] == pytest.approx(0, abs=2)
    assert notice.values["script"] == "Latn"
    assert notice.values["confidence"] > 0.99
    assert post.values["language"] is None  # four letters tell none


@pytest.mark.parametrize("script", ["Latn", "Hani", "Jpan"])
def test_captions_are_read(photos, script):
    for text, style in zip(SENTENCES[script], ("outline", "band", "plain"), strict=False):
        caption = captioned(photos / "chelsea.png", text, script, 36, style)
        spans = [span for span in Lines()(caption.picture) if span.text]
        assert len(spans) == 1, [span.text for span in spans]
        assert alike(spans[0].text, text), spans[0].text
        assert spans[0].values["script"] == script
        x0, y0, x1, y1 = caption.box
        assert spans[0].box == pytest.approx((x0, y0, x1, y1), abs=30)  # a mark at the end may be missed


@pytest.mark.parametrize("script", ["Cyrl", "Grek", "Arab"])
def test_a_script_that_it_cannot_read_has_no_text_and_says_so(photos, script):
    for text in SENTENCES[script][:2]:
        spans = Lines()(captioned(photos / "chelsea.png", text, script, 36, "band").picture)
        (line,) = (span for span in spans if span.values["withheld"])
        assert line.text is None
        assert (line.values["withheld"], line.values["confidence"], line.values["script"]) == ("script", None, None)
        assert not [span for span in spans if span.text]


@pytest.mark.parametrize(("turns", "ahead"), [(0, (1, 0)), (1, (0, -1)), (2, (-1, 0)), (3, (0, 1))])
def test_turned_pictures_are_read_in_their_direction(turns, ahead):
    picture = page((700, 300), (40, 40, "when you finally", 40), (40, 140, "read the codebook", 40))
    lines = list(Lines()(np.rot90(picture, turns).copy()))
    assert [line.text for line in lines] == ["when you finally", "read the codebook"]
    for line in lines:
        first, second = np.array(line.points[:2])
        assert (second - first) @ ahead == pytest.approx(np.linalg.norm(second - first), rel=0.01)
        along = np.radians(line.values["angle"])
        assert (np.cos(along), np.sin(along)) == pytest.approx(ahead, abs=0.02)


def test_a_tilted_sign_is_read_along_its_own_direction(opencv_doc):
    tilted = Image.open(opencv_doc / "text/scenetext02.jpg").convert("RGB").rotate(30, expand=True)
    lines = [span for span in Lines()(np.asarray(tilted)) if span.text == "Conference Centre"]
    assert [span.values["angle"] for span in lines] == [pytest.approx(-26, abs=3)]


def test_columns_of_chinese_are_read_downwards_from_the_right():
    columns = ("今天的新闻报道", "北京大学欢迎", "禁止停车")
    letters = [(300 - 120 * x, 40 + 56 * y, letter, 48) for x, column in enumerate(columns)
               for y, letter in enumerate(column)]  # fmt: skip
    assert texts(page((500, 480), *letters, script="Hani")) == list(columns)


def test_rows_are_read_from_left_to_right():
    picture = page((900, 300), (500, 42, "second", 40), (50, 40, "first", 40), (50, 160, "third", 40))
    assert texts(picture) == ["first", "second", "third"]


def test_arabic_rows_are_read_from_the_right():
    def span(x: int, script: str) -> Span:
        return Span(box=(x, 0, x + 50, 20), text=f"{x}", values={"script": script, "angle": 0.0})

    assert [one.text for one in _ordered([span(0, "Arab"), span(100, "Arab")])] == ["100", "0"]
    assert [one.text for one in _ordered([span(100, "Latn"), span(0, "Latn")])] == ["0", "100"]


def test_letters_of_8_px_and_of_400_px_are_read():
    assert texts(page((800, 600), (100, 100, "The quick brown fox jumps over the lazy dog", 10))) == [
        "The quick brown fox jumps over the lazy dog"
    ]
    assert texts(page((2400, 1000), (100, 100, "STOP WAR", 400))) == ["STOP WAR"]


@pytest.mark.slow
def test_a_very_long_line_is_read_whole():
    text = "The freedom of the press is one of the great bulwarks of liberty and can never be restrained " * 4
    assert texts(page((12000, 200), (50, 80, text, 40))) == [text.strip()]


@pytest.mark.slow
def test_no_line_of_sixty_is_lost():
    wanted = [f"line {number} of sixty" for number in range(60)]
    places = [(40 + 400 * (n % 2), 20 + 30 * (n // 2), text, 20) for n, text in enumerate(wanted)]
    assert texts(page((840, 960), *places)) == wanted


def test_small_print_in_a_panorama_is_not_lost():
    picture = page((5000, 740), (4500, 400, "far to the right", 24), (1300, 100, "over the seam of windows", 24))
    assert texts(picture) == ["over the seam of windows", "far to the right"]


def test_the_threshold_decides_what_is_believed(photos):
    picture = captioned(photos / "chelsea.png", "¿Dónde está la manifestación?", size=14, style="plain").picture
    believed = [span.text for span in Lines(threshold=0.0)(picture)]
    (doubted,) = (span for span in Lines(threshold=1.0)(picture) if span.values["height"] < 30)
    assert any(alike(text, "¿Dónde está la manifestación?") for text in believed)
    assert (doubted.text, doubted.values["withheld"]) == (None, "unsure")


def test_a_look_needs_less_than_600_mb():
    """Peak of a process of its own. As it comes, ONNX Runtime takes 750 for one window, and keeps them."""
    code = """if True:
        import re
        from pathlib import Path
        import numpy as np
        from studium.unitize.lines import Lines
        lines = Lines()
        lines.prepare()
        picture = np.zeros((1536, 1600, 3), np.uint8)
        peak = lambda: int(re.search(r"VmHWM:\\s+(\\d+)", Path("/proc/self/status").read_text())[1])
        before = peak()
        list(lines(picture))
        list(lines(picture))  # ONNX Runtime lays a plan of the memory aside for a size that comes again
        print((peak() - before) / 1024)
    """
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert 100 < float(done.stdout) < 600


@pytest.mark.parametrize(
    ("params", "says"),
    [
        ({"engine": "easyocr"}, "one of rapidocr, tesseract"),
        ({"languages": ("eng",)}, "left out for rapidocr"),
        ({"engine": "tesseract"}, "list of codes"),
        ({"engine": "tesseract", "languages": "rus"}, "list of codes"),
        ({"engine": "tesseract", "languages": ("",)}, "list of codes"),
        ({"engine": "tesseract", "languages": (1,)}, "list of codes"),
        ({"languages": None}, "list of codes"),
        ({"threshold": 2}, "from 0 to 1"),
        ({"threshold": "0.5"}, "number from 0 to 1, got '0.5'"),
        ({"threshold": True}, "number from 0 to 1"),
        ({"threshold": float("nan")}, "number from 0 to 1"),
    ],
    ids=str,
)
def test_what_does_not_fit_is_refused_at_the_door(params, says):
    with pytest.raises(InputError, match=says):
        Lines(**params)


def test_it_keeps_the_contract(opencv_doc):
    check_unitizer(Lines(), [opened(opencv_doc / "text/scenetext06.jpg"), *sample_inputs("image")[:3]])


def test_the_recipe_holds_the_weights():
    models = recipe_of(Lines()).models
    assert set(models) == {"pp-ocrv6", "py3langid"}


def test_tesseract_reads_what_rapidocr_cannot(photos, tesseract, monkeypatch):
    monkeypatch.setenv("PATH", str(tesseract), prepend=os.pathsep)
    russian = Lines(engine="tesseract", languages=("rus",))
    text = "Сегодня в Москве прошёл митинг"
    (line,) = russian(captioned(photos / "chelsea.png", text, "Cyrl", 36, "band").picture)
    assert alike(line.text, text), line.text
    assert (line.values["script"], line.values["language"]) == ("Cyrl", "ru")
    assert russian.reader.startswith("tesseract 5")
    assert "rus:" in russian.reader
    assert recipe_of(russian).key != recipe_of(Lines(engine="tesseract", languages=("rus", "eng"))).key
    assert pickle.loads(pickle.dumps(russian)) == russian
    assert {Lines(engine="tesseract", languages=["rus"])} == {russian}  # type: ignore[arg-type]


def test_a_study_has_lines_their_share_and_what_follows_from_their_text(tmp_path, photos, opencv_doc):
    folder = tmp_path / "images"
    folder.mkdir()
    for name in ("scenetext01.jpg", "scenetext03.jpg"):
        (folder / name).write_bytes((opencv_doc / "text" / name).read_bytes())
    (folder / "chelsea.png").write_bytes((photos / "chelsea.png").read_bytes())
    corpus = Corpus(tmp_path / "study")
    corpus.add(sources.folder(folder))
    corpus.split("lines", of="image")
    corpus.measure("embed_text", of="line")
    images, lines = corpus.table("image", "lines"), corpus.table("line", "lines")
    assert sorted(images["line_count"].to_pylist()) == [0, 3, 6]
    assert max(images["line_area"].to_pylist()) == pytest.approx(0.081, abs=0.01)
    assert lines["text"].to_pylist() == corpus.units("line")["text"].to_pylist()
    assert lines["text"].null_count == 0
    vectors = corpus.table("line", "embed_text")
    assert (len(lines), len(vectors), vectors["text_embedding"].null_count) == (9, 9, 0)


def test_frames_of_a_video_have_lines_too(tmp_path, videos):
    (tmp_path / "videos").mkdir()
    (tmp_path / "videos/bikes.mp4").write_bytes((videos / "bikes.mp4").read_bytes())
    corpus = Corpus(tmp_path / "study")
    corpus.add(sources.folder(tmp_path / "videos"))
    corpus.split("frames", of="video", middle=True)
    corpus.split("lines", of="frame")
    frames = corpus.table("frame", "lines")
    assert (len(frames), frames["line_count"].null_count) == (1, 0)
