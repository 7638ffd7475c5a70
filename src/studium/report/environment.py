"""What fills the templates of pages: all of them have one head, which lets nothing be loaded."""

from functools import cache
from pathlib import Path

import jinja2
from markupsafe import Markup

from studium.report import text
from studium.report.plots import stroke

__all__ = ["environment"]


@cache
def environment() -> jinja2.Environment:
    """The templates of this package, with their filters and style."""
    made = jinja2.Environment(
        loader=jinja2.PackageLoader("studium.report"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    shapes = {
        name: getattr(text, name)
        for name in ("bidi", "count", "noun", "number", "percent", "plural", "visible", "written")
    }
    made.filters |= shapes | {"stroke": stroke}
    made.globals["css"] = _style()
    return made


def _style() -> Markup:
    return Markup((Path(__file__).parent / "templates" / "style.css").read_text(encoding="utf-8"))
