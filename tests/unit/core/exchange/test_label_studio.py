"""Label Studio's export: boxes, texts and choices as its interface writes them. The rest: learn/labels/test_read."""

import json
from datetime import UTC, datetime

import pytest

from studium.core.codebook import Codebook
from studium.core.exchange.label_studio import Tasks
from studium.core.variable import Value, Variable
from studium.errors import InputError


def variable(name, kind, values="", **more):
    return Variable(name, "?", "image", kind, tuple(map(Value, values.split())), **more)


BOOK = Codebook(
    (
        variable("seen", "boxes", "Airplane Car"),
        variable("remark", "text"),
        variable("better", "binary", "left right", pairs=True),
        variable("tone", "ordinal", "1 2 3"),
        variable("sure", "continuous", cannot_tell=False),
    )
)


def control(name, kind, value, **more):
    return {"id": "x", "from_name": name, "to_name": "unit", "type": kind, "value": value, "origin": "manual"} | more


def drawn(box, labels=("Airplane",), turned=0, size=(600, 403)):
    x, y, width, height = box
    value = {"x": x, "y": y, "width": width, "height": height, "rotation": turned, "rectanglelabels": [*labels]}
    wide, high = size
    return control("seen", "rectanglelabels", value, original_width=wide, original_height=high, image_rotation=0)


def read(tmp_path, *results, **annotation):
    body = [{"data": {"unit": "a"}, "annotations": [{"completed_by": 1, "result": [*results], **annotation}]}]
    (tmp_path / "x.json").write_text(json.dumps(body))
    return Tasks(BOOK, "unit").read(tmp_path / "x.json")


def test_boxes_in_percent_become_pixels(tmp_path):
    # https://labelstud.io/guide/predictions: the example of an airplane and a car
    found = read(
        tmp_path,
        drawn((4.98, 12.82, 32.52, 44.91)),
        drawn((75.47, 82.33, 5.74, 7.40), ["Car"]),
    )
    assert found.rows[0].value == [
        {"value": "Airplane", "box": [30, 52, 225, 233]},
        {"value": "Car", "box": [453, 332, 487, 362]},
    ]
    assert found.told == {"rounded": 2}
    exact = read(tmp_path, drawn((10, 20, 30, 40), size=(100, 50)), drawn((0, 0, 100, 100), size=(100, 50)))
    assert [one["box"] for one in exact.rows[0].value] == [[0, 0, 100, 50], [10, 10, 40, 30]]
    assert exact.told == {}


def test_boxes_that_cannot_be_taken_are_told(tmp_path):
    found = read(tmp_path, drawn((0, 0, 10, 10), turned=45), drawn((0, 0, 50, 50), ["Airplane", "Car"], size=(4, 4)))
    assert [one["value"] for one in found.rows[0].value] == ["Airplane", "Car"]
    assert found.told == {"rotated": 1}
    with pytest.raises(InputError, match="task 1: expected original_width of a box, in pixels, got None"):
        read(tmp_path, drawn((0, 0, 1, 1), size=(None, 5)))
    with pytest.raises(InputError, match=r"expected a list of boxes .* of 'Airplane', 'Car'"):
        read(tmp_path, drawn((0, 0, 10, 10), ["Ship"]))


def test_answers_that_are_no_choice(tmp_path):
    when = {"created_at": "2026-11-20T09:00:00Z", "updated_at": "2026-11-21T12:00:00.5Z", "lead_time": 4.25}
    found = read(
        tmp_path,
        control("remark", "textarea", {"text": ["one", "two"]}),
        control("better", "pairwise", {"selected": "left"}),
        control("tone", "rating", {"rating": 2}),
        control("sure", "number", {"number": 0.1}),
        control("seen.instead", "choices", {"choices": ["none_of_these"]}),
        **when,
    )
    assert {row.variable: row.value for row in found.rows} == {
        "remark": "one\ntwo",
        "better": "left",
        "tone": "2",
        "sure": 0.1,
        "seen": [],
    }
    assert {(row.at, row.seconds, row.definition) for row in found.rows} == {
        (datetime(2026, 11, 21, 12, 0, 0, 500000, tzinfo=UTC), 4.25, None)
    }


def test_cannot_tell_stands_beside(tmp_path):
    said = {"choices": ["cannot_tell"]}
    found = read(tmp_path, *(control(f"{name}.instead", "choices", said) for name in ("seen", "remark", "tone")))
    assert [row.value for row in found.rows] == [None, None, None]
    with pytest.raises(InputError, match="expected cannot_tell instead of an answer to 'sure'"):
        read(tmp_path, control("sure.instead", "choices", said))
    with pytest.raises(InputError, match="draws 'seen' and says None"):
        read(tmp_path, control("seen.instead", "choices", said), drawn((0, 0, 10, 10)))


def test_what_studium_wrote_beside(tmp_path):
    code = {"at": "2026-11-21T12:00:00+00:00", "weight": 2.5, "note": "n", "key": "k", "definition": "d"}
    found = read(
        tmp_path,
        control("tone", "rating", {"rating": 2}),
        control("sure", "number", {"number": 1}),
        studium={"coder": "ada", "codes": {"tone": code}},
        lead_time=3,
    )
    tone, sure = found.rows
    assert (tone.coder, tone.at, tone.weight, tone.note, tone.key, tone.definition, tone.seconds) == (
        *("ada", datetime(2026, 11, 21, 12, tzinfo=UTC), 2.5, "n", "k", "d", None),
    )
    assert (sure.coder, sure.at, sure.weight, sure.seconds) == ("ada", None, 1.0, 3.0)  # added in Label Studio
    with pytest.raises(InputError, match="expected a time such as"):
        read(tmp_path, control("sure", "number", {"number": 1}), updated_at="yesterday")


def test_what_a_project_of_others_holds_besides(tmp_path):
    relation = {"from_id": "a", "to_id": "b", "type": "relation", "direction": "right", "labels": []}
    assert read(tmp_path, relation, control("remark", "textarea", {"text": ["one"]})).told == {"other_controls": 1}
    turned = read(tmp_path, drawn((0, 0, 10, 10), turned=45))
    assert (turned.rows, turned.told) == ((), {"empty": 1, "rotated": 1})  # nobody said that nothing is there
    edge = read(tmp_path, drawn((100, 100, 0, 0), size=(60, 40)))
    assert edge.rows[0].value == [{"value": "Airplane", "box": [59, 39, 60, 40]}]
    told = [{"data": {"unit": "a"}, "annotations": [], "drafts": [{}], "predictions": [{}]}]
    (tmp_path / "x.json").write_text(json.dumps(told))
    assert Tasks(BOOK, "unit").read(tmp_path / "x.json").told == {"drafts": 1, "predictions": 1}
