"""The facade: a study folder and everything one does with it."""

import logging
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from studium.core import parameters, parts, registry
from studium.core.config import Step
from studium.core.protocols import Source
from studium.corpus.coding import Coding
from studium.errors import ConfigError, InputError
from studium.run import gate, results, steps
from studium.run.add import Added, add
from studium.run.pending import Outcome
from studium.run.rolled import Rolled, rolled

if TYPE_CHECKING:
    from studium.run.calibrated import Calibrated, Labels
    from studium.run.crossmodal import Matched
    from studium.run.download.crew import Downloaded

__all__ = ["Corpus"]

log = logging.getLogger(__name__)


class Corpus(Coding):
    """A study folder.

    >>> corpus = Corpus("families/")                                      # doctest: +SKIP
    >>> corpus.add(sources.folder("images/"))                             # doctest: +SKIP
    >>> corpus.measure("embed", of="image")                               # doctest: +SKIP
    >>> clusters = corpus.cluster("image", by="embed")                    # doctest: +SKIP

    Whatever was computed before is read, not computed again; a changed parameter is a new table beside the old one.
    """

    # doing

    def add(self, source: Source) -> Added:
        """Add everything a source finds: posts, files, and where they belong together."""
        if not isinstance(source, Source):
            raise InputError(f"add takes a source, such as sources.folder({source!r}); got {type(source).__name__}")
        with self._recording(f"add {source.name}"):
            told = self._watched(f"add {source.name}")
            return add(self.store, source, (lambda n: told(n, 0)) if told else None)

    def download(self, *, contact: str, retry: bool = False, **manners: Any) -> "Downloaded":
        """Download the media that sources name by URL: each URL once, politely, and nothing else.

        Args:
            contact: an e-mail address or a web page; servers are told who asks.
            retry: whether to ask again for what was gone, forbidden or refused.
            **manners: how to ask; see `studium.run.download.manners.Manners`.
        """
        from studium.run.download.crew import download
        from studium.run.download.manners import Manners

        asked = parameters.make("download", Manners, {"contact": contact, **manners})
        with self._recording("download"):
            return download(self.store, asked, retry, self._watched("download"))

    def cluster(self, of: str, *, by: str, **params: Any) -> results.Clustering:
        """Cluster units by a table of vectors; see `studium.explore.cluster`."""
        with self._recording(f"cluster {of} by {by}") as manifest:
            self._waiting(f"cluster {of} by {by}")
            found = results.cluster(self.store, self._table(of, by), params, self.study.seed, log.info)
            manifest.touch(found.table)
            return found

    def duplicates(self, of: str, *, by: str = "pdq", **params: Any) -> results.Duplicates:
        """Find groups of near-duplicates; see `studium.explore.duplicates`."""
        with self._recording(f"duplicates {of} by {by}") as manifest:
            self._waiting(f"duplicates {of} by {by}")
            found = results.duplicates(self.store, self._table(of, by), params)
            manifest.touch(found.table)
            return found

    def map(self, of: str, *, by: str, **params: Any) -> results.Layout:
        """Lay units out on a plane; see `studium.explore.map`."""
        with self._recording(f"map {of} by {by}") as manifest:
            self._waiting(f"map {of} by {by}")
            found = results.layout(self.store, self._table(of, by), params, self.study.seed)
            manifest.touch(found.table)
            return found

    def retrieval(self, of: str, *, by: str = "embed", text_by: str = "embed_text") -> "Matched":
        """Whether posts show what they say: how near each text is to its own pictures, and which find each other.

        Args:
            of: kind of the pictures, ``image`` or ``frame``.
            by: their table of vectors by a joint model, such as "embed:conse".
            text_by: table of vectors of the posts' texts by the model that shares its space.
        """
        from studium.run.crossmodal import matched

        with self._recording(f"retrieval {of} by {by}") as manifest:
            self._waiting(f"retrieval {of} by {by}")
            found = matched(self.store, self._table(of, by), self._table("post", text_by))
            manifest.touch(found.table)
            return found

    def calibrate(
        self, variable: str, *, of: str, labels: "str | Path | Labels | None" = None, by: str = ""
    ) -> "Calibrated":
        """Calibrate zero-shot codes on the units that people coded; see `studium.learn.evaluate.prompt_calibration`.

        Args:
            variable: what was coded.
            of: kind of the units.
            labels: path of a CSV file with ``unit`` or ``path``, ``value`` and perhaps ``coder`` and ``weight``
                (1 / P(drawn)), or what else `studium.run.labels.labels_of` reads; or unit -> (value, weight); None for
                the annotations of the study.
            by: table of the codes, if ``zero_shot:VARIABLE`` is not enough to tell it.
        """
        from studium.run.calibrated import calibrated, coded

        by = by or f"zero_shot:{variable}"
        with self._recording(f"calibrate {variable} of {of}") as manifest:
            source = self._table(of, by)
            if labels is None or isinstance(labels, str | Path):
                book = self.codebook if labels is None or (self.root / "codebook.toml").exists() else None
                labels = coded(self.store, source, book, labels)
            found = calibrated(self.store, source, labels, self.study.seed)
            manifest.touch(found.table)
            return found

    # the study file

    def run(self, *, retry: bool = False) -> Outcome:
        """Do what the study file says: add its sources, then take its steps in order."""
        if not (self.root / "studium.toml").exists():
            raise ConfigError(f"no studium.toml in {self.root}; write one, or begin with  studium init")
        total = Outcome()
        with self._recording("run"):
            steps.gate_all(self.study.steps, self.root, self._codebook, self.allow_remote)
            for entry in self.study.sources:
                self.add(self.source(entry.name, entry.path, **dict(entry.params)))
            for group in steps.fused(self.study.steps):
                outcome = self._step(group, retry)
                total.rows.update(outcome.rows)
                total.failures.update(outcome.failures)
        return total

    def source(self, name: str, path: str | Path, **params: Any) -> Source:
        """A source by name; its ``path`` (and ``root``, for media) start from the study folder."""
        if "path" in params or "name" in params:
            raise InputError(
                f"the path of a source is the value of its first key, {name} = ...; leave out path and name"
            )
        places = {key: str(self.root / value) for key, value in params.items() if key == "root"}
        made: Source = registry.make("sources", name, {**params, **places, "path": str(self.root / path)})
        return made

    # inside

    def _step(self, group: list[Step], retry: bool) -> Outcome:
        """One step of the study file, or several that share one pass over the media."""
        first = group[0]
        if first.verb in steps.PASSES:
            return self._computed(steps.parts_of(group, self.root, self._codebook), first.of, retry)
        if first.verb == "predict":
            return self._predictions(first, retry)
        outcome = Outcome()
        for by in first.what:
            found = self._result(first.verb)(first.of, **{**first.params, "by": by})
            if found.computed:
                outcome.rows[found.table.recipe.label] = parts.rows(found.table.folder)
        return outcome

    def _result(self, verb: str) -> Callable[..., Any]:
        """What makes a result over many units: `cluster`, `duplicates`, `map`, or a rollup that is kept."""
        return self._rolled if verb == "rollup" else getattr(self, verb)

    def _rolled(self, of: str, *, by: str, to: str, rules: Mapping[str, str], made_by: str = "") -> Rolled:
        """A rollup of the study file: a table of ``to`` units that is kept."""
        with self._recording(f"rollup {by} of {of} to {to}") as manifest:
            source, made = self._split(of, by, made_by)
            found = rolled(self.store, to, source, rules, made)
            gate.inherit(found.table, source)
            manifest.touch(found.table)
            return found
