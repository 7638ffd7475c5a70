"""Guards against invented text: one case for each rule, on both sides of its threshold."""

from dataclasses import replace

import numpy as np
import pytest

from studium.unitize.invented import credit, repeats, withheld
from studium.unitize.transcribe import Utterance

SAID = Utterance(0.0, 2.0, "Ask not what your country can do for you.", (), "en", 0.98, 0.05, -0.3, 1.2)
VOICE = np.array([0.1, 0.9, 0.9])
MURMUR = np.array([0.1, 0.7, 0.2])


def test_what_was_said_is_not_withheld():
    assert withheld(SAID, VOICE) is None
    assert withheld(SAID, MURMUR) is None


@pytest.mark.parametrize(
    ("changes", "voice", "reason"),
    [
        ({}, np.array([0.49]), "no voice"),
        ({}, np.array([0.5]), None),
        ({"no_speech_probability": 0.61, "mean_log_probability": -1.01}, VOICE, "no speech"),
        ({"no_speech_probability": 0.60, "mean_log_probability": -1.01}, VOICE, None),
        ({"no_speech_probability": 0.99, "mean_log_probability": -1.0}, VOICE, None),
        ({"mean_log_probability": -1.01}, MURMUR, "no speech"),
        ({"mean_log_probability": -1.0}, MURMUR, None),
        ({"compression_ratio": 2.41}, VOICE, "repetition"),
        ({"compression_ratio": 2.4}, VOICE, None),
        ({"text": "no " * 6}, VOICE, "repetition"),
        ({"text": "no " * 5}, VOICE, None),
        ({"text": "Subtitles by the Amara.org community"}, VOICE, "credit"),
        ({"text": "Thanks for watching!"}, VOICE, None),
    ],
)
def test_a_reason_for_doubt(changes, voice, reason):
    assert withheld(replace(SAID, **changes), voice) == reason


@pytest.mark.parametrize(
    ("text", "times"),
    [
        ("", 0),
        ("...", 0),
        ("one", 1),
        ("one two three", 1),
        ("no, No. NO!", 3),
        ("I'm sorry, I'm sorry, I'm sorry.", 3),
        ("I'm sorry, I'm sorry, I", 2),
        ("what what is what is what is what", 3),
        ("vier Jahre! vier Jahre!", 2),
        ("one two three four five six seven eight " * 2, 2),
        ("one two three four five six seven eight nine " * 2, 1),  # longer than what is looked for
        ("да да да", 3),
    ],
)
def test_repeats(text, times):
    assert repeats(text) == times


@pytest.mark.parametrize(
    "text",
    [
        "Untertitel im Auftrag des ZDF, 2017",
        "Untertitelung des ZDF, 2020",
        "Sous-titres réalisés par la communauté d'Amara.org",
        "Sous-titrage ST' 501",
        "Субтитры сделал DimaTorzok",
        "Редактор субтитров А.Семкин",
        "ご視聴ありがとうございました",
        "请不吝点赞 订阅 转发 打赏支持明镜与点点栏目",
    ],
)
def test_credits_of_subtitlers(text):
    assert credit(text)


@pytest.mark.parametrize("text", ["", "The film has subtitles.", "Der Untertitel ist falsch.", "les sous-titres"])
def test_talk_about_subtitles_is_no_credit(text):
    assert not credit(text)
