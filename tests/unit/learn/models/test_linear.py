import hashlib
import io
import json
import os
import re
import subprocess
import sys
import zipfile
import zlib

import numpy as np
import pytest
from sklearn.datasets import load_diabetes, load_digits
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from studium.core.parts import replace_file
from studium.errors import HashMismatchError, InputError, StudiumError
from studium.learn.models.linear import STRENGTHS, LinearProbe
from studium.learn.models.saved import load
from studium.learn.models.scores import sigmoid, softmax, total
from studium.learn.models.training import Head
from studium.measure.embed import Embed
from studium.media.image import decode

COLOURS = Head("colour", "multilabel", ("red", "green"))
AGE = Head("age", "continuous")


@pytest.fixture(scope="module")
def digits():
    X, y = load_digits(return_X_y=True)
    return X, y, np.arange(len(X)) % 5 > 0


@pytest.fixture(scope="module")
def fitted(digits):
    X, y, train = digits
    return LinearProbe(Head("digit"), "8 x 8 pixels").fit(X[train], y[train])


def blobs(n=60, d=3, classes=2, seed=0):
    rng = np.random.default_rng(seed)
    y = np.arange(n) % classes
    return rng.normal(0, 1, (n, d)) + 2 * y[:, None] * np.eye(d)[0], y


@pytest.mark.parametrize(
    ("X", "y", "says"),
    [
        (np.zeros((0, 3)), [], "a model needs labels, got none"),
        ([], [], r"a table \(n, d\) is needed, got \(0,\)"),
        (np.zeros((1, 3)), ["a"], "labels of at least two classes, and of each; got 1"),
        (np.zeros((2, 0)), ["a", "b"], "a table"),
        (np.zeros((3, 2)), ["a", "b"], "y should be 3 labels"),
        (np.zeros((2, 2)), ["a", None], "1 labels are no class"),
        (np.zeros((2, 2)), ["a", np.nan], "no class .* such as nan"),
        (np.zeros((2, 2)), [0.0, 1.0], "2 labels are no class"),
        (np.zeros((2, 2)), ["a", 1], "all text, all whole numbers, or all bool"),
        (np.zeros((2, 2)), [True, 1], "all text, all whole numbers, or all bool"),
        ([["1"], ["2"]], [0, 1], "a table of numbers is needed, got <U1"),
        ([[1.0, None]] * 2, [0, 1], "got object; a missing number is NaN"),
        ([[1.0, 2.0], [1.0]], [0, 1], "as many in each row"),
        ([[np.nan], [1.0], [np.inf]], [0, 1, 1], "2 of 3 rows hold NaN or infinite numbers, the first is 0"),
        ([[0.0], [1e300], [-1e300]], [0, 1, 1], "numbers are so large"),
        (np.eye(4), ["a", "a", "a", "b"], "labels of at least two groups"),
    ],
)
def test_what_cannot_be_learned_from_is_refused(X, y, says):
    with pytest.raises(InputError, match=says):
        LinearProbe().fit(X, y)


@pytest.mark.parametrize("weights", [[1], [1, 0], [1, -1], [1, np.nan], [1, np.inf]])
def test_impossible_weights(weights):
    with pytest.raises(InputError, match="weights should be 2 finite numbers above 0"):
        LinearProbe(C=1.0).fit(np.eye(2), [0, 1], weights)


def test_groups_of_another_length_and_nameless_ones():
    for groups, says in ((["a"], "groups should be 2 names"), ([np.nan, 1], "NaN")):
        with pytest.raises(InputError, match=says):
            LinearProbe().fit(np.eye(2), [0, 1], groups=groups)


@pytest.mark.parametrize(
    ("head", "y", "says"),
    [
        (Head("v", classes=("a", "b")), ["a", "b", "c"], r"unknown labels 'c'; v has \('a', 'b'\)"),
        (Head("v", classes=("a", "b", "c")), ["a", "b", "a"], r"got 2, none of \['c'\]; code some or leave them out"),
        (Head("v", classes=(0, 1)), [False, True, True], "unknown labels False, True"),
        (COLOURS, [[1, 0], [0, 1]], r"y \(3, 2\) of 0 and 1; got \(2, 2\)"),
        (COLOURS, [[1, 0], [0, 1], [2, 1]], "of 0 and 1"),
        (COLOURS, [[1, 0], [0, 1], [np.nan, 1]], "of 0 and 1"),
        (COLOURS, [[1, 0], [1], [0, 1]], "as many labels in each row"),
        (COLOURS, [[1, 0], [1, 1], [1, 0]], r"the same label of \['red'\]"),
        (Head("v", "multilabel"), [[1, 0], [1, 1], [1, 0]], "needs its classes"),
        (AGE, [1.0, 2.0, np.nan], "3 finite numbers"),
        (AGE, [1.0, 2.0, "old"], "y should be numbers"),
        (AGE, [4, 4, 4], "all values are 4.0"),
    ],
)
def test_labels_that_do_not_fit_the_target(head, y, says):
    with pytest.raises(InputError, match=says):
        LinearProbe(head, C=1.0).fit(np.eye(3), y)


@pytest.mark.parametrize(
    "made",
    [
        lambda: Head("v", "ordinal"),
        lambda: Head("v", classes=("a", "a")),
        lambda: Head("v", classes=("a", 1)),
        lambda: Head("v", classes=(0.5, 1.5)),
        lambda: Head("v", "continuous", ("a",)),
        lambda: LinearProbe(C=0.0),
        lambda: LinearProbe(C=np.nan),
        lambda: LinearProbe(folds=1),
    ],
)
def test_impossible_settings(made):
    with pytest.raises(InputError):
        made()


def test_digits(digits, fitted):
    X, y, train = digits
    assert (fitted.predict(X[~train]) == y[~train]).mean() > 0.95
    assert fitted.head.classes == tuple(range(10))
    (chosen,) = fitted.settings["chosen"]
    assert chosen["C"] == float(min(chosen["losses"], key=chosen["losses"].get))
    assert fitted.training["per_class"] == np.bincount(y[train]).tolist()


def test_categories_of_stamps(stamps):
    """Pictures of four kinds by their embedding; those that differ by a number only are a group."""
    kinds = ("animals", "food", "town", "vehicles")
    paths = [path for kind in kinds for path in sorted((stamps / kind).rglob("*.png"))[:26]]
    y = [path.relative_to(stamps).parts[0] for path in paths]
    groups = [re.sub(r"[\d_-].*", "", path.stem) for path in paths]
    X = Embed()([decode(path) for path in paths])["embedding"]
    odd = np.array([zlib.crc32(one.encode()) % 3 > 0 for one in groups])
    pick = np.flatnonzero(odd).tolist()
    model = LinearProbe(Head("kind", classes=kinds)).fit(
        X[odd], [y[at] for at in pick], groups=[groups[at] for at in pick]
    )
    assert (model.predict(X[~odd]) == np.array(y)[~odd]).mean() > 0.75  # 25 % by chance


@pytest.mark.parametrize("classes", [2, 3])
def test_probabilities_are_those_of_a_plain_pipeline(classes):
    X, y = blobs(90, 4, classes)
    mine = LinearProbe(C=0.1).fit(X, y)
    theirs = make_pipeline(StandardScaler(), LogisticRegression(C=0.1, max_iter=1000)).fit(X, y)
    np.testing.assert_allclose(mine.predict_proba(X), theirs.predict_proba(X), atol=1e-12)
    np.testing.assert_allclose(mine.predict_proba(X).sum(axis=1), 1)


def test_values():
    X, y = load_diabetes(return_X_y=True)
    model = LinearProbe(AGE, C=0.1).fit(X, y)
    plain = make_pipeline(StandardScaler(), Ridge(10.0)).fit(X, y)
    np.testing.assert_allclose(model.predict(X), plain.predict(X), rtol=1e-9)
    with pytest.raises(InputError, match="age is continuous: take predict"):
        model.predict_proba(X)
    chosen = LinearProbe(AGE).fit(X[:300], y[:300])
    assert chosen.settings["chosen"][0]["C"] in STRENGTHS[1:-1]
    assert np.mean((chosen.predict(X[300:]) - y[300:]) ** 2) < 0.6 * y[300:].var()


def test_several_labels_are_as_many_models():
    X, _ = blobs(80, 3)
    y = np.stack([X[:, 0] > 1, X[:, 1] > 0], axis=1)
    both = LinearProbe(COLOURS).fit(X, y)
    for at in (0, 1):
        alone = LinearProbe().fit(X, y[:, at])
        np.testing.assert_array_equal(both.predict_proba(X)[:, at], alone.predict_proba(X)[:, 1])
    assert (both.predict(X) == y).mean() > 0.95
    assert both.training["per_class"] == y.sum(axis=0).tolist()


@pytest.mark.parametrize("labels", [["no", "yes"], [False, True], [7, 9], [np.int64(7), np.int64(9)]])
def test_labels_come_back_as_they_were(labels, tmp_path):
    X, y = blobs()
    model = LinearProbe(C=1.0).fit(X, [labels[one] for one in y])
    model.save(tmp_path)
    assert load(tmp_path).predict(X[:2]).tolist() == labels
    assert load(tmp_path).head.classes == tuple(labels)
    assert type(load(tmp_path).head.classes[0]) is type(np.array(labels).tolist()[0])


def test_classes_keep_the_order_they_were_given_in():
    X, y = blobs()
    model = LinearProbe(Head("v", classes=("low", "high")), C=1.0).fit(X, np.array(["low", "high"])[y])
    assert model.predict_proba(X[y == 0])[:, 0].mean() > 0.65


def test_weights_count_as_copies_do():
    X, y = blobs(40)
    times = np.random.default_rng(1).integers(1, 4, 40)
    weighted = LinearProbe(C=1.0).fit(X, y, 0.001 * times)
    copied = LinearProbe(C=40 / times.sum()).fit(np.repeat(X, times, axis=0), np.repeat(y, times))
    np.testing.assert_allclose(weighted.predict_proba(X), copied.predict_proba(X), atol=1e-4)
    assert weighted.training["effective"] == pytest.approx(times.sum() ** 2 / (times**2).sum())


def test_rare_classes_count_as_much_where_that_is_asked_for():
    rng = np.random.default_rng(0)
    y = np.arange(300) % 10 == 0
    X = rng.normal(0, 1, (300, 2)) + y[:, None]
    plain, even = (LinearProbe(C=1.0, balanced=one).fit(X, y) for one in (False, True))
    share = plain.predict_proba(X)[:, 1].mean()
    assert share == pytest.approx(0.1, abs=0.01)
    assert (plain.predict(X)[y].mean(), even.predict(X)[y].mean()) == (
        pytest.approx(0.33, abs=0.2),
        pytest.approx(0.8, abs=0.1),
    )


def copies(groups=40, each=5, seed=0):
    """Groups of near-copies with labels by chance: nothing can be learned but who is who."""
    rng = np.random.default_rng(seed)
    X = np.repeat(rng.normal(0, 1, (groups, 30)), each, axis=0) + rng.normal(0, 0.01, (groups * each, 30))
    return X, np.repeat(rng.permutation(np.arange(groups) % 2), each), np.repeat(np.arange(groups), each)


def test_noise_is_seen_through_by_groups_only():
    X, y, groups = copies()
    aware, fooled = LinearProbe().fit(X, y, groups=groups), LinearProbe().fit(X, y)
    assert aware.settings["chosen"][0]["C"] < 0.01
    assert fooled.settings["chosen"][0]["C"] >= 1
    assert min(aware.settings["chosen"][0]["losses"].values()) > 0.65
    assert min(fooled.settings["chosen"][0]["losses"].values()) < 0.2


def test_constant_columns_and_more_columns_than_rows():
    X, y = blobs(20, 50)
    X[:, 1] = 0.1
    model = LinearProbe().fit(X, y)
    assert model.scale[1] == 1
    assert model.mean[1] == 0.1
    flat = LinearProbe().fit(np.full((20, 2), 3.0), y)
    np.testing.assert_allclose(flat.predict_proba(np.full((3, 2), 3.0)), 0.5, atol=1e-6)


def test_nothing_and_tables_of_another_width(fitted):
    assert fitted.predict_proba(np.zeros((0, 64))).shape == (0, 10)
    assert fitted.predict(np.zeros((0, 64))).shape == (0,)
    with pytest.raises(InputError, match=r"a table \(n, 64\) is needed, got \(2, 63\)"):
        fitted.predict(np.zeros((2, 63)))
    with pytest.raises(InputError, match="1 of 1 rows"):
        fitted.predict(np.full((1, 64), np.nan))


def test_a_unit_has_its_probabilities_whatever_its_batch(digits, fitted, monkeypatch):
    X, whole = digits[0][:50], fitted.predict_proba(digits[0][:50])
    np.testing.assert_array_equal(np.vstack([fitted.predict_proba(one[None]) for one in X]), whole)
    monkeypatch.setattr("studium.learn.models.linear._CELLS", 7 * 640)
    np.testing.assert_array_equal(fitted.predict_proba(X), whole)


def test_sums_and_links():
    rng = np.random.default_rng(0)
    for d in (0, 1, 2, 3, 7, 64, 1001):
        terms = rng.normal(0, 1, (3, d))
        np.testing.assert_allclose(total(terms), terms.sum(axis=1), atol=1e-12)
    with np.errstate(all="raise", under="ignore"):
        assert sigmoid(np.array([-1e4, 0.0, 1e4])).tolist() == [0.0, 0.5, 1.0]
        assert softmax(np.array([[1e4, 0.0], [3.0, 3.0]])).tolist() == [[1.0, 0.0], [0.5, 0.5]]


def test_the_same_labels_give_the_same_files(tmp_path):
    X, y = blobs()
    for name in ("a", "b"):
        LinearProbe().fit(X, y).save(tmp_path / name)
    for file in ("model.json", "arrays.npz"):
        assert (tmp_path / "a" / file).read_bytes() == (tmp_path / "b" / file).read_bytes()
    digests = {
        LinearProbe(C=1.0).fit(*other).training["digest"] for other in ((X, y), (X, 1 - y), (X + 1, y), (X, y, y + 1))
    }
    assert len(digests) == 4


ELSEWHERE = """
import hashlib, sys
import numpy as np
from studium.learn.models.saved import load
p = load(sys.argv[1]).predict_proba(np.load(sys.argv[2]))
print(hashlib.sha256(p.tobytes()).hexdigest(), "sklearn" in sys.modules)
"""


def test_it_predicts_the_same_in_another_process_without_scikit_learn(digits, fitted, tmp_path):
    fitted.save(tmp_path / "model")
    np.save(tmp_path / "X.npy", digits[0])
    command = [sys.executable, "-c", ELSEWHERE, str(tmp_path / "model"), str(tmp_path / "X.npy")]
    done = subprocess.run(
        command, capture_output=True, text=True, check=True, env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    )
    digest = hashlib.sha256(fitted.predict_proba(digits[0]).tobytes()).hexdigest()
    assert done.stdout.split() == [digest, "False"]


def test_a_model_is_never_overwritten(fitted, tmp_path):
    fitted.save(tmp_path)
    with pytest.raises(InputError, match="holds a model"):
        fitted.save(tmp_path)


def edited(folder, **changes):
    about = json.loads((folder / "model.json").read_text())
    replace_file(folder / "model.json", json.dumps(about | changes))


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"format": 2}, "format 2; this version of studium reads format 1"),
        ({"format": None}, "format None"),
        ({"kind": "pickle"}, "of kind 'pickle'; known are linear, boosting, ngrams"),
        ({"kind": "ngrams"}, "no whole model"),
        ({"classes": ["a", "b"]}, r"coef should be f\(1, 64\)"),
        ({"classes": [[], 1]}, "holds no"),
        ({"task": "dream"}, "a task is"),
        ({"classes": "0123456789"}, "no whole model"),
        ({"arrays": {}}, "describes other arrays"),
    ],
)
def test_what_does_not_fit_is_not_loaded(fitted, tmp_path, changes, says):
    fitted.save(tmp_path)
    edited(tmp_path, **changes)
    with pytest.raises(InputError, match=says):
        load(tmp_path)


@pytest.mark.parametrize("name", ["model.json", "arrays.npz"])
def test_a_model_without_one_of_its_files(fitted, tmp_path, name):
    with pytest.raises(InputError, match="holds no model"):
        load(tmp_path)
    fitted.save(tmp_path)
    (tmp_path / name).unlink()
    says = "holds no model" if name == "model.json" else "arrays.npz is not what model.json was saved with"
    with pytest.raises(StudiumError, match=says):
        load(tmp_path)


@pytest.mark.parametrize("content", [b"[]", b"{", b"\xff\xfe"])
def test_damaged_descriptions(fitted, tmp_path, content):
    fitted.save(tmp_path)
    (tmp_path / "model.json").write_bytes(content)
    with pytest.raises(InputError, match="holds"):
        load(tmp_path)


class Trap:
    def __reduce__(self):
        return (exec, ("raise SystemExit('executed')",))


def test_arrays_are_those_that_were_saved_and_never_pickles(fitted, tmp_path):
    fitted.save(tmp_path)
    written = io.BytesIO()
    np.savez(written, **{**fitted.arrays(), "mean": np.array([Trap()] * 64, object)})
    (tmp_path / "arrays.npz").write_bytes(written.getvalue())
    with pytest.raises(HashMismatchError, match=r"is not what model\.json was saved with"):
        load(tmp_path)
    edited(tmp_path, files={"arrays.npz": hashlib.sha256(written.getvalue()).hexdigest()})
    with pytest.raises(InputError, match="allow_pickle=False"):
        load(tmp_path)


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 no zip"])
def test_arrays_that_are_no_archive(fitted, tmp_path, content):
    fitted.save(tmp_path)
    (tmp_path / "arrays.npz").write_bytes(content)
    edited(tmp_path, files={"arrays.npz": hashlib.sha256(content).hexdigest()})
    with pytest.raises(InputError, match="no whole model"):
        load(tmp_path)


def test_the_archive_is_plain(fitted, tmp_path):
    fitted.save(tmp_path)
    with zipfile.ZipFile(tmp_path / "arrays.npz") as archive:
        assert sorted(archive.namelist()) == ["coef.npy", "intercept.npy", "mean.npy", "scale.npy"]
    about = json.loads((tmp_path / "model.json").read_text())
    assert (about["inputs"], about["variable"], about["arrays"]["coef"]) == ("8 x 8 pixels", "digit", ["<f8", [10, 64]])
