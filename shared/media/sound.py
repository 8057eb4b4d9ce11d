"""The reel's sound: for every clip exactly its samples of the source, silence where there are none, soft joins, AAC."""

from __future__ import annotations  # Packet is generic for the type checker only

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import accumulate, pairwise
from typing import Final, Literal, cast

import av
import numpy as np
from av.audio.frame import AudioFrame
from av.audio.resampler import AudioResampler
from av.audio.stream import AudioStream
from av.container import InputContainer, OutputContainer
from av.packet import Packet
from numpy.typing import NDArray

from shared.domain.edit_list import EditList
from shared.domain.options import Loudness
from shared.domain.reel_time import ReelClip
from shared.domain.sound import preferred_first
from shared.domain.video import Media
from shared.media.source import describe, read_only
from shared.media.timeline import Damage, packets_before

RATE_HZ = 48_000
CHANNELS = 2
LAYOUT: Final = "stereo"
PRE_ROLL_S = 0.25  # several AAC files decode differently right after a seek; Opus asks for 80 ms
DRIFT_S = 0.008  # clocks of containers round (MKV: 1 ms); beyond this a time stamp is believed and a gap is real
FADE_S = 0.008  # a join without it clicks
CONTIGUOUS_S = 0.001  # a clip that begins this near to where the one before it ended goes on with it, as clocks round
BLOCK_S = 1.0  # sound is handed on in pieces of about this length: Python's part of the work is per piece
AAC = {"aac_coder": "fast", "cutoff": "20000"}
"""The noise of `fast` with mid/side stereo lay 4 to 10 dB lower than without, and lower than that of libav's defaults,
on a nearly mono recording and on a wide one; without, a copied reel would take 1.6 s instead of 2.1 s for 113 s. What
lies above the cutoff is lost, and loudness with it: of noise 2 LU by default."""
Block = NDArray[np.float32]
"""Shape (channels, samples); full scale is 1, which a mix may pass."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SoundSettings:
    """What the reel sounds like."""

    loudness: Loudness = "normalise"
    language: str | None = None
    """Of the track that is heard (ISO 639); None for the default one."""
    bitrate_bps: int = 160_000


@dataclass(frozen=True, slots=True)
class SoundClip:
    """Where a clip lies in the reel's sound, all but the first counted in samples."""

    start_s: float
    """In source time."""
    samples: int
    first_sample: int = 0
    """In the reel. Of a cross-fade, both clips have the samples: this one begins before the one before it has ended."""
    fade_in: int = 0
    """So many of its first samples come in, over the clip before (cross-fade) or out of silence."""
    fade_out: int = 0
    """So many of its last samples go out."""

    @property
    def beyond(self) -> int:
        """The first sample of the reel after the clip."""
        return self.first_sample + self.samples


def sound_stream(container: InputContainer, media: Media, language: str | None = None) -> AudioStream | None:
    """Return the sound track of the reel: the preferred one of those that have a decoder; None without any."""
    known = preferred_first(media.audio, language)
    return next((s for a in known if isinstance(s := container.streams[a.index], AudioStream)), None)


def encoded_clips(laid: Iterable[ReelClip], fps: Fraction) -> tuple[SoundClip, ...]:
    """Return the sound of clips on the reel's frame grid; every border is rounded from its exact time."""

    def sample(frame: int) -> int:
        return round(frame / fps * RATE_HZ)

    clips = []
    for clip in laid:
        first, beyond = clip.first_frame, clip.first_frame + clip.frames
        at, end = sample(first), sample(beyond)
        fade_in, fade_out = sample(first + clip.fade_in) - at, end - sample(beyond - clip.fade_out)
        clips.append(SoundClip(clip.start_s, end - at, at, fade_in, fade_out))
    return joined(clips)


def copied_clips_heard(edit_list: EditList) -> tuple[SoundClip, ...]:
    """Return the sound of a copied reel's clips; borders are rounded from the exact sums, so nothing adds up."""
    lengths_s = (Fraction(clip.actual.duration_s) for clip in edit_list.clips)
    borders = [round(total_s * RATE_HZ) for total_s in accumulate(lengths_s, initial=Fraction(0))]
    return joined(
        [
            SoundClip(clip.actual.start_s, beyond - first, first)
            for clip, (first, beyond) in zip(edit_list.clips, pairwise(borders), strict=True)
        ]
    )


def joined(clips: Sequence[SoundClip]) -> tuple[SoundClip, ...]:
    """Return the clips with a short fade where none is asked for; what goes on in the source is one clip, unfaded."""
    runs: list[SoundClip] = []
    for clip in clips:
        if runs and _goes_on(runs[-1], clip):
            runs[-1] = replace(runs[-1], samples=runs[-1].samples + clip.samples, fade_out=clip.fade_out)
        elif clip.samples:
            runs.append(clip)
    return tuple(_never_clicking(run) for run in runs)


def _goes_on(before: SoundClip, clip: SoundClip) -> bool:
    """Return whether a clip follows a cut that is none; measured from the run's beginning, so that nothing adds up."""
    if before.fade_out or clip.fade_in or clip.first_sample != before.beyond:
        return False
    return abs(before.start_s + before.samples / RATE_HZ - clip.start_s) < CONTIGUOUS_S


def _never_clicking(clip: SoundClip) -> SoundClip:
    ramp = round(FADE_S * RATE_HZ)
    fade_in = clip.fade_in or min(ramp, clip.samples // 2)
    fade_out = clip.fade_out or min(ramp, clip.samples // 2)
    return replace(clip, fade_in=fade_in, fade_out=fade_out)


def reel_sound(
    container: InputContainer, stream: AudioStream, media: Media, clips: Sequence[SoundClip], *, damage: Damage
) -> Iterator[Block]:
    """Yield the sound of all clips in order, as `joined` gives them: their samples and not one more or less.

    Clips that overlap are mixed at equal power. Only the end of one that the next one overlaps is held back.
    """
    tail = np.zeros((CHANNELS, 0), np.float32)
    overlaps = [max(0, before.beyond - clip.first_sample) for before, clip in pairwise(clips)]
    for clip, over_before, over_next in zip(clips, (0, *overlaps), (*overlaps, 0), strict=False):
        blocks = clip_sound(container, stream, media, clip, damage=damage)
        blocks = faded(blocks, clip, is_mixed=(over_before > 0, over_next > 0))
        held: list[Block] = []
        at = 0
        for block in blocks:
            if at < over_before:
                block = block.copy()
                both = min(block.shape[1], over_before - at)
                block[:, :both] += tail[:, at : at + both]
            alone = max(0, min(block.shape[1], clip.samples - over_next - at))
            if alone:
                yield block[:, :alone]
            if alone < block.shape[1]:
                held.append(block[:, alone:])
            at += block.shape[1]
        tail = np.concatenate(held, axis=1) if held else tail[:, :0]


def clip_sound(
    container: InputContainer, stream: AudioStream, media: Media, clip: SoundClip, *, damage: Damage
) -> Iterator[Block]:
    """Yield exactly the clip's samples, not faded; where the source has no sound, silence."""
    done = 0
    origin_s = media.start_s + clip.start_s
    frames = decoded_sound(container, stream, origin_s - PRE_ROLL_S, damage)
    for at, block in gathered(placed(frames, origin_s, rate_hz=RATE_HZ, layout=LAYOUT), until=clip.samples):
        if at >= clip.samples:
            break
        if at > done:
            yield from silence(at - done)
            done = at
        fresh = block[:, done - at : clip.samples - at]
        if fresh.shape[1]:
            yield fresh
            done += fresh.shape[1]
        if done == clip.samples:
            return
    yield from silence(clip.samples - done)


def add_sound(output: OutputContainer, *, bitrate_bps: int) -> AudioStream:
    """Add the reel's sound stream: AAC, 48 kHz, stereo."""
    stream = output.add_stream("aac", rate=RATE_HZ, layout=LAYOUT)
    stream.codec_context.bit_rate = bitrate_bps
    stream.codec_context.options = AAC
    return stream


def encode_sound(blocks: Iterable[Block], stream: AudioStream) -> Iterator[Packet[AudioStream]]:
    """Yield the encoded sound. The encoder's priming has a negative time, which the muxer turns into an edit list."""
    at = 0
    for block in blocks:
        yield from stream.encode(sound_frame(block, at))
        at += block.shape[1]
    yield from stream.encode(None)


def sound_frame(block: Block, at: int) -> AudioFrame:
    """Return the block as libav takes it, beginning at the reel's sample `at`."""
    frame = AudioFrame.from_ndarray(np.ascontiguousarray(block), format="fltp", layout=LAYOUT)
    frame.sample_rate = RATE_HZ
    frame.time_base = Fraction(1, RATE_HZ)
    frame.pts = at
    return frame


def silenced(heard: Damage) -> tuple[str, ...]:
    """Return the warning about what could not be decoded; none when all could."""
    if not heard:
        return ()
    return (f"sound_failed: {heard.places} of the sound could not be decoded; there it is silent ({heard.last_error})",)


def decoded_sound(container: InputContainer, stream: AudioStream, at_s: float, damage: Damage) -> Iterator[AudioFrame]:
    """Yield the stream's frames from a packet at or before `at_s` on the container's clock; damage is passed over."""
    read_only(container, stream)
    for packet in packets_before(container, stream, at_s, damage=damage):
        try:
            yield from packet.decode()
        except EOFError:
            return
        except av.FFmpegError as error:
            damage.decode_errors += 1
            damage.last_error = describe(error)


def placed(
    frames: Iterable[AudioFrame], origin_s: float, *, rate_hz: int, layout: Literal["mono", "stereo"]
) -> Iterator[tuple[int, Block]]:
    """Yield resampled blocks with where they start, in samples after `origin_s` (negative before it).

    More than two channels are mixed to stereo so quietly that the mix cannot pass full scale.
    """
    resampler: AudioResampler | None = None
    heard: tuple[int, str, str] | None = None
    level = np.float32(1)
    at = 0  # where the resampler's next sample lies
    expected_s = float("-inf")
    for frame in frames:
        start_s = frame.time if frame.time is not None else expected_s
        sounds = (frame.sample_rate, frame.format.name, frame.layout.name)
        if heard is None or sounds != heard or abs(start_s - expected_s) > DRIFT_S:
            if resampler is not None:
                yield from _run(resampler, None, at, level)
            is_as_wanted = sounds == (rate_hz, "fltp", layout)
            resampler = None if is_as_wanted else AudioResampler(format="fltp", layout=layout, rate=rate_hz)
            level = _mixing_level(frame) if layout == LAYOUT and sounds != heard else level
            heard = sounds
            at = round((start_s - origin_s) * rate_hz)
            expected_s = start_s
        if resampler is None:
            yield at, cast(Block, frame.to_ndarray())
            at += frame.samples
        else:
            frame.pts = None  # the resampler would fill gaps by itself
            for made in _run(resampler, frame, at, level):
                at = made[0] + made[1].shape[1]
                yield made
        expected_s += frame.samples / frame.sample_rate
    if resampler is not None:
        yield from _run(resampler, None, at, level)


def _run(
    resampler: AudioResampler, frame: AudioFrame | None, at: int, level: np.float32
) -> Iterator[tuple[int, Block]]:
    for made in resampler.resample(frame):
        block = cast(Block, made.to_ndarray())  # "fltp"
        yield at, block if level == 1 else block * level
        at += block.shape[1]


def _mixing_level(frame: AudioFrame) -> np.float32:
    """Return what keeps a mix of the frame's channels to stereo within full scale when all of them are at it."""
    channels = frame.layout.nb_channels
    if channels <= CHANNELS:
        return np.float32(1)
    samples = 256
    loudest = AudioFrame.from_ndarray(
        np.ones((1, samples * channels), np.float32), format="flt", layout=frame.layout.name
    )
    loudest.sample_rate = RATE_HZ
    mixed = AudioResampler(format="fltp", layout=LAYOUT, rate=RATE_HZ).resample(loudest)[0].to_ndarray()
    return np.float32(1 / max(1.0, float(np.abs(mixed).max())))


def gathered(pieces: Iterable[tuple[int, Block]], *, until: int) -> Iterator[tuple[int, Block]]:
    """Yield placed blocks of about BLOCK_S: those that follow on each other become one; ends at `until`."""
    enough = round(BLOCK_S * RATE_HZ)
    first, held, size = 0, list[Block](), 0
    for at, block in pieces:
        if held and (at != first + size or size >= enough):
            yield first, np.concatenate(held, axis=1)
            held, size = [], 0
        if not held:
            first = at
        held.append(block)
        size += block.shape[1]
        if first + size >= until:
            break
    if held:
        yield first, np.concatenate(held, axis=1)


def silence(samples: int) -> Iterator[Block]:
    """Yield so many samples of nothing."""
    piece = round(BLOCK_S * RATE_HZ)
    for begin in range(0, samples, piece):
        yield np.zeros((CHANNELS, min(piece, samples - begin)), np.float32)


def faded(blocks: Iterable[Block], clip: SoundClip, *, is_mixed: tuple[bool, bool] = (False, False)) -> Iterator[Block]:
    """Yield a clip's blocks with its fades; `is_mixed` tells of its beginning and end whether another clip is under it.

    Two clips that share nothing add up by their power: with sine and cosine it stays the same throughout. What comes
    out of silence does so by the square, which begins and ends level.
    """
    at = 0
    for block in blocks:
        n = block.shape[1]
        if at < clip.fade_in or at + n > clip.samples - clip.fade_out:
            where = np.arange(at, at + n) + 0.5
            rising = _risen(where / max(1, clip.fade_in), is_mixed=is_mixed[0])
            falling = _risen((clip.samples - where) / max(1, clip.fade_out), is_mixed=is_mixed[1])
            block = block * (rising * falling).astype(np.float32)
        yield block
        at += n


def _risen(share: NDArray[np.float64], *, is_mixed: bool) -> NDArray[np.float64]:
    sine = np.sin(np.clip(share, 0, 1) * (np.pi / 2))
    return np.asarray(sine if is_mixed else sine**2, np.float64)
