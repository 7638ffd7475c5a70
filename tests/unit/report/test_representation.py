"""Who is shown, in the report: from photographs to groups, and no group that would speak about single persons."""

import page_checks
import pytest
from PIL import Image

from studium import Corpus, sources
from studium.core.column import Column
from studium.core.recipe import Recipe
from studium.core.store import Store
from studium.core.unit import Span, Unit, derived_id
from studium.report.reading import FEWEST, Reading
from studium.report.representation import _hidden, representations
from studium.report.variables import variables
from studium.run.representation import Audit, representation


def reading(corpus):
    return Reading(corpus.root, corpus.store, corpus.study)


@pytest.fixture(scope="module")
def corpus(tmp_path_factory, politicians, photos):
    """Small press photographs of politicians, five of a smiling astronaut, and a cup of coffee; traits of the faces."""
    root = tmp_path_factory.mktemp("study")
    (root / "images").mkdir()
    names = ("biden.jpg", "obama.jpg", "obama2.jpg", "obama3.jpg", "obama_partial_face.jpg", "obama_partial_face2.jpg")
    for path in (*(politicians / name for name in names), photos / "astronaut.png", photos / "coffee.png"):
        with Image.open(path) as picture:
            small = picture.convert("RGB")
        small.thumbnail((320, 320))
        small.save(root / "images" / f"{path.stem}.png")
    for side in (300, 280, 260, 240):
        small = Image.open(root / "images" / "astronaut.png")
        small.thumbnail((side, side))
        small.save(root / "images" / f"astronaut {side}.png")
    opened = Corpus(root)
    opened.add(sources.folder(root / "images"))
    opened.split("faces", of="image")
    opened.measure("perceived_gender", "perceived_age", "perceived_expression", of="face")
    return opened


def test_no_perceived_traits_no_section(study):
    corpus = Corpus(study)
    corpus.add(sources.folder(study / "images"))
    assert representations(reading(corpus)) == []
    assert 'id="representation"' not in corpus.report().read_text()


def test_from_photographs_to_groups(corpus):
    found = {r.title: r for r in representations(reading(corpus))}
    crossed = found["perceived gender by perceived age"]
    by_gender, by_age = found["perceived gender"], found["perceived age"]
    assert len(found) == 4
    assert by_gender.faces == 11
    assert by_gender.heads == ["faces", "faces, by probability", "the area of faces", "images"]
    women, men = by_gender.groups
    assert (women.name, women.n) == ("woman", "5")
    assert (men.name, men.n) == ("man", "6")
    assert men.cells[0].share == "54.5\u202f%"
    assert men.cells[0].interval == "28.0–78.7"  # Wilson's, 6 of 11
    assert by_gender.error == "2.7\u202f%"
    assert by_age.error == ""
    assert len(crossed.groups) == 10
    counted = representation(corpus.store, Audit()).to_pylist()
    shown = {f"{r['perceived_gender']}, {r['perceived_age']}": r["n"] for r in counted if r["of"] == "image"}
    assert any(0 < n < FEWEST for n in shown.values())
    for group in crossed.groups:
        assert group.n == "hidden" or not 0 < shown[group.name] < FEWEST
        assert ({cell.share for cell in group.cells} == {""}) == (group.n == "hidden")
    page = corpus.report().read_text()
    assert "representation" in page_checks.read(page).ids
    assert "Who is shown" in page
    assert "corpus.representation(by=(&#39;gender:" in page
    assert page == corpus.report().read_text()


@pytest.mark.parametrize(
    ("files", "hidden"),
    [
        ({"woman": 0, "man": 0}, set()),
        ({"woman": 0, "man": 9}, set()),
        ({"woman": 5, "man": 9}, set()),
        ({"woman": 1, "man": 9}, {"woman", "man"}),  # or the total would tell
        ({"woman": 0, "man": 3}, {"woman", "man"}),
        ({"a": 1, "b": 4, "c": 6, "d": 7}, {"a", "b"}),
        ({"a": 6, "b": 2, "c": 7}, {"a", "b"}),
    ],
)
def test_groups_of_few_files_cannot_be_told_from_the_others(files, hidden):
    groups = {name: {"face": {"n": 100 * n}, "image": {"n": 0}, "video": {"n": n}} for name, n in files.items()}
    assert _hidden(groups) == hidden


def test_one_person_in_many_frames_is_few(tmp_path):
    """A hundred faces of one film: neither the section of variables nor that of groups says how they look."""
    store = Store(tmp_path)
    store.add_units([Unit("v", "video", path="v"), Unit("f", "frame", "v", span=Span(start=0))])
    spans = [Span(box=(x, 0, x + 1, 5)) for x in range(100)]
    faces = [Unit(derived_id("f", "face", span), "face", "f", span=span) for span in spans]
    attached = {"source": "s", "post": None, "kind": "video", "position": 0, "label": None, "bytes": 1, "mtime_ns": 1}
    store.add_attachments([{**attached, "media": "v", "path": "v"}])
    store.add_units(faces)
    column = Column("perceived_woman", "float32", "perceived", sensitive=True)
    table = store.create("face", Recipe("perceived_gender", "1", {}, {}, ""), (column,))
    table.append([face.id for face in faces], table.arrays({column.name: [i / 100 for i in range(100)]}))
    (found,) = variables(reading(Corpus(tmp_path)), "face")
    assert (found.numbers, found.names) == ([], [])
    assert found.others == ["perceived_woman (sensitive, and of fewer than 5 files)"]


def test_perceived_traits_of_many_files_are_drawn(corpus):
    found = {v.name: v for v in variables(reading(corpus), "face")}
    assert [d.n for d in found["perceived_gender"].numbers] == [11]
    assert found["perceived_gender"].others == []


def test_the_audit_of_real_photographs(corpus):
    found = representation(corpus.store, Audit(by=("gender", "expression"))).to_pylist()
    faces = {(r["perceived_gender"], r["perceived_expression"]): r for r in found if r["of"] == "face"}
    assert len(faces) == 14
    assert faces["woman", "happiness"]["n"] == 5  # the astronaut
    assert faces["man", "happiness"]["n"] >= 1
    assert faces["man", "anger"]["error"] == pytest.approx(1 - 0.973 * 0.66)
    (images,) = {r["total"] for r in found if r["of"] == "image"}
    assert images == 12  # faces were looked for in the coffee, too
    assert sum(r["share"] for r in found if r["of"] == "area") == pytest.approx(1)
