"""200 pictures, 20 of them hostile: the run ends well, and every picture has all its columns or a reason."""

import json
import os
import subprocess
import sys
from pathlib import Path

import hostile
import numpy as np
import pytest
from PIL import Image

from studium import Corpus

STUDY = """
[[source]]
folder = "images"
[[step]]
measure = ["properties", "colour", "histogram", "aesthetics", "phash", "pdq", "embed", "tags"]
of = "image"
"""
MEASURES = ("properties", "colour", "histogram", "aesthetics", "phash", "pdq", "embed", "tags")


def pictures(folder: Path, photos: Path, count: int) -> None:
    """Crops of real photographs, each one different."""
    folder.mkdir(parents=True)
    rng = np.random.default_rng(0)
    names = ("astronaut.png", "chelsea.png", "coffee.png", "china.jpg", "flower.jpg", "rocket.jpg")
    for i in range(count):
        photo = Image.open(photos / names[i % len(names)]).convert("RGB")
        left, top = (int(rng.integers(0, side - 200)) for side in photo.size)
        photo.crop((left, top, left + 200, top + 200)).save(folder / f"{i:03}.jpg", quality=90)


@pytest.mark.slow
def test_a_run_survives_twenty_hostile_files(tmp_path, photos):
    study = tmp_path / "study"
    expected = hostile.make(study / "images" / "zoo")
    del expected["folder.jpg"]  # a folder, which the source looks into, whatever it is called
    plugin = hostile.crash_plugin(tmp_path / "plugin")
    pictures(study / "images" / "good", photos, 200 - len(expected))
    (study / "studium.toml").write_text(STUDY)
    assert len(expected) >= 20

    command = [Path(sys.executable).with_name("studium"), "run", "--study", study]
    environment = {**os.environ, "PYTHONPATH": str(plugin)}
    done = subprocess.run(
        command, env=environment, preexec_fn=hostile.drop_root, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr

    corpus = Corpus(study)
    reasons = reasons_by_name(corpus)
    bad = {name: error for name, error in expected.items() if error != "ok"}
    assert {name: reasons.get(name) for name in bad} == bad
    assert set(reasons) == set(bad), "and nothing else failed"
    assert corpus.failures().filter(corpus.failures()["message"].is_valid()).num_rows == corpus.failures().num_rows

    complete = corpus.table("image", *MEASURES)
    failed = set(corpus.failures()["unit"].to_pylist())
    good = [row for row in complete.to_pylist() if row["unit"] not in failed]
    in_hand = {row["unit"] for row in good} | failed
    assert in_hand == set(corpus.units("image")["id"].to_pylist()), "nothing vanished"
    for name in ("width", "brightness_mean", "edge_density", "phash", "pdq", "embedding"):
        assert all(row[name] is not None for row in good), name

    again = subprocess.run(
        command, env=environment, preexec_fn=hostile.drop_root, capture_output=True, text=True, check=False
    )
    assert again.returncode == 0, again.stderr
    assert "nothing to do" in again.stdout


def reasons_by_name(corpus: Corpus) -> dict[str, str]:
    """Name of the file -> class of its error, from the failures of every step and the losses of the source."""
    found = {Path(row["path"]).name: row["error"] for row in corpus.failures().to_pylist()}
    for row in corpus.losses().to_pylist():
        found[Path(row["where"]).name] = row["error"]
    return found


def test_the_manifest_tells_what_happened(study):
    (study / "studium.toml").write_text(STUDY)
    (study / "images" / "thing" / "empty.jpg").write_bytes(b"")
    Corpus(study).run()
    manifests = sorted((study / "runs").glob("*.json"))
    assert len(manifests) == 1
    told = json.loads(manifests[0].read_text())
    assert told["status"] == "done"
    assert told["inputs"]["image"]["units"] == 5
    assert {name.split("/")[1].split("-")[0] for name in told["outputs"]} == set(MEASURES)
    embed = next(out for name, out in told["outputs"].items() if name.startswith("image/embed-"))
    assert (embed["rows"], embed["failures"]) == (4, 1)
    assert len(embed["models"]["efficientnet-lite0"]) >= 16
    assert told["packages"]["onnxruntime"]


def test_limits_are_raised_and_half_pictures_taken_only_on_purpose(study):
    folder = study / "images"
    whole = (folder / "living" / "flower.jpg").read_bytes()
    (folder / "half.jpg").write_bytes(whole[: len(whole) // 2])
    steps = '[[source]]\nfolder = "images"\n[[step]]\nmeasure = "colour"\nof = "image"\n'
    (study / "studium.toml").write_text("[media]\nmax_pixels = 250_000\n" + steps)
    Corpus(study).run()
    errors = {Path(row["path"]).name: row["error"] for row in Corpus(study).failures().to_pylist()}
    assert errors == dict.fromkeys(["flower.jpg", "half.jpg", "rocket.jpg"], "TooLargeError")

    (study / "studium.toml").write_text(steps)
    Corpus(study).run(retry=True)
    assert {Path(row["path"]).name: row["error"] for row in Corpus(study).failures().to_pylist()} == {
        "half.jpg": "TruncatedFileError"
    }

    (study / "studium.toml").write_text("[media]\ntruncated = true\n" + steps)
    corpus = Corpus(study)
    corpus.run()
    taken = corpus.table("image", "colour:truncated")
    assert taken["brightness_mean"].null_count == 0, "in a table of its own"
    assert taken.num_rows == 5
