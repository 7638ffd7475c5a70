"""The rows of models.toml say what somebody who chooses a model must know, and the page about it is true."""

import re
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from studium.cli.models import models
from studium.core import weights
from studium.core.bundle import Snapshot
from studium.core.weights import File, Model
from studium.errors import ConfigError

DOCS = Path(__file__).resolve().parents[2] / "docs"
ROWS = weights.rows()
FREE = ("Apache-2.0", "MIT", "BSD-2-Clause", "BSD-3-Clause", "CC0-1.0", "CC-BY-4.0")
PARTS = {"imagenet-names"}
"""What nobody chooses: other models are made of it."""


@pytest.fixture(scope="module")
def choose():
    """The script that writes the tables."""
    sys.path.insert(0, str(DOCS))
    try:
        import choose
    finally:
        sys.path.remove(str(DOCS))
    return choose


def rows(tmp_path, text):
    path = tmp_path / "models.toml"
    path.write_text(text)
    return weights.load_rows(path)


def test_size_of_no_one_and_many_files():
    kwargs = {"task": "", "licence": "", "paper": "", "about": "", "dims": 0}
    one, other = (File(name, "0" * 64, size, ()) for name, size in (("a", 3), ("b", 4)))
    assert Model("none", **kwargs).size == 0
    assert Model("one", **kwargs, files=(one,)).size == 3
    assert Model("two", **kwargs, files=(one, other)).size == 7
    assert Model("hub", **kwargs, megabytes=0.5).size == 500_000
    assert ROWS["conse"].size == 0  # its parts say theirs
    assert ROWS["efficientnet-lite0"].size == 18_826_032


def test_facts_are_read_from_a_row(tmp_path):
    facts = 'task = "t"\nlicence = "MIT"\npaper = ""\nabout = "a"\ndims = 2\n'
    hub = f'hub = {{ repo = "a/b", revision = "{"0" * 40}" }}\n'
    row = rows(tmp_path, f'[tiny]\n{facts}{hub}trained_on = "stamps"\nparameters = 1.5\nmegabytes = 6\n')["tiny"]
    assert (row.trained_on, row.parameters, row.megabytes, row.size) == ("stamps", 1.5, 6, 6_000_000)
    assert (rows(tmp_path, f"[tiny]\n{facts}{hub}")["tiny"].size, row.bundle.repo) == (0, "a/b")
    with pytest.raises(ConfigError, match="parametres"):
        rows(tmp_path, f"[tiny]\n{facts}parametres = 1\n")


@pytest.mark.parametrize("name", ROWS)
def test_a_row_says_what_a_user_must_know(name):
    row = ROWS[name]
    assert row.task
    assert row.about.endswith((".", "?"))
    assert re.fullmatch(r"10\.\d{4,9}/\S+|", row.paper)
    free = all(part.strip().split(" (")[0] in FREE for part in row.licence.split(","))
    assert free or "not for commercial use" in row.licence or "research" in row.licence, row.licence
    assert row.trained_on or name in PARTS, f"say in trained_on what {name} learned from"


@pytest.mark.parametrize("name", [name for name, row in ROWS.items() if isinstance(row.bundle, Snapshot)])
def test_a_snapshot_says_what_it_weighs(name):
    row = ROWS[name]
    assert row.megabytes > 0, f"say in megabytes how much of a download {name} is"
    assert row.parameters > 0
    assert 0.9 < row.megabytes / row.parameters < 4.6, "a parameter is one to four bytes, and there is a tokenizer"


@pytest.mark.parametrize("name", ROWS)
def test_the_text_of_a_row_says_the_same_numbers(name):
    row = ROWS[name]
    for number, scale in re.findall(r"([\d.,]*\d) (million|billion) parameters", row.about):
        told = float(number.replace(",", "")) * (1000 if scale == "billion" else 1)
        assert row.parameters == pytest.approx(told, rel=0.05)


def test_the_page_names_every_model_once(choose):
    named = choose.named(choose.PAGE.read_text(encoding="utf-8"))
    assert sorted(named) == sorted(ROWS.keys() - PARTS)


def test_the_tables_are_in_step_with_the_rows(choose):
    page = choose.PAGE.read_text(encoding="utf-8")
    assert choose.filled(page) == page, "run  python docs/choose.py"
    assert choose.filled("no table") == "no table"
    line = "| [mini-xception](models.md#mini-xception) | package index | 0.873 | 0.06 | MIT |"
    assert line in choose.table(["mini-xception"])
    assert "| made of efficientnet-lite0, imagenet-names, minilm |  |  |" in choose.table(["conse"])
    assert "| the hub | 3,090 | 1,550 | MIT |" in choose.table(["whisper-large-v3"])


def test_the_list_of_models_says_how_much_each_is(tmp_path, monkeypatch):
    monkeypatch.setenv("STUDIUM_CACHE", str(tmp_path))
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path))
    listed = [line.split("\t") for line in CliRunner().invoke(models, ["list"]).output.splitlines()]
    assert listed[0] == ["model", "task", "size", "licence", "cached"]
    sizes = {line[0]: line[2] for line in listed[1:]}
    assert sizes["minilm"] == "23.39 MB"
    assert sizes["whisper-base"] == "145.00 MB"
    assert sizes["conse"] == "uses efficientnet-lite0, imagenet-names, minilm"
    assert "on the hub" not in sizes.values()
