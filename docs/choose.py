"""Writes the tables of which-model.md from the rows of models.toml; the text around them is written by hand.

``python docs/choose.py`` writes them anew; a test holds them to the rows. A table stands between a line
``<!-- table: ID ID ... -->`` and the line ``<!-- end of table -->``.
"""

import re
from pathlib import Path

from studium.core import weights

__all__ = ["PAGE", "filled", "named", "table"]

PAGE = Path(__file__).with_name("which-model.md")
TABLE = re.compile(r"(?P<mark><!-- table: (?P<ids>[^>]+) -->\n).*?(?P<end><!-- end of table -->)", re.DOTALL)


def named(page: str) -> list[str]:
    """The ids of the models that the tables of a page name."""
    return [name for found in TABLE.finditer(page) for name in found["ids"].split()]


def filled(page: str) -> str:
    """The page with its tables written anew."""
    return TABLE.sub(lambda found: found["mark"] + table(found["ids"].split()) + found["end"], page)


def table(ids: list[str]) -> str:
    """One row for each model."""
    lines = [
        "| model | from | MB | million parameters | licence | learned from |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    lines += ["| " + " | ".join(_cells(weights.get(name))) + " |" for name in ids]
    return "\n".join(lines) + "\n"


def _cells(row: weights.Model) -> list[str]:
    source = "made of " + ", ".join(row.uses) if row.uses else "the hub" if row.bundle else "package index"
    parameters = _number(row.parameters)
    return [f"[{row.id}](models.md#{row.id})", source, _number(row.size / 1e6), parameters, row.licence, row.trained_on]


def _number(number: float) -> str:
    """Three digits of it; nothing for what is not known."""
    if not number:
        return ""
    return f"{float(f'{number:.3g}'):,.0f}" if number >= 100 else f"{number:.3g}"


if __name__ == "__main__":
    PAGE.write_text(filled(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
