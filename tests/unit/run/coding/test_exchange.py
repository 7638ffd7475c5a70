"""Annotations of real pictures to files and back: nothing is lost but what is told."""

import csv
import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from studium import Corpus, sources
from studium.core.annotation import Annotation
from studium.core.codebook import Codebook
from studium.core.pair import pair_of
from studium.core.records import Records
from studium.core.unit import Span, Unit, derived_id
from studium.core.variable import Value, Variable
from studium.errors import InputError, UnknownNameError
from studium.run.coding.exchange import Export, Import, exported, imported
from studium.run.coding.places import sizes
from studium.run.labels import target

NOON = datetime(2026, 11, 21, 12, 0, 0, 123456, tzinfo=UTC)


def variable(name, kind="categorical", values="", **more):
    return Variable(name, "?", more.pop("of", "image"), kind, tuple(map(Value, values.split())), **more)


SCENE = variable("scene", values="animal food thing", none_of_these=True)
TAGS = variable("tags", "multilabel", "red blue;green [x]")
TONE = variable("tone", "ordinal", "1 2 3")
AGE = variable("age", "continuous", low=0, sensitive=True)
REMARK = variable("remark", "text")
SEEN = variable("seen", "boxes", "cat cup")
SAME = variable("same", "binary", "yes no", pairs=True)
FUN = variable("fun", "binary", "yes no", of="post")
BOOK = Codebook((SCENE, TAGS, TONE, AGE, REMARK, SEEN, SAME, FUN))
REMARKS = ["as it is \n", "NA", "cannot_tell", '"quoted"', "=1+1", "käse\r\n; 犬", '"']
"""Texts that a table could take for something else."""


@pytest.fixture
def corpus(study):
    (study / "posts.csv").write_text("id,text,media\na,x,images/living/chelsea.png\nb,y,images/thing/rocket.jpg\n")
    opened = Corpus(study)
    opened.add(sources.folder(study / "images"))
    opened.add(sources.posts(study / "posts.csv", id="id", text="text", media="media", root=study))
    return opened


@pytest.fixture
def units(corpus):
    return corpus.units("image")["id"].to_pylist()


def said(of, unit, value, coder="ada", minutes=0, **more):
    return Annotation(unit, of.name, value, coder, NOON + timedelta(minutes=minutes), of.digest, **more)


def everything(corpus, units):
    """Answers of every type by two coders, with all that can be said of them."""
    a, b, c, d = units
    drawn = [{"value": "cat", "box": [0, 1, 37, 111]}, {"value": "cup", "box": [3, 5, 4, 6]}]
    wide, high = sizes(corpus.store, "image", units)[b]
    post = corpus.units("post")["id"].to_pylist()[0]
    return [
        said(SCENE, a, "animal", weight=12.5, note='näher\nansehen, "bald"', sample="first", seconds=2.25, key="k1"),
        said(SCENE, a, "food", coder="ben <ben@example.org>", minutes=1, weight=12.5),
        said(SCENE, b, None),
        said(SCENE, c, "none_of_these", weight=1 / 0.3),
        said(TAGS, a, ["red", "blue;green"]),
        said(TAGS, b, []),
        said(TAGS, c, ["red", "[x]"], coder="ben"),
        said(TAGS, d, None),
        said(TONE, a, "3"),
        said(TONE, b, None),
        said(AGE, a, 0.1 + 0.2),
        said(AGE, b, None),
        *(said(REMARK, unit, text, coder=f"c{at}") for at, text in enumerate(REMARKS) for unit in units[:1]),
        said(REMARK, b, None),
        said(SEEN, a, drawn),
        said(SEEN, a, [], coder="ben"),
        said(SEEN, b, [{"value": "cat", "box": [0, 0, wide, high]}, {"value": "cup", "box": [1, 1, wide - 1, high]}]),
        said(SEEN, c, None),
        said(SAME, pair_of(a, b), "yes"),
        said(SAME, pair_of(c, b), None),
        said(FUN, post, "no"),
    ]


def sent(corpus, rows, folder, how, book=BOOK):
    """What is exported from one database, and imported into another one."""
    path = folder / f"codes.{'csv' if how.format in {'', 'csv'} else 'json'}"
    with Records(folder / "one.db") as records:
        records.annotate(rows)
        out = exported(corpus.store, records, book, path, how)
    with Records(folder / "two.db") as records:
        back = imported(corpus.store, records, book, path, Import())
        return out, back, records.annotations(history=True)


def without(keys, rows):
    return [replace(one, **dict.fromkeys(keys)) for one in rows]


# --- there and back


def test_a_table_holds_everything(corpus, units, tmp_path):
    rows = everything(corpus, units)
    out, back, found = sent(corpus, rows, tmp_path, Export(sensitive=True))
    assert (out.n, out.told, back.added, back.there, back.told) == (len(rows), {}, len(rows), 0, {})
    assert without(["key"], found) == without(["key"], rows)
    assert found[0].key == "k1"
    with Records(tmp_path / "two.db") as records:
        again = imported(corpus.store, records, BOOK, out.path, Import())
        assert (again.added, again.there) == (0, len(rows))
    with Records(tmp_path / "one.db") as records:  # where most of them have no key
        assert imported(corpus.store, records, BOOK, out.path, Import()).added == 0


def test_a_table_is_what_train_reads(corpus, units, tmp_path):
    out, _, _ = sent(corpus, everything(corpus, units), tmp_path, Export(sensitive=True))
    found = target(corpus.store, BOOK, "scene", labels=out.path)
    assert len(found.units) == 1  # two disagree, one cannot tell
    assert sorted(found.dropped) == ["only cannot tell", "tie"]
    with out.path.open(encoding="utf-8", newline="") as file:
        first = next(csv.DictReader(file))
    assert first["path"] == corpus.table("image")["path"].to_pylist()[0]
    assert (first["of"], first["value"], first["weight"], first["at"]) == (
        "image",
        "animal",
        "12.5",
        "2026-11-21T12:00:00.123456+00:00",
    )


def test_label_studio_tasks_hold_everything_of_a_kind(corpus, units, tmp_path):
    rows = [one for one in everything(corpus, units) if one.variable not in {"same", "fun"}]
    names = tuple(one.name for one in BOOK.variables[:6])
    how = Export("label_studio", names, sensitive=True)
    out, back, found = sent(corpus, rows, tmp_path, how)
    assert (out.n, out.told, back.added, back.told) == (len(rows), {}, len(rows), {})
    by = lambda one: (one.unit, one.coder, one.variable)  # noqa: E731
    assert sorted(without(["key"], found), key=by) == sorted(without(["key"], rows), key=by)
    tasks = json.loads(out.path.read_text("utf-8"))
    assert [task["data"]["unit"] for task in tasks] == units
    assert tasks[0]["data"]["image"] == f"/data/local-files/?d={tasks[0]['data']['path']}"
    first = next(one for one in tasks[0]["annotations"] if one["studium"]["coder"] == "ada")
    assert (first["lead_time"], first["was_cancelled"]) == (2.25, False)
    box = next(it for it in first["result"] if it["type"] == "rectanglelabels")
    wide, high = sizes(corpus.store, "image", units)[units[0]]
    assert (box["original_width"], box["original_height"]) == (wide, high)
    assert box["value"] == {
        "x": 0,
        "y": pytest.approx(100 / high),
        "width": pytest.approx(3700 / wide),
        "height": pytest.approx(11000 / high),
        "rotation": 0,
        "rectanglelabels": ["cat"],
    }


def test_label_studio_tasks_of_pairs(corpus, units, tmp_path):
    rows = [one for one in everything(corpus, units) if one.variable == "same"]
    out, back, found = sent(corpus, rows, tmp_path, Export("label_studio", ("same",)))
    assert (back.added, without(["key"], found)) == (2, rows)
    data = json.loads(out.path.read_text("utf-8"))[0]["data"]
    assert data["unit"] == pair_of(*units[:2])
    paths = dict(zip(units, corpus.table("image")["path"].to_pylist(), strict=True))
    assert {data["image_left"], data["image_right"]} == {f"/data/local-files/?d={paths[one]}" for one in units[:2]}


def test_coco_holds_boxes(corpus, units, tmp_path):
    rows = everything(corpus, units)
    out, back, found = sent(corpus, rows, tmp_path, Export("coco", sensitive=True))
    boxes = [one for one in rows if one.variable == "seen"]
    assert out.told == {"no_boxes": len(rows) - len(boxes), "several_coders": 1}
    assert (back.added, back.told, without(["key"], found)) == (4, {}, boxes)
    body = json.loads(out.path.read_text("utf-8"))
    assert [(one["name"], one["supercategory"]) for one in body["categories"]] == [("cat", "seen"), ("cup", "seen")]
    assert [one["sha256"] for one in body["images"]] == units[:3]
    first = {"id": 1, "image_id": 1, "category_id": 1, "bbox": [0, 1, 37, 110], "area": 4070, "iscrowd": 0}
    assert body["annotations"][0] == first


def test_boxes_of_parts_of_a_file_are_no_coco(corpus, units, tmp_path):
    span = Span(box=(10, 20, 60, 50))
    face = Unit(derived_id(units[0], "face", span), "face", units[0], span=span)
    corpus.store.add_units([face])
    worn = variable("worn", "boxes", "hat", of="face")
    rows = [said(worn, face.id, [{"value": "hat", "box": [0, 0, 50, 30]}])]
    book = Codebook((worn,))
    with Records(tmp_path / "one.db") as records:
        records.annotate(rows)
        out = exported(corpus.store, records, book, tmp_path / "x.json", Export("coco"))
    assert (out.n, out.told) == (0, {"no_file": 1})
    out, _, found = sent(corpus, [], tmp_path, Export("label_studio"), book)
    assert out.told == {"no_file": 1}
    assert without(["key"], found) == rows
    data = json.loads(out.path.read_text("utf-8"))[0]["data"]
    assert {name: data[name] for name in ("part", "box")} == {"part": "face", "box": [10, 20, 60, 50]}
    wrong = replace(rows[0], coder="b", value=[{"value": "hat", "box": [0, 0, 51, 9]}])
    with pytest.raises(InputError, match="leaves its picture, which is 50 x 30 px"):
        sent(corpus, [wrong], tmp_path, Export(), book)


# --- what is not for everybody


def test_gates_pseudonyms_and_the_log(corpus, units, tmp_path):
    rows = everything(corpus, units)
    later = said(SCENE, units[0], None, minutes=9, sample="first", withdrawn=True)
    with Records(tmp_path / "one.db") as records:
        records.annotate([*rows, later, said(variable("gone", values="a b"), units[0], "a")])
        out = exported(corpus.store, records, BOOK, tmp_path / "a.csv", Export(pseudonyms=True), who="eve")
        text = out.path.read_text("utf-8")
        assert ",age," not in text
        assert not any(name in text for name in (",ada,", "ben", "example.org"))
        assert out.told == {"not_in_codebook": 1, "replaced_or_withdrawn": 2, "sensitive": 2}
        rows_ = list(csv.DictReader(text.splitlines(keepends=True)))
        assert {row["coder"] for row in rows_} == {f"coder {at}" for at in range(1, 11)}
        [entry] = records.audit("export annotations")
        assert (entry.who, entry.detail["annotations"], entry.detail["sensitive"], entry.detail["pseudonyms"]) == (
            *("eve", out.n, False, True),
        )
        sensitive = exported(corpus.store, records, BOOK, tmp_path / "b.csv", Export(variables=["age"], sensitive=True))
        assert sensitive.n == 2
        with pytest.raises(InputError, match=r"no annotation to write \(2 sensitive\)"):
            exported(corpus.store, records, BOOK, tmp_path / "c.csv", Export(variables=["age"]))
        imported(corpus.store, records, BOOK, out.path, Import(), who="eve")
        assert records.audit("import annotations")[0].detail["added"] == out.n


def test_what_an_earlier_definition_said_is_told(corpus, units, tmp_path):
    old = replace(SCENE, values=(Value("animal"), Value("moon")))
    rows = [said(old, units[0], "moon"), said(old, units[1], "animal")]
    out, _, found = sent(corpus, rows, tmp_path, Export())
    assert (out.n, out.told) == (1, {"other_definition": 1})
    assert without(["key"], found) == rows[1:]
    book = Codebook((old,))
    with Records(tmp_path / "one.db") as records:
        exported(corpus.store, records, book, tmp_path / "old.csv", Export())
    with Records(tmp_path / "three.db") as records:
        back = imported(corpus.store, records, BOOK, tmp_path / "old.csv", Import())
        assert (back.added, back.told) == (1, {"other_definition": 1})


# --- what does not fit


def test_nothing_to_export_and_files_that_are_there(corpus, units, tmp_path):
    with Records(tmp_path / "one.db") as records:
        with pytest.raises(InputError, match=r"no annotation to write \(there are none\)"):
            exported(corpus.store, records, BOOK, tmp_path / "a.csv", Export())
        records.annotate(everything(corpus, units))
        (tmp_path / "there.csv").write_text("mine")
        with pytest.raises(InputError, match=r"there\.csv is there already"):
            exported(corpus.store, records, BOOK, tmp_path / "there.csv", Export())
        with pytest.raises(InputError, match=r"which format\? Say --format csv, label_studio, coco"):
            exported(corpus.store, records, BOOK, tmp_path / "a.json", Export())
        with pytest.raises(UnknownNameError, match="no format 'xml'"):
            exported(corpus.store, records, BOOK, tmp_path / "a.json", Export("xml"))
        with pytest.raises(UnknownNameError, match="no variable 'scen'"):
            exported(corpus.store, records, BOOK, tmp_path / "a.csv", Export(variables=["scen"]))
        with pytest.raises(InputError, match="holds one kind of unit, not image, pairs of image, post"):
            exported(corpus.store, records, BOOK, tmp_path / "a.json", Export("label_studio"))
        assert records.audit() == []


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("unit,variable,value,coder\nnobody,scene,animal,ada\n", "names 1 image units that the study does not have"),
        ("unit,variable,value\nU,scene,animal\n", "expected a unit and a coder"),
        ("unit,variable,value,coder,at\nU,scene,animal,ada,noon\n", r"row 1: expected a time such as .*'noon'"),
        ("unit,variable,value,coder,seconds\nU,scene,animal,ada,x\n", "row 1: expected seconds, got 'x'"),
        ("unit,variable,value,coder,weight\nU,scene,animal,ada,.5\n", "at least 1, got 0.5"),
        ("unit,variable,value,coder\nU,scene,moon,ada\n", "row 1: variable 'scene': expected one of 'animal'"),
        ("unit,variable,value,coder,definition\nU,scene,moon,ada,D\n", "row 1: variable 'scene': expected one of"),
        ('unit,variable,value,coder\nU,seen,"[{}]",ada\n', "expected a box as"),
        (
            'unit,variable,value,coder\nU,seen,"[{""value"": ""cat"", ""box"": [0, 0, 1, 9999]}]",ada\n',
            "leaves its pic",
        ),
        ("unit,variable,value,coder\nU+U,same,yes,ada\n", "expected the id of a pair"),
        ("path,variable,value,coder\nx,same,yes,ada\n", "names pairs by path; name them by unit"),
        ("unit,remarks,coder\nU,x,ada\n", "or one named as a variable of the codebook; got unit, remarks, coder"),
    ],
)
def test_tables_that_do_not_fit(corpus, units, tmp_path, text, says):
    (tmp_path / "x.csv").write_text(text.replace("U", units[0]).replace(",D\n", f",{SCENE.digest}\n"))
    with Records(tmp_path / "one.db") as records:
        with pytest.raises(InputError, match=says):
            imported(corpus.store, records, BOOK, tmp_path / "x.csv", Import())
        assert records.annotations() == []
        assert records.audit() == []


def test_tables_of_people(corpus, units, tmp_path):
    """Wide, by path, by hand: without times, so that importing them again must not depend on these."""
    path = tmp_path / "x.csv"
    place = corpus.table("image")["path"].to_pylist()[0]
    path.write_text(f"path,scene,tags,tone,remark\n{place},Animal,red; blue,2,\n".replace("blue", "[x]"))
    with Records(tmp_path / "one.db") as records:
        found = imported(corpus.store, records, BOOK, path, Import(coder="ada"))
        assert (found.added, found.told) == (3, {"empty": 1})
        assert imported(corpus.store, records, BOOK, path, Import(coder="ada")).there == 3
        assert imported(corpus.store, records, BOOK, path, Import(coder="ben")).added == 3
        rows = records.annotations(coder="ada")
    assert [(one.unit, one.value) for one in rows] == [(units[0], value) for value in ("animal", ["red", "[x]"], "2")]
    assert all(abs(one.at - datetime.now(UTC)) < timedelta(minutes=1) for one in rows)
    path.write_text("id,fun,coder\nb,yes,ada\n")
    with Records(tmp_path / "one.db") as records:
        assert imported(corpus.store, records, BOOK, path, Import()).added == 1


def test_coco_of_others_by_path(corpus, units, tmp_path):
    wide, high = sizes(corpus.store, "image", units)[units[0]]
    names = [path.rsplit("/", 1)[1] for path in corpus.table("image")["path"].to_pylist()]
    images = [{"id": 7, "file_name": names[0], "width": wide, "height": high}]
    images += [{"id": 9, "file_name": f"living/{names[1]}", "width": 5, "height": 5}]
    box = {"image_id": 7, "category_id": 3, "bbox": [0.4, 1.5, 2.2, 3], "segmentation": [[0, 0, 1, 1, 2, 2]]}
    body = {"images": images, "categories": [{"id": 3, "name": "Cat"}], "annotations": [box]}
    path = tmp_path / "x.json"
    path.write_text(json.dumps(body))
    with Records(tmp_path / "one.db") as records:
        with pytest.raises(InputError, match=r"does not say who drew the boxes; say it \(--coder NAME\)"):
            imported(corpus.store, records, BOOK, path, Import())
        found = imported(corpus.store, records, BOOK, path, Import(coder="ada"))
        assert found.told == {"rounded": 1, "segmentation": 1}
        assert {one.unit: one.value for one in records.annotations()} == {
            units[0]: [{"value": "cat", "box": [0, 2, 3, 4]}],
            units[1]: [],
        }
        images[0]["file_name"] = "other.jpg"
        path.write_text(json.dumps(body))
        with pytest.raises(InputError, match=r"'other\.jpg' is neither the sha256 nor the path of any image units"):
            imported(corpus.store, records, BOOK, path, Import(coder="ada"))


def test_boxes_drawn_in_a_picture_of_another_size_are_refused(corpus, units, tmp_path):
    wide, high = sizes(corpus.store, "image", units)[units[0]]
    image = {"id": 1, "file_name": units[0], "sha256": units[0], "width": wide // 2, "height": high // 2}
    drawn = {"id": 1, "image_id": 1, "category_id": 1, "bbox": [0, 0, 5, 5]}
    body = {"images": [image], "categories": [{"id": 1, "name": "cat"}], "annotations": [drawn]}
    path = tmp_path / "half.json"
    with Records(tmp_path / "one.db") as records:
        path.write_text(json.dumps(body))
        with pytest.raises(InputError, match=rf"drawn in a picture of {wide // 2} x {high // 2} px"):
            imported(corpus.store, records, BOOK, path, Import(coder="ada"))
        body["images"] = [{**image, "width": wide, "height": high}]
        path.write_text(json.dumps(body))
        assert imported(corpus.store, records, BOOK, path, Import(coder="ada")).added == 1
        area = {"x": 0, "y": 0, "width": 50, "height": 50, "rectanglelabels": ["cat"]}
        result = {"from_name": "seen", "type": "rectanglelabels", "value": area}
        result |= {"original_width": high, "original_height": wide}  # on its side
        task = {"data": {"unit": units[0]}, "annotations": [{"completed_by": 1, "result": [result]}]}
        path.write_text(json.dumps([task]))
        with pytest.raises(InputError, match="upright"):
            imported(corpus.store, records, BOOK, path, Import())


def test_a_table_of_another_definition_teaches_nothing(corpus, units, tmp_path):
    older, newer = replace(SCENE, question="What is it?"), Codebook((replace(SCENE, question="And now?"),))
    rows = [said(SCENE, units[0], "animal"), replace(said(SCENE, units[1], "food"), variable_digest=older.digest)]
    with Records(tmp_path / "one.db") as records:
        records.annotate(rows)
        for name in ("codes.csv", "codes.json"):
            form = "csv" if name.endswith("csv") else "label_studio"
            exported(corpus.store, records, BOOK, tmp_path / name, Export(format=form))
            assert target(corpus.store, BOOK, "scene", labels=tmp_path / name).units == (units[0],)
            with pytest.raises(
                InputError, match="no label of 'scene' by its present definition: 2 rows follow another"
            ):
                target(corpus.store, newer, "scene", labels=tmp_path / name)
    with corpus.records() as records:
        records.annotate(rows[1:])
    with pytest.raises(InputError, match="nobody has coded 'scene' by its present definition"):
        target(corpus.store, BOOK, "scene")
