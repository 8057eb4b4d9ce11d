"""What the benchmark of writing speech down makes of its measurements."""

from dataclasses import replace
from pathlib import Path

import pytest

from benchmarks import transcribe as benchmark
from benchmarks.transcribe import (
    ENGLISH,
    FILES,
    LEAST,
    MOST,
    OTHERS,
    Taken,
    Turn,
    cores_had,
    counted,
    english_error_rate,
    missed_bounds,
    rates,
    ratios,
    sentence_ends,
    together,
)
from benchmarks.transcribe_chart import bars, draw
from benchmarks.transcribe_chunks import MOST as MOST_BETWEEN_CHUNKS
from benchmarks.transcribe_chunks import comparison, summed
from benchmarks.transcribe_once import Way, Written
from shared.domain.transcript import Word
from shared.pipeline.transcribe import SpeechPart

SAID = dict.fromkeys(FILES, "one two three four five six seven eight nine ten")
FIGURES = {
    "cores": 2.0,
    "english_usual_s_per_min": 6.0,
    "english_at_once_usual_s_per_min": 6.0,
    "english_montage_s_per_min": 2.0,
    "english_at_once_montage_s_per_min": 2.0,
    "all_usual_s_per_min": 6.6,
    "all_montage_s_per_min": 2.5,
    "usual_wer_english": 0.045,
    "wer_english": 0.0345,
}


def times(turn: int, way: Way, wall_s: float) -> list[Taken]:
    names = [name.partition(".")[0] for name in FILES]
    return [Taken(turn=turn, what=name, way=way, duration_s=10.0, wall_s=wall_s, cpu_s=2 * wall_s) for name in names]


def turn(number: int, way: Way, **texts: str) -> Turn:
    """Return a turn in which every text is right but those given by the recording's name."""
    languages = dict.fromkeys(ENGLISH, "en") | {name: language for language, name in OTHERS.items()}
    written = {
        name: Written(
            duration_s=10.0,
            wall_s=1.0,
            cpu_s=2.0,
            text=texts.get(name.partition(".")[0], text),
            language=languages[name],
        )
        for name, text in SAID.items()
    }
    said = " ".join(written[name].text for name in ENGLISH)
    at_once = Written(duration_s=60.0, wall_s=3.0, cpu_s=6.0, text=said, language=None)
    return Turn(turn=number, way=way, load_s=0.5, peak_mib=300.0 + number, written=written, at_once=at_once)


def test_the_ratio_is_of_seconds_summed_within_each_turn() -> None:
    turns = [
        each
        for number, (usual_s, montage_s) in enumerate([(6.0, 2.0), (9.0, 9.0), (8.0, 2.0)])
        for each in (*together(times(number, "usual", usual_s)), *together(times(number, "montage", montage_s)))
    ]
    figures = ratios(turns)
    assert figures["speedup_english"] == figures["speedup_all"] == figures["speedup_jfk"] == 3.0
    assert figures["speedup_cpu_english"] == 3.0
    assert figures["english_montage_x_real_time"] == 5.0
    assert figures["english_usual_s_per_min"] == 48.0


def test_a_busy_machine_shows_in_the_share_of_its_cores_that_the_usual_way_had() -> None:
    idle, busy = times(0, "usual", 1.0), [replace(each, cpu_s=each.wall_s) for each in times(1, "usual", 1.0)]
    assert cores_had(together(idle), 2) == 1.0
    assert cores_had(together(busy), 2) == 0.5 < LEAST["cores_had"]


def test_a_long_recording_counts_for_more_than_a_short_one() -> None:
    usual, montage = times(0, "usual", 1.0), times(0, "montage", 1.0)
    usual[0] = replace(usual[0], wall_s=19.0)  # of six English ones
    assert ratios([*together(usual), *together(montage)])["speedup_english"] == 4.0


def test_errors_in_english_are_summed_before_they_are_divided() -> None:
    written = turn(0, "montage", jfk="one", librivox_0870="").written
    assert english_error_rate(written, SAID) == pytest.approx(19 / 60)
    assert english_error_rate(written, SAID | {"jfk.flac": "one"}) == pytest.approx(10 / 51)


def test_the_usual_ways_dice_count_with_their_median_and_each_language_by_itself() -> None:
    wrong = [turn(number, "usual", jfk=text) for number, text in enumerate(("", SAID["jfk.flac"], "one"))]
    figures = rates([*wrong, turn(0, "montage", de_34s="one", ja_28s="onetwo")], SAID)
    assert figures["usual_wer_english"] == 0.15
    assert (figures["wer_english"], figures["wer_above_usual_english"]) == (0.0, -0.15)
    assert (figures["wer_de"], figures["usual_wer_de"], figures["wer_es"]) == (0.9, 0.0, 0.0)
    assert figures["cer_ja"] == round(33 / 39, 4)


def test_a_text_that_changes_from_turn_to_turn_and_a_wrong_language_are_counted() -> None:
    first, second = turn(0, "montage"), turn(1, "montage", jfk="ask not")
    figures = counted([first, second, turn(0, "usual", ru="?")])
    assert (figures["texts_that_differ"], figures["languages_wrong"]) == (1, 0)
    assert (figures["peak_mib_montage"], figures["peak_mib_usual"]) == (301, 300)
    wrong = {"ru.wav": replace(first.written["ru.wav"], language="bg")}
    assert counted([replace(first, written={**first.written, **wrong}), turn(0, "usual")])["languages_wrong"] == 1


def test_sentences_that_were_ended_are_counted_in_each_language() -> None:
    figures = sentence_ends([turn(0, "montage", jfk="Ask not. Ask!"), turn(0, "usual", ja_28s="はい。いいえ。")])
    assert (figures["sentences_english"], figures["usual_sentences_english"]) == (2, 0)
    assert (figures["sentences_ja"], figures["usual_sentences_ja"]) == (0, 2)


def test_figures_at_their_bounds_miss_none_and_beyond_them_each() -> None:
    most = MOST | MOST_BETWEEN_CHUNKS
    assert missed_bounds(LEAST | most) == []
    assert missed_bounds({}) == []
    beyond = {name: bound - 0.01 for name, bound in LEAST.items()} | {
        name: bound + 0.01 for name, bound in most.items()
    }
    assert len(missed_bounds(beyond)) == len(LEAST) + len(most)


def test_recordings_handed_over_at_once_must_read_as_they_do_one_by_one() -> None:
    turns = [turn(0, "usual"), turn(0, "montage")]
    assert counted(turns)["texts_that_differ"] == 0
    otherwise = replace(turns[1], at_once=replace(turns[1].at_once, text="one two"))
    assert counted([turns[0], otherwise])["texts_that_differ"] == 1


def test_the_chart_shows_how_many_times_faster_and_how_right_each_way_is() -> None:
    english, _, every = bars(FIGURES)
    assert [bar.number for bar in english] == ["6 s", "2 s   3.0×"]
    assert [bar.remark for bar in english] == ["4.5 % wrong", "3.5 % wrong"]
    assert [bar.is_ours for bar in every] == [False, True]
    assert draw(FIGURES).width == 1000


def part(first_unit: int, borders_s: tuple[float, ...], *texts: str) -> SpeechPart:
    words = [
        Word(text=text, start_s=borders_s[0] + number, end_s=borders_s[0] + number + 0.5, confidence=1.0)
        for number, text in enumerate(texts)
    ]
    return SpeechPart(
        first_unit=first_unit,
        borders_s=borders_s,
        words=tuple(words),
        language="en",
        decode_errors=0,
        heard_samples=0,
        models={},
    )


def test_chunks_that_agree_are_counted_and_none_differs() -> None:
    whole = [part(0, (0.0, 23.0, 50.0), "a")]
    same = comparison("talk.wav", [whole, [part(0, (0.0, 23.0), "a"), part(1, (23.0, 50.0))]])
    assert (same.units, same.words, same.plans, same.margins) == (2, 1, 2, 1)
    assert (same.borders_differ, same.transcripts_differ, same.longest_unit_s) == (0, 0, 27.0)


def test_neighbours_that_disagree_and_words_that_change_are_counted() -> None:
    whole = [part(0, (0.0, 23.0, 50.0), "a")]
    apart = comparison("talk.wav", [whole, [part(0, (0.0, 23.0), "a"), part(1, (23.5, 50.0))]])
    assert (apart.borders_differ, apart.transcripts_differ) == (2, 1), "of the neighbours, and of the whole"
    other = comparison("talk.wav", [whole, [part(0, (0.0, 23.0), "b"), part(1, (23.0, 50.0))]])
    assert (other.borders_differ, other.transcripts_differ) == (0, 1)
    sums = summed([apart, other])
    assert (sums["chunks_sources"], sums["chunks_borders_differ"], sums["chunks_transcripts_differ"]) == (2, 2, 2)


def test_without_recordings_one_sentence_says_where_they_are_looked_for(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(benchmark, "MEDIA", tmp_path)
    monkeypatch.setattr("sys.argv", ["transcribe"])
    assert benchmark.main() == 1
    assert capsys.readouterr().err == (
        f"no recording libri_long_1spk.m4a in {tmp_path / 'speech'}; MONTAGE_MEDIA names another folder.\n"
    )
