"""Spoken segments: without a model golden times, with one golden words; and nothing where nobody speaks."""

import itertools
import json
import logging

import av
import fetch
import numpy as np
import pytest
from speaking import blocks, chord, heard, jfk, recording, samples

from studium.errors import InputError
from studium.media.audio import RATE, Sound
from studium.testing import check_unitizer
from studium.unitize.speech import Speech, _Writer
from studium.unitize.transcribe import Utterance, Word

NOTHING = np.zeros(0, np.float32)
PAUSE = np.zeros(3 * RATE, np.float32)
QUIET = {
    "nothing": NOTHING,
    "silence": np.zeros(5 * RATE, np.float32),
    "noise": np.random.default_rng(0).normal(0, 0.1, 5 * RATE).astype(np.float32),
    "chord": chord(5),
    "a third of a second": jfk()[5000 + 2 * RATE :][: RATE * 3 // 10],
}


@pytest.fixture(scope="module")
def model():
    return str(fetch.whisper())


def columns_of(part):
    return {column.name for column in part.columns}


# without a model


@pytest.mark.parametrize("name", QUIET)
def test_where_nobody_speaks_there_is_no_segment(name):
    assert heard(Speech(), QUIET[name]) == []


def test_segments_in_seconds_of_the_file():
    spans = heard(Speech(), jfk())
    assert [(span.start, span.end) for span in spans] == [
        (0.322, 2.27), (3.266, 4.446), (5.378, 7.678), (8.162, 10.622)
    ]  # fmt: skip
    assert all(span.text is None and set(span.values) == columns_of(Speech()) for span in spans)
    assert [span.values["voice_probability"] for span in spans] == pytest.approx(
        [0.984, 0.825, 0.989, 0.969], abs=0.005
    )


def test_a_stretch_of_a_file_keeps_the_times_of_the_file():
    whole, later = heard(Speech(), jfk()), heard(Speech(), jfk(), start=100.5)
    assert [span.start for span in later] == [pytest.approx(span.start + 100.5) for span in whole]


def test_blocks_of_any_length_make_no_difference():
    assert heard(Speech(), jfk(), seconds=0.07) == heard(Speech(), jfk())


def test_a_file():
    assert list(Speech()(Sound(recording("jfk.wav")))) == heard(Speech(), jfk())


def test_the_contract():
    check_unitizer(Speech(), [Sound(recording(name)) for name in ("jfk.wav", "0880", "004.wav")])


def test_parameters_that_do_not_fit():
    with pytest.raises(InputError, match="only with a model"):
        Speech(language="en")
    with pytest.raises(InputError, match="at least 1, got 0"):
        Speech(beam=0)


# with a model


@pytest.fixture(scope="module")
def film(model):
    """Two sentences in a file that also has silence and music: 11 s of speech at 3 s, 3 s at 17 s, a chord at 23 s."""
    sound = np.concatenate([PAUSE, jfk(), PAUSE, samples(recording("0880")), PAUSE, chord(4)])
    return heard(Speech(model), sound)


@pytest.mark.slow
def test_text_where_it_is_said_and_nowhere_else(film):
    assert " ".join(span.text for span in film) == (
        "And so, my fellow Americans, ask not what your country can do for you, ask what you can do for your country. "
        "He was not an ill-disposed young man."
    )
    assert film[0].start == pytest.approx(3.352, abs=0.05)  # where silero hears it begin
    assert film[-1].start == pytest.approx(17.256, abs=0.05)
    assert film[-1].end == pytest.approx(19.7, abs=0.2)
    assert all(one.end <= other.start for one, other in itertools.pairwise(film))


@pytest.mark.slow
def test_every_segment_has_a_value_for_every_column(film, model):
    assert all(set(span.values) == columns_of(Speech(model)) for span in film)
    assert all(span.values["withheld"] is None for span in film)
    assert {span.values["language"] for span in film} == {"en"}


@pytest.mark.slow
def test_words_are_in_seconds_of_the_file(film):
    for span in film:
        words = json.loads(span.values["words"])
        assert "".join(word for _, _, word, _ in words).strip() == span.text
        assert words[0][0] == pytest.approx(span.start)
        assert words[-1][1] == pytest.approx(span.end)
        assert span.values["words_per_minute"] == pytest.approx(60 * len(span.text.split()) / (span.end - span.start))


@pytest.mark.slow
def test_once_settled_the_language_stays(film):
    assert len({span.values["language_probability"] for span in film}) == 1


@pytest.mark.slow
def test_the_contract_with_a_model(model):
    check_unitizer(Speech(model, "en", 1), [Sound(recording("0880"))])


@pytest.mark.slow
@pytest.mark.parametrize("name", QUIET)
def test_nothing_is_invented_where_nobody_speaks(name, model):
    assert heard(Speech(model), QUIET[name]) == []


@pytest.mark.slow
def test_half_a_word_alone_is_not_transcribed(model):
    (span,) = heard(Speech(model), jfk()[5000:][: RATE * 3 // 10])
    assert (span.text, span.values["words"], span.values["withheld"]) == (None, None, "too short")
    assert set(span.values) == columns_of(Speech(model))


@pytest.mark.slow
def test_the_yawn_of_a_rabbit_is_no_text(model, caplog):
    """Whisper alone writes a "Hmm" of hundreds of letters over this soundtrack."""
    caplog.set_level(logging.INFO, "studium")
    spans = list(Speech(model)(Sound(fetch.videos() / "bigbuckbunny.mp4")))
    assert [span.text for span in spans] == [None]
    assert spans[0].values["withheld"] in {"no speech", "repetition"}
    assert f"text withheld of 1 segments: {{'{spans[0].values['withheld']}': 1}}" in caplog.text


@pytest.mark.slow
def test_a_language_that_the_model_does_not_know(model):
    with pytest.raises(InputError, match="unknown language 'klingon'"):
        Speech(model, "klingon").prepare()


def test_a_video_without_sound(tmp_path):
    from studium.errors import NoStreamError

    path = tmp_path / "mute.mp4"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mpeg4", rate=25)
        stream.width, stream.height, stream.pix_fmt = 64, 64, "yuv420p"
        for packet in (*stream.encode(av.VideoFrame.from_ndarray(np.zeros((64, 64, 3), np.uint8))), *stream.encode()):
            container.mux(packet)
    with pytest.raises(NoStreamError):
        list(Speech()(Sound(path)))


# whatever a recogniser says


class Scribe:
    """A recogniser that says what it is told to, one answer for every stretch."""

    def __init__(self, *answers):
        self.answers, self.asked = list(answers), []

    def transcribe(self, samples, language, beam):
        self.asked.append((len(samples) / RATE, language, beam))
        return self.answers.pop(0)


def utterance(start, end, text="A few words.", language="en", sure=0.9, **numbers):
    words = (Word(start, end, f" {text}", 0.8),)
    plain = {"no_speech_probability": 0.1, "mean_log_probability": -0.2, "compression_ratio": 1.0}
    return Utterance(start, end, text, words, language, sure, **{**plain, **numbers})


def written(*answers, language=""):
    """The spans and the scribe: a sentence for each answer, 14 s apart, from 100 s on; the voice comes after .32 s."""
    scribe = Scribe(*answers)
    writer = _Writer(scribe, language, 2)
    for block in blocks(np.concatenate([jfk(), PAUSE] * len(answers)), start=100.0):
        writer.see(block)
    return writer.result(), scribe


def test_the_first_sure_language_is_kept():
    answers = [[utterance(1, 2, language="de", sure=0.3)], [utterance(1, 2)], [utterance(1, 2, language="en", sure=1)]]
    spans, scribe = written(*answers)
    assert [language for _, language, _ in scribe.asked] == ["", "", "en"]
    assert [(span.values["language"], span.values["language_probability"]) for span in spans] == [
        ("de", 0.3), ("en", 0.9), ("en", 0.9)
    ]  # fmt: skip


def test_a_given_language_is_certain():
    (span,), scribe = written([utterance(1, 2, language="de", sure=1)], language="de")
    assert [asked[1:] for asked in scribe.asked] == [("de", 2)]
    assert span.values["language_probability"] == 1


def test_only_stretches_with_voice_are_heard():
    _, scribe = written([], [])
    assert all(11.0 < seconds < 11.5 for seconds, _, _ in scribe.asked)


def test_a_stretch_without_words_has_its_times():
    (span,), _ = written([])
    assert (span.start, span.end) == pytest.approx((100.322, 110.622), abs=0.04)
    assert (span.text, span.values["withheld"]) == (None, "no words")


def test_doubtful_text_is_kept_out_and_its_numbers_are_kept():
    said = utterance(0.5, 2, compression_ratio=9.0)
    (span,), _ = written([said])
    assert (span.text, span.values["words"], span.values["words_per_minute"]) == (None, None, None)
    assert (span.values["withheld"], span.values["compression_ratio"]) == ("repetition", 9.0)


def test_text_in_a_pause_is_kept_out():
    (span,), _ = written([utterance(2.55, 3.1)])
    assert span.values["withheld"] == "no voice"


def test_two_texts_in_one_place_become_one():
    (span,), _ = written([utterance(0.5, 2, "One."), utterance(0.5, 2, "Two.")])
    assert span.text == "One. Two."
    assert [word for *_, word, _ in json.loads(span.values["words"])] == [" One.", " Two."]


def test_words_are_counted_where_they_are_written_apart():
    (one, other), _ = written([utterance(0.5, 2), utterance(3.5, 4, "我们选择登月", language="zh")])
    assert one.values["words_per_minute"] == pytest.approx(3 * 60 / 1.5)
    assert other.values["words_per_minute"] is None
