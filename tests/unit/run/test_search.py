"""Searching tables of vectors by models of the hub's format: their pictures and texts share a space."""

import checkpoints
import numpy as np
import pytest

from studium import Corpus, sources
from studium.errors import InputError
from studium.measure import encoders
from studium.media.image import decode

NAMES = ("siglip", "sentences")
TEXTS = ("a red flag", "the police", "a photo of a cat")


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    """Of ONNX, so that the workers of a run need no torch: they start in a tenth of the time."""
    top = tmp_path_factory.mktemp("models")
    made = {name: checkpoints.export(getattr(checkpoints, name)(top / name), top / f"{name}-onnx") for name in NAMES}
    made["int8"] = checkpoints.export(top / "siglip", top / "int8", "int8")
    return {name: str(folder) for name, folder in made.items()}


@pytest.fixture(scope="module")
def corpus(tmp_path_factory, photos, folders):
    root = tmp_path_factory.mktemp("search")
    (root / "images").mkdir()
    for name in ("chelsea.png", "coffee.png", "rocket.jpg"):
        (root / "images" / name).write_bytes((photos / name).read_bytes())
    (root / "posts.csv").write_text("id,text\n" + "".join(f"{n},{text}\n" for n, text in enumerate(TEXTS)))
    opened = Corpus(root)
    opened.add(sources.folder(root / "images"))
    opened.add(sources.posts(root / "posts.csv"))
    opened.measure("embed", of="image", model=folders["siglip"])
    opened.measure("embed", of="image", model="efficientnet-lite0")
    opened.measure("embed", of="image", model=folders["int8"], precision="int8")
    opened.measure("embed_text", of="post", model=folders["siglip"])
    opened.measure("embed_text", of="post", model=folders["sentences"])
    return opened


def cosines(model, picture, texts, precision="float32"):
    pixels = decode(picture, detail=encoders.detail(model))
    vector = encoders.encode_images(model, [pixels], precision)[0]
    return encoders.encode_text(model, texts, precision) @ (vector / np.linalg.norm(vector))


def test_a_text_finds_pictures_and_a_picture_texts(corpus, photos, folders):
    for name in ("chelsea.png", "coffee.png", "rocket.jpg"):
        expected = cosines(folders["siglip"], photos / name, TEXTS)
        found = corpus.search("post", image=photos / name, by=f"embed_text:{folders['siglip']}", k=3)
        assert found["score"].to_pylist() == pytest.approx(sorted(expected, reverse=True), abs=1e-5)
        assert found["text"].to_pylist() == [TEXTS[number] for number in np.argsort(-expected)]
        for text, cosine in zip(TEXTS, expected, strict=True):
            rows = corpus.search("image", text=text, by=f"embed:{folders['siglip']}", k=3).to_pylist()
            assert [row["score"] for row in rows if row["path"].endswith(name)] == pytest.approx([cosine], abs=1e-5)


def test_what_shares_no_space_is_refused(corpus, photos, folders):
    with pytest.raises(InputError, match="knows no words"):
        corpus.search("image", text="a cat", by="embed:efficientnet-lite0", k=1)
    with pytest.raises(InputError, match="no image model shares the space"):
        corpus.search("post", image=photos / "coffee.png", by=f"embed_text:{folders['sentences']}", k=1)


def test_the_query_is_as_precise_as_the_table(corpus, photos, folders):
    by = f"embed:{folders['int8']}"
    expected = cosines(folders["int8"], photos / "coffee.png", TEXTS[:1], "int8")
    rows = corpus.search("image", text=TEXTS[0], by=by, k=3).to_pylist()
    found = [row["score"] for row in rows if row["path"].endswith("coffee.png")]
    assert found == pytest.approx(expected, abs=1e-5)
