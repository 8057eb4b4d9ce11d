"""What a source's sound is, of one with a picture and of one without."""

from itertools import islice
from typing import BinaryIO

import av
from av.audio.frame import AudioFrame
from av.audio.stream import AudioStream as AvAudioStream
from av.container import InputContainer
from av.stream import Disposition, Stream

from shared.domain.sound import AudioStream, Sound, preferred_first
from shared.errors import BadVideo
from shared.media.sample_entry import sample_entries
from shared.media.source import describe, read_only
from shared.media.timeline import Damage, demux
from shared.media.timing import duration_of

MAX_PACKETS_BEFORE_SOUND = 600  # 13 s of AAC


def audio_streams(container: InputContainer, encrypted: frozenset[int]) -> tuple[AudioStream, ...]:
    """Return the sound tracks that can be decoded."""
    heard = (each for each in container.streams.audio if each.codec_context and each.index not in encrypted)
    return tuple(_audio(each) for each in heard)


def described(stream: Stream) -> str:
    """Return e.g. "audio aac"."""
    codec = stream.codec_context.name if stream.codec_context is not None else "unknown"
    return f"{stream.type} {codec}"


def probe_sound(container: InputContainer, file: BinaryIO, encrypted: frozenset[int], *, name: str) -> Sound:
    """Return what a source without a moving picture is.

    Raises BadVideo `no_video_stream` when it has no sound either, `encrypted`, `unsupported_codec` and `corrupt`.
    """
    tracks = container.streams.audio
    if not tracks:
        found = ", ".join(described(each) for each in container.streams) or "nothing"
        message = f"{name}: no video stream and no sound (found: {found}); choose a file with a moving picture."
        raise BadVideo("no_video_stream", message)
    audio = audio_streams(container, encrypted)
    if not audio and any(each.index in encrypted for each in tracks):
        raise BadVideo("encrypted", f"{name}: its sound is encrypted; use a copy without copy protection.")
    if not audio:
        found = ", ".join(sample_entries(file)) or "an unknown codec"
        message = f"{name}: no decoder for its sound (found: {found}); export it as AAC in MP4."
        raise BadVideo("unsupported_codec", message)
    stream = container.streams[preferred_first(audio)[0].index]
    assert isinstance(stream, AvAudioStream)
    first = _first_frame(container, stream, name=name)
    start_s = first.time if first.time is not None else float((stream.start_time or 0) * (stream.time_base or 0))
    duration_s, warnings = duration_of(container, stream, start_s)
    return Sound(
        container=container.format.name, duration_s=duration_s, start_s=start_s, audio=audio, warnings=warnings
    )


def _first_frame(container: InputContainer, stream: AvAudioStream, *, name: str) -> AudioFrame:
    read_only(container, stream)
    damage = Damage()
    for packet in islice(demux(container, stream, damage), MAX_PACKETS_BEFORE_SOUND):
        try:
            frame = next(iter(packet.decode()), None)
        except av.FFmpegError as error:
            damage.decode_errors += 1
            damage.last_error = describe(error)
            continue
        if frame is not None:
            return frame
    why = f" ({damage.last_error})" if damage else ""
    raise BadVideo("corrupt", f"{name}: its {described(stream)} cannot be decoded{why}; export or copy it again.")


def _audio(stream: AvAudioStream) -> AudioStream:
    return AudioStream(
        index=stream.index,
        codec=stream.codec_context.codec.canonical_name,
        rate_hz=stream.codec_context.sample_rate,
        channels=stream.codec_context.channels,
        language=stream.language if stream.language not in (None, "", "und") else None,
        is_default=bool(stream.disposition & Disposition.default),
    )
