"""Models of several files that lie in one folder: a snapshot of a hub repository, or a folder of one's own.

A snapshot lies in the hub's own cache, where other programs find it too: ``HF_HUB_CACHE``, else ``HF_HOME/hub``, else
``~/.cache/huggingface/hub``. Its commit names the content of every file. A folder of one's own is named by its content.
"""

import hashlib
import os
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from studium.errors import (
    ConfigError,
    HashMismatchError,
    InputError,
    MissingExtraError,
    SourceUnavailableError,
    WeightsError,
)

__all__ = ["Bundle", "Folder", "Snapshot", "bundle_of", "hub_cache"]

_WEIGHTS = re.compile(r".+\.safetensors|model\.bin")  # model.bin is CTranslate2's; pickles are left on the hub
_EXPORTS = re.compile(r"(onnx/.+|model)\.onnx(_data)?")  # ONNX graphs of any precision, and the weights of large ones
_TOWERS = re.compile(r"onnx/(vision|text)_model\.onnx(_data)?")
_WHOLE = re.compile(r"onnx/model\.onnx(_data)?")
_PLAIN = re.compile(r"model\.onnx(_data)?")  # as Optimum saves it
_BESIDE = re.compile(r"([^/]+|1_Pooling/config)\.(json|txt|jinja)")
_FOLDERS = ("1_Pooling", "onnx")  # the only folders in a model's folder that belong to it
_REPO = r"[\w.-]+/[\w.-]+"
_COMMIT = r"[0-9a-f]{40}"


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Files of a hub repository at a commit.

    Attributes:
        repo: "owner/name".
        revision: a commit, 40 hex digits; branches and tags move.
        names: of the files that are needed ("config.json", "onnx/model.onnx"); if none is named, its weights and the
            JSON and text beside them.
    """

    repo: str
    revision: str
    names: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Refuse what is not pinned; a list of names becomes a tuple, as it comes from TOML."""
        object.__setattr__(self, "names", tuple(self.names))
        if not (re.fullmatch(_REPO, self.repo) and re.fullmatch(_COMMIT, self.revision)):
            raise ConfigError(f"a snapshot needs owner/name and a commit of 40 hex digits, got {self}")

    def __str__(self) -> str:
        """As it is given for a model."""
        return f"{self.repo}@{self.revision}"

    @property
    def folder(self) -> Path:
        """Where it lies, or would."""
        return hub_cache() / f"models--{self.repo.replace('/', '--')}" / "snapshots" / self.revision

    def files(self) -> list[Path]:
        """Its files on this machine; none unless all are there (some weights, if none is named: they come last)."""
        if self.names:
            named = [self.folder / name for name in self.names]
            return named if all(file.is_file() for file in named) else []
        found = _files(self.folder)
        weights = [name for file in found if _is_weights(name := file.relative_to(self.folder).as_posix())]
        return found if weights else []

    def identity(self) -> tuple[object, ...]:
        """What stands for its content in recipes; needs no file."""
        return (self.repo, self.revision)

    def fetch(self) -> list[Path]:
        """Fetch it from the hub, or what is missing of it.

        Raises:
            MissingExtraError: the hub's client is not installed.
            SourceUnavailableError: the hub cannot be reached, or does not hand it out.
        """
        try:
            from huggingface_hub import hf_hub_download
        except ImportError as error:
            extra = "speech" if "model.bin" in self.names else "torch"  # model.bin and ONNX need no torch
            extra = "images" if any(_EXPORTS.fullmatch(name) for name in self.names) else extra
            raise MissingExtraError("huggingface_hub", extra) from error
        try:
            for name in self.names or self._listed():
                hf_hub_download(self.repo, name, revision=self.revision, cache_dir=hub_cache())
        except Exception as error:
            raise SourceUnavailableError(f"the hub does not deliver {self}: {error}") from error
        if files := self.files():
            return files
        raise SourceUnavailableError(
            f"{self} has no weights in a safe format (safetensors, ONNX, or CTranslate2's model.bin)"
        )

    def _listed(self) -> list[str]:
        from huggingface_hub import list_repo_files

        names = list_repo_files(self.repo, revision=self.revision)
        weights = [name for name in names if _WEIGHTS.fullmatch(name) and "/" not in name]
        for export in (_TOWERS, _WHOLE, _PLAIN):  # in full precision
            weights = weights or [name for name in names if export.fullmatch(name)]
        return sorted(name for name in names if _BESIDE.fullmatch(name)) + sorted(weights)

    def verify(self) -> list[Path]:
        """Hash its files and compare with the names of the blobs that the hub's cache keeps them in.

        Raises:
            HashMismatchError: one changed.
            WeightsError: one is a copy that has lost that name.
        """
        files = self.files()
        for file in files:
            blob = file.resolve()
            if not re.fullmatch(r"[0-9a-f]{40}|[0-9a-f]{64}", blob.name):
                raise WeightsError(f"{file} cannot be verified: it is no link into the blobs of the hub's cache")
            found = _sha256(blob) if len(blob.name) == 64 else _git_sha1(blob)
            if found != blob.name:
                raise HashMismatchError(
                    f"{file} changed on disk: expected {blob.name}, got {found}; delete {blob} and run  "
                    f"studium models pull {self}"
                )
        return files


@dataclass(frozen=True, slots=True)
class Folder:
    """A folder of one's own, as ``save_pretrained`` writes it.

    Its files count, and those in folders "onnx" and "1_Pooling" in it; not those of other folders, such as checkpoints.
    """

    folder: Path

    def __str__(self) -> str:
        """As it is given for a model."""
        return str(self.folder)

    def files(self) -> list[Path]:
        """Its files, without hidden ones."""
        return _files(self.folder)

    def identity(self) -> tuple[object, ...]:
        """What stands for its content in recipes: the name and sha256 of every file.

        Raises:
            WeightsError: there is no file in it.
        """
        return tuple((file.relative_to(self.folder).as_posix(), sha256_of(file)) for file in self.fetch())

    def fetch(self) -> list[Path]:
        """Its files; there is nowhere to fetch them from.

        Raises:
            WeightsError: there are none.
        """
        if files := self.files():
            return files
        raise WeightsError(f"{self.folder} should be a folder with the files of a model; there is none")

    def verify(self) -> list[Path]:
        """Refuse: nothing is pinned.

        Raises:
            InputError: always.
        """
        raise InputError(f"nothing is pinned for {self.folder}, a folder of your own: its content is in every recipe")


Bundle = Snapshot | Folder


def bundle_of(name: str) -> Bundle | None:
    """What a user means by ``owner/name@commit`` or by the path of a folder; None if it looks like neither."""
    repo, _, revision = name.partition("@")
    if re.fullmatch(_REPO, repo) and re.fullmatch(_COMMIT, revision):
        return Snapshot(repo, revision)
    path = Path(name).expanduser()
    return Folder(path) if path.is_absolute() or ("/" in name and path.is_dir()) else None


def hub_cache() -> Path:
    """The cache of the hub's client."""
    if own := os.environ.get("HF_HUB_CACHE"):
        return Path(own).expanduser()
    home = os.environ.get("HF_HOME") or Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache", "huggingface")
    return Path(home).expanduser() / "hub"


def sha256_of(file: Path) -> str:
    """The sha256 of a file, 64 hex digits; hashed once for as long as its size and time stay the same."""
    stat = file.stat()
    return _hashed(file.absolute(), stat.st_size, stat.st_mtime_ns)


@cache
def _hashed(file: Path, size: int, mtime_ns: int) -> str:
    return _sha256(file)


def _sha256(file: Path) -> str:
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _git_sha1(file: Path) -> str:
    """The name git gives to a file's content, which the hub uses for small files."""
    content = file.read_bytes()
    return hashlib.sha1(b"blob %d\0" % len(content) + content, usedforsecurity=False).hexdigest()


def _files(folder: Path) -> list[Path]:
    if not folder.is_dir():
        return []
    places = [place for place in (folder, *(folder / name for name in _FOLDERS)) if place.is_dir()]
    files = [file for place in places for file in place.iterdir() if file.is_file() and not file.name.startswith(".")]
    return sorted(files)


def _is_weights(name: str) -> bool:
    return bool(_WEIGHTS.fullmatch(name) or _EXPORTS.fullmatch(name))
