"""A study of hostile videos and sounds: the run ends well, and each file has its values or a reason, or both."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import hostile_video
import pytest

from studium import Corpus

STUDY = """
[[source]]
folder = "media"
[[step]]
split = "frames"
of = "video"
every = 0.5
[[step]]
split = "shots"
of = "video"
[[step]]
measure = "motion"
of = "video"
[[step]]
measure = ["colour", "pdq"]
of = "frame"
[[step]]
measure = "loudness"
of = "video"
"""


def run(study: Path) -> subprocess.CompletedProcess[str]:
    command = [Path(sys.executable).with_name("studium"), "run", "--study", study]
    return subprocess.run(command, capture_output=True, text=True, check=False)


@pytest.mark.slow
def test_a_run_survives_the_zoo(tmp_path):
    expected = hostile_video.make(tmp_path / "media")
    (tmp_path / "studium.toml").write_text(STUDY)
    done = run(tmp_path)
    assert done.returncode == 0, done.stderr
    corpus = Corpus(tmp_path)

    watched = {Path(row["path"]).name: row for row in corpus.table("video", "shots", "motion").to_pylist()}
    failures = corpus.failures().to_pylist()
    for step in ("shots", "motion"):
        said = {Path(row["path"]).name: row["error"] for row in failures if row["step"] == step}
        bad = {name: error for name, error in expected.items() if error != "ok" and name in watched}
        assert said == bad, step
    kept = {name for name, error in expected.items() if error in {"ok", "DamagedStreamError"} and name in watched}
    assert {name for name, row in watched.items() if row["shot_count"]} == kept
    assert {name for name, row in watched.items() if row["motion_pairs"] is not None} == kept
    assert all(row["message"] for row in failures)

    frames = corpus.table("frame", "colour", "pdq").to_pylist()
    lost = {row["unit"] for row in failures if row["kind"] == "frame"}
    assert {row["unit"] for row in frames if row["brightness_mean"] is None} == lost
    assert all(row["error"] == "DamagedStreamError" for row in failures if row["kind"] == "frame")
    assert len(frames) - len(lost) > 3 * len(lost)

    again = run(tmp_path)
    assert again.returncode == 0
    assert "nothing to do" in again.stdout


@pytest.mark.slow
def test_a_killed_run_of_videos_goes_on_to_the_same_tables(tmp_path):
    for name in ("killed", "whole"):
        (tmp_path / name / "media").mkdir(parents=True)
        (tmp_path / name / "studium.toml").write_text(STUDY)
        for number in range(12):
            pictures = [hostile_video.numbered((7 * number + i) % 256) for i in range(75)]
            hostile_video.video(tmp_path / name / "media" / f"{number}.mp4", pictures)
    assert run(tmp_path / "whole").returncode == 0
    command = [Path(sys.executable).with_name("studium"), "run", "--study", tmp_path / "killed"]
    for wait in (0.9, 1.3, 1.7, 2.1):
        process = subprocess.Popen(
            command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
        )
        time.sleep(wait)
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    assert run(tmp_path / "killed").returncode == 0
    killed, whole = Corpus(tmp_path / "killed"), Corpus(tmp_path / "whole")
    for kind, tables in {
        "video": ("frames", "shots", "motion"),
        "frame": ("colour", "pdq"),
        "shot": ("shots",),
    }.items():
        left, right = (c.table(kind, *tables).sort_by("unit") for c in (killed, whole))
        assert left.num_rows > 0
        assert left.drop_columns("path").equals(right.drop_columns("path")), kind
        for name in tables:
            assert killed.store.find(kind, name).digest() == whole.store.find(kind, name).digest(), (kind, name)
