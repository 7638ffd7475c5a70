"""Sound events: the numbers of transformers' own pipeline, in windows end to end."""

import checkpoints
import fetch
import numpy as np
import pytest
import transformers
from speaking import chord, heard, jfk, recording

from studium import Corpus, sources
from studium.core.recipe import recipe_of
from studium.errors import InputError, MediaError, NoStreamError, UnknownNameError
from studium.measure.sound_events import SoundEvents
from studium.media.audio import RATE, Sound
from studium.networks.hub import checkpoint
from studium.testing import check_measure

ALL = len(checkpoints.SOUNDS)


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    """The name of a tiny checkpoint."""
    return str(checkpoints.ast(tmp_path_factory.mktemp("checkpoints") / "ast"))


@pytest.fixture(scope="module")
def expected(model):
    """What the pipeline of transformers says of samples: class -> probability."""
    found = checkpoint(model, "AudioClassification", "FeatureExtractor")
    pipeline = transformers.AudioClassificationPipeline(model=found.network, feature_extractor=found.processor)

    def probabilities(sound):
        said = pipeline(sound, top_k=ALL, function_to_apply="sigmoid")
        return {one["label"]: one["score"] for one in said}

    return probabilities


def by_name(row):
    return dict(zip(row["sound_events"], row["sound_events_prob"].tolist(), strict=True))


def mixed():
    """25 s: a sentence, music, and the sentence with music below it."""
    return np.concatenate([jfk(), chord(3), (jfk() + chord(11)) / 2])


def test_none(model):
    rows = SoundEvents(model)([])
    assert list(rows) == [column.name for column in SoundEvents(model).columns]
    assert [len(values) for values in rows.values()] == [0, 0, 0, 0]


@pytest.mark.parametrize(
    "sound",
    [jfk()[: 10 * RATE], chord(10), np.zeros(10 * RATE, np.float32), jfk()[:RATE], jfk()[:400]],
    ids=["speech", "music", "silence", "a second", "25 ms"],
)
def test_a_window_is_the_pipeline(model, expected, sound):
    assert by_name(heard(SoundEvents(model, k=ALL), sound)) == pytest.approx(expected(sound), abs=1e-5)


def test_a_file_is_the_pipeline(model, expected, tmp_path):
    row = SoundEvents(model, k=ALL)([Sound(recording("jfk.wav"), end=10.0)])
    found = dict(zip(row["sound_events"][0], row["sound_events_prob"][0].tolist(), strict=True))
    assert found == pytest.approx(expected(jfk()[: 10 * RATE]), abs=1e-5)


def test_the_tiny_network_tells_sounds_apart(model):
    """Else the comparisons above would hold for anything."""
    one, other = (by_name(heard(SoundEvents(model, k=ALL), sound)) for sound in (jfk(), chord(11)))
    assert max(abs(one[name] - other[name]) for name in one) > 0.01


def test_classes_stand_by_themselves(model):
    found = by_name(heard(SoundEvents(model, k=ALL), jfk()))
    assert sum(found.values()) != pytest.approx(1, abs=0.01)


def test_the_last_window_reaches_back_and_counts_for_what_is_new(model, expected):
    sound = mixed()
    windows = [(sound[: 10 * RATE], 10), (sound[10 * RATE : 20 * RATE], 10), (sound[-10 * RATE :], 5)]
    said = [(expected(window), share / 25) for window, share in windows]
    mean = {name: sum(probabilities[name] * share for probabilities, share in said) for name in checkpoints.SOUNDS}
    assert by_name(heard(SoundEvents(model, k=ALL), sound)) == pytest.approx(mean, abs=1e-5)


@pytest.mark.parametrize("name", ["Speech", "Music"])
def test_shares_of_time(model, expected, name):
    sound = mixed()
    windows = [(sound[: 10 * RATE], 10), (sound[10 * RATE : 20 * RATE], 10), (sound[-10 * RATE :], 5)]
    said = [(expected(window)[name], share / 25) for window, share in windows]
    levels = sorted(probability for probability, _ in said)
    assert levels[0] + 1e-4 < levels[1] < levels[2] - 1e-4  # a threshold fits between them
    for threshold in (levels[0] / 2, *np.mean([levels[:2], levels[1:]], axis=1), (levels[2] + 1) / 2):
        share = sum(part for probability, part in said if probability >= threshold)
        row = heard(SoundEvents(model, threshold=float(threshold)), sound)
        assert row[f"{name.lower()}_heard"] == pytest.approx(share)


@pytest.mark.parametrize("seconds", [0.31, 7.0, 25.0])
def test_how_it_comes_in_makes_no_difference(model, seconds):
    part = SoundEvents(model, k=ALL, seconds=3.0)
    one, other = heard(part, mixed()), heard(part, mixed(), seconds=seconds)
    assert one["sound_events_prob"].tolist() == other["sound_events_prob"].tolist()
    assert {**one, "sound_events_prob": 0} == {**other, "sound_events_prob": 0}


def test_the_most_probable_first(model):
    whole, three = (heard(SoundEvents(model, k=k), jfk()) for k in (ALL, 3))
    assert np.all(np.diff(whole["sound_events_prob"]) <= 0)
    assert three["sound_events"] == whole["sound_events"][:3]
    assert three["sound_events_prob"].tolist() == whole["sound_events_prob"][:3].tolist()
    assert three["sound_events_prob"].dtype == np.float32


def test_keeps_the_contract(model):
    files = [recording("jfk.wav"), recording("0880"), fetch.videos() / "bigbuckbunny.mp4"]
    check_measure(SoundEvents(model, k=ALL, seconds=2.0), [Sound(file) for file in files])


class TestHostile:
    @pytest.mark.parametrize(
        ("samples", "says"), [(0, "has no samples"), (1, "shorter than 25 ms"), (399, "shorter than 25 ms")]
    )
    def test_too_short(self, model, samples, says):
        part = SoundEvents(model)
        watcher = part.watch(Sound("a.wav"))
        for block in (jfk()[:samples],):
            watcher.see(type("Block", (), {"samples": block}))
        with pytest.raises(NoStreamError, match=rf"a\.wav: the sound .*{says}"):
            watcher.result()

    def test_no_sound(self, model, videos, tmp_path):
        (tmp_path / "empty.wav").write_bytes(b"")
        (tmp_path / "text.wav").write_bytes(b"not a sound\n" * 100)
        for path in (videos / "bikes.mp4", tmp_path / "empty.wav", tmp_path / "text.wav", tmp_path / "gone.wav"):
            with pytest.raises(MediaError, match=path.name):
                SoundEvents(model)([Sound(path)])


class TestParameters:
    def test_nothing_is_loaded_to_say_what_it_makes(self):
        part = SoundEvents()
        assert part.models == ("ast-audioset",)
        assert [(c.name, c.size) for c in part.columns] == [
            ("speech_heard", None), ("music_heard", None), ("sound_events", 5), ("sound_events_prob", 5),
        ]  # fmt: skip

    @pytest.mark.parametrize(
        "wrong",
        [
            {"k": 0}, {"k": 1.5}, {"seconds": 0.0}, {"seconds": 0.09}, {"seconds": float("nan")},
            {"seconds": float("inf")}, {"threshold": 0.0}, {"threshold": 1.1}, {"threshold": float("nan")},
        ],
    )  # fmt: skip
    def test_impossible_ones(self, wrong):
        with pytest.raises(InputError, match=f"sound_events: {next(iter(wrong))}"):
            SoundEvents(**wrong)

    def test_unknown_models(self):
        with pytest.raises(UnknownNameError, match="ast-audioset"):
            SoundEvents("ast")
        with pytest.raises(InputError, match="minilm is no checkpoint"):
            SoundEvents("minilm")

    def test_more_classes_than_there_are(self, model):
        with pytest.raises(InputError, match="has 7 classes; k should be no more, got 8"):
            SoundEvents(model, k=8).prepare()

    def test_longer_windows_than_it_hears(self, model):
        SoundEvents(model, seconds=10.255).prepare()
        with pytest.raises(InputError, match=r"hears 10\.255 s at a time; seconds should be no more, got 10\.265"):
            SoundEvents(model, seconds=10.265).prepare()
        extractor = checkpoint(model, "AudioClassification", "FeatureExtractor").processor
        sound = mixed()[: round(10.265 * RATE)]
        whole, cut, shorter = (
            extractor(sound[: len(sound) - less], sampling_rate=RATE)["input_values"][0] for less in (0, 160, 161)
        )
        assert np.array_equal(whole, cut)  # what is longer would be cut off
        assert not np.array_equal(cut, shorter)

    @pytest.mark.parametrize(
        ("made", "says"),
        [
            ({"id2label": {0: "Dog", 1: "Music"}, "label2id": {"Dog": 0, "Music": 1}}, "has no class Speech; take"),
            ({"id2label": {0: "yes", 1: "no"}, "label2id": {"yes": 0, "no": 1}}, "no class Speech and no class Music"),
            ({"problem_type": "single_label_classification"}, "made for single_label_classification"),
            ({"prepare": {"sampling_rate": 32000}}, "takes 32000 samples per second; sounds here have 16000"),
        ],
    )
    def test_networks_for_something_else(self, tmp_path, made, says):
        name = str(checkpoints.ast(tmp_path / "other", **made))
        with pytest.raises(InputError, match=says):
            SoundEvents(name, k=1).prepare()


def test_the_recipe_is_that_of_the_weights(model, tmp_path):
    parts = [SoundEvents(model), SoundEvents(str(checkpoints.ast(tmp_path / "other", seed=3)))]
    prints = [recipe_of(part).models[part.model] for part in parts]
    assert prints[0] != prints[1]


def test_in_a_study(model, videos, tmp_path):
    """Of the sound of videos, in the same pass as others; a film without sound is a row of failures."""
    (tmp_path / "films").mkdir()
    for name in ("bigbuckbunny.mp4", "bikes.mp4"):
        (tmp_path / "films" / name).symlink_to(videos / name)
    corpus = Corpus(tmp_path / "study")
    corpus.add(sources.folder(tmp_path / "films"))
    part = SoundEvents(model, k=2)
    assert sum(corpus.measure(part, "loudness", of="video").rows.values()) == 2
    (found,) = [row for row in corpus.table("video", "sound_events").to_pylist() if row["sound_events"]]
    (alone,) = part([Sound(videos / "bigbuckbunny.mp4")])["sound_events_prob"]
    assert found["sound_events_prob"] == alone.tolist()
    assert {row["step"] for row in corpus.failures().to_pylist()} == {"sound_events", "loudness"}
