"""Suffixes, and decoders that come from other packages."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from studium.core.suffixes import SUFFIXES, kind_of, suffixes

PLUGIN = """
import numpy as np
from studium.errors import TruncatedFileError

def decode(path):
    text = path.read_text()
    if text == "cut":
        raise TruncatedFileError("half a scan")
    if text == "odd":
        return np.zeros((2, 2))
    if text == "none":
        return np.zeros((0, 2, 3), np.uint8)
    return np.full((2, 3, 3), int(text), np.uint8)[:, ::-1]
"""


@pytest.mark.parametrize(("path", "kind"), [
    ("", None), (".jpg", None), ("a", None), ("a.", None), ("a.txt", None), ("a.jpg.txt", None), ("A.JPEG", "image"),
    ("x/b.HeIc", "image"), ("a.mp4", "video"), ("a.webm", "video"), ("a.mp3", "audio"), ("a.gif", "image"),
    ("a 😀\n.png", "image"),
])  # fmt: skip
def test_kind_of(path: str, kind: str | None) -> None:
    assert kind_of(path) == kind
    assert kind_of(Path(path)) == kind


def test_no_suffix_has_two_kinds() -> None:
    assert len(frozenset().union(*SUFFIXES.values())) == sum(map(len, SUFFIXES.values()))


def test_suffixes_need_no_pillow() -> None:
    code = "import sys; from studium.core.suffixes import suffixes, kind_of; suffixes(); kind_of('a.zzz')\n"
    code += "assert not {'PIL', 'numpy', 'pi_heif'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)
    assert {"jpg", "heic", "avif"} <= suffixes() == suffixes("image")


def install(folder: Path, entry: str, name: str = "scan") -> None:
    info = folder / f"studium_{name}-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: studium-{name}\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(f"[studium.decoders]\n{entry}\n")
    (folder / f"studium_{name}.py").write_text(PLUGIN)


def run(folder: Path, code: str) -> str:
    environment = os.environ | {"PYTHONPATH": str(folder)}
    child = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False)
    return child.stdout + child.stderr


def decoded(folder: Path, text: str) -> str:
    path = folder / "a.SCAN"
    path.write_text(text)
    code = "from studium.media.image import decode, suffixes; from studium.core.suffixes import kind_of\n"
    code += f"print('scan' in suffixes(), kind_of('a.Scan'))\nr = decode({str(path)!r})\n"
    return run(folder, code + "print(r.shape, r.max(), r.flags.c_contiguous, r.flags.writeable)")


def test_a_plugin_decodes_its_suffix(tmp_path: Path) -> None:
    install(tmp_path, "scan = studium_scan:decode")
    assert decoded(tmp_path, "7") == "True image\n(2, 3, 3) 7 True False\n"


@pytest.mark.parametrize(("text", "said"), [
    ("", "EmptyFileError"), ("cut", "TruncatedFileError: {path}: half a scan"),
    ("odd", "UnknownFormatError: {path}: its decoder studium_scan:decode must return uint8"),
    ("none", "TruncatedFileError: {path}: its decoder studium_scan:decode returned no pixels"),
    ("x", "UnknownFormatError: {path}: its decoder studium_scan:decode failed: ValueError: invalid literal"),
])  # fmt: skip
def test_what_a_plugin_does_wrong(tmp_path: Path, text: str, said: str) -> None:
    install(tmp_path, "scan = studium_scan:decode")
    assert said.format(path=tmp_path / "a.SCAN") in decoded(tmp_path, text)


@pytest.mark.parametrize(("entry", "said"), [
    ("jpg = studium_scan:decode", "'jpg' is decoded by studium itself"),
    ("mp4 = studium_scan:decode", "'mp4' is decoded"),
    (".SCAN = studium_scan:decode", "must be a lower-case suffix without dot"),
    ("scan = studium_scan:nothing", "cannot be loaded"),
])  # fmt: skip
def test_impossible_plugins(tmp_path: Path, entry: str, said: str) -> None:
    install(tmp_path, entry)
    output = decoded(tmp_path, "7")
    assert "InputError: decoder plugin" in output
    assert said in output


def test_two_plugins_for_one_suffix(tmp_path: Path) -> None:
    install(tmp_path, "scan = studium_scan:decode")
    install(tmp_path, "scan = studium_other:decode", "other")
    assert "InputError: two plugins decode 'scan'" in decoded(tmp_path, "7")
