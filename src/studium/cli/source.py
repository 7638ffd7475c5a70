"""Sources: add a folder, a posts table, a list of URLs, an export."""

import json
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

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
        there = {(one.name, (root / one.path).resolve()) for one in corpus.study.sources}
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
    if (root / "studium.toml").exists() and (source, path.resolve()) not in there:
        click.echo("studium.toml does not name it yet; for  studium run  to read it again, add\n")
        click.echo(_entry(source, path, root, given))


def _entry(source: str, path: Path, root: Path, given: Mapping[str, Any]) -> str:
    """The source as it stands in a study file; paths in the study folder start from there."""
    whole, study = path.resolve(), root.resolve()
    place = whole.relative_to(study) if whole.is_relative_to(study) else whole
    lines = [f"{key} = {json.dumps(value, ensure_ascii=False)}" for key, value in {source: str(place), **given}.items()]
    return "\n".join(["[[source]]", *lines])
