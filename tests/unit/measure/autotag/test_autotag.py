"""Autotaggers, through the vendors' own clients, against a real server on this machine."""

import io
import json
import logging
import re
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from services import SECRETS, recorded

from studium.core.allowance import Allowance, under
from studium.core.recipe import recipe_of
from studium.errors import BudgetError, InputError, MediaError, MissingExtraError, StoreError, TooLargeError
from studium.measure.answers import Question, any_kept, ask_once
from studium.measure.autotag import azure, google, rekognition
from studium.measure.autotag.azure import AzureVision
from studium.measure.autotag.google import GoogleVision
from studium.measure.autotag.price import prices
from studium.measure.autotag.rekognition import Rekognition
from studium.measure.autotag.service import encoded, host_of
from studium.measure.centerface import find_faces
from studium.measure.cover import CHECK
from studium.testing import check_measure

KINDS = (Rekognition, GoogleVision, AzureVision)
every_service = pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)


def pictures(n: int = 3) -> list[np.ndarray]:
    rng = np.random.default_rng(1)
    return [rng.integers(0, 256, (90 + at, 120, 3), np.uint8) for at in range(n)]


# what comes back


@every_service
def test_the_contract_of_measures_is_kept(kind, services, cat):
    check_measure(kind(), [cat, *pictures(9)])
    assert len(services.log) == 10, "the contract calls many times; each picture was sent once"
    assert len(services.probes) == 1


@every_service
def test_nothing_comes_of_nothing(kind, services):
    found = kind()([])
    assert set(found) == {column.name for column in kind().columns}
    assert all(len(values) == 0 for values in found.values())
    assert services.log == []


@pytest.mark.parametrize(
    ("kind", "labels", "version"),
    [
        (
            Rekognition,
            [
                ("Animal", 0.9846293640136719),
                ("Cat", 0.9846293640136719),
                ('Whiskers & "Naïve" Fur', 0.605),
                ("Flower", 0.1225),
            ],
            "3.0",
        ),
        (GoogleVision, [("Cat", 0.97423), ("Felidae", 0.901), ("Whiskers", 0.88)], "builtin/stable"),
        (AzureVision, [("cat", 0.9987571239471436), ("whiskers", 0.97), ("indoor", 0.51)], "2023-10-01"),
    ],
    ids=[kind.name for kind in KINDS],
)
def test_labels_come_with_their_confidence_version_and_date(kind, labels, version, services, cat):
    it = kind.name
    (row,) = rows(kind(), [cat])
    said = [(one["label"], one["confidence"]) for one in json.loads(row[f"{it}_labels"])]
    assert [label for label, _ in said] == [label for label, _ in labels]
    assert [sure for _, sure in said] == pytest.approx([sure for _, sure in labels], abs=1e-9)
    assert row[f"{it}_count"] == len(labels)
    assert row[f"{it}_top"] == labels[0][0]
    assert row[f"{it}_model_version"] == version
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+00:00", row[f"{it}_asked_at"])
    assert row[f"{it}_host"] == f"127.0.0.1:{services.port}"


def test_a_picture_without_labels_has_a_row(services, cat):
    services.choose = lambda request: recorded("google_vision")["nothing"]["body"]
    (row,) = rows(GoogleVision(), [cat])
    assert (row["google_vision_labels"], row["google_vision_count"], row["google_vision_top"]) == ("[]", 0, None)


# what is sent


@every_service
def test_a_jpeg_without_metadata_is_sent_and_nothing_else(kind, services, cat):
    (row,) = rows(kind(longest=200), [cat])
    (request,) = services.log
    with Image.open(io.BytesIO(request.jpeg)) as sent:
        assert sent.format == "JPEG"
        assert sent.size == (200, 133) == (row[f"{kind.name}_width_sent"], row[f"{kind.name}_height_sent"])
        assert len(sent.getexif()) == 0
        assert "exif" not in sent.info
        assert "comment" not in sent.info
        assert np.abs(np.asarray(sent.convert("L"), float).mean() - cat.mean()) < 10
    assert row[f"{kind.name}_bytes_sent"] == len(request.jpeg)


def test_only_labels_are_asked_for(services, cat):
    for kind in KINDS:
        kind()([cat])
    asked = {request.service: request.asked for request in services.log}
    assert asked["rekognition"] == {"MaxLabels": 1000, "MinConfidence": 0.0, "Features": ["GENERAL_LABELS"]}
    (feature,) = asked["google_vision"]["features"]
    label_detection = 4  # as Google's client writes it
    assert feature == {"type": label_detection, "maxResults": 1000, "model": "builtin/stable"}
    query = asked["azure_vision"]["query"]
    assert "features=tags&" in query
    assert "model-version=latest" in query


@every_service
def test_what_no_service_takes_is_not_sent(kind, services):
    measure = kind(longest=500)
    if kind.smallest > 1:
        tiny = np.zeros((kind.smallest - 1, 500, 3), np.uint8)
        with pytest.raises(MediaError, match=f"at least {kind.smallest} px on every side, got 500 x .* larger longest"):
            measure([tiny])
    assert services.log == []
    with pytest.raises(InputError, match="RGB uint8"):
        measure([np.zeros((100, 100), np.uint8)])


def test_a_file_beyond_the_limit_of_the_service_is_not_sent(services):
    noise = np.random.default_rng(0).integers(0, 256, (3000, 3000, 3), np.uint8)
    assert len(encoded(noise).jpeg) > Rekognition.largest
    with pytest.raises(TooLargeError, match=r"at most 5,242,880 bytes, got \d,\d{3},\d{3}; nothing was sent; choose"):
        Rekognition(longest=5000)([noise])
    assert services.log == []
    assert len(encoded(noise[:1600, :1600]).jpeg) < min(kind.largest for kind in KINDS), "the default always fits"


@every_service
def test_impossible_parameters_are_refused_at_the_door(kind):
    with pytest.raises(InputError, match="longest should be a whole number"):
        kind(longest=0)


# asked once


@every_service
def test_the_same_picture_is_never_paid_for_twice(kind, services, cat, tmp_path):
    (first,) = rows(kind(), [cat])
    assert rows(kind(), [cat.copy(), cat]) == [first, first]
    assert len(services.log) == 1
    kind(wave="2027")([cat])
    assert len(services.log) == 2, "another wave asks again"
    files = list((tmp_path / "cache" / "answers" / kind.name).rglob("*.json"))
    assert len(files) == 2
    assert first[f"{kind.name}_sha256_sent"] in {file.stem for file in files}, "from a row to the whole answer"
    body = json.loads(files[0].read_text())
    assert body["sha256_sent"] == files[0].stem
    assert body["answer"]
    everything = b"".join(path.read_bytes() for path in (tmp_path / "cache").rglob("*") if path.is_file())
    assert not any(secret.encode() in everything for secret in SECRETS.values())


def test_two_threads_with_the_same_picture_ask_once(services, cat):
    Rekognition()([cat] * 16)
    assert len(services.log) == 1


def test_kept_answers_do_without_the_service(services, cat, monkeypatch):
    before = plain(AzureVision()([cat]))
    monkeypatch.setenv("STUDIUM_OFFLINE", "1")
    monkeypatch.delenv("VISION_KEY")
    AzureVision().prepare()
    assert plain(AzureVision()([cat])) == before
    with pytest.raises(MediaError, match="never asked about this picture, and STUDIUM_OFFLINE is set"):
        AzureVision()(pictures(1))


def test_a_damaged_answer_is_said_to_be_one(services, cat, tmp_path):
    Rekognition()([cat])
    (file,) = (tmp_path / "cache" / "answers").rglob("*.json")
    file.write_text("{")
    with pytest.raises(StoreError, match="delete it, and it is asked for again"):
        Rekognition()([cat])


def test_what_was_asked_decides_which_answer_fits(monkeypatch, tmp_path):
    monkeypatch.setenv("STUDIUM_CACHE", str(tmp_path))
    questions = [Question("s", {"model": "a"}), Question("s", {"model": "b"}), Question("s", {"model": "a"}, "2027")]
    assert len({question.folder for question in questions}) == 3
    assert not any_kept(questions[0])
    answer = ask_once(questions[0], b"x", lambda: ({"labels": [1]}, "host"))
    assert ask_once(questions[0], b"x", lambda: pytest.fail("asked twice")) == answer
    assert any_kept(questions[0])
    assert not any_kept(questions[1])


def test_an_answer_that_fails_is_not_kept(monkeypatch, tmp_path):
    monkeypatch.setenv("STUDIUM_CACHE", str(tmp_path))

    def fails() -> tuple[dict[str, object], str]:
        raise MediaError("no")

    with pytest.raises(MediaError):
        ask_once(Question("s", {}), b"x", fails)
    assert not any_kept(Question("s", {}))
    (tmp_path / "answers" / "t").write_text("a file where a folder should be")
    with pytest.raises(StoreError, match=r"cannot keep answers in .*; nothing was sent"):
        ask_once(Question("t", {}), b"x", lambda: pytest.fail("asked, and paid for, in vain"))


@every_service
def test_where_answers_cannot_be_kept_nothing_is_asked(kind, services, cat, tmp_path):
    (tmp_path / "cache" / "answers").write_text("a file where a folder should be")
    with pytest.raises(StoreError, match="set STUDIUM_CACHE to another folder; nothing was sent"):
        kind().prepare()
    with pytest.raises(StoreError):
        kind()([cat])
    assert (services.log, services.probes) == ([], [])


@pytest.mark.parametrize(
    ("address", "host"),
    [
        ("https://lab.cognitiveservices.azure.com/", "lab.cognitiveservices.azure.com"),
        ("http://ada:secret@127.0.0.1:8080/vision?key=secret#x", "127.0.0.1:8080"),
        ("vision.googleapis.com:443", "vision.googleapis.com"),
        ("", ""),
    ],
)
def test_a_host_is_said_without_what_is_secret_in_its_address(address, host):
    assert host_of(address) == host


# errors


@pytest.mark.parametrize(
    ("kind", "name", "says"),
    [
        (
            Rekognition,
            "too_large",
            r"rekognition answered .*ImageTooLargeException.*Image size is too large; [\d,]+ bytes",
        ),
        (Rekognition, "denied", "AccessDeniedException"),
        (GoogleVision, "bad_picture", "google_vision answered InvalidArgument: 400 Bad image data."),
        (GoogleVision, "denied", "Forbidden: 403 POST .*has not been used in project"),
        (AzureVision, "bad_picture", "azure_vision answered .*InvalidRequest.*Image size is too small"),
        (AzureVision, "denied", "403.*Public access is disabled"),
    ],
    ids=str,
)
def test_refusals_carry_the_code_of_the_service(kind, name, says, services, cat):
    services.fail(kind.name, name)
    with pytest.raises(MediaError, match=says) as caught:
        kind()([cat])
    assert len(services.log) == 1, "what is refused is not tried again"
    assert "\n" not in str(caught.value)
    kind()([cat])
    assert len(services.log) == 2, "nothing was kept"


@pytest.fixture
def hasty(monkeypatch):
    """Few tries and little patience."""
    for module in (rekognition, azure):
        monkeypatch.setattr(module, "TRIES", 2)
    monkeypatch.setattr(google, "PATIENCE", 1.5)


@every_service
def test_a_busy_service_is_tried_again_by_its_own_client(kind, services, cat, hasty):
    services.fail(kind.name, "throttled")
    (row,) = rows(kind(), [cat])
    assert row[f"{kind.name}_count"] > 0
    assert len(services.log) == 2


@every_service
def test_but_not_for_ever(kind, services, cat, hasty):
    services.fail(kind.name, *["throttled"] * 50)
    with pytest.raises(MediaError, match=r"Throttling|TooManyRequests|429"):
        kind()([cat])
    assert 2 <= len(services.log) <= 6


@every_service
def test_a_service_that_is_not_there_is_a_media_error(kind, services, cat, hasty, monkeypatch):
    services.fail(kind.name, *["broken"] * 50)
    with pytest.raises(MediaError, match=f"{kind.name} answered"):
        kind()([cat])


# before a run


@every_service
def test_preparing_sends_no_picture_and_asks_once(kind, services):
    kind().prepare()
    kind().prepare()
    assert services.log == []
    assert len(services.probes) == 1


@every_service
def test_after_a_refusal_the_service_is_asked_again_who_it_knows(kind, services, cat):
    kind().prepare()
    services.fail(kind.name, "denied", "denied")
    with pytest.raises(MediaError):
        kind()([cat])
    with pytest.raises(InputError, match=f"{kind.name} cannot be used"):
        kind().prepare()


@every_service
@pytest.mark.parametrize("name", ["unknown_key", "denied"])
def test_credentials_that_are_not_accepted_stop_a_run(kind, name, services):
    services.fail(kind.name, name)
    with pytest.raises(InputError, match=f"{kind.name} cannot be used: .*No picture was sent") as caught:
        kind().prepare()
    assert not any(secret in str(caught.value) for secret in SECRETS.values())
    kind().prepare()


def test_missing_credentials_say_where_they_are_looked_for(services, monkeypatch):
    monkeypatch.delenv("VISION_KEY")
    with pytest.raises(InputError, match="Set VISION_ENDPOINT"):
        AzureVision().prepare()
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    with pytest.raises(InputError, match="AWS_ACCESS_KEY_ID"):
        Rekognition().prepare()


def test_google_says_where_it_looks_for_credentials(monkeypatch, tmp_path):
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(tmp_path / "none.json"))
    google._client.cache_clear()
    with pytest.raises(InputError, match="gcloud auth application-default login"):
        GoogleVision().prepare()


@every_service
def test_a_missing_client_names_the_extra(kind, monkeypatch):
    for module in (rekognition, google, azure):
        module._client.cache_clear()
    for package in ("boto3", "google.cloud", "azure.ai.vision.imageanalysis"):
        monkeypatch.setitem(__import__("sys").modules, package, None)
    monkeypatch.setenv("VISION_ENDPOINT", "x")
    with pytest.raises(MissingExtraError, match=r"studium\[autotag\]"):
        kind().prepare()


def test_secrets_are_in_no_recipe_and_no_log(services, cat, caplog):
    caplog.set_level(logging.INFO)
    for kind in KINDS:
        kind().prepare()
        kind()([cat])
    recipes = repr([recipe_of(kind()) for kind in KINDS])
    for secret in SECRETS.values():
        assert secret not in caplog.text
        assert secret not in recipes


# what it costs


def test_prices_have_a_date_and_a_source():
    assert set(prices()) == {kind.name for kind in KINDS}
    for price in prices().values():
        assert re.fullmatch(r"20\d\d-\d\d", price.as_of)
        assert price.source.startswith("https://")
        assert 0 < price.usd < 0.01


def test_what_would_leave_is_what_leaves(services, cat):
    measure = Rekognition(longest=300)
    told = measure.outgoing(cat)
    assert services.log == []
    assert (told.kept, told.usd, told.texts, told.host) == (False, 0.001, 0, f"127.0.0.1:{services.port}")
    assert "list price of" in told.source
    assert "check https://" in told.source
    measure([cat])
    (request,) = services.log
    assert told.bytes == len(request.jpeg)
    assert told.pictures[0].shape[:2] == (199, 300)
    after = measure.outgoing(cat)
    assert (after.kept, after.usd) == (True, 0)
    assert measure.outgoing(np.zeros((20, 400, 3), np.uint8)) is None, "the service takes no such picture"


def test_the_list_names_the_host_that_boto3_is_told_to_ask(monkeypatch, tmp_path, cat):
    for name in ("AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_REKOGNITION", "AWS_PROFILE", "AWS_USE_FIPS_ENDPOINT"):
        monkeypatch.delenv(name, raising=False)
    (tmp_path / "config").write_text("[default]\nendpoint_url = https://gateway.example.org\n")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    assert Rekognition().outgoing(cat).host == "gateway.example.org"
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_USE_FIPS_ENDPOINT", "true")
    assert Rekognition(region="us-east-1").host == "rekognition-fips.us-east-1.amazonaws.com"
    monkeypatch.setenv("AWS_PROFILE", "nobody")
    assert Rekognition().host == "rekognition.eu-central-1.amazonaws.com", "the run says what is wrong"


@every_service
def test_the_host_is_told_without_credentials(kind, services, monkeypatch, cat):
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "VISION_ENDPOINT", "VISION_KEY"):
        monkeypatch.delenv(name)
    monkeypatch.delenv("AWS_ENDPOINT_URL_REKOGNITION")
    hosts = ("rekognition.eu-central-1.amazonaws.com", "vision.googleapis.com", "the host of VISION_ENDPOINT")
    assert kind().outgoing(cat).host.startswith(hosts)


@every_service
def test_faces_are_covered_before_anything_is_sent(kind, services, astronaut):
    picture = astronaut
    kind()([picture])
    kind(cover_faces=True)([picture])
    whole, covered = (np.asarray(Image.open(io.BytesIO(request.jpeg))) for request in services.log)
    assert find_faces(whole, CHECK)
    assert find_faces(covered, CHECK) == []
    assert (np.abs(whole.astype(int) - covered).max(-1) < 40).mean() > 0.8
    assert recipe_of(kind(cover_faces=True)).models.keys() == {"centerface"}
    with pytest.raises(InputError, match="cover_faces should be true or false"):
        kind(cover_faces="yes")


# what it may cost


def test_a_picture_beyond_the_budget_is_not_sent(services, tmp_path):
    mine = Allowance(budget=0.0025, ledger=tmp_path / "x.spent")
    with under(mine), pytest.raises(BudgetError, match=r"budget of 0\.0025 USD is used up"):
        Rekognition()(pictures(5))
    assert len(services.log) == 2
    assert mine.spent == pytest.approx(0.002)


@every_service
def test_what_a_service_refuses_costs_nothing_and_is_not_counted(kind, services, cat, tmp_path):
    mine = Allowance(budget=1, ledger=tmp_path / "x.spent")
    services.fail(kind.name, "denied")
    with under(mine), pytest.raises(MediaError):
        kind()([cat])
    assert mine.spent == 0
    services.errors.clear()
    with under(mine):
        kind()([cat])
        kind()([cat])
    assert mine.spent == pytest.approx(prices()[kind.name].usd), "the second answer was kept"


def test_requests_are_paced_before_they_are_sent(services):
    with under(Allowance(requests_per_minute=60 / 0.1)):
        began = time.monotonic()
        Rekognition()(pictures(4))
    assert time.monotonic() - began >= 0.3


def test_moto_serves_it_too(monkeypatch, tmp_path, cat):
    from moto import mock_aws

    monkeypatch.setenv("STUDIUM_CACHE", str(tmp_path))
    rekognition._client.cache_clear()
    with mock_aws():
        measure = Rekognition(region="us-east-1")
        measure.prepare()
        (row,) = rows(measure, [cat])
    rekognition._client.cache_clear()
    assert row["rekognition_top"] == "Mobile Phone"
    assert row["rekognition_model_version"] == "3.0"
    assert row["rekognition_host"] == "rekognition.us-east-1.amazonaws.com"


def plain(found: dict[str, object]) -> dict[str, list[object]]:
    return {name: list(values) for name, values in found.items()}


def rows(measure, inputs) -> list[dict[str, object]]:
    found = plain(measure(inputs))
    return [{name: values[at] for name, values in found.items()} for at in range(len(inputs))]


@every_service
def test_a_face_that_is_cut_out_is_sent_to_nobody_without_a_legal_basis(kind):
    assert kind().identifies("face")
    assert not kind().identifies("image")


def test_no_measure_looks_at_persons():
    folder = Path(rekognition.__file__).parent
    text = "".join(path.read_text() for path in folder.glob("*.py"))
    for feature in (
        "detect_faces",
        "search_faces",
        "compare_faces",
        "recognize_celebrities",
        "FACE_DETECTION",
        "people",
    ):
        assert not re.search(rf"\b{feature}\(|\"{feature}\"", text)
