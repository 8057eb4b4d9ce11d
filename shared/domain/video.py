"""What is known of a source before a frame of it is looked at."""

from dataclasses import dataclass
from fractions import Fraction

from shared.domain.sound import AudioStream, Sound


@dataclass(frozen=True, slots=True, kw_only=True)
class Video:
    """A source's picture and sound, measured.

    Source time is counted in seconds from the first shown frame of the picture, whatever the container's clock says;
    `start_s` is where that frame lies on the container's clock.
    """

    container: str
    duration_s: float
    start_s: float
    stream_index: int
    codec: str
    pixel_format: str
    coded_width: int
    coded_height: int
    width: int
    """As shown: rotation applied, pixels squared."""
    height: int
    fps: Fraction
    """Average frame rate."""
    is_variable_rate: bool
    rotation_deg: int
    """Clockwise turn that shows the coded picture upright: 0, 90, 180 or 270. Applied before `is_mirrored`."""
    is_mirrored: bool
    """Whether the turned picture is then mirrored left to right."""
    sample_aspect_ratio: Fraction
    is_interlaced: bool = False
    audio: tuple[AudioStream, ...] = ()
    lost_before_s: float = 0.0
    """Picture before the first frame that can be decoded; it lies before source time 0."""
    warnings: tuple[str, ...] = ()
    """Each of the form "code: sentence", the code in snake_case, for programs; so are the renderer's."""


Media = Video | Sound
"""A source, with a moving picture or without."""
