"""Samples, tasks, decisions, coders and accounts in both databases; and who sends what twice, or at once."""

import subprocess
import sys
import textwrap
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

import pytest

from studium.core.annotation import Annotation
from studium.core.records import Account, Adjudication, ClusterEdit, Records, Sample, Sampled, Session, Task, Trait
from studium.errors import InputError, UnknownNameError

NOON = datetime(2026, 11, 21, 12, 0, 0, 123456, tzinfo=UTC)
DOG = Annotation("u1", "scene", "animal", "ada", NOON, "d1g35t", key="k1")
UNITS = (Sampled("b", 0.25, "left"), Sampled("a", 1.0), Sampled("c", 1e-9, ""))
DRAWN = Sample("first", "image", {"design": "simple", "seed": 7, "größe": [1.5, None]}, "ada", NOON, units=UNITS)
TASK = Task("round 1", "first", ("scene", "mood"), {"overlap": 0.5}, "ada", NOON, {"bo": ["c", "a"], "ada": ["b"]})


@pytest.fixture(params=["sqlite", "postgresql"])
def where(request, tmp_path):
    """A fresh database of each kind."""
    return tmp_path / "studium.db" if request.param == "sqlite" else request.getfixturevalue("postgresql").database()


# --- annotations: keys and what is taken back


def test_a_key_is_added_once(where):
    with Records(where) as records:
        assert records.annotate([DOG, replace(DOG, value="food")]) == 1  # the first of several counts
        assert records.annotate([replace(DOG, value="food"), replace(DOG, key="k2", unit="u2")]) == 1
        assert records.annotations(history=True) == [DOG, replace(DOG, key="k2", unit="u2")]
        assert records.annotate([replace(DOG, key=None)] * 2) == 2  # without a key nothing is the same
        many = [replace(DOG, unit=f"v{number}", key=f"v{number}") for number in range(1203)]
        assert records.annotate(many) == 1203
        assert records.annotate([*many[::2], replace(DOG, key="k3")]) == 1
        assert [one.unit for one in records.annotations(history=True)[4:-1]] == [one.unit for one in many]


SENDER = """
import sys
from datetime import UTC, datetime
from studium.core.annotation import Annotation
from studium.core.records import Records
at = datetime(2026, 11, 21, tzinfo=UTC)
with Records(sys.argv[1]) as records:
    print("ready", flush=True)
    sys.stdin.readline()
    added = 0
    for batch in range(40):
        added += records.annotate(
            Annotation(f"u{batch}", "scene", "animal", "ada", at, "d", key=f"{batch}/{number}") for number in range(5)
        )
    print(added, flush=True)
"""


def test_processes_that_send_the_same_at_once_add_it_once(where):
    senders = [
        subprocess.Popen([sys.executable, "-c", SENDER, str(where)], stdin=-1, stdout=-1, text=True) for _ in range(3)
    ]
    assert [sender.stdout.readline() for sender in senders] == ["ready\n"] * 3
    for sender in senders:
        sender.stdin.write("go\n")
        sender.stdin.flush()
    added = [int(sender.communicate(timeout=60)[0]) for sender in senders]
    assert [sender.returncode for sender in senders] == [0, 0, 0]
    assert sum(added) == 200
    with Records(where) as records:
        keys = [one.key for one in records.annotations(history=True)]
    assert len(keys) == len(set(keys)) == 200


def test_what_is_withdrawn_does_not_count(where):
    taken = replace(DOG, at=NOON + timedelta(seconds=1), withdrawn=True, key="k2")
    again = replace(DOG, value="food", at=NOON + timedelta(seconds=2), key="k3")
    with Records(where) as records:
        records.annotate([DOG, replace(DOG, coder="bo", key="b")])
        assert records.annotate([taken]) == 1
        assert [one.coder for one in records.annotations()] == ["bo"]
        assert records.annotations(history=True)[-1] == taken
        records.annotate([again])
        assert records.annotations(coder="ada") == [again]


def test_sample_seconds_and_key_come_back(where):
    full = replace(DOG, sample="größte", seconds=12.5, note="", value=[{"value": "a", "box": [0, 1, 2, 3]}])
    with Records(where) as records:
        records.annotate([full])
        assert records.annotations() == [full]
        with pytest.raises(InputError, match="at least 0, got -1"):
            replace(DOG, seconds=-1)
        with pytest.raises(InputError, match="NUL"):
            records.annotate([replace(DOG, sample="a\0")])


# --- samples and tasks


def test_no_samples_and_no_tasks_yet(where):
    with Records(where) as records:
        assert (records.samples.all(), records.samples.names(), records.tasks.all()) == ([], [], [])
        for missing in (records.samples, records.tasks):
            with pytest.raises(UnknownNameError, match=r"no (sample|task) 'first'"):
                missing.get("first")
        assert records.tasks.units("first", "ada") == []


def test_a_sample_comes_back_as_it_was_drawn(where):
    pairs = replace(DRAWN, name="couples", pairs=True, units=(Sampled("a+b", 0.5),), at=NOON - timedelta(days=1))
    with Records(where) as records:
        records.samples.add(DRAWN)
        records.samples.add(replace(pairs, at=pairs.at.astimezone(timezone(timedelta(hours=2)))))
    with Records(where) as records:
        assert records.samples.get("first") == DRAWN
        assert records.samples.get("couples") == pairs
        assert records.samples.all() == [replace(pairs, units=()), replace(DRAWN, units=())]
        assert records.samples.names() == ["couples", "first"]


def test_samples_that_are_none(where):
    with Records(where) as records:
        records.samples.add(DRAWN)
        for wrong, message in [
            ({}, "there is a sample 'first' already"),
            ({"name": "second", "units": ()}, "holds no units"),
            ({"name": "second", "units": (Sampled("a", 0.0),)}, "above 0 and at most 1, got 0.0"),
            ({"name": "second", "units": (Sampled("a", 1.1),)}, "at most 1, got 1.1"),
            ({"name": "second", "design": {"seed": float("nan")}}, "expected JSON"),
        ]:
            with pytest.raises(InputError, match=message):
                records.samples.add(replace(DRAWN, **wrong))
        assert records.samples.names() == ["first"]
        assert records.samples.get("first") == DRAWN


def test_a_task_comes_back_as_it_was_given(where):
    with Records(where) as records:
        records.samples.add(DRAWN)
        records.tasks.add(TASK)
        later = replace(TASK, name="round 2", at=NOON + timedelta(hours=1))
        records.tasks.add(later)
        found = records.tasks.get("round 1")
        assert {**found.units} == {"ada": ["b"], "bo": ["c", "a"]}
        assert replace(found, units={}, variables=("scene", "mood")) == replace(TASK, units={})
        assert [one.name for one in records.tasks.all()] == ["round 1", "round 2"]
        assert records.tasks.units("round 1", "bo") == ["c", "a"]
        assert records.tasks.units("round 1", "eve") == []


def test_tasks_that_are_none(where):
    with Records(where) as records:
        records.samples.add(DRAWN)
        records.tasks.add(TASK)
        with pytest.raises(InputError, match="there is a task 'round 1' already"):
            records.tasks.add(TASK)
        with pytest.raises(InputError, match="gives no units to anybody"):
            records.tasks.add(replace(TASK, name="x", units={"ada": []}))
        with pytest.raises(UnknownNameError, match="no sample 'second'"):
            records.tasks.add(replace(TASK, name="x", sample="second"))
        assert [one.name for one in records.tasks.all()] == ["round 1"]


NAMER = """
import sys
from datetime import UTC, datetime
from studium.core.records import Records, Sample, Sampled, Task
from studium.errors import InputError
at, won = datetime(2026, 11, 21, tzinfo=UTC), []
with Records(sys.argv[1]) as records:
    print("ready", flush=True)
    sys.stdin.readline()
    for number in range(25):
        name = f"s{number}"
        for add in (
            lambda: records.samples.add(Sample(name, "image", {}, sys.argv[2], at, units=[Sampled(sys.argv[2], 1.0)])),
            lambda: records.tasks.add(Task(name, name, ["scene"], {}, sys.argv[2], at, {sys.argv[2]: ["u"]})),
        ):
            try:
                add()
                won.append(name)
            except InputError as error:
                assert "already; choose another name" in str(error), error
    print(len(won), flush=True)
"""


def test_of_processes_that_take_a_name_at_once_one_has_it(where):
    takers = [
        subprocess.Popen([sys.executable, "-c", NAMER, str(where), who], stdin=-1, stdout=-1, text=True)
        for who in ("ada", "bo")
    ]
    assert [taker.stdout.readline() for taker in takers] == ["ready\n"] * 2
    won = [int(taker.communicate("go\n", timeout=60)[0]) for taker in takers]
    assert [taker.returncode for taker in takers] == [0, 0]
    assert sum(won) == 50
    with Records(where) as records:
        for sample in records.samples.all():
            assert [one.unit for one in records.samples.get(sample.name).units] == [sample.who]
        for task in records.tasks.all():
            assert list(records.tasks.get(task.name).units) == [task.who]


# --- decisions, clusters, coders


def test_the_last_decision_counts_and_all_are_kept(where):
    first = Adjudication("u1", "scene", "animal", {"ada": "animal", "bo": None}, "eve", NOON, "d", "why not")
    last = replace(first, value=["a"], at=NOON + timedelta(1), note=None)
    other = replace(first, variable="mood", value=None)
    with Records(where) as records:
        assert records.adjudications.all() == []
        for one in (last, first, other):
            records.adjudications.add(one)
        assert records.adjudications.all() == [last, other]
        assert records.adjudications.all("scene", history=True) == [last, first]
        assert records.adjudications.all("' OR 1=1 --") == []
        with pytest.raises(InputError, match="expected JSON"):
            records.adjudications.add(replace(first, codes={"ada": float("nan")}))


def test_edits_of_clusters_come_in_their_order(where):
    named = ClusterEdit("image/cluster-1", 3, "<b>Wälder</b>", None, "ada", NOON)
    merged = ClusterEdit("image/cluster-1", 4, None, 3, "bo", NOON)
    with Records(where) as records:
        assert records.clusters.all("image/cluster-1") == []
        for edit in (named, merged, replace(named, table="image/cluster-2", name="")):
            records.clusters.add(edit)
        assert records.clusters.all("image/cluster-1") == [named, merged]


def test_traits_need_consent_and_can_be_taken_back(where):
    left = Trait("ada", "partisanship", "left", "I agree that ...", NOON)
    with Records(where) as records:
        assert records.traits.all() == []
        records.traits.put([left, replace(left, name="gender", value="f"), replace(left, coder="bo")])
        records.traits.put([replace(left, value="right", at=NOON + timedelta(1))])
        assert [(one.coder, one.name, one.value) for one in records.traits.all()] == [
            ("ada", "gender", "f"),
            ("ada", "partisanship", "right"),
            ("bo", "partisanship", "left"),
        ]
        for wrong in ({"consent": " "}, {"value": ""}, {"coder": ""}):
            with pytest.raises(InputError, match="the words of consent"):
                records.traits.put([replace(left, coder="eve"), replace(left, **wrong)])
        assert records.traits.withdraw("ada") == 2
        assert records.traits.withdraw("ada") == 0
        assert [one.coder for one in records.traits.all()] == ["bo"]


# --- accounts and sessions


def test_accounts_are_replaced_and_their_sessions_end(where):
    ada = Account("ada", "coder", "$argon2id$1", NOON)
    session = Session("d1", "ada", "csrf", NOON, NOON + timedelta(hours=8))
    with Records(where) as records:
        assert records.accounts.all() == []
        with pytest.raises(UnknownNameError, match="no account 'ada'"):
            records.accounts.get("ada")
        records.accounts.put(replace(ada, name="bo", role="admin"))
        records.accounts.put(ada)
        records.accounts.sign_in(session)
        assert records.accounts.session("d1", NOON) == session
        records.accounts.put(replace(ada, role="adjudicator", password="$argon2id$2"))
        assert records.accounts.session("d1", NOON) is None
        assert [one.name for one in records.accounts.all()] == ["ada", "bo"]
        assert records.accounts.get("ada") == replace(ada, role="adjudicator", password="$argon2id$2")
    with pytest.raises(InputError, match="a role out of coder, adjudicator, admin, got 'root'"):
        replace(ada, role="root")


def test_sessions_end_and_are_forgotten(where):
    ada = Account("ada", "coder", "x", NOON)
    with Records(where) as records:
        records.accounts.put(ada)
        records.accounts.put(replace(ada, name="bo", active=False))
        for digest, who in (("a", "ada"), ("b", "bo"), ("c", "ada")):
            records.accounts.sign_in(Session(digest, who, "x", NOON, NOON + timedelta(minutes=1)))
        assert records.accounts.session("a", NOON + timedelta(seconds=59)).account == "ada"
        assert records.accounts.session("a", NOON + timedelta(seconds=60)) is None
        assert records.accounts.session("b", NOON) is None  # no longer active
        assert records.accounts.session("' OR 1=1 --", NOON) is None
        records.accounts.sign_out("a")
        assert records.accounts.session("a", NOON) is None
        later = NOON + timedelta(hours=1)
        records.accounts.sign_in(Session("d", "ada", "x", later, later + timedelta(hours=1)))
        assert records.accounts.session("c", NOON) is None  # what was over is gone for good
        assert records.accounts.session("d", later).digest == "d"


def test_an_account_put_by_two_at_once_is_there(where):
    code = textwrap.dedent("""
        import sys
        from datetime import UTC, datetime
        from studium.core.records import Account, Records
        with Records(sys.argv[1]) as records:
            for number in range(30):
                records.accounts.put(Account(f"a{number}", "coder", sys.argv[2], datetime.now(UTC)))
    """)
    both = [subprocess.Popen([sys.executable, "-c", code, str(where), name]) for name in ("x", "y")]
    assert [one.wait(timeout=60) for one in both] == [0, 0]
    with Records(where) as records:
        assert len(records.accounts.all()) == 30


def test_what_is_withdrawn_in_one_sample_stands_in_another(where):
    first = replace(DOG, sample="first", key="1")
    second = replace(DOG, sample="second", at=NOON + timedelta(seconds=1), value="cat", key="2")
    gone = replace(second, at=NOON + timedelta(seconds=2), withdrawn=True, key="3")
    with Records(where) as records:
        records.annotate([first, second])
        assert [one.value for one in records.annotations()] == ["cat"]
        assert [one.value for one in records.annotations(sample="first")] == [DOG.value]
        records.annotate([gone])
        assert records.annotations() == [first]
        assert records.annotations(sample="second") == []
        records.annotate([replace(first, at=NOON + timedelta(seconds=3), withdrawn=True, key="4")])
        assert records.annotations() == []
