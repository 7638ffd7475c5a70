"""A server that speaks OpenAI's protocol, when all goes well: what is sent, what comes back, what is kept and paid."""

import errno
import json
import logging
import re
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context

import numpy as np
import openai_server
import pytest
from openai_server import KEY, MODEL, OpenAI, serve

from studium.core import allowance
from studium.core.allowance import Allowance, under
from studium.core.variable import Value, Variable
from studium.errors import BudgetError, InputError, MediaError, MissingExtraError, ServiceError, StoreError
from studium.measure.ask import endpoint_body, endpoint_wire
from studium.measure.ask.endpoint import Endpoint
from studium.measure.ask.endpoint_body import Form
from studium.measure.ask.endpoint_pace import pause
from studium.measure.ask.endpoint_price import Price, price_of
from studium.measure.ask.endpoint_wire import here, variables
from studium.measure.ask.prompt import prompt_of
from studium.measure.ask.provider import Shown, Turn

SCENE = Variable("scene", "Where is it?", "post", "categorical", tuple(map(Value, ("street", "home", "office"))))
MOOD = Variable("mood", "How bright is it?", "post", "continuous", low=0, high=10)
PROMPT = prompt_of((SCENE, MOOD))
OTHER = "http://gpu.example.org:8000/v1"


def endpoint(openai: OpenAI, **how: object) -> Endpoint:
    return Endpoint(openai.base, MODEL, **how)


def shown(*greys: int, text: str = "Marching!") -> Shown:
    return Shown((("text of the post", text),), tuple(np.full((40, 60, 3), grey, np.uint8) for grey in greys))


# what is sent, and what comes back


def test_one_question_one_answer(openai):
    reply = endpoint(openai).reply(PROMPT, shown(10, 200))
    (chat,) = openai.chats
    assert json.loads(reply.raw) == json.loads(openai_server.choose(chat))
    assert json.loads(reply.raw)["scene"] in (*SCENE.names, None)
    assert (reply.model, reply.finish) == (f"{MODEL}-2026-11-01, fp_0123456789", "stop")
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+00:00", reply.asked_at)
    assert (reply.host, reply.sha256_sent) == (None, chat.sha256)
    assert reply.bytes_sent == int(chat.headers["Content-Length"])
    assert reply.tokens_in > 2 * 85
    assert reply.tokens_out == len(reply.raw) // 4 + 1


def test_all_that_is_shown_is_sent_once_and_nothing_else(openai):
    endpoint(openai, tokens=77).reply(PROMPT, shown(10, 200, text="Ça va? \U0001f600"))
    (chat,) = openai.chats
    assert [message["role"] for message in chat.body["messages"]] == ["system", "user"]
    assert chat.texts == (PROMPT.system, PROMPT.question, "[text of the post]\n```\nÇa va? \U0001f600\n```")
    assert [round(float(picture.mean())) for picture in chat.pictures] == [10, 200]
    assert [picture.shape for picture in chat.pictures] == [(40, 60, 3)] * 2
    assert chat.schema == json.loads(json.dumps(PROMPT.schema))
    rest = {key: value for key, value in chat.body.items() if key not in {"messages", "response_format"}}
    assert rest == {"model": MODEL, "max_tokens": 77, "temperature": 0, "seed": 0}


def test_nothing_to_show_is_still_a_question(openai):
    endpoint(openai).reply(PROMPT, Shown())
    assert openai.chats[0].texts == (PROMPT.system, PROMPT.question)


def test_an_answer_that_did_not_fit_is_sent_back_with_what_is_wrong(openai):
    provider = endpoint(openai)
    first = provider.reply(PROMPT, shown(10))
    provider.reply(PROMPT, shown(10), Turn(first.raw, "mood is missing"))
    provider.reply(PROMPT, shown(10), Turn("  ", "there is no JSON in it"))
    asked, mended, empty = openai.chats
    assert [message["role"] for message in mended.body["messages"]] == ["system", "user", "assistant", "user"]
    assert mended.body["messages"][:2] == asked.body["messages"]
    assert mended.texts[-2:] == (first.raw, "mood is missing")
    assert [message["role"] for message in empty.body["messages"]] == ["system", "user"], "no empty answer is sent"
    assert empty.texts[-1] == "there is no JSON in it"


def test_half_a_character_is_not_sent(openai):
    with pytest.raises(MediaError, match="lone surrogate"):
        endpoint(openai).reply(PROMPT, shown(text="\ud83d"))
    assert openai.chats == []


@pytest.mark.parametrize(
    ("fault", "raw", "finish"),
    [
        (openai_server.refusal(), "I'm sorry, I can't help with that.", "refusal"),
        (openai_server.filtered(), "The response was filtered due to the prompt.", "refusal"),
        (openai_server.content("", finish_reason="content_filter"), "", "refusal"),
        (openai_server.length(), None, "length"),
        (openai_server.prose(), None, "stop"),
        (openai_server.content(""), "", "stop"),
        (openai_server.content('{"mood": "\ud83d'), '{"mood": "\ud83d', "stop"),
        (openai_server.altered(lambda it: it | {"usage": None, "system_fingerprint": None}), None, "stop"),
    ],
    ids=["refused", "filtered", "filtered answer", "cut off", "prose", "nothing", "half a character", "sparse"],
)
def test_whatever_was_said_is_handed_on_as_it_came_and_kept(fault, raw, finish, openai):
    openai.fail(fault)
    first = endpoint(openai).reply(PROMPT, shown(10))
    assert first.finish == finish
    assert raw is None or first.raw == raw
    assert endpoint(openai).reply(PROMPT, shown(10)) == first
    assert len(openai.chats) == 1


def test_an_answer_with_half_a_character_is_mended_and_whatever_is_said_of_it_can_be_stored(openai):
    half = openai_server.error(400, "no \ud83d")
    openai.fail(openai_server.content("\ud83d {"), None, half)
    provider = endpoint(openai)
    first = provider.reply(PROMPT, shown(10))
    assert provider.reply(PROMPT, shown(10), Turn(first.raw, "there is no \ud83d")).finish == "stop"
    assert openai.chats[1].texts[-2:] == ("\\ud83d {", "there is no \\ud83d")
    with pytest.raises(MediaError) as caught:
        provider.reply(PROMPT, shown(11))
    assert "no \\ud83d" in str(caught.value).encode().decode()


def test_a_message_in_parts_is_joined(openai):
    def parted(it):
        it["choices"][0]["message"]["content"] = [{"type": "text", "text": "{"}, {"type": "text", "text": "}"}]
        return it

    openai.fail(openai_server.altered(parted))
    assert endpoint(openai).reply(PROMPT, shown(10)).raw == "{}"


def test_a_slow_answer_is_waited_for(openai):
    openai.fail(openai_server.trickles(0.3))
    assert endpoint(openai).reply(PROMPT, shown(10)).finish == "stop"


# kept


def test_the_same_is_never_paid_for_twice(openai, tmp_path):
    first = endpoint(openai).reply(PROMPT, shown(10))
    assert endpoint(openai).reply(PROMPT, shown(10)) == first
    assert sum(openai.billed.values()) == 1
    for other in (
        lambda: endpoint(openai, wave="2027").reply(PROMPT, shown(10)),
        lambda: endpoint(openai).reply(PROMPT, shown(11)),
        lambda: endpoint(openai).reply(prompt_of((SCENE,)), shown(10)),
        lambda: endpoint(openai, tokens=100).reply(PROMPT, shown(10)),
    ):
        other()
    assert sum(openai.billed.values()) == 5
    kept = list((tmp_path / "cache" / "answers" / "ask").rglob(f"{first.sha256_sent}.json"))
    bodies = [json.loads(path.read_text()) for path in kept]
    assert sorted(body["wave"] for body in bodies) == ["", "2027"]
    for body in bodies:
        assert body["answer"]["usage"]["completion_tokens"] == first.tokens_out
        assert body["host"] == f"127.0.0.1:{openai.port}"
        assert body["request"]["form"]["answer"] == "json_schema"
    assert not list((tmp_path / "cache").rglob("*.asked"))


def test_no_key_text_or_picture_is_stored_or_logged(openai, tmp_path, caplog):
    caplog.set_level(logging.DEBUG)
    openai.fail(openai_server.content(lambda chat: f"your key is {KEY}"), openai_server.html(), openai_server.broken())
    provider = endpoint(openai)
    provider.prepare(PROMPT)
    said = provider.reply(PROMPT, shown(10, text="Geheim"))
    assert said.raw == "your key is ***"
    with pytest.raises(MediaError) as lost:
        provider.reply(PROMPT, shown(11, text="Geheim"))
    everything = b"".join(path.read_bytes() for path in (tmp_path / "cache").rglob("*") if path.is_file())
    for secret in (KEY, "Geheim", "base64"):
        assert secret.encode() not in everything
        assert secret not in caplog.text
        assert secret not in str(lost.value) + repr(provider)


def test_kept_answers_do_without_the_server(openai, monkeypatch):
    openai.refuses = frozenset({"json_schema"})
    first = endpoint(openai).reply(PROMPT, shown(10))
    endpoint_body._known.clear()  # as in another process
    monkeypatch.setenv("STUDIUM_OFFLINE", "1")
    seen = len(openai.chats) + len(openai.log)
    endpoint(openai).prepare(PROMPT)
    assert endpoint(openai).reply(PROMPT, shown(10)) == first
    with pytest.raises(MediaError, match="never asked this, and STUDIUM_OFFLINE is set"):
        endpoint(openai).reply(PROMPT, shown(11))
    assert len(openai.chats) + len(openai.log) == seen


# what servers take


def test_what_a_server_does_not_take_is_learned_once_and_said(openai, caplog):
    openai.refuses = frozenset({"max_tokens", "temperature", "json_schema", "json_object", "seed"})
    endpoint(openai).reply(PROMPT, shown(10))
    (chat,) = openai.chats
    assert set(chat.body) == {"model", "messages", "max_completion_tokens"}
    assert len(caplog.records) == 5, "every step is said, once"
    assert "answer text, limit max_completion_tokens, temperature False" in caplog.text
    endpoint(openai).reply(PROMPT, shown(11))
    assert len(caplog.records) == 5


@pytest.mark.parametrize(
    ("complaint", "left"),
    [
        ("max_tokens Unsupported parameter: 'max_tokens'. Use 'max_completion_tokens' instead.",
         Form(limit="max_completion_tokens")),
        ("temperature Unsupported value: 'temperature' does not support 0 with this model.", Form(temperature=False)),
        ("'response_format.type' must be 'json_schema' or 'text'", Form("json_object")),
        ("invalid value: `json_schema`, supported values are: `json_object` and `text`", Form("json_object")),
        ("The provided JSON schema contains features not supported by xgrammar.", Form("json_object")),
        ("failed to parse grammar", Form("json_object")),
        ("Unrecognized request argument supplied: seed", Form(seed=False)),
        ("System role not supported", Form(system=False)),
        ("'max_tokens' is too large: 512. This model's maximum context length is 4096 tokens", None),
        ("the request exceeds the available context size", None),
        ("image input is not supported", None),
    ],
)  # fmt: skip
def test_complaints_of_servers_are_understood(complaint, left):
    assert Form().without(complaint) == left


def test_a_form_without_a_system_message_loses_no_word(openai):
    from studium.measure.ask.endpoint_body import body_of

    said = {"model": MODEL, "tokens": 9}
    (message,) = json.loads(body_of(PROMPT, Shown(), None, Form(system=False), said))["messages"]
    assert message["content"][0]["text"] == f"{PROMPT.system}\n\n{PROMPT.question}"


# before a run


def test_preparing_sends_nothing_and_asks_once(openai):
    endpoint(openai).prepare(PROMPT)
    endpoint(openai).prepare(PROMPT)
    assert (len(openai.log), openai.chats) == (1, [])


def test_what_is_wrong_is_said_before_a_run(openai, monkeypatch):
    with pytest.raises(InputError, match=f"has no model 'gpt-9'; it has: {MODEL}"):
        Endpoint(openai.base, "gpt-9").prepare(PROMPT)
    with pytest.raises(InputError, match=r"127.0.0.1:9 cannot be reached .*Is the server running"):
        Endpoint("http://127.0.0.1:9/v1", MODEL).prepare(PROMPT)
    monkeypatch.setenv("OPENAI_API_KEY", "sk-wrong")
    with pytest.raises(InputError, match=r"401 Incorrect API key.*looked for in OPENAI_API_KEY_127_0_0_1 or OPENAI"):
        endpoint(openai).prepare(PROMPT)
    monkeypatch.setenv("OPENAI_API_KEY", "sk-ключ\x07")
    with pytest.raises(InputError, match="OPENAI_API_KEY should hold a key of letters and digits; it holds other"):
        endpoint(openai).prepare(PROMPT)


def test_a_server_without_a_list_of_models_is_asked_all_the_same(openai):
    from server import status

    openai.answer("/v1/models", status(404))
    Endpoint(openai.base, "whatever").prepare(PROMPT)


def test_ollama_calls_the_latest_version_by_its_bare_name(openai):
    openai.models = ("llava:latest",)
    Endpoint(openai.base, "llava").prepare(PROMPT)


def test_where_answers_cannot_be_kept_nothing_is_asked(openai, tmp_path):
    (tmp_path / "cache").write_text("a file where a folder should be")
    with pytest.raises(StoreError, match="nothing was sent"):
        endpoint(openai).prepare(PROMPT)
    with pytest.raises(StoreError):
        endpoint(openai).reply(PROMPT, shown(10))
    assert openai.chats == []


@pytest.mark.parametrize(
    "url", ["", "localhost:11434", "ftp://a/v1", "http://", "http://[::1/v1", "http://a:99999/v1",
            "https://me:secret@a/v1", "https://a/v1?key=secret"]
)  # fmt: skip
def test_impossible_addresses_are_refused_at_the_door(url):
    with pytest.raises(InputError, match="url should") as caught:
        Endpoint(url, MODEL)
    assert "secret" not in str(caught.value)
    with pytest.raises(InputError, match="model should be what the server calls"):
        Endpoint(OTHER, "")


# where it goes, with which key


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "127.8.9.1", "::1", "studium.localhost"])
def test_this_machine_is_not_remote(host):
    assert here(host)
    assert not Endpoint(f"http://{f'[{host}]' if ':' in host else host}:1/v1", MODEL).remote


@pytest.mark.parametrize(
    "host", ["192.168.1.7", "10.0.0.1", "gpu.local", "localhost.example.org", "0.0.0.0", "fe80::1"]
)
def test_every_other_machine_is_remote(host):
    assert not here(host)
    assert Endpoint(f"http://{f'[{host}]' if ':' in host else host}/v1", MODEL).remote


def test_the_key_of_one_host_is_not_sent_to_another(monkeypatch):
    monkeypatch.delenv("OPENAI_BASE_URL", raising=False)
    assert variables("openrouter.ai") == ("OPENAI_API_KEY_OPENROUTER_AI",)
    assert variables("notopenai.com") == ("OPENAI_API_KEY_NOTOPENAI_COM",)
    assert variables("eu.api.openai.com")[1] == "OPENAI_API_KEY"
    monkeypatch.setenv("OPENAI_BASE_URL", "https://openrouter.ai/api/v1")
    assert variables("openrouter.ai")[1] == "OPENAI_API_KEY"


def test_a_word_in_place_of_a_key_is_no_secret(openai, monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", "EMPTY")
    openai.key = "EMPTY"
    openai.fail(openai_server.content("EMPTY street"))
    assert endpoint(openai).reply(PROMPT, shown(10)).raw == "EMPTY street"


def test_a_missing_package_names_the_extra(monkeypatch):
    for package, needs in {
        "httpx": lambda: endpoint_wire._client.__wrapped__(False),
        "tenacity": lambda: endpoint_wire.with_patience(list, "host"),
    }.items():
        monkeypatch.setitem(sys.modules, package, None)
        with pytest.raises(MissingExtraError, match=rf"{package} is needed .*studium\[ask\]"):
            needs()


def test_no_proxy_comes_between_us_and_this_machine(openai, monkeypatch):
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:9")
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
    with endpoint_wire._client.__wrapped__(direct=True) as fresh:
        monkeypatch.setattr(endpoint_wire, "_client", {True: fresh}.get)
        assert endpoint(openai).reply(PROMPT, shown(10)).raw


def test_a_redirect_is_not_followed(openai):
    with serve() as elsewhere:
        openai.fail(openai_server.redirects(f"{elsewhere.base}/chat/completions?key=x"))
        with pytest.raises(ServiceError, match=f"redirects to {elsewhere.base}/chat/completions; give that address"):
            endpoint(openai).reply(PROMPT, shown(10))
        assert (elsewhere.chats, elsewhere.log) == ([], [])


# what it costs, and how fast


def remote(openai, monkeypatch) -> Endpoint:
    """The server of the tests, as if it were another machine."""
    monkeypatch.setattr(Endpoint, "remote", True)
    return endpoint(openai)


def test_an_answer_stays_if_its_price_cannot_be_noted(openai, monkeypatch, tmp_path):
    provider = remote(openai, monkeypatch)
    ledger = tmp_path / "runs" / "x.spent"

    def full(usd: float) -> None:
        if openai.chats:
            raise OSError(errno.ENOSPC, "No space left on device")

    poor = Allowance(budget=1, prices={MODEL: (1.0, 2.0)}, ledger=ledger)
    with monkeypatch.context() as patch, under(poor):
        patch.setattr(Allowance, "_write", lambda self, usd: full(usd))
        with pytest.raises(StoreError, match=r"cannot write .*x\.spent: No space left on device"):
            provider.reply(PROMPT, shown(10))
        with pytest.raises(StoreError, match="No space left on device"):
            provider.reply(PROMPT, shown(11))
    assert len(openai.chats) == 1, "the second one was not even sent"
    with under(poor):
        assert provider.reply(PROMPT, shown(10)).finish == "stop"
        assert len(openai.chats) == 1, "and the first one is not paid for again"
        assert provider.reply(PROMPT, shown(11)).finish == "stop", "nor does it pass for lost"


def test_the_price_of_every_answer_is_noted(openai, monkeypatch, tmp_path):
    provider = remote(openai, monkeypatch)
    may = Allowance(budget=1.0, prices={MODEL: (10.0, 30.0)}, ledger=tmp_path / "ledger")
    with allowance.under(may):
        replies = [provider.reply(PROMPT, shown(grey)) for grey in (10, 10, 11)]
        usd = sum(10e-6 * one.tokens_in + 30e-6 * one.tokens_out for one in replies[1:])
        assert may.spent == pytest.approx(usd), "the one that was kept costs nothing"
        assert replies[0].host == f"127.0.0.1:{openai.port}"
        openai.fail(openai_server.filtered(), openai_server.error(400, "image input is not supported"))
        assert provider.reply(PROMPT, shown(12)).finish == "refusal"
        with pytest.raises(MediaError, match="image input is not supported; nothing was generated"):
            provider.reply(PROMPT, shown(13))
        assert may.spent == pytest.approx(usd)
        openai.fail(openai_server.drops())
        with pytest.raises(MediaError, match="may have been paid for"):
            provider.reply(PROMPT, shown(14))
        assert may.spent == pytest.approx(1.5 * usd, rel=0.05), "what may have been paid for counts"


def test_the_pace_of_the_run_is_kept(openai):
    began = time.monotonic()
    with allowance.under(Allowance(requests_per_minute=600)), ThreadPoolExecutor(4) as pool:
        contexts = [copy_context() for _ in range(4)]
        list(pool.map(lambda at: contexts[at].run(endpoint(openai).reply, PROMPT, shown(10 + at)), range(4)))
        kept = time.monotonic()
        endpoint(openai).reply(PROMPT, shown(10))
    assert kept - began > 0.3
    assert time.monotonic() - kept < 0.1, "what is kept need not wait"


def test_a_budget_ends_a_run_before_it_is_spent(openai, monkeypatch, tmp_path):
    provider = remote(openai, monkeypatch)
    may = Allowance(budget=0.0001, prices={MODEL: (1.0, 1.0)}, ledger=tmp_path / "ledger")
    with allowance.under(may), pytest.raises(BudgetError, match=r"budget of 0.0001 USD is used up"):
        provider.reply(PROMPT, shown(10))
    assert openai.chats == []


def test_a_budget_needs_a_price(openai, monkeypatch):
    provider = remote(openai, monkeypatch)
    with allowance.under(Allowance(budget=1.0)):
        with pytest.raises(InputError, match=r'nobody knows what tiny-vlm .* \[remote.prices\]  "tiny-vlm" = \[0.15'):
            provider.prepare(PROMPT)
        with pytest.raises(BudgetError, match="nobody knows"):
            provider.reply(PROMPT, shown(10))
    assert openai.chats == []
    monkeypatch.setattr(Endpoint, "remote", False)
    with allowance.under(Allowance(budget=0.0)):
        assert provider.reply(PROMPT, shown(10)).raw, "this machine works for nothing"


def test_what_would_leave_the_machine_is_known_before(openai, monkeypatch):
    assert endpoint(openai).outgoing(PROMPT, shown(10)) is None
    provider = remote(openai, monkeypatch)
    before = provider.outgoing(PROMPT, shown(10, 20))
    assert (before.host, before.texts, len(before.pictures)) == (f"127.0.0.1:{openai.port}", 1, 2)
    assert (before.kept, before.usd, before.seconds) == (False, None, None)
    assert openai.chats == []
    reply = provider.reply(PROMPT, shown(10, 20))
    assert reply.bytes_sent == before.bytes
    with allowance.under(Allowance(prices={MODEL: (1.0, 1.0)})):
        kept, next_one = (provider.outgoing(PROMPT, shown(10, grey)) for grey in (20, 21))
    assert (kept.kept, kept.usd) == (True, 0.0)
    assert next_one.usd == pytest.approx((reply.tokens_in + reply.tokens_out) / 1e6)
    assert 0 < next_one.seconds < 5


def test_prices():
    assert price_of("gpt-4o-mini", "api.openai.com").of(1_000_000, 1_000_000) == pytest.approx(0.75)
    assert price_of("gpt-4o-mini-2024-07-18", "api.openai.com").read == 0.15
    assert price_of("gpt-4o-mini", "gpu.example.org") is None, "whoever else serves it has prices of its own"
    assert price_of("gpt-4o-audio-preview", "api.openai.com") is None
    with allowance.under(Allowance(prices={"gpt-4o-mini": (1, 2)})):
        assert price_of("gpt-4o-mini", "api.openai.com") == Price(1, 2, "the price of the study file")


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"retry-after": "2"}, 2.0),
        ({"retry-after": "-1"}, None),
        ({"retry-after": "soon"}, None),
        ({"retry-after-ms": "20", "retry-after": "1"}, 0.02),
        ({"retry-after": "Thu, 01 Jan 1970 00:00:00 GMT"}, 0.0),
        ({"date": "Thu, 01 Jan 1970 00:00:00 GMT", "retry-after": "Thu, 01 Jan 1970 00:00:07 GMT"}, 7.0),
        ({"date": "Fri, 01 Jan 2100 00:00:00 GMT", "retry-after": "Fri, 01 Jan 2100 00:00:07 GMT"}, 7.0),
        ({"x-ratelimit-remaining-requests": "0", "x-ratelimit-reset-requests": "1m2.5s"}, 62.5),
        ({"x-ratelimit-remaining-requests": "1", "x-ratelimit-reset-requests": "1m2.5s"}, None),
        ({"x-ratelimit-remaining-tokens": "0", "x-ratelimit-reset-tokens": "120ms"}, 0.12),
    ],
)
def test_for_how_long_a_server_wants_to_be_left_alone(headers, seconds):
    assert pause(headers) == seconds
