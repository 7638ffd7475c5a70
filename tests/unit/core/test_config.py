import pytest
from persons import BASIS, RECORD

from studium.core.allowance import FREE
from studium.core.config import SourceEntry, Step, Study, read
from studium.core.legal import LegalBasis
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
    assert (study.database, study.blur_faces) == ("", False)


@pytest.mark.parametrize("url", ["postgresql:///x", "postgresql://me@host:5432/x", "postgresql://me@/x?host=/tmp"])
def test_where_codes_are_kept_and_how_pictures_are_shown(tmp_path, url):
    path = tmp_path / "studium.toml"
    path.write_text(f"[study]\ndatabase = '{url}'\n[serve]\nblur_faces = true\n")
    assert (read(path).database, read(path).blur_faces) == (url, True)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("[study", "not valid TOML"),
        ("[sutdy]", "no key sutdy; known: study, media, remote, serve, source, step, ethics"),
        ("[study]\nseed = 'x'", r"\[study\] seed should be int, got str 'x'"),
        ("[study]\nseed = true", "should be int, got bool"),
        ("[media]\nmax_pixels = 'many'", r"\[media\] max_pixels should be int"),
        ("[source]\nfolder = 'x'", r"under its own  \[\[source\]\]"),
        ("[study]\ndatabase = 'sqlite:///x.db'", r"\[study\] database should be like postgresql://user@host/name, got"),
        ("[study]\ndatabase = 'postgresql://me:secret@host/x'", "holds a password; leave it out, and set STUDIUM_"),
        ("[serve]\nblur_faces = 1", r"\[serve\] blur_faces should be bool, got int 1"),
        ("[serve]\nblur = true", r"\[serve\] has no key blur; known: blur_faces"),
        ("[remote]\nbudget = '5'", r"\[remote\] budget should be a number, got str '5'"),
        ("[remote]\nbudget = -1", r"\[remote\] budget should be a number above 0, got -1"),
        ("[remote]\nbudget = nan", "should be a number above 0, got nan"),
        ("[remote]\nrequests_per_minute = 0", "should be a number above 0, got 0"),
        ("[remote.prices]\ngpt = 0.15", r"such as \[0.15, 0.60\], got 0.15"),
        ("[remote.prices]\ngpt = [0.15, true]", r"'gpt' should be US dollars for a million tokens"),
        ("[[source]]", "number 1 is empty"),
        ("[[source]]\nfolder = 3", "folder should be str"),
        ("[[step]]\nof = 'image'", "split, measure, rollup, cluster, duplicates, map, persons, predict, got of"),
        ("[[step]]\nmeasure = 'a'\ncluster = 'b'", "exactly one of"),
        ("[[step]]\nmeasure = 'a'", "say which units"),
        ("[[step]]\nmeasure = ['a', 'b']\nof = 'image'\ntop = 3", "take no parameters"),
        ("[[step]]\nmeasure = 3\nof = 'image'", "measure should be str"),
        ("[legal_basis]\npurpos = 'x'", r"\[legal_basis\] has no key purpos; known: purpose, article_6"),
        ("[legal_basis]\nretention_days = '30'", r"\[legal_basis\] retention_days should be int"),
        ("[legal_basis]\nexpires = '2027-06-30'", r"\[legal_basis\] expires should be date, got str"),
        ("[legal_basis]\nexpires = 2027-06-30T10:00:00", "expires should be a day such as 2027-06-30, without a time"),
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


def test_a_legal_basis_is_read_as_it_stands(tmp_path):
    path = tmp_path / "studium.toml"
    path.write_text("[study]\n")
    assert read(path).legal_basis is None
    path.write_text("[legal_basis]\n")
    assert read(path).legal_basis == LegalBasis()
    path.write_text(RECORD)
    assert read(path).legal_basis == BASIS


def test_what_may_be_spent_and_how_fast(tmp_path):
    path = tmp_path / "studium.toml"
    path.write_text("[study]")
    assert read(path).remote == FREE
    path.write_text('[remote]\nbudget = 5\nrequests_per_minute = 30.5\nprices = { "gpt-4o-mini" = [0.15, 1] }')
    found = read(path).remote
    assert (found.budget, found.requests_per_minute, found.ledger) == (5, 30.5, None)
    assert found.prices == {"gpt-4o-mini": (0.15, 1.0)}
