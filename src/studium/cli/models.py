"""The models behind the measures: what there is, what is cached, fetching and checking."""

import click

from studium.cli.common import InOrder, print_table

__all__ = ["models"]


@click.group(cls=InOrder)
def models() -> None:
    """List, fetch and check the models that measures use."""


@models.command("list")
def list_() -> None:
    """Every model: task, size, licence, and whether it is cached."""
    from studium.core import weights

    rows = []
    for row in weights.rows().values():
        size = f"{row.size / 1e6:,.2f} MB" if row.size else "on the hub"
        size = "uses " + ", ".join(row.uses) if row.uses else size
        rows.append((row.id, row.task, size, row.licence, "yes" if weights.where(row) else "no"))
    print_table(["model", "task", "size", "licence", "cached"], rows)


@models.command()
@click.argument("names", nargs=-1, required=True, metavar="MODEL...")
def pull(names: tuple[str, ...]) -> None:
    """Fetch models, and the models they use, into the cache."""
    from studium.core import weights

    for row in [weights.get(name) for name in names]:
        for file in weights.pull(row):
            click.echo(file)


@models.command()
@click.argument("names", nargs=-1, metavar="[MODEL]...")
def verify(names: tuple[str, ...]) -> None:
    """Hash cached files again and compare with what is pinned; all that are cached if no model is named."""
    from studium.core import weights

    cached = [row for row in weights.rows().values() if weights.where(row)]
    used = {name for row in cached for name in row.uses}  # these are verified with the models that use them
    chosen = [weights.get(name) for name in names] or [row for row in cached if row.id not in used]
    for row in chosen:
        for file in weights.verify(row):
            click.echo(f"ok  {file}")
    if not chosen:
        click.echo("nothing is cached")


@models.command()
@click.argument("name", metavar="MODEL")
def where(name: str) -> None:
    """Print the files of a model; exit code 1 if they are not all cached."""
    from studium.core import weights

    files = weights.where(name)
    for file in files:
        click.echo(file)
    if not files:
        raise click.ClickException(f"{name} is not cached; run  studium models pull {name}")
