"""The section on agreement: what it says of coders, and what it keeps to itself."""

import re
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from page_checks import read

from studium import report
from studium.core.annotation import Annotation
from studium.core.codebook import Codebook
from studium.core.records import Records, Trait
from studium.core.unit import Unit
from studium.report.agreement import agreement
from studium.report.reading import Reading

BOOK = """\
[protest]
question = "Is it a <b>protest</b>?"
of = "image"
type = "binary"
values = [{name = "yes"}, {name = "no"}]

[hatred]
question = "Is it hateful?"
of = "image"
type = "binary"
values = [{name = "yes"}, {name = "no"}]

[warmth]
question = "How warm?"
of = "image"
type = "continuous"
"""


@pytest.fixture
def coded(images):
    """60 units, six coders; hatred is rare; three coders see more protest; one tires."""
    root = images.root
    (root / "codebook.toml").write_text(BOOK)
    book = Codebook.read(root / "codebook.toml")
    units = [f"{at:064x}" for at in range(60)]
    images.store.add_units([Unit(one, "image", path=f"{one}.jpg") for one in units])
    rng, begin = np.random.default_rng(0), datetime(2026, 3, 2, tzinfo=UTC)
    protest, rare = rng.random(60), set(rng.choice(60, 3, replace=False).tolist())
    with Records(root / "studium.db") as records:
        for number in range(6):
            name, bar = f"pseudonym-{number}", 0.35 if number < 3 else 0.65
            noisy = protest + rng.normal(0, 0.05, 60)
            if number == 5:
                noisy[30:] = rng.random(30)
            said = {
                "protest": ["yes" if one > bar else "no" for one in noisy],
                "hatred": ["yes" if (at in rare) != (rng.random() < 0.06) else "no" for at in range(60)],
                "warmth": [round(float(one) * 10, 1) for one in noisy],
            }
            records.annotate(
                Annotation(
                    *(unit, variable, value, name, begin + timedelta(minutes=at), book[variable].digest),
                    weight=2.0 if variable == "hatred" and at < 30 else 1.0,
                )
                for variable, values in said.items()
                for at, (unit, value) in enumerate(zip(units, values, strict=True))
            )
            records.traits.put([Trait(name, "side", "a" if number < 3 else "b", "I agree.", begin)])
    return images


def test_nobody_coded(images):
    assert agreement(Reading(images.root, images.store, images.study)) is None
    assert 'id="agreement"' not in report.write(images).read_text()
    assert not (images.root / "studium.db").exists(), "a report makes no database"


def test_the_section(coded):
    found = agreement(Reading(coded.root, coded.store, coded.study))
    protest, hatred, warmth = found.variables
    assert protest.about.startswith("60 images coded by two or more of 6 coders, compared as nominal.")
    assert "drawn" not in protest.about
    assert "of them as drawn, not weighted" in hatred.about
    assert [row[0] for row in warmth.measures] == ["percent agreement", "Krippendorff's alpha"]
    assert (protest.paradox, hatred.paradox) == (False, True)
    assert len(protest.pairs) == 15
    assert protest.groups[0][:5] == ["side", "yes", "a – b", "3, 3", "60"]
    assert protest.groups[0][-1] == "so few coders give no p below 0.100"
    assert any(line.startswith("Coder 6 changes over time") for line in protest.drift)
    assert sum(map(int, (cell for row in protest.confusion for cell in row[1:]))) == 60 * 30


def test_the_page_shows_it_and_names_no_coder(coded):
    page = report.write(coded).read_text()
    assert "pseudonym" not in page
    assert "Is it a &lt;b&gt;protest&lt;/b&gt;?" in page
    checked = read(page)
    assert "agreement" in checked.ids
    assert checked.unnamed == 0
    assert "Kappa is low although coders hardly differ." in checked.text
    assert re.search(r'aria-label="Krippendorff&#39;s alpha of each variable.* protest 0\.\d{3}; hatred', page)
    assert page == report.write(coded).read_text(), "the same study gives the same page"
