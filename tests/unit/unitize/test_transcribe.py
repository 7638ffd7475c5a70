"""Whisper on arrays: real weights (base) and real speech; folders that are not what they should be."""

import shutil
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import fetch
import numpy as np
import pytest
from speaking import jfk, recording, samples

from studium.errors import InputError, MissingExtraError, UnknownNameError, WeightsError
from studium.unitize.transcribe import Utterance, apart, whisper

ASK = "And so, my fellow Americans, ask not what your country can do for you, ask what you can do for your country."


@pytest.fixture(scope="module")
def base():
    return whisper(str(fetch.whisper()))


@pytest.mark.slow
def test_nothing_is_said_in_nothing(base):
    assert base.transcribe(np.empty(0, np.float32)) == []


@pytest.mark.slow
def test_a_sentence_with_its_words_and_numbers(base):
    first, *rest = base.transcribe(jfk())
    assert " ".join(one.text for one in (first, *rest)) == ASK
    words = [word for one in (first, *rest) for word in one.words]
    assert "".join(word.word for word in words) == f" {ASK}"
    assert all(0 <= word.start <= word.end <= 11 and 0 <= word.probability <= 1 for word in words)
    assert [word.start for word in words] == sorted(word.start for word in words)
    starts = {word.word.strip(): word.start for word in reversed(words)}  # of the first of its kind
    assert starts["ask"] == pytest.approx(3.296, abs=0.15)  # where silero hears the voice come back
    assert starts["your"] == pytest.approx(5.5, abs=0.15)
    assert (first.language, first.language_probability) == ("en", pytest.approx(0.95, abs=0.04))
    assert first.no_speech_probability < 0.2
    assert -0.6 < first.mean_log_probability < -0.1
    assert first.compression_ratio == pytest.approx(1.35, abs=0.05)


@pytest.mark.slow
def test_threads_share_a_model_and_the_result_is_the_same_every_time(base):
    assert whisper(str(fetch.whisper())) is base
    sounds = [samples(recording(name)) for name in ("0880", "0930", "0880")]
    with ThreadPoolExecutor(2) as pool:
        one, other, again = pool.map(lambda sound: base.transcribe(sound, "en", 1), sounds)
    assert again == one
    assert one[0].language_probability == 1  # it was given
    assert one[0].text == "He was not an ill-disposed young man."
    assert other[0].text == "He might even have been made amiable himself."


@pytest.mark.slow
def test_a_language_that_no_model_knows(base):
    base.check_language("de")
    with pytest.raises(InputError, match=r"unknown language 'xx'; the model knows: .*de, .*en"):
        base.check_language("xx")


def test_what_lies_in_one_place_becomes_one():
    one = Utterance(0.0, 1.0, "a", (), "en", 1.0, 0.0, 0.0, 1.0)
    other, later = replace(one, text="b"), replace(one, end=2.0, text="c")
    assert apart([]) == []
    assert [each.text for each in apart([one, other, later])] == ["a b", "c"]


def test_a_model_that_is_not_there(tmp_path):
    with pytest.raises(UnknownNameError, match="no model named 'whisper-huge'"):
        whisper("whisper-huge")
    with pytest.raises(WeightsError):
        whisper(str(tmp_path / "nowhere"))


def test_a_folder_that_lacks_a_file_is_refused_and_nothing_is_downloaded(tmp_path):
    for name in ("config.json", "vocabulary.txt"):
        shutil.copy(fetch.whisper() / name, tmp_path)
    with pytest.raises(WeightsError, match=r"it lacks model\.bin, tokenizer\.json\. Copy"):
        whisper(str(tmp_path))


def test_a_model_that_is_broken(tmp_path):
    for name in ("config.json", "vocabulary.txt", "tokenizer.json"):
        shutil.copy(fetch.whisper() / name, tmp_path)
    (tmp_path / "model.bin").write_bytes(b"no model")
    with pytest.raises(WeightsError, match="does not load as a Whisper model"):
        whisper(str(tmp_path))


def test_a_model_with_the_preprocessor_of_another(tmp_path):
    for file in fetch.whisper().iterdir():
        (tmp_path / file.name).symlink_to(file)
    (tmp_path / "preprocessor_config.json").write_text('{"feature_size": 128}')
    with pytest.raises(WeightsError, match="needs 80 mel bands and would get 128"):
        whisper(str(tmp_path))


def test_without_the_extra(monkeypatch, tmp_path):
    (tmp_path / "model.bin").write_bytes(b"no model")
    monkeypatch.setitem(sys.modules, "faster_whisper", None)
    with pytest.raises(MissingExtraError, match=r"studium\[speech\]"):
        whisper(str(tmp_path))
