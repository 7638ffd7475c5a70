"""Measures: compute them on units."""

from pathlib import Path

import click

from studium.cli.common import budget_option, opened, parameters, print_outcome, remote_option, setting, study_option

__all__ = ["measure"]


@click.command()
@click.argument("names", nargs=-1, required=True)
@click.option("--of", "kind", required=True, help="Kind of the units: image, post ...")
@click.option("--retry", is_flag=True, help="Try units again that failed before.")
@remote_option
@budget_option
@setting
@study_option
def measure(
    names: tuple[str, ...],
    kind: str,
    retry: bool,
    allow_remote: bool,
    budget: float | None,
    settings: tuple[str, ...],
    root: Path,
) -> None:
    """Measure NAMES on units; every medium is decoded once for all of them.

    \b
    studium measure colour embed --of image
    studium measure zero_shot --of image --set variable=scene
    """
    with opened(root, allow_remote=allow_remote, budget=budget) as corpus:
        outcome = corpus.measure(*names, of=kind, retry=retry, **parameters(settings))
    print_outcome(outcome.rows, outcome.failures)
