import json
import re

import numpy as np
import pytest

from studium.errors import InputError
from studium.learn.models.card import MISSING, Figure, ModelCard
from studium.learn.models.linear import LinearProbe
from studium.learn.models.training import Head
from studium.learn.models.tuned import Tuning, tune


@pytest.fixture(scope="module")
def model():
    X = np.random.default_rng(0).normal(0, 1, (50, 3))
    return LinearProbe(Head("party"), "embed-1a2b3c4d").fit(X, np.where(np.arange(50) % 5, "left", "right")).card


SECTIONS = [
    "Model details",
    "Intended use",
    "Factors",
    "Training data",
    "Splits",
    "Metrics",
    "Groups",
    "Ethical considerations",
    "Caveats and recommendations",
]


def section(text, title):
    return text.partition(f"## {title}\n\n")[2].partition("\n\n## ")[0].strip()


def test_what_nobody_said_is_said_to_be_missing(model):
    text = ModelCard("party", model).markdown()
    assert re.findall("^## (.*)$", text, re.MULTILINE) == SECTIONS
    assert [one for one in SECTIONS if section(text, one) == MISSING] == [
        "Factors", "Metrics", "Groups", "Ethical considerations", "Caveats and recommendations",
    ]  # fmt: skip
    assert section(text, "Intended use") == f"**For:** {MISSING}\n\n**Not for:** {MISSING}"
    assert section(text, "Splits") == f"{MISSING}\n\n**Kept apart:** {MISSING}"


def test_what_the_model_knows_of_itself(model):
    text = ModelCard("party", model, data="Posts of 2024.", licence="MIT").markdown()
    assert "- **Variable:** party (categorical)\n- **Classes:** left, right\n- **Inputs:** embed-1a2b3c4d\n" in text
    assert "- **Settings:** balanced = False, folds = 3, seed = 0\n" in text
    assert re.search(
        r"- \*\*Chosen on inner folds:\*\* C = [\d.e-]+\n"
        r"- \*\*Tuned on validation units:\*\* nothing\n- \*\*Licence:\*\* MIT\n",
        text,
    )
    told = section(text, "Training data")
    assert told.startswith("Posts of 2024.\n\n**Coding:**")
    assert "50 units of 50 groups; weighted, they are worth 50.0 (Kish)." in told
    assert told.endswith("| class | n | share |\n| --- | --- | --- |\n| left | 40 | 80.0 % |\n| right | 10 | 20.0 % |")


def test_figures_splits_and_groups(model):
    figures = [
        Figure("macro-F1", 0.81249, 0.7, 0.9, 120, 31),
        Figure("AUC", None, n=0, note="one class only"),
        Figure("FPR", 0.125, 0.05, 0.25, 40, of="channel: news"),
    ]
    splits = {"train": {"left": 30, "right": 8}, "test": {"left": 10}}
    text = ModelCard("party", model, figures=figures, splits=splits, grouping="account").markdown()
    assert section(text, "Metrics").splitlines() == [
        "| figure | value | 95 % interval | n | groups | note |",
        "| --- | --- | --- | --- | --- | --- |",
        "| macro-F1 | 0.812 | 0.700 to 0.900 | 120 | 31 |  |",
        "| AUC | n/a | n/a | 0 |  | one class only |",
    ]
    assert section(text, "Groups").splitlines()[2] == "| channel: news | FPR | 0.125 | 0.050 to 0.250 | 40 |  |  |"
    assert section(text, "Splits").splitlines() == [
        "| part | left | right | labels |",
        "| --- | --- | --- | --- |",
        "| train | 30 | 8 | 38 |",
        "| test | 10 | 0 | 10 |",
        "",
        "**Kept apart:** account",
    ]


def test_numbers_have_no_classes():
    X = np.random.default_rng(0).normal(0, 1, (20, 2))
    text = ModelCard("age", LinearProbe(Head("age", "continuous")).fit(X, X[:, 0]).card).markdown()
    assert "- **Classes:** none: a number\n" in text
    assert "| class |" not in text


def test_data_cannot_write_markdown_or_html(model):
    evil = "a|b\n## Metrics <script>*x*</script> [y](javascript:z) `c`"
    card = model | {"classes": [evil, "right"], "variable": evil, "inputs": evil}
    text = ModelCard(evil, card, splits={evil: {evil: 1}}, figures=[Figure(evil, 0.5, of=evil, note=evil)]).markdown()
    assert re.findall("^## (.*)$", text, re.MULTILINE) == SECTIONS
    assert not re.search(r"(?<!\\)<script", text)
    assert not re.search(r"(?<!\\)\]\(", text)
    assert {len(re.findall(r"(?<!\\)\|", row)) for row in section(text, "Groups").splitlines()} == {8}


@pytest.mark.parametrize("prose", ["## Metrics\n\nAll is well", "Metrics\n---", "Metrics\n==="])
def test_prose_makes_no_sections_of_its_own(model, prose):
    text = ModelCard("party", model, limits=prose).markdown()
    assert re.findall("^## (.*)$", text, re.MULTILINE) == SECTIONS
    assert not re.search("^(-+|=+)$", text, re.MULTILINE)
    assert "**bold** and\na second line" in ModelCard("p", model, use="**bold** and\na second line").markdown()


@pytest.mark.parametrize(
    "figure",
    [(np.nan,), (0.5, 0.4), (0.5, None, 0.6), (0.5, 0.6, 0.4), (0.5, -np.inf, 0.6)],
)
def test_figures_that_are_none(figure):
    with pytest.raises(InputError):
        Figure("F1", *figure)


@pytest.mark.parametrize("given", [{}, {"kind": "linear"}, {"settings": None}])
def test_models_that_say_nothing_of_themselves(given):
    with pytest.raises(InputError, match=r"what Fitted.card returns"):
        ModelCard("party", given).markdown()


def test_names(model):
    with pytest.raises(InputError, match="needs the name"):
        ModelCard(" \n", model).markdown()


def test_a_card_of_what_was_saved_is_the_same(model):
    again = json.loads(json.dumps(model))
    assert ModelCard("party", again).markdown() == ModelCard("party", model).markdown()


def test_what_was_tuned_is_told():
    X = np.random.default_rng(0).normal(0, 1, (60, 2))
    y = np.where(X[:, 0] > 0, "yes", "no")
    fitted = LinearProbe(Head("seen", classes=("no", "yes")), C=1.0).fit(X, y)
    for threshold, told in (("half", "yes is said from 0\\.500 on, by half"), ("precision", "yes is said of no unit")):
        tuned = tune(fitted, fitted.outputs(X), y, tuning=Tuning(threshold=threshold, target=0.99))
        text = ModelCard("m", tuned.card).markdown()
        assert "**Kind:** linear\n" in text
        assert "**Tuned on validation units:** 60 units of 60 groups; calibrated by temperature 0" in text
        assert re.sub(r"\\", "", told) in re.sub(r"\\", "", text)
    assert "**Tuned on validation units:** nothing" in ModelCard("m", fitted.card).markdown()
