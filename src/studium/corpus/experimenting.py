"""Experimenting: models compared on one shared test set, as the study file says."""

from typing import TYPE_CHECKING

from studium.corpus.learning import Learning
from studium.errors import UnknownNameError
from studium.run import gate

if TYPE_CHECKING:
    from studium.learn.experiment.run import Found

__all__ = ["Experimenting"]


class Experimenting(Learning):
    """A study folder in which models are compared."""

    def experiment(self, name: str) -> "Found":
        """Run ``[experiment.NAME]`` of the study file: models x tasks x folds, only what is missing.

        >>> corpus.experiment("protest").overview["tasks"][0]["findings"]                    # doctest: +SKIP

        Args:
            name: of the experiment.

        Returns:
            The overview, which lies in ``experiments/NAME/`` too; see `studium.learn.experiment.overview`.
        """
        from studium.run.experiment import experiment, tables_of

        with self._recording(f"experiment {name}"):
            if name not in self.study.experiments:
                there = ", ".join(self.study.experiments) or "none"
                raise UnknownNameError(f"no [experiment.{name}] in the study file; there are: {there}")
            entry = self.study.experiments[name]
            for kind, table in tables_of(entry):
                gate.clear(self.store, f"experiment {name} on", kind, [table])
            told = self._watched(f"experiment {name}")
            return experiment(self.store, self.codebook, entry, self.study.seed, self._decoding, told)
