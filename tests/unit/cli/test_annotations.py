"""The codebook and annotations on the command line."""

from click.testing import CliRunner

from studium import Corpus, sources
from studium.cli.annotations import annotations
from studium.cli.codebook import codebook
from studium.errors import InputError

CODEBOOK = """\
[scene]
question = "What?"
of = "image"
type = "binary"
values = [{ name = "living" }, { name = "thing" }]
"""


def said(command, *words):
    done = CliRunner().invoke(command, [*map(str, words)], catch_exceptions=True)
    assert done.exit_code == 0, (done.output, done.exception)
    return done.output


def test_codes_come_and_go(study):
    corpus = Corpus(study)
    corpus.add(sources.folder(study / "images"))
    (study / "codebook.toml").write_text(CODEBOOK)
    (study / "coded.csv").write_text("path,scene\nimages/living/chelsea.png,living\nimages/thing/coffee.png,\n")
    told = said(annotations, "import", study / "coded.csv", "--coder", "ada", "--study", study)
    assert told == ("1 annotations added, 0 there already\nno annotation, or not taken as it is: 1 empty\n")
    assert "0 annotations added, 1 there already" in said(
        annotations, "import", study / "coded.csv", "--coder", "ada", "--study", study
    )
    told = said(annotations, "export", study / "out.csv", "--pseudonyms", "--study", study)
    assert told.splitlines() == [
        f"wrote 1 annotations to {study / 'out.csv'}",
        "left out, or not told by the format: 1 keys",
    ]
    assert ",coder 1," in (study / "out.csv").read_text()
    again = CliRunner().invoke(annotations, ["export", str(study / "out.csv"), "--study", str(study)])
    assert isinstance(again.exception, InputError)


def test_the_codebook_is_printed_and_written(study):
    Corpus(study).add(sources.folder(study / "images"))
    (study / "codebook.toml").write_text(CODEBOOK)
    assert said(codebook, "--study", study).startswith("# Codebook\n\n## scene\n\n**What?**\n")
    for name, begins in (("a.md", "# Codebook"), ("a.html", "<!DOCTYPE html>"), ("a.xml", "<View>")):
        said(codebook, "--to", study / name, "--study", study)
        assert (study / name).read_text("utf-8").startswith(begins)
    wrong = CliRunner().invoke(codebook, ["--to", str(study / "a.pdf"), "--study", str(study)])
    assert wrong.exit_code == 2
    assert "ends in .md, .html, .xml" in " ".join(wrong.output.split())
