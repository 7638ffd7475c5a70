"""Predicting all units by a model of the study."""

from pathlib import Path

import click

from studium.cli.common import opened, study_option

__all__ = ["predict"]


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
