"""A study folder held open: its files, its lock, its manifest; what everything that reads or works on it shares."""

import math
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from functools import cached_property
from pathlib import Path

from studium.core import config
from studium.core.allowance import Allowance, under
from studium.core.audit import Use
from studium.core.codebook import Codebook
from studium.core.config import Study
from studium.core.legal import LegalBasis
from studium.core.store import Store, Table
from studium.errors import InputError
from studium.run import gate
from studium.run.lineage import split_by
from studium.run.load import Decoding
from studium.run.local import Progress
from studium.run.manifest import Manifest, recorded

__all__ = ["Opened", "Watch"]

Watch = Callable[[str], Progress]
"""Told the title of a step; returns what is then told how far the step is."""


class Opened:
    """A study folder, opened."""

    def __init__(
        self,
        root: str | Path = ".",
        *,
        watch: Watch | None = None,
        allow_remote: bool = False,
        budget: float | None = None,
    ) -> None:
        """Open a study folder; it is made when something is added to it.

        Args:
            root: the folder, with or without a ``studium.toml`` and a ``codebook.toml``.
            watch: for progress bars, see `Watch`; the command line hands one over.
            allow_remote: whether parts that send data to other machines (``remote = True``) may do so.
            budget: US dollars that one run may spend on services at most; instead of what the study file says.
        """
        if budget is not None and not 0 <= budget < math.inf:
            raise InputError(f"budget should be a number of US dollars, got {budget}")
        self.root = Path(root)
        self._store = Store(self.root)
        self.allow_remote, self.budget = allow_remote, budget
        self._watch = watch
        self._manifest: Manifest | None = None
        self._owner = 0  # the thread that holds the study
        self._swept: object = None
        _ = self.store  # templates whose time is over are deleted when a study is opened

    @property
    def store(self) -> Store:
        """What lies on disk. Templates of faces whose legal basis is over are deleted before anything is read."""
        if not self._holding and (now := gate.moment(self.root)) != self._swept:
            gate.sweep(self._store)
            self._swept = now
        return self._store

    @cached_property
    def study(self) -> Study:
        """The study file; an empty one if there is none."""
        path = self.root / "studium.toml"
        return config.read(path) if path.exists() else Study()

    @cached_property
    def codebook(self) -> Codebook:
        """The codebook.

        Raises:
            ConfigError: there is none, or it does not fit its schema.
        """
        return Codebook.read(self.root / "codebook.toml")

    def _codebook(self) -> Codebook:
        return self.codebook

    def _admitted(self, what: str, of: str, units: int) -> AbstractContextManager[LegalBasis]:
        """Whatever tells persons apart is done in here; templates whose time is over go first."""
        return gate.admitted(self.store.root, Use(what, of, units))

    def _split(self, of: str, by: str, made_by: str) -> tuple[Table, Table | None]:
        """The table called ``by``, and the split whose units count in a rollup of it."""
        made = self._manifest.tables if self._manifest else {}
        return self._table(of, by), split_by(self.store, of, by, made_by, made)

    @property
    def _decoding(self) -> Decoding:
        return Decoding(self.study.max_pixels, self.study.truncated)

    def _allowance(self, manifest: Manifest | None = None) -> Allowance:
        """What a run may spend, and where it notes what it spent."""
        found = self.study.remote
        budget = found.budget if self.budget is None else self.budget
        return replace(found, budget=budget, ledger=manifest.ledger if manifest else None)

    def _watched(self, title: str) -> Progress | None:
        return self._watch(title) if self._watch else None

    def _waiting(self, title: str) -> None:
        """Show that something is under way whose end is not known."""
        if self._watch:
            self._watch(title)(0, 0)

    def _table(self, of: str, by: str) -> Table:
        """The table of that name; inside a run, first of all one that the run made."""
        made = self._manifest.tables if self._manifest else {}
        gate.clear(self.store, str(self._manifest.body["command"]).split()[0] if self._manifest else "rollup", of, [by])
        return self.store.find(of, by, prefer=made)

    @property
    def _holding(self) -> bool:
        """Whether this thread holds the study already."""
        return self._manifest is not None and self._owner == threading.get_ident()

    @contextmanager
    def _recording(self, command: str) -> Iterator[Manifest]:
        """Hold the study and keep the manifest; steps inside a run share the run's. The study file is read anew."""
        if self._manifest and self._holding:
            yield self._manifest
            return
        for name in ("study", "codebook"):
            self.__dict__.pop(name, None)
        store = self.store
        with store.lock(), recorded(store, command, self.study.seed) as manifest, under(self._allowance(manifest)):
            self._manifest, self._owner = manifest, threading.get_ident()
            try:
                yield manifest
            finally:
                self._manifest = None
