import pytest

from shared.domain.clip_lengths import ClipLengths
from shared.domain.highlight import fallback_highlight
from shared.domain.pose import PoseSample
from shared.domain.span import span


def samples(change_at: dict[int, float], seconds: int) -> list[PoseSample]:
    return [
        PoseSample(index=step, shown_s=step / 8, change=change_at.get(step // 8, 0.0)) for step in range(8 * seconds)
    ]


def test_the_fallback_shows_the_ten_seconds_in_which_most_changes() -> None:
    found = fallback_highlight(samples({31: 0.5, 33: 0.2}, 60), duration_s=60)
    assert found.span.duration_s == 10
    assert found.span.start_s <= 31 and found.span.end_s >= 34
    assert found.is_chosen


def test_the_fallback_of_a_short_source_is_the_source() -> None:
    assert fallback_highlight(samples({}, 4), duration_s=4).span == span(0, 4)


def test_where_nothing_changes_at_all_the_fallback_is_the_beginning() -> None:
    assert fallback_highlight(samples({}, 60), duration_s=60).span == span(0, 10)
    assert fallback_highlight([], duration_s=60).span == span(0, 10)


@pytest.mark.parametrize(
    ("lengths", "target_s", "length_s"),
    [
        (ClipLengths(longest_s=5), None, 5),
        (ClipLengths(longest_s=5), 3, 3),
        (ClipLengths(shortest_s=15), None, 15),
        (ClipLengths(), 30, 10),
    ],
)
def test_the_fallback_keeps_to_the_lengths_asked_for(
    lengths: ClipLengths, target_s: float | None, length_s: float
) -> None:
    found = fallback_highlight(samples({31: 0.5}, 60), duration_s=60, lengths=lengths, target_s=target_s)
    assert found.span.duration_s == length_s
    assert found.span.start_s <= 31 < found.span.end_s
    assert fallback_highlight([], duration_s=2, lengths=lengths, target_s=target_s).span == span(0, 2)
