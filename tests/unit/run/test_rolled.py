"""Rollups that are kept: once per recipe and input, and again when what they are made of changes."""

import json

import pytest

from studium import Corpus, sources
from studium.errors import ConfigError, InputError
from studium.report.reading import Reading

STUDY = """
[[source]]
folder = "images"

[[source]]
posts = "posts.csv"
id = "id"
text = "text"
media = "media"

[[step]]
measure = "colour"
of = "image"

[[step]]
rollup = "colour"
of = "image"
to = "post"
rules = { brightness_mean = "mean", colourfulness = "max" }
"""


@pytest.fixture
def corpus(study):
    (study / "studium.toml").write_text(STUDY)
    chelsea, rocket = "images/living/chelsea.png", "images/thing/rocket.jpg"
    rows = [f"a,x,{chelsea}", f"b,y,{chelsea};{rocket}", "c,z,"]
    (study / "posts.csv").write_text("\n".join(["id,text,media", *rows]))
    return Corpus(study)


def test_a_rollup_of_the_study_file_is_a_table(corpus):
    corpus.run()
    rows = corpus.table("post", "rollup").to_pylist()
    assert [row["n"] for row in rows] == [1, 2, None]
    by_path = {row["path"]: row for row in corpus.table("image", "colour").to_pylist()}
    one, two = by_path["images/living/chelsea.png"], by_path["images/thing/rocket.jpg"]
    assert rows[0]["brightness_mean"] == pytest.approx(one["brightness_mean"])
    assert rows[1]["brightness_mean"] == pytest.approx((one["brightness_mean"] + two["brightness_mean"]) / 2)
    assert rows[1]["colourfulness"] == pytest.approx(max(one["colourfulness"], two["colourfulness"]))
    assert rows[1]["colourfulness_missing"] == 0


def test_its_columns_say_what_they_are(corpus):
    corpus.run()
    table = corpus.store.find("post", "rollup")
    about = {column.name: (column.dtype, column.about) for column in table.columns}
    assert about["n"] == ("int64", "image units it has rows of")
    assert about["colourfulness"][1].startswith("max over its image units of: ")
    assert table.recipe.params["by"].startswith("colour-")


def test_a_second_run_computes_nothing_and_a_new_attachment_a_new_table(corpus):
    corpus.run()
    assert not corpus.run().rows.total()
    with (corpus.root / "posts.csv").open("a") as file:
        file.write("\nd,w,images/thing/coffee.png")
    corpus.run()
    assert [row["n"] for row in corpus.table("post", "rollup").to_pylist()] == [1, 2, None, 1]
    manifest = json.loads(max((corpus.root / "runs").glob("*.json")).read_text())
    assert any(name.startswith("post/rollup-") for name in manifest["outputs"])


def test_the_report_shows_a_rollup_that_was_made_again_once(corpus):
    corpus.run()
    with (corpus.root / "posts.csv").open("a") as file:
        file.write("\nd,w,images/thing/coffee.png")
    corpus.run()
    (shown,) = Reading(corpus.root, corpus.store, corpus.study).measures("post")
    assert shown.read().num_rows == 3


def test_a_report_shortens_the_path_of_its_own_study_only(corpus):
    reading, root = Reading(corpus.root, corpus.store, corpus.study), corpus.root.resolve()
    assert reading.local(f"{root}/a.mp4 (looked in {root}): {root}.") == "a.mp4 (looked in .): .."
    for other in (f"{root}2/a.mp4", f"{root}-old/a.mp4"):
        assert reading.local(other) == other


def test_no_rows_roll_up_to_none(tmp_path):
    corpus = Corpus(tmp_path)
    corpus.measure("colour", of="image")
    found = corpus.rollup("post", of="image", by="colour", rules={"brightness_mean": "mean"})
    assert found.num_rows == 0


def test_what_does_not_hang_together_is_refused(corpus):
    corpus.add(sources.folder(corpus.root / "images"))
    corpus.measure("colour", of="image")
    with pytest.raises(InputError, match="image units are not split from video units"):
        corpus.rollup("video", of="image", by="colour", rules={"brightness_mean": "mean"})
    with pytest.raises(InputError, match="image units do not lie in shot units"):
        corpus.rollup("shot", of="image", by="colour", rules={"brightness_mean": "mean"})


def test_a_step_without_its_keys_says_which(corpus):
    text = STUDY.replace('to = "post"\n', "")
    (corpus.root / "studium.toml").write_text(text)
    with pytest.raises(ConfigError, match="rollup needs to and rules"):
        corpus.run()
