"""Learning on real data, from posts and their pictures to an overview: what words, pictures or both can tell."""

import csv
import io
import sys
from pathlib import Path

import multimodal
import pytest
from sklearn.datasets import load_digits

from studium import Corpus, sources
from studium.learn.evaluate.summary import Judged, figures
from studium.learn.folds.splits import Splits
from studium.learn.models.head import Head
from studium.learn.models.linear import LinearProbe
from studium.report.experiments import experiments
from studium.report.reading import Reading

sys.path.insert(0, str(Path(__file__).parents[1] / "unit" / "report"))
import page_checks

STUDY = """
[study]
title = "What words and pictures tell"
seed = 1

[experiment.{variable}]
variables = ["{variable}"]
of = "post"
labels = "column:{variable}"
draws = 500
{more}

[experiment.{variable}.models]
{models}
"""
CODEBOOK = """
[{variable}]
question = "Which one is it?"
of = "post"
type = "categorical"
{values}
"""
VALUE = '[[{variable}.values]]\nname = "{name}"\ndefinition = "It is {name}."\n'
BOTH = """
words = {{ model = "{kind}", on = {{ post = "{text}" }} }}
looks = {{ model = "{kind}", on = {{ image = "{image}" }} }}
both = {{ model = "{kind}", on = {{ post = "{text}", image = "{image}" }} }}
late = {{ fuse = ["words", "looks"] }}
"""

EVEN = 'figure = "accuracy"\ntuning = { threshold = "half" }'  # of classes that are equally common


def begun(folder: Path, posts: Path, variable: str, models: str, more: str = "") -> Corpus:
    """A study of posts, its study file and its codebook."""
    with posts.open(encoding="utf-8", newline="") as file:
        rows = [*csv.DictReader(file)]
    names = sorted({row[variable] for row in rows})
    values = "\n".join(VALUE.format(variable=variable, name=name) for name in names)
    folder.mkdir()
    (folder / "studium.toml").write_text(STUDY.format(variable=variable, models=models, more=more))
    (folder / "codebook.toml").write_text(CODEBOOK.format(variable=variable, values=values))
    corpus = Corpus(folder)
    corpus.add(sources.posts(posts, media="media" if "media" in rows[0] else None))
    return corpus


def values(found, figure: str) -> dict[str, dict]:
    (task,) = found.overview["tasks"]
    return {one["model"]: one["mean"][figure] for one in task["results"]}


@pytest.mark.slow
def test_stamps_by_pictures_by_captions_and_by_both(tmp_path):
    posts = multimodal.stamps(tmp_path / "posts", most=34)
    models = BOTH.format(kind="linear", text="embed_text", image="embed")
    corpus = begun(tmp_path / "study", posts, "category", models, 'apart = ["motif"]')
    corpus.measure("embed", of="image")
    corpus.measure("embed_text", of="post")
    found = corpus.experiment("category")
    mean = values(found, "macro_f1")
    chance = found.overview["tasks"][0]["chance"]
    assert all(mean[name]["low"] > chance for name in ("words", "looks", "both", "late"))
    assert mean["both"]["value"] > max(mean["words"]["value"], mean["looks"]["value"]) - 0.02
    modality = {one["name"]: one["modality"] for one in found.overview["models"]}
    assert modality == {"words": "text", "looks": "image", "both": "multimodal", "late": "multimodal"}
    (told,) = experiments(Reading(corpus.root, corpus.store, corpus.study))
    assert told.tasks[0].results[0][:2] == ["looks", "image"]
    page_checks.read(corpus.report().read_text("utf-8"))


def test_tweets_by_their_words(tmp_path):
    posts = multimodal.tweets(tmp_path / "posts", 900)
    corpus = begun(tmp_path / "study", posts, "tone", 'words = { model = "ngrams" }')
    trained = corpus.train("tone", model="ngrams", labels="column:tone", name="tone")
    found = {one["name"]: one for one in trained.evaluation()["figures"]}
    assert found["balanced accuracy"]["low"] > 1 / 3
    corpus.report()
    page = (corpus.root / "report" / "mistakes-tone.html").read_text("utf-8")
    texts = {row["text"] for row in csv.DictReader(io.StringIO(posts.read_text("utf-8")))}
    shown = page_checks.read(page).text
    assert sum(text in shown for text in texts) > 10
    report = page_checks.read((corpus.root / "report" / "index.html").read_text("utf-8"))
    assert "models" in report.ids
    assert not any(text in report.text for text in texts if len(text) > 30)


def test_digits_by_their_pixels():
    X, y = load_digits(return_X_y=True)
    units = [f"{number:04}" for number in range(len(y))]
    split = Splits(seed=1)(units, y.astype(str).tolist())
    train, test = split.training(units), split.testing(units)
    model = LinearProbe(Head("digit"), C=0.01).fit(X[train], y[train])
    judged = Judged(model.head, y[test], model.outputs(X[test]), model.predict(X[test]))
    accuracy = next(one for one in figures(judged) if one.name == "accuracy")
    assert accuracy.low is not None
    assert accuracy.low > 0.92


def test_only_the_pair_of_text_and_picture_tells(tmp_path):
    """Neither a text nor a picture tells anything, nor does the mean of what both say; a model of both does."""
    posts = multimodal.xor(tmp_path / "posts")
    models = BOTH.format(kind="boosting", text="sentiment", image="colour") + 'grams = { model = "ngrams" }'
    corpus = begun(tmp_path / "study", posts, "irony", models, EVEN)
    corpus.measure("colour", of="image")
    corpus.measure("sentiment", of="post")
    mean = values(corpus.experiment("irony"), "accuracy")
    for name in ("words", "looks", "late", "grams"):
        assert mean[name]["low"] < 0.5 < mean[name]["high"], name
    assert mean["both"]["value"] > 0.9
    assert mean["both"]["low"] > max(mean[name]["high"] for name in ("words", "looks", "late", "grams"))


def test_the_set_of_pairs_is_even_and_the_same_everywhere(tmp_path):
    posts = multimodal.xor(tmp_path / "a", 40).read_text("utf-8")
    assert posts == multimodal.xor(tmp_path / "b", 40).read_text("utf-8")
    rows = [*csv.DictReader(io.StringIO(posts))]
    for half in ("tone", "light"):
        for side in {row[half] for row in rows}:
            assert [row["irony"] for row in rows if row[half] == side].count("yes") == 10
    assert len({row["text"] for row in rows}) == len({row["media"] for row in rows}) == 40
    assert all((tmp_path / "a" / row["media"]).read_bytes()[1:4] == b"PNG" for row in rows)
