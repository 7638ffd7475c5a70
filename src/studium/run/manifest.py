"""The manifest of a run: everything a reader needs to know to get the same numbers."""

import dataclasses
import hashlib
import json
import logging
import os
import platform
import secrets
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, requires, version
from pathlib import Path
from typing import Any

import pyarrow as pa

from studium.core import parts
from studium.core.allowance import Allowance
from studium.core.store import Store, Table
from studium.errors import StoreError
from studium.run.remote import flows

__all__ = ["Manifest", "recorded"]

log = logging.getLogger(__name__)


class Manifest:
    """What a run did, collected while it goes on.

    Attributes:
        tables: every table the run asked for.
        body: what is written to ``runs/``.
    """

    def __init__(self, store: Store, command: str, seed: int) -> None:
        """Note when, where and with what it began."""
        self.tables: dict[Path, Table] = {}
        self.root = store.root
        self.id = f"{datetime.now(UTC):%Y%m%dT%H%M%S}-{secrets.token_hex(4)}"
        self.body: dict[str, Any] = {
            "id": self.id,
            "command": command,
            "status": "running",
            "started": _now(),
            "seed": seed,
            "machine": _machine(),
            "packages": _packages(),
            "files": _files(store.root),
        }

    @property
    def ledger(self) -> Path:
        """Where the run notes what it spends on services; there is none as long as it spent nothing."""
        return self.root / "runs" / f"{self.id}.spent"

    def touch(self, table: Table) -> None:
        """Note that the run asked for this table."""
        self.tables[table.folder] = table

    def finish(self, store: Store, status: str) -> None:
        """Note how it ended, and the digests of what went in and what came out."""
        made = [table for table in self.tables.values() if (table.folder / "_recipe.json").exists()]
        used = {table.kind for table in made}
        self.body |= {"status": status, "ended": _now()}
        if self.ledger.exists():
            self.body["spent_usd"] = Allowance(ledger=self.ledger).spent
            self.ledger.with_suffix(".lock").unlink(missing_ok=True)
        self.body["inputs"] = {
            kind: {"units": store.units(kind).num_rows, "digest": store.units_digest(kind)} for kind in sorted(used)
        }
        self.body["inputs"]["attachments"] = _attachments(store)
        self.body["outputs"] = {f"{t.kind}/{t.recipe.label}": _output(t) for t in made}
        sent = flows(made, since=self.body["started"])
        self.body["sent"] = [dataclasses.asdict(flow) for flow in sent]
        for flow in sent:
            log.info("%s", flow)


@contextmanager
def recorded(store: Store, command: str, seed: int) -> Iterator[Manifest]:
    """Write ``runs/<id>.json`` at the beginning ("running") and again at the end ("done", "interrupted", "failed")."""
    manifest = Manifest(store, command, seed)
    path = store.root / "runs" / f"{manifest.id}.json"
    _write(path, manifest.body)
    status = "failed"
    try:
        yield manifest
        status = "done"
    except KeyboardInterrupt:
        status = "interrupted"
        raise
    finally:
        try:
            manifest.finish(store, status)
            _write(path, manifest.body)
        except (OSError, StoreError):
            if status == "done":
                raise
            log.exception("the manifest %s could not be finished", path)  # what ended the run is told, not this


def _write(path: Path, body: Mapping[str, Any]) -> None:
    parts.replace_file(path, json.dumps(body, indent=1, ensure_ascii=False) + "\n")


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")


def _machine() -> dict[str, Any]:
    return {
        "python": platform.python_version(),
        "system": platform.platform(),
        "processor": platform.machine(),
        "cores": os.cpu_count(),
        "byteorder": sys.byteorder,
    }


def _packages() -> dict[str, str]:
    """Versions of studium and of everything it names as a dependency, as far as it is installed."""
    named = {"studium"}
    for line in requires("studium") or []:
        name = line.split(";")[0]
        for stop in "<>=!~[ ":
            name = name.split(stop)[0]
        named.add(name)
    found = {}
    for name in sorted(named):
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def _files(root: Path) -> dict[str, str]:
    """sha256 of the study file and the codebook, as far as there are any."""
    there = [root / name for name in ("studium.toml", "codebook.toml")]
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in there if path.exists()}


def _attachments(store: Store) -> dict[str, Any]:
    """Digest of who is attached where; not of paths and times, which differ from machine to machine."""
    table: pa.Table = store.attachments().select(["post", "media", "kind", "position", "label"])
    return {"rows": table.num_rows, "digest": f"{parts.sum_of_rows(table):064x}"}


def _output(table: Table) -> dict[str, Any]:
    recipe = table.recipe
    counts = {"rows": parts.rows(table.folder), "failures": table.failures().num_rows, "digest": table.digest()}
    return {"version": recipe.version, "params": recipe.params, "models": recipe.models, **counts}
