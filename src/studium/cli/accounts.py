"""Who may sign in to the server."""

from pathlib import Path
from typing import TextIO

import click

from studium.cli.common import opened, print_table, study_option
from studium.cli.serve import me
from studium.core.records.accounts import ROLES

__all__ = ["accounts"]

role_option = click.Choice(ROLES)
password_option = click.option(
    "--password-file", type=click.File(encoding="utf-8"), help="The password is its first line; - for standard input."
)


@click.group()
def accounts() -> None:
    """Say who may sign in to  studium serve --accounts, and as what."""


@accounts.command()
@click.argument("name")
@click.option("--role", type=role_option, default="coder", show_default=True, help="What they may do.")
@password_option
@study_option
def add(name: str, role: str, password_file: TextIO | None, root: Path) -> None:
    """Make an account; the password is asked for."""
    from studium.run.coding.opened import opened as database
    from studium.server.accounts import added

    password = _password(password_file)
    with opened(root) as corpus, database(corpus.root, corpus.study) as records:
        added(records, name, role, password, who=me())
    click.echo(f"{name} may sign in as {role}")


@accounts.command()
@click.argument("name")
@click.option("--role", type=role_option, help="What they may do from now on.")
@click.option("--password", "asked", is_flag=True, help="Ask for a new password.")
@password_option
@click.option("--active/--inactive", default=None, help="Whether they may sign in.")
@study_option
def change(
    name: str,
    role: str | None,
    asked: bool,
    password_file: TextIO | None,
    active: bool | None,
    root: Path,
) -> None:
    """Change an account; whoever is signed in with it has to sign in again."""
    from studium.run.coding.opened import opened as database
    from studium.server.accounts import changed

    password = _password(password_file) if asked or password_file else None
    if role is None and password is None and active is None:
        raise click.UsageError("say what should change: --role, --password, --active or --inactive")
    with opened(root) as corpus, database(corpus.root, corpus.study) as records:
        changed(records, name, role=role, password=password, active=active, who=me())
    click.echo(f"changed {name}")


@accounts.command("list")
@study_option
def list_(root: Path) -> None:
    """List the accounts."""
    from studium.run.coding.opened import opened as database

    with opened(root) as corpus, database(corpus.root, corpus.study) as records:
        rows = [(one.name, one.role, "yes" if one.active else "no", one.at) for one in records.accounts.all()]
    print_table(["name", "role", "active", "since"], rows)


def _password(file: TextIO | None) -> str:
    """From a file, or typed twice where nobody sees it."""
    if file is not None:
        return str(file.readline()).rstrip("\r\n")
    return str(click.prompt("Password", hide_input=True, confirmation_prompt=True))
