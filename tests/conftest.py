"""What every test may ask for: real pictures, a study of a few, a database server. A missing source fails the test."""

import gc
import itertools
import os
import shutil
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import fetch
import openai_server
import pytest
from postgres import Server, serve

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from services import Services

os.environ.setdefault("MKL_NUM_THREADS", "1")  # read by torch: threads make tiny networks slower, by half
os.environ.setdefault("OMP_NUM_THREADS", "1")  # read by scikit-learn: of small trees threads wait for each other


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Files with slow tests come first: at the end of a run one worker would wait for the other."""
    slow = {item.path for item in items if item.get_closest_marker("slow")}
    items.sort(key=lambda item: item.path not in slow)


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """What is collected stays: it is never searched for what could go, which takes two fifths of the time."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.enable()


@pytest.fixture(scope="session")
def photos() -> Path:
    """Folder of natural photographs: astronaut.png, chelsea.png, coffee.png, china.jpg, flower.jpg ..."""
    return fetch.photos()


@pytest.fixture(scope="session")
def natural() -> "dict[str, NDArray[np.uint8]]":
    """Photographs as pixels, by name."""
    from skimage import data

    return {name: getattr(data, name)() for name in ("astronaut", "coffee", "chelsea", "rocket")}


@pytest.fixture(scope="session")
def astronaut(natural: "dict[str, NDArray[np.uint8]]") -> "NDArray[np.uint8]":
    return natural["astronaut"]


@pytest.fixture(scope="session")
def politicians() -> Path:
    """Folder of press photographs: obama.jpg, obama2.jpg, obama3.jpg, biden.jpg ..."""
    return fetch.politicians()


@pytest.fixture(scope="session")
def stamps() -> Path:
    """Category folders of pictures with captions: animals/birds/owl.png beside animals/birds/owl.txt ..."""
    return fetch.stamps()


@pytest.fixture(scope="session")
def fashion() -> Path:
    """Folder of Fashion-MNIST: train-images-idx3-ubyte.gz ..., read by `idx.read`."""
    return fetch.fashion()


@pytest.fixture(scope="session")
def opencv_doc() -> Path:
    """Examples of OpenCV: data/messi5.jpg, data/fruits.jpg, data/vtest.avi, text/scenetext01.jpg ..."""
    return fetch.opencv_doc()


@pytest.fixture(scope="session")
def logos() -> Path:
    """Folder of 1,000 marks of brands, black on transparent: netflix.png ..."""
    return fetch.logos()


@pytest.fixture(scope="session")
def nanodet() -> Path:
    """Folder of a real object detector for TensorFlow.js: nanodet.json and nanodet.bin."""
    return fetch.nanodet()


@pytest.fixture(scope="session")
def heic() -> Path:
    """Folder of two HEIC photographs: chelsea.heic, and chelsea_turned.heic, which its container turns."""
    return fetch.heic()


@pytest.fixture(scope="session")
def tesseract() -> Path:
    """Folder with the program ``tesseract`` for PATH, which reads English, Russian and Greek."""
    return fetch.tesseract()


@pytest.fixture(scope="session")
def videos() -> Path:
    """Folder of real videos: bikes.mp4 (250 frames in 10 s), carphone_pristine.mp4, bigbuckbunny.mp4 (with sound)."""
    return fetch.videos()


@pytest.fixture(scope="session")
def speech() -> Path:
    """Folder of real speech: jfk.wav, and data/librivox/*.wav with their transcripts."""
    return fetch.speech()


@pytest.fixture(scope="session")
def whisper() -> Path:
    """Folder of the real Whisper base model, in CTranslate2's format."""
    return fetch.whisper()


@pytest.fixture(scope="session")
def postgresql() -> Iterator[Server]:
    """A private PostgreSQL server; ``postgresql.database()`` is the URL of a new, empty database."""
    with serve() as server:
        yield server


@pytest.fixture(scope="session")
def states(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Folders that are not there yet, all in one: a folder of each test's own would slow every next one down."""
    folder = tmp_path_factory.mktemp("states")
    return (folder / str(number) for number in itertools.count())


@pytest.fixture(autouse=True)
def audited(states: Iterator[Path], monkeypatch: pytest.MonkeyPatch) -> Path:
    """The audit log of what happens outside of any study: one of the test's own, not the user's."""
    state = next(states)
    monkeypatch.setenv("XDG_STATE_HOME", str(state))
    return state / "studium" / "audit.jsonl"


@pytest.fixture
def study(tmp_path: Path, photos: Path) -> Path:
    """A new folder for a study, with ``images/`` in it: two photographs in each of two class folders."""
    folder = tmp_path / "study"
    for label, names in {"living": ("chelsea.png", "flower.jpg"), "thing": ("coffee.png", "rocket.jpg")}.items():
        (folder / "images" / label).mkdir(parents=True)
        for name in names:
            shutil.copy(photos / name, folder / "images" / label / name)
    return folder


@pytest.fixture
def services(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> "Iterator[Services]":
    """The three autotaggers' services on this machine, and an empty cache."""
    from services import serving

    with serving(monkeypatch, tmp_path / "cache") as ours:
        yield ours


@pytest.fixture
def openai(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[openai_server.OpenAI]:
    """A server that speaks OpenAI's protocol, its key in the environment, and an empty cache."""
    with openai_server.speaking(monkeypatch, tmp_path / "cache") as server:
        yield server
