"""The facade: a study folder and everything one does with it."""

import logging
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc

from studium.core import config, parameters, parts, registry
from studium.core.codebook import Codebook
from studium.core.config import Step, Study
from studium.core.protocols import Measure, Source, Unitizer
from studium.core.store import Store, Table, unit_of
from studium.errors import ConfigError, InputError
from studium.run import results, steps, tables
from studium.run.add import Added, add
from studium.run.attrition import attrition
from studium.run.download import links
from studium.run.exposure import Asked, exposure
from studium.run.lineage import Lineage, split_by
from studium.run.load import Decoding, Loader
from studium.run.local import Progress, compute
from studium.run.manifest import Manifest, recorded
from studium.run.pending import Outcome
from studium.run.plan import Part, recipe_for
from studium.run.rolled import Rolled, rolled, rolled_up
from studium.run.search import search

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from studium.run.download.crew import Downloaded

__all__ = ["Corpus"]

log = logging.getLogger(__name__)

Watch = Callable[[str], Progress]
"""Told the title of a step; returns what is then told how far the step is."""


class Corpus:
    """A study folder.

    >>> corpus = Corpus("families/")                                      # doctest: +SKIP
    >>> corpus.add(sources.folder("images/"))                             # doctest: +SKIP
    >>> corpus.measure("embed", of="image")                               # doctest: +SKIP
    >>> clusters = corpus.cluster("image", by="embed")                    # doctest: +SKIP

    Whatever was computed before is read, not computed again; a changed parameter is a new table beside the old one.
    """

    def __init__(self, root: str | Path = ".", *, watch: Watch | None = None, allow_remote: bool = False) -> None:
        """Open a study folder; it is made when something is added to it.

        Args:
            root: the folder, with or without a ``studium.toml`` and a ``codebook.toml``.
            watch: for progress bars, see `Watch`; the command line hands one over.
            allow_remote: whether parts that send data to other machines (``remote = True``) may do so.
        """
        self.root = Path(root)
        self.store = Store(self.root)
        self.allow_remote = allow_remote
        self._watch = watch
        self._manifest: Manifest | None = None
        self._owner = 0  # the thread that holds the study

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

    # doing

    def add(self, source: Source) -> Added:
        """Add everything a source finds: posts, files, and where they belong together."""
        if not isinstance(source, Source):
            raise InputError(f"add takes a source, such as sources.folder({source!r}); got {type(source).__name__}")
        with self._recording(f"add {source.name}"):
            told = self._watched(f"add {source.name}")
            return add(self.store, source, (lambda n: told(n, 0)) if told else None)

    def measure(self, *names: str | Measure, of: str, retry: bool = False, **params: Any) -> Outcome:
        """Measure whatever units of a kind lack; every medium is decoded once for all the measures named.

        Args:
            *names: measures by name, or instances of one's own.
            of: kind of the units.
            retry: whether units that failed before are tried again.
            **params: parameters of the measure, if one is named. ``variable="scene"`` takes the values and prompts
                from the codebook.

        Returns:
            Rows written and failures, by table.
        """
        return self._computed(steps.named("measure", names, params, self.root, self._codebook), of, retry)

    def split(self, *names: str | Unitizer, of: str, retry: bool = False, **params: Any) -> Outcome:
        """Split units of a kind into smaller ones: videos into frames or shots, sound into speech.

        Args:
            *names: unitizers by name, or instances of one's own.
            of: kind of the units that are split.
            retry: whether units that failed before are tried again.
            **params: parameters of the unitizer, if one is named.

        Returns:
            Units split and failures, by table.
        """
        return self._computed(steps.named("split", names, params, self.root, self._codebook), of, retry)

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

    def search(
        self, of: str, *, text: str = "", image: str | Path = "", unit: str = "", by: str = "embed", k: int = 10
    ) -> pa.Table:
        """The ``k`` units nearest to a text, a picture or a unit.

        Columns ``unit``, ``text`` (of units that are text), ``path`` (of all but posts), ``start`` and ``end`` (of what
        was split from others, in seconds) and ``score`` (cosine), best first.

        Args:
            of: kind of the units searched.
            text: words; the table searched must hold joint image-text vectors, or text vectors.
            image: path of a picture.
            unit: id of a unit, in full or its first digits.
            by: table of vectors.
            k: how many.
        """
        given = {name: value for name, value in (("text", text), ("image", image), ("unit", unit)) if value}
        if len(given) != 1:
            raise InputError(f"search takes exactly one of text, image, unit; got {', '.join(given) or 'none'}")
        return search(self.store, of, by, given, k)

    def run(self, *, retry: bool = False) -> Outcome:
        """Do what the study file says: add its sources, then take its steps in order."""
        if not (self.root / "studium.toml").exists():
            raise ConfigError(f"no studium.toml in {self.root}; write one, or begin with  studium init")
        total = Outcome()
        with self._recording("run"):
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

    def montage(self, of: str, units: Sequence[str], *, cell: int = 128) -> "NDArray[np.uint8]":
        """One sheet of pictures, RGB uint8, in reading order; see `studium.explore.montage`.

        Args:
            of: kind of the units.
            units: their ids; those that cannot be decoded are an error, so take them from a table.
            cell: side of one picture's square in px.
        """
        from studium.explore.montage import montage

        table = self.store.units(of)
        rows = {
            row["id"]: unit_of(row)
            for row in table.filter(pc.is_in(table["id"], pa.array(units, pa.string()))).to_pylist()
        }
        unknown = [unit for unit in units if unit not in rows]
        if unknown:
            raise InputError(f"no {of} unit with the id {unknown[0]!r}")
        above = Lineage(self.store, of).above(rows.values())
        with Loader(self.root, self._decoding, above) as loader:
            return montage([loader.load(rows[unit], "image", cell) for unit in units], cell=cell)

    def report(self) -> Path:
        """Write ``report/index.html``: one file that a colleague can open and print."""
        from studium.report import write

        return write(self)

    # reading

    def units(self, of: str) -> pa.Table:
        """The units of a kind, in the order in which they were added."""
        return self.store.units(of)

    def posts(self) -> pa.Table:
        """One row per post: ``unit`` and everything its source said."""
        return tables.posts(self.store)

    def attachments(self) -> pa.Table:
        """Where every medium was found: ``post``, ``media``, ``position``, ``path``, ``label``."""
        return self.store.attachments()

    def table(self, of: str, *names: str) -> pa.Table:
        """Tables side by side, one row per unit: ``unit``, ``path``, then every column.

        Args:
            of: kind of the units.
            *names: ``embed``, or ``embed:conse`` where there are several: the one with that parameter or key.
        """
        return tables.joined(self.store, of, names)

    def rollup(self, to: str, *, of: str, by: str, rules: Mapping[str, str], made_by: str = "") -> pa.Table:
        """Many rows to one row: from media to the posts they are attached to, or from derived units to their parents.

        >>> corpus.rollup("post", of="image", by="colour", rules={"brightness_mean": "mean"})     # doctest: +SKIP

        Args:
            to: kind of the units that get a row each.
            of: kind of the units whose rows are rolled up.
            by: their table.
            rules: column -> "mean", "max", "share>0.5" ...; see `studium.core.rollup.RULES`.
            made_by: table of the split whose units count, such as "frames:2"; may be left out if ``of`` units come from
                one split alone, or if ``by`` is the table of a split.

        Returns:
            The id under ``to``'s name, ``n``, and for every column its value and ``<column>_missing``.
        """
        source, made = self._split(of, by, made_by)
        return rolled_up(self.store, to, source, rules, made)

    def exposure(self, of: str, *, by: str, to: str, **asked: str) -> pa.Table:
        """How long, how often and how large faces, objects, logos or text are to be seen: brand seconds, screen share.

        >>> corpus.exposure("object", by="logos", to="video", label="label")                 # doctest: +SKIP

        Args:
            of: kind of the units that are seen: "face", "object" or "line".
            by: their table, or that of the split that found them.
            to: "image", "frame", "video" or "post": what gets a row for each label, and one for all labels.
            **asked: ``label``, ``made_by``, ``frames``; see `studium.run.exposure.Asked`, and there the columns.
        """
        made = self._manifest.tables if self._manifest else {}
        return exposure(self.store, parameters.make("exposure", Asked, {"of": of, "by": by, "to": to, **asked}), made)

    def draw(self, of: str, *, by: str, to: str | Path, label: str = "") -> int:
        """Write copies of pictures with the faces, objects or lines in them marked; see `studium.run.drawn`.

        Args:
            of: kind of the units that are marked.
            by: their table.
            to: folder of the copies.
            label: column that is written beside each mark.

        Returns:
            How many pictures were written.
        """
        from studium.run.drawn import draw, marks_of

        marks = marks_of(self.store, self._table(of, by), label)
        return draw(self.store, marks, Path(to), self._decoding, self._watched(f"draw {by} of {of}"))

    def downloads(self) -> pa.Table:
        """What became of every medium that a source names by URL, one row each; see `studium.run.download.links`."""
        return links.downloads(self.store)

    def attrition(self) -> pa.Table:
        """From URL or row to measured unit: ``author``, ``month``, ``kind``, ``outcome``, ``reason``, ``n``."""
        return attrition(self.store)

    def failures(self) -> pa.Table:
        """What could not be measured: ``unit``, ``kind``, ``path``, ``step``, ``error``, ``message``."""
        return tables.failures(self.store)

    def losses(self) -> pa.Table:
        """What sources could not use: ``source``, ``where``, ``error``, ``message``."""
        return tables.losses(self.store)

    def sql(self, query: str) -> pa.Table:
        """DuckDB over the whole study.

        Tables: ``units``, ``posts``, ``attachments``, and for every table ``image_colour`` (the one asked for last) and
        ``image_colour_81e549e3`` (by its key).
        """
        return tables.sql(self.store, query)

    # inside

    def _codebook(self) -> Codebook:
        return self.codebook

    def _computed(self, parts: Sequence[Part], of: str, retry: bool) -> Outcome:
        """Compute whatever the parts lack, in one pass over the media."""
        for part in parts:
            steps.gate(part, of, self.allow_remote)
        names = ", ".join(part.name for part in parts)
        with self._recording(f"{names} of {of}") as manifest:
            for part in parts:
                recipe = recipe_for(part, self._decoding)
                for kind in (part.makes, of) if isinstance(part, Unitizer) else (of,):
                    manifest.touch(self.store.table(kind, recipe))
            _, outcome = compute(self.store, of, parts, self._decoding, retry, self._watched(names))
            return outcome

    def _step(self, group: list[Step], retry: bool) -> Outcome:
        """One step of the study file, or several that share one pass over the media."""
        first = group[0]
        if first.verb in steps.PASSES:
            return self._computed(steps.parts_of(group, self.root, self._codebook), first.of, retry)
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
            manifest.touch(found.table)
            return found

    def _split(self, of: str, by: str, made_by: str) -> tuple[Table, Table | None]:
        """The table called ``by``, and the split whose units count in a rollup of it."""
        made = self._manifest.tables if self._manifest else {}
        return self._table(of, by), split_by(self.store, of, by, made_by, made)

    @property
    def _decoding(self) -> Decoding:
        return Decoding(self.study.max_pixels, self.study.truncated)

    def _watched(self, title: str) -> Progress | None:
        return self._watch(title) if self._watch else None

    def _waiting(self, title: str) -> None:
        """Show that something is under way whose end is not known."""
        if self._watch:
            self._watch(title)(0, 0)

    def _table(self, of: str, by: str) -> Table:
        """The table of that name; inside a run, first of all one that the run made."""
        made = self._manifest.tables if self._manifest else {}
        return self.store.find(of, by, prefer=made)

    @contextmanager
    def _recording(self, command: str) -> Iterator[Manifest]:
        """Hold the study and keep the manifest; steps inside a run share the run's. The study file is read anew."""
        if self._manifest and self._owner == threading.get_ident():
            yield self._manifest
            return
        for name in ("study", "codebook"):
            self.__dict__.pop(name, None)
        with self.store.lock(), recorded(self.store, command, self.study.seed) as manifest:
            self._manifest, self._owner = manifest, threading.get_ident()
            try:
                yield manifest
            finally:
                self._manifest = None
