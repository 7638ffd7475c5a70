import json
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import jsonschema
import numpy as np
import pytest

from studium.core.codebook import VALUE_KEYS, VARIABLE_KEYS, Codebook
from studium.core.recipe import canonical
from studium.core.unit import KINDS
from studium.core.variable import TYPES, Value, Variable
from studium.errors import ConfigError, InputError, UnknownNameError

PAGE = (Path(__file__).parents[3] / "docs" / "codebook.md").read_text("utf-8")
EXAMPLE = re.search(r"```toml\n(.*?)```", PAGE, re.DOTALL)[1]
SCENE = '[scene]\nquestion = "What?"\nof = "image"\ntype = "categorical"\n'
MOOD = '[mood]\nquestion = "?"\nof = "image"\ntype = "continuous"\n'
AB = '[[scene.values]]\nname = "a"\n[[scene.values]]\nname = "b"\n'


def read(tmp_path, text):
    path = tmp_path / "codebook.toml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return Codebook.read(path)


def variable(kind="categorical", names=("animal", "Food truck"), **more):
    return Variable("scene", "What?", more.pop("of", "image"), kind, tuple(Value(name) for name in names), **more)


# --- the page


def test_an_empty_codebook(tmp_path):
    assert read(tmp_path, "").variables == ()
    with pytest.raises(UnknownNameError, match="the codebook is empty"):
        read(tmp_path, "# soon\n")["scene"]


def test_the_example_of_the_page(tmp_path):
    codebook = read(tmp_path, EXAMPLE)
    assert {variable.type for variable in codebook.variables} == set(TYPES)
    scene = codebook["scene"]
    assert scene.names == ("animal", "people", "food", "none_of_these")
    assert scene.prompts() == (
        ("a photo of an animal", "a photo of a pet"),
        ("a photo of a person", "a photo of a group of people"),
        ("a photo of a food",),
    )
    assert scene.validate(" Animal") == "animal"
    assert codebook["perceived_age"] == Variable(
        "perceived_age", "How old does this person look, in years?", "face", "continuous", (), 0, 110, sensitive=True
    )
    with pytest.raises(UnknownNameError, match=r"no variable 'sceen'.*known: scene, closeness"):
        codebook["sceen"]


def test_the_python_of_the_page(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    read(tmp_path, EXAMPLE)
    exec(re.search(r"```python\n(.*?)```", PAGE, re.DOTALL)[1], {})


@pytest.mark.parametrize("word", [*VARIABLE_KEYS, *VALUE_KEYS, *TYPES, *KINDS])
def test_the_page_explains_every_key_type_and_kind(word):
    assert f"`{word}`" in PAGE


@pytest.mark.parametrize("key", [*VARIABLE_KEYS, *VALUE_KEYS])
def test_the_example_shows_every_key(key):
    assert re.search(rf"^{key} = |\.{key}\]\]$", EXAMPLE, re.MULTILINE)


def test_files_of_windows_editors(tmp_path):
    codebook = read(tmp_path, b"\xef\xbb\xbf" + EXAMPLE.replace("\n", "\r\n").encode())
    assert codebook == read(tmp_path, EXAMPLE)


# --- errors


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[scene\n", "expected TOML in UTF-8.*line 1"),
        (b'[scene]\nquestion = "\xe4"', "expected TOML in UTF-8"),
        (SCENE + AB + SCENE, "expected TOML in UTF-8.*scene"),  # defined twice
        ('question = "What?"', "got 'question' outside of any"),
        ("[[scene]]", "got 'scene' outside of any"),
        (SCENE + 'colour = "red"\n' + AB, r"variable 'scene': unknown key 'colour'; known: question, of, type, values"),
        (
            SCENE + AB + 'promt = "x"',
            r"variable 'scene', value 2 \('b'\): unknown key 'promt'; known: name, definition",
        ),
        ('[scene]\nof = "image"', "expected the key 'question', 'type', which is missing"),
        (SCENE + "[[scene.values]]\n", "value 1: expected the key 'name'"),
        (SCENE.replace("categorical", "nominal") + AB, "key 'type': expected one of binary, .*got 'nominal'"),
        (SCENE.replace('"image"', '"picture"') + AB, "key 'of': expected one of post, .*got 'picture'"),
        (SCENE.replace('"What?"', "7") + AB, "key 'question': expected a text, got 7"),
        (SCENE.replace("What?", " ") + AB, "key 'question': expected a text, got ' '"),
        (SCENE + 'values = ["a", "b"]', r"key 'values': expected a list of \[\[variable.values\]\] tables"),
        (SCENE + AB + 'prompts = "one"', r"value 2 \('b'\), key 'prompts': expected a list of texts, got 'one'"),
        (SCENE + AB + "examples = [1]", "key 'examples': expected a list of texts"),
        (SCENE + 'sensitive = "yes"\n' + AB, "key 'sensitive': expected true or false, got 'yes'"),
        (SCENE, "key 'values': expected at least two, got none"),
        (SCENE + AB + AB, "key 'values': expected names that differ .* got 'a', 'b', 'a', 'b'"),
        (SCENE + AB + '[[scene.values]]\nname = "B "', "expected names that differ .* got 'b', 'B '"),
        (SCENE + "none_of_these = true\n" + AB + '[[scene.values]]\nname = "None_of_these"', "names that differ"),
        (SCENE + AB + '[[scene.values]]\nname = " c"', "without outer blanks, got ' c'"),
        (SCENE + AB + '[[scene.values]]\nname = "c\\n"', "printable characters"),
        (SCENE + "low = 1\n" + AB, "key 'low, high': expected no bounds for type 'categorical'"),
        (SCENE.replace("categorical", "binary") + AB + '[[scene.values]]\nname = "c"', "expected exactly two"),
        (SCENE.replace("categorical", "text") + AB, "expected no values for type 'text'"),
        (
            SCENE.replace("categorical", "ordinal") + "none_of_these = true\n" + AB,
            "key 'none_of_these': expected false",
        ),
        (SCENE.replace("categorical", "continuous") + "low = true", "key 'low': expected a number, got True"),
        (SCENE.replace("categorical", "continuous") + "low = nan", "key 'low': expected a number, got nan"),
        (SCENE.replace("categorical", "continuous") + "low = 1\nhigh = 1.0", "expected low < high, got 1, 1.0"),
        (SCENE + "pairs = 1\n" + AB, "key 'pairs': expected true or false, got 1"),
        (SCENE + 'instructions = ""\n' + AB, "key 'instructions': expected a text, got ''"),
        (
            SCENE.replace("categorical", "multilabel") + "pairs = true\n" + AB,
            r"key 'pairs': expected false for type 'multilabel' \(pairs take binary, categorical, ordinal\)",
        ),
        (
            SCENE.replace("categorical", "boxes").replace("image", "video") + AB,
            "key 'of': expected a kind of still pictures for boxes: image, frame, face, object, line, got 'video'",
        ),
        (SCENE.replace("categorical", "boxes"), "key 'values': expected at least one, got none"),
        (SCENE.replace("categorical", "boxes") + "none_of_these = true\n" + AB, "expected false for type 'boxes'"),
        (SCENE + AB + "include = 'a'", r"value 2 \('b'\), key 'include': expected a list of texts, got 'a'"),
        (SCENE + 'only_if = "a"\n' + AB, "key 'only_if': expected a table of lists of texts, got 'a'"),
        (SCENE + 'only_if = { a = "b" }\n' + AB, "key 'only_if': expected a table of lists of texts"),
        (SCENE + "only_if = { a = [] }\n" + AB, "expected values of 'a', one or more, got none"),
        (
            SCENE + 'only_if = { scene = ["a"] }\n' + AB,
            r"'scene', key 'only_if': expected a variable of image units that stands before it \(none\), got 'scene'",
        ),
        (
            SCENE + AB + MOOD + 'only_if = { sceen = ["a"] }',
            r"'mood', key 'only_if': .*before it \('scene'\), got 'sceen'; name one of them, or move it up",
        ),
        (SCENE + AB + MOOD + 'only_if = { scene = ["c"] }', r"expected values of 'scene' \('a', 'b'\), got 'c'"),
        (SCENE + AB + MOOD.replace("image", "video") + 'only_if = { scene = ["a"] }', r"of video units .*\(none\)"),
        (SCENE + "pairs = true\n" + AB + MOOD + 'only_if = { scene = ["a"] }', r"of image units .*\(none\)"),
        (
            MOOD + SCENE + 'only_if = { mood = ["a"] }\n' + AB,
            "expected a variable with values, got 'mood', which is continuous",
        ),
        (SCENE.replace("[scene]", "[Scene]"), "variable 'Scene': expected a lower snake case name"),
        (SCENE.replace("[scene]", '["sc ene"]'), "variable 'sc ene': expected a lower snake case name"),
    ],
)
def test_what_does_not_fit_is_named(tmp_path, text, message):
    with pytest.raises(ConfigError, match=message) as caught:
        read(tmp_path, text)
    assert str(caught.value).startswith(str(tmp_path / "codebook.toml"))


def test_no_file(tmp_path):
    with pytest.raises(ConfigError, match=r"nowhere\.toml: expected a codebook, got No such file"):
        Codebook.read(tmp_path / "nowhere.toml")


def test_two_variables_of_one_name_in_python():
    with pytest.raises(ConfigError, match="several of 'scene'"):
        Codebook((variable(), variable("text", ())))


# --- prompts, schema, values, digest


def test_the_template_stands_in_only_where_it_describes_something():
    assert variable(names=("fire_truck", "dog")).prompts() == (("a photo of a fire truck",), ("a photo of a dog",))
    assert variable("multilabel", of="video").prompts()[1] == ("a photo of a Food truck",)
    for other in (variable("binary", ("yes", "no")), variable("ordinal"), variable(of="speech")):
        with pytest.raises(InputError, match="needs prompts for every value"):
            other.prompts()
    with pytest.raises(InputError, match="only variables with values have prompts"):
        variable("continuous", ()).prompts()


def box(name, *corners):
    return {"value": name, "box": [*corners]}


GOLDEN = ["77341f2497186c15", "7bd95f909605c33a", "a6ea193f15425a92", "59c1dda31e20e488"]
SCALE = {"low": -1, "high": 5}
ANSWERS = [
    (variable(), "animal", "animal"),
    (variable(), " FOOD TRUCK\n", "Food truck"),
    (variable(), None, None),
    (variable(none_of_these=True), "none_of_these", "none_of_these"),
    (variable("binary", ("1", "0")), 1, "1"),
    (variable("ordinal", ("1", "2", "3")), np.int64(3), "3"),
    (variable("multilabel", ("a", "b", "c")), ["c", "A", "c"], ["a", "c"]),
    (variable("multilabel"), (), []),
    (variable("continuous", (), **SCALE), 5, 5.0),
    (variable("continuous", (), **SCALE), " -1e0 ", -1.0),
    (variable("continuous", ()), np.float32(0.5), 0.5),
    (variable("text", ()), " as it is \n", " as it is \n"),
    (variable("boxes"), [], []),
    (variable("boxes"), None, None),
    (
        variable("boxes"),
        [box(" Animal", 5, 9, 7, 12), box("Food truck", 0, 9.0, 3, np.int64(10)), box("animal", 5, 9, 7, 12)],
        [box("Food truck", 0, 9, 3, 10), box("animal", 5, 9, 7, 12)],
    ),
]
REFUSED = [
    (variable(), "dog", "expected one of 'animal', 'Food truck' or null .*got 'dog'"),
    (variable(), "", "got ''"),
    (variable(), True, "got True"),
    (variable(), ["animal"], r"got \['animal'\]"),
    (variable(), "none_of_these", "expected one of"),
    (variable(cannot_tell=False), None, "expected one of 'animal', 'Food truck', got None"),
    (variable("binary", ("1", "0")), True, "got True"),
    (variable("ordinal", ("1", "2")), 1.0, "got 1.0"),
    (variable("multilabel"), "animal", "expected a list of any of 'animal', 'Food truck' or null"),
    (variable("multilabel"), ["animal", "dog"], r"got \['animal', 'dog'\]"),
    (variable("continuous", (), **SCALE), 5.1, "expected a finite number of at least -1 and of at most 5 or null"),
    (variable("continuous", (), low=0), -1, "expected a finite number of at least 0 or null"),
    (variable("continuous", ()), "3,5", "got '3,5'"),
    (variable("continuous", ()), "1_000", "got '1_000'"),
    (variable("continuous", ()), "nan", "got 'nan'"),
    (variable("continuous", ()), float("inf"), "got inf"),
    (variable("continuous", ()), 10**400, "expected a finite number"),
    (variable("continuous", ()), True, "got True"),
    (variable("text", ()), " \n", "a text that is not blank"),
    (variable("text", ()), 3, "got 3"),
    (variable("boxes"), "animal", r"expected a list of boxes \{.value.: name, .*\} of 'animal', 'Food truck' or null"),
    (variable("boxes"), {}, "got {}"),
    (variable("boxes"), [box("dog", 0, 0, 1, 1)], "expected a list of boxes .* of 'animal', 'Food truck'"),
    (variable("boxes"), [{"box": [0, 0, 1, 1]}], "variable 'scene': expected a box as "),
    (variable("boxes"), [box("animal", 0, 0, 1.5, 1)], "whole pixels, got .*; round them"),
    (variable("boxes"), [box("animal", 0, 0, True, 1)], "whole pixels"),
    (variable("boxes"), [{"value": "animal", "box": [0, 0, 1]}], "the corners"),
    (variable("boxes"), [box("animal", 2, 0, 2, 1)], "expected 0 <= x0 < x1"),
    (variable("boxes"), [box("animal", -1, 0, 2, 1)], "expected 0 <= x0 < x1"),
    (variable("boxes"), [box("animal", 0, 0, float("inf"), 1)], "whole pixels"),
]


@pytest.mark.parametrize(("of", "value", "stored"), ANSWERS)
def test_answers(of, value, stored):
    got = of.validate(value)
    assert got == stored
    assert type(got) is type(stored)
    assert of.validate(json.loads(json.dumps(got))) == got  # what is stored is an answer


@pytest.mark.parametrize(("of", "value", "message"), REFUSED)
def test_what_is_no_answer(of, value, message):
    with pytest.raises(InputError, match=message):
        of.validate(value)


def test_schema():
    definition = replace(variable(), values=(Value("animal", "Alive."), Value("food")), none_of_these=True)
    assert definition.schema() == {
        "description": "What?\n- animal: Alive.\n- food\n- none_of_these: none of the above\n- null: cannot tell",
        "type": ["string", "null"],
        "enum": ["animal", "food", "none_of_these", None],
    }
    assert replace(definition, cannot_tell=False).schema()["enum"] == ["animal", "food", "none_of_these"]
    assert variable("multilabel").schema()["items"] == {"type": "string", "enum": ["animal", "Food truck"]}
    assert variable("continuous", (), low=0, cannot_tell=False).schema() == {
        "description": "What?",
        "type": ["number"],
        "minimum": 0,
    }
    assert variable("text", ()).schema()["pattern"] == r"\S"


@pytest.mark.parametrize(("of", "stored"), [(of, stored) for of, _, stored in ANSWERS])
def test_what_is_stored_fits_the_schema(of, stored):
    jsonschema.validate(stored, of.schema(), cls=jsonschema.Draft202012Validator)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({"not": "an answer"}, of.schema(), cls=jsonschema.Draft202012Validator)


def test_boxes_lie_in_their_picture():
    of = variable("boxes")
    assert of.validate([box("animal", 0, 0, 640, 480)], size=(640, 480)) == [box("animal", 0, 0, 640, 480)]
    with pytest.raises(InputError, match=r"the box \[0, 0, 641, 480\] leaves its picture, which is 640 x 480 px"):
        of.validate([box("animal", 0, 0, 641, 480)], size=(640, 480))


def test_schema_of_boxes_and_what_coders_read():
    dog = Value("dog", "A dog.", include=["puppies."], exclude=["wolves", "toys"])
    of = replace(variable("boxes"), values=(dog, Value("cat")), instructions="Draw tightly.")
    assert of.schema() == {
        "description": "What?\nDraw tightly.\n- dog: A dog. Include: puppies. Exclude: wolves; toys.\n- cat\n"
        "- null: cannot tell",
        "type": ["array", "null"],
        "items": {
            "type": "object",
            "properties": {
                "value": {"type": "string", "enum": ["dog", "cat"]},
                "box": {"type": "array", "items": {"type": "integer", "minimum": 0}, "minItems": 4, "maxItems": 4},
            },
            "required": ["value", "box"],
            "additionalProperties": False,
        },
    }


def test_boxes_and_pairs_have_no_prompts():
    with pytest.raises(InputError, match="'scene' is answered by boxes, and prompts choose a value for one whole unit"):
        variable("boxes").prompts()
    with pytest.raises(InputError, match="'scene' is about pairs of units"):
        variable(pairs=True).prompts()


def test_skip_rules():
    one = variable(only_if={"people": ["yes"], "tags": ["flag", "crowd"]})
    assert one.only_if == (("people", ("yes",)), ("tags", ("flag", "crowd")))
    assert hash(one) == hash(replace(one, only_if=[("people", ["yes"]), ("tags", ["flag", "crowd"])]))
    assert variable().asked({})
    assert one.asked({"people": "yes", "tags": ["police", "crowd"]})
    assert one.asked({"people": "yes", "tags": [box("flag", 0, 0, 1, 1)]})
    for answers in (
        {},
        {"people": "yes"},  # tags were not asked, or not yet
        {"people": "no", "tags": ["flag"]},
        {"people": None, "tags": ["flag"]},
        {"people": "yes", "tags": []},
        {"people": "yes", "tags": ["police"]},
    ):
        assert not one.asked(answers)


def test_definitions_that_use_nothing_new_keep_their_digests_and_recipes():
    """Golden: labels and answers that were given before these keys existed go on to count."""
    old = variable(none_of_these=True)
    assert canonical(old) == (
        '{"cannot_tell":true,"high":null,"low":null,"name":"scene","none_of_these":true,"of":"image","question":"What?"'
        ',"sensitive":false,"type":"categorical","values":[{"definition":"","examples":[],"name":"animal","prompts":[]},'
        '{"definition":"","examples":[],"name":"Food truck","prompts":[]}]}'
    )
    numbers = variable("continuous", (), low=0, high=1.5, cannot_tell=False)
    assert [one.digest for one in (old, variable("multilabel"), numbers, variable("text", ()))] == GOLDEN
    first, second = old.values
    new = [
        replace(old, pairs=True),
        replace(old, instructions="Look."),
        replace(old, only_if={"people": ["yes"]}),
        *(replace(old, values=(replace(first, **{key: ["x"]}), second)) for key in ("include", "exclude", "units")),
        replace(old, values=(first, replace(second, include=["x"]))),
    ]
    assert len({old.digest, *(one.digest for one in new)}) == 8
    assert len({canonical(old), *map(canonical, new)}) == 8


def test_the_digest_is_of_what_coders_read():
    first = variable(none_of_these=True)
    assert re.fullmatch("[0-9a-f]{16}", first.digest)
    assert first.digest == "77341f2497186c15"
    prompted = tuple(replace(value, prompts=("x",)) for value in first.values)
    assert replace(first, sensitive=True, values=prompted).digest == first.digest
    number = variable("continuous", (), low=0, high=1)
    assert number.digest == replace(number, low=0.0, high=1.0).digest
    changed = [
        replace(first, name="other"),
        replace(first, question="What else?"),
        replace(first, of="frame"),
        replace(first, none_of_these=False),
        replace(first, cannot_tell=False),
        replace(first, type="multilabel", none_of_these=False),
        replace(first, values=first.values[::-1]),
        replace(first, values=(Value("animal", "A living one."), first.values[1])),
        replace(first, values=(Value("animal", examples=("a dog",)), first.values[1])),
        number,
        replace(number, high=2),
    ]
    assert len({first.digest, *(other.digest for other in changed)}) == len(changed) + 1


def test_importing_is_light():
    code = """
import sys, time
import dataclasses, hashlib, pathlib, numbers, json, studium.errors
before = time.process_time()
import studium.core.codebook
print(time.process_time() - before, [m for m in ("numpy", "pyarrow", "sqlalchemy", "tomllib") if m in sys.modules])
"""
    spent, loaded = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout.split(maxsplit=1)
    assert loaded.strip() == "[]"
    assert float(spent) < 0.1  # about .01 s
