"""Patience and budgets: how long silence may last and how often a thing is tried."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Numbers that settings may change; the defaults are those of the design."""

    max_tasks: int = 200
    """Most chunks in a stage's plan; chunks of a longer source grow."""
    max_attempts: int = 4
    """Times one chunk may be started before it counts as failed."""
    max_launches: int = 20
    """Times one stage may be launched; guards against a task that dies before it starts its chunk."""
    launching_s: float = 60.0
    """How long a launch may take before another run takes its place."""
    request_lost_s: float = 120.0
    """A requested stage that nobody launched for this long is requested again."""
    silent_after_s: float = 60.0
    """A running chunk whose position stands still this long is named in the record."""
    rerun_after_s: float = 180.0
    """A running chunk whose position stands still this long is run again."""
    start_within_s: float = 600.0
    """A launched stage of which no chunk was started or ended for this long, though its execution left the queue, is
    launched again: an image is pulled and a task begun within a few minutes."""
    short_source_s: float = 60.0
    """A source up to this length ends within 100 s, so a task of it may stand still for less long ..."""
    short_stuck_after_s: float = 35.0
    """... namely this long: two attempts, with 3 s each to start, and the other stage fit into the 100 s."""
    max_stuck: int = 2
    """Times a chunk's task may stand still and be ended; what hangs twice hangs always."""
    upload_expires_s: float = 7 * 24 * 3600.0
    """A resumable upload session lives this long; afterwards the job is expired."""
    deadline_base_s: float = 3600.0
    deadline_per_source_s: float = 20.0
    """A job ends within deadline_base_s + deadline_per_source_s × the source's length."""
    max_source_s: float = 12 * 3600.0
    max_source_bytes: int = 200 * 10**9

    def stuck_after_s(self, duration_s: float) -> float:
        """Return how long a task may stand still on a source of this length before it ends itself."""
        is_short = duration_s <= self.short_source_s
        return min(self.rerun_after_s, self.short_stuck_after_s) if is_short else self.rerun_after_s

    def deadline_s(self, duration_s: float) -> float:
        """Return how many seconds after it was queued a job must have ended."""
        return self.deadline_base_s + self.deadline_per_source_s * duration_s
