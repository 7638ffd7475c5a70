"""Fit the weights of the shot detector: two logistic regressions, on the tuning films of ``shots.py`` alone.

    python benchmarks/shots_fit.py [--films FOLDER]

Prints the ``_WEIGHTS`` of `studium.unitize.transitions` (of a sudden change: is it a cut?) and of
`studium.unitize.dissolves` (of a row of mixtures: is it a dissolve?), and how well they part the candidates when films
are left out in turn.
"""

import argparse
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from shots import CLOSE, TUNING, made, moving
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GroupKFold, cross_val_predict
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from studium.media.video import Video
from studium.unitize import dissolves, transitions
from studium.unitize.blanks import blanks
from studium.unitize.likeness import SAMPLES, SIZE, differences

Row = tuple[tuple[float, ...], bool]


def candidates(film: moving.Film) -> tuple[list[Row], list[Row]]:
    """Evidence and truth of every sudden change, and of every row of mixtures that no cut or blank explains."""
    seen = [(frame.grey(*SIZE, SAMPLES), frame.time) for frame in Video(film.path).frames()]
    frames, times = np.stack([grey for grey, _ in seen]), np.array([time for _, time in seen])
    taken = np.zeros(len(frames) + 1, bool)
    for blank in blanks(frames, times):
        taken[blank.first : blank.last + 1] = True
    cuts = [one.first for one in film.transitions if one.kind == "cut"]
    sudden = [
        ((transitions.across(frames, index),), any(abs(index - cut) <= CLOSE for cut in cuts))
        for index in transitions.sudden(differences(frames))
        if not taken[index]
    ]
    taken[cuts] = True
    return sudden, list(mixed(film, frames, times, taken))


def mixed(
    film: moving.Film, frames: NDArray[np.uint8], times: NDArray[np.float64], taken: NDArray[np.bool_]
) -> Iterator[Row]:
    step = max(1, round(dissolves.PERIOD / float(np.median(np.diff(times)))))
    open_ = [one for one in film.transitions if one.kind == "dissolve"]
    for one in dissolves.candidates(frames[::step]):
        first, last = one.first * step + 1, one.last * step
        if taken[first:last].any():
            continue
        near = [truth for truth in open_ if truth.first - step <= (first + last) / 2 <= truth.last + step]
        for truth in near:
            open_.remove(truth)
        some = frames[::step]
        yield (dissolves.likeness_of_ends(some, one), one.dip, dissolves.change_left_over(some, one)), bool(near)


def fit(name: str, rows: list[Row], films: list[int]) -> None:
    evidence, truth = np.array([x for x, _ in rows]), np.array([y for _, y in rows])
    model = make_pipeline(StandardScaler(), LogisticRegression())
    right = cross_val_predict(model, evidence, truth, groups=films, cv=GroupKFold(7)) == truth
    scaler, logistic = (step for _, step in model.fit(evidence, truth).steps)
    weights = logistic.coef_[0] / scaler.scale_
    constant = logistic.intercept_[0] - weights @ scaler.mean_
    print(f"{name}: {truth.sum()} of {len(truth)} candidates are; films left out: {right.mean():.3f} right")
    print(f"_WEIGHTS = ({', '.join(f'{w:.1f}' for w in (constant, *weights))})")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--films", type=Path, default=Path("~/.cache/studium-tests/shots").expanduser())
    found = [candidates(film) for film in made(parser.parse_args().films, "tuning", TUNING)]
    for place, name in enumerate(("cuts", "dissolves")):
        rows = [(row, number) for number, both in enumerate(found) for row in both[place]]
        fit(name, [row for row, _ in rows], [number for _, number in rows])
