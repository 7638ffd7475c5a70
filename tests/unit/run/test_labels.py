"""Labels of a study: from its records, files, class folders and posts; one way to read them all."""

import json
from datetime import UTC, datetime

import numpy as np
import pytest

from studium import Corpus, sources
from studium.core.annotation import Annotation
from studium.core.codebook import Codebook
from studium.core.records import Records
from studium.core.variable import Value, Variable
from studium.errors import InputError, UnknownNameError
from studium.run.labels import annotated, target


def variable(name, of="image", kind="categorical", values="living thing", **more):
    return Variable(name, "?", of, kind, tuple(map(Value, values.split())), **more)


WHAT, SHARE, TONE = variable("what"), variable("share", "post", "continuous", ""), variable("tone", "post")
BOOK = Codebook((WHAT, SHARE, TONE))


@pytest.fixture
def corpus(study):
    (study / "posts.csv").write_text(
        "id,text,media,share,tone,author\n"
        "a,x,images/living/chelsea.png,0.5,living,ann\nb,y,images/thing/rocket.jpg,,thing,bob\nc,z,,2,,ann\n"
    )
    opened = Corpus(study)
    opened.add(sources.folder(study / "images"))
    opened.add(sources.posts(study / "posts.csv", id="id", text="text", media="media", root=study))
    return opened


def named(corpus, found):
    paths = dict(zip(*(corpus.table("image")[name].to_pylist() for name in ("unit", "path")), strict=True))
    return {
        paths[unit].split("/")[-1]: found.classes[at] for unit, at in zip(found.units, found.y.tolist(), strict=True)
    }


def test_class_folders(corpus):
    expected = {"chelsea.png": "living", "flower.jpg": "living", "coffee.png": "thing", "rocket.jpg": "thing"}
    assert named(corpus, target(corpus.store, BOOK, "what", "image", "folders")) == expected
    with pytest.raises(InputError, match="lie in no folders"):
        target(corpus.store, BOOK, "tone", "post", "folders")
    with pytest.raises(InputError, match="expected one of 'plant', 'cup'"):
        target(corpus.store, Codebook((variable("what", values="plant cup"),)), "what", labels="folders")


def test_a_file_in_the_folders_of_two_classes_is_a_tie(corpus, study):
    (study / "images/thing/cat.png").write_bytes((study / "images/living/chelsea.png").read_bytes())
    corpus.add(sources.folder(study / "images"))
    found = target(corpus.store, BOOK, "what", labels="folders")
    assert len(found.units) == 3
    assert [len(units) for units in found.dropped.values()] == [1]
    assert list(found.dropped) == ["tie"]


def test_a_column_of_posts(corpus):
    found = target(corpus.store, BOOK, "share", labels="column:share")
    assert found.y.tolist() == [0.5, 2.0]
    assert target(corpus.store, BOOK, "tone", labels="column:tone").counts() == {"living": 1, "thing": 1}
    with pytest.raises(UnknownNameError, match=r"no column .nothing. of labels; there are: .*share"):
        target(corpus.store, BOOK, "share", labels="column:nothing")
    with pytest.raises(InputError, match="'what' is coded on image units"):
        target(corpus.store, BOOK, "what", labels="column:tone")


def test_files(corpus, tmp_path):
    file = tmp_path / "a.csv"
    file.write_text(
        "path,what,weight,coder\nimages/living/chelsea.png,Living,2,a\nimages/thing/coffee.png,thing,4,a\n"
        "images/thing/coffee.png,living,4,b\nimages/thing/coffee.png,thing,4,c\nimages/thing/rocket.jpg,NA,,a\n"
    )
    found = target(corpus.store, BOOK, "what", labels=file)
    assert named(corpus, found) == {"chelsea.png": "living", "coffee.png": "thing"}
    assert (found.weights.tolist(), found.labels.tolist(), found.coders) == ([2, 4], [1, 3], ("a", "b", "c"))
    np.testing.assert_allclose(found.soft, [[1, 0], [1 / 3, 2 / 3]])
    weighed = target(corpus.store, BOOK, "what", labels=file, combine="dawid_skene")
    assert weighed.combined[0]["steps"] >= 1
    unit = found.units[0]
    file.write_text(f"unit,variable,value\n{unit},what,living\n{unit},tone,thing\n")
    assert target(corpus.store, BOOK, "what", labels=file).units == (unit,)
    for text, says in (
        ("", "got no rows"),
        ("file,value\na,b\n", "needs a column unit or path"),
        ("path,value\nno.png,thing\n", "names 1 image units that the study does not have"),
        (f"unit,value\n{unit},moon\n", "expected one of 'living', 'thing'"),
        (f"unit,value,weight\n{unit},thing,much\n", "a weight, 1 / P"),
        (f"unit,value,weight\n{unit},thing,.5\n", "at least 1, got 0.5"),
    ):
        file.write_text(text)
        with pytest.raises(InputError, match=says):
            target(corpus.store, BOOK, "what", labels=file)


def test_several_files_and_posts_by_their_own_ids(corpus, tmp_path):
    first, second = tmp_path / "coded.csv", tmp_path / "next.csv"
    first.write_text("id,value\na,living\n")
    second.write_text("id,text,value,weight\nb,y,thing,2\n")
    both = target(corpus.store, BOOK, "tone", labels=[first, second])
    assert (both.counts(), sorted(both.weights.tolist()), both.coders) == ({"living": 1, "thing": 1}, [1, 2], ("file",))
    assert target(corpus.store, BOOK, "tone", labels=[first]).counts()["thing"] == 0
    second.write_text("id,value\na,thing\n")
    with pytest.raises(InputError, match="coder 'file' said 'living' and 'thing'"):
        target(corpus.store, BOOK, "tone", labels=[first, second])
    with pytest.raises(InputError, match="needs a column unit or path, "):
        target(corpus.store, BOOK, "what", labels=first)
    with pytest.raises(InputError, match="there is no file"):
        target(corpus.store, BOOK, "tone", labels=tmp_path / "none.csv")


def test_a_label_studio_export(corpus, tmp_path):
    answer = {"type": "choices", "from_name": "what", "value": {"choices": ["thing"]}}
    task = {"data": {"path": "images/thing/coffee.png", "weight": 3}, "annotations": [
        {"completed_by": 7, "result": [answer]}, {"completed_by": 8, "was_cancelled": True, "result": []}
    ]}  # fmt: skip
    (tmp_path / "a.json").write_text(json.dumps([task]))
    found = target(corpus.store, BOOK, "what", labels=tmp_path / "a.json")
    assert (named(corpus, found), found.weights.tolist(), found.coders) == ({"coffee.png": "thing"}, [3], ("7",))
    (tmp_path / "b.json").write_text('{"a": 1}')
    with pytest.raises(InputError, match="export as JSON"):
        target(corpus.store, BOOK, "what", labels=tmp_path / "b.json")


def test_the_records_of_the_study(corpus, caplog):
    with pytest.raises(InputError, match="nobody has coded 'what' in this study"):
        target(corpus.store, BOOK, "what")
    units, at = corpus.table("image")["unit"].to_pylist(), datetime(2026, 1, 1, tzinfo=UTC)
    said = [
        (units[0], "living", WHAT.digest), (units[1], "thing", "of-another"), ("0" * 64, "thing", WHAT.digest)
    ]  # fmt: skip
    with Records(corpus.root / "studium.db") as records:
        records.annotate(Annotation(unit, "what", value, "a", at, digest) for unit, value, digest in said)
    assert [one.unit for one in annotated(corpus.root, WHAT)] == [units[0], "0" * 64]
    assert "1 annotations of what follow another definition" in caplog.text
    found = target(corpus.store, BOOK, "what")
    assert found.units == (units[0],)
    assert found.dropped == {"not in the study": ("0" * 64,)}


def test_what_is_asked_for_must_fit(corpus):
    with pytest.raises(UnknownNameError, match="no variable 'colour'"):
        target(corpus.store, BOOK, "colour", labels="folders")
    with pytest.raises(InputError, match="for image units, asked for are post units"):
        target(corpus.store, BOOK, "what", "post", "folders")
    with pytest.raises(InputError, match="expected majority or dawid_skene"):
        target(corpus.store, BOOK, "what", labels="folders", combine="loudest")
    with pytest.raises(InputError, match="labels has no parameter tie"):
        target(corpus.store, BOOK, "what", labels="folders", tie="draw")
