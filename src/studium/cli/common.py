"""What commands share: the --study option, values on the command line, progress bars, tables."""

import sys
import tomllib
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from studium.errors import ConfigError

if TYPE_CHECKING:
    from studium.corpus import Corpus

__all__ = [
    "InOrder",
    "budget_option",
    "opened",
    "parameters",
    "print_outcome",
    "print_table",
    "remote_option",
    "setting",
    "study_option",
    "watched",
]


class InOrder(click.Group):
    """Commands in the order in which they are used, each with its whole first sentence."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Not in that of the alphabet."""
        return list(self.commands)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Whole sentences, where click cuts them off."""
        rows = [(name, command.get_short_help_str(limit=1000)) for name, command in self.commands.items()]
        with formatter.section("Commands"):
            formatter.write_dl(rows)


study_option = click.option(
    "--study", "root", type=click.Path(path_type=Path, file_okay=False), default=Path(), help="The study folder."
)
remote_option = click.option(
    "--allow-remote", is_flag=True, help="Let parts that ask another machine send it pictures and texts."
)
budget_option = click.option(
    "--budget",
    type=click.FloatRange(min=0),
    metavar="USD",
    help="What the run may spend on services at most, instead of what the study file says.",
)
setting = click.option("--set", "settings", multiple=True, metavar="KEY=VALUE", help="A parameter; may be given again.")

_RESERVED = ("of", "by", "retry", "study", "path", "name", "self")  # arguments and options of the commands themselves
_CONTROL = frozenset({"Cc", "Cs", "Zl", "Zp"})  # control characters, lone surrogates, separators of lines


def parameters(settings: Sequence[str]) -> dict[str, Any]:
    """``key=value`` pairs; a value is read as TOML (5, 0.5, true, [1, 2]) and else as text.

    Raises:
        click.BadParameter: no equals sign, or the name of something that the command takes itself.
    """
    found: dict[str, Any] = {}
    for pair in settings:
        name, equals, value = pair.partition("=")
        key = name.strip()
        if not equals:
            raise click.BadParameter(f"expected KEY=VALUE, got {pair!r}")
        if key in _RESERVED:
            raise click.BadParameter(f"{key!r} is reserved, and no parameter of a part; see the options in --help")
        try:
            found[key] = tomllib.loads(f"v = {value}")["v"]
        except tomllib.TOMLDecodeError:
            found[key] = value
    return found


@contextmanager
def opened(
    root: Path, new: bool = False, allow_remote: bool = False, budget: float | None = None
) -> "Iterator[Corpus]":
    """The study in ``root``, with a progress bar on the terminal; ``new`` if it may have to be made."""
    from studium.corpus import Corpus

    if not new and not any((root / name).exists() for name in ("studium.toml", "units", "sources")):
        raise ConfigError(
            f"no study in {root}; name its folder with --study, or begin with  studium init  or  studium add"
        )
    with watched() as watch:
        yield Corpus(root, watch=watch, allow_remote=allow_remote, budget=budget)


@contextmanager
def watched() -> Iterator[Callable[[str], Callable[[int, int], None]]]:
    """A progress bar on the terminal for each step, which is told its title, and then how far it is."""
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
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

        yield watch


def print_table(names: Sequence[str], rows: Sequence[Sequence[object]], title: str = "") -> None:
    """A table on the terminal, without control characters; elsewhere one line a row, with tabs between cells.

    There a backslash is written twice, and control characters as ``\\t``, ``\\n``, ``\\x1b``: a row is always a line.
    """
    if not sys.stdout.isatty():
        click.echo("\t".join(names))
        for row in rows:
            click.echo("\t".join(_escaped(str(cell)) for cell in row))
        return
    from rich.console import Console
    from rich.table import Column, Table
    from rich.text import Text

    table = Table(*(Column(name, overflow="fold") for name in names), title=title or None)
    for row in rows:
        table.add_row(*(Text(_shown(str(cell))) for cell in row))  # as it is: [b] in a path is no markup
    Console().print(table)


def _escaped(text: str) -> str:
    """The text on one line, without a tab; written as in a Python string literal."""
    doubled = text.replace("\\", "\\\\")
    return "".join(ascii(c)[1:-1] if unicodedata.category(c) in _CONTROL else c for c in doubled)


def _shown(text: str) -> str:
    """The text without control characters, and with spaces for those that stand between words."""
    shown = (c if unicodedata.category(c) not in _CONTROL else " " if c.isspace() else "" for c in text)
    return "".join(shown)


def print_outcome(rows: Any, failures: Any) -> None:
    """What a run did, one line a table."""
    names = sorted(set(rows) | set(failures))
    if not any(rows[name] or failures[name] for name in names):
        click.echo("nothing to do: every unit has its rows")
        return
    print_table(["table", "new rows", "new failures"], [(name, rows[name], failures[name]) for name in names])
