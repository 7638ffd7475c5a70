"""Calibrating zero-shot codes on what people coded."""

from pathlib import Path
from typing import Any

import click

from studium.cli.common import opened, print_table, study_option

__all__ = ["calibrate"]


@click.command()
@click.argument("variable")
@click.option("--of", "kind", default="image", show_default=True, help="Kind of the units.")
@click.option(
    "--labels",
    type=click.Path(path_type=Path, dir_okay=False),
    help="CSV with unit or path, value, and perhaps weight (1 / P(drawn)). [default: the annotations of the study]",
)
@click.option("--by", default="", help="Table of the codes, if there are several. [default: zero_shot:VARIABLE]")
@study_option
def calibrate(variable: str, kind: str, labels: Path | None, by: str, root: Path) -> None:
    """Turn zero-shot probabilities into ones that one can count on, by some hand-coded units.

    \b
    studium calibrate scene --of image --labels coded.csv
    """
    with opened(root) as corpus:
        found = corpus.calibrate(variable, of=kind, labels=labels, by=by)
    fit = found.fit
    rows = [(value, n, f"{fit['bias'][value]:+.2f}") for value, n in fit["labels"].items()]
    print_table(["value", "labels", "bias"], rows)
    judged = [
        (row["figure"], f"{row['before']:.3f}", f"{row['after']:.3f}", _reach(row, ""), _reach(row, "change_", "+"))
        for row in found.assessment()
    ]
    print_table(["out of sample", "before", "after", "95 % of after", "95 % of the change"], judged)
    click.echo(
        f"{sum(fit['labels'].values())} labels of {fit['groups']} files or posts, judged in {fit['folds']} folds"
    )
    if found.assessment()[0]["change_high"] >= 0:
        click.echo(
            "these labels do not show that calibration pays (log_loss may be as it was, or worse); code more units"
        )
    unused = f"; {fit['unused']} labels of units without a code" if fit["unused"] else ""
    click.echo(f"temperature {fit['temperature']:.4g}{unused}; table {found.table.recipe.label}")


def _reach(row: dict[str, Any], of: str, sign: str = "") -> str:
    low, high = row[f"{of}low"], row[f"{of}high"]
    return "" if low is None else f"{low:{sign}.3f} to {high:{sign}.3f}"
