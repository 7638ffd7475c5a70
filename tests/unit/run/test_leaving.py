"""What will leave the machine: listed, counted and priced before a byte of it does."""

import re
import shutil
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import pytest
from click.testing import CliRunner, Result
from PIL import Image
from services import Services

from studium import Corpus, sources
from studium.cli import cli
from studium.core.allowance import FREE
from studium.core.column import Column
from studium.core.outgoing import Outgoing
from studium.core.protocols import Measure
from studium.errors import BudgetError, InputError, RefusedError
from studium.measure.autotag.rekognition import Rekognition
from studium.run.leaving import SAMPLE, Leaving, _Glances, announce, drawn, quote
from studium.run.plan import How, plan
from studium.run.totals import Total, money, sized, spoken_time, totalled


@pytest.fixture
def corpus(study) -> Corpus:
    """Four photographs."""
    opened = Corpus(study, allow_remote=True)
    opened.add(sources.folder(study / "images"))
    return opened


@pytest.fixture
def many(tmp_path) -> Corpus:
    """Small noise, a third of it larger."""
    rng, folder = np.random.default_rng(0), tmp_path / "many" / "images"
    folder.mkdir(parents=True)
    for at in range(150):
        side = 160 if at % 3 else 90
        Image.fromarray(rng.integers(0, 256, (side, side, 3), np.uint8)).save(folder / f"{at}.png")
    opened = Corpus(tmp_path / "many", allow_remote=True)
    opened.add(sources.folder(folder))
    return opened


@dataclass(frozen=True)
class Silent(Measure):
    """Sends something, and does not say what."""

    name: ClassVar[str] = "silent"
    version: ClassVar[str] = "1"
    takes: ClassVar[str] = "image"
    remote: ClassVar[bool] = True
    columns: ClassVar[tuple[Column, ...]] = (Column("silent", "int32", "one"),)

    def __call__(self, batch: Sequence[Any]) -> Mapping[str, Any]:
        return {"silent": [1 for _ in batch]}


@dataclass(frozen=True)
class Told(Silent):
    """Says that it sends two texts, at a price and within a time that depend on the picture."""

    name: ClassVar[str] = "told"

    def outgoing(self, item: Any) -> Outgoing:
        return Outgoing("told.example", item.nbytes, texts=2, usd=item.nbytes / 1e6, seconds=1.5, source="a leaflet")


# the list


def test_the_list_says_what_where_how_much_and_who_is_to_be_seen(corpus, services, photos):
    shutil.copy(photos / "astronaut.png", corpus.root / "images" / "astronaut.png")
    corpus.add(sources.folder(corpus.root / "images"))
    (told,) = quote(corpus.store, "image", [Rekognition()])
    lines = str(told).splitlines()
    corpus.measure("rekognition", of="image")
    total = sum(len(request.jpeg) for request in services.log)
    assert lines == [
        f"rekognition sends data to 127.0.0.1:{services.port}: 5 image units lack a row",
        f"  5 requests with 5 pictures and 0 texts, {total:,} bytes (all were looked at)",
        "  faces seem to be in 1 of 5 pictures, seen at 640 px, where small ones are missed; cover_faces=true covers "
        "those that are found before anything is sent",
        f"  about 0.005 USD ({told.told[0].source})",
        "  how long it takes is not known; ask about some: studium remote estimate --sample 10",
        "  no budget is set (--budget USD)",
    ]


def test_without_the_extra_it_says_that_nobody_looked(corpus, services, monkeypatch):
    monkeypatch.setitem(sys.modules, "cv2", None)
    (told,) = quote(corpus.store, "image", [Rekognition(longest=200)])
    assert "faces were not looked for: opencv-python-headless is needed here" in str(told)


def test_of_many_units_a_sample_is_looked_at_the_same_every_time(many, services):
    first, again = (quote(many.store, "image", [Told()])[0] for _ in range(2))
    assert first.told == again.told or [one.bytes for one in first.told] == [one.bytes for one in again.told]
    assert (first.units, first.looked, len(first.told)) == (150, SAMPLE, SAMPLE)
    size = first._sum([one.bytes for one in first.told])
    truth = sum((160 if at % 3 else 90) ** 2 * 3 for at in range(150))
    assert size.low <= truth <= size.high
    assert first.usd.low <= truth / 1e6 <= first.usd.high
    said = str(first)
    assert f"by a random sample of {SAMPLE} units" in said
    assert re.search(r"150 requests with 0 pictures and 300 texts, about 8\.\d MB \(\d\.\d to \d\.\d\)", said)
    assert "(a leaflet)" in said
    assert "about 3.8 min if asked one after the other" in said
    assert "faces" not in said, "there are no pictures in it"


def test_the_list_does_not_depend_on_the_cores(many):
    first, again = (str(quote(many.store, "image", [Told()], threads=threads)[0]) for threads in (1, 4))
    assert first == again


def test_faces_are_looked_for_in_pictures_of_all_units_alike():
    glances = _Glances()
    for at in range(100):
        glances.add([np.full((9, 9, 3), at, np.uint8), np.full((2000, 10, 3), at, np.uint8)])
    seen = [int(picture[0, 0, 0]) for picture in glances.kept]
    assert (len(seen), max(picture.shape[0] for picture in glances.kept)) == (SAMPLE, 640)
    assert 15 <= sum(at >= 50 for at in seen) <= 35, "not those of the first units alone"


def test_a_batch_is_listed_at_the_price_of_a_batch(many, caplog):
    alone, batch = (
        announce(plan(many.store, "image", [Told()], How(1), make=False), share)[0] for share in (None, 0.5)
    )
    assert batch.usd.value == pytest.approx(alone.usd.value / 2)
    assert "50% of the price, by batch (a leaflet)" in str(batch)
    assert "one after the other" not in str(batch)
    assert "mostly within a day" in caplog.messages[1]


def test_what_cannot_be_told_is_said_to_be_unknown(corpus):
    (told,) = quote(corpus.store, "image", [Silent()])
    assert "what it would send cannot be told beforehand" in str(told)
    assert told.usd.value == 0


def test_pictures_that_cannot_be_decoded_or_sent_are_not_counted(corpus, services):
    (corpus.root / "images" / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\n" + b"0" * 50)
    Image.new("RGB", (20, 200)).save(corpus.root / "images" / "narrow.png")
    corpus.add(sources.folder(corpus.root / "images"))
    (told,) = quote(corpus.store, "image", [Rekognition()])
    assert (told.units - len(told.told), told.requests.value) == (told.units - 4, 4)
    assert f"{told.units - 4} of them cannot be sent" in str(told)


def test_budget_and_pace_are_part_of_the_list(corpus, services):
    (corpus.root / "studium.toml").write_text("[remote]\nbudget = 0.002\nrequests_per_minute = 2\n")
    told, asked = Corpus(corpus.root).estimate("rekognition", of="image")
    assert asked == []
    assert "the budget of the run is 0.002 USD, and will not do for all of them" in str(told[0])
    assert "at least 2.0 min at 2 requests a minute" in str(told[0])
    told, _ = Corpus(corpus.root, budget=1).estimate("rekognition", of="image")
    assert str(told[0]).endswith("the budget of the run is 1 USD")


def test_a_total_has_an_interval_unless_everything_was_seen():
    assert totalled([2.0, 2.0], 100) == totalled([2.0] * 5, 100)
    found = totalled([1.0, 2.0, 3.0], 30)
    half = 1.959963984540054 * 1.0 / 3**0.5 * (1 - 3 / 30) ** 0.5 * 30
    assert (found.value, found.high) == (60, pytest.approx(60 + half))
    assert found.low == pytest.approx(max(6, 60 - half)), "never less than what was seen"
    assert totalled([1.0, 2.0], 2).exact


def test_more_requests_than_units_are_never_expected():
    asked = (Outgoing("a.example", 10, usd=0.001),) * 49
    told = Leaving("a", "post", 1000, 50, (*asked, Outgoing("a.example", 10, kept=True)), (0,) * 50, (0, 0), None, FREE)
    assert (told.requests.value, told.requests.high) == (980, 999), "one of them was answered before"
    assert told.requests.low < 980
    assert "about 980 requests (942 to 999)" in str(told)


def test_sizes_in_words():
    assert sized(Total(279822, 279822, 279822)) == "279,822 bytes"
    assert sized(Total(45_000, 40_000, 50_000)) == "about 45.0 kB (40.0 to 50.0)"
    assert sized(Total(1.2e9, 1.1e9, 1.3e9)) == "about 1.2 GB (1.1 to 1.3)"
    assert sized(Total(900, 800, 1100)) == "about 900 bytes (800 to 1,100)"
    assert sized(Total(0, 0, 5)) == "about 0 bytes (0 to 5)"


def test_sums_and_times_in_words():
    assert [money(usd) for usd in (0, 0.000123456, 12.345, 1500)] == ["0", "0.0001235", "12.35", "1,500.00"]
    assert [spoken_time(s) for s in (0, 90, 120, 7200, 1e6)] == ["0 s", "90 s", "2.0 min", "2.0 h", "11.6 days"]


def test_the_units_of_a_sample_are_among_those_that_lack_a_row(many):
    todo = plan(many.store, "image", [Told()], How(1), make=False)
    some, more = drawn(todo, Told(), 10), drawn(todo, Told(), 1000)
    assert len({unit.id for unit in some}) == 10
    assert len(more) == 150
    assert [u.id for u in some] == [u.id for u in more if u.id in {s.id for s in some}], "in their order"


# the gates


def test_nothing_is_sent_before_the_list_is_complete(corpus, services, caplog, monkeypatch):
    seen = []
    monkeypatch.setattr(Services, "reply", _noting(seen, caplog))
    corpus.measure("rekognition", of="image")
    assert len(seen) == 5, "one request without a picture, and one for each"
    assert all("rekognition sends data to" in said and "no budget is set" in said for said in seen)


def _noting(seen: list[str], caplog: Any) -> Any:
    reply = Services.reply

    def noting(self: Services, request: Any) -> Any:
        seen.append(caplog.text)
        return reply(self, request)

    return noting


def test_the_refusal_says_how_to_see_the_list(corpus, services):
    with pytest.raises(RefusedError, match=r"studium remote estimate rekognition --of \.\.\.  and sends nothing"):
        Corpus(corpus.root).measure("rekognition", of="image")
    with pytest.raises(RefusedError, match="allow_remote=True"):
        Corpus(corpus.root).estimate("rekognition", of="image", sample=2)
    assert (services.log, services.probes) == ([], [])


def test_by_hand_without_permission(corpus, services):
    assert "4 requests with 4 pictures" in said(corpus, "estimate", "rekognition", "--of", "image").stdout
    assert "nothing would be sent" in said(corpus, "estimate", "pdq", "--of", "image").stdout
    refused = said(corpus, "estimate", "rekognition", "--of", "image", "--sample", "2")
    assert isinstance(refused.exception, RefusedError)
    assert (services.log, services.probes) == ([], [])


# asking a sample


def test_a_sample_is_asked_once_and_kept(corpus, services):
    told, (asked,) = corpus.estimate("rekognition", of="image", sample=2)
    assert len(told) == 1
    assert (len(services.log), len(asked.asked), asked.units, asked.kept) == (2, 2, 4, 0)
    assert [one.usd for one in asked.asked] == pytest.approx([0.001, 0.001])
    assert "they cost 0.002 USD; all 4 units about 0.004 USD (0.004 to 0.004)" in str(asked)
    assert "2 answers are few" in str(asked)
    assert corpus.store.tables() == [], "no rows"
    _, (again,) = corpus.estimate("rekognition", of="image", sample=3)
    assert (again.kept, len(again.asked), len(services.log)) == (2, 1, 3) or len(services.log) <= 4
    corpus.measure("rekognition", of="image")
    assert len(services.log) == 4, "nothing was asked twice"


def test_a_sample_obeys_the_budget_and_tells_what_failed(corpus, services):
    with pytest.raises(BudgetError):
        Corpus(corpus.root, allow_remote=True, budget=0.001).estimate("rekognition", of="image", sample=3)
    assert len(services.log) == 1
    services.fail("rekognition", *["too_large"] * 20)
    _, (asked,) = corpus.estimate("rekognition", of="image", sample=4)
    assert "failed, the first one because: rekognition answered" in str(asked)
    assert "ImageTooLargeException" in str(asked)


def test_a_sample_by_hand(corpus, services, caplog):
    done = said(corpus, "estimate", "rekognition", "--of", "image", "--sample", "2", "--allow-remote", "--budget", "1")
    assert "rekognition sends data to" in caplog.text, "the list comes first"
    assert done.stdout.startswith("rekognition: asked about 2 of 4 image units drawn at random")
    sent = said(corpus, "sent")
    assert sent.stdout.splitlines() == ["table\thost\tanswers\tbytes\tfirst\tlast"], "no rows, no table"


def said(corpus: Corpus, *words: str) -> Result:
    return CliRunner().invoke(cli, ["remote", *words, "--study", str(corpus.root)])


def test_a_sample_of_less_than_one_is_refused(corpus, services):
    with pytest.raises(InputError, match="sample should be"):
        corpus.estimate("rekognition", of="image", sample=-1)
