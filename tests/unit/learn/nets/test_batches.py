import numpy as np
import pytest
from toy_net import ToyBody, digits

from studium.errors import InputError, MediaError
from studium.learn.models.examples import Some
from studium.learn.nets.batches import Batches, encoded, seen

BODY = ToyBody(None)
PICTURES = digits(0, 33).X


def rows(batches):
    return [batch["labels"].tolist() for batch in (batches[at] for at in range(len(batches)))]


def test_none():
    assert len(Batches([], BODY, 16)) == 0
    assert seen(BODY, []) == seen(BODY, [])


def test_without_a_seed_they_are_in_order_and_unchanged():
    batches = Batches(PICTURES, BODY, 16, first=100)
    assert [row for batch in rows(batches) for row in batch] == list(range(100, 133))
    np.testing.assert_array_equal(batches[0]["pixels"][3, 0], PICTURES[3] / 16)


def test_no_batch_is_of_a_single_example():
    assert [len(batch) for batch in rows(Batches(PICTURES, BODY, 16))] == [11, 11, 11]
    assert [len(batch) for batch in rows(Batches(PICTURES, BODY, 17))] == [17, 16]


def test_order_and_changes_are_those_of_seed_epoch_and_row():
    def drawn(seed, epoch, size=16):
        batches = Batches(PICTURES, BODY, size, seed=seed)
        batches.set_epoch(epoch)
        every = [batches[at] for at in reversed(range(len(batches)))]
        return {row: one for batch in every for row, one in zip(batch["labels"].tolist(), batch["pixels"], strict=True)}

    first, again, small = drawn(7, 2), drawn(7, 2), drawn(7, 2, size=3)
    assert sorted(first) == list(range(33))
    for other in (again, small):
        assert all(bool((first[row] == other[row]).all()) for row in first)
    for other in (drawn(7, 3), drawn(8, 2)):
        assert not all(bool((first[row] == other[row]).all()) for row in first)
    order = [Batches(PICTURES, BODY, 16, seed=7, epoch=epoch) for epoch in (2, 2, 3)]
    assert rows(order[0]) == rows(order[1]) != rows(order[2])


def test_what_was_seen_is_known_by_its_digest():
    assert seen(BODY, PICTURES) == seen(BODY, tuple(PICTURES)) != seen(BODY, PICTURES[::-1])
    changed = [*PICTURES[:-1], PICTURES[-1] + 1]
    assert seen(BODY, changed) != seen(BODY, PICTURES)


def test_rows_are_named_as_the_caller_knows_them():
    class Broken(list):
        def __getitem__(self, at):
            raise MediaError("the file ends early")

    some = Some(Some(Broken(PICTURES), np.arange(20, 30)), np.array([4, 5]))
    with pytest.raises(InputError, match="row 25 cannot be used: the file ends early"):
        encoded(BODY, some, 1)
