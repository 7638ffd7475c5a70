"""Coding by hand: samples drawn, tasks given, answers kept, agreement, and decisions where coders disagree."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from studium.core import parameters
from studium.core.codebook import Codebook
from studium.core.variable import Answer
from studium.corpus.experimenting import Experimenting

if TYPE_CHECKING:
    from studium.core.records import Adjudication, Records, Sample, Task
    from studium.run.coding.adjudicate import Disagreement
    from studium.run.coding.agreement import Agreed
    from studium.run.coding.annotate import Item
    from studium.run.coding.compared import Compared
    from studium.run.coding.exchange import Exported, Imported
    from studium.run.coding.tasks import Progress

__all__ = ["Coding"]


class Coding(Experimenting):
    """A study folder whose units people code."""

    def records(self) -> "Records":
        """What people made, in the study's database; to be used in ``with``.

        >>> with corpus.records() as records:                                                # doctest: +SKIP
        ...     records.annotations("scene")

        Raises:
            StoreError: the database cannot be opened; see `studium.run.coding.opened.where`.
        """
        from studium.run.coding.opened import opened

        return opened(self.root, self.study)

    def draw_sample(self, name: str, *, who: str = "local", **asked: Any) -> "Sample":
        """Draw units to be coded, and keep which, how, and with which probability each.

        >>> corpus.draw_sample("first", of="image", n=200)                                   # doctest: +SKIP

        Args:
            name: of the sample.
            who: draws it.
            **asked: ``of``, ``n``, ``design``, ``by``, ``allocation``, ``units``, ``seed`` ...; see
                `studium.run.coding.draws.Draw`.
        """
        from studium.run.coding.draws import Draw, drawn

        draw = parameters.make("draw_sample", Draw, {"name": name, **asked})
        with self.records() as records:
            return drawn(self.store, records, self._coded_by(), draw, seed=self.study.seed, who=who)

    def task(self, name: str, *, who: str = "local", **asked: Any) -> "Task":
        """Give the units of a sample to coders.

        >>> corpus.task("scenes", sample="first", variables=["scene"], coders=["ada", "ben"])    # doctest: +SKIP

        Args:
            name: of the task.
            who: gives it.
            **asked: ``sample``, ``variables``, ``coders``, ``overlap`` or ``per_unit``, ``seed``; see
                `studium.run.coding.tasks.Work`.
        """
        from studium.run.coding.tasks import Work, give

        work = parameters.make("task", Work, {"name": name, **asked})
        with self.records() as records:
            return give(records, self.codebook, work, who, self.study.seed)

    def progress(self, task: str) -> "list[Progress]":
        """How far each coder of a task is."""
        from studium.run.coding.tasks import progress

        with self.records() as records:
            return progress(records, self.codebook, task)

    def next_item(self, task: str, coder: str, after: int = -1) -> "Item | None":
        """The next unit that a coder has not coded, as they see it; None if all are coded.

        Args:
            task: its name.
            coder: whose.
            after: the position that it comes after; where nothing is left behind it, the first of all.
        """
        from studium.run.coding.annotate import item, next_position

        with self.records() as records:
            place = next_position(records, self.codebook, task, coder, after)
            if place.position is None:
                return None
            return item(self.store, records, self.codebook, task, coder, place.position)

    def annotate(self, task: str, unit: str, answers: Mapping[str, object], *, coder: str, **more: Any) -> int:
        """Keep what a coder says of a unit: all of it, or nothing.

        >>> corpus.annotate("scenes", unit, {"scene": "people"}, coder="ada")                # doctest: +SKIP

        Args:
            task: its name.
            unit: id of the unit; of a pair that of `studium.core.pair.pair_of`.
            answers: variable -> answer; None is "cannot tell".
            coder: who says so.
            **more: ``withdrawn`` (variables whose answers are taken back), ``seconds``, ``note``, ``key``; see
                `studium.run.coding.annotate.Coded`.

        Returns:
            How many annotations were added.
        """
        from studium.run.coding.annotate import Coded, save

        size = {"size": self._size(unit, answers)}
        told = parameters.make("annotate", Coded, {"unit": unit, "answers": answers} | size | more)
        with self.records() as records:
            return save(records, self.codebook, task, coder, told)

    def agreement(self, variable: str, **asked: Any) -> "Agreed":
        """How far coders agree about a variable, with confidence intervals; and over time.

        >>> corpus.agreement("scene", task="scenes").overall                                 # doctest: +SKIP

        Args:
            variable: its name.
            **asked: ``sample``, ``task``, ``tables``, ``by``, ``seed``; see `studium.run.coding.agreement`.
        """
        from studium.run.coding.agreement import agreed

        with self.records() as records:
            return agreed(self.store, records, self.codebook, variable, **{"seed": self.study.seed, **asked})

    def disagreements(self, variable: str, **asked: Any) -> "list[Disagreement]":
        """The units that coders answered differently, with what was decided about them.

        Args:
            variable: its name.
            **asked: ``task``, ``undecided``, ``tolerance``, ``overlap``; see `studium.run.coding.adjudicate.Where`.
        """
        from studium.run.coding.adjudicate import Where, disagreements

        where = parameters.make("disagreements", Where, {"variable": variable, **asked})
        with self.records() as records:
            return disagreements(records, self.codebook, where)

    def adjudicate(
        self, unit: str, variable: str, value: Answer, *, who: str, note: str | None = None
    ) -> "Adjudication":
        """Decide what counts of a unit, before any votes; what the coders said stays as it is.

        >>> corpus.adjudicate(unit, "scene", "people", who="eve")                            # doctest: +SKIP

        Args:
            unit: its id.
            variable: its name.
            value: the answer that counts; None is "cannot tell".
            who: decides.
            note: why.
        """
        from studium.run.coding.adjudicate import Decision, adjudicate

        decision = Decision(unit, variable, value, note, self._size(unit, [variable]))
        with self.records() as records:
            return adjudicate(records, self.codebook, decision, who)

    def draw_pairs(self, name: str, configurations: Sequence[str], *, who: str = "local", **asked: Any) -> "Sample":
        """Draw pairs of units within and across clusters, to be coded for whether they belong together.

        >>> corpus.draw_pairs("pairs", ["image/cluster-81e549e3"], n=300)                    # doctest: +SKIP

        Args:
            name: of the sample.
            configurations: tables of clusters.
            who: draws them.
            **asked: ``n``, ``across``, ``weighting``, ``of``, ``seed``; see `studium.run.coding.pairs.Compare`.
        """
        from studium.run.coding.pairs import Compare, drawn_pairs

        compare = parameters.make("draw_pairs", Compare, {"name": name, "configurations": configurations, **asked})
        with self.records() as records:
            return drawn_pairs(self.store, records, compare, seed=self.study.seed, who=who)

    def pairs(self, sample: str, variable: str = "", same: Sequence[str] = ()) -> "Compared":
        """What the codes of a sample of pairs say of its configurations: which shares belong together.

        Args:
            sample: its name.
            variable: that was coded; "" for the only one about pairs of this kind.
            same: its values that say that two units belong together; () for the first one.
        """
        from studium.run.coding.compared import compared

        with self.records() as records:
            return compared(records, self.codebook, sample, variable, same, self.study.seed)

    def import_annotations(self, path: str | Path, *, who: str = "local", **how: Any) -> "Imported":
        """Add the annotations of a file, all or none; importing it again adds nothing.

        >>> corpus.import_annotations("coded.csv", coder="ada")                              # doctest: +SKIP

        Args:
            path: of the file.
            who: imports it.
            **how: ``format`` ("csv", "label_studio", "coco"), ``coder``, ``variable``; see
                `studium.run.coding.exchange.Import`.
        """
        from studium.run.coding.exchange import Import, imported

        asked = parameters.make("import_annotations", Import, how)
        with self.records() as records:
            return imported(self.store, records, self.codebook, path, asked, who)

    def export_annotations(self, path: str | Path, *, who: str = "local", **how: Any) -> "Exported":
        """Write the annotations that count into a new file.

        Args:
            path: of the file.
            who: exports it.
            **how: ``format`` ("csv", "label_studio", "coco"), ``variables``, ``sensitive``, ``pseudonyms``; see
                `studium.run.coding.exchange.Export`.
        """
        from studium.run.coding.exchange import Export, exported

        asked = parameters.make("export_annotations", Export, how)
        with self.records() as records:
            return exported(self.store, records, self.codebook, path, asked, who)

    # inside

    def _coded_by(self) -> Codebook:
        """The codebook, if there is one: not every draw needs it."""
        return self.codebook if (self.root / "codebook.toml").exists() else Codebook()

    def _size(self, unit: str, variables: Iterable[str]) -> tuple[int, int] | None:
        """Width and height of the unit's picture, if boxes are drawn in it."""
        from studium.run.coding.shown import size_of

        drawn = [self.codebook[name].of for name in variables if self.codebook[name].type == "boxes"]
        return size_of(self.store, drawn[0], unit) if drawn else None
