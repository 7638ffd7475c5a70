import numpy as np
import pytest
from toy_net import ToyNet, digits

from studium.learn.models.examples import Examples
from studium.learn.models.head import Head
from studium.learn.models.linear import LinearProbe
from studium.learn.models.tuned import Tuning
from studium.learn.nets.net import Schedule
from studium.learn.trial import Rows, trial

HEAD = Head("irony", "categorical", ("no", "yes"))
ROWS = Rows(np.arange(0, 120), np.arange(120, 180), np.arange(180, 240))


def examples(change=None):
    """A rare class that a table tells with noise; ``change`` turns the labels of some rows round."""
    rng = np.random.default_rng(0)
    y = rng.random(240) < 0.25
    X = np.c_[y + rng.normal(0, 0.8, 240), rng.normal(size=240)]
    if change is not None:
        y[change] = ~y[change]
    return Examples(X, np.where(y, "yes", "no"), groups=list(range(240)))


def test_a_model_is_tuned_on_validation_units_and_says_what_the_tuned_one_says():
    found = trial(LinearProbe(HEAD), examples(), ROWS, Tuning())
    X = examples().X
    assert found.fitted.kind == "tuned"
    np.testing.assert_array_equal(found.test.outputs, found.fitted.outputs(X[180:]))
    np.testing.assert_array_equal(found.test.predicted, found.fitted.predict(X[180:]))
    np.testing.assert_array_equal(found.validation.predicted, found.fitted.predict(X[120:180]))
    told = found.fitted.settings["tuning"]
    assert (told["units"], told["threshold"]) == (60, "f1")
    assert set(found.seconds) == {"train", "predict"}
    assert found.memory is None or found.memory > 10_000_000


@pytest.mark.parametrize(("rows", "same"), [(ROWS.test, True), (ROWS.validation, False), (ROWS.train, False)])
def test_labels_of_test_units_take_no_part(rows, same):
    plain = trial(LinearProbe(HEAD, C=1.0), examples(), ROWS, Tuning())
    turned = trial(LinearProbe(HEAD, C=1.0), examples(rows[::2]), ROWS, Tuning())
    assert np.array_equal(plain.test.outputs, turned.test.outputs) == same
    untuned = trial(LinearProbe(HEAD, C=1.0), examples(rows[::2]), ROWS, Tuning("none", "half"))
    before = trial(LinearProbe(HEAD, C=1.0), examples(), ROWS, Tuning("none", "half"))
    assert np.array_equal(before.test.outputs, untuned.test.outputs) == (rows is not ROWS.train), "but for training"


def test_a_network_watches_the_validation_units(tmp_path):
    net = ToyNet(head=Head("digit", classes=tuple(range(10))), schedule=Schedule(epochs=3, rate=3e-3, seed=1))
    rows = Rows(np.arange(0, 150), np.arange(150, 220), np.arange(220, 260))
    given = digits(0, 260)
    found = trial(net, given, rows, Tuning(calibrate="temperature"), tmp_path / "checkpoints")
    curve = found.fitted.training["curve"]
    assert len(curve) == 3
    assert curve[-1]["validation_loss"] < curve[0]["validation_loss"]
    assert found.test.outputs.shape == (40, 10)
    assert np.mean(found.test.predicted == np.array(given.y)[220:]) > 0.3
