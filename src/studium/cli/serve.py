"""The server of a study, for the browser."""

import secrets
import signal
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from html import escape
from pathlib import Path

import click

from studium.cli.common import opened, study_option
from studium.errors import InputError

__all__ = ["me", "serve"]


@click.command()
@study_option
@click.option("--port", type=click.IntRange(0, 65535), default=8765, show_default=True, help="0 for any that is free.")
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen at; others need --accounts.")
@click.option("--coder", metavar="NAME", help="As which you code; default: your name on this machine.")
@click.option("--accounts", is_flag=True, help="Let several people sign in: see  studium accounts --help.")
@click.option("--database", metavar="URL", help="Where codes are kept, instead of where the study says.")
@click.option("--behind-proxy", is_flag=True, help="Trust X-Forwarded-For, -Proto and -Host of the proxy before it.")
@click.option("--processes", type=click.IntRange(1), default=1, show_default=True, help="Several need --accounts.")
@click.option(
    "--token-file",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Use the token in this file, for scripts; made if it is not there.",
)
@click.option("--open", "browse", is_flag=True, help="Open the browser.")
def serve(
    root: Path,
    port: int,
    host: str,
    coder: str | None,
    accounts: bool,
    database: str | None,
    behind_proxy: bool,
    processes: int,
    token_file: Path | None,
    browse: bool,
) -> None:
    """Show the study in the browser: look, search, code by hand.

    It listens on this machine alone, and lets in who opens the address that it prints. Ctrl-C stops it.
    """
    if accounts and (coder or token_file):
        raise click.UsageError("--coder and --token-file are for a server without --accounts")
    if behind_proxy and not accounts:
        raise click.UsageError("--behind-proxy needs --accounts")
    if processes > 1 and not accounts:
        raise click.UsageError("--processes needs --accounts")
    from studium.server.running import Address, run, token_in
    from studium.server.settings import COOKIE, Settings

    address = Address(host, port, accounts, processes)
    token = None if accounts else token_in(token_file) if token_file else secrets.token_urlsafe(32)
    who = coder or me()
    if not accounts and not who.isprintable():
        raise InputError(f"a coder's name is one line, got {who!r}")
    settings = Settings(token, who, database, COOKIE, behind_proxy)
    with opened(root) as corpus, ExitStack() as until:

        def told(url: str) -> None:
            click.echo(f"serving at {url}\nCtrl-C stops it")
            if browse:
                click.launch(until.enter_context(_leading(url, root)).as_uri())

        run(corpus, settings, address, told)


def me() -> str:
    """The name of the account on this machine."""
    import getpass

    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "local"


@contextmanager
def _leading(url: str, folder: Path) -> Iterator[Path]:
    """A page that only its owner can read, and that leads to the address, whose token no list of processes then shows.

    It lies in the study folder, as a browser of its own package (snap, Flatpak) reads no temporary files of others.
    """
    with tempfile.NamedTemporaryFile("w", prefix="open-", suffix=".html", dir=folder, encoding="utf-8") as page:
        page.write(f'<!doctype html><title>studium</title><meta http-equiv="refresh" content="0; url={escape(url)}">')
        page.flush()
        signal.signal(signal.SIGTERM, lambda number, _: sys.exit(128 + number))  # so that the page goes in any case
        yield Path(page.name).resolve()
