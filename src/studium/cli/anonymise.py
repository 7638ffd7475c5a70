"""Anonymised copies of images and videos."""

from pathlib import Path

import click

from studium.cli.common import opened, print_table, watched

__all__ = ["anonymise"]


@click.command()
@click.argument("sources", nargs=-1, type=click.Path(path_type=Path, exists=True))
@click.option("--to", type=click.Path(path_type=Path, file_okay=False), required=True, help="Folder of the copies.")
@click.option(
    "--mode",
    type=click.Choice(["fill", "pixelate", "blur"]),
    default="fill",
    show_default=True,
    help="What is pixelated or blurred can in part be recovered; what is filled is gone.",
)
@click.option("--lines", is_flag=True, help="Cover lines of text as well.")
@click.option("--threshold", default=0.2, show_default=True, help="Confidence from which on a face is covered.")
@click.option("--smallest", default=20.0, show_default=True, help="Side of the smallest face, px.")
@click.option("--study", type=click.Path(path_type=Path, file_okay=False), help="Copy the media of this study.")
@click.option("--of", "kind", type=click.Choice(["image", "video"]), help="With --study: of one kind alone.")
@click.option(
    "--check", "number", type=click.IntRange(min=1), help="Afterwards draw so many frames for a person to look at."
)
def anonymise(
    sources: tuple[Path, ...],
    to: Path,
    mode: str,
    lines: bool,
    threshold: float,
    smallest: float,
    study: Path | None,
    kind: str | None,
    number: int | None,
) -> None:
    """Copy images and videos with every face covered: SOURCES are files and folders.

    Sound, subtitles, metadata and names stay behind; what was done is in log.csv among the copies. Which copy is made
    of which original is in TO.originals.jsonl beside them: do not hand that on. The same command goes on where it was
    interrupted.

    Undetectable is not anonymous. Detectors miss faces, clothes and places tell too: look at a sample (--check).

    \b
    studium anonymise photos/ films/ --to released
    studium anonymise --study families --of video --to released --lines --check 200
    """
    from studium.anonymise import Cover, draw
    from studium.anonymise import anonymise as copy

    if kind and not study:
        raise click.UsageError("--of goes with --study")
    if not sources and not study:
        raise click.UsageError("name files or folders, or a study with --study")
    paths = [*sources, *(_media(study, kind) if study else ())]
    with watched() as watch:
        report = copy(paths, to, Cover(mode, threshold, smallest, lines), watch=watch)
    made = [entry for entry in report.entries if entry.copy]
    rows = [(kind, sum(entry.kind == kind for entry in made)) for kind in ("image", "video")]
    print_table(["what", "files"], [*rows, ("failed", len(report.failures)), *sorted(report.left_out.items())])
    click.echo(f"{report.there} of the copies were there already; log in {to / 'log.csv'}")
    for entry in report.failures:
        click.echo(f"not copied: {entry.source}: {entry.error}: {entry.message}", err=True)
    for entry in report.remaining:
        click.echo(f"something is still found in {to / entry.copy}, of {entry.source}: look at it", err=True)
    click.echo("undetectable is not anonymous: look at a sample before you hand the copies on", err=True)
    if number:
        click.echo(f"fill in {draw(to, number)}, then see  studium.anonymise.recall_of")


def _media(study: Path, kind: str | None) -> list[Path]:
    """Files of the images and videos of a study."""
    with opened(study) as corpus:
        kinds = [kind] if kind else ["image", "video"]
        paths = [path for each in kinds for path in corpus.units(each)["path"].to_pylist() if path]
    return [study / path for path in paths]
