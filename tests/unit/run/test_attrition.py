"""The attrition ledger: pure counts first, then a study in which everything is lost that can be."""

from collections import Counter
from pathlib import Path

import server as http

from studium import Corpus, sources
from studium.run.attrition import LEDGER, OUTCOMES, Named, attrition, count, named
from studium.run.download.crew import Manners, download
from studium.run.download.links import STATUSES

MANNERS = Manners("ada@example.org", per_second=1e4, attempts=1, allow_private=True)


def test_nothing_named() -> None:
    assert count([]) == LEDGER.empty_table()


def test_one() -> None:
    (row,) = count([Named("ada", "2024-05", "image", "gone", "404 Not Found")]).to_pylist()
    assert list(row.values()) == ["ada", "2024-05", "image", "gone", "404 Not Found", 1]


def test_many_are_counted_and_in_order() -> None:
    media = [Named(None, None, None, "lost", "x"), Named("b", "2024-01", "image", "measured")]
    media += [Named("a", "2024-01", "image", "measured")] * 3 + [Named("a", "2024-01", "image", "waiting")]
    table = count(media)
    assert table.select(["month", "author", "outcome", "n"]).to_pylist() == [
        {"month": "2024-01", "author": "a", "outcome": "waiting", "n": 1},
        {"month": "2024-01", "author": "a", "outcome": "measured", "n": 3},
        {"month": "2024-01", "author": "b", "outcome": "measured", "n": 1},
        {"month": None, "author": None, "outcome": "lost", "n": 1},
    ]
    assert table == count(reversed(media))


def test_every_status_of_a_url_is_an_outcome() -> None:
    assert set(STATUSES) - {"done"} < set(OUTCOMES)


def test_an_empty_study(tmp_path: Path) -> None:
    assert attrition(Corpus(tmp_path).store).num_rows == 0


def test_from_url_to_row(tmp_path: Path, photos: Path) -> None:
    jpg = (photos / "rocket.jpg").read_bytes()
    corpus = Corpus(tmp_path / "study")
    (tmp_path / "coffee.png").symlink_to(photos / "coffee.png")
    with http.serve() as server:
        cells = {
            "ada,2024-05-01": f"{server.file('/a.jpg', jpg)}|coffee.png|gone.png",
            "ada,2024-06-01T10:00:00Z": server.url("/missing.jpg"),
            "ben,2024-06-30": f"{server.answer('/no.jpg', http.status(403))}|{server.file('/a.jpg', jpg)}",
            "ben,soon": server.file("/broken.jpg", b"\xff\xd8\xff\xe0 no picture" + bytes(2000)),
            ",": server.answer("/page", http.status(200, b"<html>" + bytes(2000))),
        }
        rows = [f'{i},t,{who},"{cell}"' for i, (who, cell) in enumerate(cells.items())]
        (tmp_path / "posts.csv").write_text("\n".join(["id,text,author,date,media", *rows, ",no id,ada,,"]))
        corpus.add(sources.posts(tmp_path / "posts.csv", media="media"))
        before = Counter(medium.outcome for medium in named(corpus.store))
        assert before == {"waiting": 6, "unmeasured": 1, "lost": 2}
        download(corpus.store, MANNERS)
    corpus.measure("colour", "properties", of="image")
    ledger = attrition(corpus.store)
    assert sum(ledger["n"].to_pylist()) == sum(before.values())
    said = {(r["author"], r["month"], r["kind"], r["outcome"], r["reason"]): r["n"] for r in ledger.to_pylist()}
    assert said == {
        ("ada", "2024-05", "image", "measured", None): 2,
        ("ada", "2024-05", None, "lost", "UnreadableFileError"): 1,
        ("ada", "2024-06", "image", "gone", "404 Not Found"): 1,
        ("ben", "2024-06", "image", "forbidden", "403 Forbidden"): 1,
        ("ben", "2024-06", "image", "measured", None): 1,
        ("ben", None, "image", "unreadable", "TruncatedFileError"): 1,
        (None, None, None, "refused", "expected an image, video or sound, got a web page (HTML)"): 1,
        (None, None, None, "lost", "SourceError"): 1,
    }


def test_a_file_that_came_back_as_another_is_one_medium(tmp_path: Path, photos: Path) -> None:
    corpus = Corpus(tmp_path / "study")
    with http.serve() as server:
        versions = [http.whole((photos / name).read_bytes()) for name in ("coffee.png", "chelsea.png")]
        (tmp_path / "urls.txt").write_text(server.answer("/a.png", *versions))
        corpus.add(sources.urls(tmp_path / "urls.txt"))
        download(corpus.store, MANNERS)
        (first,) = corpus.root.glob("media/*/*.png")
        first.unlink()
        assert [(m.outcome, m.reason) for m in named(corpus.store)] == [("lost", "removed from media/")]
        download(corpus.store, MANNERS, retry=True)
    assert [m.outcome for m in named(corpus.store)] == ["unmeasured"]


def test_losses_belong_to_the_post_that_names_them(tmp_path: Path) -> None:
    corpus = Corpus(tmp_path / "study")
    for platform, author in (("x", "ada"), ("y", "ben")):
        table = f"""id,text,author,media\nit's,t,{author}-1,gone.png\n"say ""it's""\",t,{author}-2,gone.png\n"""
        (tmp_path / f"{platform}.csv").write_text(table + f"{platform},t,{author}-3,gone.png\n")
    corpus.add(sources.posts(tmp_path / "x.csv", namespace="x"))
    assert Counter(m.author for m in named(corpus.store)) == {"ada-1": 1, "ada-2": 1, "ada-3": 1}
    corpus.add(sources.posts(tmp_path / "y.csv", namespace="y"))  # an id that two platforms have is nobody's
    assert Counter(m.author for m in named(corpus.store)) == {None: 4, "ada-3": 1, "ben-3": 1}


def test_media_that_a_table_lacks(tmp_path: Path, photos: Path) -> None:
    corpus = Corpus(tmp_path / "study")
    (tmp_path / "images").mkdir()
    (tmp_path / "images" / "a.png").symlink_to(photos / "coffee.png")
    corpus.add(sources.folder(tmp_path / "images"))
    assert [(m.outcome, m.reason) for m in named(corpus.store)] == [("unmeasured", "no table yet")]
    corpus.measure("colour", of="image")
    (tmp_path / "images" / "b.png").symlink_to(photos / "chelsea.png")
    corpus.add(sources.folder(tmp_path / "images"))
    found = sorted((m.outcome, (m.reason or "").partition("-")[0]) for m in named(corpus.store))
    assert found == [("measured", ""), ("unmeasured", "not tried by colour")]


def test_media_that_one_table_can_measure_and_another_cannot(tmp_path: Path, photos: Path) -> None:
    corpus = Corpus(tmp_path / "study")
    (tmp_path / "images").mkdir()
    (tmp_path / "images" / "a.jpg").write_bytes((photos / "rocket.jpg").read_bytes()[:50_000])
    corpus.add(sources.folder(tmp_path / "images"))
    corpus.measure("properties", "colour", of="image")
    assert [(m.outcome, m.reason) for m in named(corpus.store)] == [("unmeasured", "TruncatedFileError")]


def test_a_download_that_was_removed(tmp_path: Path, photos: Path) -> None:
    corpus = Corpus(tmp_path / "study")
    with http.serve() as server:
        (tmp_path / "urls.txt").write_text(server.file("/a.jpg", (photos / "rocket.jpg").read_bytes()))
        corpus.add(sources.urls(tmp_path / "urls.txt"))
        download(corpus.store, MANNERS)
        for path in corpus.root.glob("media/*/*.jpg"):
            path.unlink()
        assert download(corpus.store, MANNERS).statuses == {}
        assert [(m.outcome, m.reason) for m in named(corpus.store)] == [("lost", "removed from media/")]
        assert download(corpus.store, MANNERS, retry=True).statuses == {"done": 1}
    assert [m.outcome for m in named(corpus.store)] == ["unmeasured"]
