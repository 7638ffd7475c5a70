"""Clusterings judged by people: pairs of units drawn, and what their codes say."""

import math
from pathlib import Path
from typing import TYPE_CHECKING

import click

from studium.cli.common import opened, print_table, study_option

CHANGED = "clusters were merged or parted after the pairs were drawn, which does not count here: draw new pairs"

if TYPE_CHECKING:
    from studium.coding.pairs import Figure
    from studium.run.coding.compared import Difference

__all__ = ["pairs"]


@click.group()
def pairs() -> None:
    """Judge clusterings by pairs of units, coded as belonging together or not."""


@pairs.command()
@click.argument("name")
@click.option(
    "--configuration",
    "configurations",
    multiple=True,
    required=True,
    metavar="KIND/TABLE",
    help="A table of clusters, such as image/cluster-81e549e3; may be given again.",
)
@click.option("-n", "--n", "n", default=500, show_default=True, help="Pairs within clusters, about, of all together.")
@click.option("--across", type=click.IntRange(0), help="Pairs of any two units. [default: half of --n]")
@click.option(
    "--weighting",
    type=click.Choice(["pair", "cluster", "both"]),
    default="both",
    show_default=True,
    help="Every pair the same chance, every cluster the same number of pairs, or half of each.",
)
@click.option("--seed", type=click.IntRange(0), help="Of the draw. [default: the study's]")
@study_option
def draw(
    name: str,
    configurations: tuple[str, ...],
    n: int,
    across: int | None,
    weighting: str,
    seed: int | None,
    root: Path,
) -> None:
    """Draw pairs within and across clusters, and keep them as the sample NAME. Coders do not see which are which.

    \b
    studium pairs draw same --configuration image/cluster-81e549e3 --configuration image/cluster-5d0c7f1a --n 500
    """
    with opened(root) as corpus:
        found = corpus.draw_pairs(name, configurations, n=n, across=across, weighting=weighting, seed=seed)
    together = sum(set((one.stratum or "").split()) != {"-"} for one in found.units)
    click.echo(f"{len(found.units)} pairs of {found.of} units, {together} of them within clusters; sample {found.name}")
    for one in found.design["configurations"]:
        if one["merged"]:
            click.echo(f"{one['table']}: {len(one['merged'])} of its clusters were merged by hand, and count as merged")
    click.echo(f"next: studium task NAME --sample {found.name} --variable VARIABLE --coder ONE --coder TWO")


@pairs.command()
@click.argument("name")
@click.option("--variable", default="", help="That was coded. [default: the only one about pairs]")
@click.option(
    "--same", multiple=True, help="Its value that says: belong together; again for more. [default: the first]"
)
@study_option
def result(name: str, variable: str, same: tuple[str, ...], root: Path) -> None:
    """Tell what the coded pairs of the sample NAME say of each clustering, and of their differences."""
    with opened(root) as corpus:
        found = corpus.pairs(name, variable, same)
    print_table(
        ["configuration", "clusters", "unassigned", "pairs", "share", "share of clusters", "recall", "F1"],
        [
            (
                *(one.table, one.clusters, f"{one.unassigned:.3f}", one.found.pairs),
                *(_figure(what) for what in (one.found.share, one.found.cluster_share, one.found.recall, one.found.f1)),
            )
            for one in found.configurations
        ],
    )
    for one in found.configurations:
        if one.merged:
            click.echo(f"{one.table}: {one.merged} of its clusters were merged by hand, and count as merged")
        if one.changed:
            click.echo(f"{one.table}: {CHANGED}", err=True)
    if found.differences:
        print_table(
            ["figure", "configuration", "over", "difference", "95 % interval", "p", "p (Holm)"],
            [
                (
                    d.measure,
                    d.b,
                    d.a,
                    *(("n/a",) * 4 if math.isnan(d.change) else _difference(d)),
                )
                for d in found.differences
            ],
        )
    votes = found.votes
    click.echo(
        f"{votes.known} of {len(votes.same)} pairs have an answer ({votes.adjudicated} decided, {votes.majority} by "
        f"majority); open: {votes.ties} ties, {votes.cannot_tell} that nobody could tell, {votes.uncoded} not coded"
    )
    if found.agreement is None:
        click.echo("coded by fewer than two coders: nobody knows how reliable that is", err=True)
    else:
        print_table(
            ["agreement", "value", "95 % interval"],
            [
                (one.name, one.reason, "")
                if math.isnan(one.value)
                else (one.name, f"{one.value:.3f}", f"{one.low:.3f} to {one.high:.3f}")
                for one in found.agreement.measures
            ],
        )


def _difference(one: "Difference") -> tuple[str, ...]:
    return (f"{one.change:+.3f}", f"{one.low:+.3f} to {one.high:+.3f}", f"{one.p:.4f}", f"{one.p_holm:.4f}")


def _figure(one: "Figure") -> str:
    return "n/a" if math.isnan(one.value) else f"{one.value:.3f} ({one.low:.3f} to {one.high:.3f})"
