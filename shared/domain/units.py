"""Units and chunks: analysis is a function of units, a chunk is only a run of them.

A unit is a fixed span of source time and is computed the same way whether a task has one or all of them, so how many
chunks a source is cut into cannot change a result.
"""

import math
from dataclasses import dataclass

from shared.domain.span import Span, span

POSE_UNIT_S = 10.0  # long enough that a unit's clean start costs little, short enough to share out a short source


@dataclass(frozen=True, slots=True, kw_only=True)
class ChunkPlan:
    """How a stage's units are shared out: chunk i holds `units_per_chunk` units from unit i × `units_per_chunk`."""

    unit_s: float
    units: int
    units_per_chunk: int

    @property
    def chunks(self) -> int:
        return math.ceil(self.units / self.units_per_chunk)

    def units_of(self, chunk: int) -> range:
        """Return the unit numbers of a chunk. Raises IndexError for a chunk outside the plan."""
        if not 0 <= chunk < self.chunks:
            raise IndexError(f"chunk {chunk} of a plan of {self.chunks}")
        first = chunk * self.units_per_chunk
        return range(first, min(first + self.units_per_chunk, self.units))


def plan_chunks(*, duration_s: float, unit_s: float, chunk_s: float, max_tasks: int) -> ChunkPlan:
    """Return the plan whose chunks last about `chunk_s`, in whole units, at most `max_tasks` of them.

    Chunks grow where `max_tasks` would be exceeded. There is at least one unit.
    Raises ValueError if a duration is not positive.
    """
    if min(duration_s, unit_s, chunk_s) <= 0 or max_tasks < 1:
        raise ValueError(f"cannot plan {duration_s} s in units of {unit_s} s, chunks of {chunk_s} s, {max_tasks} tasks")
    units = max(1, math.ceil(duration_s / unit_s - 1e-9))
    wanted = max(1, round(chunk_s / unit_s))
    return ChunkPlan(unit_s=unit_s, units=units, units_per_chunk=max(wanted, math.ceil(units / max_tasks)))


def unit_span(unit: int, *, unit_s: float, duration_s: float) -> Span:
    """Return a unit's stretch of source time; the last one ends with the source."""
    return span(unit * unit_s, max(unit * unit_s, min((unit + 1) * unit_s, duration_s)))
