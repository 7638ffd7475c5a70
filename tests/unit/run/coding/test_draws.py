"""Samples of a study: by every design, kept with all that figures of them need."""

import csv
import math
from collections import Counter
from pathlib import Path

import handwritten
import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image

from studium import Corpus, sources
from studium.cli import cli
from studium.coding.sample import share, simple
from studium.core.records import ClusterEdit
from studium.errors import InputError, UnknownNameError
from studium.run.coding.taken import seed_of


@pytest.fixture(scope="module")
def corpus(tmp_path_factory):
    return handwritten.study(tmp_path_factory.mktemp("drawn"))


@pytest.fixture(autouse=True)
def without_samples(corpus):
    yield
    for path in corpus.root.glob("studium.db*"):
        path.unlink()


def test_simple(corpus):
    made = corpus.draw_sample("first", of="image", n=50, who="ada")
    with corpus.records() as records:
        kept = records.samples.get("first")
    assert kept == made
    assert (kept.who, kept.of, kept.pairs) == ("ada", "image", False)
    assert {one.chance for one in kept.units} == {50 / 400}
    assert {one.stratum for one in kept.units} == {None}
    assert kept.design == {
        "design": "simple", "seed": 0, "frame": 400, "drawn": 50, "left_out": {}, "behind": [],
        "estimates": "all units of the frame",
    }  # fmt: skip
    ids = [one.unit for one in kept.units]
    assert len(set(ids)) == 50
    assert ids != sorted(ids), "in a random order: what is coded when time is up is a sample too"
    again = corpus.draw_sample("second", of="image", n=50)
    assert [one.unit for one in again.units] == ids, "the same seed draws the same units"
    other = corpus.draw_sample("third", of="image", n=50, seed=1)
    assert {one.unit for one in other.units} != set(ids)


def test_the_order_of_units_on_disk_says_nothing(corpus, tmp_path):
    """Two studies of the same pictures draw the same."""
    turned = Corpus(tmp_path)
    for folder in sorted((corpus.root / "media").iterdir(), reverse=True):
        turned.add(sources.folder(folder))
    one, other = (study.draw_sample("a", of="image", n=20) for study in (corpus, turned))
    assert [unit.unit for unit in one.units] == [unit.unit for unit in other.units]


def test_strata_of_a_column(corpus):
    clusters = handwritten.clusterings(corpus)[0].removeprefix("image/")
    found = corpus.draw_sample(
        "parts", of="image", n=64, design="stratified", by=f"{clusters}.cluster", allocation="equal"
    )
    strata = found.design["strata"]
    assert len(strata) == 8
    assert {one["drawn"] for one in strata.values()} == {8}
    assert sum(one["units"] for one in strata.values()) == 400
    assert Counter(one.stratum for one in found.units) == dict.fromkeys(strata, 8)
    assert all(one.chance == pytest.approx(8 / strata[one.stratum]["units"]) for one in found.units)
    (behind,) = found.design["behind"]
    assert behind["table"] == f"image/{clusters}"
    assert {"name", "version", "key", "models"} < set(behind)
    digit = handwritten.classes(corpus)
    got = share([digit[one.unit] == "3" for one in found.units], [one.chance for one in found.units],
                [one.stratum for one in found.units])  # fmt: skip
    assert got.low < sum(one == "3" for one in digit.values()) / 400 < got.high


def test_strata_of_numbers_and_what_people_made_of_clusters(corpus):
    cut = corpus.draw_sample("cut", of="image", n=40, design="stratified", by="ink", bins=3)
    sizes = [one["units"] for one in cut.design["strata"].values()]
    assert len(sizes) == 3
    assert max(sizes) - min(sizes) < 10
    table = handwritten.clusterings(corpus)[0]
    with corpus.records() as records:
        from datetime import UTC, datetime

        for number, name, into in ((0, "zeros", None), (1, None, 0)):
            records.clusters.add(ClusterEdit(table, number, name, into, "ann", datetime.now(UTC)))
    by = f"{table.removeprefix('image/')}.name"
    named = corpus.draw_sample("named", of="image", n=40, design="stratified", by=by)
    before = [c["size"] for c in corpus.store.tables("image")[-2].result()["clusters"]]
    assert named.design["strata"]["zeros"]["units"] == before[0] + before[1]
    assert len(named.design["strata"]) == len(before) - 1


def test_units_without_a_value_are_a_stratum_of_their_own(corpus):
    by = handwritten.clusterings(corpus)[1].removeprefix("image/")  # 3 % are in no cluster
    found = corpus.draw_sample("loose", of="image", n=100, design="stratified", by=by)
    assert found.design["strata"]["(none)"]["units"] == 11
    assert sum(1 / one.chance for one in found.units) == pytest.approx(400)


def test_neyman_by_what_differs(corpus):
    """Of strata in which the column hardly differs fewer units are drawn, for their size."""
    asked = {"of": "image", "n": 60, "design": "stratified", "by": "label", "allocation": "neyman"}
    numbers = corpus.draw_sample("numbers", spread="ink", **asked)
    ink = dict(zip(*(corpus.table("image", "ink")[name].to_pylist() for name in ("unit", "ink")), strict=True))
    digit = handwritten.classes(corpus)
    sizes = Counter(digit.values())
    spread = {d: np.std([ink[u] for u in digit if digit[u] == d], ddof=1) for d in sizes}
    total = sum(sizes[d] * spread[d] for d in sizes)
    for d, one in numbers.design["strata"].items():
        assert abs(one["drawn"] - 60 * sizes[d] * spread[d] / total) < 1
    classes = corpus.draw_sample("classes", spread=handwritten.clusterings(corpus)[0].removeprefix("image/"), **asked)
    assert len(classes.design["behind"]) == 1
    assert sum(one["drawn"] for one in classes.design["strata"].values()) == 60


def test_whole_clusters(corpus):
    found = corpus.draw_sample("whole", of="image", n=3, design="clusters", by="label")
    digit = handwritten.classes(corpus)
    drawn = {digit[one.unit] for one in found.units}
    assert len(drawn) == 3
    assert len(found.units) == sum(one in drawn for one in digit.values())
    assert {one.chance for one in found.units} == {0.3}
    assert {name for name, one in found.design["strata"].items() if one["drawn"]} == drawn


def test_purposive_tells_of_nothing_else(corpus):
    ids = corpus.units("image")["id"].to_pylist()[:3]
    found = corpus.draw_sample("lasso", of="image", design="purposive", units=[*ids, ids[0]])
    assert {one.unit for one in found.units} == set(ids)
    assert {one.chance for one in found.units} == {1.0}
    assert found.design["frame"] == 3
    assert "no population" in found.design["estimates"]
    with pytest.raises(UnknownNameError, match="no image unit 'nobody'"):
        corpus.draw_sample("other", of="image", design="purposive", units=["nobody"])


def test_what_was_drawn_before_and_what_is_held_out(corpus):
    corpus.draw_sample("early", of="image", n=100)
    early = units(corpus, "early")
    corpus.draw_sample("test", of="image", n=80, design="holdout")
    test = units(corpus, "test")
    assert not early & test
    rest = corpus.draw_sample("rest", of="image", n=220, fresh=True)
    assert rest.design["frame"] == 220
    assert rest.design["left_out"] == {"held out": 80, "drawn by other samples": 100}
    assert not units(corpus, "rest") & (early | test)
    common = corpus.draw_sample("common", of="image", n=320)
    assert common.design["left_out"] == {"held out": 80}
    assert units(corpus, "common") >= early
    with pytest.raises(InputError, match=r"1 of the units are held out"):
        corpus.draw_sample("lasso", of="image", design="purposive", units=[min(test), min(early)])
    with pytest.raises(InputError, match="no image unit is left to draw"):
        corpus.draw_sample("none", of="image", n=1, fresh=True)


def test_what_is_left_is_drawn_with_other_random_numbers(corpus):
    """With the same ones, some of the units that a first sample left have three quarters of the chance of others."""
    gone, often, there = 60, np.zeros(200), np.zeros(200)
    for seed in range(3000):
        rest = np.setdiff1d(np.arange(200), simple(200, gone, seed).rows)
        there[rest] += 1
        often[rest[simple(140, 60, seed_of(seed, gone)).rows]] += 1
    assert np.abs(often / there - 60 / 140).max() < 0.05  # 4.6 standard errors
    first, fresh = (corpus.draw_sample(name, of="image", n=60, fresh=True) for name in ("first", "fresh"))
    rest = sorted({*corpus.units("image")["id"].to_pylist()} - {one.unit for one in first.units})
    same = {rest[row] for row in simple(340, 60, 0).rows.tolist()}
    assert {one.unit for one in fresh.units} != same
    assert fresh.design["seed"] == 0, "the one that was asked for"


def test_near_duplicates_once(corpus, tmp_path):
    """Of pictures that are nearly the same one is coded, with the probability of all of them."""
    study = handwritten.study(tmp_path, 60)
    study.duplicates("image", by="pixels", threshold=0.9)
    rows = study.table("image", "duplicates").to_pylist()
    groups = {row["unit"]: row["group"] for row in rows if row["group"] is not None}
    assert len(groups) > 2
    for name, asked in (("simple", {}), ("parts", {"design": "stratified", "by": "ink", "bins": 2})):
        for seed in range(5):
            found = study.draw_sample(f"{name}{seed}", of="image", n=20, seed=seed, **asked)
            drawn = [(groups[one.unit], one.stratum) for one in found.units if one.unit in groups]
            assert len(set(drawn)) == len(drawn)
    each = study.draw_sample("each", of="image", n=60, once=False)
    assert {one.chance for one in each.units} == {1.0}
    told = {unit: "0" if name in "01234" else "1" for unit, name in handwritten.classes(study).items()}
    codes = "".join(f"{unit},{value}\n" for unit, value in told.items() if unit not in groups)
    (tmp_path / "coded.csv").write_text(f"unit,value\n{codes}")
    study.train("digit", on={"image": "pixels"}, labels=tmp_path / "coded.csv", name="digits")
    study.predict("digits")
    of = {"of": "image", "design": "uncertainty", "by": "digits", "n": len(groups)}
    each = study.draw_sample("unsure, each", once=False, **of)
    assert {one.unit for one in each.units} == set(groups)
    once = study.draw_sample("unsure", **of)
    assert len(once.units) == len({groups[one.unit] for one in once.units}) == len(set(groups.values()))


def test_broken_pictures_are_left_out_and_counted(tmp_path):
    rng = np.random.default_rng(0)
    (tmp_path / "media").mkdir()
    for at in range(12):
        path = tmp_path / "media" / f"{at:02}.png"
        Image.fromarray(rng.integers(0, 255, (16, 16, 3), np.uint8)).save(path)
        if at < 2:
            path.write_bytes(path.read_bytes()[:200])
    study = Corpus(tmp_path)
    study.add(sources.folder(tmp_path / "media"))
    every = {row["path"]: row["id"] for row in study.units("image").to_pylist()}
    before = study.draw_sample("before", of="image", n=12)
    assert before.design["left_out"] == {}, "nobody knows yet"
    study.measure("colour", of="image")
    broken = {unit for path, unit in every.items() if Path(path).stem in ("00", "01")}
    command = f"sample after --of image -n 10 --study {tmp_path}".split()
    said = CliRunner().invoke(cli, command, catch_exceptions=False).output
    assert "10 of 10 image units" in said
    assert "left out: 2 units (could not be decoded, see the failures)" in said
    with study.records() as records:
        after = records.samples.get("after")
    assert {one.unit for one in after.units} == {*every.values()} - broken
    half = study.draw_sample("half", of="image", n=5)
    assert ({one.chance for one in half.units}, half.design["frame"]) == ({0.5}, 10)
    chosen = study.draw_sample("chosen", of="image", design="purposive", units=sorted(broken))
    assert len(chosen.units) == 2, "who names them wants them"


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ({"of": "video"}, "no video units to draw from"),
        ({"of": "image", "n": 401}, "from 1 to 400 units to draw, got 401"),
        ({"of": "image", "design": "stratified"}, "by is the column"),
        ({"of": "image", "by": "ink"}, "by is the column"),
        ({"of": "image", "design": "optimal"}, "design should be one of"),
        ({"of": "image", "units": ["a"]}, "units are named for purposive"),
        ({"of": "image", "design": "stratified", "by": "ink", "allocation": "neyman"}, "spread is a column"),
        ({"of": "image", "design": "stratified", "by": "pixels"}, "lists or bytes"),
        ({"of": "image", "design": "stratified", "by": "nothing"}, "no column 'nothing'"),
        ({"of": "image", "design": "stratified", "by": "ink.nothing"}, "no column"),
        ({"of": "image", "design": "stratified", "by": "label", "n": 19}, "from 20 units"),
        ({"of": "image", "design": "stratified", "by": "cluster"}, "several tables"),
        ({"of": "image", "n": 2, "typo": 1}, "typo"),
    ],
)  # fmt: skip
def test_refusals(corpus, asked, message):
    with pytest.raises(InputError, match=message):
        corpus.draw_sample("bad", **asked)
    with corpus.records() as records:
        assert records.samples.names() == []


def test_a_name_is_used_once(corpus):
    corpus.draw_sample("a", of="image", n=2)
    with pytest.raises(InputError, match="a sample 'a' already"):
        corpus.draw_sample("a", of="image", n=3)
    with pytest.raises(InputError, match="needs a name"):
        corpus.draw_sample(" ", of="image", n=3)


def test_the_command_line(corpus, tmp_path):
    to, ids = tmp_path / "sheet.csv", tmp_path / "ids.txt"
    said = run(corpus, f"sample parts --of image -n 30 --design stratified --by label --to {to}")
    assert "30 of 400 image units; sample parts, seed 0" in said
    assert "0\t41\t3" in said
    with to.open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["unit"] for row in rows] == [one.unit for one in sample(corpus, "parts").units]
    assert all((corpus.root / "media").name in row["path"] or row["path"].endswith(".png") for row in rows)
    assert math.fsum(float(row["weight"]) for row in rows) == pytest.approx(400)
    assert "stratum" not in rows[0]
    ids.write_text("\n".join(row["unit"] for row in rows[:2]) + "\n")
    said = run(corpus, f"sample seen --of image --design purposive --units {ids}")
    assert "2 of 2 image units" in said
    assert "no population" in said
    listed = run(corpus, "samples").splitlines()
    assert listed[0].startswith("sample\tof\tdesign\tby\tdrawn\tframe")
    assert [line.split("\t")[:6] for line in listed[1:]] == [
        ["parts", "image", "stratified", "label", "30", "400"], ["seen", "image", "purposive", "", "2", "2"]
    ]  # fmt: skip


def run(corpus, command):
    return CliRunner().invoke(cli, [*command.split(), "--study", str(corpus.root)], catch_exceptions=False).output


def sample(corpus, name):
    with corpus.records() as records:
        return records.samples.get(name)


def units(corpus, name):
    return {one.unit for one in sample(corpus, name).units}
