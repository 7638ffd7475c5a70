"""The section on the validation of clusters: the figures of a study's pairs, and nothing that is not known."""

from datetime import UTC, datetime

import handwritten
import pytest
from page_checks import read

from studium import report
from studium.core.annotation import Annotation
from studium.core.pair import units_of
from studium.report.pairs import validations
from studium.report.reading import Reading

NAME = "same <b>digit</b>"
AT = datetime(2026, 3, 1, tzinfo=UTC)


@pytest.fixture(scope="module")
def corpus(tmp_path_factory):
    return handwritten.study(tmp_path_factory.mktemp("validated"), 200)


def section(corpus):
    return validations(Reading(corpus.root, corpus.store, corpus.study))


def test_nothing_is_said_where_nothing_is_coded(corpus, tmp_path):
    assert section(corpus) == []
    corpus.draw_pairs(NAME, handwritten.clusterings(corpus), n=150, across=80)
    assert section(corpus) == []
    (corpus.root / "codebook.toml").rename(tmp_path / "codebook.toml")
    assert section(corpus) == []
    (tmp_path / "codebook.toml").rename(corpus.root / "codebook.toml")


def test_what_the_pairs_say(corpus):
    digit, digest = handwritten.classes(corpus), corpus.codebook["same"].digest
    with corpus.records() as records:
        units = records.samples.get(NAME).units
        for coder, wrong in (("ada", 1), ("ben", 12)):
            said = [len({digit[one] for one in units_of(pair.unit)}) == 1 for pair in units[:-1]]
            records.annotate(
                Annotation(pair.unit, "same", "yes" if same ^ (at % 16 == wrong) else "no", coder, AT, digest)
                for at, (pair, same) in enumerate(zip(units, said, strict=False))
            )  # fmt: skip
    (found,) = section(corpus)
    result = corpus.pairs(NAME)
    assert found.name == NAME
    assert f"{len(units) - 1 - result.votes.ties} of {len(units)} pairs of images have an answer" in found.about
    assert f"{result.votes.ties} tied" in found.about
    assert "1 not coded" in found.about
    assert "ada" not in found.about
    for row, one in zip(found.configurations, result.configurations, strict=True):
        assert row[0] == one.name
        assert row[4] == f"{one.found.share.value:.3f}"
    assert len(found.differences) == 4
    assert found.differences[0][:3] == [
        "share of pairs within clusters",
        *(one.name for one in result.configurations[::-1]),
    ]
    assert ["Krippendorff's alpha", f"{result.agreement['krippendorff_alpha'].value:.3f}"] in [
        row[:2] for row in found.agreement
    ]
    page = read(report.write(corpus).read_text(encoding="utf-8"))
    assert "validation" in page.ids
    assert f"{NAME}" in page.text, "as it is written, not as markup"
    assert page.unnamed == 0
    assert "Validation of clusters" in page.text
