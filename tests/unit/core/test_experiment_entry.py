import pytest

from studium.core.config import Study, read
from studium.errors import ConfigError

WHOLE = """
[experiment.protest]
variables = ["protest", "violence"]
of = "post"
labels = "coded.csv"
coding = { combine = "dawid_skene" }
apart = ["account", "near_duplicates"]
test = 0.25
folds = 5
seed = 3
figure = "macro_f1"
learning_curve = true
price_per_hour = 1.5
pairs = [["words", "both"]]
tuning = { threshold = "precision", target = 0.8 }

[experiment.protest.models]
words = { model = "ngrams" }
both = { model = "boosting", on = { image = "embed", post = ["embed_text", "sentiment"] } }
tuned = { model = "image_network", of = "image", schedule = { epochs = 3 } }
late = { fuse = ["words", "both"], how = "stack" }
"""


def entry(tmp_path, text):
    path = tmp_path / "studium.toml"
    path.write_text(text)
    return read(path).experiments


def test_a_study_without_experiments_has_none(tmp_path):
    assert entry(tmp_path, "") == Study().experiments == {}


def test_a_whole_experiment(tmp_path):
    (found,) = entry(tmp_path, WHOLE).values()
    assert (found.name, found.variables, found.of) == ("protest", ("protest", "violence"), "post")
    assert (found.test, found.folds, found.seed, found.price_per_hour) == (0.25, 5, 3, 1.5)
    assert found.pairs == (("words", "both"),)
    assert list(found.models) == ["words", "both", "tuned", "late"], "in the order of the file"
    assert found.models["tuned"]["schedule"] == {"epochs": 3}
    assert found.tuning == {"threshold": "precision", "target": 0.8}


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("[experiment]\nprotest = 1", r"under its own  \[experiment.NAME\]"),
        ("experiment = 1", r"\[experiment\] should be dict"),
        ('[experiment.x]\nvariables = ["a"]', "needs the parameter models"),
        ('[experiment.x]\nmodels = { a = { model = "linear" } }', "needs the parameter variables"),
        (WHOLE + "\n[experiment.y]\nvariables = []\nmodels = {}", "needs variables"),
        (WHOLE.replace("folds", "fold"), "has no parameter fold; it has: "),
        (WHOLE.replace("folds = 5", 'folds = "5"'), "folds should be int, got str '5'"),
        (WHOLE.replace('variables = ["protest", "violence"]', 'variables = "protest"'), "a list of texts"),
        (WHOLE.replace('[["words", "both"]]', '["words", "both"]'), "a list of two names each"),
        (WHOLE + 'odd = { model = "ngrams", fuse = ["words"] }', "expected either a model"),
        (WHOLE + "odd = {}", "expected either a model"),
        (WHOLE + 'odd = { fuse = ["words", "both"], ways = 1 }', "a fusion has the keys fuse and how, not ways"),
        (WHOLE + '"../odd" = { model = "ngrams" }', "letters, digits"),
        (WHOLE.replace("seed = 3", 'name = "other"'), "stands in its heading"),
    ],
)
def test_what_does_not_fit_is_refused(tmp_path, text, says):
    with pytest.raises(ConfigError, match=says):
        entry(tmp_path, text)
