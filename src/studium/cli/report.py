"""The report."""

from pathlib import Path

import click

from studium.cli.common import opened, study_option

__all__ = ["report"]


@click.command()
@study_option
def report(root: Path) -> None:
    """Write report/index.html: one file that a colleague can open and print."""
    with opened(root) as corpus:
        path = corpus.report()
    click.echo(f"wrote {path}")
