"""From the text of an answer to values: nothing is guessed, and nothing that was said is lost."""

import json
from dataclasses import dataclass, field

import pytest
from codebooks import posts

from studium.errors import InputError, MediaError
from studium.measure.ask.answer import answered, read
from studium.measure.ask.prompt import prompt_of
from studium.measure.ask.provider import Prompt, Provider, Reply, Shown, Turn

GOOD = {"brands": "Nikon", "emotion": "joy", "safety": [], "paid": "no", "age": None, "products": 2}
RAW = json.dumps(GOOD)
PAID = '{"paid": "yes"}'


@pytest.fixture
def variables(tmp_path):
    return posts(tmp_path).variables


@pytest.fixture
def paid(variables):
    """One variable."""
    return variables[3:4]


@dataclass(frozen=True)
class Scripted(Provider):
    """Says what it is told to say: the logic of asking again is what is tested, not who answers."""

    says: tuple[tuple[str, str], ...]
    turns: list[Turn | None] = field(default_factory=list, compare=False)

    def reply(self, prompt: Prompt, shown: Shown, after: Turn | None = None) -> Reply:
        raw, finish = self.says[len(self.turns)]
        self.turns.append(after)
        return Reply(raw, "parrot-1", finish, "2026-11-21T00:00:00+00:00", tokens_out=7)


def ask(paid, *says: tuple[str, str] | str):
    provider = Scripted(tuple(one if isinstance(one, tuple) else (one, "stop") for one in says))
    return answered(provider, prompt_of(paid), Shown((("text", "x"),))), provider


# reading


@pytest.mark.parametrize(
    "raw",
    [
        RAW,
        f"\n {RAW} \n",
        f"```json\n{RAW}\n```",
        f"```\n{json.dumps(GOOD, indent=2)}\n```",
        f"Sure! [1] Here is what I see:\n\n{RAW}\n\nTell me if you want more.",
        f"\ufeff{RAW}",
    ],
)
def test_one_object_is_found_wherever_it_stands(raw, variables):
    assert read(raw, variables) == GOOD


def test_values_come_in_their_stored_form(variables):
    said = GOOD | {"emotion": " Joy", "safety": ["NUDITY", "violence", "nudity"], "products": "3", "paid": None}
    assert read(json.dumps(said), variables) == said | {
        "emotion": "joy", "safety": ["violence", "nudity"], "products": 3.0,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("raw", "fault"),
    [
        ("", "no JSON object"),
        ("yes", "no JSON object"),
        ("null", "no JSON object"),
        ('["yes"]', "no JSON object"),
        (f"[{PAID}]", "not a list"),
        (f"{PAID}\n{PAID}", "more than one JSON object"),
        (f"In {{curly}} braces: {PAID}", "cannot be read"),
        (f"{PAID} and {{so on", "more than one JSON object in it, or part of one"),
        ('{"answer": {"paid": "yes"}', "cannot be read"),
        ('{"paid": "yes"', "cannot be read"),
        ("{'paid': 'yes'}", "cannot be read"),
        ('{"paid": "yes",}', "cannot be read"),
        ('{"paid": NaN}', "NaN is no number of JSON"),
        ('{"paid": "yes", "paid": "no"}', 'the key "paid" stands there 2 times'),
        ('{"paid": ' + "[" * 100_000, "nested too deep"),
        ('{"paid": 1' + "0" * 5000 + "}", "cannot be read|expected one of"),
        ("{}", 'the key "paid" is missing'),
        ('{"PAID": "yes"}', 'the key "paid" is missing; there is no variable "PAID"'),
        ('{"paid": "yes", "why": "#ad"}', 'there is no variable "why"'),
        ('{"paid": "maybe"}', r"variable 'paid': expected one of 'yes', 'no' or null \(cannot tell\), got 'maybe'$"),
        ('{"paid": true}', "got True$"),
        ('{"paid": ["yes"]}', "got"),
        ('{"paid": "\\ud83d"}', "half of a character"),
        ('{"paid": "yes\ud83d"}', "half of a character"),
    ],
)
def test_what_is_anything_else_is_a_fault_in_words(raw, fault, paid):
    with pytest.raises(InputError, match=fault):
        read(raw, paid)


def test_all_faults_are_told_at_once(variables):
    raw = json.dumps({"emotion": "envy", "safety": None, "paid": "no", "age": "old", "products": -1, "extra": 1})
    with pytest.raises(InputError) as told:
        read(raw, variables)
    for fault in ('"brands" is missing', '"extra"', "'envy'", "'safety'", "'products'"):
        assert fault in str(told.value)
    assert "change the codebook" not in str(told.value), "the model cannot do that"


# asking


def test_an_answer_that_fits_is_asked_for_once(paid):
    found, provider = ask(paid, PAID)
    assert found.values == {"paid": "yes"}
    assert len(found.replies) == 1
    assert provider.turns == [None]


def test_an_answer_that_does_not_fit_is_sent_back_once_with_what_is_wrong(paid):
    found, provider = ask(paid, "maybe {", PAID)
    assert found.values == {"paid": "yes"}
    assert [reply.raw for reply in found.replies] == ["maybe {", PAID]
    turn = provider.turns[1]
    assert turn.raw == "maybe {"
    assert turn.fault.startswith("This answer cannot be used: its JSON cannot be read")
    assert 'exactly the keys "paid"' in turn.fault


def test_two_answers_that_do_not_fit_are_a_failure_that_holds_both_whole(paid):
    long = '{"paid": "' + "perhaps " * 500 + '"}'
    with pytest.raises(MediaError) as told:
        ask(paid, "I'd rather not.", long, PAID)
    said = str(told.value)
    reason, first, second = said.splitlines()
    assert reason == "parrot-1 was asked twice, and no answer fits the codebook", "no answer in the line that is shown"
    assert first == "First, there is no JSON object in it: I'd rather not."
    assert second.endswith(f": {long}")


@pytest.mark.parametrize(
    ("finish", "says"),
    [
        ("refusal", "^parrot-1 refused to answer\nIt said: I cannot help with that"),
        (
            "length",
            "^the answer of parrot-1 was cut off after 7 tokens; allow more .*\nIt is: I cannot",
        ),
    ],
)
def test_refused_and_cut_off_answers_are_told_apart_and_not_asked_again(finish, says, paid):
    with pytest.raises(MediaError, match=says):
        ask(paid, ("I cannot help with that", finish), PAID)
    with pytest.raises(MediaError, match=f"no answer fits the codebook\nFirst, .*: no\nThen, {says[1:]}"):
        ask(paid, "no", ("I cannot help with that", finish), PAID)


def test_an_answer_that_is_whole_counts_though_more_was_cut_off(paid):
    found, _ = ask(paid, (f"{PAID}\nBecause", "length"))
    assert found.values == {"paid": "yes"}


def test_a_refusal_counts_as_one_whatever_it_says(paid):
    with pytest.raises(MediaError, match="refused"):
        ask(paid, (PAID, "refusal"))


def test_if_nobody_mends_it_the_first_answer_is_not_lost(paid):
    class Gone(Scripted):
        def reply(self, prompt, shown, after=None):
            if after:
                raise MediaError("the line is dead")
            return super().reply(prompt, shown)

    with pytest.raises(MediaError, match="\nFirst, there is no JSON object in it: what\\?\nThen, the line is dead"):
        answered(Gone((("what?", "stop"),)), prompt_of(paid), Shown((("text", "x"),)))


def test_half_a_character_in_a_failure_can_be_stored(paid):
    with pytest.raises(MediaError) as told:
        ask(paid, "\ud83d", "")
    assert "\\ud83d" in str(told.value).encode().decode()
    assert "(nothing)" in str(told.value)
