"""From labels to a model and back: trained once, judged on units it never saw, applied to the whole study."""

import json
import shutil
from datetime import UTC, datetime, timedelta

import numpy as np
import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner
from persons import grant

from studium import Corpus, learn, sources
from studium.cli import cli
from studium.core import legal
from studium.core.records.samples import Sample, Sampled
from studium.errors import InputError, UnknownNameError
from studium.learn.folds.splits import Split
from studium.run import gate

CLASSES = {"bird": "animals/birds", "fruit": "food/fruit", "vehicle": "vehicles"}
CODEBOOK = """
[thing]
question = "What is it?"
of = "image"
type = "categorical"
""" + "".join(f'[[thing.values]]\nname = "{name}"\n' for name in CLASSES)
ORDER = {"on": {"image": "embed"}, "labels": "folders", "test": 0.35, "settings": {"C": 0.1}}


@pytest.fixture(scope="module")
def corpus(tmp_path_factory, stamps):
    root = tmp_path_factory.mktemp("train")
    for name, folder in CLASSES.items():
        (root / "images" / name).mkdir(parents=True)
        for path in sorted((stamps / folder).rglob("*.png"))[:22]:
            shutil.copy(path, root / "images" / name / path.name)
    shutil.copy(next((root / "images/bird").iterdir()), root / "new.png")
    (root / "codebook.toml").write_text(CODEBOOK)
    opened = Corpus(root)
    opened.add(sources.folder(root / "images"))
    opened.measure("embed", of="image")
    return opened


@pytest.fixture(scope="module")
def trained(corpus):
    return corpus.train("thing", **ORDER, card={"use": "Telling stamps apart."})


def test_it_is_trained_and_judged(corpus, trained):
    assert trained.computed
    assert trained.folder == corpus.root / "models" / "thing-linear"
    found = trained.evaluation()
    figures = {one["name"]: one for one in found["figures"]}
    assert figures["accuracy"]["value"] > 0.8
    assert figures["accuracy"]["low"] < figures["accuracy"]["value"] <= figures["accuracy"]["high"]
    split = Split.load(trained.folder / "split.json")
    parts = {name: sum(counts.values()) for name, counts in found["split"]["parts"].items()}
    assert figures["accuracy"]["n"] == parts["test"] == sum(part == -1 for part in split.parts)
    assert sum(parts.values()) == found["labels"]["units"] == len(split.units)
    assert np.trace(found["confusion"]) == pytest.approx(figures["accuracy"]["value"] * parts["test"])
    assert [one["class"] for one in found["reliability"]] == list(CLASSES)
    rows = pq.read_table(trained.folder / "predictions.parquet").to_pylist()
    assert {row["part"] for row in rows} == {"validation", "test"}
    right = [row["true"] == row["predicted"] for row in rows if row["part"] == "test"]
    assert np.mean(right) == pytest.approx(figures["accuracy"]["value"])
    card = (trained.folder / "card.md").read_text()
    assert "Telling stamps apart." in card
    assert "efficientnet" in card
    assert "Apache" in card
    assert (trained.folder / "card.html").read_text().startswith("<!DOCTYPE html>")
    assert not list((corpus.root / "models").glob(".*"))


def test_the_same_order_trains_nothing_and_another_never_overwrites(corpus, trained):
    before = (trained.folder / "model.json").stat().st_mtime_ns
    again = corpus.train("thing", **ORDER)
    assert (again.folder, again.computed) == (trained.folder, False)
    with pytest.raises(InputError, match="holds a model that was made from something else"):
        corpus.train("thing", **{**ORDER, "settings": {"C": 1.0}})
    with pytest.raises(InputError, match="holds a model that was made from something else"):
        corpus.train("thing", **ORDER, coding={"soft": True})
    left = corpus.root / "models" / f".thing-linear-{json.loads((again.folder / 'recipe.json').read_text())['key'][:8]}"
    left.mkdir()
    assert not corpus.train("thing", **ORDER, card={"use": "Telling stamps apart.", "limits": "Drawings."}).computed
    assert not left.exists(), "what a kill left behind"
    corpus.train("thing", **ORDER)  # who says nothing changes nothing
    assert all("Drawings." in (trained.folder / name).read_text() for name in ("card.md", "card.html"))
    assert (trained.folder / "model.json").stat().st_mtime_ns == before


def test_one_that_was_killed_while_it_was_written_is_written_anew(corpus, trained, tmp_path):
    root = tmp_path / "study"
    shutil.copytree(corpus.root, root)
    key = json.loads((trained.folder / "recipe.json").read_text())["key"]
    half = root / "models" / f".thing-linear-{key[:8]}" / "whole"
    (root / "models" / "thing-linear").rename(half.parent.with_name("elsewhere"))
    shutil.copytree(trained.folder, half)
    (half / "arrays.npz").write_bytes(b"half")
    again = Corpus(root).train("thing", **ORDER)
    assert again.computed
    assert not half.parent.exists()
    same = [(one.folder / "model.json").read_bytes() for one in (again, trained)]
    assert same[0] == same[1], "what is trained again is the same model"


def test_all_units_are_predicted_once(corpus, trained):
    found = corpus.predict("thing-linear")
    assert found.computed
    assert (found.units, found.missing) == (corpus.units("image").num_rows, {})
    rows = {row["unit"]: row for row in corpus.table("image", "predict:thing-linear").to_pylist()}
    model = learn.load(trained.folder)
    X = corpus.features("image", image="embed")
    expected = dict(zip(X.units, model.predict(X.X), strict=True))
    assert {unit: row["thing"] for unit, row in rows.items()} == expected
    np.testing.assert_allclose([rows[unit]["thing_prob"] for unit in X.units], model.outputs(X.X), atol=1e-6)
    assert not corpus.predict("thing-linear").computed
    said = CliRunner().invoke(cli, ["status", "--study", str(corpus.root)], catch_exceptions=False).output
    assert f"{found.table.recipe.label} (thing-linear)\t{found.units}\t0" in said
    with pytest.raises(InputError, match=r"predict-.* is what a model says that learned from labels"):
        corpus.train("thing", on={"image": "predict:thing-linear"}, labels="folders", name="leak")
    assert found.table.columns[1].about.startswith("probability (they sum to 1) of bird, fruit, vehicle")


def test_new_units_are_predicted_and_old_rows_stay(corpus, trained, tmp_path):
    root = tmp_path / "study"
    shutil.copytree(corpus.root, root)
    (root / "new.png").write_bytes((root / "new.png").read_bytes() + b"\0")
    (root / "broken.png").write_bytes(b"no picture")
    (root / "posts.csv").write_text("id,text,media\na,x,new.png\nb,y,broken.png\n")
    other = Corpus(root)
    other.add(sources.posts(root / "posts.csv", id="id", text="text", media="media", root=root))
    other.measure("embed", of="image")
    found = other.predict("thing-linear", of="image")
    assert found.computed
    assert found.units == corpus.units("image").num_rows + 1
    posts = other.rollup(
        "post", of="image", by="predict:thing-linear", rules={"thing": "mode", "thing_prob": "mean_vector"}
    )
    assert posts.num_rows >= 1
    assert posts["thing"][0].as_py() in CLASSES


def test_a_step_of_the_study_file(corpus, trained, tmp_path):
    root = tmp_path / "study"
    shutil.copytree(corpus.root, root)
    for table in (root / "tables/image").glob("predict-*"):
        shutil.rmtree(table)
    (root / "studium.toml").write_text('[[step]]\npredict = "thing-linear"\nof = "image"\n')
    other = Corpus(root)
    assert sum(other.run().rows.values()) == corpus.units("image").num_rows
    assert not other.run().rows


def test_what_cannot_be_trained_or_predicted(corpus, trained):
    with pytest.raises(InputError, match=r"no model 'x' in this study; there are: thing-linear"):
        corpus.predict("x")
    with pytest.raises(UnknownNameError, match="no estimator named 'guess'"):
        corpus.train("thing", model="guess", labels="folders")
    with pytest.raises(InputError, match="train has no parameter colour"):
        corpus.train("thing", colour="red")
    with pytest.raises(InputError, match="name of a model should be"):
        corpus.train("thing", name="../x", on={"image": "embed"}, labels="folders")
    with pytest.raises(InputError, match="linear has no parameter depth"):
        corpus.train("thing", name="y", on={"image": "embed"}, labels="folders", settings={"depth": 2})
    with pytest.raises(InputError, match="ngrams reads text, no tables"):
        corpus.train("thing", name="y", model="ngrams", on={"image": "embed"}, labels="folders")
    with pytest.raises(InputError, match="say which tables to learn from"):
        corpus.train("thing", name="y", labels="folders")
    assert json.loads((trained.folder / "recipe.json").read_text())["on"][0]["name"] == "embed"


@pytest.fixture(scope="module")
def sampled(corpus, tmp_path_factory):
    """The study with samples; of the pair of pictures of one post one is in each sample."""
    root = tmp_path_factory.mktemp("sampled") / "study"
    shutil.copytree(corpus.root, root, ignore=shutil.ignore_patterns("models", "predict-*"))
    units = sorted(corpus.table("image", "embed").to_pylist(), key=lambda row: row["path"])
    ids, paths = [row["unit"] for row in units], [row["path"] for row in units]
    (root / "posts.csv").write_text(f"id,text,media\na,x,{paths[0]};{paths[1]}\n")
    other = Corpus(root)
    other.add(sources.posts(root / "posts.csv", id="id", text="text", media="media", root=root))
    at, chances = datetime.now(UTC), {unit: (0.9, 0.1)[n % 2] for n, unit in enumerate(ids[::3])}
    with other.records() as records:
        for name, of, design, pairs in (
            ("unequal", "image", "stratified", False),
            ("chosen", "image", "purposive", False),
            ("posts", "post", "simple", False),
            ("two", "image", "pairs", True),
        ):
            drawn = [Sampled(unit, chance) for unit, chance in chances.items()]
            records.samples.add(Sample(name, of, {"design": design}, "ann", at, pairs, tuple(drawn)))
    return other, chances, ids


def test_it_is_judged_on_a_sample_by_its_probabilities(sampled):
    other, chances, ids = sampled
    asked = {key: value for key, value in ORDER.items() if key != "test"} | {"test_sample": "unequal"}
    made = other.train("thing", **asked)
    split = Split.load(made.folder / "split.json")
    assert set(np.array(split.units)[np.equal(split.parts, -1)]) == set(chances)
    assert set(ids) - set(split.units) == {ids[1]}, "of a post with one of the sample: not learned from"
    told = made.evaluation()
    assert told["labels"]["dropped"] == {"hang together with a unit of the test sample": 1}
    assert told["split"]["told"][0] == (
        f"the test part is the sample unequal (stratified): {len(chances)} of its {len(chances)} units, weighted by "
        "1 / P(drawn), which is from 0.1 to 0.9"
    )
    rows = [row for row in pq.read_table(made.folder / "predictions.parquet").to_pylist() if row["part"] == "test"]
    assert {row["unit"]: row["weight"] for row in rows} == {unit: 1 / chance for unit, chance in chances.items()}
    right, heavy = [row["true"] == row["predicted"] for row in rows], [row["weight"] for row in rows]
    accuracy = next(one["value"] for one in told["figures"] if one["name"] == "accuracy")
    assert accuracy == pytest.approx(np.average(right, weights=heavy))
    assert accuracy != pytest.approx(np.mean(right)), "else the test tells nothing"
    words = ["--on", "image=embed", "--labels", "folders", "--set", "C=0.1", "--test-sample", "unequal"]
    again = CliRunner().invoke(cli, ["train", "thing", *words, "--study", str(other.root)], catch_exceptions=False)
    assert "nothing to do: trained before" in again.output
    assert "kept apart by post (--apart names others)" in again.output
    assert told["split"]["told"][0] in again.output


@pytest.mark.parametrize(
    ("asked", "says"),
    [
        ({"test_sample": "no"}, "no sample 'no'"),
        ({"test_sample": "chosen"}, "were chosen, not drawn"),
        ({"test_sample": "posts"}, "is of post units, and the variable is of image units"),
        ({"test_sample": "two"}, "is of pairs of image units"),
        ({"test_sample": "unequal", "test": 0.3}, "or a share of 0.3; leave one of them out"),
    ],
)
def test_samples_that_no_model_can_be_judged_on(sampled, asked, says):
    with pytest.raises(InputError, match=says):
        sampled[0].train("thing", **{**ORDER, "test": 0.2, "name": "no", **asked})


def test_who_learns_from_held_out_units_is_told(sampled, caplog):
    other, *_ = sampled
    other.draw_sample("kept", of="image", n=6, design="holdout")
    other.train("thing", **ORDER, name="all")
    (said,) = [record.getMessage() for record in caplog.records if "held out" in record.getMessage()]
    assert said.startswith("6 of the units were held out to judge models")
    assert said.endswith("--test-sample kept")
    caplog.clear()
    other.train("thing", **{**ORDER, "test": 0.2, "test_sample": "kept"}, name="judged")
    assert not any("held out" in record.getMessage() for record in caplog.records)


def test_who_cannot_split_by_all_that_is_known_is_told_of_apart(sampled, tmp_path):
    other, *_ = sampled
    root = tmp_path / "study"
    shutil.copytree(other.root, root)
    rows = "".join(f"p{at},x,one,{row['path']}\n" for at, row in enumerate(other.table("image", "embed").to_pylist()))
    (root / "accounts.csv").write_text(f"id,text,author,media\n{rows}")
    third = Corpus(root)
    third.add(sources.posts(root / "accounts.csv", id="id", text="text", author="author", media="media", root=root))
    with pytest.raises(InputError, match=r"kept apart by all that the study knows, post, account; --apart"):
        third.train("thing", **ORDER, name="account")
    made = third.train("thing", **ORDER, name="post", apart=("post",))
    assert made.evaluation()["split"]["kept_apart"] == ["post"]


@pytest.mark.slow
def test_a_network_reads_pictures_and_posts_get_its_codes(corpus, tmp_path):
    names = {kind: sorted(path.name for path in (corpus.root / "images" / kind).iterdir())[:8] for kind in CLASSES}
    paths = [f"images/{kind}/{name}" for kind in ("bird", "vehicle") for name in names[kind]]
    for path in paths:
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(corpus.root / path, tmp_path / path)
    (tmp_path / "images/bird/broken.png").write_bytes(b"\x89PNG\r\n\x1a\n broken")
    (tmp_path / "codebook.toml").write_text(CODEBOOK.replace('[[thing.values]]\nname = "fruit"\n', ""))
    (tmp_path / "posts.csv").write_text(f"id,text,media\na,x,{paths[0]};{paths[-1]}\n")
    (tmp_path / "coded.csv").write_text("\n".join(["path,value", *(f"{one},{one.split('/')[1]}" for one in paths)]))
    other = Corpus(tmp_path)
    other.add(sources.folder(tmp_path / "images"))
    other.add(sources.posts(tmp_path / "posts.csv", id="id", text="text", media="media", root=tmp_path))
    few = {"schedule": {"epochs": 1, "batch": 8}}
    made = other.train("thing", model="image_network", labels=tmp_path / "coded.csv", name="net", settings=few)
    told = made.evaluation()
    assert (told["modality"], told["takes"], len(told["training"]["curve"])) == ("image", "image", 1)
    assert told["split"]["kept_apart"] == ["post"]
    found = other.predict("net")
    assert (found.units, sum(found.missing.values())) == (16, 1)
    assert other.failures()["step"].to_pylist() == ["predict"]
    codes = {row["path"]: row for row in other.table("image", "predict:net").to_pylist()}
    post = other.rollup("post", of="image", by="predict:net", rules={"thing_prob": "mean_vector"}).to_pylist()[0]
    mean = np.mean([codes[path]["thing_prob"] for path in (paths[0], paths[-1])], axis=0)
    np.testing.assert_allclose(post["thing_prob"], mean, atol=1e-6)


def test_what_learned_from_templates_is_under_the_legal_basis(corpus, tmp_path):
    root = tmp_path / "study"
    shutil.copytree(corpus.root, root, ignore=shutil.ignore_patterns("models", "predict-*"))
    grant(root)
    other = Corpus(root)
    gate.mark(other.store.find("image", "embed"), since := legal.today() - timedelta(1))
    made = other.train("thing", **ORDER)
    assert made.evaluation()["templates"]
    assert json.loads((made.folder / "_basis.json").read_text()) == {"since": since.isoformat()}
    assert gate.oldest([other.predict("thing-linear").table]) == since, "predictions are as old as the rows"
    assert other.uses()[0].use.what.startswith("train thing-linear on")
    other.export("thing-linear", tmp_path / "out")
    assert "templates of faces" in (tmp_path / "out" / "README.md").read_text()
    (root / "models/.thing-killed").mkdir()
    shutil.copy(made.folder / "_basis.json", root / "models/.thing-killed")
    (root / "studium.toml").unlink()
    with pytest.raises(InputError, match="no model 'thing-linear'"):
        Corpus(root).predict("thing-linear")
    with pytest.raises(InputError, match="no model 'thing-linear'"):
        Corpus(root).export("thing-linear", tmp_path / "again")
    assert not list((root / "models").iterdir()), "the model went, and what a kill had left of one"
    assert "delete models/thing-linear" in [one.use.what for one in other.uses()]
    assert not list((root / "tables/image").glob("predict-*")), "predictions went with the templates"


def test_the_command_line(corpus, trained):
    words = [
        "train",
        "thing",
        "--on",
        "image=embed",
        "--labels",
        "folders",
        "--test",
        "0.35",
        "--set",
        "C=0.1",
        "--study",
        str(corpus.root),
    ]
    done = CliRunner().invoke(cli, words, catch_exceptions=False)
    assert done.exit_code == 0
    assert "nothing to do: trained before" in done.output
    assert "kept apart by nothing" in done.output
    assert any(line.startswith("macro-F1\t") for line in done.output.splitlines())
    assert CliRunner().invoke(cli, ["train", "thing", "--on", "embed", "--study", str(corpus.root)]).exit_code == 2
