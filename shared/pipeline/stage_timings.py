"""How long a stage took, with its tasks' start-up told apart."""

from collections.abc import Iterable, Mapping
from typing import Any

from shared.domain.chunk import Chunk
from shared.domain.job import Stage
from shared.domain.messages import StageName
from shared.domain.span import Span, overlap_s, span

START_UP_S, READY_AT = "start_up_s", "ready_at"
"""What a chunk's numbers hold of its task: how long it took to be ready for work, counted from the start of its
process (or from when a process that was there already was given the chunk), and when it was, in s since the epoch."""


def stage_timings(name: StageName, stage: Stage, chunks: Iterable[Chunk]) -> dict[str, float]:
    """Return seconds by name for the report: nothing for a stage that was not begun or has not ended.

    `{name}_start_up_s` is the time in which at least one task was starting and none was at work, counted once however
    many started at once; a start-up beside another task's work costs no time of its own. `{name}_s` is all the rest
    from the stage's first launch to its end, so that the two make up the whole, and what nobody can explain (a launch
    that waited, an attempt that died, a night between two sessions) counts as work and flatters nobody.
    `{name}_start_up_worst_s` is the longest start-up of any task, hidden or not. Start-ups of tasks that did not end
    their chunk are not known.
    """
    if stage.started_at is None or stage.ended_at is None or stage.ended_at < stage.started_at:
        return {}
    whole = span(stage.started_at, stage.ended_at)
    starting: list[Span] = []
    working: list[Span] = []
    worst_s = 0.0
    for chunk in chunks:
        numbers: Mapping[str, Any] = chunk.numbers or {}
        if chunk.state != "done" or not {START_UP_S, READY_AT} <= numbers.keys():
            continue
        ready_at, start_up_s = numbers[READY_AT], max(0.0, numbers[START_UP_S])
        worst_s = max(worst_s, start_up_s)
        starting.append(span(ready_at - start_up_s, ready_at))
        working.append(span(ready_at, max(ready_at, chunk.moved_at)))
    either_s, working_s = overlap_s(whole, [*starting, *working]), overlap_s(whole, working)
    start_up_s = either_s - working_s
    timings = {f"{name}_s": round(whole.duration_s - start_up_s, 3)}
    if starting:
        timings |= {f"{name}_start_up_s": round(start_up_s, 3), f"{name}_start_up_worst_s": round(worst_s, 3)}
    return timings
