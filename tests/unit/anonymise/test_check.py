"""Looking at a sample: draws that can be repeated, and intervals that are known."""

import csv
import json
from pathlib import Path

import pytest

from studium.anonymise import draw, recall, recall_of
from studium.errors import InputError


@pytest.mark.parametrize(
    ("frames", "covered", "low", "high"),
    [  # R: binom.test(covered, frames)$conf.int
        (10, 10, 0.6915029, 1.0),
        (10, 0, 0.0, 0.3084971),
        (100, 97, 0.9148237, 0.9937700),
        (1, 1, 0.025, 1.0),
    ],
)
def test_the_interval_is_clopper_and_pearsons(frames, covered, low, high):
    found = recall(frames, covered)
    assert (found.low, found.high) == pytest.approx((low, high), abs=1e-6)
    assert found.estimate == covered / frames


@pytest.mark.parametrize(("frames", "covered", "level"), [(0, 0, 0.95), (5, 6, 0.95), (5, -1, 0.95), (5, 5, 1.0)])
def test_impossible_counts_are_refused(frames, covered, level):
    with pytest.raises(InputError, match="covered"):
        recall(frames, covered, level)


@pytest.fixture
def copies(tmp_path) -> Path:
    """A record of 40 pictures and a document of 60 pages."""
    to = tmp_path / "released"
    to.mkdir()
    lines = [{"key": "00", "recipe": "x"}]
    for number in range(41):
        name = f"{number:016x}.{'tif' if number == 40 else 'jpg'}"
        (to / name).write_bytes(b"")
        result = {"frames": 60 if number == 40 else 1}
        lines.append(
            {"source": f"/in/{number}.jpg", "sha256": str(number), "kind": "image", "copy": name, "result": result}
        )
    (tmp_path / "released.originals.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    return to


def rows(sheet):
    with sheet.open(newline="") as file:
        return list(csv.DictReader(file))


def test_every_frame_has_the_same_chance(copies):
    drawn = rows(draw(copies, 50))
    pages = [row for row in drawn if row["copy"].endswith(".tif")]
    assert len(drawn) == 50
    assert 20 <= len(pages) <= 40  # 30 expected, standard deviation 2.5
    assert len({(row["copy"], row["frame"]) for row in drawn}) == 50


def test_all_are_drawn_if_there_are_fewer_and_the_seed_decides(copies):
    sheet = draw(copies, 1000)
    assert len(rows(sheet)) == 100
    drawn = []
    for seed in (3, 3, 4):
        sheet.unlink()
        drawn.append(draw(copies, 20, seed).read_text())
    assert drawn[0] == drawn[1] != drawn[2]


def test_copies_whose_original_has_changed_since_are_drawn_too(copies):
    later = {"source": "/in/0.jpg", "sha256": "new", "kind": "image", "copy": "f" * 16 + ".jpg"}
    (copies / later["copy"]).write_bytes(b"")
    with copies.with_name("released.originals.jsonl").open("a") as file:
        file.write(json.dumps({**later, "result": {"frames": 1}}) + "\n")
    assert len(rows(draw(copies, 1000))) == 101


def test_a_sheet_is_never_overwritten(copies):
    draw(copies, 5)
    with pytest.raises(InputError, match="there already"):
        draw(copies, 5)


def test_no_copies_no_sheet(tmp_path):
    with pytest.raises(InputError, match="no folder of anonymised copies"):
        draw(tmp_path / "nothing", 5)


def test_a_filled_sheet_says_recall(copies):
    sheet = draw(copies, 10)
    with pytest.raises(InputError, match="line 2"):
        recall_of(sheet)
    head, *lines = sheet.read_text().splitlines()
    answers = ["2,0"] * 6 + ["1,1"] + ["0,0"] * 3
    filled = [
        line.removesuffix(",").removesuffix(",") + f",{answer}" for line, answer in zip(lines, answers, strict=True)
    ]
    sheet.write_text("\n".join([head, *filled]))
    assert recall_of(sheet) == recall(7, 6)
    sheet.write_bytes(sheet.read_bytes().replace(b"/in/", b"/Zo\xeb/"))  # as a spreadsheet program saves it
    assert recall_of(sheet) == recall(7, 6)
    sheet.write_text("\n".join([head, *(line.removesuffix(",").removesuffix(",") + ",0,0" for line in lines)]))
    with pytest.raises(InputError, match="none of its 10 frames"):
        recall_of(sheet)
