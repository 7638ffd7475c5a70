"""The static study report: one HTML file that a colleague can read, print and keep, without studium."""

from pathlib import Path
from typing import TYPE_CHECKING

from studium.core import parts
from studium.errors import MissingExtraError

if TYPE_CHECKING:
    from studium.corpus.reading import Reading

__all__ = ["write"]


def write(corpus: "Reading") -> Path:
    """Write ``report/index.html`` in the study folder, whole or not at all.

    The page holds everything it shows: no script, nothing is loaded from elsewhere. The same study gives the same
    bytes; the date is that of the last run. Thumbnails of units not seen before go to ``thumbs/``. Beside it lies a
    page ``mistakes-NAME.html`` for every model that was trained in the study, which quotes texts: the report does not.

    Returns:
        The path of the page.

    Raises:
        MissingExtraError: jinja2 is not installed; the message names the extra.
    """
    try:
        import jinja2  # noqa: F401  (the modules below need it from their first line)
    except ImportError as error:
        raise MissingExtraError("jinja2", "report") from error
    from studium.report.page import errors, render

    path = corpus.root / "report" / "index.html"
    parts.replace_file(path, render(corpus.root, corpus.store, corpus.study))
    pages = {f"mistakes-{name}.html": page for name, page in errors(corpus.root, corpus.store, corpus.study).items()}
    for name, page in pages.items():
        parts.replace_file(path.with_name(name), page)
    for old in path.parent.glob("mistakes-*.html"):
        if old.name not in pages:
            old.unlink()
    return path
