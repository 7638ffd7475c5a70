"""A codebook as Markdown."""

import re
from collections.abc import Iterator

from studium.coding.codebook import words
from studium.core.codebook import Codebook
from studium.core.variable import NONE_OF_THESE, Variable

__all__ = ["as_markdown"]


def as_markdown(codebook: Codebook, title: str = "") -> str:
    """Everything a coder reads and may answer, variable by variable.

    Args:
        codebook: whose.
        title: of the study; "" for none.
    """
    lines = [f"# Codebook{': ' * bool(title)}{_text(title)}", ""]
    for variable in codebook.variables:
        lines += [*_variable(variable), ""]
    if not codebook.variables:
        lines += ["No variable is defined yet.", ""]
    return "\n".join(lines)


def _variable(variable: Variable) -> Iterator[str]:
    yield f"## {_text(variable.name)}"
    yield f"\n**{_text(variable.question)}**"
    if variable.instructions:
        yield f"\n{_text(variable.instructions)}"
    yield f"\nAsked about {words.units(variable)}. Answer: {words.answer(variable)}."
    for name, values in words.conditions(variable):
        yield f"Asked only if {_code(name)} is {' or '.join(map(_code, values))}."
    yield from words.remarks(variable)
    yield ""
    for value in variable.values:
        yield f"- {_code(value.name)}{': ' * bool(value.definition)}{_text(value.definition)}"
        for word, them in words.rules(value):
            yield f"  - {word}: {'; '.join(_code(it) if word == 'Example units' else _text(it) for it in them)}"
    if variable.none_of_these:
        yield f"- {_code(NONE_OF_THESE)}: {words.NONE}"
    if variable.cannot_tell:
        yield f"- *cannot tell*: {words.CANNOT_TELL}"
    yield f"\nDefinition {_code(variable.digest)}, type {_code(variable.type)}."


def _text(text: str) -> str:
    """On one line, with nothing that Markdown or HTML would take for markup."""
    return re.sub(r"([\\`*_\[\]<>#|~&])", r"\\\1", " ".join(text.split()))


def _code(text: str) -> str:
    """Word for word; with as many backticks around as it takes."""
    fence = "`" * (1 + max(map(len, re.findall("`+", text)), default=0))
    pad = " " * (len(fence) > 1)
    return f"{fence}{pad}{text}{pad}{fence}"
