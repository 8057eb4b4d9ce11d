"""What could go into the reel, and why: movement, words and the level of the sound together."""

from collections.abc import Sequence

import pytest

from shared.domain.candidate import Candidate, Ranking
from shared.domain.candidates import MotionEvidence
from shared.domain.clip_lengths import ClipLengths
from shared.domain.highlight import Highlight
from shared.domain.motion import Look
from shared.domain.options import MotionOptions
from shared.domain.passages import SHORTEST_S
from shared.domain.ranker import (
    DENSE_REASON,
    FAST_REASON,
    LAUGHTER_REASON,
    MOTION_REASON,
    QUESTION_REASON,
    SPEECH_REASON,
    THOUGHT_REASON,
)
from shared.domain.score_spans import BadRanking, score_spans
from shared.domain.sound_level import SoundLevel
from shared.domain.span import span
from shared.domain.transcript import Word

SENTENCE = "We come back to the very same place day after day after day."  # 13 words
JOKE = "And then the horse said that it was only there for the beer."


def spoken(text: str, start_s: float, *, word_s: float = 0.4, confidence: float = 1.0) -> list[Word]:
    return [
        Word(text=each, start_s=start_s + n * word_s, end_s=start_s + (n + 1) * word_s, confidence=confidence)
        for n, each in enumerate(text.split())
    ]


def moving(*events: tuple[float, float, float]) -> MotionEvidence:
    """Return the evidence of movements (start, end, fastest body speed)."""
    looks = [
        Look(t_s=start_s + n / 4, speed=speed, energy=speed)
        for start_s, end_s, speed in events
        for n in range(int((end_s - start_s) * 4))
    ]
    spans = tuple(span(start_s, end_s) for start_s, end_s, _ in events)
    return MotionEvidence(events=spans, looks=tuple(looks), options=MotionOptions())


def found(
    *said: list[Word],
    motion: MotionEvidence | None = None,
    levels: Sequence[SoundLevel] = (),
    keywords: tuple[str, ...] = (),
    lengths: ClipLengths | None = None,
    duration_s: float = 120,
) -> tuple[Highlight, ...]:
    words = [word for part in said for word in part]
    motion = motion or moving()
    return score_spans(motion, words, levels, duration_s=duration_s, keywords=keywords, lengths=lengths).highlights


def rounded(each: Highlight) -> tuple[float, float]:
    return round(each.span.start_s, 3), round(each.span.end_s, 3)


def test_a_sentence_has_a_lead_in_and_a_run_out() -> None:
    (one,) = found(spoken(SENTENCE, 10))
    assert rounded(one) == (9.7, 15.7)
    assert one.reasons == (THOUGHT_REASON,)


def test_one_passage_leaves_the_next_its_lead_in() -> None:
    one, other = found(spoken(SENTENCE, 10), spoken(SENTENCE, 15.6), duration_s=30)
    assert rounded(one) == (9.7, rounded(other)[0]) == (9.7, 15.45), "of 0.4 s of silence five parts of eight"
    short, after = found(spoken("Go on, now, go.", 10), spoken(SENTENCE, 13.8), duration_s=30)
    assert (rounded(short), rounded(after)[0]) == ((9.5, 13.5), 13.5), "though it could use all of the silence"
    first, short, after = found(
        *(spoken(SENTENCE, 5), spoken("Go on, now, go.", 11), spoken(SENTENCE, 13.8)),
        lengths=ClipLengths(shortest_s=3, longest_s=6),
        duration_s=30,
    )
    assert rounded(first)[1] == rounded(short)[0] == 10.7
    assert rounded(short)[1] == rounded(after)[0] == 13.7, "at 2.8 s it would be left out"


def test_a_question_is_shown_with_its_answer_and_is_worth_more() -> None:
    asked, plain = found(
        spoken("Why do we do it?", 10), spoken("Because nothing else feels like it at all.", 12.5), spoken(SENTENCE, 40)
    )
    assert QUESTION_REASON in asked.reasons
    assert asked.span.start_s < 10 and asked.span.end_s > 15.5
    assert asked.score > plain.score


def test_who_speaks_faster_than_usual_speaks_densely() -> None:
    slow, usual, fast = found(
        spoken(SENTENCE, 10, word_s=0.6), spoken(SENTENCE, 40), spoken(f"{SENTENCE[:-1]} {SENTENCE}", 80, word_s=0.25)
    )
    assert [DENSE_REASON in each.reasons for each in (slow, usual, fast)] == [False, False, True]
    assert slow.score < usual.score < fast.score


def test_unsure_words_make_a_weak_candidate() -> None:
    sure, unsure = found(spoken(SENTENCE, 10), spoken(SENTENCE, 40, confidence=0.4))
    assert unsure.score < sure.score / 2


def test_a_short_cry_in_silence_is_given_the_silence_around_it() -> None:
    (one,) = found(spoken("Watch this!", 30))
    assert round(one.span.duration_s, 6) == SHORTEST_S
    assert one.span.start_s <= 29.7
    assert one.reasons == (SPEECH_REASON,)


def test_a_movement_has_its_padding_and_the_score_of_its_fastest_moment() -> None:
    (one,) = found(motion=moving((10, 12, 0.5)))
    assert (one.span, one.score, one.reasons) == (span(8, 15), round(0.5 / 1.5, 4), (MOTION_REASON,))


@pytest.mark.parametrize(
    ("speeds", "fast"),
    [
        ((0.1, 0.1, 0.1, 0.35), [3]),  # slow in the picture, but clearly the fastest there is
        ((0.25, 0.22, 0.29, 0.25, 0.17, 0.25, 0.45), [6]),
        ((0.06, 0.06, 0.06, 0.2), []),  # who juggles on the spot, beside people who stand
        ((0.5, 0.5, 0.55), []),
        ((2.0, 2.2, 3.0), [0, 1, 2]),  # all of them run
        ((0.25,), []),
        ((1.5,), [0]),
    ],
)
def test_what_moves_faster_than_is_usual_there_moves_fast(speeds: tuple[float, ...], fast: list[int]) -> None:
    events = [(20.0 * n + 5, 20.0 * n + 8, speed) for n, speed in enumerate(speeds)]
    candidates = found(motion=moving(*events), duration_s=20 * len(speeds))
    assert [n for n, each in enumerate(candidates) if FAST_REASON in each.reasons] == fast
    assert [n for n, each in enumerate(candidates) if MOTION_REASON not in each.reasons] == fast


def test_what_the_user_asked_for_is_named_and_worth_most() -> None:
    asked, plain = found(
        spoken("I landed it.", 10), spoken("The Kickflip, you know, is the one I never do.", 12),
        spoken("Why do we do it?", 40), spoken("Because nothing else feels like it at all.", 42.5),
        keywords=("grind", "kickflip", "never do"),
    )  # fmt: skip
    assert asked.reasons[:2] == ("your keyword: kickflip", "your keyword: never do")
    assert asked.score > plain.score


def test_a_keyword_is_a_candidate_even_where_there_is_hardly_room() -> None:
    long = [spoken("word " * 47 + "end.", 0.4 * 48 * n + 1.6 * n) for n in range(2)]
    between = spoken("Kickflip!", 0.4 * 48 + 0.6, word_s=0.3)
    assert not [each for each in found(long[0], between, long[1]) if each.span.start_s < 19.9 < each.span.end_s]
    candidates = found(long[0], between, long[1], keywords=("kickflip",))
    assert ["your keyword: kickflip" in each.reasons for each in candidates] == [False, True, False]


def test_a_remark_between_two_long_passages_is_a_candidate_or_belongs_to_the_next() -> None:
    long = [spoken("word " * 46 + "end.", t) for t in (0.4, 22.6)]
    between = spoken("So it is!", 20.0, word_s=0.5)
    assert [rounded(each) for each in found(long[0], between, long[1])][1] == (19.7, 22.3)
    asked = [spoken("Why do we do it?", 22.6), spoken("Because nothing else feels like it at all.", 25)]
    assert [rounded(each) for each in found(long[0], between, *asked)][1] == (19.7, 28.7)


def test_a_lone_short_word_hardly_raises_a_movement() -> None:
    quiet, with_word, with_speech = found(
        spoken("So", 40, word_s=0.12), spoken(SENTENCE, 69), motion=moving((10, 20, 0.2), (38, 48, 0.2), (68, 78, 0.2))
    )
    assert with_word.reasons == quiet.reasons == (MOTION_REASON,)
    assert quiet.score <= with_word.score < quiet.score + 0.1 < with_speech.score


def levels(*parts: tuple[float, float]) -> list[SoundLevel]:
    lengths = [(round(10 * length_s), level_db) for length_s, level_db in parts]
    each_db = [level_db for length, level_db in lengths for _ in range(length)]
    return [SoundLevel(start_s=at / 10, level_db=level_db) for at, level_db in enumerate(each_db)]


LAUGHED = levels((15.2, -25), (0.4, -50), (3, -10), (40, -50), (20, -25))


def test_laughter_is_shown_with_the_joke_before_it_and_raises_it() -> None:
    said = (spoken(JOKE, 10), spoken(SENTENCE, 60))
    quiet = found(*said)[0]
    joke, plain = found(*said, levels=LAUGHED)
    assert LAUGHTER_REASON in joke.reasons and LAUGHTER_REASON not in plain.reasons
    assert joke.span.start_s == pytest.approx(9.7) and joke.span.end_s == pytest.approx(19.1, abs=0.3)
    assert joke.score > plain.score and joke.score > quiet.score


def test_laughter_alone_is_a_candidate_with_what_came_before_it() -> None:
    said = (spoken(SENTENCE, 2), spoken(SENTENCE, 60))
    _, alone, _ = found(*said, levels=LAUGHED)
    assert alone.reasons == (LAUGHTER_REASON,)
    assert alone.span.start_s == pytest.approx(11.6, abs=0.3) and alone.span.end_s == pytest.approx(19.6, abs=0.3)


def test_written_laughter_counts_too() -> None:
    (one,) = found(spoken(JOKE, 10), spoken("Haha!", 15.5))
    assert LAUGHTER_REASON in one.reasons
    assert one.span.end_s >= 15.9


def test_where_movement_and_speech_meet_is_one_candidate_with_both_reasons() -> None:
    (one,) = found(spoken(SENTENCE, 14), motion=moving((10, 12, 1.5)))
    assert rounded(one) == (8.0, 19.7)
    assert one.reasons == (FAST_REASON, THOUGHT_REASON)
    assert one.score > max(each.score for each in (*found(spoken(SENTENCE, 14)), *found(motion=moving((10, 12, 1.5)))))


def test_one_long_movement_is_four_candidates_each_with_its_own_score() -> None:
    looks = tuple(Look(t_s=t, speed=t / 10, energy=t / 10) for t in range(2, 37))
    motion = MotionEvidence(events=(span(2, 37),), looks=looks, options=MotionOptions())
    parts = found(motion=motion, duration_s=40)
    assert [each.span for each in parts] == [span(0, 10), span(10, 20), span(20, 30), span(30, 40)]
    assert [each.score for each in parts] == sorted({each.score for each in parts})


def test_a_movement_is_not_cut_in_two_for_the_sake_of_more_candidates() -> None:
    candidates = found(motion=moving((10, 28, 0.5), (60, 62, 0.5)))
    assert [each.span for each in candidates] == [span(8, 31), span(58, 65)]


def test_movement_with_speech_all_through_it_is_cut_between_sentences() -> None:
    sentences = [spoken(SENTENCE, 10 * n + 1) for n in range(10)]
    parts = found(*sentences, motion=moving((2, 97, 0.5)), duration_s=100)
    assert len(parts) >= 4
    assert all(each.span.duration_s <= 30 and MOTION_REASON in each.reasons for each in parts)
    assert_no_word_is_cut(parts, [word for each in sentences for word in each])


def test_a_talk_is_at_least_four_candidates_and_passages_keep_to_the_longest_clip() -> None:
    talk = spoken(" ".join([SENTENCE] * 12), 0)
    whole = found(talk)
    short = found(talk, lengths=ClipLengths(shortest_s=2, longest_s=7))
    assert len(whole) >= 4 and len(short) >= 10
    assert max(each.span.duration_s for each in short) <= 7
    assert min(each.span.duration_s for each in found(talk, lengths=ClipLengths(shortest_s=9))) >= 9
    assert_no_word_is_cut((*whole, *short), talk)


def test_three_sentences_between_two_movements_are_two_candidates() -> None:
    times = "It was the best of times."
    said = [spoken(times, start_s, word_s=0.6) for start_s in (25.0, 29.4, 33.8)]  # 3.6 s each, 0.8 s apart
    parts = found(*said, motion=moving((7, 15, 0.5), (45, 54, 0.5)), duration_s=60)
    assert [rounded(each) for each in parts[1:3]] == [(24.7, 29.1), (29.1, 37.9)]
    assert len(parts) == 4
    asked = [spoken("Was it the best of times?", 29.4, word_s=0.6), said[2]]
    assert len(found(*asked, motion=moving((7, 15, 0.5), (45, 54, 0.5)), duration_s=60)) == 3, "and its answer"


def test_a_short_movement_grows_to_the_shortest_clip_but_into_no_sentence() -> None:
    motion = MotionEvidence(
        events=(span(30, 31),), looks=(), options=MotionOptions(pad_before_s=0, pad_after_s=0)
    )  # fmt: skip
    (alone,) = found(motion=motion, lengths=ClipLengths(shortest_s=4))
    assert rounded(alone) == (28.5, 32.5)
    _, beside = found(spoken(SENTENCE, 24), motion=motion, lengths=ClipLengths(shortest_s=4))
    assert rounded(beside)[0] >= 29.7 and beside.span.duration_s == pytest.approx(4)


def test_candidates_end_with_the_source() -> None:
    late = [
        Word(text="Bye!", start_s=9.5, end_s=10.4, confidence=1),
        Word(text="Gone.", start_s=11, end_s=12, confidence=1),
    ]
    (one,) = found(late, duration_s=10)
    assert one.span == span(6, 10)


class Answers:
    """A ranker that always answers the same."""

    def __init__(self, *rankings: Ranking) -> None:
        self.rankings = rankings
        self.asked: Sequence[Candidate] = ()

    def rank(self, candidates: Sequence[Candidate]) -> Sequence[Ranking]:
        self.asked = candidates
        return self.rankings


def test_another_ranker_gets_the_words_and_the_evidence_and_its_word_counts() -> None:
    ranker = Answers(Ranking(score=1.0, reasons=("it made me laugh",)))
    words = spoken(SENTENCE, 14)
    scored = score_spans(moving((10, 12, 1.5)), words, [], duration_s=60, keywords=("place",), ranker=ranker)
    (one,) = scored.highlights
    assert (one.score, one.reasons) == (1.0, ("it made me laugh",))
    (asked,) = ranker.asked
    assert (asked.speed, asked.keywords, asked.words) == (1.5, ("place",), tuple(words))
    assert [each.words for each in asked.passages] == [tuple(words)]


@pytest.mark.parametrize(
    ("rankings", "sentence"),
    [
        ((), "The ranker was asked about 1 candidates and answered for 0."),
        (
            (Ranking(score=1.5, reasons=("x",)),),
            r"The ranker scored \[9.70, 15.70\) s 1.5; scores lie between 0 and 1.",
        ),
        ((Ranking(score=float("nan"), reasons=("x",)),), "scores lie between 0 and 1"),
        ((Ranking(score=0.5, reasons=()),), "The ranker gave no reason for"),
    ],
)
def test_a_ranker_that_does_not_keep_its_word_is_an_error(rankings: tuple[Ranking, ...], sentence: str) -> None:
    with pytest.raises(BadRanking, match=sentence):
        score_spans(moving(), spoken(SENTENCE, 10), [], duration_s=60, ranker=Answers(*rankings))


def assert_no_word_is_cut(candidates: Sequence[Highlight], words: Sequence[Word]) -> None:
    borders = [t for each in candidates for t in (each.span.start_s, each.span.end_s)]
    assert not [(t, word) for t in borders for word in words if word.start_s + 1e-9 < t < word.end_s - 1e-9]
