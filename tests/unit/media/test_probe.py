"""Headers: the same facts as the decoded pixels, without decoding them."""

import subprocess
import sys
from pathlib import Path

import hostile
import pytest

from studium.errors import MediaError
from studium.media.image import decode
from studium.media.probe import ImageInfo, probe


@pytest.fixture(scope="module")
def zoo(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, str]]:
    folder = tmp_path_factory.mktemp("zoo")
    return folder, hostile.make(folder)


def test_size_is_that_of_the_pixels(zoo: tuple[Path, dict[str, str]]) -> None:
    for name in (name for name, outcome in zoo[1].items() if outcome == "ok"):
        info = probe(zoo[0] / name)
        assert decode(zoo[0] / name).shape == (info.height, info.width, 3), name
        assert info == probe((zoo[0] / name).read_bytes())


@pytest.mark.parametrize(("name", "facts"), [
    ("animated.gif", ("GIF", "P", 225, 150, 3, 1, False)), ("animated.webp", ("WEBP", "RGB", 225, 150, 3, 1, False)),
    ("alpha.png", ("PNG", "RGBA", 451, 300, 1, 1, True)), ("cmyk.jpg", ("JPEG", "CMYK", 451, 300, 1, 1, False)),
    ("sixteen_bit.png", ("PNG", "I;16", 451, 300, 1, 1, False)),
    ("jpeg_named.png", ("JPEG", "RGB", 451, 300, 1, 1, False)),
    ("turned_6.jpg", ("JPEG", "RGB", 300, 451, 1, 6, False)), ("bomb.png", ("PNG", "RGB", 30_000, 30_000, 1, 1, False)),
    ("float.tif", ("TIFF", "F", 451, 300, 1, 1, False)), ("photo.avif", ("AVIF", "RGB", 451, 300, 1, 1, False)),
])  # fmt: skip
def test_facts(zoo: tuple[Path, dict[str, str]], name: str, facts: tuple[object, ...]) -> None:
    assert probe(zoo[0] / name) == ImageInfo(*facts, bytes=(zoo[0] / name).stat().st_size)


def test_a_turned_heic_is_turned_by_its_container(heic: Path) -> None:
    path = heic / "chelsea_turned.heic"
    assert b"irot\3" in path.read_bytes()
    assert probe(path) == ImageInfo("HEIF", "RGB", 150, 226, 1, 1, False, path.stat().st_size)


@pytest.mark.parametrize("name", ["empty.jpg", "text.jpg", "loop.jpg", "folder.jpg", "dangling.jpg", "truncated.webp"])
def test_the_same_errors(zoo: tuple[Path, dict[str, str]], name: str) -> None:
    with pytest.raises(MediaError) as caught:
        probe(zoo[0] / name)
    assert type(caught.value).__name__ == zoo[1][name]


def test_the_crash_plugin_kills_its_process(zoo: tuple[Path, dict[str, str]], tmp_path: Path) -> None:
    path = hostile.crash_plugin(tmp_path)
    code = "import sys; from studium.media.image import decode; decode(sys.argv[1])"
    child = subprocess.run([sys.executable, "-c", code, zoo[0] / "process.crash"], env={"PYTHONPATH": str(path)},
                           capture_output=True, check=False)  # fmt: skip
    assert child.returncode == -6
