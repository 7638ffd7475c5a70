"""Recognition without a legal basis, with one, and after it: every way in."""

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner
from persons import BASIS, album, grant

from studium import Corpus, sources
from studium.cli import cli
from studium.cli.recognise import recognise
from studium.core import audit
from studium.errors import InputError, RefusedError, UnknownNameError

LIBRARY: dict[str, Callable[[Corpus], Any]] = {
    "measure": lambda c: c.measure("face_embedding", of="face"),
    "measure objects": lambda c: c.measure("face_embedding", of="object"),
    "embed": lambda c: c.measure("embed", of="face"),
    "embed conse": lambda c: c.measure("embed", of="face", model="conse"),
    "zero_shot": lambda c: c.measure("zero_shot", of="face", values=("calm", "angry")),
    "among others": lambda c: c.measure("pdq", "embed", of="face"),
    "run": lambda c: c.run(),
    "search": lambda c: c.search("face", unit="0", by="embed"),
    "search by image": lambda c: c.search("face", image="a.jpg", by="embed"),
    "cluster": lambda c: c.cluster("face", by="embed"),
    "map": lambda c: c.map("face", by="face_embedding"),
    "duplicates": lambda c: c.duplicates("face", by="face_embedding", threshold=0.9),
    "rollup": lambda c: c.rollup("image", of="face", by="embed", rules={"embedding": "mean_vector"}),
    "table": lambda c: c.table("face", "face_embedding"),
    "sql": lambda c: c.sql("select * from face_face_embedding"),
    "verify": lambda c: c.verify(c.root / "images/obama.jpg", c.root / "images/biden.jpg"),
    "find": lambda c: c.find(c.root / "images/obama.jpg"),
    "find among": lambda c: c.find(c.root / "images/obama.jpg", [c.root / "images/biden.jpg"]),
    "persons": lambda c: c.persons(),
}
COMMANDS: dict[str, tuple[click.Command, str]] = {
    "measure": (cli, "measure face_embedding --of face"),
    "embed": (cli, "measure embed --of face"),
    "zero_shot": (cli, "measure zero_shot --of face --set values=['calm','angry']"),
    "run": (cli, "run"),
    "search": (cli, "search --of face --unit 00 --by face_embedding"),
    "cluster": (cli, "cluster --of face --by face_embedding"),
    "map": (cli, "map --of face --by embed"),
    "duplicates": (cli, "duplicates --of face --by embed --set threshold=0.9"),
    "verify": (recognise, "verify images/obama.jpg images/biden.jpg"),
    "find": (recognise, "find images/obama.jpg"),
    "find among": (recognise, "find images/obama.jpg images/biden.jpg"),
    "persons": (recognise, "persons"),
}
STEP = '[[step]]\nmeasure = "face_embedding"\nof = "face"\n'


@pytest.fixture(scope="module")
def made(tmp_path_factory, politicians, photos) -> Path:
    root = tmp_path_factory.mktemp("journey") / "study"
    album(root / "images", politicians, photos / "coffee.png")
    corpus = Corpus(root)
    corpus.add(sources.folder(root / "images"))
    corpus.split("faces", of="image")
    (root / "studium.toml").write_text(STEP)
    return root


@pytest.fixture
def root(made, tmp_path, monkeypatch) -> Path:
    root = Path(shutil.copytree(made, tmp_path / "study"))
    monkeypatch.chdir(root)
    return root


def log(root: Path) -> list[audit.Entry]:
    return audit.read(root / audit.NAME)


@pytest.mark.parametrize("way", LIBRARY)
def test_every_way_in_refuses_and_logs(root, way, monkeypatch):
    monkeypatch.setitem(sys.modules, "dlib", None)  # the refusal comes before a missing extra
    with pytest.raises(RefusedError, match=r"there is no record of it.*studium recognise basis"):
        LIBRARY[way](Corpus(root))
    assert [entry.allowed for entry in log(root)] == [False]
    assert {path.name.split("-")[0] for path in root.glob("tables/face/*")} == {"faces"}


@pytest.mark.parametrize("way", COMMANDS)
def test_every_command_refuses_and_logs(root, way):
    command, line = COMMANDS[way]
    done = CliRunner().invoke(command, line.split())
    assert isinstance(done.exception, RefusedError)
    assert done.exit_code == 1
    assert [entry.allowed for entry in log(root)] == [False]


def test_the_program_ends_with_an_exit_code_and_one_line(root):
    command = [str(Path(sys.executable).with_name("studium")), "measure", "face_embedding", "--of", "face"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr.startswith("RefusedError: measure face_embedding of face")
    assert len(done.stderr.splitlines()) == 1


def test_an_incomplete_record_is_told_what_is_missing(root):
    grant(root, dpia='"TODO"', approved_by='"the first  PERSON"')
    with pytest.raises(RefusedError, match=r"dpia is missing \(.*approved_by must be another person"):
        Corpus(root).persons()
    assert log(root)[0].basis


def test_without_with_and_after(root):
    """The whole life of templates in a study."""
    obama, biden = root / "images/obama.jpg", root / "images/biden.jpg"
    corpus = Corpus(root)
    with pytest.raises(RefusedError):
        corpus.verify(obama, biden)

    grant(root)
    outcome = corpus.measure("face_embedding", of="face")  # in the worker process
    assert (outcome.rows.total(), outcome.failures.total()) == (4, 0)
    found = corpus.persons()
    assert [faces for _, faces, _ in found.overview()] == [3, 1]
    assert not corpus.persons().computed

    grant(root, expires="2020-01-01")
    with pytest.raises(RefusedError, match="it expired on 2020-01-01"):
        corpus.find(obama)
    assert not list(root.glob("tables/face/face_embedding-*"))
    assert corpus.table("face", "persons").num_rows == 4  # data, not templates
    deleted, refused = log(root)[-2:]
    assert (deleted.use.what.split("-")[0], refused.use.what) == ("delete face_embedding", "find")
    assert all(entry.intact for entry in log(root))

    grant(root)
    assert corpus.persons().overview() == found.overview()  # the same faces, measured again


def test_what_is_found(root):
    obama, biden = root / "images/obama.jpg", root / "images/biden.jpg"
    grant(root)
    corpus = Corpus(root)
    same, other = corpus.verify(obama, root / "images/obama2.jpg"), corpus.verify(obama, biden)
    assert (same.same, other.same) == (True, False)
    assert (same.distance, other.distance) == (pytest.approx(0.355, abs=0.03), pytest.approx(0.856, abs=0.03))

    among = [root / "images" / f"{name}" for name in ("obama2.jpg", "obama3.jpg", "biden.jpg", "coffee.png")]
    ranked = corpus.find(obama, among).to_pylist()
    assert [Path(row["path"]).stem for row in ranked] == ["obama3", "obama2", "biden", "coffee"]
    assert (ranked[3]["distance"], ranked[3]["box"]) == (None, None)

    corpus.persons()
    table = corpus.table("face", "persons")
    whose = {
        Path(path).stem: person
        for path, person in zip(table["path"].to_pylist(), table["person"].to_pylist(), strict=True)
    }
    assert whose == {"obama": 0, "obama2": 0, "obama3": 0, "biden": 1}

    nearest = corpus.find(obama, k=2).to_pylist()
    assert [Path(row["path"]).stem for row in nearest] == ["obama", "obama3"]
    assert corpus.find(nearest[1]["unit"][:12], k=1)["unit"].to_pylist() == [nearest[1]["unit"]]
    score = corpus.search("face", unit=nearest[0]["unit"], by="face_embedding", k=1)["score"].to_pylist()
    assert score == [pytest.approx(1)]
    assert corpus.sql("select * from face_face_embedding").num_rows == 4

    manifests = [json.loads(path.read_text()) for path in sorted((root / "runs").glob("*.json"))]
    assert {m["legal_basis"] for m in manifests if m["command"].startswith(("face_embedding", "persons"))} == {
        BASIS.digest
    }
    corpus.report()
    page = (root / "report/index.html").read_text()
    assert BASIS.purpose in page
    assert BASIS.digest in page


def test_steps_of_the_study_file_go_through_the_gate(root):
    grant(root)
    with (root / "studium.toml").open("a") as file:
        file.write(STEP + '[[step]]\npersons = "face_embedding"\nof = "face"\nthreshold = 0.45\n')
    outcome = Corpus(root).run()
    assert sorted(label.split("-")[0] for label in outcome.rows) == ["face_embedding", "persons"]
    assert all(entry.allowed for entry in log(root))


def test_a_target_must_be_one_face(root, photos):
    grant(root)
    corpus, obama = Corpus(root), root / "images/obama.jpg"
    with pytest.raises(InputError, match=r"coffee.png: expected one face, found none"):
        corpus.verify(obama, root / "images/coffee.png")
    two = root / "two.png"
    _side_by_side(two, obama, root / "images/biden.jpg")
    with pytest.raises(
        InputError, match=r"two.png: expected one face, found 2, in the boxes .*\(\d+, \d+, \d+, \d+\), \("
    ):
        corpus.find(two)
    with pytest.raises(InputError, match="is no file, and 0 faces have ids"):
        corpus.verify(obama, "abcdef0123")
    with pytest.raises(InputError, match="6 digits or more"):
        corpus.verify(obama, "gone.jpg")
    rows = corpus.find(obama, [two]).to_pylist()
    assert [row["distance"] < 0.6 for row in rows] == [True, False]
    for k in (0, "3"):
        with pytest.raises(InputError, match="k should be a whole number, at least 1"):
            corpus.find(obama, [two], k=k)


def test_among_no_pictures_is_not_among_all_faces(root):
    grant(root)
    corpus, obama = Corpus(root), root / "images/obama.jpg"
    assert corpus.find(obama, []).num_rows == 0
    assert corpus.find(obama, str(obama))["distance"].to_pylist() == [0]
    assert corpus.find(obama, (root / "images").glob("o*.jpg")).num_rows == 3
    assert not list(root.glob("tables/face/face_embedding-*"))


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ('threshold = "0.5"', "threshold should be float, got str '0.5'"),
        ("threshold = 0", "threshold is a distance above 0"),
        ("treshold = 0.5", "persons has no parameter treshold; it has: threshold"),
    ],
)
def test_parameters_of_persons_are_checked(root, line, said):
    grant(root)
    with (root / "studium.toml").open("a") as file:
        file.write(f'[[step]]\npersons = "face_embedding"\nof = "face"\n{line}\n')
    with pytest.raises(InputError, match=said):
        Corpus(root).run()
    with pytest.raises(InputError, match="verify: threshold"):
        Corpus(root).verify("a.jpg", "b.jpg", threshold=float("nan"))


def test_faces_come_from_splitting(tmp_path):
    grant_to = tmp_path / "study"
    grant_to.mkdir()
    grant(grant_to)
    with pytest.raises(InputError, match=r'corpus.split\("faces", of="image"\)'):
        Corpus(grant_to).persons()
    with pytest.raises(UnknownNameError):
        Corpus(grant_to).table("face", "persons")


def test_the_commands(root):
    run = CliRunner()
    form = run.invoke(recognise, ["basis"]).output
    assert form.startswith("[legal_basis]\npurpose = ")
    grant(root)
    said = run.invoke(recognise, ["verify", "images/obama.jpg", "images/biden.jpg"]).output
    assert float(said.split()[1].rstrip(":")) == pytest.approx(0.856, abs=0.03)
    assert "different persons by the threshold 0.6" in said
    done = run.invoke(
        recognise, ["find", "images/obama.jpg", "images/obama2.jpg", "images/obama3.jpg", "images/coffee.png"]
    )
    assert re.search(r"^target obama: obama3 \.3\d\d, obama2 \.3\d\d$", done.output, re.MULTILINE)
    assert "images/coffee.png\tno face" in done.output
    assert "2 persons; table persons-" in run.invoke(recognise, ["persons"]).output
    told = run.invoke(recognise, ["log"])
    assert told.exit_code == 0
    assert told.output.count("\tallowed\t") == 4
    lines = (root / "audit.jsonl").read_text().splitlines()
    (root / "audit.jsonl").write_text("\n".join(lines[1:]) + "\n")
    told = run.invoke(recognise, ["log"])
    assert told.exit_code == 1
    assert "line 1 does not follow" in told.output


def _side_by_side(path: Path, *pictures: Path) -> None:
    from PIL import Image

    opened = [Image.open(one).convert("RGB").resize((400, 500)) for one in pictures]
    sheet = Image.new("RGB", (800, 500))
    for number, picture in enumerate(opened):
        sheet.paste(picture, (400 * number, 0))
    sheet.save(path)
