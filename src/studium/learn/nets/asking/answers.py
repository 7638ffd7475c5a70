"""Questions put to a language model, and its answers as scores: the same words before and after it is fine-tuned.

A variable is asked so that the first token of the answer tells the classes apart: YES or NO, a letter, or a number. The
score of a class is the logarithm of the probability of these tokens, so a model that was trained to predict words needs
no new head, and zero-shot and fine-tuned models compare.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from string import ascii_uppercase
from typing import TYPE_CHECKING, Any

from studium.core.variable import NONE_OF_THESE, Variable
from studium.errors import InputError
from studium.learn.models.head import CONTINUOUS, MULTILABEL, ORDINAL, Head

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["STYLES", "Question", "asked", "first_tokens", "questions", "scores"]

STYLES = ("", "yes_no", "letters", "numbers")
_YES = ("true", "1", "yes")
_NO = ("false", "0", "no")


@dataclass(frozen=True)
class Question:
    """What is asked, word by word.

    Attributes:
        text: the question, the definitions, and how to answer.
        answers: the word that stands for each class, in their order; of a multilabel target "NO" and "YES".
    """

    text: str
    answers: tuple[str, ...]


def asked(variable: Variable, classes: Sequence[Any]) -> dict[str, Any]:
    """The parameters ``question``, ``definitions`` and ``answers`` of an estimator that asks, from the codebook.

    Args:
        variable: its definition.
        classes: of the head, in their order.
    """
    definitions = {value.name: value.rule for value in variable.values}
    definitions |= {NONE_OF_THESE: "none of the values above"} if variable.none_of_these else {}
    told = tuple(definitions.get(str(one), "") for one in classes)
    style = "yes_no" if variable.type == "binary" else ""
    question = "\n".join([variable.question, variable.instructions]).rstrip("\n")
    return {"question": question, "definitions": told if any(told) else (), "answers": style}


def questions(head: Head, question: str, definitions: Sequence[str], style: str = "") -> tuple[Question, ...]:
    """What is asked about each unit: one question, of a multilabel target one for each class.

    Args:
        head: with its classes.
        question: as coders read it.
        definitions: of each class, in their order; none, or "" where there is none.
        style: "yes_no" (of two classes the second is YES, unless one of them is called yes, True or 1), "letters",
            "numbers"; "" takes YES and NO for classes called so and for multilabel targets, numbers for up to nine
            ordered classes, letters for others.

    Raises:
        InputError: a continuous target, no question, more classes than letters or digits, or what does not fit.
    """
    _check(head, question, definitions, style)
    told = tuple(definitions) or ("",) * len(head.classes)
    if head.task == MULTILABEL:
        return tuple(_of_one(question, one, said) for one, said in zip(head.classes, told, strict=True))
    style = style or _chosen(head)
    return (_yes_no(head, question, told),) if style == "yes_no" else (_listed(head, question, told, style),)


def _check(head: Head, question: str, definitions: Sequence[str], style: str) -> None:
    k = len(head.classes)
    if head.task == CONTINUOUS:
        raise InputError(
            f"{head.variable} is continuous, and a language model answers in words: the probability of the first token "
            "of a number is none of the number. Make it ordinal, or take a text_network or clip_fusion"
        )
    if not question.strip():
        raise InputError(f"{head.variable}: a language model needs the question that coders were asked; set question")
    if definitions and len(definitions) != k:
        raise InputError(
            f"{head.variable}: expected {k} definitions, one for each of {head.classes}; got {definitions}"
        )
    if style not in STYLES:
        raise InputError(f"answers should be one of {', '.join(STYLES[1:])}, or empty for the usual; got {style!r}")
    if head.task == MULTILABEL and style not in {"", "yes_no"}:
        raise InputError(f"{head.variable} is multilabel: each class is asked YES or NO, not {style}; leave it empty")
    most = {"yes_no": 2, "numbers": 9}.get(style, len(ascii_uppercase))
    if head.task != MULTILABEL and (k < 2 or k > most or (style == "yes_no" and k != 2)):
        raise InputError(
            f"{head.variable} has {k} classes, and {style or 'letters'} tell 2 to {most} apart by one token; join "
            "classes, or ask each as a variable of its own"
        )


def _chosen(head: Head) -> str:
    if _positions(head):
        return "yes_no"
    return "numbers" if head.task == ORDINAL and len(head.classes) <= 9 else "letters"


def _positions(head: Head) -> tuple[int, int] | None:
    """Which of two classes says no and which yes, if they are called so."""
    names = [str(one).casefold() for one in head.classes]
    for no, yes in zip(_NO, _YES, strict=True):
        if sorted(names) == sorted((no, yes)):
            return names.index(no), names.index(yes)
    return None


def _yes_no(head: Head, question: str, told: Sequence[str]) -> Question:
    no, yes = _positions(head) or (0, 1)
    defined = [f"{word}: {told[at]}" for word, at in (("YES", yes), ("NO", no)) if told[at]]
    answers = ("NO", "YES") if no < yes else ("YES", "NO")
    return Question("\n".join([question, *defined, "Answer YES or NO."]), answers)


def _of_one(question: str, one: object, told: str) -> Question:
    name = f'Does "{one}" apply?' + (f" It means: {told}" if told else "")
    return Question("\n".join([question, name, "Answer YES or NO."]), ("NO", "YES"))


def _listed(head: Head, question: str, told: Sequence[str], style: str) -> Question:
    k = len(head.classes)
    marks = tuple(ascii_uppercase[:k]) if style == "letters" else tuple(str(n) for n in range(1, k + 1))
    lines = [
        f"{mark}. {one}: {said}" if said else f"{mark}. {one}"
        for mark, one, said in zip(marks, head.classes, told, strict=True)
    ]
    ordered = ["They go from low to high."] if head.task == ORDINAL else []
    last = f"Answer with one {style.removesuffix('s')}: {', '.join(marks[:-1])} or {marks[-1]}."
    return Question("\n".join([question, *lines, *ordered, last]), marks)


def first_tokens(tokenizer: Any, answers: Sequence[str]) -> tuple[tuple[int, ...], ...]:
    """The tokens that each answer can begin with: as it stands, and after a blank; whichever tell all apart.

    Raises:
        InputError: no first token tells the answers apart.
    """
    plain, spaced = ([_first(tokenizer, blank + one) for one in answers] for blank in ("", " "))
    both: list[tuple[int | None, ...]] = [tuple(dict.fromkeys(pair)) for pair in zip(plain, spaced, strict=True)]
    for found in (both, [(one,) for one in plain], [(one,) for one in spaced]):
        known = tuple(tuple(token for token in several if token is not None) for several in found)
        tokens = [token for several in known for token in several]
        if len(set(tokens)) == len(tokens) == sum(map(len, found)):
            return known
    raise InputError(
        f"the tokenizer of this model begins {', '.join(answers)} with the same token, or does not know them, so the "
        f"next token cannot be the answer; set answers to another of {', '.join(STYLES[1:])}, or take another model"
    )


def _first(tokenizer: Any, text: str) -> int | None:
    """Its first token; None if there is none, or only the unknown one."""
    found = tokenizer(text, add_special_tokens=False)["input_ids"]
    return None if not found or found[0] == tokenizer.unk_token_id else int(found[0])


def scores(logits: "Tensor", tokens: Sequence[Sequence[int]], task: str) -> "Tensor":
    """What the objective takes, of the next token's logits.

    Of an ordinal target it is the log-odds of lying above each class but the highest, (n, k - 1), which fall by
    themselves; of a multilabel one those of YES against NO, (n, 1), of each question.

    Args:
        logits: (n, vocabulary) at the position of the answer.
        tokens: of each of k answers, as `first_tokens` gives them.
        task: of the head.

    Returns:
        (n, k) logarithms of probabilities, up to a constant of each row; or as said above; float32.
    """
    from torch import stack

    each = stack([logits[:, [*of]].float().logsumexp(-1) for of in tokens], -1)
    if task == MULTILABEL:
        return each[:, 1:] - each[:, :1]
    if task == ORDINAL:
        steps = range(1, each.shape[1])
        return stack([each[:, at:].logsumexp(-1) - each[:, :at].logsumexp(-1) for at in steps], -1)
    return each
