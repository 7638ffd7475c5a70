"""The downloader against a real server that misbehaves: nothing lost, nothing fetched twice."""

import gzip
import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import fetch
import pytest
import server as http
from server import Server

from studium import Corpus, sources
from studium.errors import InputError, MissingExtraError, StoreError
from studium.run.add import identify
from studium.run.download.crew import Downloaded, Manners, download
from studium.run.download.links import downloads, ours
from studium.run.download.web import private

PNG, JPG = "chelsea.png", "rocket.jpg"
QUICK: dict[str, Any] = {"per_second": 1e4, "per_host": 8, "backoff": 0.05, "timeout": 2.0, "allow_private": True}


@pytest.fixture
def server() -> Iterator[Server]:
    with http.serve() as running:
        yield running


@pytest.fixture
def corpus(tmp_path: Path) -> Corpus:
    return Corpus(tmp_path / "study")


@pytest.fixture(scope="module")
def png(photos: Path) -> bytes:
    return (photos / PNG).read_bytes()


@pytest.fixture(scope="module")
def jpg(photos: Path) -> bytes:
    return (photos / JPG).read_bytes()


def gif(n: int) -> bytes:
    """A small picture, another one for every number."""
    return b"GIF89a\1\0\1\0\x80\1\0\0\0\0" + n.to_bytes(3, "big") + b",\0\0\0\0\1\0\1\0\0\2\2L\1\0;"


def add(corpus: Corpus, *urls: str) -> None:
    path = corpus.root.parent / "urls.txt"
    path.write_text("\n".join(urls))
    corpus.add(sources.urls(path))


def get(corpus: Corpus, retry: bool = False, **manners: Any) -> Downloaded:
    return download(corpus.store, Manners("ada@example.org", **{**QUICK, **manners}), retry)


def rows(corpus: Corpus) -> dict[str, dict[str, Any]]:
    """By the last part of the URL."""
    return {row["url"].rpartition("/")[2]: row for row in downloads(corpus.store).to_pylist()}


def content(corpus: Corpus, row: dict[str, Any]) -> bytes:
    return (corpus.root / row["path"]).read_bytes()


# --- nothing, one, many


def test_nothing_to_download(corpus: Corpus) -> None:
    assert get(corpus) == Downloaded()
    add(corpus)
    assert get(corpus) == Downloaded()
    assert downloads(corpus.store).num_rows == 0


def test_adding_fetches_nothing(corpus: Corpus, server: Server, jpg: bytes) -> None:
    add(corpus, server.file("/a.jpg", jpg))
    assert server.log == []
    (row,) = rows(corpus).values()
    assert (row["status"], row["kind"], row["attempts"]) == ("waiting", "image", 0)
    assert corpus.store.kinds() == []


def test_one(corpus: Corpus, server: Server, jpg: bytes) -> None:
    add(corpus, server.file("/a.jpg", jpg, says="image/jpeg"))
    assert get(corpus) == Downloaded(Counter(done=1), len(jpg))
    (row,) = rows(corpus).values()
    assert content(corpus, row) == jpg
    assert row["path"] == f"media/{row['sha256'][:2]}/{row['sha256']}.jpg"
    assert row["sha256"] == identify(corpus.root / row["path"])
    assert (row["http_status"], row["content_type"], row["content_kind"]) == (200, "image/jpeg", "image")
    assert row["at"].endswith("+00:00")
    assert corpus.units("image")["id"].to_pylist() == [row["sha256"]]
    agent = server.log[0].headers["User-Agent"]
    assert agent.startswith("studium/")
    assert "ada@example.org" in agent
    assert not list((corpus.root / "media" / ".parts").iterdir())
    corpus.measure("properties", of="image")
    assert corpus.table("image", "properties").num_rows == 1


def test_what_is_there_is_not_asked_for_again(corpus: Corpus, server: Server, jpg: bytes) -> None:
    add(corpus, server.file("/a.jpg", jpg))
    get(corpus)
    assert get(corpus) == get(corpus, retry=True) == Downloaded()
    add(corpus, server.url("/a.jpg"))
    assert corpus.attachments().num_rows == 1  # adding again withdraws nothing
    assert len(server.log) == 1


def test_one_url_in_many_posts_is_one_request(corpus: Corpus, server: Server, jpg: bytes, tmp_path: Path) -> None:
    url, same = server.file("/a.jpg", jpg), server.file("/copy", jpg)
    table = tmp_path / "posts.csv"
    table.write_text(f"id,text,video_url\n1,a,{url}\n2,b,{url}|{same}\n")
    posts = sources.posts(table, media="video_url")
    added = corpus.add(posts)
    assert (added.found["link"], added.links, added.losses) == (3, 3, [])
    assert get(corpus).statuses == {"done": 2}
    assert server.counts() == {"/a.jpg": 1, "/copy": 1}
    attached = corpus.attachments()
    assert sorted(zip(attached["post"].to_pylist(), attached["position"].to_pylist(), strict=True)) == sorted(
        [(corpus.posts()["unit"][i].as_py(), p) for i, p in ((0, 0), (1, 0), (1, 1))]
    )
    assert corpus.units("image").num_rows == 1
    table.write_text(f"id,text,video_url\n1,a,{url}\n2,b,\n3,c,{url}\n")
    added = corpus.add(posts)
    assert (added.links, added.attachments, added.withdrawn) == (1, 1, 4)  # two links, and their two places
    assert corpus.attachments().num_rows == 2
    assert get(corpus) == Downloaded()


def test_what_no_source_names_any_more_is_not_asked_for(corpus: Corpus, server: Server, jpg: bytes) -> None:
    add(corpus, server.file("/a.jpg", jpg), server.file("/b.jpg", jpg))
    add(corpus, server.url("/b.jpg"))
    assert list(rows(corpus)) == ["b.jpg"]
    assert get(corpus).statuses == {"done": 1}
    assert server.counts() == {"/b.jpg": 1}
    add(corpus, server.url("/a.jpg"))  # and named again
    assert list(rows(corpus)) == ["a.jpg"]
    assert corpus.units("image").num_rows == 0


def test_a_thousand_files(corpus: Corpus, server: Server) -> None:
    add(corpus, *(server.file(f"/{n}.gif", gif(n)) for n in range(1000)))
    done = get(corpus)
    assert done.statuses == {"done": 1000}
    assert set(server.counts().values()) == {1}
    assert len(server.counts()) == 1000
    assert server.most <= 8
    assert corpus.units("image").num_rows == 1000
    assert {row["sha256"] for row in rows(corpus).values()} == {
        identify(path) for path in corpus.root.glob("media/*/*.gif")
    }
    assert len(list((corpus.root / "downloads").glob("*.parquet"))) <= 20


# --- what servers say


@pytest.mark.parametrize(
    ("code", "status", "attempts"),
    [
        (404, "gone", 1), (410, "gone", 1), (401, "forbidden", 1), (403, "forbidden", 1), (451, "forbidden", 1),
        (400, "failed", 1), (418, "failed", 1), (204, "failed", 1), (300, "failed", 1), (501, "failed", 1),
        (429, "failed", 3), (500, "failed", 3), (503, "failed", 3), (408, "failed", 3),
    ],
)  # fmt: skip
def test_a_status_is_a_fact_or_passes(corpus: Corpus, server: Server, code: int, status: str, attempts: int) -> None:
    add(corpus, server.answer("/a.jpg", http.status(code, b"")))
    assert get(corpus, attempts=3).statuses == {status: 1}
    (row,) = rows(corpus).values()
    assert (row["http_status"], row["attempts"], row["path"]) == (code, attempts, None)
    assert str(code) in row["error"]
    get(corpus, attempts=1)
    assert len(server.log) == attempts + (attempts > 1)  # facts are not asked for again
    get(corpus, retry=True, attempts=1)
    assert len(server.log) == attempts + (attempts > 1) + 1


def test_what_was_gone_may_come_back(corpus: Corpus, server: Server, jpg: bytes) -> None:
    add(corpus, server.answer("/a.jpg", http.status(404), http.whole(jpg)))
    get(corpus)
    assert rows(corpus)["a.jpg"]["status"] == "gone"
    assert get(corpus, retry=True).statuses == {"done": 1}
    assert rows(corpus)["a.jpg"]["error"] is None


@pytest.mark.parametrize("code", [500, 502, 503, 429, 408])
def test_a_server_that_recovers(corpus: Corpus, server: Server, jpg: bytes, code: int) -> None:
    add(corpus, server.answer("/a.jpg", http.status(code), http.status(code), http.whole(jpg)))
    assert get(corpus).statuses == {"done": 1}
    assert rows(corpus)["a.jpg"]["attempts"] == 3


def test_retry_after_is_honoured_for_the_whole_host(corpus: Corpus, server: Server, jpg: bytes) -> None:
    first = server.answer("/a.jpg", http.status(429, Retry_After="1"), http.whole(jpg))
    add(corpus, first, server.file("/b.jpg", jpg))
    assert get(corpus, per_host=1).statuses == {"done": 2}
    begun, *later = server.log
    assert all(asked.at - begun.at >= 0.99 for asked in later)


def test_retry_after_may_be_a_date(corpus: Corpus, server: Server, jpg: bytes) -> None:
    def busy(it: Any) -> None:
        http.status(503, Retry_After=http.http_date(2))(it)

    add(corpus, server.answer("/a.jpg", busy, http.whole(jpg)))
    assert get(corpus).statuses == {"done": 1}
    first, second = server.log
    assert 0.9 <= second.at - first.at < 3


def test_a_server_that_asks_for_too_long_a_wait_is_left_for_later(corpus: Corpus, server: Server, jpg: bytes) -> None:
    busy = server.answer("/a.jpg", http.status(429, Retry_After="9999"), http.whole(jpg))
    add(corpus, busy, *(server.file(f"/{n}.gif", gif(n)) for n in range(20)))
    assert get(corpus, per_host=1).statuses == {"failed": 1, "waiting": 20}
    assert "asks to wait for 9999 s" in rows(corpus)["a.jpg"]["error"]
    assert len(server.log) == 1  # the host is left alone, also with its other URLs
    assert get(corpus).statuses == {"done": 21}


def test_redirects(corpus: Corpus, server: Server, jpg: bytes) -> None:
    target = server.file("/there.jpg", jpg)
    add(
        corpus,
        server.answer("/a", http.redirect("/there.jpg")),
        server.answer("/loop", http.redirect("/loop")),
        server.answer("/out", http.redirect("file:///etc/passwd")),
        server.answer("/odd", http.redirect("http://[")),
    )
    assert get(corpus, redirects=4).statuses == {"done": 1, "failed": 3}
    found = rows(corpus)
    assert found["a"]["final_url"] == target
    assert "TooManyRedirects" in found["loop"]["error"]
    assert server.counts()["/loop"] == 5
    assert "file" in found["out"]["error"] or "protocol" in found["out"]["error"]


@pytest.mark.parametrize("host", ["a..b", f"{'a' * 64}.org", "xn--a"])
def test_a_name_that_no_host_can_have_is_one_url(corpus: Corpus, server: Server, jpg: bytes, host: str) -> None:
    redirected = server.answer("/moved", http.redirect(f"http://{host}/b.jpg"))
    add(corpus, f"http://{host}/a.jpg", redirected, server.file("/there.jpg", jpg))
    assert get(corpus).statuses == {"failed": 2, "done": 1}
    found = rows(corpus)
    for name in ("a.jpg", "moved"):
        assert found[name]["error"] == "no host can have the name that the URL or redirect has"
        assert found[name]["attempts"] == 1


def test_a_port_where_nobody_listens(corpus: Corpus) -> None:
    with http.serve() as gone:
        url = gone.url("/a.jpg")
    add(corpus, url)
    assert get(corpus, attempts=2).statuses == {"failed": 1}
    assert "ConnectError" in rows(corpus)["a.jpg"]["error"]


def test_reservations_are_kept(corpus: Corpus, server: Server) -> None:
    add(corpus, server.answer("/a.gif", http.status(200, gif(1), tdm_reservation="1", X_Robots_Tag="noai")))
    get(corpus)
    assert json.loads(rows(corpus)["a.gif"]["facts"]) == {"tdm-reservation": "1", "x-robots-tag": "noai"}


# --- lies


def test_lies_about_the_type(corpus: Corpus, server: Server, jpg: bytes) -> None:
    page = b"<!DOCTYPE html><title>Log in</title>" * 100
    add(
        corpus,
        server.answer("/page.mp4", http.status(200, page, Content_Type="video/mp4")),
        server.answer("/short.mp4", http.status(200, b"<html>", Content_Type="video/mp4")),
        server.file("/picture.mp4", jpg, says="video/mp4"),
        server.file("/text.jpg", jpg, says="text/html"),
        server.file("/empty.jpg", b""),
    )
    assert get(corpus).statuses == {"refused": 4, "done": 1}
    found = rows(corpus)
    assert found["text.jpg"]["status"] == "done"
    assert found["page.mp4"]["error"].startswith("expected an image, video or sound, got a web page (HTML)")
    assert found["picture.mp4"]["error"] == "expected a file of kind video, got one of kind image (.jpg)"
    assert found["empty.jpg"]["error"].endswith("got nothing")
    assert [p.name for p in corpus.root.glob("media/*/*.*")] == [Path(found["text.jpg"]["path"]).name]


def test_what_is_no_medium_is_broken_off(corpus: Corpus, server: Server) -> None:
    add(corpus, server.file("/a.mp4", b"<!DOCTYPE html>" + bytes(50_000_000), says="video/mp4"))
    assert get(corpus).statuses == {"refused": 1}
    assert server.sent["/a.mp4"] < 20_000_000


def test_lies_about_the_length(corpus: Corpus, server: Server, jpg: bytes) -> None:
    add(
        corpus,
        server.answer("/more.jpg", http.announces(len(jpg) + 1000, jpg)),
        server.answer("/less.jpg", http.announces(len(jpg) - 1000, jpg)),
    )
    assert get(corpus, attempts=2).statuses == {"failed": 1, "done": 1}
    found = rows(corpus)
    assert f"received {len(jpg)} bytes, expected {len(jpg) + 1000}" in found["more.jpg"]["error"]
    assert content(corpus, found["less.jpg"]) == jpg[:-1000]  # HTTP has no way to tell; the decoder has
    corpus.measure("colour", of="image")
    assert corpus.failures()["error"].to_pylist() == ["TruncatedFileError"]


@pytest.mark.parametrize("announced", [True, False])
def test_files_that_are_too_large_are_refused(corpus: Corpus, server: Server, jpg: bytes, announced: bool) -> None:
    def endless(it: Any) -> None:
        it.head(200, {"Connection": "close"})
        it.body(jpg * 1000)
        it.drop(gently=True)

    add(corpus, server.answer("/a.jpg", http.whole(jpg) if announced else endless))
    assert get(corpus, max_bytes=len(jpg) - 1).statuses == {"refused": 1}
    assert "max_bytes" in rows(corpus)["a.jpg"]["error"]
    assert server.sent["/a.jpg"] < len(jpg) * 1000
    assert not list(corpus.root.glob("media/*/*.*"))
    assert get(corpus, max_bytes=len(jpg)).statuses == {}


# --- connections that break


def test_a_dropped_connection_goes_on_where_it_broke(corpus: Corpus, server: Server, png: bytes) -> None:
    add(corpus, server.answer("/a.png", http.breaks_off(png, 100_000)))
    done = get(corpus)
    assert done.statuses == {"done": 1}
    assert content(corpus, rows(corpus)["a.png"]) == png
    assert [asked.headers.get("Range") for asked in server.log] == [None, "bytes=100000-", "bytes=200000-"]
    assert server.sent["/a.png"] == len(png)


def test_a_server_that_ignores_ranges_starts_anew(corpus: Corpus, server: Server, png: bytes) -> None:
    add(corpus, server.answer("/a.png", http.breaks_off(png, 100_000), http.whole(png, ranges=False)))
    assert get(corpus).statuses == {"done": 1}
    assert content(corpus, rows(corpus)["a.png"]) == png


def test_a_file_that_changed_meanwhile_starts_anew(corpus: Corpus, server: Server, png: bytes, jpg: bytes) -> None:
    add(corpus, server.answer("/a", http.breaks_off(png, 100_000), http.whole(jpg)))
    assert get(corpus).statuses == {"done": 1}
    assert content(corpus, rows(corpus)["a"]) == jpg
    assert server.log[1].headers["If-Range"]


def test_a_part_of_another_version_is_not_taken(corpus: Corpus, server: Server, png: bytes, jpg: bytes) -> None:
    def wrong(it: Any) -> None:
        it.head(206, {"Content-Range": "bytes 100000-100009/100010", "Content-Length": "10", "ETag": '"other"'})
        it.body(bytes(10))

    add(corpus, server.answer("/a", http.breaks_off(png, 100_000), wrong, http.whole(jpg)))
    assert get(corpus).statuses == {"done": 1}
    assert content(corpus, rows(corpus)["a"]) == jpg


def test_without_a_version_nothing_is_pieced_together(corpus: Corpus, server: Server, png: bytes, jpg: bytes) -> None:
    add(corpus, server.answer("/a", http.breaks_off(png, 100_000, tag='W/"weak"'), http.whole(jpg)))
    assert get(corpus).statuses == {"done": 1}
    assert content(corpus, rows(corpus)["a"]) == jpg
    assert [asked.headers.get("Range") for asked in server.log] == [None, None]


def test_a_server_that_stalls(corpus: Corpus, server: Server, png: bytes) -> None:
    add(corpus, server.answer("/a.png", http.stalls(png, 100_000, 30), http.whole(png)))
    begun = time.monotonic()
    assert get(corpus, timeout=0.5).statuses == {"done": 1}
    assert time.monotonic() - begun < 5
    assert content(corpus, rows(corpus)["a.png"]) == png
    assert server.sent["/a.png"] == len(png)


def test_compression_that_nobody_asked_for(corpus: Corpus, server: Server, jpg: bytes) -> None:
    packed = gzip.compress(jpg)
    add(
        corpus,
        server.answer("/a.jpg", http.status(200, packed, Content_Encoding="gzip")),
        server.answer("/b.jpg", http.status(200, packed[:10] + b"\xff" * 1000, Content_Encoding="gzip")),
    )
    assert get(corpus, attempts=1).statuses == {"done": 1, "failed": 1}
    assert content(corpus, rows(corpus)["a.jpg"]) == jpg
    assert rows(corpus)["b.jpg"]["error"].startswith("DecodingError")


def test_what_came_compressed_is_not_pieced_together(corpus: Corpus, server: Server, png: bytes) -> None:
    packed = gzip.compress(png)

    def breaks(it: Any) -> None:
        it.head(200, {"Content-Length": str(len(packed)), "Content-Encoding": "gzip", "ETag": '"1"'})
        it.body(packed[:100_000])
        it.drop()

    add(corpus, server.answer("/a.png", breaks, http.whole(png, tag='"1"')))
    assert get(corpus).statuses == {"done": 1}
    assert content(corpus, rows(corpus)["a.png"]) == png
    assert [asked.headers.get("Range") for asked in server.log] == [None, None]


# --- politeness


def test_a_host_is_asked_as_often_as_agreed(corpus: Corpus, server: Server) -> None:
    add(corpus, *(server.file(f"/{n}.gif", gif(n)) for n in range(6)))
    begun = time.monotonic()
    assert get(corpus, per_second=10).statuses == {"done": 6}
    assert all(asked.at - begun >= i / 10 for i, asked in enumerate(server.log))


def test_a_host_is_asked_by_as_many_at_a_time_as_agreed(corpus: Corpus, server: Server) -> None:
    def slow(n: int) -> Any:
        def answer(it: Any) -> None:
            time.sleep(0.05)
            http.whole(gif(n))(it)

        return answer

    add(corpus, *(server.answer(f"/{n}.gif", slow(n)) for n in range(12)))
    assert get(corpus, per_host=2).statuses == {"done": 12}
    assert server.most == 2


@pytest.mark.parametrize("wrong", [{"contact": ""}, {"contact": "a\nb"}, {"contact": "é"}, {"per_second": 0.0},
                                   {"attempts": 0}, {"timeout": float("nan")}, {"method": "ftp"}, {"backoff": -1.0},
                                   {"patience": float("nan")}, {"redirects": -1}])  # fmt: skip
def test_manners_that_are_none(wrong: dict[str, Any]) -> None:
    with pytest.raises(InputError):
        Manners(**{"contact": "ada@example.org", **wrong})


# --- private addresses


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_this_machine_is_not_asked_unless_allowed(corpus: Corpus, server: Server, jpg: bytes, host: str) -> None:
    server.file("/a.jpg", jpg)
    add(corpus, server.url("/a.jpg", host))
    assert get(corpus, allow_private=False).statuses == {"refused": 1}
    assert "private address" in rows(corpus)["a.jpg"]["error"]
    assert server.log == []


@pytest.mark.parametrize(
    "host",
    ["127.0.0.1", "10.1.2.3", "192.168.0.1", "172.16.9.9", "169.254.169.254", "100.64.0.1", "0.0.0.0", "224.0.0.1",
     "::1", "fd00::1", "fe80::1", "::ffff:127.0.0.1", "64:ff9b::a00:1", "2002:7f00:1::1"],
)  # fmt: skip
def test_private_addresses(host: str) -> None:
    assert private(host)


@pytest.mark.parametrize("host", ["8.8.8.8", "2001:4860:4860::8888", "::ffff:8.8.8.8", "no such host", ""])
def test_public_and_unknown_hosts(host: str) -> None:
    assert private(host) == "" or host == ""


def test_behind_a_proxy_the_names_are_looked_up(
    corpus: Corpus, server: Server, jpg: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", server.url(""))
    monkeypatch.setenv("no_proxy", "")
    server.answer("http://8.8.8.8/a.jpg", http.whole(jpg))
    server.answer("http://8.8.8.8/b.jpg", http.redirect("http://10.0.0.1/a.jpg"))
    add(corpus, "http://8.8.8.8/a.jpg", "http://8.8.8.8/b.jpg", "http://127.0.0.2/a.jpg")
    assert get(corpus, allow_private=False).statuses == {"done": 1, "refused": 2}
    assert set(server.counts()) == {"http://8.8.8.8/a.jpg", "http://8.8.8.8/b.jpg"}


# --- interruptions

SCRIPT = """
import sys
from pathlib import Path
from studium import Corpus
from studium.run.download.crew import Manners, download
store = Corpus(sys.argv[1]).store
manners = Manners("ada@example.org", per_second=400, per_host=4, backoff=0.05, timeout=30, allow_private=True)
download(store, manners)
"""


def test_a_killed_run_goes_on_where_it_was(corpus: Corpus, server: Server, png: bytes) -> None:
    big = server.answer("/big.png", http.stalls(png, 150_000, 60), http.whole(png))
    add(corpus, big, *(server.file(f"/{n}.gif", gif(n)) for n in range(300)))
    process = subprocess.Popen([sys.executable, "-c", SCRIPT, str(corpus.root)])
    try:
        deadline = time.monotonic() + 60
        while len(server.log) < 100 and time.monotonic() < deadline:
            time.sleep(0.005)
    finally:
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
    before = server.counts()
    assert 100 <= len(before) < 301
    get(corpus)
    counts = server.counts()
    assert len(counts) == 301
    again = {path for path, n in counts.items() if n > 1}
    assert "/big.png" in again
    assert len(again) <= 5  # those that were under way, and no other
    assert max(counts.values()) == 2
    assert server.asked("/big.png")[1].headers["Range"].startswith("bytes=1")
    assert server.sent["/big.png"] < len(png) + 100_000
    found = rows(corpus)
    assert {row["status"] for row in found.values()} == {"done"}
    assert content(corpus, found["big.png"]) == png
    assert corpus.units("image").num_rows == 301
    assert corpus.attachments().num_rows == 301
    assert not list((corpus.root / "media" / ".parts").iterdir())
    get(corpus)
    assert server.counts() == counts


def test_an_interrupted_run_keeps_what_came(corpus: Corpus, server: Server) -> None:
    add(corpus, *(server.file(f"/{n}.gif", gif(n)) for n in range(50)))

    def impatient(done: int, total: int) -> None:
        if done == 5:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        download(corpus.store, Manners("ada@example.org", **{**QUICK, "per_second": 100.0}), progress=impatient)
    assert sum(row["status"] == "done" for row in rows(corpus).values()) >= 5
    get(corpus)
    assert {row["status"] for row in rows(corpus).values()} == {"done"}
    assert set(server.counts().values()) == {1}


def test_a_full_disk_is_said(corpus: Corpus, server: Server, jpg: bytes) -> None:
    add(corpus, server.file("/a.jpg", jpg))
    corpus.root.joinpath("media").write_text("a file where a folder should be")
    with pytest.raises(StoreError, match="cannot write to"):
        get(corpus)


# --- the study folder


def test_downloads_are_not_found_by_a_folder_source(corpus: Corpus, server: Server, jpg: bytes) -> None:
    add(corpus, server.file("/a.jpg", jpg))
    get(corpus)
    corpus.add(sources.folder(corpus.root))
    assert corpus.attachments().num_rows == 1


def test_names_of_downloads() -> None:
    assert ours(f"media/ab/{'ab' + '0' * 62}.jpg")
    assert not ours(f"media/ab/{'cd' + '0' * 62}.jpg")
    assert not ours("media/holiday.jpg")
    assert not ours(f"x/media/ab/{'ab' + '0' * 62}.jpg")


# --- yt-dlp


@pytest.fixture(scope="module")
def film() -> bytes:
    return (fetch.videos() / "carphone_pristine.mp4").read_bytes()


def test_pages_are_resolved_by_yt_dlp(corpus: Corpus, server: Server, film: bytes) -> None:
    server.file("/film.mp4", film, says="video/mp4")
    page = b'<!DOCTYPE html><title>A film</title><video src="/film.mp4"></video>'
    add(
        corpus,
        server.answer("/watch", http.status(200, page)),
        server.answer("/gone", http.status(410)),
        server.answer("/private", http.status(403)),
        server.answer("/text", http.status(200, b"<!DOCTYPE html><title>No film</title>")),
    )
    assert get(corpus, method="yt-dlp").statuses == {"done": 1, "gone": 1, "forbidden": 1, "refused": 1}
    found = rows(corpus)
    assert content(corpus, found["watch"]) == film
    facts = json.loads(found["watch"]["facts"])
    assert set(facts) >= {"title", "uploader", "upload_date", "view_count", "availability"}
    assert facts["extractor"] in {"generic", "html5"}
    assert corpus.units("video").num_rows == 1
    assert not list((corpus.root / "media" / ".parts").iterdir())


def test_yt_dlp_breaking_down_is_one_url(
    corpus: Corpus, server: Server, film: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    from yt_dlp.extractor.generic import GenericIE

    real = GenericIE._real_extract

    def stumbles(self: Any, url: str) -> Any:
        layout: Any = None if "watch" in url else {"of": "last year"}
        return layout["of"] and real(self, url)

    monkeypatch.setattr(GenericIE, "_real_extract", stumbles)
    add(corpus, server.url("/watch"), server.file("/film.mp4", film, says="video/mp4"))
    assert get(corpus, method="yt-dlp").statuses == {"failed": 1, "done": 1}
    assert "TypeError: 'NoneType' object is not subscriptable" in rows(corpus)["watch"]["error"]


def test_yt_dlp_keeps_away_from_private_addresses_too(corpus: Corpus, server: Server) -> None:
    add(corpus, server.url("/watch"))
    assert get(corpus, method="yt-dlp", allow_private=False).statuses == {"refused": 1}
    assert server.log == []


def test_a_missing_extra_is_named(corpus: Corpus, monkeypatch: pytest.MonkeyPatch) -> None:
    add(corpus, "https://example.org/a.jpg")
    monkeypatch.setitem(sys.modules, "httpx", None)
    with pytest.raises(MissingExtraError, match=r"studium\[download\]"):
        get(corpus)
    monkeypatch.setitem(sys.modules, "yt_dlp", None)
    with pytest.raises(MissingExtraError, match=r"studium\[platforms\]"):
        get(corpus, method="yt-dlp")
    assert rows(corpus)["a.jpg"]["status"] == "waiting"
