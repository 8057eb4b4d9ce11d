"""What is left of a candidate for which there is not enough room."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain.motion import Look
from shared.domain.shortening import shortened
from shared.domain.span import Span, span

SENTENCES = [span(1.0, 3.0), span(3.4, 5.0), span(5.6, 9.5), span(30.0, 34.0)]


@pytest.mark.parametrize(
    ("at_most_s", "kept"),
    [
        (2.6, (0.7, 3.2)),  # one sentence with the silence around it
        (4.9, (5.3, 10.0)),  # the last one is longer than the first two together
        (4.65, (0.7, 5.3)),
        (20.0, (0.7, 10.0)),
    ],
)
def test_whole_sentences_are_kept_as_many_as_fit(at_most_s: float, kept: tuple[float, float]) -> None:
    found = shortened(span(0, 12), at_most_s, sentences=SENTENCES, looks=[])
    assert found is not None
    assert (found.start_s, found.end_s) == pytest.approx(kept)


def test_a_sentence_is_never_cut() -> None:
    assert shortened(span(0, 12), 1.5, sentences=SENTENCES, looks=[]) is None
    assert shortened(span(6, 12), 3.0, sentences=SENTENCES, looks=[]) == span(9.5, 12.0), "it begins inside one"


def test_a_movement_is_shown_around_its_fastest_moment() -> None:
    looks = [Look(t_s=t / 2, speed=0.1, energy=2.0 if t == 36 else 0.3) for t in range(80)]
    assert shortened(span(9, 25), 6.0, sentences=SENTENCES, looks=looks) == span(15, 21)
    assert shortened(span(16, 25), 6.0, sentences=SENTENCES, looks=looks) == span(16, 22)


spans = st.tuples(st.floats(0, 50), st.floats(0.1, 10)).map(lambda at: span(at[0], at[0] + at[1]))


@given(spans, st.floats(0.5, 20), st.lists(st.floats(0.05, 3), max_size=12))
def test_what_is_kept_lies_inside_and_fits(whole: Span, at_most_s: float, lengths: list[float]) -> None:
    sentences, at_s = [], 0.0
    for length_s in lengths:
        sentences.append(span(at_s, at_s + length_s))
        at_s += length_s + length_s / 3
    found = shortened(whole, at_most_s, sentences=sentences, looks=[])
    if found is not None:
        assert whole.start_s <= found.start_s <= found.end_s <= whole.end_s
        assert found.duration_s <= at_most_s + 1e-6
        for each in sentences:
            assert not (each.start_s < found.start_s < each.end_s)
            assert not (each.start_s < found.end_s < each.end_s)
