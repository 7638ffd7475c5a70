"""The measure: the codebook's variables from a real server and a real local model, each row traced to its answer."""

import dataclasses
import json
import re
from pathlib import Path

import numpy as np
import pytest
import vision_language
from codebooks import posts
from openai_server import MODEL, Chat, OpenAI, content, malformed, refusal

from studium import Corpus
from studium.core import allowance
from studium.core.allowance import Allowance
from studium.core.recipe import recipe_of
from studium.core.variable import Value, Variable
from studium.errors import BudgetError, InputError, MediaError, UnknownNameError
from studium.measure.ask.ask import Ask
from studium.measure.ask.prompt import digest_of
from studium.media.material import Material
from studium.testing import check_measure, sample_inputs

ANSWERS = ["brands", "emotion", "safety_violence", "safety_drugs_alcohol", "safety_nudity", "paid", "age", "products"]
TRACE = [
    "ask_answer", "ask_repaired", "ask_first_answer", "ask_model", "ask_prompt_sha256", "ask_asked_at", "ask_host",
    "ask_sha256_sent", "ask_bytes_sent", "ask_tokens_in", "ask_tokens_out",
]  # fmt: skip


def counting(chat: Chat) -> str:
    """An answer by what was received: as many products as pictures, paid if a text says #ad."""
    paid = "yes" if any("#ad" in text for text in chat.texts[2:]) else "no"
    safety = ["violence", "nudity"] if "drugs" in chat.texts[-1] else []
    said = {"brands": None, "emotion": "JOY", "safety": safety, "paid": paid, "age": None}
    return json.dumps(said | {"products": len(chat.pictures)})


@pytest.fixture
def server(openai: OpenAI) -> OpenAI:
    openai.says = counting
    return openai


@pytest.fixture
def variables(tmp_path):
    return posts(tmp_path).variables


@pytest.fixture
def ask(server, variables) -> Ask:
    return Ask(variables, MODEL, server.base)


@pytest.fixture(scope="session")
def chatting(tmp_path_factory) -> Path:
    """The folder of a tiny model that chats."""
    return vision_language.idefics3(tmp_path_factory.mktemp("idefics3"))


@pytest.fixture
def scene() -> Variable:
    values = tuple(map(Value, ("protest", "street", "none")))
    return Variable("scene", "What is there?", "image", "categorical", values, cannot_tell=False)


def rows(measure: Ask, items: list[Material]) -> list[dict[str, object]]:
    found = measure(items)
    return [{name: values[at] for name, values in found.items()} for at in range(len(items))]


# columns


def test_there_is_a_column_for_every_variable_and_for_every_value_of_several(ask):
    assert [column.name for column in ask.columns] == ANSWERS + TRACE
    kinds = {column.name: column.dtype for column in ask.columns[:8]}
    assert kinds == dict.fromkeys(ANSWERS, "string") | dict.fromkeys(ANSWERS[2:5], "bool") | {"products": "float64"}
    assert (ask.columns[7].low, ask.columns[7].high) == (0, None)
    assert [column.name for column in ask.columns if column.sensitive] == ["age", "ask_answer", "ask_first_answer"]
    assert ask.columns[3].about == "What in the post may harm whoever sees it? drugs & alcohol"
    assert ask.columns[5].about == "Is the post an advertisement? (null: it cannot be told)"


def test_values_without_latin_letters_are_told_by_their_number(server):
    values = tuple(map(Value, ("A+", "A-", "да", "plain")))
    several = Variable("mark", "Which?", "post", "multilabel", values)
    names = [column.name for column in Ask((several,), MODEL, server.base).columns]
    assert names[:4] == ["mark_1", "mark_2", "mark_3", "mark_plain"]


@pytest.mark.parametrize("name", ["safety_nudity", "ask_model"])
def test_columns_of_one_name_are_refused(name, server, variables):
    with pytest.raises(InputError, match=f"several columns would be called {name}; rename"):
        Ask((*variables, Variable(name, "x", "post", "text")), MODEL, server.base)


# a server


def test_the_contract_of_measures_is_kept(ask, server):
    check_measure(ask)
    assert set(server.billed.values()) == {1}, "the contract calls many times; every unit was asked about once"
    assert len(server.billed) == len(sample_inputs("material"))


def test_nothing_comes_of_nothing(ask, server):
    found = ask([])
    assert [*found] == ANSWERS + TRACE
    assert all(len(values) == 0 for values in found.values())
    assert server.chats == []


def test_answers_become_values_and_are_traced(ask, server):
    pictures = (np.full((40, 60, 3), 200, np.uint8), np.zeros((9, 9, 3), np.uint8))
    told = (("film", "all about drugs"),)
    full, bare = rows(ask, [Material("Buy! #ad", pictures, transcripts=told), Material("nothing")])
    assert [full[name] for name in ANSWERS] == [None, "joy", True, False, True, "yes", None, 2.0]
    assert [bare[name] for name in ANSWERS] == [None, "joy", False, False, False, "no", None, 0.0]
    assert json.loads(str(full["ask_answer"]))["emotion"] == "JOY", "the answer as it came"
    assert (full["ask_repaired"], full["ask_first_answer"]) == (False, None)
    assert str(full["ask_model"]).startswith(MODEL)
    assert full["ask_prompt_sha256"] == digest_of(ask.prompt)
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+00:00", str(full["ask_asked_at"]))
    assert full["ask_sha256_sent"] in server.billed
    assert full["ask_host"] is None, "a server on this machine"
    assert all(isinstance(full[name], int | np.integer) for name in ("ask_bytes_sent", "ask_tokens_in"))
    (chat,) = (chat for chat in server.chats if chat.pictures)
    assert chat.schema == ask.prompt.schema
    assert chat.texts[:2] == (ask.prompt.system, ask.prompt.question)
    assert [picture.shape for picture in chat.pictures] == [(40, 60, 3), (9, 9, 3)]


def test_facts_are_shown_if_they_are_asked_for(server, variables):
    post = Material("x", facts={"hashtags": "#ad", "author": "@me"})
    (row,) = rows(Ask(variables, MODEL, server.base, facts="hashtags"), [post])
    assert row["paid"] == "yes"
    assert rows(Ask(variables, MODEL, server.base), [post])[0]["paid"] == "no"
    assert not any("@me" in text for chat in server.chats for text in chat.texts)


def test_an_answer_that_does_not_fit_is_sent_back_and_both_are_kept(ask, server):
    server.fail(malformed())
    (row,) = rows(ask, [Material("x")])
    assert row["ask_repaired"]
    assert row["emotion"] == "joy"
    assert row["ask_first_answer"] != row["ask_answer"]
    first, second = server.chats
    assert row["ask_first_answer"] in second.texts
    assert "cannot be used: its JSON cannot be read" in second.texts[-1]
    assert row["ask_bytes_sent"] > len(json.dumps(first.body)) * 1.5, "both requests count"


def test_what_fails_among_several_costs_the_others_nothing(ask, server):
    """A run measures the units of a batch that failed one by one."""
    server.decide = lambda chat: refusal() if "bad" in chat.texts[-1] else None
    batch = [Material(f"{'bad' if at == 3 else 'good'} {at}") for at in range(6)]
    with pytest.raises(MediaError, match="refused to answer\nIt said: I'm sorry, I can't help with that"):
        ask(batch)
    asked = len(server.chats)
    for at, item in enumerate(batch):
        if at == 3:
            with pytest.raises(MediaError, match="refused"):
                ask([item])
        else:
            assert rows(ask, [item])[0]["emotion"] == "joy"
    assert len(server.chats) == asked == 6


def test_a_failure_is_delivered_once_and_then_asked_again(ask, server):
    server.fail(content("no"), content("no"))
    batch = [Material("one")] * 2
    with pytest.raises(MediaError, match="asked twice"):
        ask(batch)
    with pytest.raises(MediaError, match="asked twice"):
        ask(batch[:1])


def test_a_server_is_asked_about_several_at_a_time(ask, server):
    server.delay = 0.2
    ask([Material(str(at)) for at in range(8)])
    assert server.most > 4


def test_the_allowance_holds_in_every_thread(ask):
    class Spent(Allowance):
        def pace(self, host: str) -> None:
            raise BudgetError("spent")

    with allowance.under(Spent()), pytest.raises(BudgetError, match="spent"):
        ask([Material("a"), Material("b")])


# a model on this machine


def test_the_contract_is_kept_by_a_model_on_this_machine(chatting, scene):
    rng = np.random.default_rng(1)
    items = [Material(pictures=(rng.integers(0, 256, (40, 60, 3), np.uint8),), kind="image") for _ in range(2)]
    ask = Ask((scene,), str(chatting), tokens=24)
    ask.prepare()
    steady = [column.name for column in ask.columns if column.name != "ask_asked_at"]
    together, alone = rows(ask, items), [rows(ask, [item])[0] for item in items]
    for row, other in zip(together, alone, strict=True):
        assert {name: row[name] for name in steady} == {name: other[name] for name in steady}
        assert row["scene"] in ("protest", "street", "none")
        assert json.loads(str(row["ask_answer"])) == {"scene": row["scene"]}
        assert (row["ask_host"], row["ask_bytes_sent"]) == (None, 0)
    assert (ask.remote, ask.models, ask.at_once) == (False, (str(chatting),), 1)
    assert ask.outgoing(items[0]) is None


# parameters


def test_what_cannot_be_asked_is_refused_at_the_door(server, variables):
    for params, says in [
        ({}, "needs a model on this machine .* or the address of a server"),
        ({"url": "localhost:11434", "model": "x"}, "should be an address such as"),
        ({"url": server.base, "model": MODEL, "frames": 0}, "frames should be a whole number of at least 1, got 0"),
        ({"url": server.base, "model": MODEL, "tokens": "many"}, "tokens should be a whole number"),
        ({"url": server.base, "model": MODEL, "longest": 0}, "longest should be a whole number"),
        ({"url": server.base, "model": MODEL, "facts": 3}, "facts should be names of columns"),
    ]:
        with pytest.raises(InputError, match=says):
            Ask(variables, **params)
    with pytest.raises(UnknownNameError):
        Ask(variables, "no-such-model")
    with pytest.raises(InputError, match="expected variables of the codebook, got 'emotion'"):
        Ask(("emotion",), MODEL, server.base)
    with pytest.raises(InputError, match="got no variable"):
        Ask((), MODEL, server.base)


def test_facts_are_those_of_posts(server, scene):
    with pytest.raises(InputError, match="facts of posts alone, and these are variables of image units"):
        Ask((scene,), MODEL, server.base, facts=("hashtags",))


def test_prompts_for_zero_shot_ask_nobody_again(ask):
    """They are not sent, so they are not part of the recipe."""
    emotion = ask.variables[1]
    prompted = dataclasses.replace(
        emotion, values=tuple(dataclasses.replace(v, prompts=("x",)) for v in emotion.values)
    )
    other = dataclasses.replace(ask, variables=(ask.variables[0], prompted, *ask.variables[2:]))
    assert recipe_of(other).key == recipe_of(ask).key


def test_a_run_on_units_of_another_kind_does_not_begin(ask, server, tmp_path):
    corpus = Corpus(tmp_path / "study")
    with pytest.raises(InputError, match=r"brands, .*products for post units, these are image units; measure --of pos"):
        corpus.measure(ask, of="image")
    assert corpus.store.tables("image") == []
    assert server.chats == []


def test_units_of_another_kind_are_refused_before_anything_is_sent(ask, server):
    with pytest.raises(InputError, match="brands is coded on post units, this is a image; measure --of post"):
        ask([Material("x", kind="image")])
    assert server.chats == []


def test_faces_need_a_legal_basis_whatever_the_question(ask):
    assert ask.identifies("face")
    assert not ask.identifies("post")


def test_a_recipe_gives_back_the_measure_and_its_prompt(ask):
    again = Ask(**recipe_of(ask).params)
    assert again == ask
    assert again.prompt == ask.prompt
    others = [
        dataclasses.replace(ask, variables=ask.variables[:2]),
        dataclasses.replace(ask, wave="2026-11"),
        dataclasses.replace(ask, cover_faces=True),
    ]
    assert len({recipe_of(one).key for one in (ask, *others)}) == 4
    assert Ask(ask.variables[0], MODEL, ask.url, facts=["a"]) == Ask(ask.variables[:1], MODEL, ask.url, facts=("a",))
