"""Where coders disagree, and what is decided about it."""

import csv
import json
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

import click

from studium.cli.common import opened, print_table, study_option

if TYPE_CHECKING:
    from studium.core.variable import Answer, Variable
    from studium.run.coding.adjudicate import Disagreement

__all__ = ["adjudicate"]


@click.command()
@click.argument("variable")
@click.option("--task", default="", help="Only of this task. [default: all that was coded]")
@click.option("--undecided", is_flag=True, help="Only those that nobody decided yet.")
@click.option("--tolerance", type=click.FloatRange(0), default=0.0, help="By how much numbers may differ. [default: 0]")
@click.option("--export", "to", type=click.Path(path_type=Path, dir_okay=False), help="Write them into a new CSV file.")
@click.option("--decide", nargs=2, metavar="UNIT VALUE", help="What counts of a unit; lists and boxes as JSON.")
@click.option("--as", "who", metavar="NAME", help="Who decides.")
@click.option("--note", help="Why.")
@study_option
def adjudicate(
    variable: str,
    task: str,
    undecided: bool,
    tolerance: float,
    to: Path | None,
    decide: tuple[str, str] | None,
    who: str | None,
    note: str | None,
    root: Path,
) -> None:
    """List the units that coders answered differently, or decide what counts of one; what they said stays.

    \b
    studium adjudicate scene
    studium adjudicate scene --decide 3f2a... people --as eve --note "faces in the window"
    """
    if bool(decide) != bool(who):
        raise click.UsageError("--decide UNIT VALUE and --as NAME belong together")
    with opened(root) as corpus:
        if decide and who:
            made = corpus.adjudicate(
                decide[0], variable, _answer(decide[1], corpus.codebook[variable]), who=who, note=note
            )
            click.echo(f"{variable} of {made.unit} is {_text(made.value)}; said were {_said(made.codes.values())}")
            return
        found = corpus.disagreements(variable, task=task, undecided=undecided, tolerance=tolerance)
    if to:
        _write(to, found)
        click.echo(f"{len(found)} disagreements; {to}")
        return
    rows = [
        (one.unit, "; ".join(f"{coder}: {_text(code)}" for coder, code in one.codes.items()), _decided(one))
        for one in found
    ]
    print_table(["unit", variable, "decided"], rows)
    click.echo(f"{len(found)} disagreements, {sum(one.decision is not None for one in found)} decided")


def _write(path: Path, found: "Iterable[Disagreement]") -> None:
    """One row for each code, and what was decided; a file that is there is kept."""
    if path.exists():
        raise click.ClickException(f"{path} is there already; name another file")
    with path.open("w", encoding="utf-8", newline="") as file:
        out = csv.writer(file, lineterminator="\n")
        out.writerow(["unit", "variable", "coder", "value", "note", "decided", "who", "why"])
        for one in found:
            last = (_decided(one), one.decision.who, one.decision.note) if one.decision else ("", "", "")
            for coder, code in one.codes.items():
                out.writerow([one.unit, one.variable, coder, _text(code), one.notes.get(coder, ""), *last])


def _answer(text: str, variable: "Variable") -> "Answer":
    """Lists and boxes come as JSON, and null is "cannot tell" where that is no value; the rest is read by its type."""
    if variable.type not in {"multilabel", "boxes"}:
        return None if text == "null" and "null" not in variable.names and variable.type != "text" else text
    try:
        found: Answer = json.loads(text)
    except ValueError as error:
        raise click.BadParameter(f"expected JSON, such as [] or null, got {text!r}: {error}") from None
    return found


def _text(answer: "Answer") -> str:
    return answer if isinstance(answer, str) else json.dumps(answer, ensure_ascii=False)


def _said(codes: "Iterable[Answer]") -> str:
    return ", ".join(dict.fromkeys(map(_text, codes)))


def _decided(one: "Disagreement") -> str:
    return "" if one.decision is None else f"{_text(one.decision.value)}"
