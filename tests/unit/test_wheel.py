"""The wheel that a checkout gives where npm is not installed: everything but the browser app."""

import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
FILES = ("pyproject.toml", "hatch_build.py", "README.md", "LICENSE")
GROWN = shutil.ignore_patterns("node_modules", "static", "__pycache__")


@pytest.mark.slow
def test_without_npm_everything_but_the_app_is_built(tmp_path):
    tree, programs = tmp_path / "studium", tmp_path / "programs"
    for folder in ("app", "src"):
        shutil.copytree(ROOT / folder, tree / folder, ignore=GROWN)
    for name in FILES:
        shutil.copy(ROOT / name, tree)
    programs.mkdir()  # nothing in it, and so no npm
    command = [sys.executable, "-m", "pip", "wheel", "--verbose", "--no-deps", "--wheel-dir", tmp_path, tree]
    env = {**os.environ, "PATH": str(programs)}
    done = subprocess.run(command, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    assert "no npm, so no browser app; everything else is installed" in done.stdout + done.stderr
    (wheel,) = tmp_path.glob("*.whl")
    names = zipfile.ZipFile(wheel).namelist()
    assert "studium/server/app.py" in names
    assert not [name for name in names if name.startswith("studium/server/static/")]
