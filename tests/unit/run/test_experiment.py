"""Experiments of a study: posts whose text and picture tell their label only together."""

import json
import shutil
from datetime import timedelta

import multimodal
import pytest
from click.testing import CliRunner
from persons import grant

from studium import Corpus, sources
from studium.cli import cli
from studium.core import legal
from studium.core.config import read
from studium.errors import InputError, UnknownNameError
from studium.learn.models.linear import LinearProbe
from studium.run import gate
from studium.run.experiment import _Asked, _parts, tables_of
from studium.run.load import DEFAULT

CODEBOOK = """
[irony]
question = "Do text and picture contradict each other?"
of = "post"
type = "binary"
[[irony.values]]
name = "yes"
[[irony.values]]
name = "no"
"""
HEAD = """
[study]
seed = 4
[experiment.irony]
variables = ["irony"]
labels = "column:irony"
apart = ["file"]
folds = 2
draws = 200
price_per_hour = 0.5
[experiment.irony.models]
"""
MODELS = """
words = { model = "ngrams", folds = 2 }
looks = { model = "boosting", of = "image", on = { image = "colour" }, rounds = 5 }
both = { model = "boosting", on = { image = "colour", post = "sentiment" }, smallest = 5, rounds = 30 }
late = { fuse = ["words", "looks"] }
"""
N = 160


@pytest.fixture(scope="module")
def corpus(tmp_path_factory):
    """The study, measured."""
    root = tmp_path_factory.mktemp("irony")
    posts = multimodal.xor(root, N)
    (root / "codebook.toml").write_text(CODEBOOK)
    (root / "studium.toml").write_text(HEAD + MODELS)
    corpus = Corpus(root)
    corpus.add(sources.posts(posts, id="id", text="text", media="media", root=root))
    corpus.measure("sentiment", of="post")
    corpus.measure("colour", of="image")
    return corpus


def asked(corpus, models, **change):
    """Run another experiment of the same study, and put the study file back."""
    path = corpus.root / "studium.toml"
    before = path.read_text()
    head = HEAD
    for old, new in change.items():
        head = head.replace(next(line for line in HEAD.splitlines() if line.startswith(f"{old} =")), new)
    path.write_text(head.replace("experiment.irony", "experiment.other") + models)
    try:
        return corpus.experiment("other")
    finally:
        path.write_text(before)


def test_the_command_compares_models_and_goes_on(corpus):
    words = ["experiment", "irony", "--study", str(corpus.root)]
    first = CliRunner().invoke(cli, words, catch_exceptions=False)
    assert first.exit_code == 0
    assert "8 cells made, 0 kept" in first.output
    assert "irony: 160 units of 160 groups" in first.output
    assert "model\tmodality\tmacro_f1\t95 %\tseconds\tUS dollars" in first.output
    folder = corpus.root / "experiments" / "irony"
    written = (folder / "overview.json").read_bytes()
    said = json.loads(written)
    assert [(one["name"], one["kind"], one["modality"], one["of"]) for one in said["models"]] == [
        ("words", "ngrams", "text", "post"),
        ("looks", "boosting", "image", "image"),
        ("both", "boosting", "multimodal", "post"),
        ("late", "mean", "multimodal", ""),
    ]
    assert said["models"][1]["inputs"].startswith("image colour-")
    means = {row["model"]: row["mean"]["roc_auc"] for row in said["tasks"][0]["results"]}
    assert means["both"]["value"] > means["words"]["value"] + 0.1
    assert means["both"]["value"] > means["looks"]["value"] + 0.1
    assert means["words"]["low"] < 0.5
    assert said["seed"] == 4
    again = CliRunner().invoke(cli, words, catch_exceptions=False)
    assert "0 cells made, 8 kept" in again.output
    assert (folder / "overview.json").read_bytes() == written


def test_run_does_not_train(corpus):
    outcome = corpus.run()
    assert not outcome.rows
    assert not (corpus.root / "experiments" / "other").exists()


def test_an_experiment_that_is_not_there_is_told(corpus):
    with pytest.raises(UnknownNameError, match=r"no \[experiment.irnoy\] in the study file; there are: irony"):
        corpus.experiment("irnoy")


@pytest.mark.parametrize(
    ("models", "change", "says"),
    [
        ('a = { model = "lineal" }', {}, "no estimator named 'lineal'"),
        ('a = { model = "linear" }', {}, "models a: linear reads tables: say which"),
        ('a = { model = "ngrams", on = { post = "sentiment" } }', {}, "ngrams reads text, no tables: leave on out"),
        ('a = { model = "ngrams", folts = 3 }', {}, "models a: ngrams has no parameter folts; it has: "),
        ('a = { model = "ngrams", terms = { largest = 3 } }', {}, "ngrams terms has no parameter largest"),
        ('a = { model = "linear", on = { image = "embed" } }', {}, "studium measure embed --of image"),
        ('a = { model = "ngrams" }\nb = { fuse = ["a", "c"] }', {}, "b fuses c; the models are a"),
        ('a = { model = "ngrams" }', {"variables": 'variables = ["protest"]'}, "protest"),
        ('a = { model = "ngrams" }', {"labels": 'labels = "coded.csv"'}, "coded.csv"),
        ('a = { model = "ngrams" }', {"apart": 'apart = ["party"]'}, "nothing called 'party' keeps units apart"),
        ('a = { model = "ngrams" }', {"folds": 'tuning = { treshold = "f1" }'}, "has no parameter treshold"),
        ('a = { model = "ngrams", of = "speech" }', {}, "speech"),
        (
            'a = { model = "linear", on = { image = "colour" } }',
            {},
            r"\d+ of 160 coded post units lack a number in image",
        ),
        ('a = { model = "ngrams" }', {"draws": "draws = 10"}, "draws of 100 or more"),
        ('a = { model = "ngrams" }', {"folds": "coding = { soft = 1 }"}, "soft should be true or false, got 1"),
    ],
)
def test_mistakes_are_told_before_anything_is_trained(corpus, models, change, says):
    with pytest.raises(InputError, match=says):
        asked(corpus, models, **change)
    assert not [*(corpus.root / "experiments").glob("other/cells/*")]


def test_units_without_a_row_are_counted_by_reason(corpus, tmp_path_factory):
    root = tmp_path_factory.mktemp("lacking")
    posts = multimodal.xor(root, 80)
    lines = posts.read_text().splitlines()
    lines[5] = lines[5].replace("pictures/0004.png", "")
    posts.write_text("\n".join(lines) + "\n")
    (root / "codebook.toml").write_text(CODEBOOK)
    models = 'words = { model = "ngrams" }\nlooks = { model = "boosting", on = { image = "colour" }, rounds = 3 }'
    (root / "studium.toml").write_text(HEAD + models)
    study = Corpus(root)
    study.add(sources.posts(posts, id="id", text="text", media="media", root=root))
    study.measure("colour", of="image")
    task = study.experiment("irony").overview["tasks"][0]
    assert task["left_out"] == {"looks: no row of image colour": 1}
    assert task["labels"]["units"] == 79


def test_models_learn_from_shares_of_coders_if_asked(corpus):
    found = asked(corpus, 'a = { model = "ngrams", folds = 2 }', draws="draws = 100\ncoding = { soft = true }")
    task = found.overview["tasks"][0]
    assert task["labels"]["soft"]
    assert sum(task["labels"]["per_class"].values()) == 160


def test_what_learned_from_templates_goes_with_them(corpus, tmp_path):
    root = tmp_path / "study"
    shutil.copytree(corpus.root, root, ignore=shutil.ignore_patterns("experiments"))
    grant(root)
    basis = (root / "studium.toml").read_text().replace("[study]\n", "")
    models = (
        'looks = { model = "boosting", on = { image = "colour" }, rounds = 3 }\nwords = { model = "ngrams", folds = 2 }'
    )
    (root / "studium.toml").write_text(HEAD + models + "\n" + basis)
    study = Corpus(root)
    gate.mark(study.store.find("image", "colour"), since := legal.today() - timedelta(1))
    folder = study.experiment("irony").folder
    assert json.loads((folder / "_basis.json").read_text()) == {"since": since.isoformat()}
    assert study.uses()[0].use.what == "experiment irony on colour"
    (root / "studium.toml").write_text(HEAD + models)
    with pytest.raises(UnknownNameError, match="no table 'colour'"):
        Corpus(root).experiment("irony")
    assert not folder.exists()


def test_parts_of_posts_are_what_is_attached_to_them(corpus):
    posts = corpus.units("post")["id"].to_pylist()
    pairs = _parts(corpus.store, "image", "post", posts[:10])
    attached = {(row["media"], row["post"]) for row in corpus.attachments().to_pylist() if row["post"] in posts[:10]}
    assert set(pairs) == attached
    assert len(pairs) == 10
    assert _parts(corpus.store, "image", "post", []) == []
    with pytest.raises(InputError, match="image units are not split from video units"):
        _parts(corpus.store, "image", "video", [])


def test_what_cannot_be_decoded_is_left_out_and_tried_once(tmp_path):
    posts = multimodal.xor(tmp_path, 8)
    whole = (tmp_path / "pictures" / "0003.png").read_bytes()
    (tmp_path / "pictures" / "0003.png").write_bytes(whole[: len(whole) // 2])
    (tmp_path / "codebook.toml").write_text(CODEBOOK)
    (tmp_path / "studium.toml").write_text(HEAD + MODELS)
    study = Corpus(tmp_path)
    study.add(sources.posts(posts, id="id", text="text", media="media", root=tmp_path))
    asked = _Asked(study.store, study.codebook, study.study.experiments["irony"], DEFAULT)
    made = asked._of_media("net", {"model": "image_network"}, LinearProbe(), "image", asked.pairs("image"))
    assert made.parts
    assert (len(made.X), len(made.units)) == (7, 7)
    assert set(made.lacking.values()) == {"image: TruncatedFileError"}
    (kept,) = (tmp_path / "experiments" / "irony" / "inputs").glob("*.json")
    stamp = kept.stat().st_mtime_ns
    again = asked._of_media("net", {"model": "image_network"}, LinearProbe(), "image", asked.pairs("image"))
    assert (again.lacking, again.units, kept.stat().st_mtime_ns) == (made.lacking, made.units, stamp)


def test_the_tables_that_models_read(corpus):
    entry = read(corpus.root / "studium.toml").experiments["irony"]
    assert tables_of(entry) == [("image", "colour"), ("post", "sentiment")]
