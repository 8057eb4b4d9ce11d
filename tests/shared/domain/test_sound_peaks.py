"""What stands out of a source's sound as laughter does, and what must not."""

import time

import pytest

from shared.domain.sound_level import SoundLevel
from shared.domain.sound_peaks import is_laughter, sound_peaks, with_laughter
from shared.domain.span import span
from shared.domain.transcript import Word

SPEECH_DB, SILENT_DB = -22.0, -55.0


def levels(*parts: tuple[float, float]) -> list[SoundLevel]:
    """Return levels of (seconds, dB) one after the other; -22 dB comes and goes as syllables do."""
    found: list[SoundLevel] = []
    for length_s, level_db in parts:
        for _ in range(round(10 * length_s)):
            syllable_db = (0.0, -4.0, -9.0, -2.0)[len(found) % 4] if level_db == SPEECH_DB else 0.0
            found.append(SoundLevel(start_s=len(found) / 10, level_db=level_db + syllable_db))
    return found


def talk(*stretches: tuple[float, float]) -> list[Word]:
    return [
        Word(text="word", start_s=start_s + n * 0.4, end_s=start_s + n * 0.4 + 0.4, confidence=0.9)
        for start_s, end_s in stretches
        for n in range(round((end_s - start_s) / 0.4))
    ]


def test_a_burst_after_a_joke_stands_out() -> None:
    sound = levels((20, SPEECH_DB), (2, -12), (20, SPEECH_DB))
    (one,) = sound_peaks(sound, talk((0, 20), (22, 42)))
    assert one.span.start_s == pytest.approx(20, abs=0.3)
    assert one.span.end_s == pytest.approx(22, abs=0.3)
    assert 6 < one.louder_db < 14


def test_laughter_with_breaths_in_it_is_one() -> None:
    laughter = [part for _ in range(6) for part in ((0.2, -10.0), (0.2, -26.0))]
    (one,) = sound_peaks(levels((20, SPEECH_DB), *laughter, (20, SPEECH_DB)), talk((0, 20), (22.4, 42.4)))
    assert one.span.duration_s == pytest.approx(2.4, abs=0.5)


@pytest.mark.parametrize(
    ("what", "sound", "said"),
    [
        ("silence", [(60, SILENT_DB)], [(0, 20)]),
        ("emphasis", [(20, SPEECH_DB), (0.8, -12), (20, SPEECH_DB)], [(0, 40.8)]),
        ("a slammed door", [(20, SPEECH_DB), (2, SILENT_DB), (0.2, -5), (20, SPEECH_DB)], [(0, 20), (22.2, 42)]),
        ("a song", [(30, SPEECH_DB), (40, -12)], [(0, 30)]),
        ("a song with a beat", [(30, SPEECH_DB), *[(0.8, -10), (0.8, -16)] * 30], [(0, 30)]),
        ("noise all the time", [(60, -10)], [(0, 30)]),
        ("nobody speaks", [(20, SILENT_DB), (2, -10), (20, SILENT_DB)], []),
        ("others speak as loud", [(20, SPEECH_DB), (3, SILENT_DB), (3, -20), (20, SPEECH_DB)], [(0, 20)]),
    ],
)
def test_what_is_no_laughter_is_passed_over(
    what: str, sound: list[tuple[float, float]], said: list[tuple[float, float]]
) -> None:
    assert sound_peaks(levels(*sound), talk(*said)) == (), what


def test_the_order_of_what_is_given_and_a_shorter_step_in_between_change_nothing() -> None:
    sound = levels((20, SPEECH_DB), (2, -12), (20, SPEECH_DB))
    words = talk((0, 20), (22, 42))
    assert sound_peaks(sound[::-1], words[::-1]) == sound_peaks(sound, words)
    cut = [*sound, SoundLevel(start_s=20.05, level_db=-12)]
    assert [round(each.span.start_s) for each in sound_peaks(cut, words)] == [20]


@pytest.mark.parametrize(
    "text", ["Haha!", "hahaha", "(laughter)", "[Laughs]", "*chuckles*", "jajaja", "ㅋㅋㅋ", "哈哈哈", "(笑)"]
)
def test_written_laughter_is_laughter(text: str) -> None:
    assert is_laughter(text)
    (one,) = sound_peaks([], [Word(text=text, start_s=1, end_s=2, confidence=0.5)])
    assert one.span == span(1, 2)


@pytest.mark.parametrize("text", ["ha", "laughter", "jaja", "Hannah", "(quietly)", "he", "aha!", "hehe's-not", "..."])
def test_other_words_are_not(text: str) -> None:
    assert not is_laughter(text)


def test_laughter_belongs_to_the_sentence_before_it_and_never_reaches_into_the_next() -> None:
    peaks = sound_peaks([], [Word(text="haha", start_s=11, end_s=16, confidence=0.5)])
    assert with_laughter([span(0, 10), span(15, 20)], peaks) == [span(0, 15), span(15, 20)]
    assert with_laughter([span(0, 5), span(20, 25)], peaks) == [span(0, 5), span(20, 25)], "too long after it"


def test_a_long_evening_of_laughter_takes_no_longer_than_it_has_to() -> None:
    parts, jokes = [(10.0, SPEECH_DB), (2.0, -12.0)] * 600, [(12.0 * n, 12.0 * n + 10) for n in range(600)]
    sound, said = levels(*parts), talk(*jokes)
    before_s = time.process_time()
    assert len(sound_peaks(sound, said)) == 600
    assert time.process_time() - before_s < 2, "0.3 s; 3.6 s when every burst was held against every word"
