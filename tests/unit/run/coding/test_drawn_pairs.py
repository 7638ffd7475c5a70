"""Clusterings judged by coded pairs: from the draw to figures, differences and agreement, on handwritten digits."""

import math
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import handwritten
import numpy as np
import pytest
from click.testing import CliRunner

from studium.cli import cli
from studium.core.annotation import Annotation
from studium.core.pair import units_of
from studium.core.records import Adjudication
from studium.core.records.clusters import ClusterEdit
from studium.errors import InputError, UnknownNameError

AT = datetime(2026, 3, 1, tzinfo=UTC)


@pytest.fixture(scope="module")
def corpus(tmp_path_factory):
    return handwritten.study(tmp_path_factory.mktemp("pairs"))


@pytest.fixture(autouse=True)
def without_records(corpus):
    yield
    for path in corpus.root.glob("studium.db*"):
        path.unlink()


def coded(corpus, sample, answer, coder="ada", minutes=0):
    """Have a coder answer for each pair: a value, None, or ... for no answer at all."""
    digest = corpus.codebook["same"].digest
    told = {one.unit: answer(*units_of(one.unit)) for one in sample.units}
    rows = [
        Annotation(pair, "same", value, coder, AT + timedelta(minutes=minutes), digest, sample=sample.name)
        for pair, value in told.items()
        if value is not ...
    ]
    with corpus.records() as records:
        records.annotate(rows)


def perfect(corpus):
    digit = handwritten.classes(corpus)
    return lambda one, other: "yes" if digit[one] == digit[other] else "no"


def truth(corpus, table):
    """Share of pairs within clusters, mean share of clusters, recall: of all pairs there are."""
    digit = handwritten.classes(corpus)
    rows = corpus.table("image", table.removeprefix("image/").replace("-", ":")).to_pylist()
    label = np.array([row["cluster"] for row in rows])
    shown = np.array([digit[row["unit"]] for row in rows])
    i, j = np.triu_indices(len(rows), 1)
    together, same = (label[i] == label[j]) & (label[i] >= 0), shown[i] == shown[j]
    each = [np.mean(same[together & (label[i] == k)]) for k in range(label.max() + 1)]
    return same[together].mean(), np.mean(each), together[same].mean()


def test_from_the_draw_to_the_result(corpus):
    tables = handwritten.clusterings(corpus)
    sample = corpus.draw_pairs("same digit", tables, n=900, across=900, who="ada")
    assert sample.pairs
    assert 1500 < len(sample.units) <= 1800
    design = sample.design
    assert (design["design"], design["frame"], design["units"]) == ("pairs", 400 * 399 // 2, 400)
    assert [one["table"] for one in design["configurations"]] == tables
    names = [one["name"] for one in design["configurations"]]
    assert [name.split(", ")[1:] for name in names] == [["threshold = 0.04"], ["threshold = 0.15"]]
    assert [one["key"] for one in design["behind"]] == [table[-8:] for table in tables]
    within = [any(c != "-" for c in one.stratum.split()) for one in sample.units]
    runs = 1 + sum(a != b for a, b in pairwise(within))
    assert runs > 200, "in a random order: nobody can tell from where a pair is"

    coded(corpus, sample, perfect(corpus))
    coded(corpus, sample, perfect(corpus), "ben")
    found = corpus.pairs("same digit")
    assert (found.variable, found.same, found.coders) == ("same", ("yes",), ("ada", "ben"))
    assert (found.votes.known, found.votes.majority, found.votes.ties) == (len(sample.units), 0, 0)
    assert found.agreement["krippendorff_alpha"].value == 1
    for one, table in zip(found.configurations, tables, strict=True):
        figures = (one.found.share, one.found.cluster_share, one.found.recall)
        for figure, true in zip(figures, truth(corpus, table), strict=True):
            assert figure.low < true < figure.high
            assert figure.bootstrap_low <= figure.value <= figure.bootstrap_high
            assert abs(figure.value - true) < 0.1
    by = {one.measure: one for one in found.differences}
    assert set(by) == {"share", "cluster_share", "recall", "f1"}
    assert (by["share"].a, by["share"].b) == (tables[0], tables[1])
    assert by["share"].low > 0, "17 clusters are purer than 8"
    assert by["recall"].high < 0, "and split what belongs together"
    assert by["share"].p_holm == by["share"].p, "of two configurations there is one difference a figure"


def test_without_pairs_across_who_splits_more_always_wins(corpus):
    """What is the same and lies apart is not seen: with them recall tells, without them it is all but 1."""
    tables = handwritten.clusterings(corpus)
    for name, across in (("with", 900), ("without", 0)):
        sample = corpus.draw_pairs(name, tables[1:], n=500, across=across)
        coded(corpus, sample, perfect(corpus))
    recalls = [corpus.pairs(name).configurations[0].found.recall.value for name in ("with", "without")]
    assert recalls[0] < 0.9
    assert recalls[1] == 1


def test_decisions_count_first_then_the_majority(corpus):
    sample = corpus.draw_pairs("few", handwritten.clusterings(corpus), n=40, across=10)
    pairs = [one.unit for one in sample.units]
    place = {pair: at for at, pair in enumerate(pairs)}

    def says(odd):
        def answer(one, other):
            at = place[f"{one}+{other}"]
            return ... if at == 0 else odd.get(at, "yes")

        return answer

    coded(corpus, sample, says({}))
    coded(corpus, sample, says({1: "no", 2: "no", 3: None, 4: None, 5: "no"}), "ben")
    coded(corpus, sample, says({1: "no", 2: None, 3: None, 4: ..., 5: ...}), "cleo")
    coded(corpus, sample, says({4: None, 6: ...}), "ada", minutes=1)  # changes their mind, as the last word
    with corpus.records() as records:
        digest = corpus.codebook["same"].digest
        for at, value in ((5, "no"), (7, None)):
            decision = Adjudication(pairs[at], "same", value, {}, "eve", AT, digest)
            records.adjudications.add(decision)
    votes = corpus.pairs("few").votes
    assert votes.same[:8] == [None, False, None, True, None, False, True, None]
    assert (votes.uncoded, votes.adjudicated, votes.ties, votes.majority, votes.cannot_tell) == (1, 1, 1, 1, 2)
    assert votes.known == len(pairs) - 4
    assert votes.coded_once == 0


def test_codes_by_another_definition_do_not_count(corpus):
    sample = corpus.draw_pairs("few", handwritten.clusterings(corpus), n=20, across=0)
    with corpus.records() as records:
        records.annotate([Annotation(one.unit, "same", "yes", "ada", AT, "old") for one in sample.units])
    found = corpus.pairs("few")
    assert found.votes.uncoded == len(sample.units)
    assert found.agreement is None
    assert all(math.isnan(one.found.share.value) for one in found.configurations)
    assert all(math.isnan(one.p_holm) for one in found.differences)


def test_the_result_needs_no_tables(corpus, tmp_path):
    """Who deletes the clusters keeps what was found of them."""
    study = handwritten.study(tmp_path, 120)
    sample = study.draw_pairs("few", handwritten.clusterings(study), n=60)
    coded(study, sample, perfect(study))
    before = study.pairs("few")
    import shutil

    shutil.rmtree(study.root / "tables")
    assert study.pairs("few") == before


def merge(corpus, table, *pairs):
    with corpus.records() as records:
        for part, whole in pairs:
            records.clusters.add(ClusterEdit(table, part, None, whole, "ann", AT))


def test_clusters_that_people_merged_are_one(corpus):
    """By the digits that pairs are of: what was parted lies together, and is drawn and judged so."""
    table = handwritten.clusterings(corpus)[0]
    rows = corpus.table("image", table.removeprefix("image/").replace("-", ":")).to_pylist()
    into = {1: 0, 4: 0, 2: 3}
    merge(corpus, table, *into.items())
    label = {row["unit"]: into.get(row["cluster"], row["cluster"]) for row in rows}
    sample = corpus.draw_pairs("merged", [table], n=300, across=300)
    (design,) = sample.design["configurations"]
    assert design["clusters"] == len({*label.values()} - {-1})
    assert design["name"].split(", ")[1] == "3 merged by hand"
    assert design["sizes"][0] == sum(one == 0 for one in label.values())
    assert design["sizes"][1] == design["sizes"][2] == 0
    for one in sample.units:
        a, b = (label[unit] for unit in units_of(one.unit))
        assert one.stratum == (str(a) if a == b and a >= 0 else "-")

    coded(corpus, sample, perfect(corpus))
    (found,) = corpus.pairs("merged").configurations
    digit, units = handwritten.classes(corpus), sorted(label)
    i, j = np.triu_indices(len(units), 1)
    k, shown = np.array([label[unit] for unit in units]), np.array([digit[unit] for unit in units])
    together, same = (k[i] == k[j]) & (k[i] >= 0), shown[i] == shown[j]
    assert found.found.share.low < same[together].mean() < found.found.share.high
    assert found.found.recall.low < together[same].mean() < found.found.recall.high
    assert (found.merged, found.changed) == (3, False)

    merge(corpus, table, (5, 6))
    (later,) = corpus.pairs("merged").configurations
    assert (later.found, later.merged, later.changed) == (found.found, 3, True)
    said = run(corpus, "pairs result merged")
    assert f"{table}: 3 of its clusters were merged by hand" in said
    assert "merged or parted after the pairs were drawn" in said


def test_refusals(corpus):
    tables = handwritten.clusterings(corpus)
    for asked, message in (
        ((), "one or more tables"),
        ((tables[0], tables[0]), "each once"),
        (("cluster-81e549e3",), "expected kind/table"),
        (("image/pixels",), "no finished table of clusters"),
    ):
        with pytest.raises(InputError, match=message):
            corpus.draw_pairs("bad", asked)
    with pytest.raises(UnknownNameError, match="no table 'cluster-0'"):
        corpus.draw_pairs("bad", ["image/cluster-0"])
    with pytest.raises(InputError, match="weighting should be one of"):
        corpus.draw_pairs("bad", tables, weighting="area")
    corpus.draw_sample("units", of="image", n=5)
    with pytest.raises(InputError, match="no sample of pairs"):
        corpus.pairs("units")
    with pytest.raises(UnknownNameError, match="no sample 'nothing'"):
        corpus.pairs("nothing")
    corpus.draw_pairs("few", tables, n=10)
    with pytest.raises(InputError, match="a sample 'few' already"):
        corpus.draw_pairs("few", tables, n=10)
    with pytest.raises(InputError, match="not about pairs"):
        corpus.pairs("few", "digit")
    with pytest.raises(UnknownNameError, match="no value 'perhaps'; it has yes, no"):
        corpus.pairs("few", "same", ["perhaps"])


def test_the_command_line(corpus):
    tables = handwritten.clusterings(corpus)
    options = " ".join(f"--configuration {table}" for table in tables)
    said = run(corpus, f"pairs draw few {options} -n 100 --across 20 --weighting cluster")
    assert "pairs of image units" in said
    with corpus.records() as records:
        sample = records.samples.get("few")
    assert sample.design["weighting"] == "cluster"
    nothing = run(corpus, "pairs result few")
    assert "nan" not in nothing
    assert nothing.count("n/a") == 2 * 4 + 4 * 4, "figures, and their differences"
    coded(corpus, sample, perfect(corpus))
    told = run(corpus, "pairs result few")
    assert tables[0] in told
    assert "share of clusters" in told
    assert "p (Holm)" in told
    assert f"{len(sample.units)} of {len(sample.units)} pairs have an answer" in told
    assert "fewer than two coders" in told
    coded(corpus, sample, perfect(corpus), "ben")
    assert "krippendorff_alpha\t1.000" in run(corpus, "pairs result few --same yes")


def run(corpus, command):
    return CliRunner().invoke(cli, [*command.split(), "--study", str(corpus.root)], catch_exceptions=False).output
