"""Run a freshly installed wheel, base dependencies only: pictures in, measures, failures, a resumed run."""

import subprocess
import sys
import tempfile
from importlib.metadata import version
from pathlib import Path

import numpy as np
from PIL import Image

import studium
from studium import Corpus, sources


def main() -> None:
    assert "site-packages" in str(studium.__file__), f"this is not the installed wheel: {studium.__file__}"
    with tempfile.TemporaryDirectory() as folder:
        pictures = Path(folder, "pictures")
        pictures.mkdir()
        rng = np.random.default_rng(0)
        for i in range(5):
            Image.fromarray(rng.integers(0, 256, (80, 120, 3), np.uint8)).save(pictures / f"{i}.png")
        (pictures / "broken.jpg").write_bytes(b"not a picture")
        corpus = Corpus(Path(folder, "study"))
        corpus.add(sources.folder(pictures))
        names = ("properties", "colour", "histogram", "phash", "pdq")
        corpus.measure(*names, of="image")
        assert corpus.table("image", *names).num_rows == 6
        assert corpus.failures().num_rows == len(names), corpus.failures().to_pylist()
        assert not corpus.measure(*names, of="image").rows.total()
        status = [Path(sys.executable).with_name("studium"), "status", "--study", corpus.root]
        assert "image\t6" in subprocess.run(status, capture_output=True, text=True, check=True).stdout
    print(f"studium {version('studium')} works as installed: 5 pictures measured, 1 failure kept, nothing done twice")


if __name__ == "__main__":
    main()
