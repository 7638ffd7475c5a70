"""What leaves the machine: what would be sent and at what price, and what was sent."""

from pathlib import Path

import click

from studium.cli.common import (
    InOrder,
    budget_option,
    opened,
    parameters,
    print_table,
    remote_option,
    setting,
    study_option,
)

__all__ = ["remote"]


@click.group(cls=InOrder)
def remote() -> None:
    """See what leaves the machine, and what it costs, before and after."""


@remote.command()
@click.argument("names", nargs=-1, required=True, metavar="MEASURE...")
@click.option("--of", "kind", required=True, help="Kind of the units: image, post ...")
@click.option(
    "--sample", type=click.IntRange(min=1), help="Really send so many units, drawn at random, and pay for them."
)
@remote_option
@budget_option
@setting
@study_option
def estimate(
    names: tuple[str, ...],
    kind: str,
    sample: int | None,
    allow_remote: bool,
    budget: float | None,
    settings: tuple[str, ...],
    root: Path,
) -> None:
    """List what measures would send, where to and at what price. Nothing is sent, unless --sample asks for it.

    \b
    studium remote estimate rekognition --of image
    studium remote estimate ask --of post --set variable=mood --set url=https://... --sample 10 --allow-remote
    """
    with opened(root, allow_remote=allow_remote, budget=budget) as corpus:
        told, asked = corpus.estimate(*names, of=kind, sample=sample or 0, **parameters(settings))
    for said in asked or told:
        click.echo(str(said))
    if not told:
        click.echo("nothing would be sent")


@remote.command()
@study_option
def sent(root: Path) -> None:
    """Say what left the machine and was answered: to which host, how many answers, how many bytes, when.

    Told by the rows of the study. What was asked as a sample or by batch stands here once it is measured; what was
    refused left the machine too, and stands in the failures.
    """
    from studium.run.remote import flows

    with opened(root) as corpus:
        found = flows(corpus.store.tables())
    rows = [(flow.table, flow.host, flow.answers, flow.bytes, flow.first, flow.last) for flow in found]
    print_table(["table", "host", "answers", "bytes", "first", "last"], rows)
