"""Captions with known text on real photographs: as memes, subtitles and posters have them."""

from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import fetch
import numpy as np
from PIL import Image, ImageDraw, ImageFont

__all__ = ["SENTENCES", "Caption", "captioned", "font_for"]

SENTENCES = {
    "Latn": (
        "WE DEMAND CLIMATE JUSTICE NOW",
        "The quick brown fox jumps over 13 lazy dogs",
        "Übergrößenträger für Zürich & Köln",
        "Où sont passées les élections ?",
        "¿Dónde está la manifestación?",
        "Nie wieder Krieg – 1. Mai 2024",
        "Żółć gęślą jaźń, powiedział Łukasz",
        "when you finally read the codebook",
    ),
    "Hani": ("我们要求气候正义", "今天的新闻报道非常重要", "北京大学欢迎新同学", "禁止停车请勿吸烟"),
    "Jpan": ("私たちは平和を求めます", "東京で大規模なデモがありました", "ありがとうございました", "カメラとコーヒー"),
    "Cyrl": ("Нет войне, мы за мир", "Сегодня в Москве прошёл митинг", "Свобода важна для всех", "ЗАЩИТИМ ПРИРОДУ"),
    "Grek": ("Όχι στον πόλεμο τώρα", "Η δημοκρατία στην Ελλάδα", "Καλημέρα σας από την Αθήνα", "ΕΛΕΥΘΕΡΙΑ ΛΟΓΟΥ"),
    "Arab": ("نريد العدالة المناخية الآن", "حرية الصحافة للجميع", "مرحبا بكم في القاهرة", "لا للحرب نعم للسلام"),
    "Deva": ("हमें जलवायु न्याय चाहिए", "भारत में चुनाव शुरू हुए", "सभी का स्वागत है", "शांति और स्वतंत्रता"),
}
"""By ISO 15924 code of the script."""

PHOTOS = ("chelsea.png", "coffee.png", "china.jpg", "astronaut.png")


@dataclass(frozen=True)
class Caption:
    """A picture, what is written on it and where: (x0, y0, x1, y1) of the ink in px."""

    picture: np.ndarray
    text: str
    box: tuple[int, int, int, int]


def font_for(script: str, size: int, bold: bool = False) -> ImageFont.FreeTypeFont:
    """A font that has the letters."""
    if script in {"Hani", "Jpan"}:
        return ImageFont.truetype(fetch.fonts() / "wqy-zenhei.ttc", size)
    if script == "Deva":
        return ImageFont.truetype(fetch.fonts() / "Lohit-Devanagari.ttf", size)
    spec = find_spec("matplotlib")
    assert spec is not None
    assert spec.origin is not None
    name = "DejaVuSans-Bold.ttf" if bold else "DejaVuSans.ttf"
    return ImageFont.truetype(Path(spec.origin).parent / "mpl-data/fonts/ttf" / name, size)


def captioned(photo: Path, text: str, script: str = "Latn", size: int = 36, style: str = "outline") -> Caption:
    """A photograph 800 px wide with a caption, in the middle of its lower part.

    Args:
        photo: file.
        text: what to write.
        script: ISO 15924 code.
        size: of the font, px.
        style: "outline" (white with a black edge: memes), "band" (black on a white band), "plain" (white).
    """
    image = Image.open(photo).convert("RGB")
    image = image.resize((800, round(image.height * 800 / image.width)))
    draw, font = ImageDraw.Draw(image), font_for(script, size, bold=style == "outline")
    edge = size // 10 if style == "outline" else 0
    left, top, right, bottom = draw.textbbox((0, 0), text, font, stroke_width=edge)
    x, y = (800 - (right - left)) // 2 - left, image.height - round(1.8 * size) - top
    box = (x + left, y + top, x + right, y + bottom)
    if style == "band":
        draw.rectangle((0, box[1] - size // 3, 800, box[3] + size // 3), "white")
    draw.text((x, y), text, "black" if style == "band" else "white", font, stroke_width=edge, stroke_fill="black")
    return Caption(np.asarray(image), text, box)
