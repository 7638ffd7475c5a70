"""A codebook as one page that stands alone, to be read on a screen, printed, or saved as PDF from a browser."""

from typing import Any

from studium.coding.codebook import words
from studium.core.codebook import Codebook
from studium.core.variable import NONE_OF_THESE
from studium.errors import MissingExtraError

__all__ = ["as_html"]


def as_html(codebook: Codebook, title: str = "") -> str:
    """Everything a coder reads and may answer, variable by variable; HTML5 without scripts or anything from outside.

    Args:
        codebook: whose.
        title: of the study; "" for none.

    Raises:
        MissingExtraError: jinja2 is not installed.
    """
    try:
        import jinja2
    except ImportError as error:
        raise MissingExtraError("jinja2", "report") from error
    made = jinja2.Environment(
        loader=jinja2.PackageLoader("studium.coding.codebook", "templates"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    shown: dict[str, Any] = {"words": words, "none_of_these": NONE_OF_THESE, "title": title}
    return made.get_template("codebook.html").render(variables=codebook.variables, **shown)
