import pytest

from studium.core.config import SourceEntry, Step, Study, read
from studium.errors import ConfigError


def test_the_empty_file_is_the_empty_study(tmp_path):
    (tmp_path / "studium.toml").write_text("")
    assert read(tmp_path / "studium.toml") == Study()


def test_a_whole_study(tmp_path):
    path = tmp_path / "studium.toml"
    path.write_text(
        """
        [study]
        title = "Families"
        authors = ["A", "B"]
        seed = 7
        [[source]]
        folder = "images"
        [[source]]
        posts = "posts.csv"
        id = "post_id"
        [[step]]
        measure = ["colour", "pdq"]
        of = "image"
        [[step]]
        cluster = "embed"
        of = "image"
        threshold = 0.1
        [ethics]
        approval = "IRB 12"
        """
    )
    study = read(path)
    assert (study.title, study.authors, study.seed) == ("Families", ("A", "B"), 7)
    assert study.sources == (
        SourceEntry("folder", "images", {}),
        SourceEntry("posts", "posts.csv", {"id": "post_id"}),
    )
    assert study.steps[0] == Step("measure", ("colour", "pdq"), "image", {})
    assert study.steps[1] == Step("cluster", ("embed",), "image", {"threshold": 0.1})
    assert study.ethics == {"approval": "IRB 12"}


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("[study", "not valid TOML"),
        ("[sutdy]", "no key sutdy; known: study, media, source, step, ethics"),
        ("[study]\nseed = 'x'", r"\[study\] seed should be int, got str 'x'"),
        ("[study]\nseed = true", "should be int, got bool"),
        ("[media]\nmax_pixels = 'many'", r"\[media\] max_pixels should be int"),
        ("[source]\nfolder = 'x'", r"under its own  \[\[source\]\]"),
        ("[[source]]", "number 1 is empty"),
        ("[[source]]\nfolder = 3", "folder should be str"),
        ("[[step]]\nof = 'image'", "exactly one of split, measure, rollup, cluster, duplicates, map, got of"),
        ("[[step]]\nmeasure = 'a'\ncluster = 'b'", "exactly one of"),
        ("[[step]]\nmeasure = 'a'", "say which units"),
        ("[[step]]\nmeasure = ['a', 'b']\nof = 'image'\ntop = 3", "take no parameters"),
        ("[[step]]\nmeasure = 3\nof = 'image'", "measure should be str"),
    ],
)
def test_mistakes_say_where_and_what(tmp_path, text, says):
    path = tmp_path / "studium.toml"
    path.write_text(text)
    with pytest.raises(ConfigError, match=says):
        read(path)


def test_no_file_says_how_to_begin(tmp_path):
    with pytest.raises(ConfigError, match="studium init"):
        read(tmp_path / "studium.toml")
