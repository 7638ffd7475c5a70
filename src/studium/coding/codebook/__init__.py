"""A codebook to be read by people, and by Label Studio."""

from studium.coding.codebook.html import as_html
from studium.coding.codebook.label_studio import labeling_config
from studium.coding.codebook.markdown import as_markdown
from studium.core.codebook import Codebook
from studium.errors import InputError

__all__ = ["FORMATS", "as_html", "as_markdown", "labeling_config", "rendered"]

FORMATS = {"markdown": ".md", "html": ".html", "label_studio": ".xml"}
"""Format -> suffix of its files."""


def rendered(codebook: Codebook, form: str, title: str = "", of: str = "image", pairs: bool = False) -> str:
    """A codebook in a format.

    Args:
        codebook: whose.
        form: one of `FORMATS`.
        title: of the study; Label Studio's has none.
        of: kind of unit whose variables Label Studio asks; the other formats have all.
        pairs: those about pairs of such units.

    Raises:
        InputError: no such format, or nothing for Label Studio to ask.
        MissingExtraError: jinja2, for HTML, is not installed.
    """
    if form == "label_studio":
        return labeling_config(codebook, of, pairs)
    if form not in FORMATS:
        raise InputError(f"no format {form!r} of a codebook; there are: {', '.join(FORMATS)}")
    return as_html(codebook, title) if form == "html" else as_markdown(codebook, title)
