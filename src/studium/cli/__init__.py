"""The command line: one file per noun. No logic lives here; every command calls the library."""

import sys

import click

from studium.cli.common import InOrder
from studium.errors import StudiumError

__all__ = ["cli", "main"]


@click.group(cls=InOrder, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(package_name="studium", message="studium %(version)s")
@click.option("-v", "--verbose", is_flag=True, help="Say more; errors come with their traceback.")
def cli(verbose: bool) -> None:
    """Images, video, audio and posts as data, in one reproducible study.

    A study is a folder; every command works on the one in --study (default: here).
    """
    if verbose:
        import logging

        logging.basicConfig(level=logging.INFO, format="%(levelname)s %(name)s: %(message)s")


def _collect() -> None:
    from studium.cli import (
        accounts,
        adjudicate,
        agree,
        annotations,
        anonymise,
        batch,
        calibrate,
        codebook,
        crossmodal,
        detect,
        doctor,
        download,
        experiment,
        explore,
        measure,
        models,
        pairs,
        predict,
        recognise,
        remote,
        report,
        sample,
        serve,
        source,
        split,
        study,
        taggers,
        task,
        train,
    )

    for command in (
        study.init,
        source.add,
        download.download,
        split.split,
        measure.measure,
        explore.cluster,
        explore.search,
        explore.duplicates,
        explore.map_,
        crossmodal.similarity,
        crossmodal.retrieval,
        calibrate.calibrate,
        codebook.codebook,
        sample.sample,
        sample.samples,
        task.task,
        task.tasks,
        serve.serve,
        accounts.accounts,
        annotations.annotations,
        agree.agree,
        agree.coders,
        adjudicate.adjudicate,
        pairs.pairs,
        train.train,
        predict.predict,
        train.export,
        experiment.experiment,
        detect.exposure,
        detect.draw,
        detect.representation,
        remote.remote,
        batch.batch,
        taggers.taggers,
        recognise.recognise,
        anonymise.anonymise,
        study.run,
        study.status,
        report.report,
        models.models,
        doctor.doctor,
    ):
        cli.add_command(command)


_collect()


def main() -> None:
    """Run the command line; an error that studium raises on purpose is one line and exit code 1."""
    try:
        cli(standalone_mode=False)
    except click.exceptions.Abort:
        sys.exit(_say("interrupted; what was finished is kept, and the same command goes on from there", 130))
    except click.exceptions.NoArgsIsHelpError as error:
        click.echo(error.format_message())
        sys.exit(0)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except StudiumError as error:
        if "-v" in sys.argv or "--verbose" in sys.argv:
            raise
        sys.exit(_say(f"{type(error).__name__}: {error}", 1))


def _say(message: str, code: int) -> int:
    click.echo(message, err=True)
    return code
