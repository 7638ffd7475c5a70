"""Models of several files: snapshots in the hub's cache, a hub that answers on this machine, folders of one's own."""

import hashlib
import http.server
import json
import os
import re
import shutil
import subprocess
import sys
import threading
from typing import ClassVar

import pytest
from click.testing import CliRunner

from studium.cli.models import models
from studium.core import weights
from studium.core.bundle import Folder, Snapshot, hub_cache
from studium.errors import (
    ConfigError,
    HashMismatchError,
    InputError,
    MissingExtraError,
    OfflineError,
    UnknownNameError,
    WeightsError,
)

COMMIT = "0123456789abcdef0123456789abcdef01234567"
TINY = f"someone/tiny@{COMMIT}"
FILES = {
    "config.json": b'{"num_frames": 4}',
    "model.safetensors": bytes(range(256)) * 40,
    "notes.txt": b"what it is",
}
LARGE = {"model.safetensors"}  # what the hub keeps in large file storage and names by its sha256
HERE = {"HF_HUB_DISABLE_PROGRESS_BARS": "1", "NO_PROXY": "127.0.0.1", "HF_HUB_DISABLE_XET": "1"}


def git_name(content):
    return hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()


def blob_name(name, content):
    return hashlib.sha256(content).hexdigest() if name in LARGE else git_name(content)


def put_snapshot(cache, repo="someone/tiny", commit=COMMIT, files=FILES):
    """The layout of the hub's cache, as its client writes it."""
    home = cache / f"models--{repo.replace('/', '--')}"
    folder = home / "snapshots" / commit
    folder.mkdir(parents=True)
    (home / "blobs").mkdir()
    for name, content in files.items():
        blob = home / "blobs" / blob_name(name, content)
        blob.write_bytes(content)
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).symlink_to(os.path.relpath(blob, (folder / name).parent))
    return folder


def put_folder(folder, files=FILES):
    folder.mkdir(parents=True)
    for name, content in files.items():
        (folder / name).write_bytes(content)
    return folder


def row(*names):
    return weights.Model("tiny", "", "", "", "", 1, bundle=Snapshot("someone/tiny", COMMIT, names))


@pytest.fixture
def hub(tmp_path, monkeypatch):
    """An empty hub cache; no network is switched off, and none is needed."""
    for name in ("HF_HUB_CACHE", "HF_HUB_OFFLINE", "STUDIUM_OFFLINE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hf"))
    monkeypatch.setenv("STUDIUM_CACHE", str(tmp_path / "cache"))
    return tmp_path / "hf" / "hub"


class TestNames:
    @pytest.mark.parametrize(
        "name", ["", "tiny", "someone/tiny", "someone/tiny@main", f"@{COMMIT}", "gone/folder", "."]
    )
    def test_what_is_neither(self, hub, name, tmp_path, monkeypatch):
        monkeypatch.chdir(tmp_path)
        with pytest.raises(UnknownNameError, match="owner/name@commit of a hub repository"):
            weights.get(name)

    def test_a_commit_on_the_hub(self, hub):
        assert weights.get(TINY).bundle == Snapshot("someone/tiny", COMMIT)

    def test_folders(self, hub, tmp_path, monkeypatch):
        put_folder(tmp_path / "models" / "tiny")
        monkeypatch.chdir(tmp_path)
        monkeypatch.setenv("HOME", str(tmp_path))
        names = [str(tmp_path / "models" / "tiny"), "~/models/tiny", "models/tiny", "./models/tiny"]
        assert all(isinstance(weights.get(name).bundle, Folder) for name in names)
        assert len({weights.fingerprint(name) for name in names}) == 1

    @pytest.mark.parametrize(
        ("repo", "revision"), [("tiny", COMMIT), ("a/b", "main"), ("a/b", ""), ("a/b/c", COMMIT), ("../b", COMMIT[1:])]
    )
    def test_a_row_must_be_pinned(self, tmp_path, repo, revision):
        (tmp_path / "m.toml").write_text(f"""
            [mine]
            task = ""
            licence = ""
            paper = ""
            about = ""
            dims = 1
            hub = {{ repo = "{repo}", revision = "{revision}" }}
        """)
        with pytest.raises(ConfigError, match="40 hex digits"):
            weights.load_rows(tmp_path / "m.toml")

    def test_ones_own_row(self, hub, tmp_path):
        (tmp_path / "m.toml").write_text(f"""
            [mine]
            task = ""
            licence = ""
            paper = ""
            about = ""
            dims = 1
            hub = {{ repo = "someone/tiny", revision = "{COMMIT}", names = ["config.json"] }}
        """)
        mine = weights.load_rows(tmp_path / "m.toml")["mine"]
        assert mine.bundle == Snapshot("someone/tiny", COMMIT, ("config.json",))
        folder = put_snapshot(hub)
        assert weights.where(mine) == [folder / "config.json"]


class TestCache:
    @pytest.mark.parametrize(
        ("env", "expected"),
        [({"HF_HUB_CACHE": "/a"}, "/a"), ({"HF_HUB_CACHE": "/a", "HF_HOME": "/b"}, "/a"),
         ({"HF_HOME": "~/b"}, "/h/b/hub"), ({"XDG_CACHE_HOME": "/x"}, "/x/huggingface/hub"),
         ({}, "/h/.cache/huggingface/hub")],
    )  # fmt: skip
    def test_is_where_the_hub_has_it(self, monkeypatch, env, expected):
        for name in ("HF_HUB_CACHE", "HF_HOME", "XDG_CACHE_HOME", "HUGGINGFACE_HUB_CACHE"):
            monkeypatch.delenv(name, raising=False)
        for name, value in {"HOME": "/h", **env}.items():
            monkeypatch.setenv(name, value)
        code = "from huggingface_hub import constants; print(constants.HF_HUB_CACHE)"
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
        assert done.stdout.strip() == str(hub_cache()) == expected

    def test_an_empty_one(self, hub):
        assert weights.where(TINY) == weights.where(row("config.json")) == []
        for ask in (weights.folder, weights.verify):
            with pytest.raises(WeightsError, match=f"studium models pull {TINY}"):
                ask(TINY)

    def test_a_snapshot(self, hub):
        folder = put_snapshot(hub)
        assert weights.folder(TINY) == folder
        assert weights.where(TINY) == weights.pull(TINY) == weights.verify(TINY)
        assert [file.name for file in weights.where(TINY)] == sorted(FILES)
        assert weights.where(row("config.json")) == [folder / "config.json"]

    def test_half_a_snapshot_is_none(self, hub):
        put_snapshot(hub, files={"config.json": FILES["config.json"]})
        needed = row("config.json", "model.safetensors")
        assert weights.where(needed) == []
        with pytest.raises(WeightsError, match="studium models pull"):
            weights.folder(needed)

    def test_a_link_that_leads_nowhere_is_no_file(self, hub):
        folder = put_snapshot(hub)
        (folder / "config.json").resolve().unlink()
        assert weights.where(row("config.json")) == []

    @pytest.mark.parametrize("name", ["config.json", "model.safetensors"])
    def test_a_changed_file_is_found(self, hub, name):
        blob = (put_snapshot(hub) / name).resolve()
        blob.write_bytes(FILES[name][:-1] + b"x")
        with pytest.raises(HashMismatchError, match=f"delete {re.escape(str(blob))}"):
            weights.verify(TINY)
        assert blob.exists()  # it is not ours

    def test_a_copy_cannot_be_verified(self, hub):
        folder = put_snapshot(hub)
        shutil.copytree(folder, folder.with_name("copy"))
        shutil.rmtree(folder)
        folder.with_name("copy").rename(folder)
        assert weights.folder(TINY) == folder
        with pytest.raises(WeightsError, match="cannot be verified"):
            weights.verify(TINY)

    @pytest.mark.parametrize("name", ["STUDIUM_OFFLINE", "HF_HUB_OFFLINE"])
    def test_offline(self, hub, monkeypatch, name):
        monkeypatch.setenv(name, "1")
        with pytest.raises(OfflineError, match=rf"{name} is set: .*studium models pull {TINY}") as raised:
            weights.pull(TINY)
        folder = put_snapshot(hub)
        assert weights.pull(TINY)[0].parent == folder
        named = str(raised.value).rpartition("copy the folder ")[2]  # with its blobs: snapshots are links into them
        assert named == str(hub / "models--someone--tiny")
        assert folder.is_relative_to(named)

    @pytest.mark.parametrize(
        ("name", "extra"),
        [
            ("whisper-tiny", "speech"),
            ("videomae-kinetics", "torch"),
            ("clip-vit-b32", "images"),
            ("toxic-roberta", "images"),
        ],
    )
    def test_without_the_client_of_the_hub(self, hub, monkeypatch, name, extra):
        monkeypatch.setitem(sys.modules, "huggingface_hub", None)
        with pytest.raises(MissingExtraError, match=rf"studium\[{extra}\]"):
            weights.pull(name)

    def test_single_files_are_no_folder(self, hub):
        with pytest.raises(InputError, match="single files"):
            weights.folder("minilm")

    def test_on_the_command_line(self, hub):
        run = CliRunner()
        assert run.invoke(models, ["where", TINY]).exit_code == 1
        folder = put_snapshot(hub)
        listed = "".join(f"{folder / name}\n" for name in sorted(FILES))
        assert run.invoke(models, ["where", TINY]).output == run.invoke(models, ["pull", TINY]).output == listed
        assert run.invoke(models, ["verify", TINY]).output == "".join(f"ok  {line}\n" for line in listed.splitlines())
        assert "\t346.00 MB\tCC-BY-NC" in run.invoke(models, ["list"]).output


class TestFolder:
    def test_an_empty_one(self, hub, tmp_path):
        (tmp_path / "empty").mkdir()
        for name in (str(tmp_path / "empty"), str(tmp_path / "gone")):
            assert weights.where(name) == []
            for ask in (weights.folder, weights.pull, weights.fingerprint, weights.verify):
                with pytest.raises(WeightsError, match=name):
                    ask(name)

    def test_is_taken_as_it_is(self, hub, tmp_path, monkeypatch):
        monkeypatch.setenv("STUDIUM_OFFLINE", "1")
        name = str(put_folder(tmp_path / "mine", {**FILES, ".hidden": b""}))
        (tmp_path / "mine" / "checkpoint-1").mkdir()
        assert weights.folder(name) == tmp_path / "mine"
        assert weights.pull(name) == weights.where(name) == [tmp_path / "mine" / file for file in sorted(FILES)]
        with pytest.raises(InputError, match="a folder of your own"):
            weights.verify(name)


class TestFingerprint:
    def test_of_a_snapshot_is_its_commit(self, hub):
        assert re.fullmatch("[0-9a-f]{16}", weights.fingerprint(TINY))
        assert weights.fingerprint(TINY) == weights.fingerprint(row("config.json"))
        assert weights.fingerprint(TINY) != weights.fingerprint(TINY.replace("@0", "@1"))
        assert weights.fingerprint(TINY) != weights.fingerprint(TINY.replace("tiny", "other"))

    def test_of_a_folder_is_its_content_wherever_it_lies(self, hub, tmp_path):
        one, two = (put_folder(tmp_path / name) for name in ("one", "two"))
        before = weights.fingerprint(str(one))
        assert before == weights.fingerprint(str(two))
        (one / "config.json").rename(one / "conf.json")
        assert weights.fingerprint(str(one)) != before
        (two / "model.safetensors").write_bytes(b"another")
        assert weights.fingerprint(str(two)) != before

    def test_a_file_is_hashed_once_until_it_changes(self, hub, tmp_path):
        folder = put_folder(tmp_path / "one")
        before, file = weights.fingerprint(str(folder)), folder / "config.json"
        stat = file.stat()
        file.write_bytes(FILES["config.json"][::-1])
        os.utime(file, ns=(stat.st_atime_ns, stat.st_mtime_ns))
        assert weights.fingerprint(str(folder)) == before  # same size and time: not read again
        os.utime(file, ns=(stat.st_atime_ns, stat.st_mtime_ns + 1))
        assert weights.fingerprint(str(folder)) != before


EXPORTS = {
    "config.json": b"{}",
    "1_Pooling/config.json": b"{}",
    "onnx/text_model.onnx": b"a graph",
    "onnx/vision_model.onnx": b"another",
}
"""A repository that has its weights as ONNX alone, in a folder."""


class TestExports:
    def test_a_snapshot(self, hub):
        folder = put_snapshot(hub, files=EXPORTS)
        listed = [folder / name for name in sorted(EXPORTS)]
        assert weights.where(TINY) == weights.pull(TINY) == weights.verify(TINY) == sorted(listed)
        named = row("config.json", "onnx/text_model.onnx")
        assert weights.verify(named) == [folder / "config.json", folder / "onnx" / "text_model.onnx"]
        assert weights.where(row("onnx/text_model_quantized.onnx")) == []

    def test_a_changed_graph_is_found(self, hub):
        folder = put_snapshot(hub, files=EXPORTS)
        (folder / "onnx" / "text_model.onnx").write_bytes(b"a grave")
        with pytest.raises(HashMismatchError, match=r"text_model\.onnx changed on disk"):
            weights.verify(TINY)

    def test_a_folder_of_ones_own(self, hub, tmp_path):
        folder = tmp_path / "mine"
        for name, content in EXPORTS.items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_bytes(content)
        before = weights.fingerprint(str(folder))
        (folder / "checkpoint-500").mkdir()
        (folder / "checkpoint-500" / "model.safetensors").write_bytes(b"not it")
        assert weights.fingerprint(str(folder)) == before
        (folder / "onnx" / "text_model.onnx").rename(folder / "text_model.onnx")
        assert weights.fingerprint(str(folder)) != before


class Server(http.server.BaseHTTPRequestHandler):
    """As much of the hub as its client asks for."""

    files: ClassVar = {**FILES, "pytorch_model.bin": b"a pickle", "code.py": b"1 / 0", "deep/a.txt": b""}
    asked: ClassVar = []

    def do_GET(self):
        self.answer(body=True)

    def do_HEAD(self):
        self.answer(body=False)

    def answer(self, body):
        self.asked.append(f"{self.command} {self.path}")
        place, _, name = self.path.partition(f"/someone/tiny/resolve/{COMMIT}/")
        if self.path.startswith(f"/api/models/someone/tiny/tree/{COMMIT}"):
            listed = [
                {"type": "file", "path": name, "size": len(content), "oid": git_name(content)}
                for name, content in self.files.items()
            ]
            self.send(json.dumps(listed).encode(), {}, body)
        elif place == "" and name in self.files:
            content = self.files[name]
            headers = {"ETag": f'"{blob_name(name, content)}"', "X-Repo-Commit": COMMIT}
            self.send(content, headers, body)
        else:
            self.send_error(404)

    def send(self, content, headers, body):
        self.send_response(200)
        for name, value in {"Content-Length": str(len(content)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        if body:
            self.wfile.write(content)

    def log_message(self, *args):
        pass


@pytest.fixture
def server():
    handler = type("OneServer", (Server,), {"asked": []})
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as running:
        threading.Thread(target=running.serve_forever, daemon=True).start()
        handler.address = f"http://127.0.0.1:{running.server_port}"
        yield handler
        running.shutdown()


def pull(bundle, address, first=""):
    """`Snapshot.fetch` in a process of its own: the hub's client reads its settings when it is imported."""
    code = f"{first}\nfrom studium.core.bundle import Snapshot\nprint(*{bundle!r}.fetch(), sep='\\n')"
    env = {**os.environ, **HERE, "HF_ENDPOINT": address}
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=env, check=False)


class TestHub:
    def test_a_snapshot_is_fetched_without_pickles_and_code(self, hub, server):
        done = pull(Snapshot("someone/tiny", COMMIT), server.address)
        assert done.returncode == 0, (done.stderr, server.asked)
        assert [line.rsplit("/", 1)[1] for line in done.stdout.splitlines()] == sorted(FILES)
        assert {file.name: file.read_bytes() for file in weights.verify(TINY)} == FILES
        fetched = [line.rsplit("/", 1)[1] for line in server.asked if line.startswith("GET /someone")]
        assert fetched == ["config.json", "notes.txt", "model.safetensors"]

    def test_the_rest_of_half_a_snapshot(self, hub, server):
        put_snapshot(hub, files={"config.json": FILES["config.json"]})
        done = pull(Snapshot("someone/tiny", COMMIT, ("config.json", "model.safetensors")), server.address)
        assert done.returncode == 0, (done.stderr, server.asked)
        assert len(weights.verify(row("config.json", "model.safetensors"))) == 2
        assert not [line for line in server.asked if "config.json" in line]

    def test_a_repository_that_is_not_there(self, hub, server):
        done = pull(Snapshot("someone/gone", COMMIT), server.address)
        assert f"SourceUnavailableError: the hub does not deliver someone/gone@{COMMIT}" in done.stderr

    def test_a_file_that_the_repository_lacks(self, hub, server):
        done = pull(Snapshot("someone/tiny", COMMIT, ("config.json", "gone.json")), server.address)
        assert f"SourceUnavailableError: the hub does not deliver {TINY}" in done.stderr
        assert "gone.json" in done.stderr.splitlines()[-1] or "404" in done.stderr

    def test_a_hub_that_does_not_answer(self, hub):
        impatient = "import time; time.sleep = lambda seconds: None"  # the client tries again and again
        done = pull(Snapshot("someone/tiny", COMMIT, ("config.json",)), "http://127.0.0.1:9", impatient)
        assert f"SourceUnavailableError: the hub does not deliver {TINY}" in done.stderr
        assert weights.where(TINY) == []

    @pytest.mark.parametrize(
        ("there", "fetched"),
        [
            (("vision_model", "text_model", "text_model_fp16", "model"), {"vision_model", "text_model"}),
            (("model", "model_quantized"), {"model"}),
            (("../model", "../model_quantized"), {"model"}),  # as Optimum saves them, without a folder of their own
        ],
    )
    def test_exports_are_fetched_in_full_precision(self, hub, server, there, fetched):
        names = [f"onnx/{name}.onnx".removeprefix("onnx/../") for name in there]
        server.files = {"config.json": b"{}", **dict.fromkeys(names, b"a graph")}
        done = pull(Snapshot("someone/tiny", COMMIT), server.address)
        assert done.returncode == 0, (done.stderr, server.asked)
        assert {file.stem for file in weights.verify(TINY)} == {"config", *fetched}

    def test_pickles_only(self, hub, server):
        server.files = {"config.json": b"{}", "pytorch_model.bin": b"a pickle"}
        done = pull(Snapshot("someone/tiny", COMMIT), server.address)
        assert "has no weights in a safe format" in done.stderr
        assert weights.where(TINY) == []
