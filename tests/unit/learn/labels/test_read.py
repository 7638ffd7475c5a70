"""Readers: CSV long and wide, Label Studio, folders, columns; what is no label is counted, what is wrong is refused."""

import json

import pytest

from studium.core.codebook import Codebook
from studium.core.exchange.label_studio import Tasks
from studium.core.variable import Value, Variable
from studium.errors import InputError, UnknownNameError
from studium.learn.labels.read import Label, of_column, of_folders, read_csv, read_tasks


def variable(name, kind, values="", **more):
    return Variable(name, "?", "image", kind, tuple(map(Value, values.split())), **more)


SCENE = variable("scene", "categorical", "city nature", none_of_these=True)
TAGS = variable("tags", "multilabel", "flag crowd police")
PROTEST = variable("protest", "binary", "yes no")
TONE = variable("tone", "ordinal", "1 2 3")
SHARE = variable("share", "continuous", low=0)
BOOK = Codebook((SCENE, TAGS, PROTEST, TONE, SHARE))


def written(tmp_path, text, name="labels.csv"):
    (tmp_path / name).write_text(text, "utf-8")
    return tmp_path / name


def test_a_long_file(tmp_path):
    assert read_csv(written(tmp_path, "unit,variable,value,coder\n"), BOOK).rows == ()
    path = written(
        tmp_path,
        "unit,variable,value,coder,weight\n"
        "a,scene,City ,ann,2.5\na,scene,none_of_these,bob,2.5\nb,tags,police; flag,ann,1\nb,tags,none_of_these,bob,1\n"
        "c,share,0.25,ann,1\nc,scene,cannot_tell,ann,1\nc,tone,2,ann,1\nc,protest,,ann,1\nc,tone,NA,bob,1\n",
    )
    found = read_csv(path, BOOK)
    assert found.rows == (
        Label("a", "scene", "city", "ann", 2.5),
        Label("a", "scene", "none_of_these", "bob", 2.5),
        Label("b", "tags", ["flag", "police"], "ann"),
        Label("b", "tags", [], "bob"),
        Label("c", "share", 0.25, "ann"),
        Label("c", "scene", None, "ann"),
        Label("c", "tone", "2", "ann"),
    )
    assert found.told == {"empty": 2}


def test_a_wide_file(tmp_path):
    path = written(tmp_path, "unit,scene,tone,remark\na,city,3,x\nb,,1,y\n")
    found = read_csv(path, BOOK, coder="ann")
    assert found.rows == (
        Label("a", "scene", "city", "ann"),
        Label("a", "tone", "3", "ann"),
        Label("b", "tone", "1", "ann"),
    )
    assert found.told == {"empty": 1}


def test_names_of_the_codebook_come_before_words_for_nothing(tmp_path):
    land = variable("land", "categorical", "NA DE cannot_tell")
    path = written(tmp_path, "unit,land\na,NA\nb,cannot_tell\nc,\n")
    assert [row.value for row in read_csv(path, Codebook((land,)), "ann").rows] == ["NA", "cannot_tell"]


@pytest.mark.parametrize(
    ("text", "error", "says"),
    [
        ("", InputError, "needs the columns unit"),
        ("path,scene\n", InputError, "needs the columns unit, and lacks unit"),
        (
            "unit,remark,coder\na,x,ann\n",
            InputError,
            "or one named as a variable of the codebook; got unit, remark, coder",
        ),
        (
            "unit,variable,value,coder\na,scene,moon,ann\n",
            InputError,
            "row 1: variable 'scene': expected one of 'city'",
        ),
        ("unit,variable,value,coder\na,colour,red,ann\n", UnknownNameError, "no variable 'colour'"),
        ("unit,variable,value,coder\na,scene,city,\n", InputError, "expected a unit and a coder, got 'a' and ''"),
        ("unit,variable,value\na,scene,city\n", InputError, "add the column coder"),
        ("unit,variable,value,coder\n,scene,city,ann\n", InputError, "expected a unit and a coder, got ''"),
        ("unit,scene,coder,weight\na,city,ann,heavy\n", InputError, "expected a weight, 1 / P"),
        ("unit,scene,coder,weight\na,city,ann,\n", InputError, "expected a weight, 1 / P"),
        ("unit,share,coder\na,inf,ann\n", InputError, "expected a finite number"),
        ("unit,scene\na\n", InputError, "as many cells as the header has"),
    ],
)
def test_files_that_do_not_fit(tmp_path, text, error, says):
    with pytest.raises(error, match=says):
        read_csv(written(tmp_path, text), BOOK)


def test_cannot_tell_where_it_is_not_offered(tmp_path):
    book = Codebook((variable("scene", "categorical", "city nature", cannot_tell=False),))
    with pytest.raises(InputError, match="does not offer 'cannot tell'"):
        read_csv(written(tmp_path, "unit,scene\na,cannot_tell\n"), book, "ann")


def test_columns_and_class_folders():
    assert of_column([], [], TONE, "ann").rows == ()
    found = of_column(["a", "b", "c"], [1, None, "3"], TONE, "ann")
    assert [(row.unit, row.value) for row in found.rows] == [("a", "1"), ("c", "3")]
    assert found.told == {"empty": 1}
    folders = of_folders(["a", "b"], ["data/city/1.jpg", "data/none_of_these/2.jpg"], SCENE)
    assert folders.rows == (Label("a", "scene", "city", "folders"), Label("b", "scene", "none_of_these", "folders"))
    with pytest.raises(InputError, match="expected one of 'city', 'nature'"):
        of_folders(["a"], ["1.jpg"], SCENE)
    with pytest.raises(InputError, match="a value for every unit, got 1 for 2"):
        of_column(["a", "b"], [1], TONE, "ann")


def control(name, kind, value, **more):
    return {
        "id": "x",
        "from_name": name,
        "to_name": "img",
        "type": kind,
        "value": {kind: value},
        "origin": "manual",
    } | more


def annotation(*results, by=1, cancelled=False):
    return {"id": 7, "completed_by": by, "was_cancelled": cancelled, "ground_truth": False, "result": [*results]}


def exported(tmp_path, *tasks):
    body = [{"id": at, "data": {"unit": unit, "image": "x.jpg", "w": 2}, "annotations": its, "predictions": [{}]}
            for at, (unit, its) in enumerate(tasks)]  # fmt: skip
    return written(tmp_path, json.dumps(body), "export.json")


def test_a_label_studio_export(tmp_path):
    path = exported(
        tmp_path,
        ("a", [
            annotation(control("scene", "choices", ["nature"]), control("flags", "choices", ["police", "flag"]),
                       control("tone", "rating", 3), control("share", "number", 0.5)),
            annotation(control("scene", "taxonomy", [["outside", "city"]]), by={"id": 2, "email": "b@example.org"}),
            annotation(control("scene", "choices", ["city"]), by=3, cancelled=True),
            annotation(by=4),
        ]),
        ("b", [annotation(
            control("scene", "choices", ["cannot_tell"]), control("flags", "taxonomy", [["flag"], ["who", "police"]]),
            control("box", "rectanglelabels", ["x"]),
            {"from_name": "tone", "type": "rating", "value": {"rating": 1, "start": 0.5, "end": 2}},
        )]),
        (12, []),
    )  # fmt: skip
    found = read_tasks(path, Tasks(BOOK, "unit", {"flags": "tags"}, weight="w"))
    assert found.rows == (
        Label("a", "scene", "nature", "1", 2.0),
        Label("a", "tags", ["flag", "police"], "1", 2.0),
        Label("a", "tone", "3", "1", 2.0),
        Label("a", "share", 0.5, "1", 2.0),
        Label("a", "scene", "city", "2", 2.0),
        Label("b", "scene", None, "1", 2.0),
        Label("b", "tags", ["flag", "police"], "1", 2.0),
    )
    assert found.told == {"cancelled": 1, "empty": 1, "other_controls": 1, "predictions": 3, "regions": 1}
    assert read_tasks(written(tmp_path, "[]", "none.json"), Tasks(BOOK, "unit")).rows == ()


def test_a_path_of_a_taxonomy_that_is_a_value(tmp_path):
    book = Codebook((variable("scene", "categorical", "outside/city inside/city"),))
    path = exported(tmp_path, ("a", [annotation(control("scene", "taxonomy", [["inside", "city"]]))]))
    assert read_tasks(path, Tasks(book, "unit")).rows[0].value == "inside/city"


def test_who_coded_may_be_unknown(tmp_path):
    path = exported(tmp_path, ("a", [annotation(control("scene", "choices", ["city"]), by=None)]))
    with pytest.raises(InputError, match="does not say who coded; export with user details, or say coder="):
        read_tasks(path, Tasks(BOOK, "unit"))
    assert read_tasks(path, Tasks(BOOK, "unit", coder="ann")).rows[0].coder == "ann"


@pytest.mark.parametrize(
    ("annotations", "says"),
    [
        ([annotation(control("scene", "choices", ["city", "nature"]))], "expected one choice, got"),
        ([annotation(control("scene", "choices", ["moon"]))], "task 1: variable 'scene': expected one of"),
        ([annotation(control("scene", "choices", "city"))], "expected a list of choices, got 'city'"),
        ([annotation(control("scene", "taxonomy", ["city"]))], "expected a list of taxonomy"),
        ([annotation(control("scene", "taxonomy", [[]]))], "expected one of"),
        ([annotation(control("share", "number", float("nan")))], "expected a finite number"),
        ([annotation(*[control("scene", "choices", ["city"])] * 2)], "answers 'scene' twice"),
        ([{"completed_by": 1}], "expected 'result' as Label Studio exports it"),
        ([None], "expected 'result'"),
        (None, "expected 'annotations' .* not as JSON_MIN"),
    ],
)
def test_exports_that_do_not_fit(tmp_path, annotations, says):
    with pytest.raises(InputError, match=says):
        read_tasks(exported(tmp_path, ("a", annotations)), Tasks(BOOK, "unit"))


def test_other_files(tmp_path):
    path = exported(tmp_path, ("", []))
    with pytest.raises(InputError, match=r"the unit in data\['unit'\], got ''; it has unit, image, w"):
        read_tasks(path, Tasks(BOOK, "unit"))
    with pytest.raises(InputError, match="expected a weight, 1 / P"):
        read_tasks(path, Tasks(BOOK, "image", weight="image"))
    for text, says in (
        ("{}", "a list of tasks, got dict"),
        ("[", "cannot be read as JSON"),
        ("[" * 100_000, "cannot be"),
    ):
        with pytest.raises(InputError, match=says):
            read_tasks(written(tmp_path, text, "x.json"), Tasks(BOOK, "unit"))
    with pytest.raises(InputError, match="cannot be read as JSON"):
        read_tasks(tmp_path / "none.json", Tasks(BOOK, "unit"))
