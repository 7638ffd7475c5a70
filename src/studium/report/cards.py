"""Model cards as pages: the words of `ModelCard.markdown`, in one HTML file that loads nothing."""

from html import escape
from pathlib import Path

from studium.learn.models.card import ModelCard
from studium.report.text import visible

__all__ = ["html"]

_PAGE = """\
<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="generator" content="studium">
<meta name="referrer" content="no-referrer">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>Model card: {name}</title>
<style>{css}</style>
</head>
<body>
<main>
{body}</main>
</body>
</html>
"""


def html(card: ModelCard) -> str:
    """A model card as one HTML page, which needs no other file.

    Prose may use Markdown, as in `ModelCard.markdown`. HTML in it stays visible text, and pictures are not loaded.

    Raises:
        InputError: the card has no name, or ``model`` is not what `Fitted.card` returns.
    """
    from markdown_it import MarkdownIt  # rich needs it too

    reader = MarkdownIt("commonmark", {"html": False}).enable("table").disable("image")
    body = reader.render(card.markdown()).replace("<table>", '<div class="scroll"><table>')
    css = (Path(__file__).parent / "templates" / "style.css").read_text(encoding="utf-8")
    return _PAGE.format(name=escape(visible(card.name)), css=css, body=body.replace("</table>", "</table></div>"))
