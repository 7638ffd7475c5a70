"""Splits: a test set that all models share, and folds of the rest; made once, stored, and checked whenever read.

Groups (see `studium.learn.folds.groups`) are never parted, and strata have like shares in every part. The same units,
strata, keys and seed give the same split on every machine, in whatever order they come.
"""

import hashlib
import json
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cached_property
from pathlib import Path

import numpy as np
import numpy.typing as npt

from studium.core.parts import replace_file
from studium.errors import InputError, StoreError
from studium.learn.folds.deal import deal, hands, hashed, unevenness
from studium.learn.folds.groups import Keys, joined, refuse_leaks

__all__ = ["TEST", "Split", "Splits"]

TEST = -1
"""The part of a unit of the test set; others are numbers of folds, from 0."""
_FORMAT = 1
_BINS = 20  # the test set is so many of so many equal bins, at most
_HALF = 2  # a group with more than one in so many of the units leaves nothing to compare it with
_OFF = 4  # a part whose size is off by more than one in so many is told

Bools = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Split:
    """Which units are for testing, and the fold of each of the others.

    Attributes:
        units: in the order of the alphabet.
        parts: the part of each: `TEST`, or the number of its fold.
        groups: the group of each, named by its first unit.
        strata: what each was stratified by.
        keys: names of what groups were joined by.
        folds: how many there are.
        test: the share that the test set was meant to have.
        seed: of the draw.
        told: what could not be had, in words: a class with fewer groups than parts, parts of other sizes than meant.
    """

    units: tuple[str, ...]
    parts: tuple[int, ...]
    groups: tuple[str, ...]
    strata: tuple[str, ...]
    keys: tuple[str, ...]
    folds: int
    test: float
    seed: int
    told: tuple[str, ...] = field(default=())

    def __post_init__(self) -> None:
        """Refuse what is no split: parts that do not exist, units that come twice, groups that are parted."""
        n = len(self.units)
        if not len(self.parts) == len(self.groups) == len(self.strata) == n:
            raise InputError(f"a split needs a part, a group and a stratum for each of its {n} units")
        if odd := sorted(set(self.parts) - {TEST, *range(self.folds)}):
            raise InputError(f"a split of {self.folds} folds has no part {odd[0]}; {TEST} is the test set")
        refuse_leaks(self.units, [_called(part) for part in self.parts], {"group": self.groups})

    def counts(self) -> dict[str, dict[str, int]]:
        """Part ("test", "fold 0" ...) -> stratum -> units."""
        names = sorted(set(self.strata))
        found = Counter(zip(self.parts, self.strata, strict=True))
        return {_called(part): {name: found[part, name] for name in names} for part in (TEST, *range(self.folds))}

    def testing(self, units: Sequence[str]) -> Bools:
        """Which of these units are of the test set."""
        return np.equal(self.of(units), TEST)

    def training(self, units: Sequence[str], fold: int | None = None) -> Bools:
        """Which are for training: neither of the test set nor of this fold."""
        parts = self.of(units)
        left_out = [TEST] if fold is None else [TEST, self._fold(fold)]
        return np.isin(parts, left_out, invert=True)

    def validation(self, units: Sequence[str], fold: int) -> Bools:
        """Which are of this fold."""
        return np.equal(self.of(units), self._fold(fold))

    def of(self, units: Sequence[str]) -> npt.NDArray[np.int64]:
        """The part of each of these units.

        Raises:
            InputError: units that the split does not know; they were labelled after it was made.
        """
        if unknown := [unit for unit in units if unit not in self._part]:
            raise InputError(f"the split does not know {len(unknown)} units, such as {unknown[0]!r}; split again")
        return np.array([self._part[unit] for unit in units], np.int64)

    def refuse_leaks(self, units: Sequence[str], keys: Keys) -> None:
        """Refuse the split if two of its parts share a value of a key; see `groups.refuse_leaks`."""
        refuse_leaks(units, [_called(part) for part in self.of(units).tolist()], keys)

    @property
    def digest(self) -> str:
        """16 hex digits that change with any part of any unit."""
        return hashlib.sha256(self._text().encode()).hexdigest()[:16]

    def save(self, path: str | Path) -> None:
        """Write it as JSON: the same bytes on every machine."""
        replace_file(Path(path), f'{{"digest":"{self.digest}","split":{self._text()}}}\n')

    @classmethod
    def load(cls, path: str | Path) -> "Split":
        """Read a split that was saved.

        Raises:
            StoreError: it cannot be read, is of another version, or was changed.
        """
        try:
            file = json.loads(Path(path).read_text("utf-8"))
            body = file["split"]
            if body["format"] != _FORMAT:
                raise StoreError(f"{path} is a split of format {body['format']!r}, expected {_FORMAT}; split again")
            columns = {name: tuple(body[name]) for name in ("keys", "told")}
            rows = [*zip(*body["units"], strict=True)] or [()] * 4
            named = dict(zip(("units", "parts", "groups", "strata"), rows, strict=True))
            found = cls(**named, **columns, folds=body["folds"], test=body["test"], seed=body["seed"])
            digest = file["digest"]
        except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
            raise StoreError(f"{path} is no split that could be read ({error}); split again") from error
        if found.digest != digest:
            raise StoreError(f"{path} was changed since it was written; split again, or take the file as it was")
        return found

    @cached_property
    def _part(self) -> Mapping[str, int]:
        return dict(zip(self.units, self.parts, strict=True))

    def _fold(self, fold: int) -> int:
        if not 0 <= fold < self.folds:
            raise InputError(f"expected a fold from 0 to {self.folds - 1}, got {fold}")
        return fold

    def _text(self) -> str:
        body = {
            "format": _FORMAT, "seed": self.seed, "test": self.test, "folds": self.folds, "keys": self.keys,
            "told": self.told, "counts": self.counts(),
            "units": [*zip(self.units, self.parts, self.groups, self.strata, strict=True)],
        }  # fmt: skip
        return json.dumps(body, separators=(",", ":"))


@dataclass(frozen=True)
class Splits:
    """Splits units into a test set and folds, stratified and grouped.

    Attributes:
        test: share of the test set. As groups are dealt into equal bins, it is the next m / k with k up to 20.
        folds: into how many the rest is dealt.
        seed: another one, another split.
    """

    test: float = 0.2
    folds: int = 3
    seed: int = 0

    def __post_init__(self) -> None:
        """Refuse settings that cannot be."""
        if not (1 / _BINS <= self.test <= 1 - 1 / _BINS and self.folds >= 2):
            raise InputError(f"expected a test share from .05 to .95 and at least 2 folds, got {self}")

    def __call__(self, units: Sequence[str], strata: Sequence[str], keys: Keys | None = None) -> Split:
        """The split.

        Args:
            units: their ids, each once.
            strata: what to stratify each by: its class, or `studium.learn.labels.targets.Target.strata`.
            keys: what must not be parted, such as ``{"account": ..., "video": ..., "near_duplicates": ...}``.

        Raises:
            InputError: what was handed over does not fit, there are fewer groups than parts, one group holds more than
                half of the units, or a stratum is in one group alone.
        """
        _refuse_strata(units, strata)
        groups = joined(units, keys or {})
        given = hands(groups, strata)
        self._refuse(given, 1)
        dealt = self._dealt(given)
        told = _told(given, dealt, self.folds, self.test)
        rows = [(unit, dealt[group], group, kind) for unit, group, kind in zip(units, groups, strata, strict=True)]
        return self._made(rows, keys or {}, self.test, told)

    def around(self, units: Sequence[str], strata: Sequence[str], keys: Keys, testing: Collection[str]) -> Split:
        """The split of which the test set is given, such as a sample that was drawn for it; `test` does not count.

        Units that are of a group with a test unit, and are none, are in no part: the split does not know them.

        Args:
            units: as above.
            strata: as above.
            keys: as above.
            testing: units of the test set; those that are not among ``units`` do not count.

        Raises:
            InputError: as above, of the units that are left for the folds; or no unit is of the test set.
        """
        _refuse_strata(units, strata)
        groups = joined(units, keys)
        chosen = {*testing} & {*units}
        if not chosen:
            raise InputError(f"none of {len(units)} units is of the test set; label units of it")
        tested = {group for unit, group in zip(units, groups, strict=True) if unit in chosen}
        rest = [at for at, group in enumerate(groups) if group not in tested]
        given = hands([groups[at] for at in rest], [strata[at] for at in rest])
        self._refuse(given, 0)
        parts = dict.fromkeys(tested, TEST) | deal(given, self.folds, f"{self.seed} folds")
        kept = sorted([*rest, *(at for at, unit in enumerate(units) if unit in chosen)])
        share = len(chosen) / len(kept)
        whole = hands([groups[at] for at in kept], [strata[at] for at in kept])
        rows = [(units[at], parts[groups[at]], groups[at], strata[at]) for at in kept]
        return self._made(rows, keys, share, _told(whole, parts, self.folds, share))

    def _made(self, rows: Sequence[tuple[str, int, str, str]], keys: Keys, test: float, told: tuple[str, ...]) -> Split:
        """The split of (unit, part, group, stratum)."""
        units, parts, groups, strata = zip(*sorted(rows), strict=True)
        return Split(units, parts, groups, strata, tuple(sorted(keys)), self.folds, test, self.seed, told)

    def _dealt(self, given: Mapping[str, Mapping[str, int]]) -> dict[str, int]:
        """The part of each group: one of the more even half of equal bins is the test set, the rest is dealt anew."""
        share = Fraction(self.test).limit_denominator(_BINS)
        k, salt = share.denominator, f"{self.seed} test"
        bins = deal(given, k, salt)
        uneven = unevenness(given, bins, k)
        middle = sorted(uneven)[k // 2]
        drawn = sorted(range(k), key=lambda at: (uneven[at] > middle, hashed(salt, str(at))))
        testing = drawn[: share.numerator]
        rest = {group: hand for group, hand in given.items() if bins[group] not in testing}
        return {group: TEST for group in given if group not in rest} | deal(rest, self.folds, f"{self.seed} folds")

    def _refuse(self, given: Mapping[str, Mapping[str, int]], testing: int) -> None:
        """Refuse what no draw could split into the folds and 1 test set, or into the folds alone (0)."""
        sizes = {group: sum(hand.values()) for group, hand in given.items()}
        if len(sizes) < self.folds + testing:
            into = "a test set and " if testing else ""
            left = "" if testing else " that are left besides the test set"
            raise InputError(
                f"{len(sizes)} groups{left} cannot be split into {into}{self.folds} folds; label units of more groups "
                "(accounts, videos), or ask for fewer folds"
            )
        largest = max(sizes, key=lambda group: (sizes[group], group))
        if sizes[largest] * _HALF > sum(sizes.values()):
            raise InputError(
                f"the group of {largest!r} holds {sizes[largest]} of {sum(sizes.values())} units, so no test set and "
                "folds could be like each other; check the keys that join it, or label units of more groups"
            )
        spread = Counter(stratum for hand in given.values() for stratum in hand)
        if alone := sorted(stratum for stratum, n in spread.items() if n == 1):
            raise InputError(
                f"{', '.join(map(repr, alone))}: all units are of one group, so that it cannot be learned from one "
                "part and tested on another; label more groups, or leave the class out"
            )


def _refuse_strata(units: Sequence[str], strata: Sequence[str]) -> None:
    if len(strata) != len(units) or not all(isinstance(one, str) and one for one in strata):
        raise InputError(f"expected the name of a stratum for each of {len(units)} units, got {len(strata)}")


def _told(given: Mapping[str, Mapping[str, int]], dealt: Mapping[str, int], folds: int, test: float) -> tuple[str, ...]:
    """What could not be had, in words."""
    parts, told = (TEST, *range(folds)), []
    spread = Counter(stratum for hand in given.values() for stratum in hand)
    held = {part: Counter[str]() for part in parts}
    for group, part in dealt.items():
        held[part].update(given[group])
    for stratum, n in sorted(spread.items()):
        if lacking := [_called(part) for part in parts if not held[part][stratum]]:
            told.append(f"{stratum!r} is in {n} groups, and not in {', '.join(lacking)}")
    total = sum(one.total() for one in held.values())
    for part in parts:
        share, meant = held[part].total() / total, test if part == TEST else (1 - test) / folds
        if abs(share - meant) * _OFF > meant:
            told.append(f"{_called(part)} has {share:.0%} of the units instead of {meant:.0%}: groups are large")
    return tuple(told)


def _called(part: int) -> str:
    return "test" if part == TEST else f"fold {part}"
