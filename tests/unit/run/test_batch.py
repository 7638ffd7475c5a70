"""Asking by batch, against a real server: submitted once, collected whole, found by the next run."""

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner
from openai_batches import Batching, batching
from openai_server import KEY, MODEL

from studium import Corpus, sources
from studium.cli import cli
from studium.core.allowance import Allowance, under
from studium.core.variable import Value, Variable
from studium.errors import BudgetError, InputError, MediaError, UnknownNameError
from studium.measure.ask import batch_submit
from studium.measure.ask.ask import Ask
from studium.measure.ask.batch_collect import LATE, collect, forget
from studium.measure.ask.batch_note import Batch, batches
from studium.measure.ask.batch_submit import submit
from studium.measure.ask.batch_wire import UnsureError
from studium.measure.ask.provider import Shown
from studium.measure.marks import Mark
from studium.measure.pdq import Pdq

MOOD = Variable("mood", "Which mood?", "post", "categorical", (Value("glad"), Value("sad")))
POSTS = 6
PAID = ". The answer is lost and may have been paid for, so it is not asked for again by itself; with --retry it is"


@pytest.fixture
def openai(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Batching]:
    with batching(monkeypatch, tmp_path / "cache") as ours:
        yield ours


@pytest.fixture
def ask(openai) -> Ask:
    """One that was asked once, about another unit."""
    found = Ask((MOOD,), model=MODEL, url=openai.base)
    found.provider.reply(found.prompt, Shown((("text", "somebody else"),)))
    openai.chats.clear()
    return found


@pytest.fixture
def corpus(tmp_path) -> Corpus:
    """Six posts."""
    folder = tmp_path / "study"
    folder.mkdir()
    rows = "".join(f"{at},it rains for the {at}. day\n" for at in range(POSTS))
    (folder / "posts.csv").write_text(f"id,text\n{rows}")
    opened = Corpus(folder)
    opened.add(sources.posts(folder / "posts.csv", id="id", text="text"))
    return opened


def texts(n: int) -> Iterator[Shown]:
    return (Shown((("text", f"number {at}"),)) for at in range(n))


def replies(ask: Ask, n: int, retry: bool = False) -> list[str]:
    """How the answers ended that a run gets, or why it gets none."""

    def one(shown: Shown) -> str:
        try:
            return ask.provider.reply(ask.prompt, shown).finish
        except MediaError as error:
            return str(error)

    with under(Allowance(retry=retry)):
        return [one(shown) for shown in texts(n)]


def test_nothing_is_submitted_of_nothing(openai, ask):
    done = submit(ask.provider, ask.prompt, [])
    assert (done.batches, done.kept, done.waiting) == ([], 0, 0)
    assert (openai.made, openai.files, collect()) == ([], {}, [])


def test_a_run_finds_the_answers_of_a_batch_and_sends_nothing(corpus, openai, ask):
    done = corpus.submit(ask, of="post")
    assert [len(batch.sizes) for batch in done.batches] == [POSTS]
    assert collect()[0].status == "validating"
    openai.end()
    (found,) = collect()
    assert (found.status, found.answered, found.faults.total()) == ("completed", POSTS, 0)
    assert found.tokens_in > found.tokens_out > 0
    outcome = corpus.measure(ask, of="post")
    assert (outcome.rows.total(), outcome.failures.total()) == (POSTS, 0)
    assert openai.chats == [], "nothing was asked by itself"
    assert set(openai.billed.values()) == {1}
    row = corpus.table("post", "ask").to_pylist()[0]
    assert row["mood"] in {"glad", "sad", None}
    assert row["ask_sha256_sent"] in done.batches[0].sizes
    assert corpus.submit(ask, of="post").batches == []
    assert collect() == []
    assert openai.files == {}, "what was uploaded is deleted there"


def test_while_a_batch_holds_a_request_it_is_not_asked_again(corpus, openai, ask):
    corpus.submit(ask, of="post")
    again = corpus.submit(ask, of="post")
    assert (again.batches, again.waiting) == ([], POSTS)
    corpus.measure(ask, of="post", retry=True)
    assert openai.chats == []
    assert all("waits for the answer of a batch" in said for said in corpus.failures()["message"].to_pylist())
    openai.end()
    collect()
    assert corpus.measure(ask, of="post", retry=True).rows.total() == POSTS
    assert openai.chats == []


def test_what_was_too_late_may_be_submitted_again(corpus, openai, ask):
    openai.expires = 2
    corpus.submit(ask, of="post")
    openai.end()
    (found,) = collect()
    assert (found.status, found.answered, dict(found.faults)) == ("expired", 4, {"This request expired.": 2})
    openai.expires = 0
    second = corpus.submit(ask, of="post")
    assert (len(second.batches[0].sizes), second.kept) == (2, 4)
    openai.end()
    collect()
    assert set(openai.billed.values()) == {1}
    assert corpus.measure(ask, of="post").rows.total() == POSTS


def test_a_batch_that_was_cancelled_before_it_began_holds_nothing(openai, ask):
    submit(ask.provider, ask.prompt, texts(3))
    openai.made[0] |= {"status": "cancelled"}
    assert collect()[0].answered == 0
    openai.made[0] |= {"status": "failed", "errors": {"data": [{"message": "Enqueued token limit reached"}]}}
    assert len(submit(ask.provider, ask.prompt, texts(3)).batches) == 1
    openai.made[1] |= {"status": "failed", "errors": {"data": [{"message": "Enqueued token limit reached"}]}}
    assert "Enqueued token limit reached" in collect()[0].faults


def test_files_are_no_larger_than_the_server_takes(openai, ask, monkeypatch):
    monkeypatch.setattr(batch_submit, "MOST", 2)
    assert [len(made.sizes) for made in submit(ask.provider, ask.prompt, texts(5)).batches] == [2, 2, 1]
    monkeypatch.setattr(batch_submit, "MOST", 100)
    size = max(batches()[0].sizes.values())
    monkeypatch.setattr(batch_submit, "LARGEST", 3 * size)
    more = submit(ask.provider, ask.prompt, texts(10))
    assert (sum(len(made.sizes) for made in more.batches), more.waiting) == (5, 5)
    assert len(more.batches) >= 2
    assert all(len(content) <= 3 * size for content in list(openai.files.values())[3:])


# what breaks off


def test_a_batch_whose_id_was_lost_is_found_in_the_list(openai, ask, monkeypatch):
    monkeypatch.setattr(batch_submit, "MOST", 1)
    submit(ask.provider, ask.prompt, texts(3))
    openai.drops = "batches"
    with pytest.raises(UnsureError, match="broke off"):
        submit(ask.provider, ask.prompt, texts(4))
    assert batches()[-1].id == ""
    assert len(openai.made) == 4
    again = submit(ask.provider, ask.prompt, texts(4))
    assert (again.batches, again.waiting, len(openai.made)) == ([], 4, 4), "it is not made, and paid for, twice"
    assert batches()[-1].id == "batch_3"
    openai.end()
    assert [found.answered for found in collect()] == [1, 1, 1, 1]
    assert set(openai.billed.values()) == {1}


def test_after_a_kill_nothing_is_submitted_twice(corpus, openai, ask):
    (corpus.root / "codebook.toml").write_text(
        '[mood]\nquestion = "Which mood?"\nof = "post"\ntype = "categorical"\n'
        '[[mood.values]]\nname = "glad"\n[[mood.values]]\nname = "sad"\n'
    )
    openai.silent = True
    settings = ["--set", "variable=mood", "--set", f"model={MODEL}", "--set", f"url={openai.base}"]
    command = [Path(sys.executable).with_name("studium"), "batch", "submit", "ask", "--of", "post", *settings]
    process = subprocess.Popen([*command, "--study", str(corpus.root)], stderr=subprocess.DEVNULL)
    until = time.monotonic() + 60
    while not openai.made:
        assert process.poll() is None
        assert time.monotonic() < until
        time.sleep(0.05)
    process.kill()
    process.wait()
    assert [batch.id for batch in batches()] == [""]
    openai.silent = False
    again = corpus.submit(ask, of="post")
    assert (again.batches, again.waiting, len(openai.made)) == ([], POSTS, 1)
    openai.end()
    assert collect()[0].answered == POSTS
    assert corpus.measure(ask, of="post").rows.total() == POSTS
    assert (set(openai.billed.values()), openai.chats) == ({1}, [])


def test_a_file_whose_upload_broke_off_holds_nothing(openai, ask):
    openai.drops = "files"
    with pytest.raises(UnsureError):
        submit(ask.provider, ask.prompt, texts(2))
    assert [len(made.sizes) for made in submit(ask.provider, ask.prompt, texts(2)).batches] == [2]
    assert len(openai.made) == 1


@pytest.mark.parametrize("status", [500, 504, 408])
def test_a_batch_that_a_gateway_says_has_failed_may_have_been_made(status, openai, ask):
    submit(ask.provider, ask.prompt, texts(1))
    openai.fails = status
    with pytest.raises(UnsureError, match=f"failed at POST batches: {status} The gateway waited in vain"):
        submit(ask.provider, ask.prompt, texts(3))
    openai.fails = 0
    again = submit(ask.provider, ask.prompt, texts(3))
    assert (again.batches, again.waiting, len(openai.made)) == ([], 3, 2), "it is not made, and paid for, twice"
    openai.end()
    assert [found.answered for found in collect()] == [1, 2]
    assert set(openai.billed.values()) == {1}


def test_a_batch_that_was_never_made_is_waited_for_and_then_forgotten(openai, ask):
    openai.drops = "batches"
    with pytest.raises(UnsureError):
        submit(ask.provider, ask.prompt, texts(2))
    openai.made.clear()
    assert [found.status for found in collect()] == ["unknown"]
    assert submit(ask.provider, ask.prompt, texts(2)).waiting == 2
    (lost,) = batches()
    lost.note(made=time.time() - LATE - 1)
    assert [found.status for found in collect()] == ["never made; submit again"]
    assert len(submit(ask.provider, ask.prompt, texts(2)).batches) == 1


def test_a_file_that_is_refused_leaves_nothing_behind(openai, ask):
    openai.says_no = "File is too large."
    with pytest.raises(InputError, match=r"refused POST files: 400 File is too large"):
        submit(ask.provider, ask.prompt, texts(2))
    assert batches() == []
    assert len(submit(ask.provider, ask.prompt, texts(2)).batches) == 1


def test_answers_that_break_off_are_fetched_again(openai, ask):
    submit(ask.provider, ask.prompt, texts(8))
    openai.end()
    openai.drops = "content"
    with pytest.raises(UnsureError):
        collect()
    (found,) = collect()
    assert (found.answered, found.status) == (8, "completed")


def test_what_the_server_answers_beside_the_question_may_have_been_paid_for(openai, ask):
    submit(ask.provider, ask.prompt, texts(4))
    openai.mixes = True
    openai.end()
    (found,) = collect()
    assert (found.status, found.answered, found.faults.total()) == ("completed", 2, 2)
    assert collect() == []
    stray, page, *others = replies(ask, 4)
    assert stray == "batch batch_0 has no answer to it, and an answer came under an id that was never asked" + PAID
    assert page.startswith("batch batch_0 has no completion of it: ")
    assert page.endswith(PAID)
    assert others == ["stop"] * 2
    assert openai.chats == [], "nothing is asked, and paid for, again by itself"
    assert replies(ask, 4, retry=True) == ["stop"] * 4


def test_a_batch_whose_answers_are_gone_can_be_given_up(openai, ask):
    submit(ask.provider, ask.prompt, texts(2))
    openai.made.clear()
    with pytest.raises(InputError, match="404 No such batch"):
        collect()
    with pytest.raises(UnknownNameError, match=r"no batch 'batch_7' waits to be collected; there are: batch_0"):
        forget("batch_7")
    forget("batch_0")
    assert collect() == []
    assert replies(ask, 2) == ["batch batch_0 was given up" + PAID] * 2
    assert replies(ask, 2, retry=True) == ["stop"] * 2


def test_what_a_run_asks_while_it_is_being_submitted_is_left_out(openai, ask):
    one, two, three = texts(3)
    taken = Mark(ask.provider.question.path(ask.provider.request(ask.prompt, two)))

    def meanwhile():
        yield from (one, two)
        taken.put()
        yield three

    done = submit(ask.provider, ask.prompt, meanwhile())
    assert ([len(made.sizes) for made in done.batches], done.waiting) == ([2], 1)
    assert set(json.loads(taken.path.read_text())) == {"at"}, "its mark stays"
    openai.end()
    assert collect()[0].answered == 2
    assert set(json.loads(taken.path.read_text())) == {"at"}


def test_the_notes_hold_no_text_and_no_key(openai, ask, tmp_path):
    submit(ask.provider, ask.prompt, [Shown((("text", "a secret of somebody"),))])
    openai.end()
    collect()
    for path in (tmp_path / "cache" / "answers").rglob("*"):
        if path.is_file():
            assert "a secret of somebody" not in path.read_text()
            assert KEY not in path.read_text()


# what cannot be submitted


def test_a_batch_beyond_the_budget_is_not_uploaded_and_holds_nothing(openai, ask, monkeypatch, tmp_path):
    monkeypatch.setenv("OPENAI_API_KEY_0_0_0_0", KEY)
    endpoint = Ask((MOOD,), model=MODEL, url=f"http://0.0.0.0:{openai.port}/v1").provider
    prices = {MODEL: (1000.0, 2000.0)}
    with under(Allowance(prices=prices)):
        endpoint.reply(ask.prompt, Shown((("text", "somebody else"),)))
        each = endpoint.outgoing(ask.prompt, Shown((("text", "number 1"),))).usd
    poor = Allowance(budget=0.9 * each, prices=prices, ledger=tmp_path / "poor.spent")
    with under(poor), pytest.raises(BudgetError):
        submit(endpoint, ask.prompt, texts(2))
    assert (openai.files, batches(), poor.spent) == ({}, [], 0)
    rich = Allowance(budget=1.1 * each, prices=prices, ledger=tmp_path / "rich.spent")
    with under(rich):
        assert len(submit(endpoint, ask.prompt, texts(2)).batches) == 1
    assert rich.spent == pytest.approx(each), "half the price of two"


def test_a_server_that_was_never_asked_is_asked_first(openai):
    ask = Ask((MOOD,), model=MODEL, url=openai.base)
    with pytest.raises(InputError, match="about a few units first"):
        submit(ask.provider, ask.prompt, texts(1))
    assert openai.files == {}


def test_other_measures_have_no_batches(corpus):
    with pytest.raises(InputError, match="pdq cannot be asked by batch"):
        corpus.submit(Pdq(), of="post")


def test_a_request_under_way_is_not_submitted(openai, ask):
    (shown,) = texts(1)
    mark = Mark(ask.provider.question.path(ask.provider.request(ask.prompt, shown)))
    mark.put()
    assert submit(ask.provider, ask.prompt, texts(2)).waiting == 1
    with pytest.raises(MediaError):
        mark.put()


def test_by_hand(corpus, openai, ask):
    assert "batch" in CliRunner().invoke(cli, ["batch", "status"]).stdout
    corpus.submit(ask, of="post")
    told = CliRunner().invoke(cli, ["batch", "status"]).stdout.splitlines()
    assert told == ["batch\tstatus\trequests\tserver", f"batch_0\tvalidating\t{POSTS}\t{openai.base}"]
    openai.expires = 1
    openai.end()
    done = CliRunner().invoke(cli, ["batch", "collect"])
    assert done.stdout.splitlines()[1].startswith(f"batch_0\texpired\t{POSTS - 1}\t1\t")
    assert "batch_0: 1 requests: This request expired." in done.stderr


def test_a_note_is_read_as_it_was_written(openai, ask):
    (made,) = submit(ask.provider, ask.prompt, texts(1)).batches
    assert batches() == [made]
    assert Batch(**json.loads(json.dumps(vars(made)))) == made
