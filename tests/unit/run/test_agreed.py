"""Agreement from the records of a study: whose answers count, which do not, and what is told of both."""

import math
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from studium.core.annotation import Annotation
from studium.core.codebook import Codebook
from studium.core.column import Column
from studium.core.recipe import Recipe
from studium.core.records import Adjudication, Records, Sample, Sampled, Task, Trait
from studium.core.store import Store
from studium.core.unit import Unit
from studium.core.variable import Value, Variable
from studium.errors import InputError, UnknownNameError
from studium.run.coding.agreement import agreed, agreements
from studium.run.coding.gathered import Scope, gathered

YES, NO = Value("yes"), Value("no")
PROTEST = Variable("protest", "Is it a protest?", "image", "binary", (YES, NO))
CROWD = Variable("crowd", "How many people?", "image", "ordinal", (Value("few"), Value("some"), Value("many")))
THINGS = Variable("things", "What is there?", "image", "multilabel", (Value("flag"), Value("sign"), Value("fire")))
WARMTH = Variable("warmth", "How warm?", "image", "continuous", low=0, high=100)
BOXED = Variable("boxed", "Where are signs?", "image", "boxes", (Value("sign"), Value("flag")))
BOOK = Codebook((PROTEST, CROWD, THINGS, WARMTH, BOXED))
START = datetime(2026, 3, 2, 9, tzinfo=UTC)
K = ("yes", "yes", "no", "no", "no", "yes", "no", "yes")
L = ("yes", "no", "no", "no", "no", "yes", "no", None)


@pytest.fixture
def store(tmp_path):
    made = Store(tmp_path)
    made.add_units([Unit(f"u{at}", "image", path=f"{at}.jpg") for at in range(8)])
    return made


@pytest.fixture
def records(tmp_path):
    with Records(tmp_path / "studium.db") as opened:
        yield opened


def say(records, variable, coder, answers, *, days: float = 0, sample=None, **more):
    """A coder answers for u0, u1 ..., a minute each."""
    given = answers.items() if isinstance(answers, dict) else [(f"u{at}", one) for at, one in enumerate(answers)]
    records.annotate(
        Annotation(
            unit, variable.name, value, coder, START + timedelta(days=days, minutes=at), variable.digest,
            sample=sample, **more,
        )
        for at, (unit, value) in enumerate(given)
    )  # fmt: skip


def test_nobody_coded(store, records):
    assert agreements(store, records, BOOK) == []
    found = agreed(store, records, BOOK, "protest")
    assert (found.units, found.coders, found.pairs, found.labels, found.paradox) == (0, (), (), (), False)
    assert math.isnan(found.overall["percent"].value)


def test_two_coders(store, records):
    say(records, PROTEST, "ann", K)
    say(records, PROTEST, "ben", L)
    found = agreed(store, records, BOOK, "protest")
    assert (found.units, found.overall.units, found.overall.single) == (8, 7, 1)
    assert found.overall["percent"].value == pytest.approx(6 / 7)
    assert found.overall["cohen_kappa"].value == pytest.approx(0.695652, abs=5e-7)
    assert found.labels == ("yes", "no")
    assert found.confusion == ((2, 1), (0, 4))
    ann, ben = found.coders
    assert (ann.coder, ann.cannot_tell, len(ann.codes)) == ("ann", 0, 8)
    assert (ben.coder, ben.cannot_tell, len(ben.codes)) == ("ben", 1, 8)
    (both,) = found.pairs
    assert (both.a, both.b, both.found.units, both.kappa) == ("ann", "ben", 7, found.overall["cohen_kappa"].value)
    assert "a trend needs 20" in found.drift["ann"].reason


def test_the_last_answer_counts_and_what_was_withdrawn_does_not(store, records):
    say(records, PROTEST, "ann", K)
    say(records, PROTEST, "ben", ["no"] * 8)
    say(records, PROTEST, "ben", K, days=0.1)
    assert agreed(store, records, BOOK, "protest").overall["percent"].value == 1
    say(records, PROTEST, "ben", {"u0": None}, days=0.2, withdrawn=True)
    found = agreed(store, records, BOOK, "protest")
    assert (found.overall.units, found.left_out) == (7, {"withdrawn": 1})
    assert not found.again, "minutes later it is a correction"


def test_answers_to_another_question_are_never_mixed_in(store, records):
    earlier = Variable("protest", "Do you see a demonstration?", "image", "binary", (YES, NO))
    say(records, earlier, "ann", K)
    say(records, PROTEST, "ben", L)
    found = agreed(store, records, BOOK, "protest")
    assert [one.coder for one in found.coders] == ["ben"]
    assert found.left_out == {"by another definition": 8}


def test_what_is_taken_back_in_a_sample_stands_in_another(store, records):
    for name in ("first", "second"):
        records.samples.add(Sample(name, "image", {}, "eve", START, units=(Sampled("u0", 1), Sampled("u1", 1))))
    say(records, PROTEST, "ann", {"u0": "yes", "u1": "yes"}, sample="first")
    say(records, PROTEST, "ann", {"u0": "no", "u1": "no"}, sample="second", days=2)
    say(records, PROTEST, "ann", {"u0": None}, sample="second", days=3, withdrawn=True)
    both = gathered(store, records, BOOK, "protest")
    stored = {one.unit: one.value for one in records.annotations("protest")}
    assert both.said[0].codes == stored == {"u0": "yes", "u1": "no"}
    assert (both.left_out, both.said[0].again) == ({}, (("yes", "no"),))
    second = gathered(store, records, BOOK, "protest", Scope(sample="second"))
    assert (second.said[0].codes, second.left_out) == ({"u1": "no"}, {"withdrawn": 1})
    first = gathered(store, records, BOOK, "protest", Scope(sample="first"))
    assert first.said[0].codes == {"u0": "yes", "u1": "yes"}


def test_whether_units_were_drawn_alike_is_told(store, records):
    say(records, PROTEST, "ann", K[:4], weight=2)
    say(records, PROTEST, "ben", K[:4], weight=2.0000001)
    alike = agreed(store, records, BOOK, "protest")
    assert not alike.unequal
    say(records, PROTEST, "ben", {"u1": "no"}, days=0.1, weight=5)
    assert agreed(store, records, BOOK, "protest").unequal
    assert not gathered(store, records, BOOK, "crowd").unequal, "of nothing"


def test_decisions_are_no_codes(store, records):
    say(records, PROTEST, "ann", K)
    say(records, PROTEST, "ben", L)
    before = agreed(store, records, BOOK, "protest")
    codes = {"ann": "yes", "ben": "no"}
    records.adjudications.add(Adjudication("u1", "protest", "yes", codes, "eve", START, PROTEST.digest))
    assert agreed(store, records, BOOK, "protest") == before


def test_only_a_sample_or_a_task(store, records):
    units = tuple(Sampled(f"u{at}", 0.5) for at in range(4))
    records.samples.add(Sample("first", "image", {"design": "simple"}, "eve", START, units=units))
    given = {"ann": ["u0", "u1"], "ben": ["u0", "u1", "u2"]}
    records.tasks.add(Task("pilot", "first", ["protest"], {}, "eve", START, given))
    say(records, PROTEST, "ann", K[:4], sample="first")
    say(records, PROTEST, "ben", K[:3], sample="first")
    say(records, PROTEST, "ben", ["no"] * 8, days=0.1)
    assert agreed(store, records, BOOK, "protest").units == 8
    in_sample = agreed(store, records, BOOK, "protest", sample="first")
    assert (in_sample.units, in_sample.overall.units) == (4, 3)
    assert in_sample.overall["percent"].value == 1, "what ben said later was said elsewhere"
    in_task = agreed(store, records, BOOK, "protest", task="pilot")
    assert (in_task.units, in_task.overall.units) == (3, 2)
    assert [one.variable.name for one in agreements(store, records, BOOK, task="pilot")] == ["protest"]
    with pytest.raises(InputError, match="does not ask for 'crowd'"):
        agreed(store, records, BOOK, "crowd", task="pilot")
    with pytest.raises(UnknownNameError, match="no sample 'second'"):
        agreed(store, records, BOOK, "protest", sample="second")
    with pytest.raises(InputError, match="has no parameter samples"):
        agreed(store, records, BOOK, "protest", samples="first")


def test_a_machine_is_a_coder_of_what_people_coded(store, records):
    say(records, PROTEST, "ann", K[:5])
    column = Column("protest", "string", "what is seen")
    table = store.create("image", Recipe("zero_shot", "1", {}, {}, ""), (column,))
    table.append([f"u{at}" for at in range(8)], table.arrays({"protest": ["yes"] * 2 + ["no"] * 5 + [None]}))
    found = agreed(store, records, BOOK, "protest", tables=["zero_shot"])
    assert [(one.coder, one.machine) for one in found.coders] == [("ann", False), ("zero_shot", True)]
    assert (found.units, found.overall["percent"].value) == (5, 1)
    assert list(found.drift) == ["ann"], "a machine does not tire"
    with pytest.raises(InputError, match="no coder of 'crowd'"):
        agreed(store, records, BOOK, "crowd", tables=["zero_shot"])


def test_other_types(store, records):
    say(records, CROWD, "ann", ["few", "some", "many", "some", None, "few"])
    say(records, CROWD, "ben", ["few", "many", "many", "some", "few", "few"])
    say(records, THINGS, "ann", [["flag"], ["flag", "sign"], [], ["fire"]])
    say(records, THINGS, "ben", [["flag"], ["flag"], [], ["fire"]])
    say(records, WARMTH, "ann", [10.0, 20.0, 30.0])
    say(records, WARMTH, "ben", [12.0, 18.0, 33.0])
    crowd, things, warmth = agreements(store, records, BOOK)
    assert crowd.overall["krippendorff_alpha"].value > crowd.overall["cohen_kappa"].value, "some is near to many"
    assert crowd.pairs[0].kappa == crowd.overall["cohen_kappa_quadratic"].value
    assert list(things.parts) == ["flag", "sign", "fire"]
    assert things.parts["flag"]["krippendorff_alpha"].value == 1
    assert things.overall["percent"].value == 0.75
    assert things.overall["krippendorff_alpha"].value == things.pairs[0].kappa
    assert (warmth.level, warmth.labels) == ("interval", ())
    assert warmth.overall["krippendorff_alpha"].value > 0.9


def test_boxes(store, records):
    sign, near, flag = (
        {"value": v, "box": b}
        for v, b in [("sign", [0, 0, 10, 10]), ("sign", [1, 0, 11, 10]), ("flag", [50, 50, 60, 60])]
    )
    say(records, BOXED, "ann", [[sign, flag], [], [sign]])
    say(records, BOXED, "ben", [[near], [], None])
    found = agreed(store, records, BOOK, "boxed")
    assert found.labels == ("sign", "flag", "no box")
    assert found.confusion == ((1, 0, 0), (0, 0, 1), (0, 0, 1))
    assert found.overall["percent"].value == pytest.approx(2 / 3)
    assert found.drift["ann"].units == 2


def test_who_codes_again_days_later_is_compared_with_themselves(store, records):
    say(records, PROTEST, "ann", K)
    say(records, PROTEST, "ann", ["yes", "yes", "no", "yes"], days=3)
    found = agreed(store, records, BOOK, "protest").again["ann"]
    assert (found.units, found["percent"].value) == (4, 0.75)


def test_drift_follows_the_order_of_coding(store, records):
    rng = np.random.default_rng(0)
    ids = [f"x{at:03}" for at in range(120)]
    store.add_units([Unit(one, "image", path=one) for one in ids])
    truth = dict(zip(ids, rng.choice(["yes", "no"], 120).tolist(), strict=True))
    say(records, PROTEST, "ben", truth)
    shuffled = [ids[at] for at in rng.permutation(120)]
    tired = {one: "yes" if at > 60 else truth[one] for at, one in enumerate(shuffled)}
    say(records, PROTEST, "ann", tired)
    found = agreed(store, records, BOOK, "protest").drift
    assert found["ann"].blocks[0].value == 1 > found["ann"].blocks[-1].value
    assert found["ann"].p < 1e-4
    assert found["ben"].p > 0.01, "ben coded in another order"


def test_the_order_is_that_of_the_sample(store, records):
    for name in ("first", "second"):
        records.samples.add(Sample(name, "image", {}, "eve", START, units=(Sampled("u0", 1), Sampled("u1", 1))))
    say(records, PROTEST, "ann", {"u0": "yes", "u1": "yes"}, sample="first")
    say(records, PROTEST, "ann", {"u1": "no", "u0": "yes"}, days=2, sample="second")
    (second,) = gathered(store, records, BOOK, "protest", Scope(sample="second")).said
    assert list(second.codes.items()) == [("u1", "no"), ("u0", "yes")]
    assert second.again == (("yes", "no"), ("yes", "yes")), "what was said in another sample counts here"
    (both,) = gathered(store, records, BOOK, "protest").said
    assert list(both.codes.items()) == [("u0", "yes"), ("u1", "no")]


def test_groups_of_coders(store, records):
    ids = [f"x{at:02}" for at in range(40)]
    store.add_units([Unit(one, "image", path=one) for one in ids])
    rng = np.random.default_rng(1)
    truth = rng.random(40)
    for number in range(10):
        lenient = number < 5
        said = ["yes" if one > (0.3 if lenient else 0.7) else "no" for one in truth + rng.normal(0, 0.1, 40)]
        say(records, PROTEST, f"c{number}", dict(zip(ids, said, strict=True)))
        trait = Trait(f"c{number}", "party", "left" if lenient else "right", "You may use it.", START)
        records.traits.put([trait, Trait(f"c{number}", "shoe", str(number % 2), "You may use it.", START)])
    found = agreed(store, records, BOOK, "protest")
    party, shoe = sorted(found.groups, key=lambda one: one.trait)
    assert (party.trait, party.value, shoe.trait) == ("party", "yes", "shoe")
    assert party.contrast.difference == pytest.approx(0.4, abs=0.1)
    assert party.contrast.p == party.contrast.smallest == 2 / 252
    assert party.contrast.p_holm == 2 * party.contrast.p, "two traits were compared"
    assert shoe.contrast.p > 0.05
    (alone,) = agreed(store, records, BOOK, "protest", by="party").groups
    assert alone.contrast.p_holm == alone.contrast.p
    with pytest.raises(InputError, match="there are: party, shoe"):
        agreed(store, records, BOOK, "protest", by="age")
    records.traits.withdraw("c0")
    assert agreed(store, records, BOOK, "protest", by="party").groups[0].contrast.coders_a == 4
    for one in ("c1", "c2"):
        records.traits.withdraw(one)
    assert agreed(store, records, BOOK, "protest", by="party").groups == (), "nobody reads that two say left"
