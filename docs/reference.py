"""Writes the pages of the manual that the code itself can tell: measures, models, command line.

``python docs/reference.py`` writes them anew; a test holds them to the code.
"""

import dataclasses
import inspect
import re
from collections.abc import Iterator, Mapping, Sequence
from importlib.metadata import distribution
from pathlib import Path
from typing import Any

import click

from studium.cli import cli
from studium.core import weights
from studium.core.column import Column
from studium.core.protocols import Measure, Unitizer
from studium.core.unit import PARENTS, kinds_offering
from studium.core.variable import Value, Variable

__all__ = ["PAGES", "built_in", "command_line", "commands", "measures", "models", "unitizers"]

NOTE = "<!-- Written by `python docs/reference.py`; do not edit. -->\n"
EXAMPLES: Mapping[str, dict[str, Any]] = {
    "ask": {
        "variables": (Variable("scene", "What is shown?", "post", "categorical", (Value("protest"), Value("other"))),),
        "model": "qwen2.5vl",
        "url": "http://localhost:11434/v1",
    },
    "classify_text": {
        "model": "toxic-bert",
        "variable": "stance",
        "labels": ("against", "for"),
        "problem_type": "single_label_classification",
    },
    "frames": {"every": 2.0},
    "logos": {"references": "brands/"},
    "zero_shot": {"values": ("animal", "food"), "variable": "scene"},
}
"""What a measure needs before it can say which columns it makes."""


def built_in(group: str) -> dict[str, type[Any]]:
    """The parts that studium itself registers in a group, without other packages' plugins; sorted by name."""
    points = distribution("studium").entry_points.select(group=f"studium.{group}")
    return {point.name: point.load() for point in sorted(points, key=lambda point: point.name)}


def commands() -> Iterator[tuple[str, click.Command]]:
    """Every command with its full name, groups before their commands."""
    for name, command in cli.commands.items():
        yield f"studium {name}", command
        if isinstance(command, click.Group):
            yield from ((f"studium {name} {inner}", one) for inner, one in command.commands.items())


def measures() -> str:
    """The page of the measures."""
    parts = built_in("measures")
    lines = [
        NOTE,
        "# Measures\n",
        "A measure turns one unit into one row. Name it in a step of [studium.toml](study-file.md), or in "
        '`corpus.measure("colour", of="image")`. A changed parameter makes a new table beside the old one.\n',
        "A measure whose extra is not installed says which one it needs. Pictures are RGB with 8 bits, upright, on "
        "white where they are transparent; of an animation the first frame counts. Sound is 16 kHz mono.\n",
        *table(["measure", "of", "gives"], ([f"[{n}](#{n})", kinds(p), lead(p)] for n, p in parts.items())),
    ]
    for name, part in parts.items():
        lines += _part(name, part(**EXAMPLES.get(name, {})), "")
    return page(lines)


def unitizers() -> str:
    """The page of the unitizers."""
    parts = built_in("unitizers")
    lines = [
        NOTE,
        "# Unitizers\n",
        "A unitizer splits one unit into many smaller ones. Name it in a step of [studium.toml](study-file.md), or in "
        '`corpus.split("frames", of="video", every=2.0)`. A unit is named by what it lies in and where, so two '
        "unitizers that find the same frame find the same unit; the table of its name tells which of them found it.\n",
        *table(
            ["unitizer", "of", "makes", "finds"],
            ([f"[{n}](#{n})", splits(p), f"`{p.makes}`", lead(p)] for n, p in parts.items()),
        ),
    ]
    for name, part in parts.items():
        lines += _part(name, part(**EXAMPLES.get(name, {})), f" Makes units of kind `{part.makes}`.")
    return page(lines)


def _part(name: str, part: Measure | Unitizer, makes: str) -> list[str]:
    text, parameters = prose(part)
    takes = splits(type(part)) if isinstance(part, Unitizer) else kinds(type(part))
    lines = [f"## {name}\n", f"Of units of kind {takes}.{makes}\n", text]
    if part.models:
        lines.append("Models: " + ", ".join(f"[{model}](models.md#{model})" for model in part.models) + ".\n")
    fields = [(f"`{f.name}`", default(f), parameters[f.name]) for f in dataclasses.fields(part)]  # type: ignore[arg-type]
    if fields:
        lines += table(["parameter", "default", "meaning"], fields)
    if name in EXAMPLES and part.columns:
        said = ", ".join(f"`{key} = {literal(value)}`" for key, value in EXAMPLES[name].items())
        lines.append(f"Columns with {said}:\n")
    sources = list(dict.fromkeys(column.source for column in part.columns if column.source))
    names = ["column", "type", "unit", "range", "meaning", "source"]
    if part.columns:
        lines += table(names, (described(column, sources) for column in part.columns))
    return lines + [f"{n}. {linked(source)}" for n, source in enumerate(sources, 1)] + [""] * bool(sources)


def models() -> str:
    """The page of the models."""
    rows = weights.rows()
    overview = ([f"[{m.id}](#{m.id})", m.task, m.licence, weight(m)] for m in rows.values())
    lines = [
        NOTE,
        "# Models\n",
        "The weights behind the measures, one row of data each (`studium/core/models.toml`). A file is pinned by the "
        "sha256 of its content, a snapshot of a hub repository by its commit. It is fetched when a run first needs it, "
        "or by `studium models pull`; a snapshot lies in the hub's own cache (`HF_HOME`), the rest in studium's. "
        "[reproducibility](reproducibility.md) says how to work without a network. Weights are never run as code.\n",
        *table(["model", "task", "licence", "size"], overview),
    ]
    for model in rows.values():
        paper = f"Paper: {linked(model.paper)}. " if model.paper else ""
        lines += [f"## {model.id}\n", model.about + "\n", f"{paper}Licence: {model.licence}.\n"]
        if model.uses:
            lines.append("Made of: " + ", ".join(f"[{used}](#{used})" for used in model.uses) + ".\n")
        if isinstance(model.bundle, weights.Snapshot):
            names = ", ".join(f"`{name}`" for name in model.bundle.names)
            lines.append(f"Snapshot of the hub: `{model.bundle}`, {names}.\n")
        files = [
            (f"`{file.name}`", f"{file.size:,}", f"`{file.sha256[:16]}`…", "; ".join(map(str, file.sources)))
            for file in model.files
        ]
        if files:
            lines += table(["file", "bytes", "sha256", "sources, in order"], files)
    return page(lines)


def command_line() -> str:
    """The page of the command line."""
    lines = [
        NOTE,
        "# Command line\n",
        "A study is a folder; every command works on the one in `--study`, by default the current folder. `--set` "
        "reads its value as TOML (`5`, `0.5`, `true`, `[1, 2]`) and else as text. An error is one line and exit "
        "code 1; `studium -v COMMAND ...` shows its traceback. Output that does not go to a terminal is plain text "
        "with tabs.\n",
        *table(["command", "what it does"], ([f"[`{n}`](#{n.replace(' ', '-')})", first(c)] for n, c in commands())),
    ]
    for name, command in commands():
        lines += _command(name, command)
    return page(lines)


def _command(name: str, command: click.Command) -> list[str]:
    arguments = " ".join(usage(p) for p in command.params if isinstance(p, click.Argument))
    text, mark, example = (command.help or "").partition("\b\n")
    options = [p for p in command.params if isinstance(p, click.Option)]
    lines = [f"## {name}\n", f"`{name} {arguments}`\n".replace(" `", "`"), text.strip() + "\n"]
    if mark:
        lines.append(f"```sh\n{inspect.cleandoc(example)}\n```\n")
    rows = [(f"`{' '.join(o.opts)}`", (o.help or "") + (f" Default: `{o.default}`." if o.show_default else "")
             + (" Required." if o.required else "")) for o in options]  # fmt: skip
    return lines + (table(["option", "meaning"], rows) if rows else [])


PAGES = {"measures.md": measures, "unitizers.md": unitizers, "models.md": models, "command-line.md": command_line}
"""File name -> what writes it."""


def page(lines: Sequence[str]) -> str:
    """The lines of a page, with one line break at its end."""
    return "\n".join(lines).rstrip() + "\n"


def table(names: Sequence[str], rows: Any) -> list[str]:
    """A Markdown table and an empty line."""
    cells = [names, ["---"] * len(names), *rows]
    return [*("| " + " | ".join(str(cell).replace("|", "\\|") for cell in row) + " |" for row in cells), ""]


def kinds(part: type[Any]) -> str:
    """The kinds of units that studium makes today and a measure takes."""
    found = ["image"] if part.takes == "file" else kinds_offering(part.takes)
    made = {"post", "image", "video", "audio", *(one.makes for one in built_in("unitizers").values())}
    return ", ".join(f"`{kind}`" for kind in found if kind in made)


def splits(part: type[Any]) -> str:
    """The kinds of units that a unitizer splits: those that offer what it takes, and stretches of them."""
    fitting = [kind for kind in kinds_offering(part.takes) if {kind, *PARENTS.get(kind, ())} & {*PARENTS[part.makes]}]
    return ", ".join(f"`{kind}`" for kind in fitting if kind != part.makes)


def lead(part: type[Any]) -> str:
    """The first sentence of a part's docstring."""
    return inspect.getdoc(part).split("\n\n")[0].replace("\n", " ")  # type: ignore[union-attr]


def first(command: click.Command) -> str:
    """The first paragraph of a command's help."""
    return (command.help or "").split("\n\n")[0].replace("\n", " ")


def prose(part: object) -> tuple[str, dict[str, str]]:
    """A docstring without its headed sections, and what it says about each parameter."""
    text = inspect.getdoc(type(part)) or ""
    before, *sections = re.split(r"^(?=(?:Args|Attributes|References):$)", text, flags=re.MULTILINE)
    parameters: dict[str, str] = {}
    for section in sections:
        if not section.startswith("References"):
            for item in re.split(r"\n    (?=\w+:)", section)[1:]:
                name, _, meaning = item.partition(":")
                parameters[name] = " ".join(meaning.split())
    references = [linked(" ".join(s.split()[1:])) for s in sections if s.startswith("References")]
    return "\n".join([before.strip(), *(f"\nReferences: {r}" for r in references)]) + "\n", parameters


def default(field: "dataclasses.Field[Any]") -> str:
    """A parameter's default as it stands in a study file; none if it is best left out."""
    if field.default is None:
        return "none"
    return "required" if field.default is dataclasses.MISSING else f"`{literal(field.default)}`"


def literal(value: object) -> str:
    """A value as TOML writes it; a variable of the codebook by its name."""
    if isinstance(value, Variable):
        value = value.name
    if isinstance(value, tuple):
        return "[" + ", ".join(map(literal, value)) + "]"
    return f'"{value}"' if isinstance(value, str) else str(value)


def described(column: Column, sources: Sequence[str]) -> list[str]:
    """One row about a column; its source is a number in the list below the table."""
    kind = f"{column.dtype}[{column.size}]" if column.size else column.dtype
    low, high = (None if bound is None else f"{bound:g}" for bound in (column.low, column.high))
    bounds = f"{low} to {high}" if low and high else f"from {low}" if low else f"to {high}" if high else ""
    sensitive = " (sensitive)" * column.sensitive
    source = str(sources.index(column.source) + 1) if column.source else ""
    return [f"`{column.name}`", kind, column.unit, bounds, column.about + sensitive, source]


def linked(source: str) -> str:
    """A reference whose DOIs are links."""
    return re.sub(
        r"(?:https://doi\.org/|doi:)?(10\.\d{4,9}/[^\s;,]*[^\s;,.)])", r"[doi:\1](https://doi.org/\1)", source
    )


def weight(model: weights.Model) -> str:
    """What a model's own files weigh."""
    if model.size:
        return f"{model.size / 1e6:,.2f} MB"
    return "uses " + ", ".join(model.uses) if model.uses else "on the hub"


def usage(argument: click.Argument) -> str:
    """An argument as it stands in the usage line."""
    name = (argument.metavar or argument.name or "").strip("[].").upper() + "..." * (argument.nargs == -1)
    return name if argument.required else f"[{name}]"


if __name__ == "__main__":
    for file_name, write in PAGES.items():
        Path(__file__).with_name(file_name).write_text(write(), encoding="utf-8")
