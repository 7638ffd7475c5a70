import pytest
from click.testing import CliRunner

from studium.cli.models import models
from studium.core import weights
from studium.errors import HashMismatchError, OfflineError, UnknownNameError


@pytest.fixture
def run(tmp_path, monkeypatch):
    monkeypatch.setenv("STUDIUM_CACHE", str(tmp_path))
    monkeypatch.delenv("STUDIUM_OFFLINE", raising=False)
    return lambda *words: CliRunner().invoke(models, words)


def test_an_empty_cache(run):
    listed = run("list").output.splitlines()
    assert [line.split("\t")[0] for line in listed] == ["model", *weights.rows()]
    assert all(line.endswith("\tno") for line in listed[1:])
    assert run("verify").output == "nothing is cached\n"
    where = run("where", "minilm")
    assert where.exit_code == 1
    assert "studium models pull minilm" in where.output


def test_pull_where_verify(run):
    pulled = run("pull", "imagenet-names")
    assert pulled.exit_code == 0, pulled.exception
    assert len(pulled.output.splitlines()) == 2
    assert run("where", "imagenet-names").output == pulled.output
    assert run("verify").output == "".join(f"ok  {line}\n" for line in pulled.output.splitlines())
    assert "imagenet-names\tclass names of ImageNet-1k\t0.05 MB\tMIT\tyes" in run("list").output
    weights.where("imagenet-names")[0].write_text("{}")
    assert isinstance(run("verify", "imagenet-names").exception, HashMismatchError)
    assert run("where", "imagenet-names").exit_code == 1


def test_what_another_model_uses_is_verified_once(run):
    pulled = run("pull", "conse")
    assert pulled.exit_code == 0, pulled.exception
    lines = run("verify").output.splitlines()
    assert sorted(lines) == sorted(f"ok  {line}" for line in pulled.output.splitlines())


def test_errors_are_left_to_the_main_command(run, monkeypatch):
    assert isinstance(run("pull", "clip").exception, UnknownNameError)
    monkeypatch.setenv("STUDIUM_OFFLINE", "1")
    assert isinstance(run("pull", "minilm").exception, OfflineError)


@pytest.mark.parametrize("words", [("pull",), ("where",), ("frobnicate",)])
def test_wrong_calls(run, words):
    assert run(*words).exit_code == 2
