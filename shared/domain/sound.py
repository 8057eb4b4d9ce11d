"""What is known of a source's sound before a second of it is heard."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass

from shared.domain.language import is_same_language


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


def preferred_first(audio: Iterable[AudioStream], language: str | None = None) -> list[AudioStream]:
    """Return the tracks in the order of preference, each kind in the file's order.

    First come those in the asked language (ISO 639, None for any), then the default ones, then the others.
    """
    return sorted(audio, key=lambda each: (not _is_in(each, language), not each.is_default, each.index))


def missing_language(audio: Collection[AudioStream], language: str | None) -> tuple[str, ...]:
    """Return the warning that no track is in the asked language; none when there is one, or nothing was asked for."""
    if language is None or not audio or any(_is_in(each, language) for each in audio):
        return ()
    found = ", ".join(dict.fromkeys(each.language or "untagged" for each in audio))
    return (f"language_not_found: no sound track is tagged {language} (found: {found}); the default one is heard",)


def _is_in(track: AudioStream, language: str | None) -> bool:
    return language is not None and track.language is not None and is_same_language(track.language, language)
