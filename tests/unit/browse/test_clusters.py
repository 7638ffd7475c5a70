"""Clusters named and merged, maps, and the colours of maps."""

import json
from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
import pytest
from unit.browse.conftest import IDS, LOOK

from studium.browse import clusters, filters, maps, units
from studium.browse.columns import columns
from studium.browse.facets import Value, facets
from studium.browse.view import View
from studium.core.records.clusters import ClusterEdit
from studium.errors import InputError, UnknownNameError


def edited(*edits: tuple[int, str | None, int | None]) -> list[ClusterEdit]:
    return [ClusterEdit("", cluster, name, into, "ann", datetime.now(UTC)) for cluster, name, into in edits]


@pytest.mark.parametrize(
    ("edits", "into", "names"),
    [
        ([], {}, {}),
        ([(1, "cats", None), (1, "dogs", None)], {}, {1: "dogs"}),
        ([(1, "cats", None), (1, "", None)], {}, {}),
        ([(1, None, 2), (2, None, 3)], {1: 3, 2: 3}, {}),
        ([(1, None, 2), (1, None, 1)], {}, {}),
        ([(1, None, 2), (2, None, 1)], {2: 1}, {}),  # the later edit says which of them goes on
        ([(1, None, 2), (2, None, 3), (3, None, 1)], {2: 1, 3: 1}, {}),
        ([(1, None, 2), (1, None, 3)], {1: 3}, {}),
    ],
)
def test_what_edits_come_to(
    edits: list[tuple[int, str | None, int | None]], into: dict[int, int], names: dict[int, str]
) -> None:
    told = clusters.named(edited(*edits))
    assert (dict(told.into), dict(told.name)) == (into, names)


def test_clusters_named_and_merged_everywhere(small: View) -> None:
    (table,) = [one.recipe.label for one in small.results("image", "cluster")]
    plain = clusters.overview(small, "image", table)
    assert [(one.cluster, one.n, one.silhouette) for one in plain.clusters] == [(0, 2, 0.4), (1, 1, 0.2), (2, 1, None)]
    assert (plain.clusters[0].examples, plain.unassigned) == ([IDS[1], IDS[0]], 1)  # the most typical first
    view = replace(small, edits=lambda asked: edited((0, "towns", None), (2, None, 0)) if asked.endswith(table) else [])
    told = clusters.overview(view, "image", table)
    assert [(one.cluster, one.name, one.n, one.merged) for one in told.clusters] == [
        (0, "towns", 3, [2]),
        (1, None, 1, []),
    ]
    rows, total = clusters.members(view, "image", table, 0, (0, 2))
    assert (rows, total) == ([1, 3], 3)
    assert clusters.members(view, "image", table, -1, (0, 9))[0] == [4]
    (facet,) = facets(view, "image", [f"{table}.name"])
    assert (facet.values, facet.missing) == ([Value("towns", 3), Value("1", 1)], 2)
    wanted = filters.parsed(json.dumps([{"column": f"{table}.name", "in": ["towns"]}]))
    assert units.chosen(view, "image", wanted).tolist() == [0, 1, 3]
    assert f"{table}.name" in {one.name for one in columns(view, "image")}
    with pytest.raises(UnknownNameError, match="part of cluster 0"):
        clusters.members(view, "image", table, 2, (0, 9))


def test_an_edit_is_checked(small: View) -> None:
    (table,) = [one.recipe.label for one in small.results("image", "cluster")]
    (asked,) = edited((1, "  cats ", None))
    assert clusters.edit(small, "image", replace(asked, table=table)).name == "cats"
    assert clusters.edit(small, "image", replace(asked, table=table)).table == f"image/{table}"
    for wrong in ({"cluster": 9}, {"into": -1}, {"name": None}, {"name": "a\nb"}, {"name": "x" * 201}, {"table": "no"}):
        with pytest.raises(InputError):
            clusters.edit(small, "image", replace(asked, **{"table": table, **wrong}))


def test_a_map_and_its_colours(small: View) -> None:
    (listed,) = maps.maps(small, "image")
    places = maps.places(small, "image", listed.table)
    assert (listed.n, places.x.dtype, places.units.to_pylist()) == (6, np.float32, sorted(IDS))
    assert maps.units(small, "image", listed.table, [5, 0]) == [IDS[5], IDS[0]]
    with pytest.raises(InputError, match="from 0 to 5"):
        maps.units(small, "image", listed.table, [6])
    scene = maps.colour(small, "image", listed.table, f"{LOOK}.scene")
    assert scene.categories == ["food", "street"]
    assert scene.codes.tolist() == [1, 1, maps.NONE, 0, 0, 0]
    score = maps.colour(small, "image", listed.table, f"{LOOK}.score")
    assert (score.low, round(score.high, 4)) == (np.float32(0.1), 0.9)
    assert np.isnan(score.values[[2, 5]]).all()
    with pytest.raises(InputError):
        maps.colour(small, "image", listed.table, "unit.path")
    with pytest.raises(UnknownNameError, match="no map"):
        maps.places(small, "image", LOOK)
