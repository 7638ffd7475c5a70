"""Across modalities: pictures with texts, and whether posts show what they say."""

from pathlib import Path

import click

from studium.cli.common import opened, print_table, study_option

__all__ = ["retrieval", "similarity"]

of_option = click.option("--of", "kind", default="image", show_default=True, help="Kind of the pictures.")
by_option = click.option(
    "--by", default="embed", show_default=True, help="Table of their vectors by a joint model, such as embed:conse."
)
text_option = click.option(
    "--text-by", default="embed_text", show_default=True, help="Table of the vectors of texts in the same space."
)


@click.command()
@click.option("--text", "texts", multiple=True, help="A text; may be given again. Without any, those of --text-by.")
@text_option
@click.option("--text-of", default="post", show_default=True, help="Kind of the units that --text-by is of.")
@by_option
@of_option
@click.option("--to", type=click.Path(path_type=Path, dir_okay=False), required=True, help="matrix.csv or matrix.npy.")
@study_option
def similarity(texts: tuple[str, ...], text_by: str, text_of: str, by: str, kind: str, to: Path, root: Path) -> None:
    """Write the cosines of all pictures with all texts.

    \b
    studium similarity --text "a protest" --text "a parade" --by embed:conse --to matrix.csv
    """
    with opened(root) as corpus:
        found = corpus.similarity(list(texts) or text_by, of=kind, by=by, text_of=text_of)
        found.write(to)
    click.echo(f"wrote {to}: {len(found.units)} {kind} units, {len(found.texts)} texts", err=True)


@click.command()
@text_option
@by_option
@of_option
@study_option
def retrieval(text_by: str, by: str, kind: str, root: Path) -> None:
    """Say how often posts and their own pictures find each other; keeps how alike they are, a row a post."""
    with opened(root) as corpus:
        found = corpus.retrieval(kind, by=by, text_by=text_by)
    rows = found.retrieval()
    print_table(list(rows[0]), [[f"{v:.3f}" if isinstance(v, float) else v for v in row.values()] for row in rows])
    click.echo(f"similarity of every post in table {found.table.recipe.label}")
