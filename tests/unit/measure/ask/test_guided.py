"""Decoding within a schema: every answer that ends is one that the codebook accepts, whatever the model would say."""

import json

import numpy as np
import pytest
import torch
import vision_language

from studium.core.variable import Value, Variable
from studium.errors import InputError
from studium.measure.ask.guided import Guide, grammar, vocabulary
from studium.measure.ask.prompt import prompt_of
from studium.networks.hub import checkpoint

VALUES = tuple(Value(name) for name in ("street", "police_cars", "Straße 🚓"))


def variable(kind, name="x", **kwargs):
    return Variable(name, "What is there?", "image", kind, **kwargs)


VARIABLES = {
    "binary": variable("binary", values=(Value("yes"), Value("no"))),
    "forced": variable("binary", values=(Value("yes"), Value("no")), cannot_tell=False),
    "categorical": variable("categorical", values=VALUES, none_of_these=True),
    "ordinal": variable("ordinal", values=tuple(Value(str(n)) for n in range(1, 8)), cannot_tell=False),
    "multilabel": variable("multilabel", values=VALUES, cannot_tell=False),
    "bounded": variable("continuous", low=-0.25, high=40, cannot_tell=False),
    "half bounded": variable("continuous", low=3, cannot_tell=False),
    "unbounded": variable("continuous", cannot_tell=False),
    "text": variable("text", cannot_tell=False),
}


@pytest.fixture(scope="module")
def words(tmp_path_factory):
    """A tokenizer of transformers, and the words of a model that speaks it."""
    folder = vision_language.llava(tmp_path_factory.mktemp("llava"))
    tokenizer = checkpoint(str(folder), "ImageTextToText", "Processor").processor.tokenizer
    return tokenizer, vocabulary(tokenizer, [tokenizer.eos_token_id])


def say(words, rules, seed, most=400, width=400):
    """What comes of a model with random likelihoods, the likeliest each time; None if it does not end."""
    tokenizer, known = words
    rng = np.random.default_rng(seed)
    guide, said = Guide(known, rules), [7, 7, 7]
    for _ in range(most):
        scores = guide(torch.tensor([said]), torch.from_numpy(rng.normal(size=(1, width)).astype(np.float32)))
        said.append(int(scores.argmax()))
        if said[-1] == tokenizer.eos_token_id:
            return tokenizer.decode(said[guide.start : -1])
    return None


@pytest.mark.parametrize("kind", VARIABLES)
def test_whatever_ends_is_an_answer(words, kind):
    prompt = prompt_of((VARIABLES[kind],))
    rules = grammar(prompt.schema)
    said = [one for seed in range(12) if (one := say(words, rules, seed))]
    assert len(said) > 5
    for raw in said:
        answer = json.loads(raw)
        assert list(answer) == ["x"]
        VARIABLES[kind].validate(answer["x"])
        assert kind == "text" or raw == json.dumps(answer, ensure_ascii=False) or kind.endswith("bounded")
    assert len(set(said)) > 1


def test_null_is_said_only_where_it_is_offered(words):
    told = {kind: {say(words, grammar(prompt_of((VARIABLES[kind],)).schema), seed) for seed in range(60)}
            for kind in ("binary", "forced")}  # fmt: skip
    assert told["binary"] == {'{"x": null}', '{"x": "yes"}', '{"x": "no"}'}
    assert told["forced"] == {'{"x": "yes"}', '{"x": "no"}'}


def test_several_variables_come_in_the_order_of_the_codebook(words):
    several = tuple(variable("binary", name, values=(Value("yes"), Value("no"))) for name in ("b", "a", "c"))
    raw = say(words, grammar(prompt_of(several).schema), seed=1)
    assert list(json.loads(raw)) == ["b", "a", "c"]


def test_a_list_ends(words):
    rules = grammar(prompt_of((VARIABLES["multilabel"],)).schema)
    assert all(len(json.loads(say(words, rules, seed))["x"]) <= 3 for seed in range(10))


def test_special_tokens_stand_in_no_text(words):
    tokenizer, known = words
    guide = Guide(known, grammar(prompt_of((VARIABLES["text"],)).schema))
    said = [0]
    for token in tokenizer('{"x": "', add_special_tokens=False)["input_ids"]:
        guide(torch.tensor([said]), torch.zeros(1, 400))
        said.append(token)
    allowed = torch.isfinite(guide(torch.tensor([said]), torch.zeros(1, 400)))[0]
    assert allowed[: len(tokenizer) - 4].sum() > 200
    assert not allowed[[tokenizer.convert_tokens_to_ids(mark) for mark in ("<s>", "</s>", "<image>", "<pad>")]].any()
    assert not allowed[len(tokenizer) :].any()  # numbers of the network without a word


@pytest.mark.parametrize("width", [300, 347])
def test_a_network_may_know_fewer_or_more_numbers_than_the_tokenizer(words, width):
    scores = Guide(words[1], grammar(prompt_of((VARIABLES["binary"],)).schema))(
        torch.tensor([[1]]), torch.zeros(1, width)
    )
    assert scores.shape == (1, width)
    assert torch.isfinite(scores).any()


def test_without_a_guide_the_same_likelihoods_say_no_json(words):
    tokenizer, _ = words
    rng = np.random.default_rng(1)
    said = [int(rng.normal(size=len(tokenizer)).argmax()) for _ in range(40)]
    with pytest.raises(json.JSONDecodeError):
        json.loads(tokenizer.decode(said))


def test_a_token_that_may_not_follow_is_no_silent_end(words):
    guide = Guide(words[1], grammar(prompt_of((VARIABLES["binary"],)).schema))
    guide(torch.tensor([[1]]), torch.zeros(1, 400))
    with pytest.raises(RuntimeError, match="lost its place"):
        guide(torch.tensor([[1, 0]]), torch.zeros(1, 400))


def test_a_schema_that_cannot_be_enforced():
    schema = {"type": "object", "properties": {"x": {"type": "array", "uniqueItems": True}}, "required": ["x"]}
    with pytest.raises(InputError, match=r"uniqueItems.*ask them of a server"):
        grammar(schema)
