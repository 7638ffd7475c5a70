"""What was found in pictures: exposure, and copies with boxes drawn on them."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from studium.cli.common import opened, print_table, study_option

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["draw", "exposure", "representation"]

_of = click.option("--of", "kind", required=True, help="Kind of the units: face, object or line.")
_by = click.option("--by", required=True, help="Their table, such as logos or objects.")
_label = click.option("--label", default="", help="Its column with the label of each, such as label.")


@click.command()
@_of
@_by
@click.option("--to", required=True, help="What gets a row for each label: image, frame, video or post.")
@_label
@click.option("--made-by", default="", help="The split that found the units, if there were several.")
@click.option("--frames", default="", help="The split that made the frames, if there were several.")
@study_option
def exposure(kind: str, by: str, to: str, label: str, made_by: str, frames: str, root: Path) -> None:
    """Count how long, how often and how large something is to be seen: brand seconds, share of the screen.

    \b
    studium exposure --of object --by logos --to video --label label
    studium exposure --of line --by lines --to image
    """
    with opened(root) as corpus:
        found = corpus.exposure(kind, by=by, to=to, label=label, made_by=made_by, frames=frames)
    _print(found)


@click.command()
@click.option("--by", multiple=True, default=("gender", "age"), help="gender, age or expression; may be given again.")
@click.option("--smallest", default=0, help="Leave out faces whose shorter side has fewer pixels.")
@click.option("--made-by", default="", help="The split that found the faces, if there were several.")
@click.option("--frames", default="", help="The split that made the frames, if there were several.")
@study_option
def representation(by: tuple[str, ...], smallest: int, made_by: str, frames: str, root: Path) -> None:
    """Count which perceived groups the faces show, with intervals and the networks' errors.

    \b
    studium representation --by gender --by age --smallest 50
    """
    with opened(root) as corpus:
        found = corpus.representation(by=by, smallest=smallest, made_by=made_by, frames=frames)
    _print(found)


@click.command()
@_of
@_by
@click.option("--to", type=click.Path(path_type=Path, file_okay=False), required=True, help="Folder of the copies.")
@_label
@study_option
def draw(kind: str, by: str, to: Path, label: str, root: Path) -> None:
    """Write copies of pictures with what was found in them marked.

    \b
    studium draw --of object --by objects --label label --to marked/
    """
    with opened(root) as corpus:
        written = corpus.draw(kind, by=by, to=to, label=label)
    click.echo(f"wrote {written} pictures to {to}")


def _print(found: "pa.Table") -> None:
    """A table with eight significant digits, and nothing where nothing is known."""
    cells = ({name: "" if value is None else value for name, value in row.items()} for row in found.to_pylist())
    rows = [[f"{v:.8g}" if isinstance(v, float) else v for v in row.values()] for row in cells]
    print_table(found.column_names, rows)
