"""``studium representation`` on two photographs: a woman, and a cup of coffee."""

import csv

import pytest
from click.testing import CliRunner
from PIL import Image

from studium import Corpus, sources
from studium.cli import cli


@pytest.fixture
def root(tmp_path, photos):
    (tmp_path / "images").mkdir()
    for name in ("astronaut", "coffee"):
        picture = Image.open(photos / f"{name}.png")
        picture.thumbnail((256, 256))
        picture.save(tmp_path / "images" / f"{name}.png")
    corpus = Corpus(tmp_path)
    corpus.add(sources.folder(tmp_path / "images"))
    corpus.split("faces", of="image")
    corpus.measure("perceived_gender", of="face")
    return tmp_path


def asked(root, *arguments):
    return CliRunner().invoke(cli, ["representation", "--study", str(root), *arguments])


def test_groups_are_counted_and_what_is_amiss_is_said(root):
    found = asked(root, "--by", "gender")
    assert found.exit_code == 0, found.output
    rows = [row for row in csv.DictReader(found.stdout.splitlines(), delimiter="\t") if row["perceived_gender"]]
    counts = {(row["perceived_gender"], row["of"]): (row["n"], row["total"]) for row in rows}
    assert counts["woman", "face"] == ("1", "1")
    assert counts["woman", "image"] == ("1", "2")
    assert counts["man", "image"] == ("0", "2")
    small = asked(root, "--by", "gender", "--smallest", "200")
    assert "too small" in small.stdout
    for arguments, said in {
        ("--by", "race"): "by should name",
        ("--by", "age"): "no table 'perceived_age'",
        ("--by", "gender", "--made-by", "faces:x"): "no table 'faces:x'",
        ("--by", "gender", "--frames", "frames:x"): "'frames:x'",
    }.items():
        refused = asked(root, *arguments)
        assert refused.exit_code != 0, arguments
        assert said in str(refused.exception)
