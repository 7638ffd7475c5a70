"""Training a model on the labels of a study, and handing it on."""

from pathlib import Path
from typing import Any

import click

from studium.cli.common import opened, parameters, print_table, setting, study_option

__all__ = ["export", "train"]


@click.command()
@click.argument("variable")
@click.option("--of", "kind", default="", help="Kind of the units. [default: that of the codebook]")
@click.option("--model", default="linear", show_default=True, help="linear, boosting, ngrams, image_network ...")
@click.option("--on", multiple=True, metavar="KIND=TABLE", help="A table to learn from; may be given again.")
@click.option(
    "--labels",
    multiple=True,
    help="CSV with unit or path (of posts also id), value, perhaps coder and weight; Label Studio's JSON; folders; or "
    "column:NAME of posts; may be given again. [default: the annotations of the study]",
)
@click.option("--as", "name", default="", help="Name of the model. [default: VARIABLE-MODEL]")
@click.option(
    "--apart", multiple=True, metavar="KEY", help="Never in two parts: account, file ... [default: all known]"
)
@click.option("--by", multiple=True, metavar="COLUMN", help="Column of posts: report errors by its values.")
@click.option("--test", type=float, default=0.2, show_default=True, help="Share of the units that it is judged on.")
@click.option(
    "--test-sample",
    default="",
    metavar="NAME",
    help="Judge it on the units of this sample instead, such as a holdout; units like them are left out.",
)
@click.option("--tune", multiple=True, metavar="KEY=VALUE", help="calibrate=..., threshold=...; may be given again.")
@setting
@study_option
def train(
    variable: str,
    kind: str,
    model: str,
    on: tuple[str, ...],
    labels: tuple[str, ...],
    name: str,
    apart: tuple[str, ...],
    by: tuple[str, ...],
    test: float,
    test_sample: str,
    tune: tuple[str, ...],
    settings: tuple[str, ...],
    root: Path,
) -> None:
    """Train a model on coded units, tune it, and judge it on units that it has never seen.

    \b
    studium train protest --model linear --on image=embed --labels coded.csv
    """
    with opened(root) as corpus:
        found = corpus.train(
            variable,
            of=kind,
            model=model,
            on=_tables(on),
            labels=labels or None,
            name=name,
            apart=apart or None,
            by=by,
            test=test,
            test_sample=test_sample,
            tuning=parameters(tune),
            settings=parameters(settings),
        )
    told = found.evaluation()
    print_table(["figure", "value", "95 % interval", "n"], [_row(one) for one in told["figures"]])
    if told["groups"]:
        print_table(
            ["group", "figure", "value", "95 % interval", "n"], [(one["of"], *_row(one)) for one in told["groups"]]
        )
    counts = ", ".join(f"{sum(part.values())} for {use}" for use, part in told["split"]["parts"].items())
    kept = ", ".join(told["split"]["kept_apart"])
    other = "" if apart else " (--apart names others)"
    click.echo(f"{counts}; kept apart by {kept + other if kept else 'nothing: each unit is by itself'}")
    for why, n in {**told["labels"]["dropped"], **told["left_out"]}.items():
        click.echo(f"left out: {n} units ({why})")
    for one in told["split"]["told"]:
        click.echo(one)
    click.echo(f"{'trained' if found.computed else 'nothing to do: trained before'}: {found.folder} (card.html)")


@click.command()
@click.argument("name")
@click.option("--to", type=click.Path(path_type=Path), required=True, help="A new folder.")
@study_option
def export(name: str, to: Path, root: Path) -> None:
    """Write a model into a folder that loads elsewhere, with its card and how its input is made."""
    with opened(root) as corpus:
        click.echo(corpus.export(name, to))


def _tables(on: tuple[str, ...]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for pair in on:
        kind, equals, table = pair.partition("=")
        if not (equals and kind and table):
            raise click.BadParameter(f"expected KIND=TABLE such as image=embed, got {pair!r}")
        found.setdefault(kind.strip(), []).append(table.strip())
    return found


def _row(one: dict[str, Any]) -> tuple[str, str, str, object]:
    value = "n/a" if one["value"] is None else f"{one['value']:.3f}"
    reach = "" if one["low"] is None else f"{one['low']:.3f} to {one['high']:.3f}"
    return one["name"], value, reach, one["n"]
