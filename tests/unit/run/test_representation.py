"""The representation audit on a small study whose answer can be counted by hand."""

import numpy as np
import pytest

from studium.core.column import Column
from studium.core.interval import wilson
from studium.core.recipe import Recipe
from studium.core.store import Store
from studium.core.unit import Span, Unit, derived_id
from studium.errors import InputError, UnknownNameError
from studium.run.representation import Audit, representation

FACES = Recipe("faces", "1", {}, {}, "")
COUNTS = (Column("face_count", "int64", "faces"), Column("face_area", "float64", "share that they cover"))
GENDER = (Column("perceived_woman", "float32", "perceived"),)
AGE = (Column("perceived_age", "float32", "perceived"), Column("perceived_age_spread", "float32", "perceived"))


def face(parent, x, side=20, high=10):
    span = Span(box=(x, 0, x + side, high))
    return Unit(derived_id(parent, "face", span), "face", parent, span=span)


def looked_for(store, kind, pictures, recipe=FACES):
    """Write the faces of pictures of 100 x 10 px: {id: [face, ...]}."""
    found = [one for faces in pictures.values() for one in faces]
    store.add_units(found)
    made = store.create("face", recipe, (Column("confidence", "float32", "of the detector"),))
    made.append([one.id for one in found], made.arrays({"confidence": [0.9] * len(found)}))
    table = store.create(kind, recipe, COUNTS)
    area = [sum((f.span.box[2] - f.span.box[0]) * f.span.box[3] for f in faces) / 1000 for faces in pictures.values()]
    counts = {"face_count": [len(faces) for faces in pictures.values()], "face_area": area}
    table.append(list(pictures), table.arrays(counts))


def perceived(store, name, columns, rows, model="perceived-gender", failed=()):
    table = store.create("face", Recipe(name, "1", {}, {model: "0"}, ""), columns)
    values = np.array(list(rows.values()), np.float32).reshape(len(rows), len(columns))
    table.append(list(rows), table.arrays({c.name: values[:, at] for at, c in enumerate(columns)}))
    table.fail([(unit, "MediaError", "no face") for unit in failed])


def rows_of(table, of, status="measured"):
    by = [name for name in table.column_names if name.startswith("perceived_")]
    rows = [row for row in table.to_pylist() if (row["of"], row["status"]) == (of, status)]
    return {tuple(row[name] for name in by): row for row in rows}


@pytest.fixture
def store(tmp_path):
    """Images a (two women), b (a man, a woman in two posts) and c (nobody); a video of two frames with a man each."""
    made = Store(tmp_path)
    made.add_units([Unit(name, "image", path=name) for name in "abc"])
    made.add_units([Unit("v", "video", path="v"), *(Unit(post, "post") for post in "pqr")])
    made.add_units([Unit(f"v{t}", "frame", "v", span=Span(start=t)) for t in (0.0, 1.0)])
    places = [("p", "a"), ("p", "b"), ("q", "b"), ("r", "v")]
    attached = {"source": "s", "kind": "image", "position": 0, "label": None, "bytes": 1, "mtime_ns": 1}
    made.add_attachments(
        [
            {**attached, "post": post, "media": media, "path": media, "kind": "video" if media == "v" else "image"}
            for post, media in places
        ]
        + [{**attached, "post": None, "media": "c", "path": "c"}]
    )
    looked_for(made, "image", {"a": [face("a", 0), face("a", 30)], "b": [face("b", 0, 60), face("b", 70)], "c": []})
    looked_for(made, "frame", {"v0.0": [face("v0.0", 0)], "v1.0": [face("v1.0", 0)]})
    return made


def everyone(store):
    return dict(zip(["a1", "a2", "b1", "b2", "v1", "v2"], store.units("face")["id"].to_pylist(), strict=True))


@pytest.fixture
def gendered(store):
    woman = {"a1": 0.9, "a2": 0.6, "b1": 0.1, "b2": 1.0, "v1": 0.0, "v2": 0.4}
    perceived(store, "perceived_gender", GENDER, {everyone(store)[name]: value for name, value in woman.items()})
    return store


def test_nothing_measured_is_told(store):
    with pytest.raises(UnknownNameError, match="perceived_gender"):
        representation(store)


def test_no_faces_are_told(tmp_path):
    store = Store(tmp_path)
    store.add_units([Unit("a", "image", path="a")])
    looked_for(store, "image", {"a": []})
    perceived(store, "perceived_gender", GENDER, {}, failed=["gone"])
    with pytest.raises(InputError, match="no split has found a face"):
        representation(store, Audit(by=("gender",)))


def test_all_faces_failed(store):
    perceived(store, "perceived_gender", GENDER, {}, failed=everyone(store).values())
    found = representation(store, Audit(by=("gender",)))
    assert {(row["share"], row["low"], row["total"]) for row in rows_of(found, "face").values()} == {(None, None, 0)}
    women = rows_of(found, "image")["woman",]
    assert (women["n"], women["total"], women["share"]) == (0, 3, 0.0)
    assert rows_of(found, "face", "failed")[None,]["n"] == 6


def test_shares_by_hand(gendered):
    found = representation(gendered, Audit(by=("gender",)))
    women, men = (rows_of(found, "face")[group,] for group in ("woman", "man"))
    assert (women["n"], men["n"], women["total"]) == (3, 3, 6)
    assert women["share"] == 0.5
    assert women["expected"] == pytest.approx(0.5)
    assert women["error"] == pytest.approx(0.027)
    assert women["interval"] == "bootstrap"
    assert women["low"] < 0.5 < women["high"]
    area = rows_of(found, "area")["woman",]
    assert area["share"] == pytest.approx((20 + 20 + 20) / (20 + 20 + 60 + 20 + 20 + 20))
    shown = {of: rows_of(found, of) for of in ("image", "frame", "video", "post")}
    counts = {of: [(row["n"], row["total"]) for row in rows.values()] for of, rows in shown.items()}
    assert counts == {
        "image": [(2, 3), (1, 3)],
        "frame": [(0, 2), (2, 2)],
        "video": [(0, 1), (1, 1)],
        "post": [(2, 3), (3, 3)],
    }
    images = shown["image"]["woman",]
    np.testing.assert_allclose([images["low"], images["high"]], wilson(2 / 3, 3))
    assert images["interval"] == "wilson"
    assert images["expected"] is None
    assert found.equals(representation(gendered, Audit(by=("gender",))))


def test_groups_cross_and_an_unknown_error_is_unknown(gendered):
    ids = everyone(gendered)
    years = {"a1": 17.9, "a2": 18, "b1": 44, "b2": 80, "v1": 30, "v2": 30}
    perceived(
        gendered, "perceived_age", AGE, {ids[name]: (value, 0.0) for name, value in years.items()}, "perceived-age"
    )
    found = rows_of(representation(gendered), "face")
    assert len(found) == 10
    counts = {group: row["n"] for group, row in found.items() if row["n"]}
    assert counts == {
        ("woman", "0-17"): 1,
        ("woman", "18-29"): 1,
        ("woman", "60+"): 1,
        ("man", "30-44"): 3,
    }
    assert sum(row["share"] for row in found.values()) == pytest.approx(1)
    assert sum(row["expected"] for row in found.values()) == pytest.approx(1)
    assert found["woman", "0-17"]["expected"] == pytest.approx(0.9 / 6)
    assert {row["error"] for row in found.values()} == {None}


def test_faces_that_were_not_measured_are_counted(store):
    ids = everyone(store)
    rows = {ids[name]: value for name, value in [("a1", 0.9), ("a2", 0.6), ("b1", 0.1)]}
    perceived(store, "perceived_gender", GENDER, rows, failed=[ids["b2"]])
    found = representation(store, Audit(by=("gender",), smallest=10))
    left = [row for row in found.to_pylist() if row["status"] != "measured"]
    assert [(row["status"], row["n"], row["total"]) for row in left] == [("failed", 1, 6), ("waiting", 2, 6)]
    assert all(row["perceived_gender"] is None and row["error"] is None for row in left)
    assert rows_of(found, "face")["woman",]["total"] == 3
    small = representation(store, Audit(by=("gender",), smallest=11))
    assert [row["n"] for row in small.to_pylist() if row["status"] == "too small"] == [6]
    assert rows_of(small, "face")["woman",]["share"] is None


def test_frames_of_one_video_are_drawn_together(gendered):
    more = {f"v{t}.0": [] for t in range(2, 12)}
    gendered.add_units([Unit(name, "frame", "v", span=Span(start=float(name[1:]))) for name in more])
    looked_for(gendered, "frame", more)
    found = rows_of(representation(gendered, Audit(by=("gender",))), "frame")["man",]
    assert (found["n"], found["total"]) == (2, 12)
    assert found["low"] is None  # one video says nothing about others
    assert found["interval"] is None


def test_pictures_that_overlap_and_are_not_done_are_no_trouble(gendered):
    cut_off = face("c", 0)  # the run was killed between the face and its picture
    gendered.add_units([cut_off])
    table = gendered.find("face", "faces")
    table.append([cut_off.id], table.arrays({"confidence": [0.9]}))
    found = rows_of(representation(gendered, Audit(by=("gender",))), "face")
    assert found["woman",]["total"] == 6


def test_several_splits_want_a_name(gendered):
    other = Recipe("faces", "1", {"threshold": 0.8}, {}, "")
    looked_for(gendered, "image", {"a": [face("a", 0)], "b": [], "c": []}, other)
    with pytest.raises(InputError, match="several splits"):
        representation(gendered, Audit(by=("gender",)))
    found = representation(gendered, Audit(by=("gender",)), made_by="faces:0.8")
    assert rows_of(found, "face")["woman",]["total"] == 1
    assert not rows_of(found, "video")


def test_posts_that_share_a_picture_are_drawn_together(gendered):
    """Fifty posts of one picture say no more about posts than one of them."""
    posts = [f"again {number}" for number in range(50)]
    gendered.add_units([Unit(post, "post") for post in posts])
    attached = {"source": "s", "kind": "image", "position": 0, "label": None, "bytes": 1, "mtime_ns": 1}
    gendered.add_attachments([{**attached, "post": post, "media": "a", "path": "a"} for post in posts])
    women = rows_of(representation(gendered, Audit(by=("gender",))), "post")["woman",]
    assert (women["n"], women["total"], women["interval"]) == (52, 53, "bootstrap")
    assert women["low"] == 0  # two clusters: all that show a or b, and r


def test_frames_of_one_split_count(gendered):
    """Frames that a changed parameter made lie in the study beside the others."""
    gendered.add_units([Unit(f"v{t}", "frame", "v", span=Span(start=t)) for t in (0.5, 2.0)])
    looked_for(gendered, "frame", {"v0.5": [face("v0.5", 0)], "v2.0": []})
    last = gendered.units("face")["id"].to_pylist()[-1]
    table = gendered.find("face", "perceived_gender")
    table.append([last], table.arrays({"perceived_woman": [0.9]}))
    for every, frames in (("1.0", ["v0.0", "v1.0", "v2.0"]), ("0.5", ["v0.0", "v0.5", "v1.0"])):
        recipe = Recipe("frames", "1", {"every": float(every)}, {}, "")
        columns = (Column("stands_for", "float64", "seconds", "s"),)
        gendered.create("video", recipe, (Column("frame_count", "int64", "frames"),)).append(["v"], [[len(frames)]])
        made = gendered.create("frame", recipe, columns)
        made.append(frames, made.arrays({"stands_for": [1.0] * len(frames)}))
    with pytest.raises(InputError, match=r"frames:1\.0"):
        representation(gendered, Audit(by=("gender",)))
    for name, n, total in (("frames:1.0", 0, 3), ("frames:0.5", 1, 3)):
        found = representation(gendered, Audit(by=("gender",)), frames=name)
        women = rows_of(found, "frame")["woman",]
        assert (women["n"], women["total"]) == (n, total)
        assert rows_of(found, "face")["woman",]["total"] == 6 + n
    preferred = representation(gendered, Audit(by=("gender",)), prefer=[made.folder])
    assert preferred.equals(representation(gendered, Audit(by=("gender",)), frames="frames:0.5"))


def test_pictures_with_faces_that_were_not_tried_are_left_out(store):
    """A run that was interrupted must not look as if fewer pictures showed women."""
    ids = everyone(store)
    perceived(store, "perceived_gender", GENDER, {ids["a1"]: 0.9}, failed=[ids["b1"], ids["b2"]])
    found = representation(store, Audit(by=("gender",)))
    counts = {of: rows_of(found, of)["woman",] for of in ("image", "frame", "video", "post")}
    totals = {of: (row["n"], row["total"]) for of, row in counts.items()}
    assert totals == {"image": (0, 2), "frame": (0, 0), "video": (0, 0), "post": (0, 1)}


@pytest.mark.parametrize("by", [(), ("race",), ("gender", "gender"), ("gender", "gender:x"), (5,), "gender", 5])
def test_traits_that_there_are_not(by):
    with pytest.raises(InputError, match=r"by (should name|and ages should)"):
        Audit(by=by)


@pytest.mark.parametrize("smallest", [-1, float("nan"), float("inf")])
def test_sides_that_are_none(smallest):
    with pytest.raises(InputError, match="a side in px"):
        Audit(smallest=smallest)


def test_ages_that_fall():
    with pytest.raises(InputError, match="rising"):
        Audit(ages=(30, 18))
