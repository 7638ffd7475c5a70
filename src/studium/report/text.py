"""Numbers and other people's words, made fit for a page."""

import math
from pathlib import PurePath

from markupsafe import Markup, escape

__all__ = ["bidi", "count", "name", "noun", "number", "percent", "plural", "size", "visible", "written"]

_CONTROLS = {code: 0x2400 + code for code in range(0x20)} | {0x7F: 0x2421}
_PLURALS = {"speech": "speech segments", "medium": "media"}


def visible(text: object) -> str:
    """Text with its control characters shown as their pictures: a newline in a file name becomes ␊."""
    return str(text).translate(_CONTROLS)


def written(text: object) -> str:
    """`visible`, but for line breaks and tabs, which are left as they were written."""
    lines = str(text).replace("\r\n", "\n").split("\n")
    return "\n".join("\t".join(map(visible, line.split("\t"))) for line in lines)


def bidi(text: object) -> Markup:
    """Other people's words, set apart so that their direction of writing cannot reorder the page around them."""
    return Markup("<bdi>%s</bdi>") % escape(visible(text))


def name(path: str | None) -> str:
    """The last part of a path, as a caption."""
    return PurePath(path).name if path else ""


def count(n: int) -> str:
    """A whole number with thin spaces between thousands."""
    return f"{n:,}".replace(",", "\u202f")


def plural(kind: str) -> str:
    """``images``, ``speech segments``."""
    return _PLURALS.get(kind, f"{kind}s")


def noun(n: int, kind: str) -> str:
    """``1 image``, ``2 images``, ``3 media``."""
    return f"{count(n)} {kind if n == 1 else plural(kind)}"


def number(x: float | None) -> str:
    """Three significant digits; whole numbers in full up to a million."""
    if x is None or math.isnan(x):
        return "–"
    if math.isinf(x):
        return "∞" if x > 0 else "−∞"
    size = abs(x)
    if size >= 1e15 or 0 < size < 1e-4:
        mantissa, exponent = f"{x:.2e}".split("e")
        return _minus(f"{mantissa.rstrip('0').rstrip('.')} × 10^{int(exponent)}")
    if float(x).is_integer() or size >= 1000:
        return _minus(count(round(x)))
    text = f"{x:.{max(0, 2 - math.floor(math.log10(size)))}f}"
    return _minus(text.rstrip("0").rstrip(".") if "." in text else text)


def percent(part: int, whole: int) -> str:
    """A share; with a decimal near 0 % and 100 %, and neither of them unless it is."""
    if not whole:
        return "–"
    share = 100 * part / whole
    if 0 < share < 0.1:
        return "<\u202f0.1\u202f%"
    if 99.9 < share < 100:
        return ">\u202f99.9\u202f%"
    fine = 0 < share < 9.95 or 99 <= share < 100
    return f"{share:.{int(fine)}f}\u202f%"


def size(n: int) -> str:
    """Bytes, in decimal units."""
    value = float(n)
    for unit in ("bytes", "kB", "MB", "GB"):
        if value < 1000:
            return f"{number(value)} {unit}"
        value /= 1000
    return f"{number(value)} TB"


def _minus(text: str) -> str:
    return text.replace("-", "−")
