"""Toxicity and sentiment in many languages, on tiny classifiers with the labels of the real ones."""

import numpy as np
import pytest
import text_checkpoints

from studium.core import weights
from studium.errors import InputError, WeightsError
from studium.measure.text_classes import ClassifyText
from studium.measure.text_presets import SentimentMultilingual, Toxicity
from studium.testing import check_measure

TEXTS = ["", "good day", "bad bad bad!", "тест 🙂", "word " * 300]
OF_BERT = ("toxic", "severe_toxic", "obscene", "threat", "insult", "identity_hate")
OF_ROBERTA = (
    "toxicity",
    "severe_toxicity",
    "obscene",
    "identity_attack",
    "insult",
    "threat",
    "sexual_explicit",
    "male",
)
POLES = ("Positive", "Neutral", "Negative")


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    top = tmp_path_factory.mktemp("presets")
    made = {
        "toxic-bert": ("bert", OF_BERT, None),  # as if the config had forgotten problem_type
        "toxic-roberta": ("roberta", OF_ROBERTA, "multi_label_classification"),
        "sentiment": ("bert", POLES, None),
    }
    folders = {name: text_checkpoints.text_classifier(top / name, *what) for name, what in made.items()}
    folders["toxic-roberta"] = text_checkpoints.export(folders["toxic-roberta"], top / "onnx")
    return {name: str(folder) for name, folder in folders.items()}


@pytest.mark.parametrize(("model", "labels"), [("toxic-bert", OF_BERT), ("toxic-roberta", OF_ROBERTA)])
def test_toxicity_has_the_same_columns_whatever_a_model_calls_them(saved, model, labels):
    found = Toxicity(saved[model])(TEXTS)
    plain = ClassifyText(saved[model], problem_type="multi_label_classification")(TEXTS)
    for column, label in [("toxicity", labels[0]), ("toxicity_severe", labels[1]), ("toxicity_obscene", "obscene"),
                          ("toxicity_threat", "threat"), ("toxicity_insult", "insult"),
                          ("toxicity_identity", next(label for label in labels if "identity" in label))]:  # fmt: skip
        np.testing.assert_array_equal(found[column], plain[f"text_class_{label}"])
    assert list(found) == [column.name for column in Toxicity().columns]
    assert found["toxicity_truncated"].tolist() == [False] * 4 + [True]
    check_measure(Toxicity(saved[model]), TEXTS)


def test_sentiment_is_positive_less_negative(saved):
    found = SentimentMultilingual(saved["sentiment"])(TEXTS)
    each = [found[f"sentiment_multilingual_{pole.lower()}"] for pole in POLES]
    np.testing.assert_allclose(sum(each), 1, atol=1e-6)
    np.testing.assert_allclose(found["sentiment_multilingual"], each[0] - each[2], atol=1e-6)
    np.testing.assert_array_equal(each[0], ClassifyText(saved["sentiment"])(TEXTS)["text_class_positive"])
    check_measure(SentimentMultilingual(saved["sentiment"]), TEXTS)


@pytest.mark.parametrize("measure", [Toxicity, SentimentMultilingual])
def test_what_is_known_without_the_model(measure):
    assert len(measure().columns) == len({column.name for column in measure().columns})
    assert weights.get(measure().model).bundle is not None


def test_a_default_that_is_not_here_says_what_to_run(tmp_path, monkeypatch):
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path))
    for measure in (Toxicity(), SentimentMultilingual()):
        with pytest.raises(WeightsError, match=f"studium models pull {measure.model}"):
            measure.prepare()


def test_a_model_for_something_else(saved):
    with pytest.raises(InputError, match=r"toxicity: .*should know the labels toxicity, .*; it has Positive, Neutral"):
        Toxicity(saved["sentiment"]).prepare()
    with pytest.raises(InputError, match="sentiment_multilingual: minilm is no checkpoint"):
        SentimentMultilingual("minilm")
    with pytest.raises(InputError, match="expected a text, got NoneType"):
        Toxicity(saved["toxic-bert"])([None])
