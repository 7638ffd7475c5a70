"""Drawing units to be coded."""

from pathlib import Path
from typing import Any

import click

from studium.cli.common import opened, print_table, study_option

__all__ = ["sample", "samples"]

_DESIGNS = ("simple", "stratified", "clusters", "uncertainty", "purposive", "holdout")


@click.command()
@click.argument("name")
@click.option("--of", "kind", default="", help="Kind of the units; of uncertainty that of the model.")
@click.option("-n", "--n", "n", default=100, show_default=True, help="How many units; of clusters how many of these.")
@click.option(
    "--design",
    type=click.Choice(_DESIGNS),
    default="simple",
    show_default=True,
    help="holdout: a simple one that no other sample may draw from, to judge models on.",
)
@click.option(
    "--by", default="", help="TABLE.COLUMN (or a column of posts) of strata or clusters; of uncertainty the model."
)
@click.option(
    "--allocation",
    type=click.Choice(["proportional", "equal", "neyman"]),
    default="proportional",
    show_default=True,
    help="How many of each stratum.",
)
@click.option("--spread", default="", help="neyman: column that tells how units differ: number, category, _prob.")
@click.option("--bins", default=4, show_default=True, help="Strata that a column of numbers is cut into.")
@click.option("--units", type=click.File(), help="purposive: file with the id of a unit on each line.")
@click.option("--floor", default=0.3, show_default=True, help="uncertainty: share drawn from all units alike.")
@click.option("--measure", type=click.Choice(["entropy", "margin"]), default="entropy", show_default=True)
@click.option("--labels", multiple=True, help="uncertainty: more codes, as for studium train: units to leave out.")
@click.option("--fresh", is_flag=True, help="Leave out what other samples drew.")
@click.option("--once/--each", default=True, show_default=True, help="Near-duplicates once, or each.")
@click.option("--seed", type=click.IntRange(0), help="Of the draw. [default: the study's]")
@click.option("--to", type=click.Path(path_type=Path, dir_okay=False), help="Also write a new CSV file to code in.")
@study_option
def sample(name: str, kind: str, root: Path, to: Path | None, **asked: Any) -> None:
    """Draw units to be coded, and keep them as the sample NAME, each with the probability that it was drawn with.

    \b
    studium sample first --of image --n 200
    studium sample parts --of image --n 200 --design stratified --by cluster
    studium sample next --n 100 --design uncertainty --by protest-linear --to next.csv
    """
    if not kind and asked["design"] != "uncertainty":
        raise click.UsageError("name the kind of the units, such as  --of image")
    from studium.run.coding import sheet

    units = [line.strip() for line in asked.pop("units") or () if line.strip()]
    labels = asked.pop("labels") or None
    with opened(root) as corpus:
        if to is not None:
            sheet.unwritten(to)
        found = corpus.draw_sample(name, of=kind, units=units, labels=labels, **asked)
        if to is not None:
            sheet.write(to, sheet.HEAD, sheet.sheet(corpus.store, found))
    about = found.design
    click.echo(f"{len(found.units)} of {about['frame']} {found.of} units; sample {found.name}, seed {about['seed']}")
    for why, count in about["left_out"].items():
        click.echo(f"left out: {count} units ({why})")
    if strata := about.get("strata"):
        print_table(["stratum", "units", "drawn"], [(key, one["units"], one["drawn"]) for key, one in strata.items()])
    click.echo(f"can tell of {about['estimates']}")
    if to is not None:
        click.echo(f"to code in: {to}")


@click.command()
@study_option
def samples(root: Path) -> None:
    """List the samples of the study: how many units were drawn, of how many, and how."""
    with opened(root) as corpus, corpus.records() as records:
        found = records.samples.all()
    rows = [
        (
            *(one.name, "pairs of " * one.pairs + one.of, one.design.get("design", ""), one.design.get("by", "")),
            *(one.design.get("drawn", ""), one.design.get("frame", ""), one.design.get("seed", "")),
            *(one.who, f"{one.at:%Y-%m-%d %H:%M}"),
        )
        for one in found
    ]
    print_table(["sample", "of", "design", "by", "drawn", "frame", "seed", "who", "when (UTC)"], rows)
