"""Sources: add a folder, a posts table, a list of URLs, an export."""

from collections import Counter
from pathlib import Path

import click

from studium.cli.common import opened, parameters, setting, study_option

__all__ = ["add"]


@click.command()
@click.argument("source")
@click.argument("path", type=click.Path(path_type=Path))
@setting
@study_option
def add(source: str, path: Path, settings: tuple[str, ...], root: Path) -> None:
    """Add a SOURCE (folder, posts, urls, fourcat, zeeschuimer, youtube) from PATH.

    \b
    studium add folder photos/
    studium add posts posts.csv --set id=post_id --set text=caption --set media=file
    """
    given = parameters(settings)
    if "root" in given:
        given["root"] = str(Path(given["root"]).absolute())
    with opened(root, new=True) as corpus:
        added = corpus.add(corpus.source(source, path.absolute(), **given))
    for kind, count in added.found.items():
        click.echo(f"{count} {kind} found, {added.units[kind]} new units")
    click.echo(f"{added.attachments} new attachments, {added.updated} posts updated, {len(added.losses)} losses")
    if added.links:
        click.echo(f"{added.links} new URLs; nothing was asked for yet, see  studium download --help")
    for note in added.notes:
        click.echo(f"note: {note.about}: {note.value}")
    for error, count in Counter(loss.error for loss in added.losses).items():
        example = next(loss for loss in added.losses if loss.error == error)
        click.echo(f"lost: {count} x {error}, for instance {example.where!r}: {example.message}", err=True)
