"""``import studium`` and ``studium --help`` cost nothing: no library built on numpy is loaded."""

import subprocess
import sys

import pytest

import studium

HEAVY = {"numpy", "pyarrow", "PIL", "cv2", "onnxruntime", "onnx", "sklearn", "scipy", "torch", "duckdb", "sqlalchemy"}
HEAVY |= {"av", "faster_whisper", "httpx", "transformers", "yt_dlp"}


@pytest.mark.parametrize("statement", ["import studium", "from studium.cli import main; main()"])
def test_nothing_heavy_is_loaded(statement):
    script = (
        "import sys\nsys.argv = ['studium', '--help']\n"
        f"try:\n    {statement}\nexcept SystemExit as end:\n    assert not end.code\n"
        "print(*sorted(m for m in sys.modules if '.' not in m), file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    loaded = set(done.stderr.split())
    assert "studium" in loaded
    assert not loaded & HEAVY


def test_the_public_surface():
    assert studium.__all__ == ["Column", "Corpus", "Measure", "Source", "Unitizer", "errors", "sources"]
    assert dir(studium) == sorted(studium.__all__)
    for name in studium.__all__:
        assert getattr(studium, name) is not None
    with pytest.raises(AttributeError, match="no attribute 'Corpse'"):
        studium.Corpse  # noqa: B018
