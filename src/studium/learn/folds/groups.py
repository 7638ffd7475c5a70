"""Groups: units that must not be parted, because a model that saw one knows the other; and the check that none is.

Frames of a video, posts of an account and near-duplicates are alike for reasons that have nothing to do with the label.
On labels that are pure noise, folds that part them show an accuracy of 1 (grouped ones: chance).
"""

from collections import Counter
from collections.abc import Mapping, Sequence

from studium.errors import InputError

__all__ = ["Keys", "joined", "refuse_leaks"]

Keys = Mapping[str, Sequence[str | int | None]]
"""Name of a key ("account", "video", "near_duplicates") -> its value for each unit; None (or "") where it has none."""


def joined(units: Sequence[str], keys: Keys) -> tuple[str, ...]:
    """The group of each unit: units that share any key are of one group, and so are units that these share one with.

    Returns:
        The group of each, named by its first unit in the order of the alphabet, so that it is the same however units
        are ordered; a unit that shares nothing is a group of its own.

    Raises:
        InputError: a unit comes twice, or a key does not have a value (or None) for each unit.
    """
    check(units, keys)
    root = list(range(len(units)))

    def find(at: int) -> int:
        while root[at] != at:
            root[at] = root[root[at]]
            at = root[at]
        return at

    for values in keys.values():
        first: dict[str | int, int] = {}
        for at, value in enumerate(values):
            if value is not None and value != "":
                root[find(at)] = find(first.setdefault(value, at))
    tops = [find(at) for at in range(len(units))]
    names: dict[int, str] = {}
    for unit, top in zip(units, tops, strict=True):
        names[top] = min(unit, names.get(top, unit))
    return tuple(names[top] for top in tops)


def refuse_leaks(units: Sequence[str], parts: Sequence[str | int], keys: Keys) -> None:
    """Refuse parts (test, folds) of which two share a key: of a split from elsewhere, or by a key found out later.

    Args:
        units: their ids.
        parts: the part that each is in.
        keys: what must not be parted.

    Raises:
        InputError: it is; names the key, how many of its values are, and units of the first of them.
    """
    check(units, keys)
    if len(parts) != len(units):
        raise InputError(f"expected the part of every unit, got {len(parts)} for {len(units)}")
    for key, values in keys.items():
        where: dict[str | int, dict[str | int, str]] = {}
        for unit, part, value in zip(units, parts, values, strict=True):
            if value is not None and value != "":
                where.setdefault(value, {}).setdefault(part, unit)
        if crossing := [(value, found) for value, found in where.items() if len(found) > 1]:
            value, found = crossing[0]
            examples = ", ".join(f"{unit!r} in {part}" for part, unit in found.items())
            raise InputError(
                f"the split leaks: {len(crossing)} of {len(where)} values of {key!r} are in several parts, such as "
                f"{value!r}: {examples}; split again, grouped by {key!r}"
            )


def check(units: Sequence[str], keys: Keys) -> None:
    """Refuse units that come twice, and keys that do not fit them."""
    if len(set(units)) < len(units):
        twice = Counter(units).most_common(1)[0][0]
        raise InputError(f"expected every unit once, got {twice!r} more often")
    for key, values in keys.items():
        if len(values) != len(units):
            raise InputError(f"key {key!r}: expected a value or None for every unit, got {len(values)} of {len(units)}")
        odd = next((value for value in values if not isinstance(value, str | int | None)), None)
        if odd is not None:
            raise InputError(f"key {key!r}: expected a text, a whole number or None for each unit, got {odd!r}")
