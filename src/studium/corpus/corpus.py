"""The facade: a study folder and everything one does with it."""

import logging
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from studium.core import parameters, parts, registry
from studium.core.allowance import under
from studium.core.config import Step
from studium.core.protocols import Measure, Source, Unitizer
from studium.core.store import Table
from studium.corpus.reading import Reading
from studium.errors import ConfigError, InputError
from studium.explore.persons import SAME
from studium.run import gate, leaving, recognise, results, steps
from studium.run.add import Added, add
from studium.run.local import compute
from studium.run.manifest import Manifest
from studium.run.pending import Outcome
from studium.run.plan import How, Part, plan, recipe_for
from studium.run.recognise import MEASURE
from studium.run.rolled import Rolled, rolled
from studium.run.trial import Trial, tried

if TYPE_CHECKING:
    from studium.measure.ask.batch import Submitted
    from studium.run.calibrated import Calibrated, Labels
    from studium.run.crossmodal import Matched
    from studium.run.download.crew import Downloaded

__all__ = ["Corpus"]

log = logging.getLogger(__name__)


class Corpus(Reading):
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

    def estimate(
        self, *names: str | Measure, of: str, sample: int = 0, **params: Any
    ) -> tuple[list[leaving.Leaving], list[Trial]]:
        """What measures would send to other machines, where to and at what price. Nothing is sent, unless asked for.

        Args:
            *names: measures by name, or instances of one's own.
            of: kind of the units.
            sample: of how many units a service is really asked, to learn what answers cost and how long they take;
                needs ``allow_remote``, and obeys the budget. The answers are kept: a run does not ask again.
            **params: parameters of the measure, if one is named.

        Returns:
            What would leave, for every measure that sends anything; and what became of the sample.
        """
        if sample < 0:
            raise InputError(f"sample should be how many units are really asked about, or 0, got {sample}")
        parts = steps.named("measure", names, params, self.root, self._codebook)
        if not sample:
            with under(self._allowance()):
                return leaving.quote(self.store, of, parts, self._decoding), []
        with self._permitted(parts, of, f"estimate {', '.join(part.name for part in parts)} of {of}"):
            todo = plan(self.store, of, parts, How(1, self._decoding), make=False)
            told = leaving.announce(todo)
            asked = dict.fromkeys(part for some, _ in todo.pieces for part in some if part.remote)
            return told, [tried(todo, part, sample) for part in asked if isinstance(part, Measure)]

    def submit(self, name: str | Measure = "ask", *, of: str, **params: Any) -> "Submitted":
        """Ask a server by batch about all units that lack a row: half the price, within a day; see ``docs/remote.md``.

        Args:
            name: ``ask``, or an instance of it, with the ``url`` of a server.
            of: kind of the units.
            **params: parameters of the measure.
        """
        from studium.run.batch import askable, submitted

        parts = [askable(part) for part in steps.named("measure", [name], params, self.root, self._codebook)]
        with self._permitted(parts, of, f"submit {parts[0].name} of {of}"):
            todo = plan(self.store, of, parts, How(1, self._decoding), make=False)
            leaving.announce(todo)
            return submitted(todo, parts[0])

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
        """Calibrate zero-shot codes on the units that people coded; see `studium.coding.calibrate`.

        Args:
            variable: what was coded.
            of: kind of the units.
            labels: path of a CSV file with ``unit`` or ``path``, ``value`` and perhaps ``weight`` (1 / P(drawn)); or
                unit -> (value, weight); None for the annotations of the study.
            by: table of the codes, if ``zero_shot:VARIABLE`` is not enough to tell it.
        """
        from studium.run.calibrated import annotated, calibrated, read_labels

        by = by or f"zero_shot:{variable}"
        with self._recording(f"calibrate {variable} of {of}") as manifest:
            source = self._table(of, by)
            if labels is None:
                labels = annotated(self.root, self.codebook[variable])
            elif isinstance(labels, str | Path):
                labels = read_labels(Path(labels), self.store, of, variable)
            found = calibrated(self.store, source, labels, self.study.seed)
            manifest.touch(found.table)
            return found

    # recognising: everything here needs [legal_basis] in the study file, and is logged

    def verify(self, a: str | Path, b: str | Path, *, threshold: float = SAME) -> recognise.Verified:
        """Whether two faces show one person: each a picture with one face (its path), or a face of the study (its id).

        Args:
            a: path of a picture with one face, or the id of a face, in full or its first digits.
            b: likewise.
            threshold: distance of templates below which they count as one person.
        """
        below = recognise.threshold_of("verify", {"threshold": threshold})
        with self._admitted("verify", "picture", 2):
            one, other = (recognise.one_face(self.store, each, self._decoding) for each in (a, b))
        return recognise.Verified(float(np.linalg.norm(one - other)), below)

    def find(
        self, target: str | Path, among: str | Path | Iterable[str | Path] | None = None, *, k: int = 10
    ) -> pa.Table:
        """The ``k`` faces nearest to a face: ``unit``, ``path``, ``box``, ``distance``; then pictures without a face.

        Args:
            target: as for `verify`.
            among: paths of pictures, each with any number of faces; None for all faces of the study.
            k: how many faces, at least 1.
        """
        if not isinstance(k, int) or k < 1:
            raise InputError(f"k should be a whole number, at least 1, got {k!r}")
        pictures = None if among is None else [among] if isinstance(among, str | Path) else list(among)
        units = self.store.units("face").num_rows if pictures is None else len(pictures)
        with self._admitted("find", "face" if pictures is None else "picture", units):
            template = recognise.one_face(self.store, target, self._decoding)
            if pictures is None:
                known = recognise.stored(self.store, self._templates())
            else:
                known = recognise.seen(pictures, self._decoding)
            return recognise.find(template, known, k)

    def persons(self, of: str = "face", *, by: str = MEASURE, **params: Any) -> recognise.Persons:
        """Which faces show the same person; see `studium.explore.persons`. What lacks a template is measured first.

        Args:
            of: kind of the units.
            by: table of their templates.
            **params: ``threshold``, the distance of templates below which two faces speak for one person, 0.5.
        """
        threshold = recognise.threshold_of("persons", params)
        with self._admitted("persons", of, self.store.units(of).num_rows) as basis:
            source = self._templates(of, by)
            with self._recording(f"persons of {of} by {by}") as manifest:
                found = recognise.grouped(self.store, source, threshold, self.study.seed)
                manifest.touch(found.table)
                manifest.body["legal_basis"] = basis.digest
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

    def _computed(self, parts: Sequence[Part], of: str, retry: bool) -> Outcome:
        """Compute whatever the parts lack, in one pass over the media."""
        names, telling = ", ".join(part.name for part in parts), gate.asked(parts, of)
        with self._permitted(parts, of, f"{names} of {of}") as manifest:
            for part in parts:
                recipe = recipe_for(part, self._decoding)
                if part in telling:
                    gate.mark(self.store.table(of, recipe))
                for kind in (part.makes, of) if isinstance(part, Unitizer) else (of,):
                    manifest.touch(self.store.table(kind, recipe))
            _, outcome = compute(self.store, of, parts, self._decoding, retry, self._watched(names))
            return outcome

    @contextmanager
    def _permitted(self, parts: Sequence[Part], of: str, command: str) -> Iterator[Manifest]:
        """Hold the study for parts, none of which does what nobody allowed: send data, or tell persons apart."""
        for part in parts:
            steps.gate(part, self.allow_remote)
        telling = gate.asked(parts, of)
        what = f"measure {', '.join(part.name for part in telling)}"
        lawful = self._admitted(what, of, self.store.units(of).num_rows) if telling else nullcontext()
        with lawful as basis, self._recording(command) as manifest:
            if basis:
                manifest.body["legal_basis"] = basis.digest
            yield manifest

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
            gate.inherit(found.table, source)
            manifest.touch(found.table)
            return found

    def _templates(self, of: str = "face", by: str = MEASURE) -> Table:
        """The table of templates, made if there is none, with a row for every face that can have one."""
        if by == MEASURE:
            if not self.store.units(of).num_rows:
                raise InputError(
                    f'the study has no {of} units; split its pictures first: corpus.split("faces", of="image")'
                )
            self.measure(by, of=of)
        return self.store.find(of, by)
