"""The codebook, to be read and printed."""

from pathlib import Path

import click

from studium.cli.common import opened, study_option

__all__ = ["codebook"]


@click.command()
@click.option("--to", "path", type=click.Path(path_type=Path, dir_okay=False), help="A .md, .html or .xml file.")
@click.option("--of", "kind", default="image", show_default=True, help="Kind of unit that an .xml file asks about.")
@click.option("--pairs", is_flag=True, help="Let an .xml file ask about pairs of them.")
@study_option
def codebook(path: Path | None, kind: str, pairs: bool, root: Path) -> None:
    """Print the codebook; as Markdown, a page to print or save as PDF, or a labeling configuration of Label Studio.

    \b
    studium codebook --to codebook.html
    studium codebook --to project.xml --of image
    """
    from studium.coding.codebook import FORMATS, rendered
    from studium.core.parts import replace_file

    suffix = path.suffix.casefold() if path else ".md"
    formats = {ending: name for name, ending in FORMATS.items()}
    if suffix not in formats:
        raise click.BadParameter(f"expected a file that ends in {', '.join(formats)}, got {path}", param_hint="--to")
    with opened(root) as corpus:
        text = rendered(corpus.codebook, formats[suffix], corpus.study.title, kind, pairs)
    if path is None:
        click.echo(text, nl=False)
    else:
        replace_file(path, text)
        click.echo(f"wrote {path}", err=True)
