"""What commands share: parameters on the command line, and tables on and off a terminal."""

import ast
import os
import pty

import click
import pytest

from studium.cli.common import parameters, print_table

HOSTILE = "a\tb\rc\nd\x1b[31me\x00f\x85g\u2028h\\i\udcffj"


@pytest.fixture
def terminal(monkeypatch):
    """Print a table on a pseudo-terminal; what came out of it."""
    monkeypatch.setenv("TERM", "dumb")
    monkeypatch.setenv("COLUMNS", "60")

    def shown(names, rows):
        ours, theirs = pty.openpty()
        try:
            with os.fdopen(theirs, "w", encoding="utf-8") as screen, monkeypatch.context() as patch:
                patch.setattr("sys.stdout", screen)
                print_table(names, rows)
                screen.flush()
                return os.read(ours, 1 << 16).decode()
        finally:
            os.close(ours)

    return shown


def cells(screen):
    """The text of every row below the head."""
    return [line.strip("│ ") for line in screen.splitlines() if line.startswith("│")]


def test_no_parameters():
    assert parameters([]) == {}


def test_parameters_are_toml_and_else_text():
    given = ["step=5", "threshold=.5", "fast=true", "sizes=[1, 2]", " model = conse", "text="]
    expected = {"step": 5, "threshold": ".5", "fast": True, "sizes": [1, 2], "model": " conse", "text": ""}
    assert parameters(given) == expected


@pytest.mark.parametrize("name", ["of", "by", "retry", "study", "path", "name", "self"])
def test_names_that_commands_take_themselves_are_refused(name):
    with pytest.raises(click.BadParameter, match=f"'{name}' is reserved"):
        parameters(["step=5", f" {name} =x"])
    assert parameters([f"{name}s=1"]) == {f"{name}s": 1}


def test_no_rows(terminal, capsys):
    print_table(["path", "n"], [])
    assert capsys.readouterr().out == "path\tn\n"
    assert "path" in terminal(["path", "n"], [])


def test_rows_off_a_terminal_stay_rows(capsys):
    print_table(["path", "n"], [(HOSTILE, 1), ("[b]é 👩\u200d🔬", 2)])
    lines = capsys.readouterr().out.split("\n")
    assert lines[1:] == ["a\\tb\\rc\\nd\\x1b[31me\\x00f\\x85g\\u2028h\\\\i\\udcffj\t1", "[b]é 👩\u200d🔬\t2", ""]
    assert ast.literal_eval(f'"{lines[1].split(chr(9))[0]}"') == HOSTILE, "nothing is lost"


@pytest.mark.parametrize("text", ["[b]/x.png", "[/b]", "[link=file:x]y[/link]", ":smile:", "a\\[b]", "50 %", "é"])
def test_cells_on_a_terminal_are_no_markup(terminal, text):
    assert cells(terminal(["path"], [(text,)])) == [text]


def test_control_characters_do_not_reach_a_terminal(terminal):
    assert cells(terminal(["path"], [(HOSTILE,)])) == ["a b c d[31mef g h\\ij"]


def test_a_long_path_is_whole_on_a_terminal(terminal):
    path = "/".join(["folder"] * 20)
    assert "".join(cells(terminal(["path"], [(path,)]))) == path
