"""Synthetic clips whose picture and sound tell the time, and the readers that tell it back.

Every picture is a grid of black and white blocks: a marker row that reads only upright, then the frame's source time
in milliseconds as 16 bits. Every second begins with a beep of its own pitch. So a test can see *which* seconds came
out, the right way up, with the sound that belongs to them.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any, cast

import av
import numpy as np
from av.audio.frame import AudioFrame
from av.video.frame import PictureType, VideoFrame
from av.video.reformatter import VideoReformatter
from numpy.typing import NDArray

Grey = NDArray[np.uint8]
Sound = NDArray[np.float32]

MARKER = (1, 1, 0, 1, 0, 0, 0, 1)
BITS = 16
COLUMNS, ROWS = 8, 1 + BITS // 8
RATE_HZ = 48_000
BEEP_S = 0.03
TICKS = 90_000  # of the makers' clock: whole for every common rate


@dataclass(frozen=True, kw_only=True)
class ClipSpec:
    """What clip to make. The defaults are an ordinary one: MP4, H.264 with B-frames, 30 fps, AAC stereo."""

    seconds: float = 6.0
    fps: Fraction = Fraction(30)
    suffix: str = ".mp4"
    codec: str = "libx264"
    pixel_format: str = "yuv420p"
    size: tuple[int, int] = (160, 90)
    """As shown; a turned clip is coded the other way round."""
    keyframe_s: float = 1.0
    b_frames: int = 2
    b_pyramid: bool = False
    """Whether B-frames refer to B-frames, which takes two pictures of delay."""
    open_gop: bool = False
    x264: str = ""
    """More parameters of x264, each with a colon before it."""
    gaps_ms: tuple[int, ...] = ()
    """Gaps between frames, repeated over and over: a variable rate; empty for `fps`."""
    start_s: float = 0.0
    """Where the first frame lies on the container's clock."""
    rotation_deg: int = 0
    """Clockwise turn a player has to make."""
    is_mirrored: bool = False
    sample_aspect_ratio: Fraction | None = None
    full_range: bool = False
    has_picture: bool = True
    has_sound: bool = True
    sound_codec: str = "aac"
    sound_rate_hz: int = RATE_HZ
    sound_layout: str = "stereo"
    sound_starts_s: float = 0.0
    """In source time; below 0 it is there before the first picture (give `start_s` room for it)."""
    sound_gap_s: tuple[float, float] | None = None
    """From when to when there is no sound at all, in source time; the times around it stay right."""
    has_noise: bool = False
    """Whether the sound is noise, unlike itself at every other moment, instead of beeps."""
    container_options: dict[str, str] = field(default_factory=dict, hash=False)

    @property
    def frame_times_s(self) -> list[Fraction]:
        """When each frame is shown, in source time."""
        times, at = [], Fraction(0)
        while at < Fraction(self.seconds):
            times.append(at)
            step = Fraction(self.gaps_ms[(len(times) - 1) % len(self.gaps_ms)], 1000) if self.gaps_ms else 1 / self.fps
            at += step
        return times


def make_clip(folder: Path, spec: ClipSpec) -> Path:
    """Write the clip and return where it is."""
    path = folder / f"clip{spec.suffix}"
    with av.open(str(path), "w", container_options=spec.container_options) as output:
        streams: list[tuple[Any, Iterator[Any]]] = []
        if spec.has_picture:
            streams.append((_picture_stream(output, spec), _frames(spec)))
        if spec.has_sound:
            sound = output.add_stream(spec.sound_codec, rate=spec.sound_rate_hz, layout=spec.sound_layout)
            streams.append((sound, _sound_frames(spec)))
        for stream, frames in streams:
            for frame in (*frames, None):
                output.mux(stream.encode(frame))
    return path


def _picture_stream(output: Any, spec: ClipSpec) -> Any:
    stream = output.add_stream(spec.codec, rate=spec.fps)
    turned = spec.rotation_deg in (90, 270)
    stream.width, stream.height = (spec.size[1], spec.size[0]) if turned else spec.size
    stream.pix_fmt = spec.pixel_format
    context = stream.codec_context
    context.time_base = Fraction(1, TICKS)
    stream.time_base = Fraction(1, TICKS)
    context.thread_count = 1
    context.color_range = 2 if spec.full_range else 1
    context.gop_size = max(1, round(spec.keyframe_s * spec.fps))
    if spec.sample_aspect_ratio is not None:
        context.sample_aspect_ratio = spec.sample_aspect_ratio
    if spec.codec == "libx264":
        keyint = context.gop_size
        context.options = {
            "preset": "ultrafast",
            "crf": "16",
            "x264-params": f"keyint={keyint}:min-keyint={keyint}:scenecut=0:bframes={spec.b_frames}:b-adapt=0"
            f":b-pyramid={'normal' if spec.b_pyramid else 'none'}:open-gop={int(spec.open_gop)}{spec.x264}",
        }
    if spec.rotation_deg or spec.is_mirrored:
        stream.set_display_matrix(display_matrix(spec.rotation_deg, spec.is_mirrored))
    return stream


def display_matrix(rotation_deg: int, is_mirrored: bool) -> list[int]:
    """Return the nine numbers that ask a player for a clockwise turn and then a mirror."""
    a, b = {0: (1, 0), 90: (0, 1), 180: (-1, 0), 270: (0, -1)}[rotation_deg]
    c, d = -b, a
    if is_mirrored:
        a, c = -a, -c
    one = 1 << 16
    return [a * one, b * one, 0, c * one, d * one, 0, 0, 0, 1 << 30]


def as_coded(shown: Grey, rotation_deg: int, is_mirrored: bool) -> Grey:
    """Return the picture a player turns and mirrors into the shown one."""
    unmirrored = shown[:, ::-1] if is_mirrored else shown
    return np.ascontiguousarray(np.rot90(unmirrored, k=rotation_deg // 90))


def paint_time(time_ms: int, size: tuple[int, int], *, full_range: bool = False) -> Grey:
    """Return a brightness picture (height, width) that shows the time."""
    bits = [*MARKER, *((time_ms >> (BITS - 1 - n)) & 1 for n in range(BITS))]
    low, high = (0, 255) if full_range else (16, 235)
    grid = np.where(np.array(bits).reshape(ROWS, COLUMNS), high, low)
    down = np.arange(size[1]) * ROWS // size[1]
    across = np.arange(size[0]) * COLUMNS // size[0]
    return np.asarray(grid[down][:, across], np.uint8)


def read_time(picture: Grey) -> int:
    """Return the time in ms a brightness picture (height, width) shows; ValueError unless it is upright."""
    height, width = picture.shape
    rows = [slice(height * (4 * n + 1) // (4 * ROWS), height * (4 * n + 3) // (4 * ROWS)) for n in range(ROWS)]
    columns = [
        slice(width * (4 * n + 1) // (4 * COLUMNS), width * (4 * n + 3) // (4 * COLUMNS)) for n in range(COLUMNS)
    ]
    bits = [int(picture[row, column].mean() > 127) for row in rows for column in columns]
    if tuple(bits[:COLUMNS]) != MARKER:
        raise ValueError(f"not upright: the marker row reads {bits[:COLUMNS]}")
    return sum(bit << (BITS - 1 - n) for n, bit in enumerate(bits[COLUMNS:]))


def _frames(spec: ClipSpec) -> Iterator[VideoFrame]:
    context = VideoReformatter()
    value = 2 if spec.full_range else 1
    for time_s in spec.frame_times_s:
        shown = paint_time(round(time_s * 1000), spec.size, full_range=spec.full_range)
        frame = _grey_frame(as_coded(shown, spec.rotation_deg, spec.is_mirrored))
        frame.color_range = value
        frame = context.reformat(
            frame, format=spec.pixel_format, src_color_range=value, dst_color_range=value, threads=1
        )
        frame.pts = round((time_s + Fraction(spec.start_s)) * TICKS)
        frame.time_base = Fraction(1, TICKS)
        frame.pict_type = PictureType.NONE
        yield frame


def _grey_frame(luma: Grey) -> VideoFrame:
    """Return a 4:4:4 frame of the brightness, without colour, as it is."""
    height, width = luma.shape
    frame = VideoFrame(width, height, "yuv444p")
    colour = np.full_like(luma, 128)
    for plane, values in zip(frame.planes, (luma, colour, colour), strict=True):
        padded = np.full((height, plane.line_size), 128, np.uint8)
        padded[:, :width] = values
        plane.update(padded.tobytes())
    return frame


def beep_hz(second: int) -> float:
    """Return the pitch of a second's beep."""
    return 1000.0 + 250.0 * (second % 12)


def beep(second: int, rate_hz: int = RATE_HZ) -> Sound:
    """Return the beep that begins a second, in [-1, 1]."""
    t = np.arange(round(BEEP_S * rate_hz)) / rate_hz
    return np.asarray(0.8 * np.sin(2 * np.pi * beep_hz(second) * t) * np.hanning(t.size), np.float32)


def sound_of(seconds: float, rate_hz: int = RATE_HZ) -> Sound:
    """Return a clip's whole sound: a beep at the start of every second over a quiet hum."""
    t = np.arange(round(seconds * rate_hz)) / rate_hz
    sound = np.asarray(0.05 * np.sin(2 * np.pi * 220 * t), np.float32)
    for second in range(int(np.ceil(seconds))):
        at = second * rate_hz
        piece = beep(second, rate_hz)[: sound.size - at]
        sound[at : at + piece.size] += piece
    return sound


def noise_of(seconds: float, rate_hz: int = RATE_HZ) -> Sound:
    """Return noise from source time 0 on, the same for every clip."""
    return np.asarray(np.random.default_rng(8).normal(0, 0.1, round(seconds * rate_hz)), np.float32)


def _sound_frames(spec: ClipSpec) -> Iterator[AudioFrame]:
    rate_hz = spec.sound_rate_hz
    first = round(spec.sound_starts_s * rate_hz)
    whole = (noise_of if spec.has_noise else sound_of)(spec.seconds, rate_hz)
    mono = np.concatenate((np.zeros(max(0, -first), np.float32), whole[max(0, first) :]))
    channels = 1 if spec.sound_layout == "mono" else 2
    sample_format = "s16" if spec.sound_codec.startswith("pcm") else "fltp"
    for begin in range(0, mono.size, 4096):
        if spec.sound_gap_s and spec.sound_gap_s[0] <= (first + begin) / rate_hz < spec.sound_gap_s[1]:
            continue
        piece = np.tile(mono[begin : begin + 4096], (channels, 1))
        if sample_format == "s16":
            packed = np.asarray(piece.T.reshape(1, -1) * 32767, np.int16)
            frame = AudioFrame.from_ndarray(packed, format="s16", layout=spec.sound_layout)
        else:
            frame = AudioFrame.from_ndarray(np.ascontiguousarray(piece), format="fltp", layout=spec.sound_layout)
        frame.sample_rate = rate_hz
        frame.time_base = Fraction(1, rate_hz)
        frame.pts = first + begin + round(spec.start_s * rate_hz)
        yield frame


def shown_times(path: Path) -> list[tuple[float, float]]:
    """Return, for each frame of a video as a plain player decodes it, (when it is on screen, the time it shows), s."""
    return [(at_s, read_time(picture) / 1000) for at_s, picture in shown_pictures(path)]


def shown_pictures(path: Path) -> Iterator[tuple[float, Grey]]:
    """Yield (when it is on screen in s, its brightness) for each frame of a video as a plain player decodes it."""
    with av.open(str(path)) as container:
        for frame in container.decode(container.streams.video[0]):
            yield frame.time, _luma(frame)


def _luma(frame: VideoFrame) -> Grey:
    plane = frame.planes[0]
    values = np.frombuffer(memoryview(plane), np.uint8).reshape(plane.height, plane.line_size)
    return np.asarray(values[:, : plane.width], np.uint8)


def heard(path: Path) -> Sound:
    """Return a video's sound from its time 0 on, as a plain player plays it: 48 kHz, mixed to mono."""
    pieces: list[tuple[int, Sound]] = []
    with av.open(str(path)) as container:
        for frame in container.decode(container.streams.audio[0]):
            assert frame.sample_rate == RATE_HZ
            samples = cast(Sound, frame.to_ndarray()).mean(axis=0)
            pieces.append((round((frame.time or 0) * RATE_HZ), samples))
    out = np.zeros(max(begin + samples.size for begin, samples in pieces), np.float32)
    for begin, samples in pieces:
        skip = max(0, -begin)
        out[begin + skip : begin + samples.size] = samples[skip:]
    return out


def beeps_heard(sound: Sound, *, seconds: int = 12, loudness: float = 0.35) -> list[tuple[float, int]]:
    """Return (when it begins in s, which second it belongs to) of all beeps, in order."""
    found: list[tuple[float, int, float]] = []
    length = sound.size + round(BEEP_S * RATE_HZ)
    spectrum = np.fft.rfft(sound, length)
    for second in range(seconds):
        pattern = beep(second)
        # Correlation by way of the spectrum: 20 times faster than np.correlate here.
        score = np.fft.irfft(spectrum * np.conj(np.fft.rfft(pattern, length)), length)[: sound.size]
        score /= float(np.dot(pattern, pattern))
        while score.size and score.max() > loudness:
            at = int(score.argmax())
            found.append((at / RATE_HZ, second, float(score[at])))
            score[max(0, at - RATE_HZ // 20) : at + RATE_HZ // 20] = 0
    clear = [a for a in found if not any(abs(a[0] - b[0]) < BEEP_S and b[2] > a[2] for b in found)]
    return sorted((at, second) for at, second, _ in clear)


def trim_by_edit_list(path: Path, trim_s: float) -> None:
    """Change an MP4's edit lists so that players leave out its first seconds."""
    data = bytearray(path.read_bytes())
    (movie_scale,) = struct.unpack(">I", data[data.index(b"mvhd") + 16 : data.index(b"mvhd") + 20])
    at = data.find(b"trak")
    while at != -1:
        beyond = data.find(b"trak", at + 4)
        part = slice(at, beyond if beyond != -1 else len(data))
        mdhd, elst = data.index(b"mdhd", part.start), data.index(b"elst", part.start)
        (scale,) = struct.unpack(">I", data[mdhd + 16 : mdhd + 20])
        lasts, begins = struct.unpack(">Ii", data[elst + 12 : elst + 20])
        struct.pack_into(">Ii", data, elst + 12, lasts - round(trim_s * movie_scale), begins + round(trim_s * scale))
        at = beyond
    path.write_bytes(bytes(data))


def set_edits(path: Path, edits: list[tuple[float, float]]) -> None:
    """Give an MP4 of one track, its index at the end, other edits: (how long, from which second; -1 for nothing)."""
    data = path.read_bytes()
    at = data.index(b"elst") - 4
    movie, track, list_of_edits = data.index(b"moov") - 4, data.index(b"trak") - 4, data.index(b"edts") - 4
    (movie_scale,) = struct.unpack_from(">I", data, data.index(b"mvhd") + 16)
    (scale,) = struct.unpack_from(">I", data, data.index(b"mdhd") + 16)
    (size,) = struct.unpack_from(">I", data, at)
    (first,) = struct.unpack_from(">i", data, at + 20)  # decoding ahead of showing
    entries = b"".join(
        struct.pack(">Iii", round(lasts_s * movie_scale), first + round(from_s * scale) if from_s >= 0 else -1, 1 << 16)
        for lasts_s, from_s in edits
    )
    box = struct.pack(">I4sII", 16 + len(entries), b"elst", 0, len(edits)) + entries
    changed = bytearray(data[:at] + box + data[at + size :])
    for outer in (movie, track, list_of_edits):
        (outer_size,) = struct.unpack_from(">I", changed, outer)
        struct.pack_into(">I", changed, outer, outer_size + len(box) - size)
    path.write_bytes(bytes(changed))


def joined(first: Path, second: Path, made: Path, *, at_s: float) -> Path:
    """Write the pictures of one clip and then, from `at_s` on, of another as one stream under the first one's header.

    The second one should bring its parameter sets along in its packets (x264=":repeat-headers=1").
    """
    with av.open(str(made), "w") as output, av.open(str(first)) as one, av.open(str(second)) as two:
        stream = output.add_stream_from_template(one.streams.video[0])
        for source, shift_s in ((one, 0.0), (two, at_s)):
            for packet in source.demux(source.streams.video[0]):
                if packet.pts is None or packet.dts is None:
                    continue
                shift = round(shift_s / packet.time_base)
                packet.pts, packet.dts = packet.pts + shift, packet.dts + shift
                packet.stream = stream
                output.mux(packet)
    return made


ClipMaker = Callable[[ClipSpec], Path]
