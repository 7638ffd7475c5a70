"""Experiments: models x tasks x folds, and what they show."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from studium.cli.common import opened, print_table, study_option

__all__ = ["experiment"]


@click.command()
@click.argument("name")
@study_option
def experiment(name: str, root: Path) -> None:
    """Compare models on one shared test set, as [experiment.NAME] of studium.toml says.

    Only what is missing is trained: after an interruption, or with one more model, the rest is kept.

    \b
    studium experiment protest
    """
    with opened(root) as corpus:
        found = corpus.experiment(name)
    for task in found.overview["tasks"]:
        _print_task(task, found.costs)
    click.echo(f"{found.made} cells made, {found.kept} kept; the overview is {found.folder / 'overview.json'}")


def _print_task(task: Mapping[str, Any], costs: Mapping[str, Any]) -> None:
    figure = task["figure"]
    spent = {row["model"]: row for row in costs["models"] if row["task"] == task["name"]}
    priced = any(one["dollars"] is not None for one in spent.values())
    rows = [
        (
            row["model"],
            row["modality"],
            _number(row["mean"][figure]["value"]),
            _range(row["mean"][figure]),
            f"{sum(spent[row['model']]['seconds'].values()):.1f}",
            *([_dollars(spent[row["model"]]["dollars"])] if priced else ()),
        )
        for row in task["results"]
    ]
    apart, labels = ", ".join(task["kept_apart"]) or "nothing", task["labels"]
    click.echo(f"{task['name']}: {labels['units']} units of {labels['groups']} groups, kept apart by {apart}")
    print_table(["model", "modality", figure, "95 %", "seconds", *(["US dollars"] if priced else ())], rows)
    for reason, n in {**task["labels"]["dropped"], **task["left_out"]}.items():
        click.echo(f"left out: {n} units ({reason})")
    for line in (*task["told"], *task["findings"]):
        click.echo(line)


def _dollars(value: float | None) -> str:
    return "" if value is None else f"{value:.4f}"


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.3f}"


def _range(one: Mapping[str, Any]) -> str:
    return "" if one["low"] is None else f"{one['low']:.3f} to {one['high']:.3f}"
