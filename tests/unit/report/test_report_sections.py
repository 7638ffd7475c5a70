"""The sections, on tables whose every number is known."""

import json
import math

import numpy as np
import page_checks
import pytest

from studium.core.recipe import Recipe
from studium.report import write
from studium.report.clusters import clusterings
from studium.report.duplicates import duplicates
from studium.report.ledger import ledger, reasons
from studium.report.maps import maps
from studium.report.reading import Reading
from studium.report.variables import labels, variables


def reading(corpus):
    return Reading(corpus.root, corpus.store, corpus.study)


def text_of(corpus):
    return page_checks.read(write(corpus).read_text(encoding="utf-8")).text


def test_reasons():
    assert reasons([]) == []
    rows = [{"error": e, "where": str(i), "message": "m"} for i, e in enumerate("ABBBBA")]
    found = reasons(rows)
    assert [(r.error, r.n, r.examples) for r in found] == [
        ("B", 4, [("1", "m"), ("2", "m"), ("3", "m")]),
        ("A", 2, [("0", "m"), ("5", "m")]),
    ]


def test_ledger_counts(images, table):
    table(images, "score", {"x": ("float32", [1, 2])})
    made = images.store.find("image", "score")
    last = max(images.units("image")["id"].to_pylist())
    made.fail([(last, "TruncatedFileError", f"{images.root.resolve()}/images/a.jpg: it ends")])
    found = ledger(reading(images))
    (kind,) = found.kinds
    assert (kind.name, kind.units, kind.places, kind.copies) == ("image", 5, 6, 1)
    (log,) = found.tables
    assert (log.units, log.rows, log.failed, log.waiting) == (5, 2, 1, 2)
    (failure,) = found.failures
    assert failure.tables == ["score"]
    assert failure.examples[0][1] == "images/a.jpg: it ends"
    assert [s.found for s in found.sources] == [[("image", 6)]]


def test_distributions(images, table):
    table(images, "score", {"x": ("float32", [1, 2, 4, math.nan]), "n": ("int32", [3, 3, 3, 3])})
    (score,) = variables(reading(images), "image")
    x, n = score.numbers
    assert (x.n, x.missing, x.median) == (3, 2, "2")
    assert "3 values from 1 to 4, median 2" in x.chart
    assert (n.n, n.missing, n.median, n.chart) == (4, 1, "3 (all the same)", None)


def test_a_column_without_any_value(images, table):
    table(images, "score", {"x": ("float32", [math.nan, math.inf])})
    (score,) = variables(reading(images), "image")
    assert (score.numbers[0].n, score.numbers[0].missing, score.numbers[0].median) == (0, 5, "–")
    assert "missing 5" in text_of(images)


def test_names(images, table):
    values = {"kind": ("string", ["b", "a", "b", None]), "flag": ("bool", [True, False, True, True])}
    table(images, "guess", values)
    (guess,) = variables(reading(images), "image")
    kind, flag = guess.names
    assert [(s.value, s.n, round(s.share, 3)) for s in kind.shares] == [("b", 2, 0.667), ("a", 1, 0.333)]
    assert (kind.n, kind.missing) == (3, 2)
    assert [(s.value, s.n) for s in flag.shares] == [("yes", 3), ("no", 1)]


@pytest.mark.parametrize("value", ['[[0.0, 0.4, " secret"]]', '{"labels": ["secret"]}', "what somebody said, " * 5])
def test_texts_are_not_shown(images, table, value):
    table(images, "heard", {"words": ("string", [value, None, value])})
    (found,) = variables(Reading(images.root, images.store, images.study), "image")
    assert (found.names, found.others) == ([], ["words (texts)"])
    assert "secret" not in images.report().read_text()


def test_zero_shot_lists_values_that_nothing_got(images, table):
    columns = {"scene": ("string", ["indoor", "indoor"]), "scene_prob": ("float32", np.full((2, 2), 0.5))}
    table(images, "zero_shot", columns, params={"values": ["indoor", "outdoor"]}, size={"scene_prob": 2})
    (scene,) = variables(reading(images), "image")
    assert [(s.value, s.n) for s in scene.names[0].shares] == [("indoor", 2), ("outdoor", 0)]
    assert scene.others == ["scene_prob (a vector of 2 numbers)"]
    assert "never shown an example" in text_of(images)


def test_several_values_of_a_picture_are_counted(images, table):
    """They are a JSON list: not a text, and an empty one is an answer too."""
    given = ['["flag", "face"]', "[]", '["flag"]', '["flag"]']
    params = {"values": ["flag", "face", "fire"], "variable": "shows", "multilabel": True}
    table(images, "zero_shot", {"shows": ("string", given)}, params=params)
    (found,) = variables(reading(images), "image")
    (shows,) = found.names
    assert (shows.n, shows.missing, found.others) == (4, 1, [])
    assert [(s.value, s.n, s.share) for s in shows.shares] == [("flag", 3, 0.75), ("face", 1, 0.25), ("fire", 0, 0.0)]


def test_labels(images):
    found = labels(reading(images), "image")
    assert [(s.value, s.n) for s in found.shares] == [("thing", 3), ("living", 2)]
    assert (found.n, found.missing) == (5, 0)
    assert labels(reading(images), "post") is None


CLUSTERS = {
    "by": "embed-00000000",
    "clusters": [
        {"cluster": 0, "size": 1, "silhouette": 0.5, "round": 1, "k": 5},
        {"cluster": 1, "size": 3, "silhouette": 0.25, "round": 2, "k": 10},
    ],
    "history": [
        {"round": 1, "k": 5, "silhouette": 0.3},
        {"round": 1, "k": 10, "silhouette": 0.2},
        {"round": 2, "k": 10, "silhouette": 0.1},
        {"round": 3, "k": 5, "silhouette": math.nan},
    ],
    "unassigned": 0.2,
}


def clustered(corpus, table):
    columns = {
        "cluster": ("int32", [1, 1, 0, 1, -1]),
        "silhouette": ("float32", [0.1, 0.2, 0.5, 0.3, math.nan]),
        "rank": ("int32", [2, 0, 0, 1, -1]),
    }
    table(corpus, "cluster", columns, result=CLUSTERS)


def test_clusters(images, table):
    clustered(images, table)
    table(
        images, "tags", {"tags": ("string", [["cat", "x"], ["cat", "y"], ["dog", "z"], ["owl", "z"]])}, size={"tags": 2}
    )
    (found,) = clusterings(reading(images), "image")
    assert [(c.number, c.size, c.share, c.silhouette) for c in found.clusters] == [
        (1, 3, "60\u202f%", "0.25"),
        (0, 1, "20\u202f%", "0.5"),
    ]
    assert [(s.value, s.n) for s in found.clusters[0].tags] == [("cat", 2), ("owl", 1)]
    ids = sorted(images.units("image")["id"].to_pylist())
    names = {row["id"]: row["path"].rpartition("/")[2] for row in images.units("image").to_pylist()}
    assert [p.name for p in found.clusters[0].montage.pictures] == [names[ids[i]] for i in (1, 3, 0)], "nearest first"
    assert (found.unassigned.of, found.unassigned_share, found.missing) == (1, "20\u202f%", 0)
    assert [title for title, _ in found.curves] == ["Round 1: K = 5", "Round 2: K = 10"]
    assert "Cluster 1 · 3 images, 60\u202f%" in " ".join(text_of(images).split(" "))


def test_only_finished_results_and_the_last_of_each(images, table):
    clustered(images, table)
    images.store.create("image", Recipe("cluster", "1", {"by": "x"}, {}, "unfinished"), ())
    table(images, "cluster", {"cluster": ("int32", [-1, -1])}, result={"by": "embed-11111111"}, params={"p": 1})
    assert [t.result()["by"] for t in reading(images).results("image", "cluster")] == [
        "embed-00000000",
        "embed-11111111",
    ]


def test_duplicates(images, table):
    table(images, "pdq", {"pdq": ("binary", [b"0" * 32] * 5)})
    by = images.store.find("image", "pdq").recipe.label
    columns = {
        "group": ("int32", [0, 1, 1, 0, 1]),
        "exemplar": ("bool", [False, False, True, True, False]),
        "distance": ("float32", [7, 9, 0, 0, 4]),
    }
    table(images, "duplicates", columns, result={"by": by, "threshold": 31, "groups": 2, "pairs": 4})
    (found,) = duplicates(reading(images), "image")
    assert (found.groups, found.units, found.pairs, found.limit) == (2, 5, "4", "at most 31 bits apart")
    assert found.sizes == [(3, 1), (2, 1)]
    assert [p.caption for p in found.shown[0].montage.pictures] == ["exemplar", "4 bits", "9 bits"]
    said = text_of(images)
    assert "5 images lie in 2 groups of near-duplicates (pairs at most 31 bits apart); 4 pairs in all" in said
    assert "1 group of 3, 1 group of 2." in said


def test_no_duplicates_found(images, table):
    columns = {"group": ("int32", []), "exemplar": ("bool", []), "distance": ("float32", [])}
    table(images, "duplicates", columns, result={"by": "embed-0", "threshold": 0.95, "groups": 0, "pairs": 0})
    assert "No near-duplicates were found (pairs with a cosine of at least 0.95)." in text_of(images)


def test_map(images, table):
    clustered(images, table)
    columns = {"x": ("float32", [0, 1, 0.5, 0.2, math.nan]), "y": ("float32", [0, 1, 0.5, 0.1, 0])}
    table(images, "map", columns, result={"by": "embed-00000000", "method": "t-sne"})
    (found,) = maps(reading(images), "image")
    assert (found.n, found.missing, found.method) == (4, 1, "t-sne")
    assert [(e.colour, e.name, e.n) for e in found.legend] == [("k0", "cluster 1", 3), ("k1", "cluster 0", 1)]
    assert found.points.count("h0") == 4, "every point is drawn"
    assert found.shown >= 2
    text_of(images)


@pytest.mark.parametrize("values", [[], [0.5], [0.5, 0.5]])
def test_maps_of_next_to_nothing(images, table, values):
    table(images, "map", {"x": ("float32", values), "y": ("float32", values)}, result={"by": "e", "method": "pca"})
    (found,) = maps(reading(images), "image")
    assert found.n == len(values)
    text_of(images)


def test_sample_depends_on_the_seed_alone(images):
    one = reading(images).sample("image", 3)
    assert one == reading(images).sample("image", 3)
    assert len(set(one)) == 3
    (images.root / "studium.toml").write_text("[study]\nseed = 1\n")
    other = reading(type(images)(images.root)).sample("image", 5)
    assert other[:3] != one
    assert sorted(other) == sorted(images.units("image")["id"].to_pylist())


def test_models_and_unknown_parts(images, table):
    table(images, "embed", {"v": ("float32", [1, 2])}, models={"efficientnet-lite0": "f00d", "<own>": "beef"})
    table(images, "my_measure", {"w": ("float32", [1, 2])})
    table(images, "faces", {"face_count": ("int32", [1, 2])})
    said = text_of(images)
    assert (
        "The model efficientnet-lite0 (image embedding, ImageNet-1k classes; licence of the weights: Apache-2.0;"
        in said
    )
    assert "The model <own> (fingerprint beef) was used by embed." in said
    assert "https://doi.org/10.48550/arXiv.1905.11946" in said
    assert "Not installed here, so not checked again: my_measure." in said
    assert "As far as can be checked, nothing left the machine" in said


def test_manifest_in_full(images, table):
    images.measure("phash", of="image")
    run = json.loads(max((images.root / "runs").glob("*.json")).read_text())
    said = text_of(images)
    for output in run["outputs"].values():
        assert output["digest"] in said
