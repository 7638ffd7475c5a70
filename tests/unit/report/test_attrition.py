"""The attrition section: what a ledger says, and that no author is named on the page."""

import page_checks
import server as http

from studium import Corpus, sources
from studium.report import write
from studium.report.attrition import CHANNELS, Loss, Way, attrition
from studium.run.attrition import OUTCOMES, Named, count
from studium.run.download.crew import Manners, download


def test_an_empty_ledger():
    assert attrition(count([])) is None


def test_one_medium():
    found = attrition(count([Named("ada", "2024-05", "image", "measured")]))
    assert found.all == Way("all", 1, 1, 1, 1)
    assert (found.losses, found.of_channels, found.silent) == ([], 1, 0)
    assert found.months == [Way("2024-05", 1, 1, 1, 1)]


def test_stages_losses_months_and_channels():
    media = [Named("ada", "2024-05", "image", outcome, "why") for outcome in OUTCOMES]
    media += [Named("ben", "2024-04", "image", "gone", "404")] * 2 + [Named(None, None, None, "waiting")]
    found = attrition(count(media))
    assert found.all == Way("all", len(OUTCOMES) + 3, 3, 2, 1)
    assert [(loss.outcome, loss.reason, loss.n) for loss in found.losses][:4] == [
        ("lost", "why", 1),
        ("waiting", "", 1),
        ("waiting", "why", 1),
        ("gone", "404", 2),
    ]
    assert found.losses[0] == Loss("lost", OUTCOMES["lost"], "why", 1)
    assert [way.group for way in found.months] == ["2024-04", "2024-05", "no date"]
    assert found.channels == [Way("1", 9, 3, 2, 1), Way("2", 2, 0, 0, 0)]
    assert (found.of_channels, found.silent) == (2, 1)


def test_only_the_worst_channels_are_listed():
    found = attrition(count([Named(f"channel {i}", None, None, "gone") for i in range(50)]))
    assert (len(found.channels), found.of_channels, found.silent) == (CHANNELS, 50, 50)


def test_the_page_has_the_ledger_and_no_names(tmp_path, photos):
    corpus = Corpus(tmp_path / "study")
    with http.serve() as server:
        here = server.file("/a.jpg", (photos / "rocket.jpg").read_bytes())
        gone = server.url("/gone.jpg")
        (tmp_path / "posts.csv").write_text(
            f"id,text,author,date,media\n1,a,Ada Lovelace,2024-05-01,{here}\n"
            f"2,b,Ben,2024-06-01,{gone}\n3,c,Ben,2024-06-02,{here}\n"
        )
        corpus.add(sources.posts(tmp_path / "posts.csv", media="media"))
        download(corpus.store, Manners("ada@example.org", per_second=1e4, allow_private=True))
    corpus.measure("properties", of="image")
    html = write(corpus).read_text(encoding="utf-8")
    page = page_checks.read(html)
    assert "Of 3 media that sources name, 2 (67\u202f%) are here" in page.text
    assert "404 Not Found" in page.text
    assert "2 channels; 0 (0\u202f%) lost every medium" in page.text
    assert "Lovelace" not in html


def test_a_folder_has_no_attrition_section(images):
    assert "Attrition" not in page_checks.read(write(images).read_text(encoding="utf-8")).text
