"""Linear support-vector machine on the words of texts: the baseline that other text models have to beat."""

import hashlib
import json
import re
import unicodedata
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np
from numpy.typing import ArrayLike

from studium.errors import InputError, MissingExtraError
from studium.learn.evaluate.checks import Floats
from studium.learn.models.estimator import Arrays, Fitted
from studium.learn.models.ordinal import exceedances
from studium.learn.models.saved import shaped
from studium.learn.models.scores import columns, sigmoid, total
from studium.learn.models.training import CONTINUOUS, MULTILABEL, ORDINAL, Head, Problem, Training

if TYPE_CHECKING:
    from scipy.sparse import csr_array

__all__ = ["FittedNgrams", "Ngrams", "Terms"]

_MARKS = "".join(chr(at) for at in range(0x10000) if unicodedata.category(chr(at)) in {"Mn", "Mc"})  # vowel signs
_RUN = rf"\w[\w{_MARKS}\u200c\u200d]*"
_WORD = re.compile(rf"[#@]?{_RUN}(?:['’]{_RUN})*|[\u2600-\u27bf\u2b00-\u2bff\U0001f000-\U0001faff]")


@dataclass(frozen=True)
class Terms:
    """How a text becomes terms: n-grams of words, or of the characters of words.

    Texts are brought to one form (NFC) and lower case. Words are runs of letters, their vowel signs, and digits, with
    the apostrophes, ``#`` and ``@`` that belong to them; an emoji is a word. Stop words leave before n-grams are made.

    Attributes:
        longest: words, or characters, of a term at most.
        stop: words that are left out: "" for none, "en" for scikit-learn's 318 English ones (in which are "not" and
            "no", so not for sentiment), or the words themselves.
        characters: n-grams of characters, for languages that put no space between words.
    """

    longest: int = 2
    stop: str | tuple[str, ...] = ""
    characters: bool = False

    def __post_init__(self) -> None:
        """Turn the name of a language into its words, so that a model keeps them."""
        if self.longest < 1:
            raise InputError(f"longest should be at least 1, got {self.longest}")
        if isinstance(self.stop, str) and self.stop not in {"", "en"}:
            raise InputError(f'stop should be "", "en", or a list of words; got {self.stop!r}')
        words = _english() if self.stop == "en" else self.stop or ()
        object.__setattr__(self, "stop", tuple(sorted({_plain(word) for word in words})))

    def __call__(self, text: str) -> Counter[str]:
        """How often each term occurs."""
        left_out = frozenset(self.stop)
        words = [word for word in _WORD.findall(_plain(text)) if word not in left_out]
        runs = [[*word] for word in words] if self.characters else [words]
        glue = "" if self.characters else " "
        return Counter(
            glue.join(run[at : at + size])
            for run in runs
            for size in range(1, self.longest + 1)
            for at in range(len(run) - size + 1)
        )


@dataclass(frozen=True)
class Ngrams:
    """tf-idf of the commonest terms, rows of length 1, a linear SVM (squared hinge), and Platt's probabilities.

    Probabilities are fitted on the scores of texts of inner folds, grouped and stratified, by machines that were
    trained on the other folds; several classes are one against the rest, brought to the sum 1; ordered ones have a
    machine for each step (Frank & Hall). Of soft labels each class that coders gave has a copy of the text, which
    weighs its share. The vocabulary is that of all training texts; no labels enter it.

    Attributes:
        head: what is predicted, but no numbers.
        inputs: what the texts are, in words or by recipe; kept with the model.
        terms: how a text becomes terms.
        vocabulary: terms at most: those in most texts, of equal ones the first by code point.
        fewest: texts that a term has to occur in.
        C: inverse of the penalty's weight.
        balanced: whether classes count the same, whatever their shares. Probabilities are then those of a world in
            which classes are equally common.
        folds: inner ones, at least 2.
        seed: of the draw of the folds, and of the solver.

    References:
        Joachims (1998), doi:10.1007/BFb0026683; Platt (1999), Advances in Large Margin Classifiers (probabilities).
    """

    head: Head = field(default_factory=Head)
    inputs: str = ""
    terms: Terms = field(default_factory=Terms)
    vocabulary: int = 20_000
    fewest: int = 2
    C: float = 1.0
    balanced: bool = False
    folds: int = 5
    seed: int = 0

    def __post_init__(self) -> None:
        """Refuse settings that make no sense."""
        if min(self.vocabulary, self.fewest) < 1 or self.folds < 2 or not 0 < self.C < np.inf:
            raise InputError(f"vocabulary and fewest should be at least 1, folds at least 2, C above 0; got {self}")
        if self.head.task == CONTINUOUS:
            raise InputError("n-grams classify; for a continuous target take a linear probe on embeddings of the texts")

    @property
    def inner(self) -> int:
        """How many inner folds are made of the training units."""
        return self.folds

    def fit(
        self,
        X: Sequence[str],
        y: ArrayLike,
        weights: ArrayLike | None = None,
        groups: Sequence[Any] | None = None,
    ) -> "FittedNgrams":
        """Train on texts; see `studium.learn.models.estimator.Estimator`.

        Raises:
            InputError: what does not fit; classes of too few groups; no term in enough texts.
            MissingExtraError: scikit-learn is not installed.
        """
        texts = _texts(X)
        given = Training.of(self.head, y, len(texts), weights, groups)
        counts = [self.terms(text) for text in texts]
        chosen, idf = self._vocabulary(counts)
        rows = _table(counts, chosen, idf)
        found = [self._fitted(rows, problem) for problem in given.problems(self.balanced)]
        settings = {
            "C": self.C,
            "fewest": self.fewest,
            "vocabulary": self.vocabulary,
            "terms": len(set().union(*counts)),
            "kept": len(chosen),
            "balanced": self.balanced,
            "folds": self.folds,
            "seed": self.seed,
        }
        weighed, platt = (np.concatenate(parts) for parts in zip(*found, strict=True))
        digest = hashlib.sha256(json.dumps(texts).encode()).hexdigest()
        return FittedNgrams(
            given.head, self.inputs, settings, given.facts(digest), self.terms, chosen, idf, weighed, platt
        )

    def _vocabulary(self, counts: list[Counter[str]]) -> tuple[tuple[str, ...], Floats]:
        """The terms, sorted, and log((1 + n) / (1 + texts with it)) + 1 of each."""
        texts = Counter(term for one in counts for term in one)
        often = sorted((-n, term) for term, n in texts.items() if n >= self.fewest)[: self.vocabulary]
        if not often:
            raise InputError(
                f"no term occurs in {self.fewest} of {len(counts)} texts; give more texts, or lower fewest"
            )
        chosen = tuple(sorted(term for _, term in often))
        return chosen, np.log((1 + len(counts)) / (1 + np.array([texts[term] for term in chosen], float))) + 1

    def _fitted(self, rows: "csr_array", problem: Problem) -> tuple[Floats, Floats]:
        """Weights (m, terms + 1, the last is the intercept), and Platt's slope and shift (m, 2), of one problem."""
        from sklearn.calibration import CalibratedClassifierCV
        from sklearn.svm import LinearSVC

        machine = LinearSVC(C=self.C, random_state=self.seed, max_iter=20_000)
        at, truth, weights = problem.copies(np.arange(rows.shape[0]))
        folds = [
            (np.flatnonzero(np.isin(at, train)), np.flatnonzero(np.isin(at, test)))
            for train, test in problem.folds(self.folds, self.seed)
        ]
        model = CalibratedClassifierCV(machine, cv=folds, ensemble=False)
        model.fit(rows[at], truth, weights)
        (done,) = model.calibrated_classifiers_
        weighed = np.hstack([done.estimator.coef_, done.estimator.intercept_[:, None]])
        return weighed, np.array([[one.a_, one.b_] for one in done.calibrators])


@dataclass(frozen=True)
class FittedNgrams(Fitted):
    """A trained `Ngrams`: probabilities 1 / (1 + exp(slope score + shift)) of scores weights tf-idf + intercept.

    Attributes:
        terms: how a text becomes terms.
        vocabulary: the terms, sorted.
        idf: of each.
        weights: (m, terms + 1); the last are intercepts; m is 1 of two classes.
        platt: (m, 2) slope and shift.
    """

    terms: Terms
    vocabulary: tuple[str, ...]
    idf: Floats
    weights: Floats
    platt: Floats

    kind: ClassVar[str] = "ngrams"
    takes: ClassVar[str] = "text"

    def outputs(self, X: Sequence[str]) -> Floats:
        """As `Fitted.outputs`, of n texts; one without any known term has the score of the intercept."""
        place = {term: at for at, term in enumerate(self.vocabulary)}
        texts = _texts(X)
        scores = np.empty((len(texts), len(self.weights)))
        for at, text in enumerate(texts):
            index, share = _shares(self.terms(text), place, self.idf)
            scores[at] = total(share * self.weights[:, index]) + self.weights[:, -1]
        p = sigmoid(-(self.platt[:, 0] * scores + self.platt[:, 1]))
        if self.head.task == MULTILABEL:
            return p
        if self.head.task == ORDINAL:
            return exceedances(p)
        if p.shape[1] == 1:
            return np.hstack([1 - p, p])
        p = np.where(total(p)[:, None] > 0, p, 1.0)
        return np.asarray(p / total(p)[:, None])

    def arrays(self) -> Arrays:
        """idf, weights and Platt's numbers."""
        return {"idf": self.idf, "weights": self.weights, "platt": self.platt}

    def preprocessing(self) -> dict[str, Any]:
        """Terms and vocabulary."""
        return {
            "longest": self.terms.longest,
            "characters": self.terms.characters,
            "stop": list(self.terms.stop),
            "vocabulary": list(self.vocabulary),
        }

    @classmethod
    def of(cls, common: dict[str, Any], preprocessing: dict[str, Any], arrays: Arrays, folder: Path) -> Self:
        """As `Fitted.of`."""
        known, m = tuple(preprocessing["vocabulary"]), columns(common["head"])
        shaped(arrays, idf=("f", (len(known),)), weights=("f", (m, len(known) + 1)), platt=("f", (m, 2)))
        if len(set(known)) < len(known) or not all(isinstance(term, str) for term in known):
            raise InputError("the vocabulary of the saved model should be different terms")
        terms = Terms(preprocessing["longest"], tuple(preprocessing["stop"]), preprocessing["characters"])
        return cls(**common, terms=terms, vocabulary=known, **dict[str, Any](arrays))


def _shares(counts: Counter[str], place: dict[str, int], idf: Floats) -> tuple[list[int], Floats]:
    """Numbers of the known terms of one text, in order, and their tf-idf, of length 1."""
    found = sorted((place[term], n) for term, n in counts.items() if term in place)
    index = [at for at, _ in found]
    share = np.array([n for _, n in found], np.float64) * idf[index]
    return index, share / np.sqrt(total(share**2)) if index else share


def _table(counts: list[Counter[str]], chosen: tuple[str, ...], idf: Floats) -> "csr_array":
    """tf-idf of texts, (n, terms)."""
    try:
        from scipy.sparse import csr_array
    except ImportError as error:
        raise MissingExtraError("scikit-learn", "images") from error
    place = {term: at for at, term in enumerate(chosen)}
    rows = [_shares(one, place, idf) for one in counts]
    ends = np.cumsum([0, *(len(index) for index, _ in rows)])
    index = np.concatenate([np.array(index, np.int32) for index, _ in rows])
    values = np.concatenate([share for _, share in rows])
    return csr_array((values, index, ends.astype(np.int32)), shape=(len(rows), len(chosen)))


def _plain(text: str) -> str:
    return unicodedata.normalize("NFC", text).lower()


def _texts(X: Sequence[str]) -> list[str]:
    texts = list(X) if not isinstance(X, str) else None
    if texts is None or not all(isinstance(one, str) for one in texts):
        wrong = X if texts is None else next(one for one in texts if not isinstance(one, str))
        raise InputError(f"a list of texts is needed, one for each unit; got {wrong!r}")
    return [str(one) for one in texts]


def _english() -> frozenset[str]:
    try:
        from sklearn.feature_extraction.text import ENGLISH_STOP_WORDS
    except ImportError as error:
        raise MissingExtraError("scikit-learn", "images") from error
    return frozenset(ENGLISH_STOP_WORDS)
