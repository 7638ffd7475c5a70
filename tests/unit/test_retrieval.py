"""The figures of benchmarks/retrieval.py hold: captions find photographs of things, and few labels calibrate."""

import importlib.util
from pathlib import Path

import numpy as np
import pytest

from studium.measure import encoders
from studium.media.image import decode

BENCHMARK = Path(__file__).resolve().parents[2] / "benchmarks" / "retrieval.py"


@pytest.fixture(scope="module")
def benchmark():
    spec = importlib.util.spec_from_file_location("retrieval_benchmark", BENCHMARK)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.slow
def test_the_bars_hold(benchmark, capsys):
    whole = benchmark.stamps()
    sets = benchmark.rows(whole)
    assert (len(whole.paths), len(sets["371"]), len(sets["things"])) == (785, 371, 341)
    which = sets["371"]
    given = benchmark.Stamps(
        [whole.paths[i] for i in which], [whole.captions[i] for i in which], whole.folders[which], whole.cartoon[which]
    )
    pictures = encoders.encode_images("conse", [decode(path) for path in given.paths])
    found = benchmark.print_retrieval(given, pictures, encoders.encode_text("conse", given.captions))
    to_picture, to_text = found["things"]
    assert to_picture.recall[1] >= 0.31
    assert to_picture.recall[10] >= 0.58
    assert to_text.recall[10] >= 0.5
    assert found["371"][0].recall[1] >= 0.305
    assert found["371"][0].recall[10] >= 0.575
    told = benchmark.print_zero_shot(given, pictures, "conse")
    assert told["accuracy"] > 1.4 * told["chance"]
    assert told["after"] < told["before"] / 2, "log-loss"
    assert "macro-F1" in capsys.readouterr().out


def test_equal_captions_are_one_text(benchmark):
    to_picture, to_text = benchmark.both_ways(np.eye(3), np.eye(3)[[0, 0, 2]], ["a", "a", "b"])
    assert (to_picture.n, to_picture.among, to_picture.recall[1]) == (2, 3, 1.0)
    assert (to_text.n, to_text.among) == (3, 2)
    assert to_text.recall[1] == pytest.approx(2 / 3), "the second picture is as near to both"
