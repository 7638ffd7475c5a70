"""What leaves the machine: refused unless allowed, announced with its price, stated afterwards."""

import json
import logging
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo
from services import SECRETS, recorded

from studium import Corpus, sources
from studium.errors import InputError, RefusedError
from studium.measure.autotag.azure import AzureVision
from studium.measure.autotag.rekognition import Rekognition
from studium.run.leaving import quote
from studium.run.remote import flows

STUDIUM = Path(sys.executable).with_name("studium")


@pytest.fixture
def corpus(study) -> Corpus:
    """Four photographs."""
    opened = Corpus(study, allow_remote=True)
    opened.add(sources.folder(study / "images"))
    return opened


def manifest(corpus: Corpus) -> dict[str, object]:
    newest = max((corpus.root / "runs").glob("*.json"), key=lambda path: path.stat().st_mtime_ns)
    return dict(json.loads(newest.read_text()))


def test_nothing_is_sent_unless_it_is_allowed(corpus, services):
    with pytest.raises(RefusedError, match="would send data to another machine"):
        Corpus(corpus.root).measure("rekognition", of="image")
    done = subprocess.run(
        [STUDIUM, "measure", "rekognition", "--of", "image", "--study", corpus.root],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert "RefusedError" in done.stderr
    assert (services.log, services.probes) == ([], [])


def test_the_price_is_said_first_and_what_was_sent_afterwards(corpus, services):
    done = subprocess.run(
        [STUDIUM, "-v", "measure", "rekognition", "--of", "image", "--allow-remote", "--study", corpus.root],
        capture_output=True,
        text=True,
        check=True,
    )
    said = done.stderr
    price = "about 0.004 USD (0.001 USD a picture: Amazon Rekognition"
    assert price in said
    total = sum(len(request.jpeg) for request in services.log)
    sent = f"4 requests answered by 127.0.0.1:{services.port}, {total:,} bytes sent"
    assert said.index(price) < said.index(sent)
    assert len(services.log) == 4
    assert done.stdout.splitlines()[1].endswith("\t4\t0")
    (flow,) = manifest(corpus)["sent"]
    assert (flow["answers"], flow["bytes"], flow["host"]) == (4, total, f"127.0.0.1:{services.port}")
    told = done.stdout + done.stderr + "".join(path.read_text() for path in (corpus.root / "runs").glob("*.json"))
    assert not any(secret in told for secret in SECRETS.values())


def test_without_verbose_the_price_is_still_seen(corpus, services):
    command = [STUDIUM, "measure", "azure_vision", "--of", "image", "--allow-remote", "--study", corpus.root]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert "azure_vision sends data to 127.0.0.1" in done.stderr
    assert "about 0.004 USD (0.001 USD a picture: Azure" in done.stderr
    again = subprocess.run(command, capture_output=True, text=True, check=True)
    assert "USD" not in again.stderr
    assert "nothing to do" in again.stdout
    assert len(services.log) == 4


def test_credentials_that_are_not_accepted_stop_the_run_before_anything(corpus, services, monkeypatch):
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIDWRONG")
    with pytest.raises(InputError, match=r"rekognition cannot be used: .*UnrecognizedClientException"):
        corpus.measure("rekognition", of="image")
    assert services.log == []
    assert corpus.failures().num_rows == 0


def test_what_a_service_refuses_is_a_failure_with_its_code(corpus, services):
    corpus.measure(Rekognition(longest=600), of="image")
    services.choose = lambda request: recorded("azure_vision")["labels"]
    outcome = corpus.measure(AzureVision(longest=60), of="image")  # flat photographs: less than 51 px high
    assert (outcome.rows.total(), outcome.failures.total()) == (0, 4)
    assert "takes pictures of at least 51 px" in corpus.failures()["message"][0].as_py()
    services.fail("rekognition", "no_picture", *["too_large"] * 50)
    services.log.clear()
    outcome = corpus.measure(Rekognition(wave="2027"), of="image")
    assert outcome.failures.total() == 4
    failures = corpus.failures().to_pylist()
    assert sum("ImageTooLargeException" in row["message"] for row in failures) == 4
    assert len(services.log) <= 8, "once together, once alone, never for ever"


def test_a_changed_wave_costs_again_and_a_changed_study_does_not(corpus, services, tmp_path, caplog):
    corpus.measure("rekognition", of="image")
    other = Corpus(tmp_path / "other", allow_remote=True)
    other.add(sources.folder(corpus.root / "images"))
    caplog.clear()
    time.sleep(1.1)  # dates of answers are whole seconds
    other.measure("rekognition", of="image")
    assert manifest(other)["sent"] == [], "these answers came in another run"
    assert "4 of them were answered before: nothing is sent, and nothing paid" in caplog.text
    assert "0 requests with 0 pictures" in caplog.text
    assert len(services.log) == 4
    mine, theirs = (one.table("image", "rekognition").drop(["path"]).sort_by("unit") for one in (corpus, other))
    assert mine == theirs, "the date is that of the answer"
    corpus.measure("rekognition", of="image", wave="2027-11")
    assert len(services.log) == 8


def test_a_quote_sends_nothing(corpus, services):
    (said,) = quote(corpus.store, "image", [Rekognition()])
    assert "4 requests with 4 pictures and 0 texts" in str(said)
    assert (services.log, services.probes) == ([], [])
    from studium.measure.pdq import Pdq

    assert quote(corpus.store, "image", [Pdq()]) == []


def test_a_quote_writes_nothing(corpus, services):
    before = sorted(corpus.root.rglob("*"))
    for measure in (Rekognition(), Rekognition(wave="2027-11")):
        assert len(quote(corpus.store, "image", [measure])) == 1
    assert sorted(corpus.root.rglob("*")) == before
    corpus.measure("rekognition", of="image")
    assert quote(corpus.store, "image", [Rekognition()]) == []


def test_a_study_file_that_would_send_is_refused_before_its_first_step(corpus, services):
    steps = [f'[[step]]\n{what}\nof = "image"\n' for what in ('measure = "pdq"', 'duplicates = "pdq"')]
    steps.append('[[step]]\nmeasure = "rekognition"\nof = "image"\n')
    (corpus.root / "studium.toml").write_text('[study]\ntitle = "t"\n' + "".join(steps))
    with pytest.raises(RefusedError, match="rekognition would send data"):
        Corpus(corpus.root).run()
    assert corpus.store.tables() == []
    assert corpus.run().rows.total() >= 8


def test_an_account_that_lapses_ends_a_run(study, services):
    rng = np.random.default_rng(0)
    for at in range(96):
        Image.fromarray(rng.integers(0, 256, (90, 90, 3), np.uint8)).save(study / "images" / f"{at}.png")
    corpus = Corpus(study, allow_remote=True)
    corpus.add(sources.folder(study / "images"))
    services.fail("rekognition", "no_picture", *["denied"] * 1000)
    with pytest.raises(InputError, match="rekognition cannot be used"):
        corpus.measure("rekognition", of="image")
    assert len({request.jpeg for request in services.log}) < 96, "most pictures stayed here"


def test_the_same_bytes_are_sent_and_counted_once(corpus, services):
    note = PngInfo()
    note.add_text("Comment", "another file, the same pixels")
    with Image.open(corpus.root / "images/living/chelsea.png") as cat:
        cat.save(corpus.root / "images" / "again.png", pnginfo=note)
    corpus.add(sources.folder(corpus.root / "images"))
    outcome = corpus.measure("rekognition", of="image")
    (flow,) = flows(corpus.store.tables())
    assert (outcome.rows.total(), len(services.log)) == (5, 4)
    assert (flow.answers, flow.bytes) == (4, sum(len(request.jpeg) for request in services.log))


def test_flows_are_told_by_the_rows(corpus, services):
    assert flows(corpus.store.tables()) == []
    corpus.measure("pdq", of="image")
    assert flows(corpus.store.tables()) == []
    assert manifest(corpus)["sent"] == []
    corpus.measure("rekognition", of="image")
    (flow,) = flows(corpus.store.tables())
    assert flow.answers == 4
    assert flow.first <= flow.last
    assert flows(corpus.store.tables(), since="2100-01-01T00:00:00+00:00") == []


def test_the_report_says_what_left_the_machine(corpus, services):
    corpus.measure("rekognition", of="image")
    page = corpus.report().read_text(encoding="utf-8")
    assert "Data were sent to other machines by: rekognition." in page
    assert f"4 requests answered by 127.0.0.1:{services.port}" in page


def test_local_measures_announce_nothing(corpus, caplog):
    with caplog.at_level(logging.INFO):
        corpus.measure("pdq", of="image")
    assert caplog.text == ""
