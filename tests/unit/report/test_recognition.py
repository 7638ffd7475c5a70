import pytest
from persons import BASIS, grant

from studium import Corpus
from studium.core import audit
from studium.core.audit import Use
from studium.report.reading import Reading
from studium.report.recognition import recognition


@pytest.fixture
def said(tmp_path):
    def read() -> str:
        corpus = Corpus(tmp_path)
        return recognition(Reading(tmp_path, corpus.store, corpus.study))

    return read


def test_nothing_is_said_where_nothing_was_asked(said):
    assert said() == ""


def test_refusals_are_counted(said, tmp_path):
    audit.append(tmp_path / audit.NAME, Use("find", "face", 3), allowed=False, reason="there is no record of it")
    assert said() == "Telling persons apart by their faces was asked for 1 time; 1 refused, done 0 times."


def test_the_legal_basis_is_told(said, tmp_path):
    grant(tmp_path)
    log = tmp_path / audit.NAME
    audit.append(log, Use("find", "face", 3), allowed=True, basis="0123")
    audit.append(log, Use("find", "face", 3), allowed=True, basis=BASIS.digest)
    assert f"under the legal basis 0123, {BASIS.digest}. Purpose: {BASIS.purpose}." in said()
    assert "until 2099-01-01; templates are kept for 30 days." in said()
    grant(tmp_path, purpose='"Something else"')
    assert "Something else" not in said(), "the uses were made under another record"
    audit.append(log, Use("delete looks-1", "face", 3), allowed=True, reason="expired")
    assert "Templates were deleted 1 time, last on" in said()
    assert "changed after it was written" not in said()
    log.write_text("".join(log.read_text().splitlines(keepends=True)[1:]))
    assert "changed after it was written" in said()
