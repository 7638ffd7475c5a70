import numpy as np
import pytest

from studium.errors import InputError
from studium.learn.models.head import Head
from studium.learn.models.training import Training
from studium.learn.nets.training.holdout import held_out

KINDS = Head("kind", classes=("a", "b"))


def parted(head, y, groups=None, seed=0):
    train, validation = held_out(Training.of(head, y, len(y), None, groups), seed)
    assert sorted([*train, *validation]) == list(range(len(y)))
    return train, validation


def test_a_fifth_in_like_shares():
    y = ["a"] * 80 + ["b"] * 20
    _, validation = parted(KINDS, y)
    assert len(validation) == 20
    assert sum(y[at] == "b" for at in validation) == 4
    assert parted(KINDS, y)[1].tolist() == validation.tolist() != parted(KINDS, y, seed=1)[1].tolist()


def test_groups_stay_whole():
    groups = [at // 5 for at in range(100)]
    train, validation = parted(KINDS, list("ab") * 50, groups)
    assert not {groups[at] for at in train} & {groups[at] for at in validation}
    assert len(validation) == 20


def test_a_class_of_one_group_is_trained_on():
    y = ["a"] * 20 + ["b"] * 3
    groups = [*range(20), 20, 20, 20]
    for seed in range(10):
        train, _ = parted(KINDS, y, groups, seed)
        assert {y[at] for at in train} == {"a", "b"}


def test_labels_and_values():
    sets = np.random.default_rng(0).integers(0, 2, (100, 2))
    _, validation = parted(Head("tags", "multilabel", ("x", "y")), sets)
    assert np.abs(sets[validation].mean(axis=0) - sets.mean(axis=0)).max() < 0.1
    values = np.arange(100.0) ** 2
    _, validation = parted(Head("value", "continuous"), values)
    assert np.histogram(values[validation], np.quantile(values, np.linspace(0, 1, 6)))[0].tolist() == [4] * 5


@pytest.mark.parametrize(
    ("head", "y", "groups"),
    [
        (KINDS, ["a", "b"], None),
        (KINDS, ["a", "b", "a"], [0, 0, 0]),
        (Head("value", "continuous"), [1.0, 2.0], None),
        (Head("tags", "multilabel", ("x",)), [[0], [1]], None),
    ],
)
def test_too_few_groups(head, y, groups):
    with pytest.raises(InputError, match="call train with a validation part"):
        parted(head, y, groups)
