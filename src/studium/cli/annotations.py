"""Annotations from other programs and for them."""

import getpass
from collections.abc import Mapping
from pathlib import Path

import click

from studium.cli.common import InOrder, opened, study_option

__all__ = ["annotations"]

FORMATS = ("csv", "label_studio", "coco")
format_option = click.option(
    "--format", "form", type=click.Choice(FORMATS), default=None, help="[default: by the file]"
)
file_argument = click.argument("path", metavar="FILE", type=click.Path(path_type=Path, dir_okay=False))


@click.group(cls=InOrder)
def annotations() -> None:
    """Import and export annotations: a CSV table, Label Studio's tasks, COCO's boxes."""


@annotations.command("import")
@file_argument
@format_option
@click.option("--coder", default="", help="Who coded, where the file does not say it.")
@click.option("--variable", default="", help="Whose values the categories of a COCO file are.")
@study_option
def import_(path: Path, form: str | None, coder: str, variable: str, root: Path) -> None:
    """Add the annotations in FILE, all or none; those that are there already are not added again.

    \b
    studium annotations import coded.csv
    studium annotations import instances.json --coder ada
    """
    from studium.run.coding.exchange import Import, imported
    from studium.run.coding.opened import opened as database

    how = Import(form or "", coder, variable)
    with opened(root) as corpus, database(corpus.root, corpus.study) as records:
        found = imported(corpus.store, records, corpus.codebook, path, how, getpass.getuser())
    click.echo(f"{found.added} annotations added, {found.there} there already")
    _tell("no annotation, or not taken as it is", found.told)


@annotations.command()
@file_argument
@format_option
@click.option("--variable", "variables", multiple=True, help="Only of this one; may be given again.")
@click.option("--sensitive", is_flag=True, help="Write sensitive variables, too.")
@click.option("--pseudonyms", is_flag=True, help='Call coders "coder 1", "coder 2" ...')
@study_option
def export(
    path: Path, form: str | None, variables: tuple[str, ...], sensitive: bool, pseudonyms: bool, root: Path
) -> None:
    """Write the annotations that count into FILE, a new one.

    \b
    studium annotations export codes.csv --pseudonyms
    studium annotations export boxes.json --format coco
    """
    from studium.run.coding.exchange import Export, exported
    from studium.run.coding.opened import opened as database

    how = Export(form or "", variables, sensitive, pseudonyms)
    with opened(root) as corpus, database(corpus.root, corpus.study) as records:
        found = exported(corpus.store, records, corpus.codebook, path, how, getpass.getuser())
    click.echo(f"wrote {found.n} annotations to {found.path}")
    _tell("left out, or not told by the format", found.told)


def _tell(what: str, told: Mapping[str, int]) -> None:
    if told:
        click.echo(f"{what}: {', '.join(f'{n} {why}' for why, n in told.items())}", err=True)
