"""``studium agree`` and ``studium coders``."""

from datetime import UTC, datetime, timedelta

import pytest
from click.testing import CliRunner

from studium.cli.agree import agree, coders
from studium.core.annotation import Annotation
from studium.core.codebook import Codebook
from studium.core.records import Records
from studium.errors import InputError, UnknownNameError

BOOK = """\
[protest]
question = "Is it a protest?"
of = "image"
type = "binary"
values = [{name = "yes"}, {name = "no"}]
"""
CONSENT = "I agree that my party is kept."


@pytest.fixture
def root(tmp_path):
    (tmp_path / "studium.toml").write_text('[study]\ntitle = "A"\nseed = 4\n')
    (tmp_path / "codebook.toml").write_text(BOOK)
    return tmp_path


def run(command, *args):
    done = CliRunner().invoke(command, [*map(str, args)])
    if done.exception and not isinstance(done.exception, SystemExit):
        raise done.exception
    assert done.exit_code == 0, done.output
    return done.output


def coded(root):
    digest = Codebook.read(root / "codebook.toml")["protest"].digest
    begin = datetime(2026, 3, 2, tzinfo=UTC)
    with Records(root / "studium.db") as records:
        for number in range(6):
            said = ["yes" if at % 6 > (2 if number < 3 else 3) else "no" for at in range(24)]
            records.annotate(
                Annotation(f"u{at:02}", "protest", one, f"c{number}", begin + timedelta(minutes=at), digest)
                for at, one in enumerate(said)
            )


def test_nobody_coded(root):
    assert "nobody has coded in this study yet" in run(agree, "--study", root)
    with pytest.raises(UnknownNameError, match="known: protest"):
        run(agree, "riot", "--study", root)


def test_agreement_is_printed(root):
    coded(root)
    for number in range(6):
        run(
            coders,
            "put",
            f"c{number}",
            f"party={'left' if number < 3 else 'right'}",
            "--consent",
            CONSENT,
            "--study",
            root,
        )
    lines = [line.split("\t") for line in run(agree, "protest", "--by", "party", "--study", root).splitlines()]
    assert ["protest: 24 units coded by two or more, 6 coders"] in lines
    measures = {line[1]: line for line in lines if len(line) == 7}
    assert measures["percent"][2] == "0.900"
    assert measures["krippendorff_alpha"][2:4] != ["", ""]
    assert ["c0", "24", "0", "", "0.900"] in [line[:5] for line in lines]
    assert sum(line[0].startswith("c") and line[1].startswith("c") and len(line) == 5 for line in lines) == 16
    (group,) = (line for line in lines if line[0] == "party")
    assert group[1:6] == ["yes", "left - right", "3, 3", "24", "0.167"]
    assert group[8:10] == ["0.100", "0.100"]
    with pytest.raises(InputError, match="there are: party"):
        run(agree, "--by", "age", "--study", root)
    run(coders, "withdraw", "c0", "--study", root)
    alone = run(agree, "protest", "--by", "party", "--study", root)
    assert "nothing to compare by party: no two groups of at least 3 coders" in alone
    assert "left" not in alone


def test_units_that_were_not_drawn_alike_are_told_of(root):
    coded(root)
    assert "unequal" not in run(agree, "protest", "--study", root)
    book, at = Codebook.read(root / "codebook.toml"), datetime(2026, 3, 3, tzinfo=UTC)
    with Records(root / "studium.db") as records:
        records.annotate([Annotation("u99", "protest", "no", "c0", at, book["protest"].digest, weight=4)])
    said = run(agree, "protest", "--study", root)
    assert "of the units as drawn: they were drawn with unequal probabilities, and agreement is not weighted\n" in said


def test_traits_need_consent_and_can_be_taken_back(root):
    with pytest.raises(InputError, match="the words of consent"):
        run(coders, "put", "ann", "party=left", "--consent", " ", "--study", root)
    with pytest.raises(InputError, match="NAME=VALUE"):
        run(coders, "put", "ann", "party", "--consent", CONSENT, "--study", root)
    assert run(coders, "put", "ann", "party=left", "--consent", CONSENT, "--study", root) == "kept 1 traits of ann\n"
    assert run(coders, "show", "--study", root).splitlines()[1].startswith("ann\tparty\tleft\t20")
    assert run(coders, "withdraw", "ann", "--study", root) == "deleted 1 traits of ann\n"
    assert run(coders, "show", "--study", root) == "coder\ttrait\tvalue\tsince\n"
    with Records(root / "studium.db") as records:
        assert [(one.who, one.what) for one in records.audit()] == [("ann", "traits told"), ("ann", "traits withdrawn")]


def test_the_form_says_what_may_be_told(root):
    form = run(coders, "form")
    (root / "coders.toml").write_text(form)
    with pytest.raises(InputError, match=r"coders.toml asks for: gender"):
        run(coders, "put", "ann", "party=left", "--consent", CONSENT, "--study", root)
    words = form.split('"""')[1]
    with pytest.raises(InputError, match="expected one of woman, man"):
        run(coders, "put", "ann", "gender=left", "--consent", words, "--study", root)
    with pytest.raises(InputError, match="the words of consent that coders"):
        run(coders, "put", "ann", "gender=man", "--consent", CONSENT, "--study", root)
    run(coders, "put", "ann", "gender=man", "--consent", words, "--study", root)
