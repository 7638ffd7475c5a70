"""The ledger of a pass: what was read and did not come, or rests on what did not."""

from studium.media.damage import Ledger, told


def booked(packets: str, failed: str = "", corrupt: str = "", shown: str = "", end: float | None = None) -> Ledger:
    """A pass over packets in the order of the file, e.g. "K0 2 1": each is a stamp, K a keyframe; one stamp a second.

    Those in ``failed`` do not decode, those in ``corrupt`` come with an error; all others come in the order of time.
    """
    ledger = Ledger(float, 0.0, end)
    for name in packets.split():
        ledger.read(int(name.strip("K")), name.startswith("K"))
        if name.strip("K") in failed.split():
            ledger.fail()
    silent = {*failed.split(), *shown.split()}
    for stamp in sorted(int(name.strip("K")) for name in packets.split()):
        if str(stamp) not in silent:
            ledger.come(stamp, whole=str(stamp) not in corrupt.split())
    ledger.finish()
    return ledger


def test_nothing_read_nothing_lost() -> None:
    assert (booked("").lost, booked("").count) == ([], 0)
    assert booked("K0 3 1 2 K4 5").lost == []


def test_what_rests_on_a_broken_picture_is_lost_until_the_next_keyframe() -> None:
    assert booked("K0 1 2 3 K4 5", failed="1").lost == [(1.0, 4.0)]
    assert booked("K0 1 2 3 K4 5", failed="1").count == 3
    assert booked("K0 1 2 3 K4 5", corrupt="2").lost == [(2.0, 4.0)]
    assert booked("K0 4 2 1 3 K5", failed="4").lost == [(1.0, 5.0)]  # 1 to 3 are shown before 4 and rest on it
    assert booked("K0 4 2 1 3 K5", failed="3").lost == [(3.0, 4.0)]


def test_pictures_shown_before_a_keyframe_rest_on_the_group_before() -> None:
    assert booked("K0 1 K4 2 3 5", failed="1").lost == [(1.0, 4.0)]
    assert booked("K0 1 K4 2 3 5", failed="4").lost == [(2.0, None)]


def test_a_keyframe_that_never_came_takes_its_group_with_it() -> None:
    assert booked("K0 1 K2 3 4 K5 6", shown="2").lost == [(2.0, 5.0)]
    assert booked("K0 1 K2 3 4 K5 6", shown="3").lost == [(3.0, 4.0)]


def test_second_fields_are_no_pictures() -> None:
    ledger = Ledger(float)
    for stamp in (0, 2, 4, 6):
        ledger.read(stamp, stamp == 0)
    for stamp in (0, 4):
        assert ledger.come(stamp, whole=True, covers=3)
    ledger.finish()
    assert ledger.lost == []


def test_stretches() -> None:
    assert booked("K0 1 K2 3 K4", failed="1 3", end=3.0).lost == [(1.0, 2.0)]
    assert booked("K0 1 2 3", failed="1", end=2.0).lost == [(1.0, None)]
    cut = Ledger(float)
    cut.read(0, key=True)
    cut.come(0, whole=True)
    cut.finish(short_from=1)
    assert (cut.lost, cut.count) == ([(1.0, None)], 0)


def test_in_words() -> None:
    assert told([(12.48, 12.96), (31.2, None)]) == "12.480 to 12.960 s, from 31.200 s to the end"
    assert told([(float(i), i + 0.5) for i in range(23)]).endswith("19.000 to 19.500 s and 3 more stretches")
