"""A server of OpenAI's protocol, and the way to it, when things go wrong: nothing is lost, or paid for twice."""

import json
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import openai_server
import pytest
from openai_server import KEY, MODEL, OpenAI, _Http, _Speaker, error, serve
from server import http_date

from studium.core.variable import Value, Variable
from studium.errors import InputError, MediaError, ServiceError
from studium.measure.ask import endpoint_pace, endpoint_wire
from studium.measure.ask.endpoint import Endpoint
from studium.measure.ask.prompt import prompt_of
from studium.measure.ask.provider import Shown

PROMPT = prompt_of((Variable("scene", "Where is it?", "image", "categorical", (Value("street"), Value("home"))),))
PAID = "The answer is lost and may have been paid for, so it is not asked for again by itself; with --retry it is"


@pytest.fixture(autouse=True)
def hasty(monkeypatch):
    """Little patience."""
    for name, value in {"FIRST": 0.01, "LONGEST": 0.02, "PATIENCE": 1.0, "READ": 0.4, "TRIES": 3}.items():
        monkeypatch.setattr(endpoint_wire, name, value)


def endpoint(openai: OpenAI) -> Endpoint:
    return Endpoint(openai.base, MODEL)


def shown(grey: int) -> Shown:
    return Shown((), (np.full((40, 60, 3), grey, np.uint8),))


# nothing was generated: asked again


@pytest.mark.parametrize(
    "fault",
    [
        openai_server.busy("0"),
        openai_server.busy(None, retry_after_ms="20"),
        openai_server.busy(None, x_ratelimit_remaining_tokens="0", x_ratelimit_reset_tokens="20ms"),
        openai_server.broken(500),
        openai_server.broken(502),
        openai_server.broken(503),
        openai_server.broken(529),
        openai_server.altered(lambda it: {"error": {"message": "upstream is busy", "code": 502}}),
    ],
    ids=["429", "429 in ms", "429 until a reset", "500", "502", "503", "529", "502 inside a 200"],
)
def test_a_busy_server_is_asked_again(fault, openai):
    openai.fail(fault, fault)
    assert endpoint(openai).reply(PROMPT, shown(10)).finish == "stop"
    assert len(openai.chats) == 3
    assert len({chat.sha256 for chat in openai.chats}) == 1


def test_it_is_left_alone_as_long_as_it_wants_by_all(openai):
    openai.fail(openai_server.busy("0.5"))
    provider, began = endpoint(openai), time.monotonic()
    provider_of = ThreadPoolExecutor(4)
    provider.prepare(PROMPT)
    first = provider_of.submit(provider.reply, PROMPT, shown(10))
    while not openai.chats:
        time.sleep(0.005)
    time.sleep(0.1)
    others = [provider_of.submit(provider.reply, PROMPT, shown(grey)) for grey in (11, 12)]
    assert all(one.result().finish == "stop" for one in (first, *others))
    assert time.monotonic() - began > 0.5
    assert openai.most <= 3
    provider_of.shutdown()


def test_at_a_limit_others_may_be_served_first_for_longer_than_a_run_waits(openai, monkeypatch):
    """One of few requests per minute: nobody is told that the server is gone because others were faster."""
    monkeypatch.setattr(endpoint_wire, "PATIENCE", 0.3)
    until = time.monotonic() + 0.8
    first = round(float(shown(10).pictures[0].mean()))

    def unlucky(chat):
        late = round(float(chat.pictures[0].mean())) == first and time.monotonic() < until
        return openai_server.busy("0") if late else None

    openai.decide = unlucky
    with ThreadPoolExecutor(1) as pool:
        asked = pool.submit(endpoint(openai).reply, PROMPT, shown(10))
        for grey in range(60, 60 + 9 * 5, 5):
            endpoint(openai).reply(PROMPT, shown(grey))
            time.sleep(0.1)
        assert asked.result(5).finish == "stop"
    assert set(openai.billed.values()) == {1}


def test_what_is_busy_for_one_unit_alone_is_its_failure(openai, monkeypatch):
    monkeypatch.setattr(endpoint_wire, "PATIENCE", 0.3)
    openai.decide = lambda chat: openai_server.broken(503) if chat.pictures[0].mean() < 50 else None
    with ThreadPoolExecutor(1) as pool:
        asked = pool.submit(endpoint(openai).reply, PROMPT, shown(10))
        for grey in range(60, 250, 5):
            if not asked.done():
                endpoint(openai).reply(PROMPT, shown(grey))
                time.sleep(0.02)
        with pytest.raises(MediaError, match=r"503 .* times; nothing was generated; try again with --retry"):
            asked.result(5)


def test_a_server_that_answered_another_before_it_went_away_ends_the_run(openai, monkeypatch):
    monkeypatch.setattr(endpoint_wire, "PATIENCE", 0.4)

    def answers_another_first(chat):
        endpoint_pace.heed(endpoint(openai).host, {}, 200 if len(openai.chats) == 1 else 503)
        return openai_server.broken(503)

    openai.decide = answers_another_first
    with pytest.raises(ServiceError, match="cannot be asked any further"):
        endpoint(openai).reply(PROMPT, shown(10))


def test_a_server_that_says_to_come_back_at_once_is_not_stormed(openai, monkeypatch):
    monkeypatch.setattr(endpoint_wire, "FIRST", 0.2)
    monkeypatch.setattr(endpoint_wire, "LONGEST", 0.4)
    openai.decide = lambda chat: openai_server.busy("0")
    with pytest.raises(ServiceError, match="a run waits for 1 s"):
        endpoint(openai).reply(PROMPT, shown(10))
    assert len(openai.chats) < 30


def test_a_server_that_answers_twice_does_not_answer_the_next_question(openai):
    def twice(it, chat):
        body = json.dumps(it.ours.completion(chat, '{"scene": "home"}')).encode()
        whole = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body)
        it.wfile.write(whole + whole)

    openai.fail(twice, openai_server.content('{"scene": "street"}'))
    found = [endpoint(openai).reply(PROMPT, shown(grey)).raw for grey in (10, 11)]
    assert found == ['{"scene": "home"}', '{"scene": "street"}']
    assert set(openai.billed.values()) == {1}


def test_a_date_is_a_time_to_wait_for(openai):
    openai.fail(openai_server.busy(http_date(0)))
    assert endpoint(openai).reply(PROMPT, shown(10)).finish == "stop"


def test_what_it_says_of_its_limits_in_good_answers_is_heeded(openai):
    openai.headers = {"x-ratelimit-remaining-requests": "0", "x-ratelimit-reset-requests": "300ms"}
    provider, began = endpoint(openai), time.monotonic()
    for grey in (10, 11):
        provider.reply(PROMPT, shown(grey))
    assert time.monotonic() - began > 0.3


def test_a_server_that_comes_back_is_asked_again(openai, monkeypatch):
    monkeypatch.setattr(endpoint_wire, "PATIENCE", 5.0)
    away = Endpoint(f"http://127.0.0.1:{_free()}/v1", MODEL)
    with ThreadPoolExecutor(1) as pool:
        asked = pool.submit(away.reply, PROMPT, shown(10))
        time.sleep(0.1)
        with _Http(("127.0.0.1", int(away.host.rpartition(":")[2])), _Speaker) as http:
            http.ours, http.ending = OpenAI(), threading.Event()
            threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
            assert asked.result(5).finish == "stop"
            http.shutdown()


def _free() -> int:
    with serve() as server:
        return server.port


# it stays so: one failure, or the end of the run


def test_a_request_at_which_a_server_fails_is_a_failure(openai):
    openai.fail(*[openai_server.broken(500)] * 9)
    with pytest.raises(MediaError, match=r"answered 500 .*, 3 times; nothing was generated; try again with --retry"):
        endpoint(openai).reply(PROMPT, shown(10))
    openai.fail()
    assert endpoint(openai).reply(PROMPT, shown(10)).finish == "stop"


@pytest.mark.parametrize(
    ("fault", "says"),
    [
        (openai_server.quota(), "429 You exceeded your current quota"),
        (openai_server.unknown_key(), "401 Incorrect API key"),
        (error(402, "Insufficient credits"), "402 Insufficient credits"),
        (openai_server.forbidden(), "403 Your account is not allowed"),
        (openai_server.no_model(), "404 The model `x` does not exist"),
        (openai_server.busy("3600"), "asks to wait for 3600 s, and a run waits for 1 s"),
        (openai_server.broken(503), "answered 503 .*, and a run waits for 1 s"),
    ],
    ids=["quota", "401", "402", "403", "404", "an hour", "503"],
)
def test_what_no_other_request_would_mend_ends_the_run(fault, says, openai):
    openai.decide = lambda chat: fault
    with pytest.raises(ServiceError, match=f"cannot be asked any further: .*{says}.* Run again when that is settled"):
        endpoint(openai).reply(PROMPT, shown(10))
    assert not openai.billed
    assert (len(openai.chats) == 1) == ("503" not in says), "it is asked again only where that may help"
    endpoint_pace._until.clear()
    openai.decide = lambda chat: None
    assert endpoint(openai).reply(PROMPT, shown(10)).finish == "stop", "no failure, no mark is left"


def test_after_that_the_next_run_asks_first_who_is_known(openai, monkeypatch):
    endpoint(openai).prepare(PROMPT)
    openai.key = "sk-another"
    with pytest.raises(ServiceError, match="401"):
        endpoint(openai).reply(PROMPT, shown(10))
    with pytest.raises(InputError, match="401"):
        endpoint(openai).prepare(PROMPT)


def test_a_server_that_is_away_ends_the_run():
    with pytest.raises(ServiceError, match=r"cannot be reached \(ConnectError"):
        Endpoint("http://127.0.0.1:9/v1", MODEL).reply(PROMPT, shown(10))


@pytest.mark.parametrize(
    "fault",
    [error(400, "image input is not supported"), error(413, "too large"), error(422, "no"), error(451, "no")],
    ids=["400", "413", "422", "451"],
)
def test_what_is_wrong_with_a_unit_is_its_failure_and_unpaid(fault, openai):
    openai.fail(fault)
    with pytest.raises(MediaError, match=r"refused: 4.*nothing was generated"):
        endpoint(openai).reply(PROMPT, shown(10))
    assert len(openai.chats) == 1
    assert endpoint(openai).reply(PROMPT, shown(10)).finish == "stop"


# it was sent, and no answer came: it may have been paid for


@pytest.mark.parametrize(
    ("fault", "says", "said"),
    [
        (openai_server.stalls(3), "ReadTimeout", None),
        (openai_server.drops(), "no whole answer came", None),
        (openai_server.breaks_off(), "no whole answer came", None),
        (openai_server.cut_chunks(), "no whole answer came", None),
        (openai_server.short(), "200 with something that is no completion", '{"id": "chatcmpl'),
        (openai_server.html(), "no completion: <html><body>Welcome", "library"),
        (openai_server.altered(lambda it: it | {"choices": []}), "no completion", '"choices": []'),
        (openai_server.altered(lambda it: []), "no completion", "[]"),
        (openai_server.altered(lambda it: {"choices": [{"message": "hi"}]}), "no completion", '"hi"'),
        (openai_server.altered(lambda it: {"error": "overloaded"}), "no completion: overloaded", '"overloaded"'),
        (openai_server.html(504), "504 with something", "library"),
        (openai_server.html(408), "408 with something", "library"),
    ],
    ids=[
        "silence",
        "reset",
        "cut",
        "cut chunks",
        "half a JSON",
        "HTML",
        "no choice",
        "a list",
        "odd",
        "an error",
        "504",
        "408",
    ],
)
def test_an_answer_that_is_lost_is_not_asked_for_again_by_itself(fault, says, said, openai, tmp_path):
    openai.fail(fault)
    with pytest.raises(MediaError, match=says) as caught:
        endpoint(openai).reply(PROMPT, shown(10))
    assert str(caught.value).endswith(PAID)
    assert sum(openai.billed.values()) == 1
    (mark,) = (tmp_path / "cache").rglob("*.asked")
    assert KEY not in mark.read_text()
    assert (str(mark) in str(caught.value)) == bool(said), "whatever came is kept, and the failure says where"
    assert (said or "").replace('"', '\\"') in mark.read_text()


def test_an_answer_without_end_is_lost(openai, monkeypatch):
    monkeypatch.setattr(endpoint_wire, "WHOLE", 0.2)
    openai.fail(openai_server.trickles(1.0))
    with pytest.raises(MediaError, match="it went on for more than"):
        endpoint(openai).reply(PROMPT, shown(10))


def test_eight_at_a_time_with_every_fault_and_none_is_lost(openai, monkeypatch):
    """Forty units, a fault for most of them: each has its answer or its reason, and was paid for once at most."""
    monkeypatch.setattr(endpoint_wire, "READ", 10.0)  # a machine in use may take half a second to answer eight
    faults = [
        None, openai_server.busy("0"), openai_server.broken(500), openai_server.drops(), openai_server.breaks_off(),
        openai_server.html(), openai_server.refusal(), openai_server.malformed(),
    ]  # fmt: skip
    met: set[str] = set()

    def once(chat):
        with openai._lock:
            new = chat.sha256 not in met
            met.add(chat.sha256)
        return faults[round(float(chat.pictures[0].mean())) % 8] if new else None

    openai.decide = once
    provider = endpoint(openai)

    def outcome(grey):
        try:
            return provider.reply(PROMPT, shown(grey)).finish
        except MediaError as lost:
            return "lost" if str(lost).endswith(PAID) else str(lost)

    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(outcome, range(100, 140)))
    expected = {0: "stop", 1: "stop", 2: "stop", 3: "lost", 4: "lost", 5: "lost", 6: "refusal", 7: "stop"}
    assert found == [expected[grey % 8] for grey in range(100, 140)]
    assert set(openai.billed.values()) == {1}
    assert len(openai.billed) == 40
