"""A run can be killed at any moment: a rerun computes what is missing, and the tables are those of a quiet run."""

import os
import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from studium import Corpus
from studium.core import parts

STUDIUM = Path(sys.executable).with_name("studium")
STUDY = """
[[source]]
folder = "images"
[[step]]
measure = ["properties", "colour", "histogram", "phash", "pdq", "embed", "tags"]
of = "image"
"""
HEEDING_CTRL_C = (  # which a shell's background jobs, and what they start, do not
    "import os, signal, sys; signal.signal(signal.SIGINT, signal.SIG_DFL); os.execv(sys.argv[1], sys.argv[1:])"
)
MEASURES = ("properties", "colour", "histogram", "phash", "pdq", "embed", "tags")


@pytest.fixture(scope="module")
def eight_hundred(tmp_path_factory, photos) -> Path:
    """A study of 800 small crops of real photographs, not yet run."""
    folder = tmp_path_factory.mktemp("eight_hundred")
    rng = np.random.default_rng(1)
    originals = [
        Image.open(photos / n).convert("RGB") for n in ("astronaut.png", "chelsea.png", "coffee.png", "china.jpg")
    ]
    (folder / "images").mkdir()
    for i in range(800):
        photo = originals[i % 4]
        left, top = (int(rng.integers(0, side - 96)) for side in photo.size)
        photo.crop((left, top, left + 96, top + 96)).save(folder / "images" / f"{i:04}.jpg", quality=85)
    (folder / "studium.toml").write_text(STUDY)
    return folder


def contents(study: Path) -> dict[str, list[str]]:
    """Every table, row for row, in the order of the units, as text: NaN equals NaN."""
    corpus = Corpus(study)
    return {name: list(map(repr, corpus.table("image", name).drop_columns("path").to_pylist())) for name in MEASURES}


@pytest.mark.slow
def test_killed_ten_times_and_still_the_same(tmp_path, eight_hundred):
    peaceful, harassed = tmp_path / "peaceful", tmp_path / "harassed"
    for copy in (peaceful, harassed):
        shutil.copytree(eight_hundred, copy)
    began = time.monotonic()
    subprocess.run([STUDIUM, "run", "--study", peaceful], check=True, capture_output=True)
    whole = time.monotonic() - began

    moments = random.Random(2)
    kills = 0
    for _ in range(10):
        run = subprocess.Popen([STUDIUM, "run", "--study", harassed], stdout=subprocess.DEVNULL, start_new_session=True)
        try:
            run.wait(moments.uniform(0.05, 0.35) * whole)
        except subprocess.TimeoutExpired:
            os.kill(run.pid, signal.SIGKILL)
            run.wait()
            kills += 1
        wait_for_workers_of(run.pid)
    assert kills >= 3, "the kills should hit runs at work"
    subprocess.run([STUDIUM, "run", "--study", harassed], check=True, capture_output=True)
    assert contents(harassed) == contents(peaceful)
    for table in Corpus(harassed).store.tables("image"):
        twin = Corpus(peaceful).store.table("image", table.recipe)
        assert parts.rows(table.folder) == parts.rows(twin.folder), "no row was written twice"
        assert table.digest() == twin.digest()
    assert not list(harassed.rglob("*.tmp"))
    assert Corpus(harassed).failures().num_rows == 0


def wait_for_workers_of(parent: int) -> None:
    """A worker ends when its parent does; it must not be there for long."""
    deadline = time.monotonic() + 10
    while alive(parent):
        assert time.monotonic() < deadline, "a worker outlived its parent"
        time.sleep(0.05)


def alive(session: int) -> list[str]:
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                fields = (entry / "stat").read_text().rsplit(")", 1)[1].split()
            except OSError:
                continue
            if fields[3] == str(session) and fields[0] != "Z":
                found.append(entry.name)
    return found


def test_ctrl_c_ends_a_run_and_the_next_goes_on(tmp_path, eight_hundred):
    study = tmp_path / "study"
    shutil.copytree(eight_hundred, study)
    run = subprocess.Popen(
        [sys.executable, "-c", HEEDING_CTRL_C, STUDIUM, "run", "--study", study],
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    while not list((study / "tables").glob("image/pdq-*/part-*.parquet")):
        assert run.poll() is None, "the run should be at work by now"
        time.sleep(0.02)
    os.killpg(run.pid, signal.SIGINT)
    _, said = run.communicate(timeout=30)
    assert run.returncode == 130
    assert "the same command goes on from there" in said
    assert "Traceback" not in said
    assert len(Corpus(study).store.find("image", "pdq").done()) > 0
    assert '"status": "interrupted"' in next((study / "runs").glob("*.json")).read_text()


def test_the_same_study_gives_the_same_digests(tmp_path, study):
    import json

    (study / "studium.toml").write_text(STUDY)
    twin = tmp_path / "twin"
    shutil.copytree(study, twin, copy_function=shutil.copyfile)
    digests = []
    for folder in (study, twin):
        Corpus(folder).run()
        told = json.loads(next((folder / "runs").glob("*.json")).read_text())
        digests.append((told["inputs"], {name: out["digest"] for name, out in told["outputs"].items()}))
    assert digests[0] == digests[1]


def test_a_changed_parameter_goes_beside(study):
    corpus = Corpus(study)
    from studium import sources

    corpus.add(sources.folder(study / "images"))
    corpus.measure("histogram", of="image", bins=32)
    before = corpus.table("image", "histogram")
    corpus.measure("histogram", of="image", bins=64)
    assert corpus.table("image", "histogram:32").equals(before)
    assert len(corpus.table("image", "histogram:64").to_pylist()[0]["intensity_histogram"]) == 64
