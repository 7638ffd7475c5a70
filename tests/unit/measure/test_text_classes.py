"""Text classifiers: the numbers of transformers' own pipeline, by torch and by ONNX Runtime, and what is refused."""

import json
import shutil
import subprocess
import sys

import numpy as np
import pytest
import text_checkpoints
import transformers

from studium.core.recipe import recipe_of
from studium.errors import InputError, MissingExtraError, UnknownNameError, WeightsError
from studium.measure.text_classes import ClassifyText
from studium.measure.text_classifier import text_classifier
from studium.testing import check_measure

COMMIT = "0123456789abcdef0123456789abcdef01234567"
LABELS = ("1 star", "NSFW/sexual", "Très bien")
COLUMNS = ("text_class_1_star", "text_class_nsfw_sexual", "text_class_tres_bien")
TEXTS = ["", " ", "good day", "bad bad bad!", "🙂🔥👍🏽", "天 gut день\n", "<s> [SEP] </s>", "word " * 10_000]
MULTI, NUMBER = "multi_label_classification", "regression"


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    """Folders of tiny classifiers, made when they are asked for."""
    top, made = tmp_path_factory.mktemp("classifiers"), {}

    def get(kind="bert", labels=LABELS, problem=None, onnx=False):
        key = (kind, labels, problem, onnx)
        if key not in made:
            target = top / str(len(made))
            made[key] = (
                text_checkpoints.export(get(kind, labels, problem), target)
                if onnx
                else text_checkpoints.text_classifier(target, kind, labels, problem)
            )
        return made[key]

    return get


@pytest.fixture
def folder(saved, tmp_path):
    """A copy to spoil."""
    return shutil.copytree(saved(), tmp_path / "checkpoint")


def change(folder, **settings):
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**config, **settings}))
    return folder


def by_pipeline(folder, texts):
    """Label -> value of each text, as transformers says it; longer texts cut as it cuts them."""
    pipe = transformers.pipeline("text-classification", model=str(folder), top_k=None, device="cpu")
    read = [pipe(text, truncation=True, max_length=text_checkpoints.READS) for text in texts]
    rows = [row[0] if isinstance(row[0], list) else row for row in read]
    return [{said["label"]: said["score"] for said in row} for row in rows]


def test_no_text(saved):
    found = ClassifyText(str(saved()))([])
    assert list(found) == [
        "text_class",
        "text_class_probability",
        *COLUMNS,
        "text_class_tokens",
        "text_class_truncated",
    ]
    assert all(len(column) == 0 for column in found.values())


@pytest.mark.parametrize("kind", text_checkpoints.KINDS)
@pytest.mark.parametrize("problem", [None, MULTI])
def test_the_values_are_those_of_transformers(saved, kind, problem):
    folder = saved(kind, problem=problem)
    found, expected = ClassifyText(str(folder))(TEXTS), by_pipeline(folder, TEXTS)
    for label, column in zip(LABELS, COLUMNS, strict=True):
        np.testing.assert_allclose(found[column], [row[label] for row in expected], atol=1e-6)
    assert found["text_class"] == [max(row, key=row.get) for row in expected]
    np.testing.assert_allclose(found["text_class_probability"], [max(row.values()) for row in expected], atol=1e-6)
    assert len({tuple(round(value, 3) for value in row.values()) for row in expected}) > 4  # it does tell texts apart
    sums = sum(found[column] for column in COLUMNS)
    assert (np.abs(sums - 1) < 1e-6).all() == (problem is None)


@pytest.mark.parametrize("kind", text_checkpoints.KINDS)
def test_an_onnx_export_says_the_same_without_torch(saved, kind):
    onnx, original = ClassifyText(str(saved(kind, onnx=True))), ClassifyText(str(saved(kind)))
    found, expected = onnx(TEXTS), original(TEXTS)
    for column in COLUMNS:
        np.testing.assert_allclose(found[column], expected[column], atol=1e-4)
    for column in ("text_class_tokens", "text_class_truncated"):
        np.testing.assert_array_equal(found[column], expected[column])
    check_measure(onnx)


def test_an_export_in_a_folder_of_its_own_as_the_hub_has_it(saved, tmp_path):
    folder = shutil.copytree(saved(onnx=True), tmp_path / "one")
    (folder / "onnx").mkdir()
    (folder / "model.onnx").rename(folder / "onnx" / "model.onnx")
    found, expected = (ClassifyText(str(one))(["good day"])[COLUMNS[0]] for one in (folder, saved(onnx=True)))
    np.testing.assert_array_equal(found, expected)


def test_a_process_that_reads_onnx_loads_no_torch(saved):
    code = (
        "import sys\nfrom studium.measure.text_classes import ClassifyText\n"
        "ClassifyText(sys.argv[1])(['a'])\nprint({'torch', 'transformers'} & set(sys.modules))"
    )
    command = [sys.executable, "-c", code, str(saved(onnx=True))]
    assert subprocess.run(command, capture_output=True, text=True, check=True).stdout == "set()\n"


def test_regression(saved):
    folder = saved("bert", ("LABEL_0",), NUMBER)
    found, expected = ClassifyText(str(folder), "irony")(TEXTS), by_pipeline(folder, TEXTS)
    assert list(found) == ["irony", "irony_tokens", "irony_truncated"]
    np.testing.assert_allclose(found["irony"], [row["LABEL_0"] for row in expected], atol=1e-6)
    several = ClassifyText(str(saved("bert", ("valence", "arousal"), NUMBER)), "affect")
    assert [column.name for column in several.columns][:2] == ["affect_valence", "affect_arousal"]
    check_measure(several)


@pytest.mark.parametrize("problem", [None, MULTI])
def test_contract(saved, problem):
    check_measure(ClassifyText(str(saved(problem=problem))))


@pytest.mark.parametrize("kind", text_checkpoints.KINDS)
def test_what_is_not_read_is_said(saved, kind):
    """Texts of exactly as many tokens as are read, and of one more; what follows makes no difference."""
    fits = text_checkpoints.READS - (3 if kind == "xlm-roberta" else 2)  # ▁ is a piece of its own there
    text = "z" * fits
    found = ClassifyText(str(saved(kind)))([text, text + "a", text + "b!"])
    assert found["text_class_tokens"].tolist() == [16, 17, 18]
    assert found["text_class_truncated"].tolist() == [False, True, True]
    for column in COLUMNS:
        assert len(set(found[column].tolist())) == 1


def test_a_tokenizer_that_reads_less(folder):
    (folder / "tokenizer_config.json").write_text(
        json.dumps({**json.loads((folder / "tokenizer_config.json").read_text()), "model_max_length": 8})
    )
    assert ClassifyText(str(folder))(["z" * 6, "z" * 7])["text_class_truncated"].tolist() == [False, True]


def test_several_at_once_as_on_an_accelerator(saved):
    found = text_classifier(str(saved("roberta")))
    many = type(found)(found.labels, found.problem, found.tokenize, found.logits, batch=3)
    alone, together = (np.stack([reading.values for reading in each(TEXTS)]) for each in (found, many))
    np.testing.assert_allclose(together, alone, atol=1e-5)


def test_as_many_at_once_as_memory_holds(saved):
    found = text_classifier(str(saved("roberta")))

    def logits(feeds):
        if len(feeds) > 2:
            raise RuntimeError("CUDA out of memory. Tried to allocate 20.00 MiB")
        return found.logits(feeds)

    many = type(found)(found.labels, found.problem, found.tokenize, logits, batch=256)
    alone, together = (np.stack([reading.values for reading in each(TEXTS)]) for each in (found, many))
    np.testing.assert_allclose(together, alone, atol=1e-5)


@pytest.mark.parametrize("text", [None, 3, b"bytes", "lone \ud800 surrogate"])
@pytest.mark.parametrize("onnx", [False, True])
def test_not_a_text(saved, text, onnx):
    with pytest.raises(InputError, match="text"):
        ClassifyText(str(saved(onnx=onnx)))([text])


class TestModels:
    def test_a_snapshot_in_the_cache_of_the_hub(self, saved, tmp_path, monkeypatch):
        monkeypatch.delenv("HF_HUB_CACHE", raising=False)
        monkeypatch.setenv("HF_HOME", str(tmp_path))
        name = f"someone/tiny@{COMMIT}"
        measure = ClassifyText(name)
        with pytest.raises(WeightsError, match=f"studium models pull {name}"):
            measure.columns  # noqa: B018  (it is looked up)
        known = ClassifyText(name, labels=("a", "b", "c"), problem_type=MULTI)
        assert [column.name for column in known.columns][2:5] == ["text_class_a", "text_class_b", "text_class_c"]
        shutil.copytree(saved(), tmp_path / "hub" / "models--someone--tiny" / "snapshots" / COMMIT)
        expected = ClassifyText(str(saved()))(["good day"])
        np.testing.assert_array_equal(measure(["good day"])[COLUMNS[0]], expected[COLUMNS[0]])

    def test_another_checkpoint_is_another_recipe(self, saved, folder):
        before = recipe_of(ClassifyText(str(folder))).models
        assert list(before.values()) == list(recipe_of(ClassifyText(str(saved()))).models.values())
        assert recipe_of(ClassifyText(str(change(folder, problem_type=MULTI)))).models != before

    def test_what_is_no_classifier_of_texts(self, tmp_path):
        with pytest.raises(UnknownNameError, match="owner/name@commit"):
            ClassifyText("bert")
        with pytest.raises(InputError, match="minilm is no checkpoint of transformers"):
            ClassifyText("minilm")
        (tmp_path / "vocab.txt").write_text("a")
        with pytest.raises(WeightsError, match=r"is no checkpoint of transformers: .*config\.json"):
            ClassifyText(str(tmp_path)).prepare()

    def test_weights_that_were_never_trained_for_it(self, folder):
        network = transformers.AutoModel.from_pretrained(folder)
        network.save_pretrained(folder)
        change(folder, id2label=dict(enumerate(LABELS)), label2id={name: n for n, name in enumerate(LABELS)})
        with pytest.raises(WeightsError, match=r"lacks weights for SequenceClassification.*classifier\.weight"):
            ClassifyText(str(folder)).prepare()

    def test_without_a_tokenizer(self, saved, folder, tmp_path):
        (folder / "tokenizer.json").unlink()
        with pytest.raises(WeightsError, match="has no tokenizer"):
            ClassifyText(str(folder)).prepare()
        onnx = shutil.copytree(saved(onnx=True), tmp_path / "onnx")
        (onnx / "tokenizer.json").write_text("{}")
        with pytest.raises(WeightsError, match=r"has no tokenizer\.json that loads"):
            ClassifyText(str(onnx)).prepare()

    @pytest.mark.parametrize(("package", "extra"), [("torch", "torch"), ("tokenizers", "images")])
    def test_without_the_extra(self, saved, tmp_path, monkeypatch, package, extra):
        copy = shutil.copytree(saved(onnx=package == "tokenizers"), tmp_path / "one")
        monkeypatch.setitem(sys.modules, package, None)
        with pytest.raises(MissingExtraError, match=rf"{package} is needed here.*studium\[{extra}\]"):
            ClassifyText(str(copy)).prepare()

    def test_a_config_that_does_not_fit_an_export(self, saved, tmp_path):
        onnx = change(shutil.copytree(saved(onnx=True), tmp_path / "onnx"), id2label={"0": "a", "1": "b"})
        with pytest.raises(WeightsError, match=r"the network says 3 numbers, config\.json names 2"):
            ClassifyText(str(onnx))(["a"])


class TestLabels:
    def test_unnamed_ones_want_names(self, saved):
        folder = str(saved("bert", ("LABEL_0", "LABEL_1")))
        with pytest.raises(InputError, match=r"names no labels \(LABEL_0, LABEL_1\); give labels"):
            ClassifyText(folder).prepare()
        found = ClassifyText(folder, "stance", labels=("against", "for"))(["good day"])
        assert found["stance"][0] in {"against", "for"}
        assert found["stance_for"] + found["stance_against"] == pytest.approx(1)

    def test_as_many_as_there_are(self, saved):
        for problem in ("", MULTI):
            with pytest.raises(InputError, match="has 3 outputs, got labels for 2"):
                ClassifyText(str(saved()), labels=("a", "b"), problem_type=problem).prepare()

    @pytest.mark.parametrize(
        "labels", [("+", "-"), ("да", "нет"), ("a-b", "a b"), ("tokens", "b"), ("probability", "c")]
    )
    def test_that_make_no_columns(self, saved, labels):
        folder = str(saved("bert", labels))
        with pytest.raises(InputError, match="make no columns of their own"):
            ClassifyText(folder).columns  # noqa: B018  (it is looked up)
        assert ClassifyText(folder, labels=("yes", "no"))([]) is not None

    def test_one_output_of_an_unknown_kind(self, saved):
        folder = str(saved("bert", ("hateful",)))
        with pytest.raises(InputError, match="give problem_type, regression for a number"):
            ClassifyText(folder).columns  # noqa: B018  (it is looked up)
        found = ClassifyText(folder, problem_type=MULTI)(TEXTS)
        expected = [row["hateful"] for row in by_pipeline(saved("bert", ("hateful",)), TEXTS)]
        np.testing.assert_allclose(found["text_class_hateful"], expected, atol=1e-6)

    def test_a_config_that_says_what_nobody_knows(self, folder):
        with pytest.raises(InputError, match=r"problem_type should be one of single_label.* the config says 'ranking'"):
            ClassifyText(str(change(folder, problem_type="ranking"))).columns  # noqa: B018  (it is looked up)

    @pytest.mark.parametrize("params", [{"variable": "Stance 1"}, {"problem_type": "ranking"}])
    def test_parameters(self, saved, params):
        with pytest.raises(InputError, match="should be"):
            ClassifyText(str(saved()), **params)
