import itertools

from hypothesis import given
from hypothesis import strategies as st

from shared.domain.highlight import Highlight
from shared.domain.span import Span, join_near, span, total_s
from shared.domain.speech_highlights import (
    DENSE_REASON,
    LONGEST_S,
    QUESTION_REASON,
    SHORTEST_S,
    THOUGHT_REASON,
    combine,
    speech_highlights,
)
from shared.domain.transcript import Transcript, Word


def spoken(text: str, start_s: float, *, word_s: float = 0.4, confidence: float = 1.0) -> list[Word]:
    return [
        Word(text=each, start_s=start_s + n * word_s, end_s=start_s + (n + 1) * word_s, confidence=confidence)
        for n, each in enumerate(text.split())
    ]


def found(*parts: list[Word], duration_s: float = 120) -> tuple[Highlight, ...]:
    words = tuple(word for part in parts for word in part)
    return speech_highlights(Transcript(language="en", words=words), duration_s=duration_s)


SENTENCE = "We come back to the very same place day after day after day."  # 13 words
texts = st.sampled_from(("so", "well,", "board.", "Why?", "internationally", "Yes!", "and"))


@st.composite
def speech(draw: st.DrawFn) -> list[Word]:
    words: list[Word] = []
    at_ms = 0
    for text, length_ms, pause_ms in draw(
        st.lists(st.tuples(texts, st.integers(50, 2000), st.one_of(st.just(0), st.integers(0, 8000))), max_size=60)
    ):
        at_ms += pause_ms
        words.append(Word(text=text, start_s=at_ms / 1000, end_s=(at_ms + length_ms) / 1000, confidence=0.9))
        at_ms += length_ms
    return words


def spans_to_highlights(gaps: list[tuple[int, int]], score: float) -> tuple[Highlight, ...]:
    highlights, at = [], 0
    for gap, length in gaps:
        at += gap
        highlights.append(Highlight(span=span(at, at + length), score=score, reasons=(f"{score}",)))
        at += length
    return tuple(highlights)


motions = st.lists(st.tuples(st.integers(0, 30), st.integers(1, 90)), max_size=6).map(
    lambda gaps: spans_to_highlights(gaps, 0.5)
)
speeches = st.lists(st.tuples(st.integers(0, 12), st.integers(4, 20)), max_size=12).map(
    lambda gaps: spans_to_highlights(gaps, 0.25)
)


def test_a_sentence_has_a_lead_in_and_a_run_out() -> None:
    (one,) = found(spoken(SENTENCE, 10))
    assert (round(one.span.start_s, 3), round(one.span.end_s, 3)) == (9.7, 15.7)
    assert one.reasons == (THOUGHT_REASON,)


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


@given(speech())
def test_candidates_are_in_order_in_the_source_of_their_length_and_never_overlap(words: list[Word]) -> None:
    end_s = words[-1].end_s + 1 if words else 1.0
    candidates = found(words, duration_s=end_s)
    assert all(SHORTEST_S - 1e-6 <= each.span.duration_s <= LONGEST_S + 1e-6 for each in candidates)
    assert all(each.span.start_s >= 0 and each.span.end_s <= end_s and 0 <= each.score <= 1 for each in candidates)
    assert all(one.span.end_s <= other.span.start_s for one, other in itertools.pairwise(candidates))
    assert all(each.reasons for each in candidates)


@given(speech())
def test_no_word_is_cut(words: list[Word]) -> None:
    borders = [t for each in found(words, duration_s=1000) for t in (each.span.start_s, each.span.end_s)]
    assert not [(t, word) for t in borders for word in words if word.start_s + 1e-9 < t < word.end_s - 1e-9]


def test_where_movement_and_speech_meet_is_one_candidate_with_both_reasons() -> None:
    moving = Highlight(span=span(0, 10), score=0.5, reasons=("movement",))
    speaking = Highlight(span=span(8, 15), score=0.5, reasons=(QUESTION_REASON,))
    far = [Highlight(span=span(t, t + 5), score=0.1, reasons=("movement",)) for t in (100, 200, 300)]
    first, *_ = combine([moving, *far], [speaking])
    assert (first.span, first.score, first.reasons) == (span(0, 15), 0.75, ("movement", QUESTION_REASON))


def test_one_long_movement_is_four_candidates_each_with_its_own_score() -> None:
    moving = Highlight(span=span(0, 40), score=0.5, reasons=("movement",))
    parts = combine([moving], [], motion_score=lambda part: part.start_s / 100)
    assert [(each.span, each.score) for each in parts] == [
        (span(0, 10), 0.0),
        (span(10, 20), 0.1),
        (span(20, 30), 0.2),
        (span(30, 40), 0.3),
    ]


def test_movement_with_speech_all_through_it_is_cut_between_sentences() -> None:
    moving = Highlight(span=span(0, 100), score=0.5, reasons=("movement",))
    speaking = [Highlight(span=span(10 * n, 10 * n + 8), score=0.5, reasons=("a whole thought",)) for n in range(10)]
    parts = combine([moving], speaking)
    assert len(parts) >= 4
    assert all(each.span.duration_s <= 30 and len(each.reasons) == 2 for each in parts)


@given(motions, speeches)
def test_the_candidates_cover_both_and_never_overlap(
    moving: tuple[Highlight, ...], speaking: tuple[Highlight, ...]
) -> None:
    candidates = combine(moving, speaking)
    covered = join_near(each.span for each in candidates)
    assert covered == join_near(each.span for each in (*moving, *speaking))
    assert all(one.span.end_s <= other.span.start_s for one, other in itertools.pairwise(candidates))
    assert all(0 <= each.score <= 1 and each.reasons for each in candidates)


@given(motions, speeches)
def test_no_passage_is_cut_and_reasons_are_those_of_what_is_in_it(
    moving: tuple[Highlight, ...], speaking: tuple[Highlight, ...]
) -> None:
    for each in combine(moving, speaking):
        assert not [s for s in speaking if s.span.start_s < each.span.start_s < s.span.end_s]
        wanted = {
            *("0.5" for m in moving if meet(m.span, each.span)),
            *("0.25" for s in speaking if meet(s.span, each.span)),
        }
        assert set(each.reasons) == wanted


@given(motions)
def test_there_are_four_candidates_where_the_source_has_them(moving: tuple[Highlight, ...]) -> None:
    candidates = combine(moving, [])
    room_s = total_s(each.span for each in moving)
    assert len(candidates) >= min(4, max(len(moving), 0))
    assert len(candidates) >= 4 or all(each.span.duration_s < 2 * SHORTEST_S for each in candidates) or room_s == 0


def meet(one: Span, other: Span) -> bool:
    return one.start_s < other.end_s and other.start_s < one.end_s
