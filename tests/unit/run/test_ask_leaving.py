"""``ask`` and other machines: refused unless allowed, listed first, within its budget; this machine is no other one."""

import json
import shutil
import socket
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner
from openai_server import KEY, MODEL, OpenAI, speaking

from studium import Corpus, sources
from studium.cli import cli
from studium.core.variable import Value, Variable
from studium.errors import BudgetError, InputError, RefusedError
from studium.measure.ask.ask import Ask
from studium.measure.centerface import find_faces
from studium.measure.cover import CHECK
from studium.media.image import decode
from studium.media.material import Material

SCENE = Variable("scene", "Where is it?", "image", "categorical", (Value("inside"), Value("outside")))
ELSEWHERE = "0.0.0.0"  # leads to this machine, and is not one of its own names: treated as any other


@pytest.fixture
def openai(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[OpenAI]:
    with speaking(monkeypatch, tmp_path / "cache") as ours:
        for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy"):
            monkeypatch.delenv(name, raising=False)
        monkeypatch.setenv("OPENAI_API_KEY_0_0_0_0", KEY)
        yield ours


@pytest.fixture
def remote(openai) -> Ask:
    return Ask((SCENE,), model=MODEL, url=f"http://{ELSEWHERE}:{openai.port}/v1", longest=200)


@pytest.fixture
def root(study) -> Path:
    """A study of four photographs, with prices."""
    (study / "studium.toml").write_text(f'[remote.prices]\n"{MODEL}" = [1000, 2000]\n')
    Corpus(study).add(sources.folder(study / "images"))
    return study


def own_address() -> str:
    """The address of this machine in the network; nothing is sent to find it out."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as it:
        try:
            it.connect(("192.0.2.1", 9))
            return str(it.getsockname()[0])
        except OSError:
            return ELSEWHERE


def manifest(root: Path) -> dict[str, object]:
    newest = max((root / "runs").glob("*.json"), key=lambda path: path.stat().st_mtime_ns)
    return dict(json.loads(newest.read_text()))


@pytest.mark.parametrize("name", ["localhost", "127.0.0.1", "127.8.9.1", "[::1]"])
def test_this_machine_is_no_other_one(openai, name):
    assert not Ask((SCENE,), model=MODEL, url=f"http://{name}:{openai.port}/v1").remote


def test_every_other_name_is_another_machine(openai):
    for name in (own_address(), ELSEWHERE, socket.gethostname(), "192.168.0.7", "api.openai.com"):
        assert Ask((SCENE,), model=MODEL, url=f"http://{name}/v1").remote, name


def test_a_server_on_this_machine_needs_no_permission(root, openai, caplog):
    outcome = Corpus(root).measure(Ask((SCENE,), model=MODEL, url=openai.base, longest=200), of="image")
    assert (outcome.rows.total(), len(openai.chats)) == (4, 4)
    assert "sends data" not in caplog.text
    assert manifest(root)["sent"] == []


def test_another_machine_is_sent_nothing_without_permission(root, openai, remote):
    with pytest.raises(RefusedError, match="ask would send data to another machine"):
        Corpus(root).measure(remote, of="image")
    with pytest.raises(RefusedError):
        Corpus(root).submit(remote, of="image")
    with pytest.raises(RefusedError):
        Corpus(root).estimate(remote, of="image", sample=1)
    told, _ = Corpus(root).estimate(remote, of="image")
    assert "4 requests with 4 pictures and 0 texts" in str(told[0])
    assert (openai.log, openai.chats) == ([], []), "not even for the list of its models"


def test_what_leaves_is_what_was_listed(root, openai, remote, caplog):
    (told,), _ = Corpus(root).estimate(remote, of="image")
    corpus = Corpus(root, allow_remote=True)
    openai.decide = lambda chat: None if "sends data to" in caplog.text else pytest.fail("sent before the list")
    assert corpus.measure(remote, of="image").rows.total() == 4
    (flow,) = manifest(root)["sent"]
    assert flow["host"] == told.told[0].host == f"{ELSEWHERE}:{openai.port}"
    assert flow["bytes"] == sum(one.bytes for one in told.told)
    assert manifest(root)["spent_usd"] > 0


def test_a_budget_ends_asking_and_what_was_answered_is_kept(root, openai, remote):
    (told,), _ = Corpus(root).estimate(remote, of="image")
    first = told.told[0].usd
    with pytest.raises(BudgetError, match="is used up"):
        Corpus(root, allow_remote=True, budget=2.2 * first).measure(remote, of="image")
    asked = len(openai.chats)
    assert 1 <= asked < 4
    corpus = Corpus(root, allow_remote=True)
    assert corpus.failures().num_rows == 0
    assert corpus.measure(remote, of="image").rows.total() + asked >= 4
    assert len(openai.chats) == 4
    assert set(openai.billed.values()) == {1}


def test_with_a_budget_a_price_is_needed(root, openai, remote):
    (root / "studium.toml").write_text("[remote]\nbudget = 1\n")
    with pytest.raises(InputError, match=r"nobody knows what tiny-vlm .* costs"):
        Corpus(root, allow_remote=True).measure(remote, of="image")
    assert openai.chats == []


def test_a_sample_tells_tokens_money_and_time(root, openai, remote):
    (told,), (asked,) = Corpus(root, allow_remote=True).estimate(remote, of="image", sample=2)
    read = sum(one.tokens_in for one in asked.asked)
    wrote = sum(one.tokens_out for one in asked.asked)
    assert sum(one.usd for one in asked.asked) == pytest.approx((read * 1000 + wrote * 2000) / 1e6)
    assert f"{read:,} tokens read" in str(asked)
    assert "they cost" in str(asked)
    assert "the price of the study file" in str(told)
    assert Corpus(root, allow_remote=True).measure(remote, of="image").rows.total() == 4
    assert len(openai.chats) == 4


def test_faces_are_covered_in_what_is_sent(openai, photos):
    picture = decode(photos / "astronaut.png")
    for cover in (False, True):
        Ask((SCENE,), model=MODEL, url=openai.base, longest=300, cover_faces=cover)([Material(pictures=(picture,))])
    assert [bool(find_faces(chat.pictures[0])) for chat in openai.chats] == [True, False]


def test_of_posts_what_was_listed_is_what_the_server_saw(openai, remote, tmp_path, photos, videos, caplog):
    shutil.copy(photos / "astronaut.png", tmp_path / "astronaut.png")
    shutil.copy(videos / "bigbuckbunny.mp4", tmp_path / "film.mp4")
    (tmp_path / "posts.csv").write_text(
        "id,text,media\n1,one,astronaut.png\n2,a film,film.mp4\n3,only words,\n4,,\n5,lost,lost.png\n"
    )
    corpus = Corpus(tmp_path / "study", allow_remote=True)
    corpus.add(sources.posts(tmp_path / "posts.csv", id="id", text="text", media="media"))
    corpus.measure(replace(remote, variables=(replace(SCENE, of="post"),), frames=2, cover_faces=True), of="post")
    shown = [picture for chat in openai.chats for picture in chat.pictures]
    sent = sum(int(chat.headers["Content-Length"]) for chat in openai.chats)
    assert (len(openai.chats), len(shown)) == (4, 3)
    assert not any(find_faces(picture, CHECK) for picture in shown)
    load = f"4 requests with 3 pictures and 5 texts, {sent:,} bytes"  # texts: of four posts, the legend of the film
    assert caplog.messages[0].splitlines() == [
        f"ask sends data to {remote.provider.host}: 5 post units lack a row",
        f"  {load} (all were looked at; 1 of them cannot be sent)",
        "  faces are covered as far as they are found (cover_faces); they still seem to be in 0 of 3 pictures, seen at "
        "640 px, where small ones are missed",
        "  what it costs is not known; the study file can say it: [remote.prices]",
        "  how long it takes is not known; ask about some: studium remote estimate --sample 10",
        "  no budget is set (--budget USD)",
    ]


def test_by_hand_and_by_study_file_alike(root, openai, remote):
    (root / "codebook.toml").write_text(
        '[scene]\nquestion = "Where is it?"\nof = "image"\ntype = "categorical"\n'
        '[[scene.values]]\nname = "inside"\n[[scene.values]]\nname = "outside"\n'
    )
    asked = {"variable": "scene", "model": MODEL, "url": remote.url}
    settings = [word for name, value in asked.items() for word in ("--set", f"{name}={value}")]
    command = ["measure", "ask", "--of", "image", *settings, "--study", str(root)]
    assert isinstance(CliRunner().invoke(cli, command).exception, RefusedError)
    step = "".join(f"{name} = {json.dumps(value)}\n" for name, value in asked.items())
    (root / "studium.toml").write_text(
        '[[source]]\nfolder = "images"\n[[step]]\nmeasure = "pdq"\nof = "image"\n'
        f'[[step]]\nmeasure = "ask"\nof = "image"\n{step}'
    )
    before = len(list((root / "tables").rglob("*")))
    assert isinstance(CliRunner().invoke(cli, ["run", "--study", str(root)]).exception, RefusedError)
    assert len(list((root / "tables").rglob("*"))) == before, "all steps are asked before the first one is taken"
    told = CliRunner().invoke(cli, ["remote", "estimate", *command[1:]])
    assert f"ask sends data to {ELSEWHERE}:{openai.port}: 4 image units lack a row" in told.stdout
    assert (openai.log, openai.chats) == ([], [])
    done = CliRunner().invoke(cli, ["run", "--allow-remote", "--study", str(root)])
    assert (done.exit_code, len(openai.chats)) == (0, 4)
