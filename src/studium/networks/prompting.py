"""Texts of strangers in a prompt: fenced, and without the marks of a chat template.

So no post can speak as anybody else, or pretend to be a picture.
"""

import re
from typing import Any

__all__ = ["broken", "fenced", "marks"]


def fenced(label: str, text: str) -> str:
    """A text under its label, in a fence that nothing in it can close.

    A fence is a row of backticks, longer than any within the text, as in Markdown.
    """
    fence = "`" * max(3, 1 + max(map(len, re.findall("`+", text)), default=0))
    return f"[{label}]\n{fence}\n{text}\n{fence}"


def marks(processor: Any) -> re.Pattern[str]:
    """What a model would take for more than text: special tokens, and what its chat template writes.

    Args:
        processor: of transformers, or a tokenizer.
    """
    template = str(getattr(processor, "chat_template", ""))
    added = getattr(processor, "tokenizer", processor).added_tokens_decoder.values()
    found = {str(token) for token in added if token.special or str(token) in template}
    found |= {str(value) for name, value in vars(processor).items() if name.endswith("_token") and value}
    several = (mark for mark in found if len(mark) > 1 and not mark.isspace())
    longest_first = sorted(several, key=lambda mark: (-len(mark), mark))
    return re.compile("|".join(map(re.escape, longest_first)) or r"(?!)")


def broken(text: str, marks: re.Pattern[str]) -> str:
    """The text without marks: a zero-width space breaks them."""
    return marks.sub(lambda mark: f"{mark[0][0]}\u200b{mark[0][1:]}", text)
