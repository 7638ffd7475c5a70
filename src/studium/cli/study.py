"""The study itself: begin one, run it, see how it stands."""

from functools import cache
from pathlib import Path

import click

from studium.cli.common import budget_option, opened, print_outcome, print_table, remote_option, study_option

__all__ = ["init", "run", "status"]

_GIVEN = {"image", "video", "audio", "post"}  # kinds that sources give; others are split from these

TEMPLATE = """\
[study]
title = "{title}"
question = ""
seed = 1

[[source]]
folder = "images"

[[step]]
measure = ["properties", "colour", "histogram", "phash", "pdq", "embed", "tags"]
of = "image"

[[step]]
cluster = "embed"
of = "image"

[[step]]
duplicates = "pdq"
of = "image"

[[step]]
map = "embed"
of = "image"

[ethics]
# What a reader should know: approval, consent, data protection. Shown in the report.
"""


@click.command()
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False), default=Path())
def init(folder: Path) -> None:
    """Begin a study in FOLDER: write a studium.toml to start from."""
    path = folder / "studium.toml"
    if path.exists():
        raise click.ClickException(f"{path} is there already; edit it, or choose another folder")
    (folder / "images").mkdir(parents=True, exist_ok=True)
    path.write_text(TEMPLATE.format(title=folder.resolve().name.replace('"', "'")), encoding="utf-8")
    click.echo(f"wrote {path}; put pictures into {folder / 'images'}, then  studium run --study {folder}")
    click.echo(f"(videos, posts, other measures: say so in {path} first; docs/study-file.md has its keys)")


@click.command()
@study_option
@click.option("--retry", is_flag=True, help="Try units again that failed before.")
@remote_option
@budget_option
def run(root: Path, retry: bool, allow_remote: bool, budget: float | None) -> None:
    """Do what studium.toml says; only what is missing is computed."""
    with opened(root, allow_remote=allow_remote, budget=budget) as corpus:
        outcome = corpus.run(retry=retry)
        losses, failures = corpus.losses().num_rows, corpus.failures().num_rows
        waiting = corpus.downloads()["status"].to_pylist().count("waiting")
        kinds = [kind for kind in corpus.store.kinds() if corpus.units(kind).num_rows]
        missing = sorted({step.of for step in corpus.study.steps} & _GIVEN - {*kinds})
    if kinds:
        print_outcome(outcome.rows, outcome.failures)
    if missing or not kinds:
        wanted = f", and steps of studium.toml are of {', '.join(missing)}" if missing else ""
        click.echo(
            f"the study has units of these kinds: {', '.join(kinds) or 'none yet'}{wanted}; put files where the sources"
            " of studium.toml say, or change it",
            err=True,
        )
    if waiting:
        click.echo(f"{waiting} media named by URL wait to be asked for: see  studium download --help", err=True)
    if losses or failures:
        click.echo(
            f"so far {losses} losses and {failures} failures; the report lists them with their reasons", err=True
        )


@click.command()
@study_option
def status(root: Path) -> None:
    """Count units, tables, failures and losses."""
    from studium.run.tables import called, of_units

    with opened(root) as corpus:
        kinds = corpus.store.kinds()
        units = cache(corpus.units)
        counts = [(kind, units(kind).num_rows) for kind in kinds]
        rows = [
            (t.kind, called(t.recipe), *(of_units(x, units(t.kind)).num_rows for x in (t.read(["unit"]), t.failures())))
            for t in corpus.store.tables()
        ]
        failures, losses = corpus.failures().num_rows, corpus.losses().num_rows
    print_table(["kind", "units"], counts)
    print_table(["kind", "table", "rows", "failures"], rows)
    click.echo(f"{failures} failures, {losses} losses (files and rows that no source could use)")
