"""What coders are asked about themselves: the file, and what does not fit it."""

import pytest

from studium.core.records import Records
from studium.errors import ConfigError, InputError
from studium.run.coding.traits import FILE, TEMPLATE, Questions, questions, tell, withdraw

CONSENT = 'consent = "I agree."\n'


def test_no_file_asks_nothing(tmp_path):
    assert questions(tmp_path) == Questions()


def test_the_template_is_read(tmp_path):
    (tmp_path / FILE).write_text(TEMPLATE + '[party]\nquestion = "Which party?"\n')
    found = questions(tmp_path)
    assert "at any time" in found.consent
    assert [(one.name, one.values) for one in found.questions] == [
        ("gender", ("woman", "man", "non-binary")),
        ("party", ()),
    ]
    found.checked({"party": "any text"}, " ".join(found.consent.split()))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "consent = ..., got None"),
        ('consent = "  "', "consent = "),
        ("consent = [", "expected TOML"),
        (CONSENT + "age = 3", "question 'age': expected a table"),
        (CONSENT + "[age]", "question = ..., got None"),
        (CONSENT + '[age]\nquestion = "How old?"\nof = "image"', "expected a table with question"),
        (CONSENT + '[age]\nquestion = "How old?"\nvalues = [1]', "list of texts"),
    ],
)
def test_what_does_not_fit_is_refused(tmp_path, text, message):
    (tmp_path / FILE).write_text(text)
    with pytest.raises(ConfigError, match=message):
        questions(tmp_path)


def test_withdrawn_traits_are_gone_from_everywhere(tmp_path):
    with Records(tmp_path / "studium.db") as records:
        with pytest.raises(InputError, match="at least one trait"):
            tell(records, "ann", {}, "I agree.")
        tell(records, "ann", {"party": "left"}, "I agree.")
        tell(records, "ann", {"party": "right"}, "I agree.")
        assert [one.value for one in records.traits.all()] == ["right"], "what was said before is not kept"
        assert (withdraw(records, "ann"), withdraw(records, "ann")) == (1, 0)
        assert records.traits.all() == []
        said = str(records.audit())
    assert "left" not in said
    assert "right" not in said
