"""What commands share: the --study option, values on the command line, progress bars, tables."""

import sys
import tomllib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from studium.errors import ConfigError

if TYPE_CHECKING:
    from studium.corpus import Corpus

__all__ = ["opened", "parameters", "print_outcome", "print_table", "setting", "study_option"]

study_option = click.option(
    "--study", "root", type=click.Path(path_type=Path, file_okay=False), default=Path(), help="The study folder."
)
setting = click.option("--set", "settings", multiple=True, metavar="KEY=VALUE", help="A parameter; may be given again.")


def parameters(settings: Sequence[str]) -> dict[str, Any]:
    """``key=value`` pairs; a value is read as TOML (5, 0.5, true, [1, 2]) and else as text."""
    found: dict[str, Any] = {}
    for pair in settings:
        key, equals, value = pair.partition("=")
        if not equals:
            raise click.BadParameter(f"expected KEY=VALUE, got {pair!r}")
        try:
            found[key.strip()] = tomllib.loads(f"v = {value}")["v"]
        except tomllib.TOMLDecodeError:
            found[key.strip()] = value
    return found


@contextmanager
def opened(root: Path, new: bool = False) -> "Iterator[Corpus]":
    """The study in ``root``, with a progress bar on the terminal; ``new`` if it may have to be made."""
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )

    from studium.corpus import Corpus

    if not new and not any((root / name).exists() for name in ("studium.toml", "units", "sources")):
        raise ConfigError(
            f"no study in {root}; name its folder with --study, or begin with  studium init  or  studium add"
        )
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=Console(stderr=True), disable=not sys.stderr.isatty()) as progress:

        def watch(title: str) -> Callable[[int, int], None]:
            task = progress.add_task(title, total=None)
            return lambda done, total: progress.update(task, completed=done, total=total or None)

        yield Corpus(root, watch=watch)


def print_table(names: Sequence[str], rows: Sequence[Sequence[object]], title: str = "") -> None:
    """A table on the terminal; plain text with tabs where the output is not a terminal."""
    if not sys.stdout.isatty():
        click.echo("\t".join(names))
        for row in rows:
            click.echo("\t".join(str(cell) for cell in row))
        return
    from rich.console import Console
    from rich.table import Table

    table = Table(*names, title=title or None)
    for row in rows:
        table.add_row(*(str(cell) for cell in row))
    Console().print(table)


def print_outcome(rows: Any, failures: Any) -> None:
    """What a run did, one line a table."""
    names = sorted(set(rows) | set(failures))
    if not any(rows[name] or failures[name] for name in names):
        click.echo("nothing to do: every unit has its rows")
        return
    print_table(["table", "new rows", "new failures"], [(name, rows[name], failures[name]) for name in names])
