"""Tasks and decisions on the command line."""

import csv

import pytest
from click.testing import CliRunner

from studium import Corpus, sources
from studium.cli.adjudicate import adjudicate
from studium.cli.sample import sample
from studium.cli.task import task, tasks
from studium.errors import StudiumError

CODEBOOK = """
[scene]
question = "What does it show?"
of = "image"
type = "categorical"
values = [{name = "living"}, {name = "thing"}]

[tags]
question = "What applies?"
of = "image"
type = "multilabel"
values = [{name = "old"}, {name = "torn"}]
"""


@pytest.fixture
def corpus(study):
    """Four pictures, all of them drawn."""
    (study / "codebook.toml").write_text(CODEBOOK)
    made = Corpus(study)
    made.add(sources.folder(study / "images"))
    made.draw_sample("first", of="image", n=4)
    return made


def said(corpus, command, *words):
    done = CliRunner().invoke(command, [*map(str, words), "--study", str(corpus.root)], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return done.output


def test_from_a_task_to_decisions(corpus, tmp_path):
    assert "no tasks yet" in said(corpus, tasks)
    given = ("t", "--sample", "first", "--variable", "scene", "-v", "tags", "--coder", "ada", "--coder", "ben")
    assert "4 of 4 units have several coders" in said(corpus, task, *given)
    units = corpus.units("image")["id"].to_pylist()
    for coder, scene in (("ada", "living"), ("ben", "thing")):
        for unit in units[: 3 if coder == "ada" else 2]:
            corpus.annotate("t", unit, {"scene": scene, "tags": []}, coder=coder, seconds=3, note="=1+1")
    head, ada, ben = [line.split("\t") for line in said(corpus, tasks).splitlines()]
    assert (head[3], ada[:5], ben[:4]) == ("coded", ["t", "ada", "4", "3", "3.0"], ["t", "ben", "4", "2"])
    assert said(corpus, adjudicate, "scene").endswith("2 disagreements, 0 decided\n")
    decided = said(corpus, adjudicate, "scene", "--decide", units[0], "Thing", "--as", "eve", "--note", "a cup")
    assert decided == f"scene of {units[0]} is thing; said were living, thing\n"
    said(corpus, adjudicate, "scene", "--decide", units[1], "null", "--as", "eve")
    said(corpus, adjudicate, "tags", "--decide", units[0], '["torn"]', "--as", "eve")
    assert "0 disagreements" in said(corpus, adjudicate, "scene", "--undecided")
    said(corpus, adjudicate, "scene", "--export", tmp_path / "out.csv")
    with (tmp_path / "out.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert [(row["coder"], row["value"], row["decided"], row["why"]) for row in rows] == [
        ("ada", "living", "thing", "a cup"), ("ben", "thing", "thing", "a cup"),
        ("ada", "living", "null", ""), ("ben", "thing", "null", ""),
    ]  # fmt: skip
    assert "is there already" in _refused(corpus, adjudicate, "scene", "--export", tmp_path / "out.csv")


def _refused(corpus, command, *words):
    done = CliRunner().invoke(command, [*map(str, words), "--study", str(corpus.root)])
    assert done.exit_code != 0
    return f"{done.output} {done.exception}"


def test_what_is_refused(corpus):
    given = ("t", "--sample", "first", "-v", "scene", "--coder", "ada")
    assert "leave one out" in _refused(corpus, task, *given, "--overlap", "0.5", "--per-unit", "1")
    assert "no sample 'none'" in _refused(corpus, task, "t", "--sample", "none", "-v", "scene", "--coder", "ada")
    assert "--decide UNIT VALUE and --as NAME" in _refused(corpus, adjudicate, "scene", "--as", "eve")
    assert "expected JSON" in _refused(corpus, adjudicate, "tags", "--decide", "u", "torn", "--as", "eve")
    assert "nothing to decide" in _refused(corpus, adjudicate, "scene", "--decide", "u", "thing", "--as", "eve")
    assert "nothing will be known of how coders agree" in said(corpus, task, *given, "--per-unit", "1")
    with pytest.raises(StudiumError, match="no task"):
        corpus.progress("none")


def test_a_sample_without_a_kind_says_what_is_missing(corpus):
    done = CliRunner().invoke(sample, ["second", "--study", str(corpus.root)])
    assert (done.exit_code, "--of image" in done.output) == (2, True)
    assert "2 of 4 image units; sample second" in said(corpus, sample, "second", "--of", "image", "--n", 2)
