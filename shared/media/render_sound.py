"""The reel of a source without a picture: an edit list and its source become one M4A."""

from __future__ import annotations  # Packet is generic for the type checker only

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import BinaryIO

import av
from av.container import OutputContainer

from shared.domain.edit_list import EditList
from shared.domain.reel_time import lay_out
from shared.domain.sound import Sound, missing_language
from shared.errors import BadVideo
from shared.media.loudness import mastered
from shared.media.reel_file import reel_file
from shared.media.sound import (
    RATE_HZ,
    Block,
    SoundSettings,
    add_sound,
    encode_sound,
    encoded_clips,
    reel_sound,
    silenced,
    sound_stream,
)
from shared.media.source import open_source
from shared.media.timeline import Damage

MEASURING_SHARE = 0.3  # of the progress: how long it takes beside decoding once more and encoding
SAMPLE_GRID = Fraction(RATE_HZ)
"""Cuts lie on samples: to `reel_time`, which counts frames, a sample is one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RenderedSound:
    """What was written, measured in the file."""

    duration_s: float
    warnings: tuple[str, ...] = ()
    """In the form of Video.warnings."""


def render_sound(
    file: BinaryIO,
    media: Sound,
    edit_list: EditList,
    path: Path,
    *,
    sound: SoundSettings,
    on_progress: Callable[[float], None],
    name: str = "the source",
) -> RenderedSound:
    """Write the reel to `path` as M4A (AAC), whatever its name, and return what it is; nothing is left on failure.

    `on_progress` is told a share in [0, 1] and may raise to stop. Raises BadVideo `render_failed` when the reel cannot
    be made and TryAgain when there is no room for it.
    """
    if not edit_list.clips or edit_list.duration_s <= 0:
        raise BadVideo("render_failed", f"{name}: the edit list is empty; choose at least one clip.")
    heard = Damage()
    with open_source(file, name=name) as container, reel_file(path, kind="ipod", name=name, doing="encoding") as output:
        source = sound_stream(container, media, sound.language)
        if source is None:
            raise BadVideo("render_failed", f"{name}: its sound cannot be decoded; export it as AAC.")
        clips = encoded_clips(lay_out(edit_list, SAMPLE_GRID), SAMPLE_GRID)
        total = max(1, clips[-1].beyond if clips else 0)
        blocks, warnings = mastered(
            lambda damage: reel_sound(container, source, media, clips, damage=damage),
            total,
            sound,
            damage=heard,
            on_progress=lambda share: on_progress(MEASURING_SHARE * share),
        )
        measured = 0.0 if sound.loudness == "keep" else MEASURING_SHARE
        _write(
            output,
            _told(blocks, total, lambda share: on_progress(measured + (1 - measured) * share)),
            sound.bitrate_bps,
        )
    warnings = (*missing_language(media.audio, sound.language), *warnings, *silenced(heard))
    return RenderedSound(duration_s=_duration_s(path), warnings=warnings)


def _write(output: OutputContainer, blocks: Iterator[Block], bitrate_bps: int) -> None:
    for packet in encode_sound(blocks, add_sound(output, bitrate_bps=bitrate_bps)):
        output.mux(packet)


def _told(blocks: Iterator[Block], total: int, on_progress: Callable[[float], None]) -> Iterator[Block]:
    done = 0
    for block in blocks:
        yield block
        done += block.shape[1]
        on_progress(done / total)


def _duration_s(path: Path) -> float:
    with av.open(f"file:{path.absolute()}") as reel:
        stream = reel.streams.audio[0]
        return float((stream.duration or 0) * (stream.time_base or Fraction(1, av.time_base)))
