"""Unitizers: split units into smaller ones."""

from pathlib import Path

import click

from studium.cli.common import budget_option, opened, parameters, print_outcome, remote_option, setting, study_option

__all__ = ["split"]


@click.command()
@click.argument("names", nargs=-1, required=True)
@click.option("--of", "kind", required=True, help="Kind of the units that are split: video, audio ...")
@click.option("--retry", is_flag=True, help="Try units again that failed before.")
@remote_option
@budget_option
@setting
@study_option
def split(
    names: tuple[str, ...],
    kind: str,
    retry: bool,
    allow_remote: bool,
    budget: float | None,
    settings: tuple[str, ...],
    root: Path,
) -> None:
    """Split units by NAMES into smaller ones; every medium is decoded once for all of them.

    \b
    studium split frames --of video --set every=2
    studium split shots speech --of video
    """
    with opened(root, allow_remote=allow_remote, budget=budget) as corpus:
        outcome = corpus.split(*names, of=kind, retry=retry, **parameters(settings))
    print_outcome(outcome.rows, outcome.failures)
