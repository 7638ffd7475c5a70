"""Pictures and files over HTTP: ranges, ETags, headers, and faces covered where the study says so."""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from studium import Corpus, sources
from studium.server.app import Settings, create_app

Client = Callable[..., TestClient]


@pytest.fixture
def film(client: Client) -> str:
    unit: str = client("coder").get("/api/units?of=video").json()["items"][0]["id"]
    return f"/api/units/{unit}/media"


def test_a_whole_file_and_parts_of_it(client: Client, film: str, videos: Path) -> None:
    browser, data = client("coder"), (videos / "bikes.mp4").read_bytes()
    whole = browser.get(film)
    assert (whole.status_code, whole.content, whole.headers["content-type"]) == (200, data, "video/mp4")
    assert whole.headers["accept-ranges"] == "bytes"
    assert whole.headers["x-content-type-options"] == "nosniff"
    for asked, part in (("bytes=0-99", data[:100]), ("bytes=1000-", data[1000:]), ("bytes=-10", data[-10:])):
        found = browser.get(film, headers={"Range": asked})
        assert (found.status_code, found.content) == (206, part)
        start = len(data) - 10 if asked == "bytes=-10" else int(asked.split("=")[1].split("-")[0])
        assert found.headers["content-range"] == f"bytes {start}-{start + len(part) - 1}/{len(data)}"
    beyond = browser.get(film, headers={"Range": f"bytes={len(data)}-"})
    assert (beyond.status_code, beyond.headers["content-range"]) == (416, f"bytes */{len(data)}")
    assert beyond.json()["error"]["type"] == "InputError"
    assert browser.get(film, headers={"Range": "bytes=0-1,5-6"}).status_code == 200


def test_what_a_browser_has_is_not_sent_again(client: Client, film: str) -> None:
    browser = client("coder")
    etag = browser.get(film, headers={"Range": "bytes=0-0"}).headers["etag"]
    assert browser.get(film, headers={"If-None-Match": f'"other", {etag}'}).status_code == 304
    assert browser.get(film, headers={"Range": "bytes=0-9", "If-Range": etag}).status_code == 206
    assert browser.get(film, headers={"Range": "bytes=0-9", "If-Range": '"older"'}).status_code == 200
    thumb = film.replace("media", "thumb")
    kept = browser.get(thumb)
    assert kept.headers["content-type"] == "image/webp"
    assert kept.headers["cache-control"] == "private, max-age=3600"  # the study may come to cover faces
    assert browser.get(thumb, headers={"If-None-Match": kept.headers["etag"]}).status_code == 304


def test_hostile_names_and_bytes(client: Client) -> None:
    browser = client("coder")
    items = browser.get("/api/units?of=image&limit=1000").json()["items"]
    hostile = next(one for one in items if "onerror" in one["label"])
    found = browser.get(f"/api/units/{hostile['id']}/media").headers["content-disposition"]
    assert found.startswith('inline; filename="')
    assert not set("<>") & set(found)
    none = next(one for one in items if one["label"] == "not-a-picture.png")
    sent = browser.get(f"/api/units/{none['id']}/media")
    assert sent.headers["content-type"] == "application/octet-stream"
    assert sent.headers["content-disposition"].startswith("attachment")
    assert "sandbox" in sent.headers["content-security-policy"]
    broken = browser.get(f"/api/units/{none['id']}/thumb")
    assert (broken.status_code, broken.json()["error"]["type"]) == (422, "UnknownFormatError")


@pytest.mark.parametrize("unit", ["..%2f..%2fstudium.toml", "%2e%2e", "0" * 64, "0" * 63, "' or 1=1", "%00", "%ff"])
def test_there_is_no_way_out(client: Client, unit: str) -> None:
    for what in ("media", "thumb", "picture", "timeline", ""):
        assert client("coder").get(f"/api/units/{unit}/{what}").status_code in {400, 404, 405, 422}


@pytest.fixture(scope="module")
def covered(
    tmp_path_factory: pytest.TempPathFactory, politicians: Path, videos: Path, speech: Path
) -> Iterator[TestClient]:
    """A study that covers faces, on the machine of its owner."""
    root = tmp_path_factory.mktemp("covered")
    (root / "in").mkdir()
    shutil.copy(politicians / "obama.jpg", root / "in" / "obama.jpg")
    shutil.copy(videos / "bikes.mp4", root / "in" / "bikes.mp4")
    (root / "in" / "called-a-sound.m4a").write_bytes((videos / "bikes.mp4").read_bytes() + b"\0")
    shutil.copy(speech / "jfk.wav", root / "in" / "jfk.wav")
    (root / "studium.toml").write_text("[serve]\nblur_faces = true\n")
    corpus = Corpus(root)
    corpus.add(sources.folder(root / "in"))
    app = create_app(Corpus(root), Settings(token="let me in"))
    yield TestClient(app, base_url="http://127.0.0.1:8765", headers={"Authorization": "Bearer let me in"})
    app.state.records.close()


def test_a_study_that_covers_faces(covered: TestClient) -> None:
    unit = covered.get("/api/units?of=image").json()["items"][0]["id"]
    film = covered.get("/api/units?of=video").json()["items"][0]["id"]
    plain = covered.get(f"/api/units/{unit}/picture?longest=800&unblurred=1")
    hidden = covered.get(f"/api/units/{unit}/picture?longest=800")
    assert (plain.status_code, hidden.status_code) == (200, 200)
    assert plain.content != hidden.content
    assert plain.headers["etag"] != hidden.headers["etag"]
    assert covered.get(f"/api/units/{unit}/thumb").headers["cache-control"] == "private, no-cache"
    for one in (unit, film):
        refused = covered.get(f"/api/units/{one}/media")
        assert (refused.status_code, refused.json()["error"]["type"]) == (403, "RefusedError")
    sounds = {one["label"]: one["id"] for one in covered.get("/api/units?of=audio").json()["items"]}
    assert covered.get(f"/api/units/{sounds['jfk.wav']}/media").status_code == 200
    assert covered.get(f"/api/units/{sounds['called-a-sound.m4a']}/media").status_code == 403  # it has pictures
    assert covered.get(f"/api/units/{film}/media?unblurred=1").status_code == 200
    logged = covered.app.state.records.audit("unblurred")  # type: ignore[attr-defined]
    assert [one.detail for one in logged] == [{"unit": unit, "route": "picture"}, {"unit": film, "route": "media"}]


def test_only_an_admin_may_see_faces(covered: TestClient) -> None:
    from studium.server.context import Viewer
    from studium.server.routes.media import _covered as asked_for

    class Asked:
        app = covered.app

    with pytest.raises(Exception, match="only an admin"):
        asked_for(Asked(), Viewer("carla", "adjudicator"), "unit", unblurred=True)  # type: ignore[arg-type]
