"""Learning: labels and features of a study."""

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

from studium.core import parameters
from studium.core.audit import Use
from studium.core.config import Step
from studium.corpus.recognising import Recognising
from studium.errors import InputError
from studium.run import gate, tables
from studium.run.pending import Outcome
from studium.run.plan import recipe_for

if TYPE_CHECKING:
    from studium.learn.labels.targets import Target
    from studium.run.features import Features
    from studium.run.labels import Where
    from studium.run.predicted import Predicted
    from studium.run.train import Trained

__all__ = ["Learning"]


class Learning(Recognising):
    """A study folder that models learn from."""

    def labels(self, variable: str, *, of: str = "", labels: "Where" = None, **settings: Any) -> "Target":
        """What a model learns of a variable: the labels of its units, several coders made one.

        Args:
            variable: its name in the codebook.
            of: kind of the units; "" for that of the codebook.
            labels: path of a CSV file or of an export of Label Studio, "folders", or "column:NAME" of posts, or a list
                of these; None for the annotations of the study. See `studium.run.labels.labels_of`.
            **settings: ``combine``, ``ties``, ``cannot_tell``, ``none_of_these``, ``least``; see
                `studium.learn.labels.targets.Targets`.
        """
        from studium.run.labels import target

        return target(self.store, self.codebook, variable, of, labels, **settings)

    def features(self, of: str, **tables: "str | list[str]") -> "Features":
        """The numbers and vectors of tables, one row for each unit; those of smaller units as their mean.

        >>> corpus.features("video", frame="embed", speech="embed_text")                     # doctest: +SKIP

        Args:
            of: kind of the units.
            **tables: kind of units, and the name or names of their tables.
        """
        from studium.run.features import features

        for kind, names in tables.items():
            gate.clear(self.store, "features of", kind, [names] if isinstance(names, str) else names)
        return features(self.store, of, tables)

    def train(self, variable: str, **asked: Any) -> "Trained":
        """Train a model on the labels of a study, tune it, and judge it on units that nothing else has seen.

        >>> corpus.train("protest", model="linear", on={"image": "embed"}, labels="coded.csv")    # doctest: +SKIP

        Args:
            variable: its name in the codebook.
            **asked: ``of``, ``model``, ``on``, ``labels``, ``name``, ``apart``, ``settings`` ...; see
                `studium.run.given.Order`.

        Returns:
            The model, in ``models/NAME/``. The same order on the same labels and inputs trains nothing anew.
        """
        from studium.report.cards import html
        from studium.run.given import Order
        from studium.run.train import train

        order = parameters.make("train", Order, {"variable": variable, **asked})
        for kind, names in order.on.items():
            gate.clear(self.store, f"train {order.called} on", kind, [names] if isinstance(names, str) else names)
        with self._recording(f"train {order.called}"):
            self._waiting(f"train {order.called}")
            return train(self.store, self.codebook, order, self.study.seed, html, self._decoding)

    def predict(self, name: str, *, of: str = "", retry: bool = False) -> "Predicted":
        """Predict a variable of all units by a model of the study, as far as they lack it.

        >>> corpus.predict("protest-linear", of="image")                                     # doctest: +SKIP

        Args:
            name: of the model.
            of: kind of the units; "" for that of the units which it learned from.
            retry: whether units that failed before are tried again.
        """
        return self._predicted(name, of, retry)[0]

    def export(self, name: str, to: str | Path) -> Path:
        """Write a model into a new folder that loads elsewhere (`studium.learn.load`), without the study's data."""
        from studium.run.exported import exported
        from studium.run.train import place_of, recipe_of

        if recipe_of(place_of(self.root, name))["templates"]:
            gate.admit(self.root, Use(f"export {name}", "face", 0))
        return exported(self.store, name, Path(to))

    # inside

    def _predictions(self, step: Step, retry: bool) -> Outcome:
        """A step of the study file."""
        if step.params:
            raise InputError(f"a step that predicts takes no {', '.join(step.params)}; a model has its settings")
        total = Outcome()
        for name in step.what:
            _, outcome = self._predicted(name, step.of, retry)
            total.rows.update(outcome.rows)
            total.failures.update(outcome.failures)
        return total

    def _predicted(self, name: str, of: str, retry: bool) -> "tuple[Predicted, Outcome]":
        from studium.run.estimators import TABLE
        from studium.run.predicted import Predicted, measure_of, predicted, sources
        from studium.run.train import place_of, recipe_of

        place = place_of(self.root, name)
        about = recipe_of(place)
        of = of or about["of"]
        if about["takes"] == TABLE:
            for kind, names in sources(self.store, place, of).items():
                gate.clear(self.store, f"predict {name} by", kind, names)
            with self._recording(f"predict {name} of {of}") as manifest:
                self._waiting(f"predict {name} of {of}")
                found = predicted(self.store, place, of)
                manifest.touch(found.table)
                rows = {found.table.recipe.label: found.units} if found.computed else {}
                return found, Outcome(Counter(rows))
        part = measure_of(self.store, place, of)
        outcome = self._computed([part], of, retry)
        table = self.store.table(of, recipe_for(part, self._decoding))
        failed = Counter(tables.of_units(table.failures(), self.store.units(of))["error"].to_pylist())
        units = tables.living(self.store, table, ["unit"]).num_rows
        computed = bool(outcome.rows.total() or outcome.failures.total())
        return Predicted(table, computed, units, dict(failed)), outcome
