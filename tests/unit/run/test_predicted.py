"""Models of texts and pictures as measures: killed and gone on with, told what they cannot read, handed elsewhere."""

import csv
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import multimodal
import numpy as np
import onnxruntime
import pytest
from click.testing import CliRunner

from studium import Corpus, learn, sources
from studium.cli import cli
from studium.core import parts
from studium.errors import InputError, UnknownNameError
from studium.learn.predict import Predict
from studium.testing import check_measure

STUDIUM = Path(sys.executable).with_name("studium")
CODEBOOK = """
[tone]
question = "What is its tone?"
of = "post"
type = "ordinal"
[[tone.values]]
name = "negative"
[[tone.values]]
name = "neutral"
[[tone.values]]
name = "positive"

[rating]
question = "How positive?"
of = "post"
type = "continuous"

[signs]
question = "Which signs does it have?"
of = "post"
type = "multilabel"
[[signs.values]]
name = "exclamation"
[[signs.values]]
name = "question"
"""


@pytest.fixture(scope="module")
def corpus(tmp_path_factory):
    root = tmp_path_factory.mktemp("predicted")
    (root / "codebook.toml").write_text(CODEBOOK)
    file = multimodal.tweets(root, 700)
    opened = Corpus(root)
    opened.add(sources.posts(file, id="id", text="text", root=root))
    return opened


@pytest.fixture(scope="module")
def words(corpus):
    return corpus.train("tone", model="ngrams", labels="column:tone", name="words", settings={"folds": 3})


def test_texts_learn_and_predict(corpus, words):
    told = words.evaluation()
    assert (told["modality"], told["takes"], told["task"]) == ("text", "text", "ordinal")
    figures = {one["name"]: one for one in told["figures"]}
    assert figures["quadratic kappa"]["low"] > 0, "words tell tone"
    found = corpus.predict("words")
    assert (found.computed, found.units, found.missing) == (True, 700, {})
    rows = corpus.table("post", "predict:words").to_pylist()
    texts = {row["unit"]: row["text"] for row in corpus.posts().to_pylist()}
    model = learn.load(words.folder)
    some = rows[:40]
    assert [row["tone"] for row in some] == model.predict([texts[row["unit"]] for row in some]).tolist()
    assert not corpus.predict("words").computed


def test_a_card_names_no_author(corpus, tmp_path):
    """The errors about each account are for the eyes of the study; a card is handed on."""
    rows = list(csv.DictReader((corpus.root / "posts.csv").read_text(encoding="utf-8").splitlines(keepends=True)))
    (tmp_path / "codebook.toml").write_text(CODEBOOK)
    with (tmp_path / "posts.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, [*rows[0], "author"])
        writer.writeheader()
        writer.writerows(row | {"author": f"Ada {at % 4}"} for at, row in enumerate(rows[:400]))
    other = Corpus(tmp_path)
    other.add(sources.posts(tmp_path / "posts.csv", id="id", text="text", root=tmp_path))
    settings = {"folds": 2, "vocabulary": 300}
    made = other.train("tone", model="ngrams", labels="column:tone", settings=settings, by=("author",), apart=("post",))
    assert {one["of"] for one in made.evaluation()["groups"]} >= {"author: Ada 1"}
    cards = [(made.folder / name).read_text(encoding="utf-8") for name in ("card.md", "card.html")]
    assert not [card for card in cards if "Ada" in card]


def test_it_keeps_the_contract_of_measures(words):
    check_measure(Predict(str(words.folder / "model.json"), called="words"), ["happy today", "awful :(", "ok"])


def test_killed_and_gone_on_with(corpus, words, tmp_path):
    """Each kill loses what was under way; the end is that of a quiet run."""
    root = tmp_path / "study"
    shutil.copytree(corpus.root, root)
    for table in (root / "tables/post").glob("predict-*"):
        shutil.rmtree(table)
    kills = 0
    for _ in range(3):
        run = subprocess.Popen([STUDIUM, "predict", "words", "--study", root], stdout=subprocess.DEVNULL)
        while run.poll() is None and not any((root / "tables/post").glob("predict-*/_recipe.json")):
            time.sleep(0.002)
        time.sleep(0.01 * kills)
        if run.poll() is None:
            os.kill(run.pid, signal.SIGKILL)
            kills += 1
        run.wait()
    done = Corpus(root).predict("words")
    assert kills
    assert done.units == 700
    assert parts.rows(done.table.folder) == 700, "nothing is computed twice"
    peaceful = corpus.predict("words")
    named = ("unit", "tone", "tone_prob")
    mine, theirs = (
        {row["unit"]: row for row in one.table("post", "predict").select(named).to_pylist()}
        for one in (Corpus(root), corpus)
    )
    assert mine == theirs
    assert done.table.recipe == peaceful.table.recipe


def test_units_without_input_are_counted(corpus, words, tmp_path):
    root = tmp_path / "study"
    shutil.copytree(corpus.root, root)
    (root / "more.csv").write_text("id,text\nempty,\n")
    other = Corpus(root)
    other.add(sources.posts(root / "more.csv", id="id", text="text", root=root))
    found = other.predict("words")
    assert found.units + sum(found.missing.values()) == 701
    said = CliRunner().invoke(cli, ["predict", "words", "--study", str(root)], catch_exceptions=False)
    assert f"{found.units} post units" in said.output


def test_numbers_and_several_labels(corpus, tmp_path):
    corpus.measure("wording", of="post")
    held = corpus.train("rating", on={"post": "wording"}, labels="column:rating", name="rating", settings={"C": 1.0})
    assert {one["name"] for one in held.evaluation()["figures"]} >= {"RMSE", "R²"}
    assert corpus.predict("rating").table.schema.names == ["unit", "rating"]
    with pytest.raises(InputError, match="rating is continuous: a model of it tells no uncertainty"):
        corpus.draw_sample("numbers", design="uncertainty", by="rating")
    rows = corpus.posts().to_pylist()
    file = tmp_path / "signs.csv"
    with file.open("w", newline="") as out:
        write = csv.writer(out)
        write.writerow(("unit", "signs"))
        for row in rows:
            signs = [name for name, mark in (("exclamation", "!"), ("question", "?")) if mark in row["text"]]
            write.writerow((row["unit"], ";".join(signs) or "none_of_these"))
    marked = corpus.train("signs", on={"post": "wording"}, labels=file, name="signs", settings={"C": 1.0})
    corpus.predict("signs")
    table = corpus.table("post", "predict:signs").to_pylist()
    assert {tuple(json.loads(row["signs"])) for row in table} <= {
        (), ("exclamation",), ("question",), ("exclamation", "question")
    }  # fmt: skip
    assert len(table[0]["signs_prob"]) == 2
    assert marked.evaluation()["confusion"] is None


def test_a_class_that_no_unit_has_and_units_with_missing_numbers(tmp_path):
    """The model does not know the class; units whose row has a hole are left out and counted, twice."""
    extra = '[[tone.values]]\nname = "mixed"\n[[tone.values]]\nname = "positive"'
    (tmp_path / "codebook.toml").write_text(CODEBOOK.replace('[[tone.values]]\nname = "positive"', extra))
    with multimodal.tweets(tmp_path, 120).open(newline="") as file:
        rows = list(csv.DictReader(file))
    for row in rows[::10]:
        row["text"] = ""
    with (tmp_path / "posts.csv").open("w", newline="") as file:
        out = csv.DictWriter(file, rows[0])
        out.writeheader()
        out.writerows(rows)
    study = Corpus(tmp_path)
    study.add(sources.posts(tmp_path / "posts.csv", id="id", text="text", root=tmp_path))
    study.measure("wording", of="post")
    made = study.train("tone", on={"post": "wording"}, labels="column:tone", settings={"C": 0.1})
    told = made.evaluation()
    assert told["classes"] == ["negative", "neutral", "positive"]
    assert told["labels"]["unused"] == ["mixed"]
    assert "No unit is mixed" in (made.folder / "card.md").read_text()
    assert told["left_out"] == {"a number is missing in its row": 12}
    assert sum(sum(part.values()) for part in told["split"]["parts"].values()) == 108
    found = study.predict("tone-linear")
    assert (found.units, found.missing) == (108, {"a number is missing in its row": 12})


def test_nothing_is_left_to_code(corpus, words):
    with pytest.raises(UnknownNameError, match="begin with  studium predict"):
        corpus.draw_sample("lines", design="uncertainty", by="words", of="line")
    corpus.predict("words")
    with pytest.raises(InputError, match="all 700 post units that words predicted are coded already"):
        corpus.draw_sample("more", design="uncertainty", by="words")


@pytest.fixture(scope="module")
def grown(corpus, words, tmp_path_factory):
    """The study with posts that nobody coded, and how many they are."""
    folder = tmp_path_factory.mktemp("grown")
    corpus.predict("words")
    shutil.copytree(corpus.root, folder / "study")
    other = Corpus(folder / "study")
    other.add(sources.posts(multimodal.tweets(folder, 1100), id="id", text="text", root=other.root))
    other.predict("words")
    return other, other.units("post").num_rows - 700


def test_the_next_units_to_code(corpus, grown, tmp_path):
    other, n = grown
    to = tmp_path / "next.csv"
    command = f"sample next --design uncertainty --by words -n 40 --to {to} --study {other.root}".split()
    said = CliRunner().invoke(cli, command, catch_exceptions=False)
    assert said.output.startswith(f"40 of {n} post units; sample next")
    assert "left out: 700 units (coded before)" in said.output
    with to.open() as file:
        rows = list(csv.DictReader(file))
    assert not {row["unit"] for row in rows} & set(corpus.units("post")["id"].to_pylist())
    assert sum(float(row["weight"]) for row in rows) == pytest.approx(n, rel=0.35), "it stands for all that are left"
    how = {"design": "uncertainty", "sample": "next", "frame": str(n), "seed": "0"}
    assert {name: {row[name] for row in rows} for name in how} == {name: {one} for name, one in how.items()}
    with other.records() as records:
        kept = records.samples.get("next")
    key = json.loads((other.root / "models/words/recipe.json").read_text())["key"]
    assert [one.unit for one in kept.units] == [row["unit"] for row in rows]
    assert kept.design["behind"] == [{"model": "words", "key": key, "variable": "tone"}]
    assert (kept.design["floor"], kept.design["left_out"]) == (0.3, {"coded before": 700})
    assert all(row["text"] for row in rows), "what a coder reads"
    assert "predicted" not in rows[0], "blind"
    assert all(float(row["weight"]) * float(row["chance"]) == pytest.approx(1) for row in rows)
    again = CliRunner().invoke(cli, [*command[:1], "again", *command[2:]])
    assert isinstance(again.exception, InputError)
    assert "may hold codes" in str(again.exception)


def test_what_a_file_of_codes_holds_is_not_drawn(grown, tmp_path):
    other, n = grown
    asked = {"design": "uncertainty", "by": "words"}
    found = other.draw_sample("first", n=40, **asked)
    coded = [one.unit for one in found.units]
    (tmp_path / "coded.csv").write_text("unit,value\n" + "".join(f"{unit},neutral\n" for unit in coded))
    left = other.draw_sample("rest", n=10, labels=tmp_path / "coded.csv", **asked)
    assert (left.design["frame"], left.design["left_out"]) == (n - 40, {"coded before": 740})
    assert not {one.unit for one in left.units} & {*coded}
    fresh = other.draw_sample("fresh", n=10, fresh=True, **asked)
    gone = len({*coded, *(one.unit for one in left.units)})
    assert fresh.design["left_out"]["drawn by other samples"] >= gone


def test_an_export_loads_in_a_fresh_process(corpus, words, tmp_path):
    to = corpus.export("words", tmp_path / "handed on")
    script = (
        "import sys; from studium import learn; print(learn.load(sys.argv[1]).predict(['happy', 'awful']).tolist())"
    )
    run = subprocess.run([sys.executable, "-c", script, to], capture_output=True, text=True, check=True, cwd=tmp_path)
    assert run.stdout.strip() == str(learn.load(words.folder).predict(["happy", "awful"]).tolist())
    assert {path.name for path in to.iterdir()} >= {"model.json", "card.md", "card.html", "README.md", "inputs.json"}
    assert "vocabulary of `ngrams` is words of the texts" in (to / "README.md").read_text()
    assert not any("predictions" in path.name or "split" in path.name for path in to.rglob("*"))
    with pytest.raises(InputError, match="is there; name a new folder"):
        corpus.export("words", to)


def test_a_linear_model_is_handed_on_as_onnx_too(corpus, tmp_path):
    corpus.measure("wording", of="post")
    corpus.train("tone", on={"post": "wording"}, labels="column:tone", name="plain", settings={"C": 0.1})
    to = corpus.export("plain", tmp_path / "plain")
    model, X = learn.load(to), corpus.features("post", post="wording").X[:50]
    session = onnxruntime.InferenceSession(to / "scores.onnx")
    (scores,) = session.run(None, {"X": X.astype(np.float32)})
    inner = model.model
    expected = ((X - inner.mean) / inner.scale) @ inner.coef.T + inner.intercept
    np.testing.assert_allclose(scores, expected, atol=1e-3)
    assert "wording" in (to / "inputs.json").read_text()
