"""Texts that tokenizers can read."""

from studium.errors import InputError

__all__ = ["check_text"]


def check_text(text: str) -> str:
    """Return ``text`` if it is one.

    Raises:
        InputError: it is not, or not Unicode (a lone surrogate).
    """
    if not isinstance(text, str):
        raise InputError(f"expected a text, got {type(text).__name__}")
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise InputError(f"a text is not valid Unicode, it has a lone surrogate: {text[:40]!r}") from error
    return text
