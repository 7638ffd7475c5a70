"""Where the columns' definitions were published: said in one way, and known to the report's list of references."""

import json
import re
from importlib import resources

import pytest

from studium.core import registry

BARE = re.compile(r"(?<!doi:)\b10\.\d{4,9}/")
DOI = re.compile(r"\bdoi:(10\.\d{4,9}/[^\s;,]+)")


def columns():
    for name in ("aesthetics", "colour", "embed", "embed_text", "histogram", "pdq", "phash", "properties", "tags"):
        yield from registry.make("measures", name, {}).columns
    yield from registry.make("measures", "embed", {"model": "conse"}).columns
    yield from registry.make("measures", "zero_shot", {"values": ("a", "b")}).columns


SOURCES = sorted({column.source for column in columns() if column.source})


@pytest.mark.parametrize("source", SOURCES)
def test_a_doi_is_written_as_doi_colon_number(source):
    assert "doi.org" not in source
    assert not BARE.search(source)
    assert not re.search(r"arxiv:", source, re.IGNORECASE)


def test_the_report_knows_every_doi():
    known = json.loads(resources.files("studium.report").joinpath("bibliography.json").read_text("utf-8"))
    cited = {doi for source in SOURCES for doi in DOI.findall(source)}
    assert len(cited) > 10
    assert cited <= set(known), "add them to report/bibliography.json, written alike"
