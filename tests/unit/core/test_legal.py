import dataclasses
import pickle
import tomllib
from concurrent.futures import ThreadPoolExecutor
from datetime import date, datetime

import pytest
from persons import BASIS

from studium.core import audit, legal
from studium.core.audit import Use
from studium.core.legal import LegalBasis
from studium.errors import RefusedError


def test_an_empty_record_lacks_everything():
    assert len(LegalBasis().faults()) == len(dataclasses.fields(LegalBasis))


def test_a_complete_record_holds_until_its_last_day():
    assert BASIS.faults() == []
    assert BASIS.faults(date(2099, 1, 1)) == []
    assert BASIS.faults(date(2099, 1, 2)) == ["it expired on 2099-01-01"]


@pytest.mark.parametrize("field", [f.name for f in dataclasses.fields(LegalBasis)])
def test_every_field_counts(field):
    empty = dataclasses.replace(BASIS, **{field: getattr(LegalBasis(), field)})
    (fault,) = empty.faults()
    assert fault.startswith(f"{field} is missing (")


@pytest.mark.parametrize(
    "said",
    ["", " ", "TODO", "todo: ask the office", "...", "…", "tbd.", "n/a", "-", "?", "xxx", "<name>", "None", "unknown"],
)
def test_placeholders_do_not_count(said):
    assert dataclasses.replace(BASIS, dpia=said).faults()[0].startswith("dpia is missing")


@pytest.mark.parametrize("said", ["DPIA 7", "Ш-12", "unknown at first, then DPIA 7", "倫理委員会 12"])
def test_words_count(said):
    assert dataclasses.replace(BASIS, dpia=said).faults() == []


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("expires", "2099-01-01"),
        ("expires", datetime(2099, 1, 1)),
        ("retention_days", "30"),
        ("retention_days", True),
        ("purpose", 5),
        ("dpia", None),
    ],
)
def test_values_of_the_wrong_type_open_nothing(audited, field, value):
    (fault,) = dataclasses.replace(BASIS, **{field: value}).faults()
    assert fault.startswith(f"{field} is of the wrong type (")


@pytest.mark.parametrize("again", [" ada lee", "Ada Lee.", "ADA\u200b LEE", "\uff21da Lee"])
def test_nobody_approves_their_own_request(again):
    same = dataclasses.replace(BASIS, requested_by="Ada  Lee", approved_by=again)
    assert same.faults() == ["approved_by must be another person than requested_by"]


def test_retention_must_be_at_least_a_day():
    assert dataclasses.replace(BASIS, retention_days=-1).faults()[0].startswith("retention_days is missing")


def test_the_digest_names_what_it_says():
    assert pickle.loads(pickle.dumps(BASIS)).digest == BASIS.digest
    changed = {dataclasses.replace(BASIS, purpose="x y").digest, dataclasses.replace(BASIS, retention_days=31).digest}
    assert len(changed | {BASIS.digest}) == 3


def test_the_form_is_a_record_that_opens_nothing():
    record = LegalBasis(**tomllib.loads(legal.FORM)["legal_basis"])
    assert len(record.faults()) == len(dataclasses.fields(LegalBasis))


def test_nothing_is_granted_outside(audited):
    assert legal.current() is None
    with pytest.raises(RefusedError, match="there is no record of it"):
        legal.require(Use("look", "picture", 3))
    (entry,) = audit.read(audited)
    assert (entry.use, entry.allowed, entry.reason) == (Use("look", "picture", 3), False, "there is no record of it")


def test_a_block_grants_what_it_says_and_no_longer(audited, tmp_path):
    with legal.under(BASIS, tmp_path / "own.jsonl"):
        legal.require(Use("look", "picture", 3))
        assert legal.current() == BASIS
    assert legal.current() is None
    (entry,) = audit.read(tmp_path / "own.jsonl")
    assert (entry.allowed, entry.basis) == (True, BASIS.digest)
    assert not audited.exists()


def test_what_a_study_has_logged_is_not_logged_again(audited):
    with legal.under(BASIS, logged=True):
        legal.require(Use("look", "picture", 3))
    assert not audited.exists()


def test_a_basis_that_expires_within_the_block_refuses_and_logs(audited, monkeypatch):
    with legal.under(BASIS, logged=True):
        monkeypatch.setattr(legal, "today", lambda: date(2099, 1, 2))
        with pytest.raises(RefusedError, match="expired"):
            legal.require(Use("look", "picture", 3))
    assert [entry.reason for entry in audit.read(audited)] == ["it expired on 2099-01-01"]


def test_an_incomplete_basis_opens_no_block_and_is_logged(audited):
    with pytest.raises(RefusedError, match="approved_by is missing"), legal.under(LegalBasis()):
        raise AssertionError
    assert [entry.allowed for entry in audit.read(audited)] == [False]


def test_another_thread_is_granted_nothing():
    with legal.under(BASIS, logged=True), ThreadPoolExecutor(1) as pool:
        assert pool.submit(legal.current).result() is None


def test_without_a_log_nothing_is_recognised(tmp_path):
    from studium.errors import StoreError

    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match="without the log nothing is recognised"):
        legal.admit(BASIS, Use("look", "picture", 1), tmp_path / "file" / "audit.jsonl")
