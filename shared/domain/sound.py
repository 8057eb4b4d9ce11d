"""What is known of a source's sound before a second of it is heard."""

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class AudioStream:
    """One sound track as the container describes it."""

    index: int
    """Stream index in the container."""
    codec: str
    rate_hz: int
    channels: int
    language: str | None = None
    """As tagged (ISO 639-2, e.g. "eng"), None when untagged."""
    is_default: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Sound:
    """A source without a moving picture, such as a podcast, measured.

    Source time is counted in seconds from its first sample, which lies at `start_s` on the container's clock.
    """

    container: str
    duration_s: float
    start_s: float
    audio: tuple[AudioStream, ...]
    """At least one."""
    warnings: tuple[str, ...] = ()
    """In the form of Video.warnings."""


def default_first(audio: Iterable[AudioStream]) -> list[AudioStream]:
    """Return the tracks in the order of preference: the default ones, then the others, each in the file's order."""
    return sorted(audio, key=lambda each: (not each.is_default, each.index))
