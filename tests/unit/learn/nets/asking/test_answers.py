"""Questions put to language models, and their answers as scores."""

import causal_checkpoints
import numpy as np
import pytest
import torch
from tokenizers import Tokenizer, models, pre_tokenizers
from transformers import PreTrainedTokenizerFast

from studium.core.variable import Value, Variable
from studium.errors import InputError
from studium.learn.models.head import CONTINUOUS, MULTILABEL, ORDINAL, Head
from studium.learn.nets.asking.answers import asked, first_tokens, questions, scores

ASKED = "Does the post call for a protest?"


@pytest.mark.parametrize(
    ("head", "question", "definitions", "style", "message"),
    [
        (Head("size", CONTINUOUS), ASKED, (), "", "continuous.*text_network"),
        (Head("call", classes=("no", "yes")), " ", (), "", "needs the question"),
        (Head("call", classes=("no", "yes")), ASKED, ("a",), "", "expected 2 definitions"),
        (Head("call", classes=("no", "yes")), ASKED, (), "words", "yes_no, letters, numbers"),
        (Head("call", classes=("no",)), ASKED, (), "", "1 classes"),
        (Head("topic", classes=tuple(map(str, range(27)))), ASKED, (), "", "27 classes, and letters tell 2 to 26"),
        (Head("topic", classes=tuple(map(str, range(10)))), ASKED, (), "numbers", "10 classes, and numbers tell"),
        (Head("topic", classes=("a", "b", "c")), ASKED, (), "yes_no", "3 classes, and yes_no"),
        (Head("topics", MULTILABEL, ("a", "b")), ASKED, (), "letters", "each class is asked YES or NO"),
    ],
)  # fmt: skip
def test_what_cannot_be_asked_is_refused(head, question, definitions, style, message):
    with pytest.raises(InputError, match=message):
        questions(head, question, definitions, style)


def test_yes_or_no():
    head = Head("call", classes=(False, True))
    (bare,) = questions(head, ASKED, ())
    assert bare.text == f"{ASKED}\nAnswer YES or NO."
    assert bare.answers == ("NO", "YES")
    (told,) = questions(head, ASKED, ("It does not.", "It names a time."))
    assert told.text == f"{ASKED}\nYES: It names a time.\nNO: It does not.\nAnswer YES or NO."


@pytest.mark.parametrize("classes", [(True, False), ("yes", "no"), (1, 0), ("Yes", "No")])
def test_yes_is_what_is_called_so(classes):
    assert questions(Head("call", classes=classes), ASKED, ())[0].answers == ("YES", "NO")


def test_letters_for_classes_of_other_names():
    head = Head("scene", classes=("march", "sit_in", "none"))
    (found,) = questions(head, "What is it?", ("People walk.", "", ""))
    assert found.text == "What is it?\nA. march: People walk.\nB. sit_in\nC. none\nAnswer with one letter: A, B or C."
    assert found.answers == ("A", "B", "C")
    (two,) = questions(Head("animal", classes=("cat", "dog")), "Which?", ())
    assert two.answers == ("A", "B")


def test_numbers_for_ordered_classes():
    (found,) = questions(Head("size", ORDINAL, ("few", "some", "many")), "How many?", ())
    last = "They go from low to high.\nAnswer with one number: 1, 2 or 3."
    assert found.text == f"How many?\n1. few\n2. some\n3. many\n{last}"
    (ten,) = questions(Head("size", ORDINAL, tuple(map(str, range(10)))), "How many?", ())
    assert ten.answers == tuple("ABCDEFGHIJ")


def test_a_question_for_each_of_several_labels():
    found = questions(Head("topics", MULTILABEL, ("police", "crowd")), "What is there?", ("In uniform.", ""))
    assert [one.text for one in found] == [
        'What is there?\nDoes "police" apply? It means: In uniform.\nAnswer YES or NO.',
        'What is there?\nDoes "crowd" apply?\nAnswer YES or NO.',
    ]
    assert {one.answers for one in found} == {("NO", "YES")}


def test_the_codebook_says_what_is_asked():
    values = (Value("protest", "Demands something."), Value("other"))
    binary = Variable("call", ASKED, "post", "binary", values)
    found = asked(binary, ("other", "protest"))  # of a binary target the variable's first value counts as 1
    assert found == {"question": ASKED, "definitions": ("", "Demands something."), "answers": "yes_no"}
    (one,) = questions(Head("call", classes=("other", "protest")), ASKED, found["definitions"], found["answers"])
    assert one.answers == ("NO", "YES")
    assert "YES: Demands something." in one.text
    several = Variable("scene", "What?", "post", "categorical", (Value("a"), Value("b")), none_of_these=True)
    found = asked(several, ("a", "b", "none_of_these"))
    assert found["definitions"] == ("", "", "none of the values above")
    assert found["answers"] == ""


def test_rules_and_instructions_are_asked_too():
    yes = Value("yes", "A crowd.", include=("marches",), exclude=("parades",))
    binary = Variable("x", "A protest?", "image", "binary", (yes, Value("no")), instructions="Look twice.")
    found = asked(binary, ("no", "yes"))
    assert found["question"] == "A protest?\nLook twice."
    assert found["definitions"] == ("", "A crowd. Include: marches. Exclude: parades.")


def test_first_tokens_with_and_without_a_blank():
    tokenizer = causal_checkpoints.tokenizer()
    found = first_tokens(tokenizer, ("NO", "YES"))
    assert [tokenizer.convert_ids_to_tokens(one) for one in found] == [["NO", "ĠNO"], ["YES", "ĠYES"]]
    bytewise = first_tokens(tokenizer, ("Q", "X"))  # a blank is a token of its own before these
    assert [tokenizer.convert_ids_to_tokens(one) for one in bytewise] == [["Q"], ["X"]]


@pytest.mark.parametrize("answers", [("1", "1x"), ("NO", "NOx")])
def test_answers_that_begin_alike_are_refused(answers):
    with pytest.raises(InputError, match="with the same token"):
        first_tokens(causal_checkpoints.tokenizer(), answers)


def test_unknown_answers_are_refused():
    made = Tokenizer(models.WordLevel({"<unk>": 0, "YES": 1}, unk_token="<unk>"))
    made.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=made, unk_token="<unk>")
    with pytest.raises(InputError, match="does not know them"):
        first_tokens(tokenizer, ("NO", "YES"))


def test_a_blank_before_every_word_leaves_one_token_each():
    pieces = [("<unk>", 0.0), ("▁", -5.0), ("▁YES", -1.0), ("▁NO", -1.0), ("1", -3.0), ("2", -3.0)]
    made = Tokenizer(models.Unigram(pieces, unk_id=0))
    made.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme="always")
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=made, unk_token="<unk>")
    assert first_tokens(tokenizer, ("YES", "NO")) == ((2,), (3,))
    with pytest.raises(InputError, match="letters"):  # as of Llama 2: a digit is two tokens, of which the first is ▁
        first_tokens(tokenizer, ("1", "2"))


def test_scores_are_the_probabilities_of_the_answers():
    p = torch.tensor([[0.1, 0.2, 0.3, 0.05, 0.35]], dtype=torch.float64)
    tokens = ((0, 1), (2,), (4,))
    found = scores(p.log(), tokens, "categorical")
    np.testing.assert_allclose(found.softmax(-1)[0], np.array([0.3, 0.3, 0.35]) / 0.95, rtol=1e-6)
    steps = scores(p.log(), tokens, ORDINAL)
    np.testing.assert_allclose(steps.sigmoid()[0], np.array([0.65, 0.35]) / 0.95, rtol=1e-6)
    one = scores(p.log(), ((0, 1), (2,)), MULTILABEL)
    assert one.shape == (1, 1)
    assert one.sigmoid().item() == pytest.approx(0.5)
    assert scores(p[:0].log(), tokens, "categorical").shape == (0, 3)
