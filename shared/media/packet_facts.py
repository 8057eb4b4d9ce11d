"""How many bytes each picture of a source takes and when it is shown, without decoding."""

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import BinaryIO

import av

from shared.domain.video import Video
from shared.media.source import open_source
from shared.media.timeline import REORDERED, Damage, packets_before, picture_stream


@dataclass(frozen=True, slots=True, kw_only=True)
class PacketFact:
    """What a container tells about a picture."""

    shown_s: float
    """When it comes on screen, in source time (when it is decoded where only that is told)."""
    size_bytes: int
    is_keyframe: bool


def packet_facts(
    file: BinaryIO, video: Video, *, start_s: float, end_s: float, name: str, damage: Damage | None = None
) -> Iterator[PacketFact]:
    """Yield the pictures from a keyframe at or before `start_s` to `end_s`, in the order of decoding.

    Raises what `open_source` raises.
    """
    later = 0
    with open_source(file, name=name) as container:
        stream = picture_stream(container, video)
        base = stream.time_base or Fraction(1, av.time_base)
        for packet in packets_before(container, stream, start_s + video.start_s, damage=damage):
            ticks = packet.pts if packet.pts is not None else packet.dts
            if ticks is None or not packet.size:
                continue
            fact = PacketFact(
                shown_s=float(ticks * base) - video.start_s, size_bytes=packet.size, is_keyframe=packet.is_keyframe
            )
            if fact.shown_s < end_s:
                yield fact
            else:
                later += 1
            if later > REORDERED:
                return
