"""How long a clip of the reel may be."""

from dataclasses import dataclass
from math import inf

from shared.domain.span import Span

ROUNDING_S = 1e-6


@dataclass(frozen=True, slots=True, kw_only=True)
class ClipLengths:
    """The shortest and the longest clip, in seconds; `shortest_s` is at most `longest_s`."""

    shortest_s: float = 2.0
    longest_s: float = inf

    def allow(self, one: Span) -> bool:
        """Return whether a clip of that length may be shown."""
        return self.shortest_s - ROUNDING_S <= one.duration_s <= self.longest_s + ROUNDING_S


def clip_lengths(*, shortest_s: float, longest_s: float | None) -> ClipLengths:
    """Return the lengths that options tell; without a longest one no clip is too long."""
    return ClipLengths(shortest_s=shortest_s, longest_s=inf if longest_s is None else longest_s)
