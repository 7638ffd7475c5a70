"""The audit over a study: services, waves, tags, zero-shot codes and objects; mappings and hand codes from files."""

import csv
import json

import numpy as np
import pytest
from click.testing import CliRunner
from services import Request, Services, recorded

from studium import Corpus, sources
from studium.cli.taggers import taggers
from studium.core.column import Column
from studium.core.recipe import Recipe
from studium.core.unit import Span, Unit, derived_id
from studium.errors import InputError, StoreError, UnknownNameError
from studium.run.taggers import audit, read_codes, read_mapping, tagger, write

MAPPING = """\
concept,label,tagger
cat,cat,
cat,tabby,tags
flower,flower,
flower,daisy,
,indoor,azure_vision
"""
CODES = "path,cat,flower\nimages/living/chelsea.png,1,0\nimages/living/flower.jpg,no,yes\nimages/thing/coffee.png,0,\n"


@pytest.fixture
def services(services: Services) -> Services:
    """Rekognition sees cats in everything that is not wide; a year later in nothing."""
    services.choose = lambda request: choose(request, later=services.later)
    services.later = False
    return services


def choose(request: Request, later: bool) -> dict[str, object]:
    answer = recorded(request.service)["labels"]
    if request.service == "rekognition" and later:
        return answer | {"LabelModelVersion": "4.0", "Labels": [{"Name": "Feline", "Confidence": 90.0}]}
    return dict(answer)


@pytest.fixture
def corpus(study, services) -> Corpus:
    opened = Corpus(study, allow_remote=True)
    opened.add(sources.folder(study / "images"))
    opened.measure("rekognition", "azure_vision", of="image")
    return opened


def test_two_services_and_hand_codes(corpus, tmp_path):
    (tmp_path / "map.csv").write_text(MAPPING)
    (tmp_path / "codes.csv").write_text(CODES, encoding="utf-8-sig")
    found = audit(
        corpus.store,
        "image",
        ["rekognition", "azure_vision"],
        {"rekognition": 0.1},
        read_mapping(tmp_path / "map.csv"),
        read_codes(tmp_path / "codes.csv", corpus.store, "image"),
    )
    first, second = found["taggers"]
    assert [first[name] for name in ("tagger", "cut", "units", "not_seen", "labels", "model_versions")] == [
        "rekognition", 0.1, 4, 0, 4, "3.0",
    ]  # fmt: skip
    assert first["asked_first"].startswith("20")
    assert second["cut"] == 0.5
    shares = {(row["tagger"], row["concept"]): row["share"] for row in found["shares"]}
    assert shares["rekognition", "flower"] == 1
    assert shares["azure_vision", "flower"] == 0
    assert shares["azure_vision", "cat"] == 1
    against = {(row["tagger"], row["concept"]): row for row in found["against"]}
    cat = against["rekognition", "cat"]
    assert [cat[name] for name in ("units", "tp", "fp", "fn", "tn")] == [3, 1, 2, 0, 0]
    assert against["rekognition", "flower"]["units"] == 2, "an empty cell is no code"
    assert found["overlap"][0]["jaccard"] == 0.5
    assert found["drift"] == []
    labels = {(row["tagger"], row["label"]): row["concepts"] for row in found["labels"]}
    assert labels["azure_vision", "indoor"] == ""
    assert labels["rekognition", "Flower"] == "flower"


def test_drift_between_waves(corpus, services):
    services.later = True
    corpus.measure("rekognition", of="image", wave="2027-11")
    names = [
        f"rekognition:{table.recipe.key}"
        for table in corpus.store.tables("image")
        if table.recipe.name == "rekognition"
    ]
    found = audit(corpus.store, "image", names)
    assert [row["model_versions"] for row in found["taggers"]] == ["3.0", "4.0"]
    drift = {row["concept"]: row for row in found["drift"]}
    assert [drift["cat"][name] for name in ("units", "before", "after", "gained", "lost")] == [4, 4, 0, 0, 4]
    assert drift["feline"]["gained"] == 4
    assert found["overlap"][0]["differ"] == 4
    assert tagger(corpus.store, "image", "rekognition:2027-11").versions == ("4.0",)


@pytest.mark.slow
def test_local_taggers_take_part(corpus):
    corpus.measure("tags", of="image")
    corpus.measure("zero_shot", of="image", values=["cat", "food"], variable="scene")
    tags = tagger(corpus.store, "image", "tags")
    (unit,) = [u["id"] for u in corpus.units("image").to_pylist() if u["path"].endswith("chelsea.png")]
    assert len(tags.labels[unit]) == 5
    assert max(tags.labels[unit], key=tags.labels[unit].get) in {"tiger cat", "tabby", "Egyptian cat"}
    scene = tagger(corpus.store, "image", "zero_shot")
    assert set(scene.labels[unit]) == {"cat", "food"}
    assert sum(scene.labels[unit].values()) == pytest.approx(1)
    found = audit(corpus.store, "image", ["tags", "zero_shot", "rekognition"])
    assert len(found["overlap"]) == 3
    offered = {"values": ["cat", "food"], "none_of_these": ["a rocket"], "variable": "other"}
    corpus.measure("zero_shot", of="image", **offered)
    assert set(tagger(corpus.store, "image", "zero_shot:other").labels[unit]) == {"cat", "food", "none_of_these"}
    corpus.measure("colour", of="image")
    with pytest.raises(InputError, match="holds no labels with confidences"):
        tagger(corpus.store, "image", "colour")


def test_objects_are_labels_of_their_picture(corpus):
    first, second, *_ = corpus.units("image")["id"].to_pylist()
    recipe = Recipe("objects", "1")
    spans = [Span(box=(0, 0, 5, 5)), Span(box=(0, 0, 9, 9))]
    children = [Unit(derived_id(first, "object", span), "object", first, span=span) for span in spans]
    corpus.store.add_units(children)
    made = corpus.store.create("object", recipe, [Column("label", "string", "."), Column("confidence", "float32", ".")])
    made.append([child.id for child in children], made.arrays({"label": ["cat", "cat"], "confidence": [0.5, 0.75]}))
    counts = corpus.store.create("image", recipe, [Column("object_count", "int32", ".")])
    counts.append([first, second], counts.arrays({"object_count": [2, 0]}))
    found = tagger(corpus.store, "image", "objects")
    assert found.labels == {first: {"cat": 0.75}, second: {}}, "by the surest; a picture without any was seen, too"


def test_tables_become_csv_files(corpus, tmp_path):
    written = write(audit(corpus.store, "image", ["rekognition", "azure_vision"]), tmp_path / "out")
    assert [path.name for path in written] == ["taggers.csv", "shares.csv", "overlap.csv", "pairs.csv", "labels.csv"]
    with (tmp_path / "out" / "pairs.csv").open(encoding="utf-8", newline="") as file:
        (cat,) = csv.DictReader(file)
    assert (cat["concept"], cat["kappa"], cat["reason"]) == ("cat", "", "both used one category only")
    (tmp_path / "out" / "drift.csv").write_text("of an audit before")
    write({"taggers": [{"tagger": "a"}], "drift": []}, tmp_path / "out")
    assert not (tmp_path / "out" / "drift.csv").exists()
    with pytest.raises(StoreError, match="choose another folder"):
        write({"taggers": [{"tagger": "a"}]}, tmp_path / "out" / "pairs.csv")
    assert "NaN" not in "".join(path.read_text() for path in written).replace("nan", "NaN")
    with (tmp_path / "out" / "labels.csv").open(encoding="utf-8", newline="") as file:
        assert 'Whiskers & "Naïve" Fur' in {row["label"] for row in csv.DictReader(file)}


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "needs a column unit or path"),
        ("name,cat\nx,1\n", "needs a column unit or path"),
        ("path,cat\nnowhere.jpg,1\n", "names 1 image units that the study does not have: 'nowhere.jpg'"),
        ("path,cat\nimages/living/chelsea.png,maybe\n", "should be 1, 0 or empty, got 'maybe'"),
        ("path,cat,cat\nimages/living/chelsea.png,1,0\n", "every column needs a name of its own"),
        ("path,cat,\nimages/living/chelsea.png,1,\n", "every column needs a name of its own"),
        ("path,cat\nimages/living/chelsea.png\n", "line 2: as many cells as the header has"),
        ("path,cat\nimages/living/chelsea.png,1\nimages/living/chelsea.png,0\n", "names a image unit twice"),
    ],
    ids=range(8),
)
def test_codes_that_do_not_fit_are_refused(text, says, study, tmp_path):
    bare = Corpus(study)
    bare.add(sources.folder(study / "images"))
    (tmp_path / "codes.csv").write_text(text)
    with pytest.raises(InputError, match=says):
        read_codes(tmp_path / "codes.csv", bare.store, "image")


def test_codes_as_r_and_pandas_write_them(study, tmp_path):
    bare = Corpus(study)
    bare.add(sources.folder(study / "images"))
    (tmp_path / "codes.csv").write_text(
        '"path", "cat"\nimages/living/chelsea.png,1.0\nimages/living/flower.jpg,NA\nimages/thing/coffee.png,FALSE\n'
        .replace(", ", ",")
    )  # fmt: skip
    codes = read_codes(tmp_path / "codes.csv", bare.store, "image")
    assert list(codes) == ["cat"]
    assert sorted(codes["cat"].values()) == [False, True]


@pytest.mark.parametrize("tagger", ["google", "rekognition:2026-11"])
def test_a_mapping_for_a_tagger_that_there_is_none_of_is_refused(tagger, tmp_path):
    (tmp_path / "map.csv").write_text(f"concept,label,tagger\ncat,felidae,{tagger}\n")
    with pytest.raises(UnknownNameError, match=f"no measure and no unitizer is called {tagger}"):
        read_mapping(tmp_path / "map.csv")


def test_mappings_that_do_not_fit_are_refused(tmp_path):
    with pytest.raises(InputError, match="there is no file"):
        read_mapping(tmp_path / "none.csv")
    (tmp_path / "map.csv").write_text("concept\ncat\n")
    with pytest.raises(InputError, match="needs the columns concept, label, and lacks label"):
        read_mapping(tmp_path / "map.csv")
    (tmp_path / "map.csv").write_bytes(b"concept,label\ncat,\xff\n")
    with pytest.raises(InputError, match="UTF-8"):
        read_mapping(tmp_path / "map.csv")


def test_what_is_asked_for_has_to_be_there(corpus):
    with pytest.raises(UnknownNameError, match="no table 'google_vision'"):
        audit(corpus.store, "image", ["google_vision"])
    with pytest.raises(InputError, match="each tagger once"):
        audit(corpus.store, "image", ["rekognition", "rekognition"])
    with pytest.raises(UnknownNameError, match="a cut for tags, which is not among the taggers"):
        audit(corpus.store, "image", ["rekognition"], {"tags": 0.2})


# the command line


def said(corpus: Corpus, *words: object, code: int = 0) -> str:
    done = CliRunner().invoke(taggers, [*map(str, words), "--study", str(corpus.root)])
    assert done.exit_code == code, done.output
    return done.output


def test_the_audit_by_hand(corpus, tmp_path):
    (tmp_path / "map.csv").write_text(MAPPING)
    (tmp_path / "codes.csv").write_text(CODES)
    names = ("rekognition", "azure_vision")
    told = said(
        corpus, "audit", *names, "--map", tmp_path / "map.csv", "--codes", tmp_path / "codes.csv",
        "--cut", "0.6", "--cut", "rekognition=0.1", "--to", tmp_path / "audit",
    )  # fmt: skip
    for title in ("taggers", "shares", "overlap", "pairs", "against"):
        assert f"\n{title}\n" in told
    assert "\nrekognition\t0.100\t4" in told
    assert "\nazure_vision\t0.600\t4" in told
    assert (tmp_path / "audit" / "against.csv").exists()
    assert "\nlabels\n" not in told
    assert "expected a confidence" in said(corpus, "audit", *names, "--cut", "much", code=2)


def test_labels_by_hand(corpus, services):
    told = said(corpus, "labels", "azure_vision")
    assert told.splitlines()[0] == "tagger\tlabel\tunits\tshare\tconfidence_mean\tconcepts"
    assert "azure_vision\tcat\t4\t1.000\t0.999\t" in told


def test_long_tables_are_cut_on_the_terminal_only(corpus, services, tmp_path):
    many = [{"Name": f"Label {at:03}", "Confidence": 90.0} for at in range(50)]
    services.choose = lambda request: {"LabelModelVersion": "3.0", "Labels": many}
    corpus.measure("rekognition", of="image", wave="many")
    told = said(corpus, "audit", "rekognition:many", "--to", tmp_path / "audit")
    assert "... and 30 more rows; --to FOLDER writes them all" in told
    assert len((tmp_path / "audit" / "shares.csv").read_text().splitlines()) == 51


def test_labels_survive_json(corpus):
    rows = corpus.table("image", "rekognition").to_pylist()
    for row in rows:
        labels = json.loads(row["rekognition_labels"])
        assert [one["label"] for one in labels][-1] == "Flower"
        assert np.isfinite([one["confidence"] for one in labels]).all()
