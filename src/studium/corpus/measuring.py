"""Measuring and splitting: what passes over the media, and what parts would send before they do it."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from typing import TYPE_CHECKING, Any

from studium.core.allowance import under
from studium.core.protocols import Measure, Unitizer
from studium.corpus.reading import Reading
from studium.errors import InputError
from studium.run import gate, leaving, steps
from studium.run.local import compute, threads_here
from studium.run.manifest import Manifest
from studium.run.pending import Outcome
from studium.run.plan import How, Part, plan, recipe_for
from studium.run.trial import Trial, tried

if TYPE_CHECKING:
    from studium.measure.ask.batch_submit import Submitted

__all__ = ["Measuring"]


class Measuring(Reading):
    """A study folder that can be measured and split. Here it is asked whether a part may do what it does."""

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
        self._waiting(f"what {', '.join(part.name for part in parts)} would send of {of}")
        if not sample:
            with under(self._allowance()):
                return leaving.quote(self.store, of, parts, self._decoding, threads=threads_here()), []
        with self._permitted(parts, of, f"estimate {', '.join(part.name for part in parts)} of {of}"):
            todo = plan(self.store, of, parts, How(threads_here(), self._decoding), make=False)
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
        from studium.measure.ask.batch_submit import SHARE
        from studium.run.batch import askable, submitted

        parts = [askable(part) for part in steps.named("measure", [name], params, self.root, self._codebook)]
        with self._permitted(parts, of, f"submit {parts[0].name} of {of}"):
            todo = plan(self.store, of, parts, How(threads_here(), self._decoding), make=False)
            leaving.announce(todo, batch=SHARE)
            return submitted(todo, parts[0])

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
