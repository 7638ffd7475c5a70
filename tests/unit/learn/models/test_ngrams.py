import fetch
import numpy as np
import pytest
from sklearn.calibration import CalibratedClassifierCV
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.metrics import log_loss, roc_auc_score
from sklearn.svm import LinearSVC

from studium.core.parts import replace_file
from studium.errors import InputError
from studium.learn.models.ngrams import Ngrams, Terms
from studium.learn.models.saved import load
from studium.learn.models.training import Head, Training


@pytest.fixture(scope="module")
def tweets():
    """Texts, whether 20 raters found them positive on average, and which to train on."""
    lines = (fetch.rated() / "tweets_GroundTruth.txt").read_text("utf-8").splitlines()
    rows = [line.split("\t") for line in lines]
    return (
        [text for _, _, text in rows],
        np.array([float(mean) > 0 for _, mean, _ in rows]),
        np.arange(len(rows)) % 5 > 0,
    )


@pytest.fixture(scope="module")
def fitted(tweets):
    texts, y, train = tweets
    return Ngrams(Head("positive"), "tweets").fit([texts[at] for at in np.flatnonzero(train)], y[train])


def simple(n=40):
    words = [("good", "fine"), ("bad", "awful"), ("so", "meh")]
    y = np.arange(n) % 3
    return [f"{words[one][at % 2]} film number {at % 7}" for at, one in enumerate(y)], y


@pytest.mark.parametrize(
    ("X", "y", "says"),
    [
        ([], [], "a model needs labels, got none"),
        (["one"], ["a"], "got 1"),
        ("a text", ["a"] * 6, "a list of texts is needed, one for each unit; got 'a text'"),
        (["a", None], [0, 1], "got None"),
        ([b"a", b"b"], [0, 1], "got b'a'"),
        (["", " ", "!", "?"], [0, 1] * 2, "no term occurs in 2 of 4 texts"),
        (["one", "two", "three", "four"], [0, 1] * 2, "no term occurs in 2 of 4 texts"),
        (["one two"] * 4, [0, 0, 0, 1], "labels of at least two groups"),
        (["one two"] * 4, [0, 0, 1], "y should be 4 labels"),
    ],
)
def test_what_cannot_be_learned_from_is_refused(X, y, says):
    with pytest.raises(InputError, match=says):
        Ngrams().fit(X, y)


@pytest.mark.parametrize(
    "made",
    [
        lambda: Ngrams(vocabulary=0),
        lambda: Ngrams(fewest=0),
        lambda: Ngrams(folds=1),
        lambda: Ngrams(C=0),
        lambda: Ngrams(Head("age", "continuous")),
        lambda: Terms(0),
        lambda: Terms(stop="klingon"),
    ],
)
def test_impossible_settings(made):
    with pytest.raises(InputError):
        made()


@pytest.mark.parametrize(
    ("terms", "text", "expected"),
    [
        (Terms(), "", {}),
        (Terms(), "Don't DON’T stop", {"don't": 1, "don’t": 1, "stop": 1, "don't don’t": 1, "don’t stop": 1}),
        (Terms(1), "a, b. A!", {"a": 2, "b": 1}),
        (Terms(1), "#NoWar @un 😀😀 cafe\u0301", {"#nowar": 1, "@un": 1, "😀": 2, "caf\u00e9": 1}),
        (Terms(3), "x y z", {"x": 1, "y": 1, "z": 1, "x y": 1, "y z": 1, "x y z": 1}),
        (Terms(2, ("THE", "of")), "end of the line", {"end": 1, "line": 1, "end line": 1}),
        (Terms(1, "en"), "the cat is not here", {"cat": 1}),
        (Terms(2, characters=True), "ab c", {"a": 1, "b": 1, "ab": 1, "c": 1}),
        (Terms(1), "हिन्दी में। ❤️ 👍🏽", {"हिन्दी": 1, "में": 1, "❤": 1, "👍": 1, "🏽": 1}),
        (Terms(1), "می‌خواهم، \ud800 。", {"می‌خواهم": 1}),
        (Terms(2, characters=True), "猫猫", {"猫": 2, "猫猫": 1}),
    ],
)
def test_terms(terms, text, expected):
    assert dict(terms(text)) == expected


def test_the_vocabulary_is_the_commonest_terms():
    texts = ["b a c", "a b", "c a", "d"] * 3
    model = Ngrams(terms=Terms(1), vocabulary=2).fit(texts, [0, 1] * 6)
    assert model.vocabulary == ("a", "b")  # b and c are in as many texts
    assert (model.settings["terms"], model.settings["kept"]) == (4, 2)
    np.testing.assert_allclose(model.idf, [np.log(13 / 10) + 1, np.log(13 / 7) + 1])


@pytest.mark.parametrize("classes", [2, 3])
def test_probabilities_are_those_of_scikit_learn(tweets, classes):
    texts, y = tweets[0][:400], tweets[1][:400].astype(int)
    y = y if classes == 2 else y + (np.arange(400) % 2 & y)
    model = Ngrams().fit(texts, y)
    table = TfidfVectorizer(
        tokenizer=lambda text: list(Terms()(text).elements()), token_pattern=None, lowercase=False, min_df=2
    )
    rows = table.fit_transform(texts)
    (problem,) = Training.of(Head(), y, 400, None, None).problems(balanced=False)
    plain = CalibratedClassifierCV(LinearSVC(random_state=0), cv=problem.folds(5, 0), ensemble=False).fit(rows, y)
    assert sorted(table.vocabulary_) == list(model.vocabulary)
    np.testing.assert_allclose(model.predict_proba(texts), plain.predict_proba(rows), atol=1e-9)


def test_tweets(tweets, fitted):
    texts, y, train = tweets
    others, truth = [texts[at] for at in np.flatnonzero(~train)], y[~train]
    p = fitted.predict_proba(others)[:, 1]
    assert roc_auc_score(truth, p) > 0.88
    assert (fitted.predict(others) == truth).mean() > 0.81  # 69 % are positive
    assert log_loss(truth, p) < 0.39
    assert p.mean() == pytest.approx(truth.mean(), abs=0.03)


def test_several_labels_are_as_many_machines(tweets):
    texts, y = tweets[0][:300], tweets[1][:300]
    held = np.stack([y, ["!" in text for text in texts]], axis=1)
    both = Ngrams(Head("v", "multilabel", ("glad", "loud"))).fit(texts, held)
    for at in (0, 1):
        alone = Ngrams().fit(texts, held[:, at])
        np.testing.assert_array_equal(both.predict_proba(texts)[:, at], alone.predict_proba(texts)[:, 1])


def test_copies_in_other_folds_would_make_it_too_sure():
    rng = np.random.default_rng(0)
    groups = np.repeat(np.arange(60), 4)
    texts = [f"word{one} and word{one}x" for one in groups]
    y = (rng.permutation(60) % 2)[groups]
    aware, fooled = (Ngrams().fit(texts, y, groups=one).predict_proba(texts) for one in (groups, None))
    assert np.abs(aware - 0.5).max() < 0.15
    assert np.abs(fooled - 0.5).min() > 0.4


def test_weights_and_balance():
    texts = ["same words here"] * 30
    y = np.arange(30) % 3 == 0
    model = Ngrams().fit(texts, y)
    assert model.predict_proba(["same words here"])[0, 1] == pytest.approx(1 / 3, abs=0.05)
    assert Ngrams(balanced=True).fit(texts, y).predict_proba(texts)[0, 1] == pytest.approx(0.5, abs=0.05)
    weights = np.where(y, 8.0, 1.0)
    assert Ngrams().fit(texts, y, weights).predict_proba(texts)[0, 1] == pytest.approx(0.8, abs=0.05)


def test_no_texts_no_known_terms_and_hostile_ones(fitted):
    assert fitted.predict_proba([]).shape == (0, 2)
    strange = ["", "qqqq zzzz", "\x00\ud800", "a" * 100_000, "😀" * 1000]
    p = fitted.predict_proba(strange)
    assert np.isfinite(p).all()
    np.testing.assert_allclose(p.sum(axis=1), 1)
    np.testing.assert_array_equal(p[0], p[1])
    with pytest.raises(InputError, match="list of texts"):
        fitted.predict("one text")


def test_it_loads_and_predicts_bit_by_bit_in_any_batch(tweets, fitted, tmp_path):
    texts = tweets[0][:200]
    fitted.save(tmp_path)
    found, whole = load(tmp_path), fitted.predict_proba(texts)
    assert (found.card, found.preprocessing()) == (fitted.card, fitted.preprocessing())
    np.testing.assert_array_equal(found.predict_proba(texts), whole)
    np.testing.assert_array_equal(np.vstack([found.predict_proba([text]) for text in texts]), whole)


def test_stop_words_are_kept_with_the_model(tmp_path):
    texts, y = simple()
    model = Ngrams(terms=Terms(1, ("film", "number"))).fit(texts, y)
    model.save(tmp_path)
    assert load(tmp_path).preprocessing()["stop"] == ["film", "number"]
    assert not {"film", "number"} & set(model.vocabulary)
    assert (load(tmp_path).predict(texts) == y).all()


@pytest.mark.parametrize(("old", "new"), [('"awful"', '"bad"'), ('"awful",', ""), ('"awful"', "1")])
def test_vocabularies_that_do_not_fit_are_refused(tmp_path, old, new):
    Ngrams(terms=Terms(1)).fit(*simple()).save(tmp_path)
    written = (tmp_path / "model.json").read_text()
    assert old in written
    replace_file(tmp_path / "model.json", written.replace(old, new))
    with pytest.raises(InputError):
        load(tmp_path)


def test_the_same_texts_give_the_same_files(tmp_path):
    for name in ("a", "b"):
        Ngrams().fit(*simple()).save(tmp_path / name)
    for file in ("model.json", "arrays.npz"):
        assert (tmp_path / "a" / file).read_bytes() == (tmp_path / "b" / file).read_bytes()
    texts, y = simple()
    assert Ngrams().fit(texts, y).training["digest"] != Ngrams().fit([*texts[:-1], "so"], y).training["digest"]
