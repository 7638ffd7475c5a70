"""Autotaggers: what they said, and how far they can be trusted."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import click

from studium.cli.common import InOrder, opened, print_table, study_option

__all__ = ["taggers"]

SHOWN = 20  # rows of a table on the terminal

of_option = click.option("--of", "kind", default="image", show_default=True, help="Kind of the units.")
names_argument = click.argument("names", nargs=-1, required=True, metavar="TABLE...")
mapping_option = click.option(
    "--map", "mapping", type=click.Path(path_type=Path), help="CSV with concept, label and tagger."
)


@click.group(cls=InOrder)
def taggers() -> None:
    """Compare taggers with each other, with themselves a year ago, and with people."""


@taggers.command()
@names_argument
@of_option
@mapping_option
@click.option("--codes", type=click.Path(path_type=Path), help="CSV with unit or path, and a column per concept.")
@click.option("--cut", "cuts", multiple=True, metavar="[TABLE=]CONFIDENCE", help="May be given again. [default: 0.5]")
@click.option(
    "--to", "folder", type=click.Path(path_type=Path, file_okay=False), help="Folder for CSV files of it all."
)
@study_option
def audit(
    names: tuple[str, ...],
    kind: str,
    mapping: Path | None,
    codes: Path | None,
    cuts: tuple[str, ...],
    folder: Path | None,
    root: Path,
) -> None:
    """Audit taggers: shares, agreement of every two, drift between waves, precision and recall by hand codes.

    \b
    studium taggers audit rekognition google_vision tags --map concepts.csv --codes coded.csv --to audit
    studium taggers audit rekognition:2026-11 rekognition:2027-11
    """
    from studium.run.taggers import audit as compare
    from studium.run.taggers import read_codes, read_mapping, write

    with opened(root) as corpus:
        found = compare(
            corpus.store,
            kind,
            names,
            _cuts(cuts, names),
            read_mapping(mapping) if mapping else None,
            read_codes(codes, corpus.store, kind) if codes else None,
        )
    for name, rows in found.items():
        if rows and name != "labels":
            _print(name, rows)
    for path in write(found, folder) if folder else []:
        click.echo(f"wrote {path}", err=True)


@taggers.command()
@names_argument
@of_option
@mapping_option
@study_option
def labels(names: tuple[str, ...], kind: str, mapping: Path | None, root: Path) -> None:
    """List every label that taggers gave, the commonest first: what a mapping starts from."""
    from studium.coding.taggers import Concepts, vocabulary
    from studium.run.taggers import read_mapping, tagger

    concepts = read_mapping(mapping) if mapping else Concepts()
    with opened(root) as corpus:
        rows = [row for name in names for row in vocabulary(tagger(corpus.store, kind, name), concepts)]
    header = ["tagger", "label", "units", "share", "confidence_mean", "concepts"]
    print_table(header, [[_shown(row[name]) for name in header] for row in rows])


def _cuts(given: Sequence[str], names: Sequence[str]) -> dict[str, float]:
    """``0.6`` for all, ``rekognition=0.8`` for one."""
    cuts: dict[str, float] = {}
    for one in sorted(given, key=lambda text: "=" in text):
        name, _, value = one.rpartition("=")
        try:
            number = float(value)
        except ValueError:
            raise click.BadParameter(f"expected a confidence from 0 to 1, or TABLE=CONFIDENCE, got {one!r}") from None
        cuts |= {name: number} if name else dict.fromkeys(names, number)
    return cuts


def _print(title: str, rows: Sequence[Mapping[str, Any]]) -> None:
    click.echo(f"\n{title}")
    names = list(rows[0])
    print_table(names, [[_shown(row[name]) for name in names] for row in rows[:SHOWN]])
    if len(rows) > SHOWN:
        click.echo(f"... and {len(rows) - SHOWN} more rows; --to FOLDER writes them all", err=True)


def _shown(value: Any) -> Any:
    """Numbers with three digits; in the CSV files they stand in full."""
    return f"{value:.3f}" if isinstance(value, float) else value
