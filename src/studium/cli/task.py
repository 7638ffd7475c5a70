"""Tasks: who codes which units of a sample, and how far they are."""

from collections import Counter
from pathlib import Path
from typing import Any

import click

from studium.cli.common import opened, print_table, study_option

__all__ = ["task", "tasks"]


@click.command()
@click.argument("name")
@click.option("--sample", required=True, help="The sample whose units are coded; see  studium sample.")
@click.option("-v", "--variable", "variables", multiple=True, required=True, help="What is coded; again for more.")
@click.option("--coder", "coders", multiple=True, required=True, help="Who codes; again for more. A pseudonym will do.")
@click.option("--overlap", type=click.FloatRange(0, 1), help="Share of the units that every coder codes. [default: 1]")
@click.option("--per-unit", type=click.IntRange(1), help="Coders of each unit, balanced, instead of --overlap.")
@click.option("--seed", type=click.IntRange(0), help="Of what is drawn. [default: the study's]")
@study_option
def task(
    name: str,
    sample: str,
    variables: tuple[str, ...],
    coders: tuple[str, ...],
    overlap: float | None,
    per_unit: int | None,
    seed: int | None,
    root: Path,
) -> None:
    """Give the units of a sample to coders, each in an order of their own.

    \b
    studium task scenes --sample first --variable scene --coder ada --coder ben --overlap 0.2
    """
    if overlap is not None and per_unit is not None:
        raise click.UsageError("--overlap and --per-unit say the same thing in two ways; leave one out")
    asked: dict[str, Any] = {
        "sample": sample,
        "variables": variables,
        "coders": coders,
        "per_unit": per_unit,
        "seed": seed,
    }
    with opened(root) as corpus:
        made = corpus.task(name, **asked, overlap=1.0 if overlap is None else overlap)
    print_table(["coder", "units"], [(coder, len(units)) for coder, units in made.units.items()])
    times = Counter(unit for units in made.units.values() for unit in units)
    several = sum(n > 1 for n in times.values())
    click.echo(f"{several} of {len(times)} units have several coders; they code with  studium serve --coder NAME")
    if not several:
        click.echo("nothing will be known of how coders agree: give some units to two of them", err=True)


@click.command()
@click.argument("names", nargs=-1, metavar="[TASK]...")
@study_option
def tasks(names: tuple[str, ...], root: Path) -> None:
    """Say how far coders are with their tasks: with all of them, or with those named."""
    with opened(root) as corpus:
        if not names:
            with corpus.records() as records:
                names = tuple(one.name for one in records.tasks.all())
        rows = [
            (
                name,
                one.coder,
                one.total,
                one.done,
                _seconds(one.seconds),
                one.last.isoformat("T", "seconds") if one.last else "",
            )
            for name in names
            for one in corpus.progress(name)
        ]
    if not rows:
        click.echo("no tasks yet; make one with  studium task")
        return
    print_table(["task", "coder", "units", "coded", "seconds a unit", "last"], rows)


def _seconds(value: float | None) -> str:
    return "" if value is None else f"{value:.1f}"
