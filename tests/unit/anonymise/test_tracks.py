"""Tracks: links by overlap, gaps bridged by straight lines, ends extended."""

import numpy as np
import pytest

from studium.anonymise.tracks import linked, overlaps


def at(x, size=20.0):
    return (float(x), 0.0, x + size, size)


def test_no_frames_and_frames_without_boxes():
    assert linked([]).boxes == []
    assert linked([[], []]).boxes == [[], []]
    assert linked([[], []]).tracks == 0


def test_a_gap_is_bridged_by_a_straight_line():
    done = linked([[at(0)], [], [], [at(6)]], extension=0)
    assert done.boxes == [[at(0)], [at(2)], [at(4)], [at(6)]]
    assert (done.tracks, done.bridged, done.extended) == (1, 2, 0)


@pytest.mark.parametrize(("missing", "tracks", "bridged"), [(3, 1, 3), (4, 2, 0)])
def test_a_longer_gap_parts_the_track(missing, tracks, bridged):
    done = linked([[at(0)], *([[]] * missing), [at(0)]], gap=3, extension=0)
    assert (done.tracks, done.bridged) == (tracks, bridged)


def test_the_ends_are_extended_within_the_film():
    done = linked([[], [], [at(0)], [], [], []], extension=2)
    assert done.boxes == [[at(0)], [at(0)], [at(0)], [at(0)], [at(0)], []]
    assert done.extended == 4


def test_two_faces_keep_their_own_boxes_whatever_their_order():
    frames = [[at(0), at(100)], [at(101), at(1)], [], [at(3), at(103)]]
    done = linked(frames, extension=0)
    assert done.tracks == 2
    assert sorted(done.boxes[2]) == [at(2), at(102)]


def test_what_does_not_overlap_is_another_face():
    assert linked([[at(0)], [at(50)]], extension=0).tracks == 2


def test_overlaps_by_hand():
    assert overlaps([], [at(0)]).shape == (0, 1)
    np.testing.assert_allclose(overlaps([at(0)], [at(0), at(10), at(20)]), [[1, 1 / 3, 0]])


def test_nothing_that_was_found_is_lost():
    rng = np.random.default_rng(1)
    frames = [[at(x) for x in rng.uniform(0, 500, rng.integers(0, 8))] for _ in range(50)]
    done = linked(frames)
    assert all(box in boxes for found, boxes in zip(frames, done.boxes, strict=True) for box in found)
