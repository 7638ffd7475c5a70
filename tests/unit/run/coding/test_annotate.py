"""Tasks and coding on both databases: what is next, what is kept, what is refused, and what nobody may see."""

import random
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from studium.core.annotation import Annotation
from studium.core.codebook import Codebook
from studium.core.pair import pair_of
from studium.core.records import Records, Sample
from studium.core.records.samples import Sampled
from studium.core.store import Store
from studium.core.variable import Value, Variable
from studium.errors import InputError, RefusedError, UnknownNameError
from studium.run.coding.annotate import Coded, hidden, item, next_position, save, still_open
from studium.run.coding.blind import parts, to_code
from studium.run.coding.coded import coded, said
from studium.run.coding.tasks import Work, give, progress

UNITS = [f"{at:064x}" for at in range(6)]


def variable(name, values, question="?", **more):
    return Variable(name, question, "image", "categorical", tuple(map(Value, values.split())), **more)


SCENE = variable("scene", "people animal")
MOOD = variable("mood", "glad sad", only_if={"scene": ["people"]})
TEARS = variable("tears", "yes no", only_if={"mood": ["sad"]})
ALIKE = Variable("alike", "?", "image", "binary", (Value("yes"), Value("no")), pairs=True)
BOOK = Codebook((SCENE, MOOD, TEARS, ALIKE))


@pytest.fixture(params=["sqlite", "postgresql"])
def records(request, tmp_path):
    """A fresh database of each kind, with a sample of six units and one of a pair."""
    place = tmp_path / "studium.db" if request.param == "sqlite" else request.getfixturevalue("postgresql").database()
    at = datetime.now(UTC)
    with Records(place) as found:
        drawn = tuple(Sampled(unit, 0.25) for unit in UNITS)
        found.samples.add(Sample("first", "image", {"design": "simple"}, "local", at, units=drawn))
        pair = (Sampled(pair_of(*UNITS[:2]), 1.0),)
        found.samples.add(Sample("two", "image", {"design": "pairs"}, "local", at, True, pair))
        yield found


def given(records, *variables, coders=("ada", "ben"), **more):
    work = Work("t", "first", variables or ("scene", "mood", "tears"), coders, **more)
    return give(records, BOOK, work, "local", 1)


def say(records, unit, coder="ada", **answers):
    return save(records, BOOK, "t", coder, Coded(unit, answers))


def answers(records, unit, coder="ada"):
    return {one.variable: one.value for one in records.annotations(coder=coder, unit=unit)}


def test_nothing_yet(records, tmp_path):
    task = given(records)
    assert next_position(records, BOOK, "t", "ada").position == 0
    assert [(one.coder, one.total, one.done, one.seconds, one.last) for one in progress(records, BOOK, "t")] == [
        ("ada", 6, 0, None, None), ("ben", 6, 0, None, None)
    ]  # fmt: skip
    seen = item(Store(tmp_path), records, BOOK, "t", "ada", 0)
    assert seen.unit.id == task.units["ada"][0]
    assert seen.unit.label == f"image {seen.unit.id[:8]}"
    assert (seen.answers, seen.note, seen.coded, seen.skipped) == ({}, None, False, ["mood", "tears"])


def test_all_variables_of_a_unit_at_once_with_weight_and_definition(records):
    given(records)
    told = Coded(UNITS[0], {"scene": "People", "mood": "sad", "tears": None}, seconds=4.5, note="wet", key="k")
    assert save(records, BOOK, "t", "ada", told) == 3
    rows = records.annotations()
    assert [(one.variable, one.value) for one in rows] == [("scene", "people"), ("mood", "sad"), ("tears", None)]
    assert {(one.weight, one.sample, one.seconds, one.note, one.coder) for one in rows} == {
        (4.0, "first", 4.5, "wet", "ada")
    }
    assert [one.variable_digest for one in rows] == [SCENE.digest, MOOD.digest, TEARS.digest]
    assert len({one.at for one in rows}) == 1


def test_a_unit_is_done_when_what_is_asked_is_answered(records, tmp_path):
    task = given(records)
    unit = task.units["ada"][0]
    say(records, unit, scene="people", mood="sad")
    assert next_position(records, BOOK, "t", "ada").done == 0
    assert not item(Store(tmp_path), records, BOOK, "t", "ada", 0).coded
    say(records, unit, tears="no")
    seen = item(Store(tmp_path), records, BOOK, "t", "ada", 0)
    assert (seen.coded, seen.done, seen.skipped) == (True, 1, [])
    say(records, task.units["ada"][1], scene="animal")
    seen = item(Store(tmp_path), records, BOOK, "t", "ada", 1)
    assert (seen.coded, seen.done, seen.skipped) == (True, 2, ["mood", "tears"])


def test_what_is_not_asked_is_refused_and_what_is_asked_no_more_is_withdrawn(records):
    given(records)
    with pytest.raises(InputError, match="'mood' is not asked, given the other answers, and was answered 'glad'"):
        say(records, UNITS[0], scene="animal", mood="glad")
    assert records.annotations(history=True) == []
    say(records, UNITS[0], scene="people", mood="sad", tears="no")
    assert say(records, UNITS[0], scene="animal") == 3  # one answer, and two that are withdrawn with it
    assert answers(records, UNITS[0]) == {"scene": "animal"}
    assert [one.variable for one in records.annotations(history=True) if one.withdrawn] == ["mood", "tears"]
    say(records, UNITS[0], scene="people", mood="glad")
    assert answers(records, UNITS[0]) == {"scene": "people", "mood": "glad"}


def test_undo_is_kept_and_opens_the_unit_again(records):
    task = given(records)
    first, second = task.units["ada"][:2]
    say(records, first, scene="animal")
    say(records, second, scene="people", mood="sad", tears="no")
    assert next_position(records, BOOK, "t", "ada").position == 2
    assert save(records, BOOK, "t", "ada", Coded(first, withdrawn=["scene"])) == 1
    assert save(records, BOOK, "t", "ada", Coded(first, withdrawn=["scene"])) == 0
    place = next_position(records, BOOK, "t", "ada", after=1)
    assert (place.position, place.done, place.total) == (2, 1, 6)
    assert next_position(records, BOOK, "t", "ada").position == 0
    assert save(records, BOOK, "t", "ada", Coded(second, withdrawn=["scene"])) == 3
    assert (answers(records, first), answers(records, second)) == ({}, {})
    assert len(records.annotations(history=True)) == 8


def test_the_next_one_comes_round_and_then_there_is_none(records):
    task = given(records, "scene", coders=["ada"])
    for unit in task.units["ada"][1:]:
        say(records, unit, scene="animal")
    assert next_position(records, BOOK, "t", "ada", after=5).position == 0
    say(records, task.units["ada"][0], scene="animal")
    assert next_position(records, BOOK, "t", "ada").position is None


@pytest.mark.parametrize("variables", [("scene", "place"), ("scene", "mood")])  # counted by the database, or by hand
def test_whatever_is_said_and_taken_back_the_queue_is_what_the_answers_tell(records, variables):
    book = Codebook((SCENE, MOOD, variable("place", "in out")))
    later = Codebook((SCENE, replace(MOOD, question="How?"), variable("place", "in out", question="Where?")))
    task = give(records, book, Work("t", "first", variables, ("ada", "ben")), "local", 1)
    pick, seen = random.Random(1), set()
    for step in range(60):
        now, coder = (later if step > 40 else book), pick.choice(["ada", "ben"])
        unit = pick.choice(task.units[coder][:4])
        try:
            if pick.random() < 0.25:
                told = Coded(unit, withdrawn=[pick.choice(variables)])
            else:
                told = Coded(unit, {one: pick.choice(now[one].values).name for one in variables if pick.random() < 0.7})
            save(records, now, "t", coder, told)
        except InputError:  # neither answers nor anything to take back; or mood where no people are
            pass
        stand, questions = said(records, now, task, coder), [now[one] for one in variables]
        done = [(coder, one) in stand and coded(questions, stand[coder, one].answers) for one in task.units[coder]]
        after = pick.randrange(-1, 6)
        open_ = [at for at, it in enumerate(done) if not it]
        expected = next((at for at in open_ if at > after), open_[0] if open_ else None)
        place = next_position(records, now, "t", coder, after)
        assert (place.position, place.total, place.done) == (expected, 6, sum(done))
        seen.add(sum(done))
    assert {0, 1, 2} <= seen


def test_sent_twice_kept_once(records):
    given(records)
    told = Coded(UNITS[0], {"scene": "people", "mood": "sad"}, key="k")
    assert [save(records, BOOK, "t", "ada", told) for _ in range(2)] == [2, 0]
    assert save(records, BOOK, "t", "ben", told) == 2  # somebody else's key is another
    assert save(records, BOOK, "t", "ada", replace(told, unit=UNITS[1])) == 2
    save(records, BOOK, "t", "ada", Coded(UNITS[0], withdrawn=["mood"], key="l"))
    assert save(records, BOOK, "t", "ada", told) == 0  # an old one that comes late changes nothing
    assert answers(records, UNITS[0]) == {"scene": "people"}
    with pytest.raises(InputError, match="the key 'k' was used for other answers"):
        save(records, BOOK, "t", "ada", replace(told, answers={"scene": "animal"}))


def test_sent_twice_at_the_same_time_kept_once(records):
    given(records)
    for unit in UNITS:
        told, start = Coded(unit, {"scene": "animal"}, key="k"), threading.Barrier(4)

        def send(_, told=told, start=start):
            start.wait()
            return save(records, BOOK, "t", "ada", told)

        with ThreadPoolExecutor(4) as pool:
            assert sorted(pool.map(send, range(4))) == [0, 0, 0, 1]
    assert len(records.annotations(history=True)) == 6


def test_two_answers_at_the_same_time_keep_none_that_is_not_asked(records):
    given(records)
    for unit in UNITS:
        say(records, unit, scene="people", mood="sad", tears="no")
        start = threading.Barrier(2)

        def send(said, unit=unit, start=start):
            start.wait()
            try:
                return say(records, unit, **said)
            except InputError as error:  # the other one was first, so this is not asked any more
                return str(error)

        with ThreadPoolExecutor(2) as pool:
            scene, mood = pool.map(send, [{"scene": "animal"}, {"mood": "glad"}])
        assert (scene, mood) == (2, 2) or (scene == 3 and "'mood' is not asked" in mood)
        assert answers(records, unit) == {"scene": "animal"}


def test_five_coders_at_once_lose_nothing(records):
    coders = ["ada", "ben", "cleo", "dan", "eve"]
    task = given(records, coders=coders)

    def code(coder):
        for unit in task.units[coder]:
            say(records, unit, coder, scene="people", mood="sad", tears="no")

    with ThreadPoolExecutor(5) as pool:
        list(pool.map(code, coders))
    assert len(records.annotations(history=True)) == 5 * 6 * 3
    assert [one.done for one in progress(records, BOOK, "t")] == [6] * 5


def test_times_go_forward_even_if_the_clock_does_not(records):
    given(records)
    late = datetime.now(UTC) + timedelta(hours=1)
    records.annotate([Annotation(UNITS[0], "scene", "people", "ada", late, SCENE.digest, 4.0, sample="first")])
    say(records, UNITS[0], scene="animal")
    assert answers(records, UNITS[0]) == {"scene": "animal"}


def test_progress_counts_whole_units_and_their_seconds(records):
    task = given(records, overlap=0.5)
    mine = task.units["ada"]
    for at, seconds in enumerate((2, 10, 4)):
        save(records, BOOK, "t", "ada", Coded(mine[at], {"scene": "animal"}, seconds=seconds))
    save(records, BOOK, "t", "ada", Coded(mine[0], {"scene": "people", "mood": "sad"}, seconds=100))  # open again
    ada, ben = progress(records, BOOK, "t")
    assert (ada.total + ben.total, ada.done, ada.seconds, ben.done) == (9, 2, 7.0, 0)
    assert ada.last == max(one.at for one in records.annotations())
    save(records, BOOK, "t", "ada", Coded(mine[0], {"tears": "no"}, seconds=1))
    assert progress(records, BOOK, "t", "ada")[0].seconds == 10  # of 4, 10 and 101 together


def test_a_changed_definition_opens_a_unit_again(records):
    given(records, "scene")
    say(records, UNITS[0], scene="animal")
    changed = Codebook((replace(SCENE, question="What else?"),))
    assert [one.done for one in progress(records, changed, "t")] == [0, 0]


def test_what_was_coded_elsewhere_is_not_done_here(records):
    given(records, "scene")
    at = datetime.now(UTC)
    records.annotate([Annotation(UNITS[0], "scene", "people", "ada", at, SCENE.digest, 1.0, sample="another")])
    assert next_position(records, BOOK, "t", "ada").done == 0


def test_nobody_sees_what_others_said(records, tmp_path):
    task = given(records)
    say(records, UNITS[0], "ben", scene="people")
    at = task.units["ada"].index(UNITS[0])
    seen = item(Store(tmp_path), records, BOOK, "t", "ada", at)
    assert (seen.answers, seen.note, seen.coded) == ({}, None, False)
    assert still_open(records, BOOK, "ada") == {*UNITS}
    say(records, UNITS[0], scene="animal")
    assert still_open(records, BOOK, "ada", "scene") == {*UNITS[1:]}
    assert still_open(records, BOOK, "ada", "alike") == still_open(records, BOOK, "cleo") == frozenset()
    assert still_open(records, Codebook((SCENE,)), "ada") == frozenset()  # mood and tears are asked no more
    assert to_code(records, BOOK, "ada") == {"t": len(still_open(records, BOOK, "ada"))}
    assert to_code(records, BOOK, "cleo") == {}
    assert parts(["u1", "u2+u3"]) == {"u1", "u2", "u3"}
    assert [hidden("coder", what) for what in ("posts", "units", "zero_shot-1a2b", "clusters", "disagreements")] == [
        False, False, True, True, True
    ]  # fmt: skip
    assert not hidden("adjudicator", "clusters")


def test_pairs(records, tmp_path):
    give(records, BOOK, Work("p", "two", ["alike"], ["ada"]), "local")
    seen = item(Store(tmp_path), records, BOOK, "p", "ada", 0)
    assert (seen.unit, [one.id for one in seen.pair]) == (None, UNITS[:2])
    assert save(records, BOOK, "p", "ada", Coded(pair_of(UNITS[1], UNITS[0]), {"alike": "yes"})) == 1
    assert next_position(records, BOOK, "p", "ada").position is None


def test_what_is_not_theirs_is_refused(records, tmp_path):
    given(records, coders=["ada"])
    with pytest.raises(UnknownNameError, match="no task 'x'; there are: t"):
        next_position(records, BOOK, "x", "ada")
    with pytest.raises(RefusedError, match="ben has no units in the task 't'"):
        next_position(records, BOOK, "t", "ben")
    with pytest.raises(RefusedError, match="ben has no units"):
        say(records, UNITS[0], "ben", scene="animal")
    with pytest.raises(RefusedError, match="not among those that ada codes"):
        say(records, "f" * 64, scene="animal")
    for position in (-1, 6):
        with pytest.raises(UnknownNameError, match="it has 0 to 5"):
            item(Store(tmp_path), records, BOOK, "t", "ada", position)
    for told, says in (
        (Coded(UNITS[0]), "got neither"),
        (Coded(UNITS[0], {"alike": "yes"}), "'alike' is not asked in this task; it asks scene, mood, tears"),
        (Coded(UNITS[0], {"scene": "moon"}), "expected one of 'people', 'animal'"),
        (Coded(UNITS[0], {"scene": "people"}, ["scene"]), "answered and withdrawn at once"),
        (Coded(UNITS[0], {"scene": "people"}, seconds=-1), "seconds of at least 0"),
        (Coded(UNITS[0], {"scene": "people"}, note="a\0b"), "without NUL"),
    ):
        with pytest.raises(InputError, match=says):
            save(records, BOOK, "t", "ada", told)
    assert records.annotations(history=True) == []


@pytest.mark.parametrize(
    ("work", "says"),
    [
        (Work("a/b", "first", ["scene"], ["ada"]), "without a slash"),
        (Work(" ", "first", ["scene"], ["ada"]), "a name for the task"),
        (Work("t", "none", ["scene"], ["ada"]), "no sample 'none'"),
        (Work("t", "first", [], ["ada"]), "variables to code, each once, got none"),
        (Work("t", "first", ["scene", "scene"], ["ada"]), "each once"),
        (Work("t", "first", ["colour"], ["ada"]), "no variable 'colour'"),
        (Work("t", "first", ["mood"], ["ada"]), "name 'scene' before it"),
        (Work("t", "first", ["mood", "scene"], ["ada"]), "name 'scene' before it"),
        (Work("t", "first", ["alike"], ["ada"]), "about pairs of image units, and 'first' is a sample of image units"),
        (Work("t", "two", ["scene"], ["ada"]), "about image units, and 'two' is a sample of pairs"),
        (Work("t", "first", ["scene"], []), "names of coders"),
    ],
)
def test_tasks_that_cannot_be(tmp_path, work, says):
    at = datetime.now(UTC)
    with Records(tmp_path / "studium.db") as records:
        for name, pairs, unit in (("first", False, UNITS[0]), ("two", True, pair_of(*UNITS[:2]))):
            records.samples.add(Sample(name, "image", {}, "local", at, pairs, (Sampled(unit, 1.0),)))
        with pytest.raises(InputError, match=says):
            give(records, BOOK, work, "local")
        assert records.tasks.all() == []


def test_a_task_of_this_name_is_there(records):
    given(records)
    with pytest.raises(InputError, match="there is a task 't' already"):
        given(records)


def test_a_definition_that_changed_under_the_coder_is_refused(records):
    given(records)
    read = {one.name: one.digest for one in (SCENE, MOOD)}
    newer = Codebook((replace(SCENE, question="What now?"), MOOD, TEARS, ALIKE))
    told = Coded(UNITS[0], {"scene": "animal"}, definitions=read)
    with pytest.raises(InputError, match="definition of 'scene' changed while you coded; reload"):
        save(records, newer, "t", "ada", told)
    assert records.annotations() == []
    assert save(records, BOOK, "t", "ada", told) == 1
    assert save(records, newer, "t", "ada", Coded(UNITS[0], withdrawn=["mood"], definitions=read)) == 0
