"""The server of ``openai_server`` with OpenAI's Files and Batches: answers come when a test says so."""

import contextlib
import email
import email.policy
import hashlib
import json
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from openai_server import KEY, OpenAI, _Speaker, _understood, _Wrong, running, speaking

__all__ = ["Batching", "batching"]


@dataclass
class Batching(OpenAI):
    """What it holds is read here, and what it does next is said here.

    Attributes:
        files: contents by id.
        made: batches, the oldest first.
        deleted: ids of files that were deleted.
        expires: how many requests of the next batch that ends are too late.
        fails: status that is said of a batch, which is made all the same.
        mixes: whether the first answer of a batch comes under an id that nobody gave, and the second is a page of HTML.
        drops: a step ("files", "batches", "content") whose answer breaks off next time; it is done all the same.
        silent: whether a batch is made and nothing is said of it.
        says_no: message with which the next file is refused.
    """

    files: dict[str, bytes] = field(default_factory=dict)
    made: list[dict[str, Any]] = field(default_factory=list)
    deleted: list[str] = field(default_factory=list)
    expires: int = 0
    fails: int = 0
    mixes: bool = False
    drops: str = ""
    silent: bool = False
    says_no: str = ""

    def keep(self, content: bytes, name: str) -> str:
        """Keep a file."""
        identity = f"file-{name}-{len(self.files) + len(self.deleted)}"
        self.files[identity] = content
        return identity

    def end(self, status: str = "completed") -> None:
        """Answer all batches that wait, and bill."""
        for batch in self.made:
            if batch["status"] == "validating":
                self._end(batch, status)

    def _end(self, batch: dict[str, Any], status: str) -> None:
        good, bad = [], []
        lines = self.files[batch["input_file_id"]].splitlines()
        for at, line in enumerate(lines):
            asked = json.loads(line)
            row: dict[str, Any] = {"id": f"batch_req_{at}", "custom_id": asked["custom_id"], "error": None}
            if at >= len(lines) - self.expires:
                row |= {"response": None, "error": {"code": "batch_expired", "message": "This request expired."}}
                bad.append(row)
                continue
            raw = line[line.index(b'"body":') + 7 : -1]
            assert hashlib.sha256(raw).hexdigest() == asked["custom_id"]
            assert (asked["method"], asked["url"]) == ("POST", "/v1/chat/completions")
            try:
                body, code = self.completion(_understood(raw, {}, self)), 200
            except _Wrong as wrong:
                body, code = {"error": {"message": str(wrong), "param": wrong.param}}, 400
            row["response"] = {"status_code": code, "request_id": f"req_{at}", "body": body}
            if self.mixes and at == 0:
                row["custom_id"] = "request-1"
            if self.mixes and at == 1:
                row["response"]["body"] = {"html": "Welcome to the library's network"}
            (good if code == 200 else bad).append(row)
        batch |= {"status": "expired" if self.expires else status, "completed_at": int(time.time())}
        batch["request_counts"] = {"total": len(lines), "completed": len(good), "failed": len(bad)}
        for name, rows in (("output_file_id", good), ("error_file_id", bad)):
            if rows:
                batch[name] = self.keep("".join(json.dumps(row) + "\n" for row in rows).encode(), name)


class _Clerk(_Speaker):
    """One connection."""

    @property
    def desk(self) -> Batching:
        found: Batching = self.server.ours
        return found

    def do_GET(self) -> None:  # noqa: N802  (so says http.server)
        where, desk = self.path.partition("?")[0].removeprefix("/v1/"), self.desk
        match where.split("/"):
            case ["batches"] if self._known():
                after = self.path.partition("after=")[2].partition("&")[0]
                listed = list(reversed(desk.made))
                begin = next((at + 1 for at, batch in enumerate(listed) if batch["id"] == after), 0)
                self.json(
                    200, {"object": "list", "data": listed[begin : begin + 2], "has_more": begin + 2 < len(listed)}
                )
            case ["batches", identity] if self._known():
                found = [batch for batch in desk.made if batch["id"] == identity]
                self.json(200, found[0]) if found else self.json(404, {"error": {"message": "No such batch"}})
            case ["files", identity, "content"] if self._known():
                content = desk.files[identity]
                self.head(200, {"Content-Type": "application/octet-stream", "Content-Length": str(len(content))})
                if desk.drops == "content":
                    desk.drops = ""
                    self.body(content[: len(content) // 2])
                    self.drop()
                else:
                    self.body(content)
            case _:
                super().do_GET()

    def do_DELETE(self) -> None:  # noqa: N802  (so says http.server)
        identity = self.path.rpartition("/")[2]
        self.desk.files.pop(identity, None)
        self.desk.deleted.append(identity)
        self.json(200, {"id": identity, "deleted": True})

    def do_POST(self) -> None:  # noqa: N802  (so says http.server)
        step = self.path.removeprefix("/v1/")
        if step not in {"files", "batches"}:
            return super().do_POST()
        raw = self.rfile.read(int(self.headers.get("Content-Length") or 0)) or self._chunks()
        if not self._known():
            return None
        made = self._file(raw) if step == "files" else self._batch(json.loads(raw))
        if self.desk.silent and step == "batches":
            self.server.ending.wait(60)
        if self.desk.fails and step == "batches":
            return self.json(self.desk.fails, {"error": {"message": "The gateway waited in vain."}})
        if self.desk.drops == step:
            self.desk.drops = ""
            return self.drop()
        return self.json(200, made) if made else None

    def _chunks(self) -> bytes:
        found = b""
        if self.headers.get("Transfer-Encoding") == "chunked":
            while size := int(self.rfile.readline(), 16):
                found += self.rfile.read(size)
                self.rfile.readline()
            self.rfile.readline()
        return found

    def _file(self, raw: bytes) -> dict[str, Any]:
        if self.desk.says_no:
            self.json(400, {"error": {"message": self.desk.says_no}})
            self.desk.says_no = ""
            return {}
        head = f"Content-Type: {self.headers['Content-Type']}\r\n\r\n".encode()
        parts = email.message_from_bytes(head + raw, policy=email.policy.HTTP).iter_parts()
        said = {part.get_param("name", header="content-disposition"): part.get_payload(decode=True) for part in parts}
        assert said["purpose"] == b"batch"
        return {"id": self.desk.keep(said["file"], "input"), "object": "file", "bytes": len(said["file"])}

    def _batch(self, asked: dict[str, Any]) -> dict[str, Any]:
        assert (asked["endpoint"], asked["completion_window"]) == ("/v1/chat/completions", "24h")
        made = {"id": f"batch_{len(self.desk.made)}", "object": "batch", "status": "validating", **asked}
        self.desk.made.append(made)
        return made


@contextlib.contextmanager
def batching(patch: pytest.MonkeyPatch, cache: Path) -> Iterator[Batching]:
    """The server on a free port, its key in the environment, and an empty cache."""
    ours = Batching(key=KEY)
    with speaking(patch, cache), running(ours, _Clerk):
        yield ours
