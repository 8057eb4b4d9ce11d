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
