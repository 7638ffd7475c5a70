"""What a run may spend: it ends in order, what was answered is kept, and the next one goes on."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from studium import Corpus, sources
from studium.errors import BudgetError, InputError

STUDIUM = Path(sys.executable).with_name("studium")
PICTURES = 40


@pytest.fixture
def corpus(tmp_path) -> Corpus:
    """Forty pictures, and a study file that lets a tenth of a cent be spent on every run."""
    rng, folder = np.random.default_rng(0), tmp_path / "study" / "images"
    folder.mkdir(parents=True)
    for at in range(PICTURES):
        Image.fromarray(rng.integers(0, 256, (90, 90, 3), np.uint8)).save(folder / f"{at}.png")
    (tmp_path / "study" / "studium.toml").write_text(
        '[remote]\nbudget = 0.015\n[[source]]\nfolder = "images"\n[[step]]\nmeasure = "rekognition"\nof = "image"\n'
    )
    opened = Corpus(tmp_path / "study", allow_remote=True)
    opened.add(sources.folder(folder))
    return opened


def manifest(corpus: Corpus) -> dict[str, object]:
    newest = max((corpus.root / "runs").glob("*.json"), key=lambda path: path.stat().st_mtime_ns)
    return dict(json.loads(newest.read_text()))


def rows(corpus: Corpus) -> int:
    return sum(table.read(["unit"]).num_rows for table in corpus.store.tables())


def test_a_budget_that_is_none_is_refused(tmp_path):
    for budget in (-1, float("nan"), float("inf")):
        with pytest.raises(InputError, match="budget should be a number of US dollars"):
            Corpus(tmp_path, budget=budget)


def test_a_run_spends_its_budget_and_the_next_one_goes_on(corpus, services):
    with pytest.raises(BudgetError, match=r"the budget of 0\.015 USD is used up: 0\.0150 USD were spent"):
        corpus.run()
    assert len(services.log) == 15, "to the last cent, and not beyond"
    assert corpus.failures().num_rows == 0, "what was not asked is no failure"
    said = manifest(corpus)
    assert (said["status"], said["spent_usd"]) == ("failed", pytest.approx(0.015))
    written = rows(corpus)
    with pytest.raises(BudgetError):
        corpus.run()
    assert len(services.log) == 30, "what was answered is not asked again"
    assert rows(corpus) >= written
    corpus.run()
    assert (len(services.log), rows(corpus)) == (PICTURES, PICTURES)
    assert len({request.jpeg for request in services.log}) == PICTURES
    assert manifest(corpus)["spent_usd"] == pytest.approx(0.010)
    assert not list((corpus.root / "runs").glob("*.lock"))


def test_by_hand_a_budget_is_an_option_and_its_end_an_error(corpus, services):
    command = [STUDIUM, "run", "--allow-remote", "--budget", "0.005", "--study", corpus.root]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "the budget of the run is 0.005 USD, and will not do for all of them" in done.stderr
    assert done.stderr.splitlines()[-1].startswith("BudgetError: the budget of 0.005 USD is used up")
    assert len(services.log) == 5


def test_a_run_that_spends_nothing_keeps_no_ledger(corpus, services):
    corpus.measure("pdq", of="image")
    assert "spent_usd" not in manifest(corpus)
    assert not list((corpus.root / "runs").glob("*.spent"))
