"""Where speech is cut: near a fixed grid, in the widest silence there is.

A border is a function of the sound in its margin alone, so the tasks on both sides of it find the same one.
"""

from collections.abc import Iterable

from shared.domain.span import Span, span
from shared.domain.units import ChunkPlan

SPEECH_UNIT_S = 24.0  # with a margin at both ends a unit is at most 30 s long: one window of Whisper
MARGIN_S = 3.0  # in read speech somebody breathes within 6 s


def margin(border: int, *, duration_s: float) -> Span:
    """Return the stretch in which border `border` lies: 3 s around its place on the grid, inside the source."""
    at_s = border * SPEECH_UNIT_S
    start_s = min(max(0.0, at_s - MARGIN_S), duration_s)
    return span(start_s, max(start_s, min(at_s + MARGIN_S, duration_s)))


def is_found_by_listening(border: int, plan: ChunkPlan) -> bool:
    """Return whether a border lies between two units; the first and the last are the source's own ends."""
    return 0 < border < plan.units


def border_s(border: int, silences: Iterable[Span], *, duration_s: float) -> float:
    """Return where a border between two units lies: the middle of the widest silence in its margin.

    Of equally wide ones the nearest to the grid counts, then the earlier; without any it is the grid's own place.
    `silences` are in source time; what lies outside the margin does not count.
    """
    around, at_s = margin(border, duration_s=duration_s), border * SPEECH_UNIT_S
    inside = [
        span(max(each.start_s, around.start_s), min(each.end_s, around.end_s))
        for each in silences
        if min(each.end_s, around.end_s) > max(each.start_s, around.start_s)
    ]
    widest = min(inside, key=lambda each: (-each.duration_s, abs(each.middle_s - at_s), each.start_s), default=None)
    return widest.middle_s if widest is not None else min(at_s, duration_s)
