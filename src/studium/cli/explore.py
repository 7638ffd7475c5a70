"""Exploring: clusters, neighbours, duplicates, maps."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from studium.cli.common import opened, parameters, print_table, setting, study_option

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["cluster", "duplicates", "map_", "search"]

of_option = click.option("--of", "kind", default="image", show_default=True, help="Kind of the units.")


@click.command()
@click.option("--by", default="embed", show_default=True, help="Table of vectors, for instance embed:conse.")
@of_option
@setting
@study_option
def cluster(by: str, kind: str, settings: tuple[str, ...], root: Path) -> None:
    """Cluster units by their vectors, iteratively; what coheres with nothing stays unassigned."""
    with opened(root) as corpus:
        found = corpus.cluster(kind, by=by, **parameters(settings))
    print_table(["cluster", "units", "silhouette", "round"], found.overview())
    click.echo(f"{found.unassigned:.1%} unassigned; table {found.table.recipe.label}")


@click.command()
@click.option("--by", default="pdq", show_default=True, help="Table of hashes (pdq) or of vectors (embed).")
@of_option
@setting
@study_option
def duplicates(by: str, kind: str, settings: tuple[str, ...], root: Path) -> None:
    """Find groups of near-duplicates."""
    with opened(root) as corpus:
        found = corpus.duplicates(kind, by=by, **parameters(settings))
        table = corpus.table(kind)
    shown, rows = _shown(table), {row["unit"]: row for row in table.to_pylist()}
    lines = [(group, unit[:12], *(rows[unit][name] for name in shown)) for group, unit in found.members()]
    print_table(["group", "unit", *shown], lines)
    click.echo(f"{found.groups} groups; table {found.table.recipe.label}")


@click.command(name="map")
@click.option("--by", default="embed", show_default=True, help="Table of vectors.")
@of_option
@setting
@study_option
def map_(by: str, kind: str, settings: tuple[str, ...], root: Path) -> None:
    """Lay units out on a plane by their vectors."""
    from studium.core.parts import rows

    with opened(root) as corpus:
        found = corpus.map(kind, by=by, **parameters(settings))
    click.echo(f"{rows(found.table.folder)} units laid out; table {found.table.recipe.label}")


@click.command()
@click.option("--text", default="", help="Words to look for.")
@click.option("--image", default="", help="Path of a picture.")
@click.option("--unit", default="", help="Id of a unit, in full or its first digits.")
@click.option("--by", default="embed", show_default=True, help="Table of vectors, for instance embed:conse.")
@click.option("-k", default=10, show_default=True, help="How many.")
@of_option
@study_option
def search(text: str, image: str, unit: str, by: str, k: int, kind: str, root: Path) -> None:
    """Find the units nearest to a text, a picture or a unit."""
    with opened(root) as corpus:
        found = corpus.search(kind, text=text, image=image, unit=unit, by=by, k=k)
    shown = _shown(found)
    rows = found.to_pylist()
    lines = [(f"{row['score']:.3f}", row["unit"][:12], *(row[name] for name in shown)) for row in rows]
    print_table(["cosine", "unit", *shown], lines)


def _shown(table: "pa.Table") -> list[str]:
    """The columns that say to a reader which unit it is; ``start``, in seconds, of what was split from a video."""
    return [name for name in ("text", "path", "start") if name in table.column_names]
