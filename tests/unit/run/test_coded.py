"""Zero-shot coding by the codebook of a study."""

import checkpoints
import pytest

from studium import Corpus, sources
from studium.errors import InputError
from studium.measure.zero_shot import ZeroShot
from studium.run.steps import named

CODEBOOK = """
[scene]
question = "What does it show?"
of = "image"
type = "categorical"
none_of_these = true
[[scene.values]]
name = "cat"
prompts = ["a photo of a cat", "a photo of a kitten"]
[[scene.values]]
name = "coffee"

[symbols]
question = "Which symbols can be seen?"
of = "image"
type = "multilabel"
[[symbols.values]]
name = "red flag"

[awake]
question = "Is anybody awake?"
of = "image"
type = "binary"
[[awake.values]]
name = "yes"
[[awake.values]]
name = "no"
"""


@pytest.fixture(scope="module")
def siglip(tmp_path_factory):
    return str(checkpoints.siglip(tmp_path_factory.mktemp("siglip")))


def test_driven_by_the_codebook(study, siglip):
    (study / "codebook.toml").write_text(CODEBOOK)
    corpus = Corpus(study)
    corpus.add(sources.folder(study / "images"))
    with pytest.raises(InputError, match=r"offers none_of_these, and prompts must describe it: add"):
        corpus.measure("zero_shot", of="image", variable="scene")
    with pytest.raises(InputError, match="needs prompts for every value"):
        corpus.measure("zero_shot", of="image", variable="awake")
    corpus.measure("zero_shot", of="image", variable="scene", none_of_these=["a photo of a rocket"])
    found = {row["path"].split("/")[-1]: row["scene"] for row in corpus.table("image", "zero_shot").to_pylist()}
    assert (found["chelsea.png"], found["coffee.png"], found["rocket.jpg"]) == ("cat", "coffee", "none_of_these")
    (symbols,) = named(
        "measure", ["zero_shot"], {"variable": "symbols", "model": siglip}, study, lambda: corpus.codebook
    )
    assert symbols == ZeroShot(("red flag",), (("a photo of a red flag",),), siglip, "symbols", multilabel=True)
    corpus.measure("zero_shot", of="image", variable="scene", none_of_these=[])
    assert corpus.store.tables("image")[-1].columns[1].size == 2
