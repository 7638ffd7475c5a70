"""Recognising faces, behind a legal basis: verify, find, persons, and the log of it all."""

from collections.abc import Sequence
from pathlib import Path

import click

from studium.cli.common import InOrder, opened, print_table, study_option

__all__ = ["recognise"]


@click.group(cls=InOrder)
def recognise() -> None:
    """Tell persons apart by their faces; needs [legal_basis] in studium.toml.

    Every use and every refusal is logged. Templates are deleted when the legal basis ends.
    """


@recognise.command()
def basis() -> None:
    """Print a legal basis to fill in, for studium.toml."""
    from studium.core.legal import FORM

    click.echo(FORM, nl=False)


@recognise.command()
@click.argument("a")
@click.argument("b")
@click.option("--threshold", type=float, help="Distance below which two faces count as one person.")
@study_option
def verify(a: str, b: str, threshold: float | None, root: Path) -> None:
    """Do A and B show the same person? Each is a picture with one face, or the id of a face of the study."""
    with opened(root) as corpus:
        found = corpus.verify(a, b) if threshold is None else corpus.verify(a, b, threshold=threshold)
    said = "the same person" if found.same else "different persons"
    click.echo(f"distance {found.distance:.3f}: {said} by the threshold {found.threshold:g}")
    click.echo("0.6 is the radius that the network was trained with; small or poor pictures need a lower one", err=True)


@recognise.command()
@click.argument("target")
@click.argument("among", nargs=-1)
@click.option("-k", default=10, show_default=True, help="How many faces.")
@study_option
def find(target: str, among: tuple[str, ...], k: int, root: Path) -> None:
    """Rank the faces in pictures (AMONG), or all faces of the study, by their distance to the one of TARGET.

    \b
    studium recognise find img1.jpg img2.jpg img4.jpg img6.jpg
    """
    with opened(root) as corpus:
        rows = corpus.find(target, among or None, k=k).to_pylist()
    names = ["distance", "path", "box", "face"]
    print_table(names, [(_short(row["distance"]), row["path"], _box(row["box"]), row["unit"] or "") for row in rows])
    ranked = [f"{Path(row['path']).stem} {_short(row['distance'])}" for row in rows if row["distance"] is not None]
    click.echo(f"target {Path(target).stem}: {', '.join(ranked) or 'no face to compare with'}", err=True)


@recognise.command()
@click.option("--threshold", type=float, help="Distance below which two faces speak for one person.")
@study_option
def persons(threshold: float | None, root: Path) -> None:
    """Group the faces of the study into persons."""
    with opened(root) as corpus:
        found = corpus.persons() if threshold is None else corpus.persons(threshold=threshold)
    print_table(["person", "faces", "most typical face"], found.overview())
    click.echo(f"{len(found.overview())} persons; table {found.table.recipe.label}")


@recognise.command()
@study_option
def log(root: Path) -> None:
    """Show every use and every refusal, and whether the log is as it was written."""
    with opened(root) as corpus:
        entries = corpus.uses()
    rows = [
        (e.at, e.who, "allowed" if e.allowed else "refused", e.use.what, e.use.of, e.use.units, e.basis, e.reason)
        for e in entries
    ]
    print_table(["at", "who", "", "what", "of", "units", "basis", "reason"], rows)
    if broken := [number for number, entry in enumerate(entries, 1) if not entry.intact]:
        raise click.ClickException(f"the log was changed: line {broken[0]} does not follow from the one before it")


def _short(distance: float | None) -> str:
    """Three digits without the zero, as .205; empty for none."""
    return "" if distance is None else f"{distance:.3f}".removeprefix("0")


def _box(box: Sequence[int] | None) -> str:
    return "no face" if box is None else ",".join(map(str, box))
