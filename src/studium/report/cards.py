"""Model cards as pages: the words of `ModelCard.markdown`, in one HTML file that loads nothing."""

from studium.errors import MissingExtraError
from studium.learn.models.card import ModelCard

try:  # here, as whoever trains a model should know before, not after
    from markupsafe import Markup

    from studium.report.environment import environment
except ModuleNotFoundError as error:
    raise MissingExtraError("jinja2", "report") from error

__all__ = ["html"]


def html(card: ModelCard) -> str:
    """A model card as one HTML page, which needs no other file.

    Prose may use Markdown, as in `ModelCard.markdown`. HTML in it stays visible text, and pictures are not loaded.

    Raises:
        InputError: the card has no name, or ``model`` is not what `Fitted.card` returns.
    """
    from markdown_it import MarkdownIt  # rich needs it too

    reader = MarkdownIt("commonmark", {"html": False}).enable("table").disable("image")
    body = reader.render(card.markdown()).replace("<table>", '<div class="scroll"><table>')
    body = body.replace("</table>", "</table></div>")
    return environment().get_template("card.html").render(name=card.name, body=Markup(body))
