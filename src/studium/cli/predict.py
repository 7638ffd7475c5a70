"""Predicting all units by a model of the study, and drawing the next ones to code."""

from pathlib import Path

import click

from studium.cli.common import opened, study_option

__all__ = ["predict", "sample"]


@click.command()
@click.argument("name")
@click.option("--of", "kind", default="", help="Kind of the units. [default: of those that it learned from]")
@click.option("--retry", is_flag=True, help="Try again what failed before.")
@study_option
def predict(name: str, kind: str, retry: bool, root: Path) -> None:
    """Predict all units by the model NAME, as far as they lack it.

    \b
    studium predict protest-linear --of image
    """
    with opened(root) as corpus:
        found = corpus.predict(name, of=kind, retry=retry)
    if not found.computed:
        click.echo("nothing to do: every unit that can be predicted is")
    click.echo(f"{found.units} {found.table.kind} units; table predict:{name}")
    for why, n in found.missing.items():
        click.echo(f"without a prediction: {n} units ({why})")


@click.command()
@click.argument("variable")
@click.option("--by", required=True, help="The model that tells how unsure it is; it must have predicted the units.")
@click.option("-n", "--n", "n", default=100, show_default=True, help="How many units, at most.")
@click.option("--of", "kind", default="", help="Kind of the units. [default: of those that it learned from]")
@click.option("--floor", default=0.3, show_default=True, help="Share that is drawn from all units alike.")
@click.option("--measure", type=click.Choice(["entropy", "margin"]), default="entropy", show_default=True)
@click.option("--labels", multiple=True, help="More codes, as for studium train: those units are left out too.")
@click.option("--seed", type=int, help="Of the draw. [default: the study's]")
@click.option("--to", type=click.Path(path_type=Path, dir_okay=False), required=True, help="A new CSV file.")
@study_option
def sample(
    variable: str,
    by: str,
    n: int,
    kind: str,
    floor: float,
    measure: str,
    labels: tuple[str, ...],
    seed: int | None,
    to: Path,
    root: Path,
) -> None:
    """Draw the next units to code: more of those that a model is unsure of, with the weights that undo it.

    \b
    studium sample protest --by protest-linear --n 100 --to next.csv
    """
    with opened(root) as corpus:
        found = corpus.sample(
            variable, by=by, n=n, of=kind, floor=floor, measure=measure, labels=labels or None, seed=seed
        )
        found.write(to)
    click.echo(f"{len(found.rows)} of {found.among} units; {found.coded} were coded before; {to}")
