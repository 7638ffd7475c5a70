"""Asking by batch: at half the price, within a day."""

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

__all__ = ["batch"]


@click.group(cls=InOrder)
def batch() -> None:
    """Ask a server by batch, where it offers that: at half the price, answered within a day.

    \b
    1. studium remote estimate ask ... --sample 3    ask about a few, to see what the server takes
    2. studium batch submit ask ...                  send the others as one file
    3. studium batch status, then collect            fetch the answers when they are there
    4. studium measure ask ...                       write them into the study; only what does not fit is asked again

    The settings (--set) must be the same each time.
    """


@batch.command()
@click.argument("name", default="ask")
@click.option("--of", "kind", required=True, help="Kind of the units: post, image ...")
@remote_option
@budget_option
@setting
@study_option
def submit(
    name: str, kind: str, allow_remote: bool, budget: float | None, settings: tuple[str, ...], root: Path
) -> None:
    """Submit all units that lack a row and were not asked about. What would leave is listed first.

    \b
    studium batch submit ask --of post --set variable=mood --set url=https://... --set model=... --allow-remote
    """
    with opened(root, allow_remote=allow_remote, budget=budget) as corpus:
        done = corpus.submit(name, of=kind, **parameters(settings))
    for made in done.batches:
        click.echo(f"submitted {len(made.sizes):,} requests as {made.id}; studium batch status  says how it stands")
    if done.kept or done.waiting or not done.batches:
        click.echo(f"{done.kept:,} were answered before, {done.waiting:,} were asked about and have no answer yet")


@batch.command()
def status() -> None:
    """Say how the batches stand that were not collected."""
    from studium.measure.ask.batch_collect import collect

    rows = [(one.batch.id, one.status, len(one.batch.sizes), one.batch.url) for one in collect(fetch=False)]
    print_table(["batch", "status", "requests", "server"], rows)


@batch.command()
def collect() -> None:
    """Keep the answers of batches that have ended; studium measure finds them and asks only what does not fit again."""
    from studium.measure.ask.batch_collect import collect as collected

    found = collected()
    rows = [
        (one.batch.id, one.status, one.answered, len(one.batch.sizes) - one.answered, one.tokens_in, one.tokens_out)
        for one in found
    ]
    print_table(["batch", "status", "answered", "not_answered", "tokens_in", "tokens_out"], rows)
    for one in found:
        for fault, times in one.faults.items():
            click.echo(f"{one.batch.id}: {f'{times} requests: ' if times else ''}{fault}", err=True)


@batch.command()
@click.argument("identity", metavar="ID")
def forget(identity: str) -> None:
    """Give up a batch whose answers cannot be had any more; studium measure --retry asks again."""
    from studium.measure.ask.batch_collect import forget as given_up

    given_up(identity)
    click.echo(f"{identity} is given up; studium measure ask ... --retry  asks about its units again")
