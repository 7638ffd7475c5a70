"""Download what sources name by URL."""

from pathlib import Path

import click

from studium.cli.common import opened, parameters, print_table, setting, study_option

__all__ = ["download"]


@click.command()
@click.option("--contact", required=True, help="An e-mail address or a web page: servers are told who asks.")
@click.option("--retry", is_flag=True, help="Ask again for what was gone, forbidden or refused.")
@click.option("--yt-dlp", "platforms", is_flag=True, help="The URLs are pages of video platforms.")
@setting
@study_option
def download(contact: str, retry: bool, platforms: bool, settings: tuple[str, ...], root: Path) -> None:
    """Download the media that sources name by URL: each once, at most one request a second to a host.

    \b
    studium download --contact ada@example.org
    studium download --contact ada@example.org --set per_second=0.2 --set max_bytes=50000000
    """
    given = {**parameters(settings), **({"method": "yt-dlp"} if platforms else {})}
    if "contact" in given:
        raise click.BadParameter("'contact' has an option of its own, --contact")
    with opened(root) as corpus:
        done = corpus.download(contact=contact, retry=retry, **given)
    if not done.statuses:
        click.echo("nothing to ask for: every URL is downloaded, or known to be lost (see --retry)")
        return
    print_table(["status", "URLs"], sorted(done.statuses.items()))
    click.echo(f"{done.bytes} bytes downloaded")
